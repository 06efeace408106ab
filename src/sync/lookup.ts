import type { SourceConnection } from '../mysql/connection.js';
import { identifier } from '../mysql/connection.js';
import type { Column, RowImage } from '../mysql/model.js';
import { readChunk } from '../mysql/snapshot.js';
import { selectExpression } from '../mysql/types/index.js';
import { RowferryError } from '../shared/errors.js';
import { decodeRows, type KeyValue } from '../tablestore/wire/plainbuffer.js';
import type { RowLocator } from './locator.js';
import type { CellPlan, TablePlan } from './plan.js';

/** Keys that one statement asks for. */
export const lookUpKeys = 200;

/**
 * Reads the rows of given destination keys from the source, with the filter of the plan. The source compares by
 * collation, so rows of other keys may come too: the caller compares encoded key bytes (correctness rule 23).
 * `keys`: PlainBuffer rows whose key cells count. `connection` is of purpose 'snapshot'.
 */
export async function lookUp(
  connection: SourceConnection,
  plan: TablePlan,
  keys: readonly Buffer[],
  onRow: (image: RowImage) => void,
): Promise<void> {
  for (let from = 0; from < keys.length; from += lookUpKeys) {
    const some = keys.slice(from, from + lookUpKeys).map((key) => decodeRows(key)[0]!.primaryKey);
    const condition = keyCondition(plan, some);
    if (condition !== null) await read(connection, plan, condition, onRow);
  }
}

/** The same for one row by what it was at the source; the caller compares, here too. Throws ROW-S108. */
export async function lookUpLocated(
  connection: SourceConnection,
  plan: TablePlan,
  locator: RowLocator,
  onRow: (image: RowImage) => void,
): Promise<void> {
  const parts = locator.map((part) => {
    const column = plan.definition.columns.find(
      (one) => one.name.toLowerCase() === part.column.toLowerCase(),
    );
    if (!column) {
      throw new RowferryError(
        'ROW-S108',
        `${plan.source} has no column ${part.column} any more, by which its dirty rows are known.`,
        { remedy: 'Load the table anew, or discard its records.' },
      );
    }
    const { unit } = part;
    const value =
      part.type === 'INTEGER'
        ? BigInt(part.value)
        : part.type === 'BINARY'
          ? Buffer.from(part.value, 'hex')
          : part.value;
    return equality({ column, ...(unit && { unit }) }, value);
  });
  if (parts.every((part) => part !== null)) await read(connection, plan, parts.join(' AND '), onRow);
}

async function read(
  connection: SourceConnection,
  plan: TablePlan,
  condition: string,
  onRow: (image: RowImage) => void,
): Promise<void> {
  await readChunk(connection, {
    table: plan.definition,
    columns: plan.definition.columns,
    select: selectExpression,
    filter: plan.filter === null ? condition : `(${condition}) AND (${plan.filter})`,
    chunk: { index: 0, lower: null, upper: null },
    onRow: (image) => {
      onRow(image);
      return true;
    },
  });
}

/** The rows of these keys as a condition in SQL; null when none of the keys can be of this source. */
function keyCondition(plan: TablePlan, keys: readonly (readonly [string, KeyValue][])[]): string | null {
  const conditions: string[] = [];
  for (const key of keys) {
    // In a merge the last key column names the source; another's rows are not ours.
    if (plan.mergeSource !== null && key.at(-1)?.[1] !== plan.mergeSource) continue;
    const parts = plan.key.map((cell, i) => equality(cell, key[i]?.[1]));
    if (parts.every((part) => part !== null)) conditions.push(`(${parts.join(' AND ')})`);
  }
  return conditions.length === 0 ? null : conditions.join(' OR ');
}

/** null: no value of the column gives this cell. */
function equality(cell: Pick<CellPlan, 'column' | 'unit'>, value: KeyValue | undefined): string | null {
  const { column } = cell;
  const name = identifier(column.name);
  if (Buffer.isBuffer(value)) return `${name} = ${bytes(column, value)}`;
  if (typeof value === 'bigint') {
    switch (column.dataType) {
      case 'date':
      case 'datetime':
      case 'timestamp': {
        const micros = `TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', ${name})`;
        return cell.unit === 'us' ? `${micros} = ${value}` : `FLOOR(${micros} / 1000) = ${value}`;
      }
      case 'time':
        return cell.unit === 'us'
          ? `TIME_TO_SEC(${name}) * 1000000 + MICROSECOND(${name}) = ${value}`
          : `TIME_TO_SEC(${name}) = FLOOR(${value} / 1000)`;
      default:
        return `${name} = ${value}`;
    }
  }
  if (typeof value !== 'string') return null;
  switch (column.dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'decimal':
    case 'year':
    case 'bit':
      return /^-?\d+(\.\d+)?$/.test(value) ? `${name} = ${value}` : null;
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return /^[-\d:. ]+$/.test(value) ? `${name} = '${value}'` : null;
    default:
      return `${name} = ${text(value)}`;
  }
}

/** The stored bytes of a text column in its own collation, so that nothing is converted and its index serves. */
function bytes({ charset, collation }: Column, value: Buffer): string {
  const literal = `x'${value.toString('hex')}'`;
  if (charset === null || charset === 'binary' || collation === null) return literal;
  return `CONVERT(${literal} USING ${charset}) COLLATE ${collation}`;
}

function text(value: string): string {
  return value === '' ? "''" : `_utf8mb4 x'${Buffer.from(value, 'utf8').toString('hex')}'`;
}
