import type { CellType } from '../../shared/task.js';
import { identifier } from '../identifier.js';
import type { Column, RowFormat } from '../model.js';
import { CharsetNotLoaded, isCopied, loadCharsetDecoders, type CharsetDecoders } from './charset.js';
import type { Decode } from './decode.js';
import { bitDecoder, integerDecoders, yearDecoders } from './integers.js';
import { decimalDecoders, doubleDecoders } from './numbers.js';
import { temporalDecoders } from './temporal.js';
import { binaryDecoders, jsonDecoders, memberDecoders, textDecoder } from './text.js';

export { CharsetNotLoaded, isCopied, loadCharsetDecoders, type CharsetDecoders, type Decode };

/** Types that a Tablestore key column can have (docs/tablestore.md §3). */
export type KeyType = 'STRING' | 'INTEGER' | 'BINARY';

export interface CellTarget {
  readonly type: CellType;
  /** For INTEGER from a date or time: ms (default) or µs since 1970. */
  readonly unit?: 'ms' | 'us';
}

export interface DecodeContext {
  readonly charsets: CharsetDecoders;
  /** Type code of the column in the TABLE_MAP event, for formats that only old tables have. */
  readonly binlogType?: number;
}

/** All there is to say of a MySQL type. A new type is a new row of `types`. */
interface TypeRow {
  /** Cell types it can become, the default first. */
  readonly cells: readonly CellType[];
  /** What it is as a key column; null when it cannot be one. */
  readonly key: KeyType | null;
  readonly decoders: (
    column: Column,
    target: CellTarget,
    context: DecodeContext,
  ) => Record<RowFormat, Decode>;
  /** The expression that brings the value in a SELECT, of the quoted name; the name itself when missing. */
  readonly select?: (name: string) => string;
}

const same = (decode: Decode): Record<RowFormat, Decode> => ({ text: decode, binlog: decode });

const integer: TypeRow = {
  cells: ['INTEGER', 'STRING', 'DOUBLE', 'BOOLEAN'],
  key: 'INTEGER',
  decoders: (column, { type }) => integerDecoders(column, type),
};
const floating: TypeRow = {
  cells: ['DOUBLE'],
  key: null,
  decoders: (column) => doubleDecoders(column),
  // FLOAT prints six digits; as a product of doubles it prints all, and -0 keeps its sign, which a sum would lose.
  select: (name) => `${name}*1e0`,
};
const text: TypeRow = {
  cells: ['STRING', 'BINARY'],
  key: 'STRING',
  decoders: (column, { type }, { charsets }) => same(textDecoder(column, type, charsets)),
};
const members: TypeRow = {
  cells: ['STRING'],
  key: 'STRING',
  decoders: (column, _target, { charsets }) => memberDecoders(column, charsets),
};
const binary: TypeRow = {
  cells: ['BINARY', 'STRING'],
  key: 'BINARY',
  decoders: (column, { type }) => binaryDecoders(column, type),
};
const temporal: TypeRow = {
  cells: ['STRING', 'INTEGER'],
  key: 'STRING',
  decoders: (column, { type, unit }, { binlogType }) =>
    temporalDecoders(column, type, unit ?? 'ms', binlogType),
};
/** SRID and WKB as MySQL stores them, in both formats. */
const opaque: TypeRow = { ...binary, cells: ['BINARY'], key: null };

/** The one table of MySQL types, by INFORMATION_SCHEMA's DATA_TYPE. */
const types: Record<string, TypeRow> = {
  tinyint: integer,
  smallint: integer,
  mediumint: integer,
  int: integer,
  bigint: integer,
  decimal: {
    cells: ['STRING', 'DOUBLE', 'INTEGER'],
    key: 'STRING',
    decoders: (column, { type }) => decimalDecoders(column, type),
  },
  float: floating,
  double: floating,
  bit: {
    cells: ['INTEGER', 'BOOLEAN', 'STRING', 'BINARY'],
    key: 'INTEGER',
    decoders: (_column, { type }) => same(bitDecoder(type)),
  },
  year: { cells: ['INTEGER', 'STRING'], key: 'INTEGER', decoders: (_column, { type }) => yearDecoders(type) },
  date: temporal,
  time: temporal,
  datetime: temporal,
  timestamp: temporal,
  char: text,
  varchar: text,
  tinytext: text,
  text,
  mediumtext: text,
  longtext: text,
  enum: members,
  set: members,
  json: { cells: ['STRING'], key: null, decoders: () => jsonDecoders },
  binary,
  varbinary: binary,
  tinyblob: binary,
  blob: binary,
  mediumblob: binary,
  longblob: binary,
  vector: opaque,
  geometry: opaque,
  point: opaque,
  linestring: opaque,
  polygon: opaque,
  multipoint: opaque,
  multilinestring: opaque,
  multipolygon: opaque,
  geomcollection: opaque,
  geometrycollection: opaque,
};

/** DATA_TYPE of all that the table names. */
export const dataTypes: readonly string[] = Object.keys(types);

/** A type of a server newer than this table is carried as bytes. */
const rowOf = (column: Column): TypeRow => types[column.dataType] ?? opaque;

/** BIT(1) is a flag, longer ones are numbers. */
const isFlag = (column: Column) => column.dataType === 'bit' && column.length === 1;

export function defaultCellType(column: Column): CellType {
  return isFlag(column) ? 'BOOLEAN' : rowOf(column).cells[0]!;
}

/** Cell types that the task may choose for the column, the default first. */
export function allowedCellTypes(column: Column): readonly CellType[] {
  const standard = defaultCellType(column);
  const { cells } = rowOf(column);
  return [
    standard,
    ...cells.filter(
      (type) =>
        type !== standard && !(type === 'INTEGER' && column.dataType === 'decimal' && column.decimals > 0),
    ),
  ];
}

/** Type of the column as a Tablestore key, or null when it cannot be one. `chosen` is the task's own choice. */
export function keyType(column: Column, chosen?: CellType): KeyType | null {
  const row = rowOf(column);
  if (chosen === undefined) return row.key;
  if (chosen === 'DOUBLE' || chosen === 'BOOLEAN' || row.key === null) return null;
  return allowedCellTypes(column).includes(chosen) ? chosen : null;
}

/** Charsets whose tables the columns need. */
export function charsetsOf(columns: Iterable<Column>): Set<string> {
  const charsets = new Set<string>();
  for (const { charset } of columns) if (charset !== null && charset !== 'binary') charsets.add(charset);
  return charsets;
}

/** What stands for the column in the SELECT of a full load. */
export function selectExpression(column: Column): string {
  const name = identifier(column.name);
  const { select } = rowOf(column);
  if (select) return select(name);
  // The driver would read the column's own name in the column's charset, and knows not all of them. As bytes the
  // value is the same.
  return isCopied(column.charset) ? name : `CAST(${name} AS BINARY)`;
}

/**
 * The decoder of a column's values in one wire format. Both formats of one target give equal sink calls for equal
 * values. Throws when the target is not among allowedCellTypes().
 */
export function compileDecoder(
  column: Column,
  format: RowFormat,
  target: CellTarget,
  context: DecodeContext,
): Decode {
  const isKeyType = keyType(column) === target.type;
  if (!isKeyType && !allowedCellTypes(column).includes(target.type)) {
    throw new Error(`${column.columnType} cannot become ${target.type}`);
  }
  return rowOf(column).decoders(column, target, context)[format];
}
