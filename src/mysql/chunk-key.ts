import { identifier } from './connection.js';
import type { Column, Key, TableDefinition } from './model.js';

/**
 * The index by which a table is cut into chunks, and how its columns are compared (correctness rule 4). A bound
 * is one text for each column, fit for JSON: what boundExpression() selects and literal() turns back into SQL.
 */
export interface ChunkKey {
  readonly index: string;
  readonly columns: readonly ChunkColumn[];
}

export interface ChunkColumn {
  readonly column: Column;
  readonly kind: ChunkKind;
}

type ChunkKind =
  'integer' | 'decimal' | 'double' | 'number' | 'text' | 'bytes' | 'date' | 'datetime' | 'time';

/** undefined: the column cannot be a bound. FLOAT cannot, its text is not its value. */
function chunkKind(column: Column): ChunkKind | undefined {
  switch (column.dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'integer':
    case 'bigint':
      return 'integer';
    case 'decimal':
    case 'numeric':
      return 'decimal';
    case 'double':
      return 'double';
    // ORDER BY goes by their number and `>` by their text, unless both are made numbers.
    case 'enum':
    case 'set':
    case 'bit':
    case 'year':
      return 'number';
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return column.charset === null || column.charset === 'binary' ? 'bytes' : 'text';
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return 'bytes';
    case 'date':
      return 'date';
    case 'datetime':
    case 'timestamp':
      return 'datetime';
    case 'time':
      return 'time';
    default:
      return undefined;
  }
}

/** The primary key, else the shortest unique key without NULL, of columns that can be bounds. null: none. */
export function chunkKey(table: TableDefinition): ChunkKey | null {
  const usable = table.keys
    .filter((key) => key.primary || key.unique)
    .map((key) => ({ key, columns: columnsOf(table, key) }))
    .filter((one): one is { key: Key; columns: ChunkColumn[] } => one.columns !== null)
    .sort((a, b) => rank(a) - rank(b));
  const best = usable[0];
  return best ? { index: best.key.name, columns: best.columns } : null;
}

/** A key compared by `col+0` is read through the whole index each time, so any other comes first. */
function rank({ key, columns }: { key: Key; columns: readonly ChunkColumn[] }): number {
  const slow = columns.some((one) => isCast(one)) ? 1000 : 0;
  return slow + (key.primary ? 0 : columns.length);
}

function isCast({ column }: ChunkColumn): boolean {
  return column.dataType === 'enum' || column.dataType === 'set';
}

function columnsOf(table: TableDefinition, key: Key): ChunkColumn[] | null {
  const columns: ChunkColumn[] = [];
  for (const name of key.columns) {
    const column = table.columns.find((one) => one.name === name);
    const kind = column && chunkKind(column);
    if (!column || column.nullable || kind === undefined) return null;
    columns.push({ column, kind });
  }
  return columns;
}

/** What is compared and ordered by. */
function operand(one: ChunkColumn): string {
  const name = identifier(one.column.name);
  return isCast(one) ? `${name}+0` : name;
}

/** Selects the bound's text. */
export function boundExpression(one: ChunkColumn): string {
  const name = identifier(one.column.name);
  switch (one.kind) {
    case 'text':
    case 'bytes':
      return `HEX(${name})`;
    case 'number':
      return `${name}+0`;
    default:
      return `CAST(${name} AS CHAR)`;
  }
}

/** The bound as a literal of the column's type and collation. */
function literal(one: ChunkColumn, bound: string): string {
  const { column } = one;
  switch (one.kind) {
    case 'integer':
    case 'decimal':
    case 'number':
      return bound;
    case 'double':
      return /e/i.test(bound) ? bound : `${bound}e0`;
    case 'bytes':
      return `_binary x'${bound}'`;
    case 'text':
      return `_${column.charset} x'${bound}' COLLATE ${column.collation}`;
    case 'date':
      return `CAST('${bound}' AS DATE)`;
    case 'datetime':
      return `CAST('${bound}' AS DATETIME(${column.decimals}))`;
    case 'time':
      return `CAST('${bound}' AS TIME(${column.decimals}))`;
  }
}

const boundForms: Record<ChunkKind, RegExp> = {
  integer: /^-?\d+$/,
  decimal: /^-?\d+(\.\d+)?$/,
  double: /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i,
  number: /^\d+$/,
  text: /^([0-9A-F]{2})*$/i,
  bytes: /^([0-9A-F]{2})*$/i,
  date: /^\d{4}-\d\d-\d\d$/,
  datetime: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/,
  time: /^-?\d+:\d\d:\d\d(\.\d+)?$/,
};

/** Has a text the form of a column's part of a bound? */
export function isPartOfBound({ kind }: ChunkColumn, part: string): boolean {
  return boundForms[kind].test(part);
}

/** Has the bound the form of one? Bounds are put into statements, and come from a store or from a client. */
export function isBound(key: ChunkKey, bound: readonly string[]): boolean {
  return bound.length === key.columns.length && key.columns.every((one, i) => isPartOfBound(one, bound[i]!));
}

function assertBound(key: ChunkKey, bound: readonly string[]): void {
  if (!isBound(key, bound)) throw new Error(`not a bound of ${key.index}: ${JSON.stringify(bound)}`);
}

/**
 * Can the bound be written as a literal that equals it? Not a date that ALLOW_INVALID_DATES let in, such as
 * 2020-02-31: it has no literal. The zero date and zero parts have one.
 */
export function isUsableBound(key: ChunkKey, bound: readonly string[]): boolean {
  return key.columns.every((one, i) => {
    if (one.kind !== 'date' && one.kind !== 'datetime') return true;
    const [year, month, day] = bound[i]!.split(/[- ]/).map(Number) as [number, number, number];
    return day <= 28 || (month > 0 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate());
  });
}

const equals = (one: ChunkColumn, part: string) => `${operand(one)} = ${literal(one, part)}`;

/** Rows behind `bound` (with it when `inclusive`), or before it: `a > x OR (a = x AND b > y)`. */
export function compareTo(
  key: ChunkKey,
  bound: readonly string[],
  direction: '>' | '<',
  inclusive: boolean,
): string {
  assertBound(key, bound);
  const terms = key.columns.map((one, i) => {
    const equal = key.columns.slice(0, i).map((other, j) => equals(other, bound[j]!));
    const sign = inclusive && i === key.columns.length - 1 ? `${direction}=` : direction;
    return `(${[...equal, `${operand(one)} ${sign} ${literal(one, bound[i]!)}`].join(' AND ')})`;
  });
  return `(${terms.join(' OR ')})`;
}

/** The row of `bound`. */
export function equalTo(key: ChunkKey, bound: readonly string[]): string {
  assertBound(key, bound);
  return key.columns.map((one, i) => equals(one, bound[i]!)).join(' AND ');
}

export function orderBy(key: ChunkKey): string {
  return key.columns.map(operand).join(', ');
}
