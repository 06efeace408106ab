/**
 * A place in the source's change stream. `gtidSet` is there when the server runs with gtid_mode=ON and then
 * rules alone; file and offset are always known once a stream has begun. Offsets are bytes.
 */
export interface SourcePosition {
  readonly gtidSet?: string;
  readonly file?: string;
  readonly offset?: number;
  /** The server that wrote file:offset; a file position is meaningless on another one. */
  readonly serverUuid?: string;
  /** Creation of `file`, seconds since the epoch: another value under the same name means that numbering was reset. */
  readonly fileCreated?: number;
  /** Commit time at the source of the last transaction before this place, µs since the epoch, when known. */
  readonly commitMicros?: number;
  /** The last transaction before this place that the stream gave: a server that has another one has another history. */
  readonly last?: LastTransaction;
}

/** What tells a transaction from any other that has its number, or stands where it stood. */
export interface LastTransaction {
  /** Missing where it has none. */
  readonly gtid?: string;
  /** When it was committed at the server that it comes from, µs; missing before MySQL 8.0.1. Replicas keep it. */
  readonly commitMicros?: number;
  /** In the binlog of the position's server. */
  readonly begins?: BeginsAt;
}

/** Where the first event of a transaction stands, which holds when it was committed, and that event's CRC-32. */
export interface BeginsAt {
  readonly file: string;
  readonly offset: number;
  readonly crc: number;
}
