import type { Column, TableDefinition } from '../../mysql/model.js';
import type { CheckedFilter } from './check.js';
import { jsonExpression } from './json-expression.js';
import type { ColumnReader, FilterValue } from './local.js';

/**
 * One statement that evaluates a filter on given rows at the source: the events' values, never the rows as they are
 * now (correctness rule 18). What a condition means depends on what its operands are, so the values stand in columns
 * of the very types, charsets and collations, under the table's name: a literal in their place weighs otherwise
 * (a BIT, a FLOAT, a YEAR, a collation that gives way). Result: `kept`, the numbers of the rows that pass, from 1.
 *
 * Besides what a filter is decided by here, `read` may give values as the binlog holds them, which loses nothing: the
 * bytes of a text in the column's charset, those of a JSON document, the number of an ENUM or SET.
 */
export function askSql(
  filter: CheckedFilter,
  table: TableDefinition,
  rows: readonly ColumnReader[],
  hasJsonTable: boolean,
): string {
  const columns = table.columns.filter((column) => filter.columns.has(column.name));
  const source = hasJsonTable ? typedRows(columns, rows) : literalRows(columns, rows);
  // Behind a bare WHERE, MySQL makes an index on these rows for `b = 'A'`: the text is made a value of the column, where
  // the table itself compares the two as numbers. Before IS TRUE it evaluates row by row.
  return `SELECT ${ordinal} AS kept FROM ${source} AS ${quoteName(table.name)} WHERE (${filter.sql}) IS TRUE`;
}

const ordinal = '`rowferry ordinal`';

/** A name in backquotes, as MySQL reads it in every sql_mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * Rows as a JSON array, which JSON_TABLE makes columns of, each exactly as CREATE TABLE would. A value that would not
 * come through as it is fails the statement.
 */
function typedRows(columns: readonly Column[], rows: readonly ColumnReader[]): string {
  const objects = rows.map((read) => {
    const members = columns.flatMap((column, i) => {
      const value = read(column.name);
      return value === null ? [] : [`'${i}', ${jsonMember(column, value)}`];
    });
    return `JSON_OBJECT(${members.join(', ')})`;
  });
  const types = columns.map(
    (column, i) => `${quoteName(column.name)} ${typeOf(column)} PATH '$."${i}"' NULL ON EMPTY ERROR ON ERROR`,
  );
  const made = `JSON_TABLE(JSON_ARRAY(${objects.join(', ')}), '$[*]' COLUMNS (${ordinal} FOR ORDINALITY, ${types.join(', ')}))`;
  if (!columns.some((column) => isJson(column) || isBit(column))) return made;
  // JSON_TABLE takes a JSON null for NULL: documents come packed. It misplaces the bits of a BIT that has neighbours:
  // each is made in a table of its own. LIMIT makes columns of them.
  const unpacked = columns.map((column) => {
    const name = quoteName(column.name);
    if (isJson(column)) return `JSON_EXTRACT(${name}, '$[0]') AS ${name}`;
    if (!isBit(column)) return name;
    const alone = `JSON_TABLE(JSON_ARRAY(r.${name}), '$[*]' COLUMNS (v BIT(${column.length}) PATH '$')) AS j`;
    return `(SELECT v FROM ${alone}) AS ${name}`;
  });
  return `(SELECT ${[ordinal, ...unpacked].join(', ')} FROM ${made} AS r LIMIT 18446744073709551615)`;
}

const isJson = (column: Column) => column.dataType === 'json';
const isBit = (column: Column) => column.dataType === 'bit';
const isText = (column: Column) => column.charset !== null && column.charset !== 'binary';
const collationOf = (column: Column) => column.collation ?? `${column.charset}_bin`;

/** The column's type as CREATE TABLE takes it. */
function typeOf(column: Column): string {
  const { dataType, length, precision, decimals, members } = column;
  const sign = column.unsigned ? ' UNSIGNED' : '';
  const charset =
    column.charset === null
      ? ''
      : ` CHARACTER SET ${column.charset}${column.charset === 'binary' ? '' : ` COLLATE ${collationOf(column)}`}`;
  switch (dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      return dataType + sign;
    case 'decimal':
      return `decimal(${precision},${decimals})${sign}`;
    case 'float':
    case 'double':
      return dataType + digitsOf(column) + sign;
    case 'bit':
      return 'bigint unsigned';
    case 'binary':
    case 'varbinary':
      return `${dataType}(${length})`;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return `${dataType}(${decimals})`;
    case 'char':
    case 'varchar':
      return `${dataType}(${length})${charset}`;
    case 'enum':
    case 'set':
      return `${dataType}(${members.map(label).join(', ')})${charset}`;
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return dataType + charset;
    case 'year':
    case 'date':
    case 'json':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return dataType;
    default:
      // Shapes and vectors: JSON has no way to carry them, functions take their bytes.
      return 'longblob';
  }
}

