import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { charsetsOf, loadCharsetDecoders } from '../../mysql/types/index.js';
import type { VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { TablestoreClient } from '../../tablestore/client/client.js';
import { destinationKeys, destinationRows } from '../rows/destination-rows.js';
import { keyDigestOf, rowDigest } from '../dirty/dirty.js';
import { compileEtl } from '../etl/compile.js';
import { isOfValues } from '../filter/answers.js';
import { lookUpLocated } from '../rows/lookup.js';
import type { TablePlan } from '../mapping/plan.js';
import { contentsOf } from '../rows/row-content.js';
import { copyOf } from '../rows/row-copy.js';
import { retryWindows } from '../base/settings.js';
import { Comparison } from './comparison.js';
import { countSource } from './count-source.js';
import type { VerifyOptions } from './options.js';
import { emptyTable, problemOf, reportOf } from './report.js';
import { reachDestination, withSource } from './session.js';
import { selectedTables } from './tables.js';

interface Counts {
  readonly source: number;
  readonly destination: number;
  /** Rows of the source that the filter has no answer for, which are in neither. */
  readonly unanswered: number;
}

const isEqual = ({ source, destination, unanswered }: Counts) =>
  destination >= source && destination <= source + unanswered;

/** Counts of a table that is written meanwhile are taken again, ms apart. */
const looksWhileRunning = [500, 1500, 3000];

/**
 * Compares only how many rows each table has on both sides, with the filter of the task: quick where the row by row
 * comparison takes long, and blind to rows that differ. Rows of dirty records that are missing for that reason still are
 * told apart from those that should be there. A script that may drop rows leaves nothing to compare; rows that
 * the filter has no answer for are counted as dirty. Throws RowferryError.
 */
export async function verifyCounts(options: VerifyOptions): Promise<VerifyReport> {
  const { task, running } = options;
  const client = new TablestoreClient(task.destination);
  const dropsRows = compileEtl(task.etl)?.drops ?? false;
  try {
    return await withSource(options, 'query', async (connection) => {
      await reachDestination(options, client);
      const tables: VerifyTable[] = [];
      const sums = { source: 0, destination: 0 };
      const { plans, unfit } = await selectedTables(connection, task, options.store);
      for (const plan of plans) {
        const table = emptyTable(plan.source, plan.destination);
        tables.push(table);
        const record = options.store?.table(plan.source);
        if (record?.phase === 'stopped' && record.problem) table.problem = record.problem;
        let counts: Counts;
        let dirty = 0;
        try {
          counts = await countBoth(connection, client, plan, options);
          for (const pause of running ? looksWhileRunning : []) {
            if (isEqual(counts)) break;
            await delay(pause, undefined, { signal: options.signal });
            counts = await countBoth(connection, client, plan, options);
          }
          const missing = counts.source - counts.destination;
          if (missing > 0) dirty = await missingDirty(options, client, plan, missing);
        } catch (error) {
          table.problem ??= problemOf(error, plan.destination, options.signal);
          continue;
        }
        const { source, destination, unanswered } = counts;
        const missing = Math.max(0, source - destination);
        Object.assign(table, {
          counts: { source, destination },
          ...(dropsRows && { uncounted: true }),
          missing: dropsRows ? 0 : missing - dirty,
          // A row without an answer may still be there as it was before.
          extra: Math.max(0, destination - source - unanswered),
          dirty: dirty + unanswered,
          notComparable: dropsRows ? missing - dirty : 0,
        });
        sums.source += source;
        sums.destination += destination;
      }
      return reportOf([...tables, ...unfit], sums);
    });
  } finally {
    client.close();
  }
}

/**
 * How many rows of dirty records are missing because they cannot be written as they are now, or were refused just so; not
 * more than `most`. A record that does not tell where its row is counts, too.
 */
async function missingDirty(
  options: VerifyOptions,
  client: TablestoreClient,
  plan: TablePlan,
  most: number,
): Promise<number> {
  const { store, task, signal } = options;
  const locators = store?.dirtyRowsOf(plan.source) ?? [];
  if (!store || locators.length === 0) return 0;
  const read = { windows: retryWindows(task), signal };
  return withSource(options, 'snapshot', async (connection) => {
    const charsets = await loadCharsetDecoders(
      (sql) => connection.query(sql),
      charsetsOf(plan.definition.columns),
    );
    const etl = compileEtl(task.etl);
    const comparison = new Comparison({ ...options, plan, client, charsets, etl, read });
    const rows = comparison.sourceRows(connection);
    const isMissing = async (key: string) => {
      const [found] = await destinationRows(client, plan.destination, [key], comparison.ignoredCells, read);
      return !found;
    };
    const isDirty = (image: RowImage): Promise<boolean> | boolean => {
      const row = rows.encode(image);
      if (row === 'dropped') return false;
      if (row === 'unwritable') {
        const key = rows.keyOf(image);
        return key === null || isMissing(key);
      }
      const { key } = contentsOf(row, comparison.ignoredCells)[0]!;
      const digest = rowDigest(row, comparison.ignoredCells);
      return store.isDirty(plan.source, keyDigestOf(key), digest) && isMissing(key);
    };
    let count = 0;
    for (const locator of locators) {
      signal.throwIfAborted();
      if (count === most) break;
      const images: RowImage[] = [];
      try {
        if (locator)
          await lookUpLocated(connection, plan, [locator], charsets, (image) => images.push(copyOf(image)));
      } catch (error) {
        // One that the filter has no answer for is counted already.
        if (!isOfValues(error)) throw error;
      }
      const found = images.find((image) => locator && rows.isAt(image, locator));
      if (!locator || (found && (await isDirty(found)))) count++;
    }
    return count;
  });
}

async function countBoth(
  connection: SourceConnection,
  client: TablestoreClient,
  plan: TablePlan,
  options: VerifyOptions,
): Promise<Counts> {
  const { task, signal, progress } = options;
  const { estimatedRows } = plan.definition;
  const { rows: source, unanswered } = await countSource(connection, plan, options);
  let destination = 0;
  const windows = retryWindows(task);
  for await (const keys of destinationKeys(client, plan, { windows, signal })) {
    destination += keys.length;
    progress({ table: plan.source, compared: destination, estimatedRows, stage: 'destination', suspects: 0 });
  }
  return { source, destination, unanswered };
}
