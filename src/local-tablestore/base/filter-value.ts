import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { WireFormatError } from '../../tablestore/wire/protobuf.js';

/** A value to compare: type byte, and bytes[start, end) without a length prefix. */
export interface FilterValue {
  readonly type: number;
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A variant as filters and split points carry it: type byte, LE32 length for string and binary, payload. */
export function parseVariant(bytes: Buffer): FilterValue {
  const type = bytes[0];
  switch (type) {
    case Variant.INTEGER:
    case Variant.DOUBLE:
      if (bytes.length !== 9) break;
      return { type, source: bytes, start: 1, end: 9 };
    case Variant.BOOLEAN:
      if (bytes.length !== 2) break;
      return { type, source: bytes, start: 1, end: 2 };
    case Variant.STRING:
    case Variant.BINARY:
      if (bytes.length < 5 || bytes.readUInt32LE(1) !== bytes.length - 5) break;
      return { type, source: bytes, start: 5, end: bytes.length };
  }
  throw new WireFormatError('value of a filter is malformed');
}

/** Order of two values of the same type: negative, 0 or positive. */
export function compareValues(a: FilterValue, b: FilterValue): number {
  switch (a.type) {
    case Variant.INTEGER: {
      const difference = a.source.readBigInt64LE(a.start) - b.source.readBigInt64LE(b.start);
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    }
    case Variant.DOUBLE:
      return a.source.readDoubleLE(a.start) - b.source.readDoubleLE(b.start);
    default:
      return a.source.compare(b.source, b.start, b.end, a.start, a.end);
  }
}