/** FLOAT(7,3) holds 9999.9995 as 10000: one digit more, so that it comes in again. */
function digitsOf({ columnType }: Column): string {
  const [, digits, decimals] = /\((\d+),(\d+)\)/.exec(columnType) ?? [];
  return digits === undefined ? '' : `(${Math.min(255, Number(digits) + 1)},${decimals})`;
}

const label = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** A value so that its column in JSON_TABLE takes it without loss. */
function jsonMember(column: Column, value: NonNullable<FilterValue>): string {
  switch (column.dataType) {
    case 'float':
    case 'double':
      return real(value);
    case 'bit':
      return typeof value === 'boolean' ? String(Number(value)) : String(value);
    case 'json':
      return `JSON_ARRAY(${document(value)})`;
  }
  if (typeof value === 'bigint') return column.dataType === 'bigint' ? `'${value}'` : String(value);
  if (Buffer.isBuffer(value)) return binary(value);
  return isText(column) ? text(value) : quoted(value);
}

const document = (value: FilterValue) =>
  Buffer.isBuffer(value) ? jsonExpression(value) : `CAST(${text(value)} AS JSON)`;

/**
 * For servers without JSON_TABLE: the values as literals, cast to the types and collations of their columns, in a
 * derived table.
 */
function literalRows(columns: readonly Column[], rows: readonly ColumnReader[]): string {
  const selects = rows.map((read, i) => {
    const values = columns.map(
      (column) => `${literal(column, read(column.name))} AS ${quoteName(column.name)}`,
    );
    return `SELECT ${[`${i + 1} AS ${ordinal}`, ...values].join(', ')}`;
  });
  return `(${selects.join(' UNION ALL ')})`;
}

function literal(column: Column, value: FilterValue): string {
  const fraction = column.decimals > 0 ? `(${column.decimals})` : '';
  switch (column.dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      return `CAST(${value === null ? 'NULL' : String(value)} AS ${column.unsigned ? 'UNSIGNED' : 'SIGNED'})`;
    case 'bit':
      return `CAST(${value === null ? 'NULL' : typeof value === 'boolean' ? Number(value) : String(value)} AS UNSIGNED)`;
    case 'year':
      return `CAST(${value === null ? 'NULL' : String(value)} AS UNSIGNED)`;
    case 'decimal':
      return `CAST(${value === null ? 'NULL' : `'${String(value)}'`} AS DECIMAL(${column.precision},${column.decimals}))`;
    case 'float':
    case 'double':
      return value === null ? 'NULL + 0e0' : real(value);
    case 'date':
      return `CAST(${quoted(value)} AS DATE)`;
    case 'time':
      return `CAST(${quoted(value)} AS TIME${fraction})`;
    case 'datetime':
    case 'timestamp':
      return `CAST(${quoted(value)} AS DATETIME${fraction})`;
    case 'json':
      return value === null ? 'CAST(NULL AS JSON)' : document(value);
  }
  if (!isText(column)) return `CAST(${binary(value)} AS BINARY)`;
  const stored = labels(column, value);
  const made =
    Buffer.isBuffer(stored) && stored.length > 0
      ? `_${column.charset} 0x${stored.toString('hex')}`
      : `CONVERT(${text(stored)} USING ${column.charset})`;
  return `${made} COLLATE ${collationOf(column)}`;
}

/** The text of an ENUM or SET, where its number is given. */
function labels({ dataType, members }: Column, value: FilterValue): FilterValue {
  if (typeof value !== 'bigint') return value;
  if (dataType === 'enum') return value === 0n ? '' : (members[Number(value) - 1] ?? '');
  return members.filter((_, i) => (value >> BigInt(i)) & 1n).join(',');
}

/** toExponential() loses the sign of -0. */
const real = (value: FilterValue) => (Object.is(value, -0) ? '-0e0' : Number(value).toExponential());

/** Digits, colons and the like alone: nothing in a date or number that would need an escape. */
const quoted = (value: FilterValue) =>
  value === null ? 'NULL' : `'${String(value).replace(/[^\d:. -]/g, '')}'`;

function text(value: FilterValue): string {
  if (value === null) return 'NULL';
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'utf8');
  return bytes.length === 0 ? "_utf8mb4''" : `_utf8mb4 0x${bytes.toString('hex')}`;
}

function binary(value: FilterValue): string {
  if (value === null) return 'NULL';
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'utf8');
  return bytes.length === 0 ? "_binary''" : `_binary 0x${bytes.toString('hex')}`;
}
