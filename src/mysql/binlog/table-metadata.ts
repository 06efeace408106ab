import type { TableMetadata } from '../model.js';
import { ColumnType, Reader, unreadable } from './format.js';

/** Optional metadata of TABLE_MAP (MySQL source documentation, Table_map_event::Optional_metadata_field_type). */
const Field = {
  signedness: 1,
  defaultCharset: 2,
  columnCharset: 3,
  columnName: 4,
  setLabels: 5,
  enumLabels: 6,
  geometryType: 7,
  primaryKey: 8,
  primaryKeyWithPrefix: 9,
  memberDefaultCharset: 10,
  memberColumnCharset: 11,
  visibility: 12,
  vectorDimensions: 13,
} as const;

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
const characterTypes = new Set<number>([
  ColumnType.string,
  ColumnType.varString,
  ColumnType.varchar,
  ColumnType.blob,
  ColumnType.tinyBlob,
  ColumnType.mediumBlob,
  ColumnType.longBlob,
  ColumnType.vector,
]);
const memberTypes = new Set<number>([ColumnType.enum, ColumnType.set]);

type Written = { -readonly [K in keyof TableMetadata]: TableMetadata[K] };

/**
 * The optional metadata of a TABLE_MAP. Fields of a newer server are passed over. Throws ROW-S109 when a field does not
 * fit the columns: nothing of it is believed then.
 */
export function readTableMetadata(bytes: Buffer, types: Uint8Array): TableMetadata {
  const reader = new Reader(bytes, 0, bytes.length);
  const metadata: Written = {};
  const collations: number[] = [];
  const labels: (readonly Buffer[])[] = [];
  while (reader.remaining > 0) {
    const field = reader.uint(1);
    const length = reader.packed();
    const value = new Reader(reader.bytes, reader.at, reader.at + length);
    reader.skip(length);
    switch (field) {
      case Field.signedness:
        metadata.unsigned = readBits(value, placesOf(types, numericTypes), types.length);
        break;
      case Field.defaultCharset:
      case Field.memberDefaultCharset:
        readDefaultCollation(value, placesOf(types, charsetTypes(field)), collations);
        break;
      case Field.columnCharset:
      case Field.memberColumnCharset:
        for (const i of placesOf(types, charsetTypes(field))) collations[i] = value.packed();
        break;
      case Field.columnName:
        metadata.names = Array.from(types, () => value.text(value.packed()));
        break;
      case Field.setLabels:
      case Field.enumLabels:
        for (const i of placesOf(types, [field === Field.setLabels ? ColumnType.set : ColumnType.enum]))
          labels[i] = readLabels(value);
        break;
      case Field.geometryType:
        metadata.geometryTypes = readNumbers(value, placesOf(types, [ColumnType.geometry]));
        break;
      case Field.primaryKey:
      case Field.primaryKeyWithPrefix:
        metadata.primaryKey = readKey(value, field === Field.primaryKeyWithPrefix);
        break;
      case Field.visibility:
        metadata.visible = readBits(value, [...types.keys()], types.length);
        break;
      case Field.vectorDimensions:
        metadata.dimensions = readNumbers(value, placesOf(types, [ColumnType.vector]));
        break;
      default:
        continue;
    }
    if (value.remaining > 0) throw unreadable('the description of a table does not match its columns');
  }
  if (collations.length > 0) metadata.collations = collations;
  if (labels.length > 0) metadata.labels = labels;
  return metadata;
}

const charsetTypes = (field: number): ReadonlySet<number> =>
  field === Field.memberDefaultCharset || field === Field.memberColumnCharset ? memberTypes : characterTypes;

/** Places of the columns of some types: fields count among those. */
function placesOf(types: Uint8Array, of: Iterable<number>): number[] {
  const wanted = new Set(of);
  return [...types.keys()].filter((i) => wanted.has(types[i]!));
}

/** One bit for each of these columns, the highest of a byte first; false elsewhere. */
function readBits(reader: Reader, places: readonly number[], count: number): boolean[] {
  const bits = reader.slice((places.length + 7) >> 3);
  const set = new Array<boolean>(count).fill(false);
  places.forEach((place, bit) => (set[place] = (bits[bit >> 3]! & (0x80 >> (bit & 7))) !== 0));
  return set;
}

/** One for all of these columns, and those that differ from it, counted among them. */
function readDefaultCollation(reader: Reader, places: readonly number[], into: number[]): void {
  const standard = reader.packed();
  for (const place of places) into[place] = standard;
  while (reader.remaining > 0) {
    const place = places[reader.packed()];
    if (place === undefined) throw unreadable('the description of a table does not match its columns');
    into[place] = reader.packed();
  }
}

function readLabels(reader: Reader): Buffer[] {
  const labels: Buffer[] = [];
  for (let left = reader.packed(); left > 0; left--) labels.push(reader.slice(reader.packed()));
  return labels;
}

function readNumbers(reader: Reader, places: readonly number[]): number[] {
  const numbers: number[] = [];
  for (const place of places) numbers[place] = reader.packed();
  return numbers;
}

function readKey(reader: Reader, hasPrefixes: boolean): { column: number; prefix: number }[] {
  const parts: { column: number; prefix: number }[] = [];
  while (reader.remaining > 0) {
    const column = reader.packed();
    parts.push({ column, prefix: hasPrefixes ? reader.packed() : 0 });
  }
  return parts;
}
