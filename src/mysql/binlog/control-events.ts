import { xidText } from '../position.js';
import { Reader, unreadable } from './format.js';

/** The events that say where transactions begin and end, decoded from their body (header and checksum cut off). */

export interface GtidEvent {
  /** undefined for an anonymous transaction. */
  readonly gtid: string | undefined;
  /** Commit at the original server, µs; undefined before MySQL 8.0.1. */
  readonly commitMicros: number | undefined;
}

const originalTimestampFollows = 2 ** 55;

/** GTID_LOG_EVENT and ANONYMOUS_GTID_LOG_EVENT. */
export function parseGtid(reader: Reader, anonymous: boolean): GtidEvent {
  reader.skip(1);
  const uuid = reader.uuid();
  const number = reader.uint64();
  if (!anonymous && number < 1n) throw unreadable('a transaction has no number');
  let commitMicros: number | undefined;
  // The logical clock (1 + 8 + 8 bytes) and then, from 8.0.1, the commit times.
  if (reader.remaining >= 17 + 7 && reader.uint(1) === 2) {
    reader.skip(16);
    const immediate = reader.uint56();
    commitMicros = immediate;
    if (immediate >= originalTimestampFollows) {
      commitMicros = reader.remaining >= 7 ? reader.uint56() : immediate - originalTimestampFollows;
    }
  }
  return { gtid: anonymous ? undefined : `${uuid}:${number}`, commitMicros };
}

/** Fields of GTID_TAGGED_LOG_EVENT by id (Gtid_event::define_fields), each behind its id, absent ones left out. */
const TaggedField = { flags: 0, uuid: 1, number: 2, tag: 3, immediate: 6, original: 7, last: 11 } as const;

/** GTID_TAGGED_LOG_EVENT, one message of mysql::serialization. */
export function parseTaggedGtid(reader: Reader): GtidEvent {
  if (reader.varint() !== 1n) throw unreadable('a tagged GTID has an unknown version');
  reader.varint();
  if (reader.varint() > BigInt(TaggedField.last + 1)) throw unreadable('a tagged GTID has unknown fields');
  let uuid = '';
  let number = 0n;
  let tag = '';
  let immediate: number | undefined;
  let original: number | undefined;
  while (reader.remaining > 0) {
    const field = Number(reader.varint());
    if (field === TaggedField.uuid) {
      const bytes = Buffer.from(Array.from({ length: 16 }, () => Number(reader.varint())));
      uuid = new Reader(bytes, 0, 16).uuid();
    } else if (field === TaggedField.number) number = reader.signedVarint();
    else if (field === TaggedField.tag) tag = reader.text(Number(reader.varint()));
    else if (field === TaggedField.immediate) immediate = Number(reader.varint());
    else if (field === TaggedField.original) original = Number(reader.varint());
    else if (field <= TaggedField.last) reader.varint();
    else break;
  }
  if (uuid === '' || number < 1n) throw unreadable('a tagged GTID has no source or no number');
  return {
    gtid: tag === '' ? `${uuid}:${number}` : `${uuid}:${tag}:${number}`,
    commitMicros: original ?? immediate,
  };
}

export interface XaPrepareEvent {
  readonly onePhase: boolean;
  readonly xid: string;
}

export function parseXaPrepare(reader: Reader): XaPrepareEvent {
  const onePhase = reader.uint(1) !== 0;
  const format = reader.uint(4) | 0;
  const gtridLength = reader.uint(4);
  const bqualLength = reader.uint(4);
  return { onePhase, xid: xidText(format, reader.hex(gtridLength), reader.hex(bqualLength)) };
}

export type XaVerb = 'start' | 'end' | 'prepare' | 'commit' | 'rollback';

const xaStatement =
  /^XA\s+(START|BEGIN|END|PREPARE|COMMIT|ROLLBACK)\s+X'([0-9a-f]*)'\s*,\s*X'([0-9a-f]*)'\s*,\s*(-?\d+)/i;

/** The server writes XA statements in one normal form, the parts of the XID in hex. null: not an XA statement. */
export function parseXaStatement(sql: string): { verb: XaVerb; xid: string } | null {
  if (!/^XA\s/i.test(sql)) return null;
  const match = xaStatement.exec(sql);
  if (!match) throw unreadable('an XA statement has an unknown form');
  const word = match[1]!.toLowerCase();
  return {
    verb: word === 'begin' ? 'start' : (word as XaVerb),
    xid: xidText(match[4]!, match[2]!.toLowerCase(), match[3]!.toLowerCase()),
  };
}

/** Longer names no file system has, and this one is kept with every position. */
const maximumFileName = 512;

export function fileName(reader: Reader, length: number): string {
  if (length > maximumFileName) throw unreadable('a binlog file has an impossible name');
  return reader.text(length);
}

export interface RotateEvent {
  readonly file: string;
  readonly offset: number;
}

export function parseRotate(reader: Reader): RotateEvent {
  const offset = Number(reader.uint64());
  return { offset, file: fileName(reader, reader.remaining) };
}

/**
 * HEARTBEAT_LOG_EVENT_V2: the place that the source has reached, with an offset that does not end at 4 GiB.
 * Fields are type, length and value; type 0 ends them.
 */
export function parseHeartbeatV2(reader: Reader): RotateEvent {
  let file = '';
  let offset = 0;
  while (reader.remaining > 0) {
    const type = reader.packed();
    if (type === 0) break;
    const length = reader.packed();
    if (type === 1) file = fileName(reader, length);
    else if (type === 2) offset = new Reader(reader.bytes, reader.at, reader.end).packed();
    if (type !== 1) reader.skip(length);
  }
  return { file, offset };
}

export interface PayloadHeader {
  /** 0 is ZSTD, 255 none. */
  readonly compression: number;
  readonly uncompressedBytes: number;
  /** Where the compressed bytes begin, from the start of the event body. */
  readonly headerBytes: number;
}

/** The fields before the data of TRANSACTION_PAYLOAD_EVENT; null while `reader` holds too little of them. */
export function parsePayloadHeader(reader: Reader): PayloadHeader | null {
  const start = reader.at;
  let compression = 255;
  let uncompressedBytes = 0;
  while (reader.remaining >= 9) {
    const type = reader.packed();
    if (type === 0) return { compression, uncompressedBytes, headerBytes: reader.at - start };
    const length = reader.packed();
    if (reader.remaining < length) return null;
    const value = new Reader(reader.bytes, reader.at, reader.at + length);
    if (type === 2) compression = value.packed();
    else if (type === 3) uncompressedBytes = value.packed();
    reader.skip(length);
  }
  return null;
}
