import type { TablestoreClient } from '../../tablestore/client/client.js';
import { batchGetRow, getRange, keyBounds } from '../../tablestore/client/operations.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { limits } from '../../tablestore/client/limits.js';
import { reading } from '../../tablestore/writer/lost-table.js';
import { withRetry, type RetryWindows } from '../../tablestore/client/retry.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { destinationKey, type TablePlan } from '../mapping/plan.js';
import { contentsOf, type RowContent } from './row-content.js';

export interface ReadOptions {
  readonly windows: RetryWindows;
  readonly signal: AbortSignal;
}

const pageRows = 1000;

/** Keys of the plan's rows at the destination, page by page in key order; in a merge only those of this source. */
export async function* destinationKeys(
  client: TablestoreClient,
  plan: TablePlan,
  options: ReadOptions,
): AsyncGenerator<string[], void, undefined> {
  for (let from: Buffer | null = null; ;) {
    options.signal.throwIfAborted();
    const page: KeyPage = await destinationKeyPage(client, plan, from, pageRows, options);
    yield page.keys;
    if (page.next === null) return;
    from = page.next;
  }
}

export interface KeyPage {
  readonly keys: string[];
  /** Rows that were read; in a merge those of other sources too. */
  readonly rows: number;
  /** Where the next page begins; null: there is none. */
  readonly next: Buffer | null;
}

/** One page of them. `from`: null for the first, else the `next` of the page before. */
export async function destinationKeyPage(
  client: TablestoreClient,
  plan: TablePlan,
  from: Buffer | null,
  limit: number,
  options: ReadOptions,
): Promise<KeyPage> {
  const columns = destinationKey(plan).map(({ name }) => name);
  const bounds = keyBounds(columns);
  const request = { table: plan.destination, start: from ?? bounds.start, end: bounds.end, limit, columns };
  const page = await reading(plan.destination, () =>
    withRetry(options.windows, () => getRange(client, request), { signal: options.signal }),
  );
  const keys = contentsOf(page.rows, none).map((row) => row.key);
  const own =
    plan.mergeSource === null
      ? keys
      : keys.filter((key) => decodeRows(keyOnly(key))[0]!.primaryKey.at(-1)?.[1] === plan.mergeSource);
  return { keys: own, rows: keys.length, next: page.next };
}

const none: ReadonlySet<string> = new Set();

export interface DestinationRow {
  /** PlainBuffer. */
  row: Buffer;
  content: RowContent;
}

/** The rows of these keys at the destination, in their order; null where there is none. */
export async function destinationRows(
  client: TablestoreClient,
  table: string,
  keys: readonly string[],
  ignored: ReadonlySet<string>,
  options: ReadOptions,
): Promise<(DestinationRow | null)[]> {
  const rows: (DestinationRow | null)[] = [];
  for (let from = 0; from < keys.length; from += limits.batchGetRows) {
    const some = keys.slice(from, from + limits.batchGetRows).map(keyOnly);
    const look = async () => {
      const answers = await batchGetRow(client, table, some);
      for (const answer of answers) if (answer instanceof Error) throw answer;
      return answers as (Buffer | null)[];
    };
    const results = await reading(table, () => withRetry(options.windows, look, { signal: options.signal }));
    for (const row of results) {
      const content = row === null ? undefined : contentsOf(row, ignored)[0];
      rows.push(row === null || content === undefined ? null : { row, content });
    }
  }
  return rows;
}
