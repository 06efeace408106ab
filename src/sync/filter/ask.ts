import type { Column, TableDefinition } from '../../mysql/model.js';
import type { CheckedFilter } from './check.js';
import type { ColumnReader, FilterValue } from './local.js';

/**
 * One statement that evaluates a filter on given rows at the source: the events' values as literals, cast to
 * the types and collations of their columns, never the rows as they are now (correctness rule 18). They stand
 * in a derived table of the table's name, so that they weigh in comparisons as columns do (coercibility 2).
 * Result: one row a given row, in order, with `kept` 1 or 0.
 */
export function askSql(
  filter: CheckedFilter,
  table: TableDefinition,
  rows: readonly ColumnReader[],
  hasJsonTable: boolean,
): string {
  const columns = table.columns.filter((column) => filter.columns.has(column.name));
  const selects = rows.map((read, i) => {
    const values = columns.map(
      (column) =>
        `${(hasJsonTable ? typed(column, read(column.name)) : null) ?? literal(column, read(column.name))} AS ${quoteName(column.name)}`,
    );
    return `SELECT ${i} AS ${ordinal}, ${values.join(', ')}`;
  });
  return `SELECT (${filter.sql}) IS TRUE AS kept FROM (${selects.join(' UNION ALL ')}) AS ${quoteName(table.name)} ORDER BY ${ordinal}`;
}

const ordinal = '`rowferry ordinal`';

/** A name in backquotes, as MySQL reads it in every sql_mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
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
      return `CAST(${value === null ? 'NULL' : String(value)} AS YEAR)`;
    case 'decimal':
      return `CAST(${value === null ? 'NULL' : `'${String(value)}'`} AS DECIMAL(${column.precision},${column.decimals}))`;
    case 'float':
    case 'double':
      return value === null ? 'NULL + 0e0' : Number(value).toExponential();
    case 'date':
      return `CAST(${quoted(value)} AS DATE)`;
    case 'time':
      return `CAST(${quoted(value)} AS TIME${fraction})`;
    case 'datetime':
    case 'timestamp':
      return `CAST(${quoted(value)} AS DATETIME${fraction})`;
    case 'json':
      return `CAST(${text(value)} AS JSON)`;
    default:
      if (column.charset === null || column.charset === 'binary') return `CAST(${binary(value)} AS BINARY)`;
      return `CONVERT(${text(value)} USING ${column.charset}) COLLATE ${column.collation ?? `${column.charset}_bin`}`;
  }
}

/**
 * The value as a column of the very type, where a literal would weigh otherwise: a BIT is a number among numbers and
 * bytes among texts, a FLOAT prints six digits, and the collation of a text gives way to another where that of an
 * expression with COLLATE would not mix. null: a literal does.
 */
function typed(column: Column, value: FilterValue): string | null {
  const isText = column.charset !== null && column.charset !== 'binary';
  if (!isText && column.dataType !== 'bit' && column.dataType !== 'float') return null;
  const json = isText
    ? text(value === null ? 'null' : JSON.stringify(String(value)))
    : `'${value === null ? 'null' : typeof value === 'boolean' ? Number(value) : String(value)}'`;
  const digits = /\(\d+,\d+\)/.exec(column.columnType)?.[0] ?? '';
  const type = isText
    ? `LONGTEXT CHARACTER SET ${column.charset} COLLATE ${column.collation ?? `${column.charset}_bin`}`
    : column.dataType === 'bit'
      ? `BIT(${column.length})`
      : `FLOAT${digits}`;
  return `(SELECT v FROM JSON_TABLE(${json}, '$' COLUMNS (v ${type} PATH '$')) AS j)`;
}

/** Digits, colons and the like alone: nothing in a date that would need an escape. */
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
  return bytes.length === 0 ? "''" : `0x${bytes.toString('hex')}`;
}
