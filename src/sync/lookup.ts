import type { SourceConnection } from '../mysql/connection.js';
import { identifier } from '../mysql/connection.js';
import type { RowImage } from '../mysql/model.js';
import { readChunk } from '../mysql/snapshot.js';
import { selectExpression } from '../mysql/types/index.js';
import { decodeRows, type KeyValue } from '../tablestore/wire/plainbuffer.js';
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
    if (condition === null) continue;
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
function equality(cell: CellPlan, value: KeyValue | undefined): string | null {
  const { column } = cell;
  const name = identifier(column.name);
  if (Buffer.isBuffer(value)) return `${name} = x'${value.toString('hex')}'`;
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

function text(value: string): string {
  return value === '' ? "''" : `_utf8mb4 x'${Buffer.from(value, 'utf8').toString('hex')}'`;
}
