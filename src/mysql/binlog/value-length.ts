import { ColumnType } from './format.js';

/** Bytes that a group of 0 to 9 decimal digits takes. */
const digitBytes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

function decimalBytes(precision: number, scale: number): number {
  const part = (digits: number): number => Math.floor(digits / 9) * 4 + digitBytes[digits % 9]!;
  return part(precision - scale) + part(scale);
}

/**
 * How long a column's value is in a row event: its bytes when that is fixed, minus the bytes of its little-endian
 * length prefix when it is not, undefined for a type that is not known. `meta` as in BinlogTable.columnMeta.
 */
export function valueLength(type: number, meta: number): number | undefined {
  const first = meta & 0xff;
  const second = meta >> 8;
  switch (type) {
    case ColumnType.null:
      return 0;
    case ColumnType.tiny:
    case ColumnType.year:
      return 1;
    case ColumnType.short:
      return 2;
    case ColumnType.int24:
    case ColumnType.date:
    case ColumnType.newdate:
    case ColumnType.time:
      return 3;
    case ColumnType.long:
    case ColumnType.float:
    case ColumnType.timestamp:
      return 4;
    case ColumnType.longlong:
    case ColumnType.double:
    case ColumnType.datetime:
      return 8;
    case ColumnType.timestamp2:
      return 4 + ((first + 1) >> 1);
    case ColumnType.datetime2:
      return 5 + ((first + 1) >> 1);
    case ColumnType.time2:
      return 3 + ((first + 1) >> 1);
    case ColumnType.newdecimal:
      return decimalBytes(first, second);
    case ColumnType.bit:
      return second + (first > 0 ? 1 : 0);
    case ColumnType.enum:
    case ColumnType.set:
      return second;
    case ColumnType.varchar:
    case ColumnType.varString:
      return meta < 256 ? -1 : -2;
    case ColumnType.string:
      // Lengths over 255 hide their two highest bits, inverted, in the type byte.
      return (((first & 0x30) ^ 0x30) << 4) + second < 256 ? -1 : -2;
    case ColumnType.tinyBlob:
      return -1;
    case ColumnType.mediumBlob:
      return -3;
    case ColumnType.longBlob:
      return -4;
    case ColumnType.blob:
    case ColumnType.json:
    case ColumnType.geometry:
    case ColumnType.vector:
      return first >= 1 && first <= 4 ? -first : undefined;
    default:
      return undefined;
  }
}
