import type { BinlogTable, TableMetadata } from '../model.js';
import { ColumnType, Reader, unreadable } from './format.js';
import { readTableMetadata } from './table-metadata.js';

/** MySQL manual, "Limits on Table Column Count". */
const maximumColumns = 4096;

/** TABLE_MAP from behind the table id and flags. Throws ROW-S109 on a type whose length is not known. */
export function parseTableMap(reader: Reader): BinlogTable {
  const database = reader.text(reader.uint(1));
  reader.skip(1);
  const name = reader.text(reader.uint(1));
  reader.skip(1);
  const columnCount = reader.packed();
  if (columnCount < 1 || columnCount > maximumColumns)
    throw unreadable(`a table has the impossible number of ${columnCount} columns`);
  const columnTypes = new Uint8Array(reader.slice(columnCount));
  const columnMeta = new Uint16Array(columnCount);
  const metadata = new Reader(reader.bytes, reader.at, reader.end);
  const metadataBytes = metadata.packed();
  reader.at = metadata.at;
  for (let i = 0; i < columnCount; i++) columnMeta[i] = readColumnMeta(metadata, columnTypes, i);
  reader.skip(metadataBytes);
  for (let i = 0; i < columnCount; i++) toRealType(columnTypes, columnMeta, i);
  const nullBits = reader.slice((columnCount + 7) >> 3);
  const optional = reader.slice(reader.remaining);
  let read: TableMetadata | null = null;
  return {
    database,
    name,
    columnCount,
    columnTypes,
    columnMeta,
    isNullable: (i) => (nullBits[i >> 3]! & (1 << (i & 7))) !== 0,
    // Of most tables in a binlog nobody asks.
    metadata: () => (read ??= readTableMetadata(optional, columnTypes)),
  };
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
