import type { BinlogTable } from '../model.js';
import { ColumnType, Reader, unreadable } from './format.js';

/** Optional metadata of TABLE_MAP (Table_map_event::Optional_metadata_field_type). */
const Metadata = {
  signedness: 1,
  defaultCharset: 2,
  columnCharset: 3,
  columnName: 4,
  enumSetDefaultCharset: 10,
  enumSetColumnCharset: 11,
} as const;

/** TABLE_MAP from behind the table id and flags. Throws ROW-S109 on a type whose length is not known. */
export function parseTableMap(reader: Reader): BinlogTable {
  const database = reader.text(reader.uint(1));
  reader.skip(1);
  const name = reader.text(reader.uint(1));
  reader.skip(1);
  const columnCount = reader.packed();
  const columnTypes = new Uint8Array(reader.slice(columnCount));
  const columnMeta = new Uint16Array(columnCount);
  const metadata = new Reader(reader.bytes, reader.at, reader.end);
  const metadataBytes = metadata.packed();
  reader.at = metadata.at;
  for (let i = 0; i < columnCount; i++) columnMeta[i] = readColumnMeta(metadata, columnTypes, i);
  reader.skip(metadataBytes);
  for (let i = 0; i < columnCount; i++) toRealType(columnTypes, columnMeta, i);
  reader.skip((columnCount + 7) >> 3);
  return { database, name, columnCount, columnTypes, columnMeta, ...readOptional(reader, columnTypes) };
}

function readColumnMeta(reader: Reader, types: Uint8Array, i: number): number {
  switch (types[i]) {
    case ColumnType.float:
    case ColumnType.double:
    case ColumnType.blob:
    case ColumnType.tinyBlob:
    case ColumnType.mediumBlob:
    case ColumnType.longBlob:
    case ColumnType.json:
    case ColumnType.geometry:
    case ColumnType.vector:
    case ColumnType.timestamp2:
    case ColumnType.datetime2:
    case ColumnType.time2:
      return reader.uint(1);
    case ColumnType.varchar:
    case ColumnType.varString:
    case ColumnType.string:
    case ColumnType.enum:
    case ColumnType.set:
    case ColumnType.bit:
    case ColumnType.newdecimal:
      return reader.uint(2);
    case ColumnType.typedArray:
      throw unreadable('a column has the internal type TYPED_ARRAY');
    default:
      return 0;
  }
}

/** ENUM and SET travel as STRING, their real type in the first byte of the metadata. */
function toRealType(types: Uint8Array, meta: Uint16Array, i: number): void {
  if (types[i] !== ColumnType.string) return;
  const real = meta[i]! & 0xff;
  if (real === ColumnType.enum || real === ColumnType.set) types[i] = real;
}

type Optional = Pick<BinlogTable, 'columnNames' | 'columnUnsigned' | 'columnCollations'>;

function readOptional(reader: Reader, types: Uint8Array): Optional {
  let columnNames: string[] | undefined;
  let columnUnsigned: boolean[] | undefined;
  let columnCollations: number[] | undefined;
  while (reader.remaining > 0) {
    const field = reader.uint(1);
    const length = reader.packed();
    const value = new Reader(reader.bytes, reader.at, reader.at + length);
    reader.skip(length);
    switch (field) {
      case Metadata.signedness:
        columnUnsigned = readSignedness(value, types);
        break;
      case Metadata.columnName:
        columnNames = [];
        while (value.remaining > 0) columnNames.push(value.text(value.packed()));
        break;
      case Metadata.defaultCharset:
      case Metadata.columnCharset:
      case Metadata.enumSetDefaultCharset:
      case Metadata.enumSetColumnCharset:
        columnCollations ??= new Array<number>(types.length).fill(0);
        readCollations(value, field, types, columnCollations);
    }
  }
  return {
    ...(columnNames === undefined ? {} : { columnNames }),
    ...(columnUnsigned === undefined ? {} : { columnUnsigned }),
    ...(columnCollations === undefined ? {} : { columnCollations }),
  };
}

const numericTypes = new Set<number>([
  ColumnType.tiny,
  ColumnType.short,
  ColumnType.int24,
  ColumnType.long,
  ColumnType.longlong,
  ColumnType.float,
  ColumnType.double,
  ColumnType.newdecimal,
  ColumnType.year,
]);

/** One bit for each numeric column, the highest bit of a byte first. */
function readSignedness(reader: Reader, types: Uint8Array): boolean[] {
  const bits = reader.slice(reader.remaining);
  const unsigned: boolean[] = [];
  let bit = 0;
  for (const type of types) {
    if (!numericTypes.has(type)) unsigned.push(false);
    else {
      unsigned.push(((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
      bit++;
    }
  }
  return unsigned;
}

const characterTypes = new Set<number>([
  ColumnType.string,
  ColumnType.varString,
  ColumnType.varchar,
  ColumnType.blob,
  ColumnType.tinyBlob,
  ColumnType.mediumBlob,
  ColumnType.longBlob,
]);

/** Either one default and the columns that differ from it, counted among their kind, or one collation a column. */
function readCollations(reader: Reader, field: number, types: Uint8Array, into: number[]): void {
  const forMembers = field === Metadata.enumSetDefaultCharset || field === Metadata.enumSetColumnCharset;
  const columns: number[] = [];
  types.forEach((type, i) => {
    const isMember = type === ColumnType.enum || type === ColumnType.set;
    if (forMembers ? isMember : characterTypes.has(type)) columns.push(i);
  });
  if (field === Metadata.columnCharset || field === Metadata.enumSetColumnCharset) {
    for (const i of columns) into[i] = reader.packed();
    return;
  }
  const standard = reader.packed();
  for (const i of columns) into[i] = standard;
  while (reader.remaining > 0) {
    const i = columns[reader.packed()];
    const collation = reader.packed();
    if (i !== undefined) into[i] = collation;
  }
}
