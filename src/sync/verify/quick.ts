import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import type { VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { TablestoreClient } from '../../tablestore/client/client.js';
import { destinationKeys } from '../destination-rows.js';
import { compileEtl } from '../etl/compile.js';
import type { TablePlan } from '../plan.js';
import { retryWindows } from '../settings.js';
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
 * comparison takes long, and blind to rows that differ. A script that may drop rows leaves nothing to compare; rows that
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
        const record = options.store?.tables().find((one) => one.source === plan.source);
        if (record?.phase === 'stopped' && record.problem) table.problem = record.problem;
        let counts: Counts;
        try {
          counts = await countBoth(connection, client, plan, options);
          for (const pause of running ? looksWhileRunning : []) {
            if (isEqual(counts)) break;
            await delay(pause, undefined, { signal: options.signal });
            counts = await countBoth(connection, client, plan, options);
          }
        } catch (error) {
          table.problem ??= problemOf(error, plan.destination, options.signal);
          continue;
        }
        const { source, destination, unanswered } = counts;
        const dirty = options.store?.dirtyRowsOf(plan.source) ?? 0;
        const missing = Math.max(0, source - destination);
        Object.assign(table, {
          counts: { source, destination },
          ...(dropsRows && { uncounted: true }),
          missing: dropsRows || missing <= dirty ? 0 : missing,
          // A row without an answer may still be there as it was before.
          extra: Math.max(0, destination - source - unanswered),
          dirty: (missing <= dirty ? missing : 0) + unanswered,
          notComparable: dropsRows ? missing : 0,
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

async function countBoth(
  connection: SourceConnection,
  client: TablestoreClient,
  plan: TablePlan,
  { task, signal, progress }: VerifyOptions,
): Promise<Counts> {
  const { estimatedRows } = plan.definition;
  const { rows: source, unanswered } = await countSource(connection, plan, { task, signal });
  let destination = 0;
  const windows = retryWindows(task);
  for await (const keys of destinationKeys(client, plan, { windows, signal })) {
    destination += keys.length;
    progress({ table: plan.source, compared: destination, estimatedRows, stage: 'destination', suspects: 0 });
  }
  return { source, destination, unanswered };
}
