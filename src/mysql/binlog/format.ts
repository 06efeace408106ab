import { RowferryError } from '../../shared/errors.js';

/** Binlog event types (MySQL source documentation, mysql::binlog::event::Log_event_type). */
export const EventType = {
  query: 2,
  stop: 3,
  rotate: 4,
  format: 15,
  xid: 16,
  executeLoadQuery: 18,
  tableMap: 19,
  writeRowsV1: 23,
  updateRowsV1: 24,
  deleteRowsV1: 25,
  incident: 26,
  heartbeat: 27,
  rowsQuery: 29,
  writeRows: 30,
  updateRows: 31,
  deleteRows: 32,
  gtid: 33,
  anonymousGtid: 34,
  previousGtids: 35,
  xaPrepare: 38,
  partialUpdateRows: 39,
  transactionPayload: 40,
  heartbeatV2: 41,
  gtidTagged: 42,
} as const;

/** Known events that carry nothing we need: statement-format helpers, group-replication bookkeeping, row comments. */
export const ignoredEvents = new Set<number>([3, 5, 9, 11, 13, 14, 17, 28, 29, 36, 37]);

export const headerBytes = 19;
export const checksumBytes = 4;

/** Flags of the event header. */
export const artificialFlag = 0x20;
/** LOG_EVENT_THREAD_SPECIFIC_F: the statement used a temporary table of its session. */
export const threadSpecificFlag = 0x4;
export const ignorableFlag = 0x80;

/** Type codes of columns in TABLE_MAP (MySQL source documentation, enum_field_types). */
export const ColumnType = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newdate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  datetime2: 18,
  time2: 19,
  typedArray: 20,
  vector: 242,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

/** Where an event could not be read: what it was and what was wrong. Never a reason to skip it. */
export function unreadable(what: string): RowferryError {
  return new RowferryError('ROW-S109', `The binlog cannot be read safely: ${what}.`);
}

/** Reads the fields of one event, in order. Reading past the end throws ROW-S109. */
export class Reader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  #take(length: number): number {
    const at = this.at;
    if (at + length > this.end) throw unreadable('an event ends before its last field');
    this.at = at + length;
    return at;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  skip(length: number): void {
    this.#take(length);
  }

  uint(length: 1 | 2 | 3 | 4 | 5 | 6): number {
    return this.bytes.readUIntLE(this.#take(length), length);
  }

  uint64(): bigint {
    return this.bytes.readBigUInt64LE(this.#take(8));
  }

  /** 7 bytes; exact, since timestamps in µs stay below 2^53. */
  uint56(): number {
    const low = this.uint(4);
    return low + this.uint(3) * 0x100000000;
  }

  /** Length-encoded integer of the client/server protocol. */
  packed(): number {
    const first = this.uint(1);
    if (first < 251) return first;
    if (first === 252) return this.uint(2);
    if (first === 253) return this.uint(3);
    if (first === 254) return Number(this.uint64());
    throw unreadable('a length has an unknown form');
  }

  /** Variable-length integer of mysql::serialization: the trailing one bits of the first byte count the bytes that follow. */
  varint(): bigint {
    const first = this.uint(1);
    let extra = 0;
    while (extra < 8 && (first >> extra) & 1) extra++;
    if (extra === 8) return this.uint64();
    let value = BigInt(first >> (extra + 1));
    for (let i = 0; i < extra; i++) value |= BigInt(this.uint(1)) << BigInt(7 - extra + 8 * i);
    return value;
  }

  /** As varint(), for fields that are signed there (zigzag). */
  signedVarint(): bigint {
    const value = this.varint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }

  slice(length: number): Buffer {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  text(length: number): string {
    const at = this.#take(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  hex(length: number): string {
    const at = this.#take(length);
    return this.bytes.toString('hex', at, at + length);
  }

  uuid(): string {
    const hex = this.hex(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}
