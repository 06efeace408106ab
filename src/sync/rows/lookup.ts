import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { readChunk, type RowLock } from '../../mysql/snapshot.js';
import { selectExpression, type CharsetDecoders } from '../../mysql/types/index.js';
import { UnwritableRow } from '../base/unwritable-row.js';
import { isOfValues } from '../filter/answers.js';
import { RowAsking } from './filtered-read.js';
import { RowferryError } from '../../shared/errors.js';
import { decodeRows, type KeyValue } from '../../tablestore/wire/plainbuffer.js';
import { keyCondition, type KeyCondition } from './key-condition.js';
import type { RowLocator } from '../mapping/locator.js';
import type { TablePlan } from '../mapping/plan.js';
import { copyOf } from './row-copy.js';

/** Keys that one statement asks for. */
export const lookUpKeys = 200;

/**
 * 'indexed' finds nearly every row. 'converted' is for keys that it did not find: it finds those whose text the charset
 * of the column holds in more ways than can be asked for, and reads the whole table if there is such a key.
 */
export type LookUpPass = 'indexed' | 'converted';

/**
 * Reads the rows of given destination keys from the source, with the filter of the plan. The source compares by
 * collation, so rows of other keys may come too: the caller compares encoded key bytes (correctness rule 23).
 * `keys`: PlainBuffer rows whose key cells count. `connection` is of purpose 'snapshot'. `onUnanswered` gets the rows
 * that MySQL cannot evaluate the filter on.
 */
export async function lookUp(
  connection: SourceConnection,
  plan: TablePlan,
  keys: readonly Buffer[],
  charsets: CharsetDecoders,
  pass: LookUpPass,
  onRow: (image: RowImage) => void,
  onUnanswered: (image: RowImage) => void,
): Promise<void> {
  for (let from = 0; from < keys.length; from += lookUpKeys) {
    const some = keys.slice(from, from + lookUpKeys).map((key) => decodeRows(key)[0]!.primaryKey);
    const condition = conditionOf(plan, some, charsets, pass);
    if (condition === null) continue;
    if (plan.filter === null) {
      await read(connection, plan, condition, onRow);
      continue;
    }
    const rows: RowImage[] = [];
    try {
      await read(connection, plan, condition, (image) => rows.push(copyOf(image)));
      rows.forEach(onRow);
    } catch (error) {
      if (!isOfValues(error)) throw error;
      rows.length = 0;
      await read(connection, { ...plan, filter: null }, condition, (image) => rows.push(copyOf(image)));
      const answers = await (await RowAsking.of(connection, plan, charsets)).ask(rows);
      for (const [i, image] of rows.entries()) {
        if (answers[i] instanceof UnwritableRow) onUnanswered(image);
        else if (answers[i]) onRow(image);
      }
    }
  }
}

/** Every row of the source that the filter lets through. */
export async function readAll(
  connection: SourceConnection,
  plan: TablePlan,
  onRow: (image: RowImage) => void,
): Promise<void> {
  await read(connection, plan, 'TRUE', onRow);
}

/**
 * The same for rows by what they were at the source; the caller compares, here too. Throws ROW-S108, and whatever MySQL
 * says where it cannot evaluate the filter on one of them.
 */
export async function lookUpLocated(
  connection: SourceConnection,
  plan: TablePlan,
  locators: readonly RowLocator[],
  charsets: CharsetDecoders,
  onRow: (image: RowImage) => void,
  lock: RowLock | null = null,
): Promise<void> {
  const conditions = locators.flatMap((locator) => {
    const parts = locator.map((part) => {
      const column = plan.definition.columns.find(
        (one) => one.name.toLowerCase() === part.column.toLowerCase(),
      );
      if (!column) {
        throw new RowferryError(
          'ROW-S108',
          `${plan.source} no longer has the column ${part.column}, which identifies its dirty rows.`,
          { remedy: 'Reload the table, or discard its records.' },
        );
      }
      const { unit } = part;
      const value =
        part.type === 'INTEGER'
          ? BigInt(part.value)
          : part.type === 'BINARY'
            ? Buffer.from(part.value, 'hex')
            : part.value;
      return keyCondition({ column, ...(unit && { unit }) }, value, charsets);
    });
    return parts.every((part) => part !== null) ? [`(${together(parts, 'converted')})`] : [];
  });
  if (conditions.length > 0) await read(connection, plan, conditions.join(' OR '), onRow, lock);
}

async function read(
  connection: SourceConnection,
  plan: TablePlan,
  condition: string,
  onRow: (image: RowImage) => void,
  lock: RowLock | null = null,
): Promise<void> {
  await readChunk(connection, {
    lock,
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
function conditionOf(
  plan: TablePlan,
  keys: readonly (readonly [string, KeyValue][])[],
  charsets: CharsetDecoders,
  pass: LookUpPass,
): string | null {
  const conditions: string[] = [];
  for (const key of keys) {
    // In a merge the last key column names the source; another's rows are not ours.
    if (plan.mergeSource !== null && key.at(-1)?.[1] !== plan.mergeSource) continue;
    const parts = plan.key.map((cell, i) => keyCondition(cell, key[i]?.[1], charsets));
    if (pass === 'converted' && !parts.some((part) => part?.converted)) continue;
    if (parts.every((part) => part !== null)) conditions.push(`(${together(parts, pass)})`);
  }
  return conditions.length === 0 ? null : conditions.join(' OR ');
}

function together(parts: readonly KeyCondition[], pass: LookUpPass): string {
  return parts
    .map(({ indexed, converted }) => (pass === 'converted' ? (converted ?? indexed) : indexed))
    .join(' AND ');
}
