import { setTimeout as delay } from 'node:timers/promises';
import { identifier, type SourceConnection } from '../../mysql/connection.js';
import type { VerifyReport, VerifyTable } from '../../shared/protocol.js';
import { TablestoreClient } from '../../tablestore/client.js';
import { destinationKeys } from '../destination-rows.js';
import { compileEtl } from '../etl/compile.js';
import type { TablePlan } from '../plan.js';
import { retryWindows } from '../settings.js';
import type { VerifyOptions } from './index.js';
import { reportOf } from './report.js';
import { withSource } from './session.js';
import { selectedPlans } from './tables.js';

/** Counts of a table that is written meanwhile are taken again, ms apart. */
const looksWhileRunning = [500, 1500, 3000];

/**
 * Compares only how many rows each table has on both sides, with the filter of the task: quick where the row by row
 * comparison takes long, and blind to rows that differ. A script that may drop rows leaves nothing to compare. Throws
 * RowferryError.
 */
export async function verifyCounts(options: VerifyOptions): Promise<VerifyReport> {
  const { task, running } = options;
  const client = new TablestoreClient(task.destination);
  const dropsRows = compileEtl(task.etl)?.drops ?? false;
  try {
    return await withSource(options, 'query', async (connection) => {
      const tables: VerifyTable[] = [];
      const sums = { source: 0, destination: 0 };
      for (const plan of await selectedPlans(connection, task)) {
        let counts = await countBoth(connection, client, plan, options);
        for (const pause of running ? looksWhileRunning : []) {
          if (counts.source === counts.destination) break;
          await delay(pause, undefined, { signal: options.signal });
          counts = await countBoth(connection, client, plan, options);
        }
        const { source, destination } = counts;
        const dirty = options.store?.dirtyRowsOf(plan.source) ?? 0;
        const missing = Math.max(0, source - destination);
        const table: VerifyTable = {
          source: plan.source,
          destination: plan.destination,
          counts,
          compared: 0,
          missing: dropsRows || missing <= dirty ? 0 : missing,
          extra: Math.max(0, destination - source),
          different: 0,
          suspended: 0,
          kept: 0,
          dirty: missing <= dirty ? missing : 0,
          notComparable: dropsRows ? missing : 0,
          differences: [],
        };
        tables.push(table);
        sums.source += source;
        sums.destination += destination;
      }
      return reportOf(tables, sums);
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
): Promise<{ source: number; destination: number }> {
  const { database, name, estimatedRows } = plan.definition;
  const where = plan.filter === null ? '' : ` WHERE (${plan.filter})`;
  const [row] = await connection.query<{ found: number | string }>(
    `SELECT COUNT(*) AS found FROM ${identifier(database)}.${identifier(name)}${where}`,
  );
  let destination = 0;
  const windows = retryWindows(task);
  for await (const keys of destinationKeys(client, plan, { windows, signal })) {
    destination += keys.length;
    progress({ table: plan.source, compared: destination, estimatedRows, stage: 'destination', suspects: 0 });
  }
  return { source: Number(row?.found ?? 0), destination };
}
