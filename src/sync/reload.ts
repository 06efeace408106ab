import { loadTables as loadDefinitions } from '../mysql/catalog.js';
import { safeStartPosition } from '../mysql/position.js';
import { charsetsOf } from '../mysql/types/index.js';
import type { SourcePosition } from '../shared/position.js';
import { changeKinds, type Transaction } from './checkpoint.js';
import type { TableName } from './ddl/parse.js';
import { keyLine } from './dirty.js';
import { loadTables } from './full-load.js';
import type { FollowingOptions } from './following.js';
import type { RefetchedRow, StreamTable } from './incremental.js';
import { planTable, selectionOf, type PlanProblem } from './plan.js';
import { onSource, planError, recordOf } from './prepare.js';
import { prepareTable } from './schema.js';
import { DirtyNow, takeRow } from './row-now.js';
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
    store.clearDirty(plan.source);
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
 * Writes a row of the stream as it is at the source now, while its key is held (correctness rule 11). One that the
 * source no longer gives is deleted: if it is gone, its DELETE comes anyway; if it left the filter, this is it.
 */
export async function fetchRow(
  options: FollowingOptions,
  row: RefetchedRow,
  transaction: Transaction,
): Promise<void> {
  const { task, writer, prepared, retry } = options;
  const { table, locator, operation, identity, deletion } = row;
  const { plan, transform } = table;
  const commitMicros = transaction.commitMicros || null;
  try {
    const found = await takeRow(
      { task, writer, charsets: prepared.charsets, retrying: (work) => retry.retrying(work) },
      { plan, transform, locator, operation, commitMicros, ...(deletion && { key: deletion.key }) },
    );
    const tag = operation === 'INSERT' ? changeKinds.insert : changeKinds.update;
    if (found) found.hold.release({ ...found.change, owner: transaction, tag });
    else if (deletion) writer.enqueue(deletion);
    else transaction.outstanding--;
  } catch (error) {
    if (!(error instanceof DirtyNow)) throw error;
    options.dirty.record({
      plan,
      identity,
      operation,
      code: error.code,
      message: error.message,
      position: transaction.begins,
      sourceRow: error.sourceRow,
      key: keyLine(
        Object.fromEntries(plan.key.map(({ name, column }) => [name, error.sourceRow[column.name] ?? null])),
      ),
      locator,
    });
    transaction.outstanding--;
  }
}
