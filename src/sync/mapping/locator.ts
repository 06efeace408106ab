import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import type { Column } from '../../mysql/model.js';
import { allowedCellTypes, keyType, type KeyType } from '../../mysql/types/index.js';
import type { TablePlan } from './plan.js';

/**
 * Where a row is found at the source, whatever the mapping of the task becomes: the values of its key columns, each
 * as a cell type that holds it exactly.
 */
export type RowLocator = readonly LocatorPart[];

export interface LocatorPart {
  readonly column: string;
  readonly type: KeyType;
  /** Of an INTEGER that stands for a date or time. */
  readonly unit?: 'ms' | 'us';
  /** Text, digits, or hex. */
  readonly value: string;
}

/**
 * The type as which any value of a key column can be read. Text in its stored bytes where it has them: through Unicode
 * and back not every code of every charset finds its way. Otherwise as text wherever that is exact.
 */
export function locatorType(column: Column): KeyType | null {
  const types = allowedCellTypes(column);
  if (column.charset !== null && types.includes('BINARY')) return 'BINARY';
  const isBinary = keyType(column) === 'BINARY';
  return !isBinary && types.includes('STRING') ? 'STRING' : keyType(column);
}

/** From a row that was encoded by `plan`; null when a transformation made its key. */
export function locatorOfRow(plan: TablePlan, row: Buffer): RowLocator | null {
  const key = decodeRows(row)[0]?.primaryKey;
  if (!key) return null;
  return plan.key.map(({ column, unit }, i) => {
    const value = key[i]![1];
    const name = { column: column.name, ...(unit && { unit }) };
    if (typeof value === 'bigint') return { ...name, type: 'INTEGER', value: String(value) };
    return Buffer.isBuffer(value)
      ? { ...name, type: 'BINARY', value: value.toString('hex') }
      : { ...name, type: 'STRING', value: String(value) };
  });
}
