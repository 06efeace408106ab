import { loadTables as loadDefinitions } from '../mysql/catalog.js';
import { connectSource } from '../mysql/connection.js';
import { safeStartPosition } from '../mysql/position.js';
import { charsetsOf } from '../mysql/types/index.js';
import type { SourcePosition } from '../shared/position.js';
import type { RowChange } from '../tablestore/model.js';
import { RowWriter } from '../tablestore/wire/row-writer.js';
import { changeKinds, type Transaction } from './checkpoint.js';
import type { TableName } from './ddl/parse.js';
import { operationOf, TableEncoder } from './encoder.js';
import { loadTables } from './full-load.js';
import type { FollowingOptions } from './following.js';
import type { StreamTable } from './incremental.js';
import { lookUp } from './lookup.js';
import { planTable, selectionOf, type PlanProblem } from './plan.js';
import { onSource, planError, recordOf } from './prepare.js';
import { prepareTable } from './schema.js';
import type { TableRecord } from './store.js';
import { sweep } from './sweep.js';

/**
 * Loads one table as it is now and forgets rows that the source no longer has (correctness rule 5). The stream stands
 * still meanwhile, so that nothing else writes its keys. It has a position of its own: what comes before it in the
 * stream is in the loaded rows already (rule 11). null: the table is gone again, or not selected.
 */
export async function loadFresh(
  options: FollowingOptions,
  name: TableName,
): Promise<{ record: TableRecord; from: SourcePosition } | null> {
  const { task, store, prepared, log } = options;
  const fresh = await onSource(options, async (connection) => {
    const selector = { database: name.database, table: name.table };
    let [before] = await loadDefinitions(connection, [selector]);
    for (;;) {
      const from = await safeStartPosition(connection);
      const [after] = await loadDefinitions(connection, [selector]);
      if (!after) return null;
      if (before && sameColumns(before, after)) return { definition: after, from };
      before = after;
    }
  });
  const selection = selectionOf(task, name.database, name.table);
  if (!fresh || !selection) return null;
  const problems: PlanProblem[] = [];
  const plan = planTable(task, fresh.definition, selection.mapping, problems);
  if (!plan) throw planError(problems);
  await onSource(options, (connection) =>
    prepared.charsets.load((sql) => connection.query(sql), charsetsOf(plan.definition.columns)),
  );
  const known = store.tables().find((record) => record.source === plan.source);
  const windows = {
    connectionMs: task.retry.connectionMinutes * 60_000,
    otherMs: task.retry.otherMinutes * 60_000,
  };
  const created = await prepareTable(options.client, plan, task, known !== undefined || task.merge, {
    signal: options.signal,
    onRetry: () => undefined,
    windows,
  });
  const record: TableRecord = {
    ...recordOf(plan),
    phase: 'full',
    created: created || (known?.created ?? false),
  };
  store.transaction(() => {
    store.saveTable(record);
    store.clearChunks(plan.source);
  });
  prepared.update(record);
  prepared.plans = [...prepared.plans.filter((one) => one.source !== plan.source), plan];
  await loadTables(options.loadContext(), [{ plan, transform: prepared.transform(plan), existed: false }], 2);
  const ghosts = created
    ? 0
    : await sweep({ ...options, charsets: prepared.charsets, etl: prepared.etl }, plan);
  if (ghosts > 0) log.info(`${plan.source}: ${ghosts} rows deleted that the source no longer has`);
  return { record: prepared.record(plan.source), from: fresh.from };
}

function sameColumns(
  a: { columns: readonly unknown[]; keys: readonly unknown[] },
  b: { columns: readonly unknown[]; keys: readonly unknown[] },
): boolean {
  return JSON.stringify([a.columns, a.keys]) === JSON.stringify([b.columns, b.keys]);
}

/** TRUNCATE with ddl.truncate "delete": every row of this source's table goes. */
export async function deleteRowsOf(options: FollowingOptions, table: StreamTable): Promise<void> {
  const count = await sweep(
    { ...options, charsets: options.prepared.charsets, etl: options.prepared.etl },
    table.plan,
  );
  options.log.info(`${table.plan.source} was truncated: ${count} rows deleted`);
}

/**
 * Writes the row of a key as it is at the source now, while the key is held, so that nothing overtakes it. A row that
 * is gone is not written: its DELETE comes in the stream (correctness rule 11).
 */
export async function fetchRow(
  options: FollowingOptions,
  table: StreamTable,
  key: RowChange,
  transaction: Transaction,
): Promise<void> {
  const { task, writer, prepared } = options;
  const hold = await writer.hold(key.table, key.key);
  const { plan } = table;
  const rows = new RowWriter();
  const found = await options.retry.retrying(async () => {
    const connection = await connectSource(task.source, 'snapshot');
    try {
      rows.reset();
      const encoder = new TableEncoder(plan, plan.definition.columns, 'text', prepared.charsets);
      let change: RowChange | null = null;
      await lookUp(connection, plan, [key.row], (image) => {
        const overrides = table.transform.active
          ? table.transform.run(encoder, image, 'UPDATE', transaction.commitMicros || null)
          : undefined;
        if (overrides === null) return;
        rows.reset();
        encoder.encode(image, operationOf(task.write.mode), rows, overrides);
        if (rows.rowKey() !== key.key) return;
        change = {
          table: key.table,
          op: operationOf(task.write.mode),
          key: key.key,
          row: rows.copyRow(),
          dataBytes: rows.dataBytes,
          owner: transaction,
          tag: changeKinds.update,
        };
      });
      return change;
    } finally {
      await connection.close();
    }
  });
  if (found) hold.release(found);
  else {
    hold.release();
    transaction.outstanding--;
  }
}
