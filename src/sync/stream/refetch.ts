import { setTimeout as delay } from 'node:timers/promises';
import { readCommitted } from '../source/committed-read.js';
import type { TablePlan } from '../mapping/plan.js';
import { destinationKeys } from '../rows/destination-rows.js';
import { changeKinds, type Transaction } from '../state/checkpoint.js';
import type { RefetchedRow, StreamTable } from './stream-context.js';
import { DirtyNow, takeRow } from '../rows/current-row.js';
import type { RunServices } from './run-services.js';
import { deleteRows } from '../load/sweep.js';
import { keepsDeleted } from '../tables/kept-rows.js';

/**
 * TRUNCATE with ddl.truncate "delete": every row of this source's table goes that the destination has. The source is not
 * asked: it may be far ahead, with other columns or without the table.
 */
export async function deleteRowsOf(services: RunServices, { plan }: StreamTable): Promise<void> {
  const { client, writer, signal, settings } = services;
  let count = 0;
  for await (const keys of destinationKeys(client, plan, { windows: settings.windows, signal })) {
    await deleteRows(writer, plan.destination, keys);
    count += keys.length;
  }
  services.dirty.emptied(plan);
  services.log.info(`${plan.source} was truncated: ${count} rows deleted`, { table: plan.source });
}

/**
 * A row that an engine without transactions inserts beside readers (concurrent_insert) is shown to them only when its
 * statement lets go of the table, after it is in the binlog, and no lock of a row waits for that.
 */
const hasRowLocks = ({ definition }: TablePlan) => definition.engine.toLowerCase() === 'innodb';

/** How long what a transaction inserted may be unseen still, ms. */
function unseenFor({ prepared, settings }: RunServices, { commitMicros }: Transaction): number {
  const { unseenCommitMs } = settings.timing;
  if (commitMicros === 0) return unseenCommitMs;
  const ageMs = Date.now() + (prepared.facts.clockOffsetMicros - commitMicros) / 1000;
  return Math.min(unseenCommitMs, Math.max(0, unseenCommitMs - ageMs));
}

/**
 * Writes a row of the stream as it is at the source now, while its key is held (correctness rule 11). One that the
 * source no longer gives is deleted: if it is gone, its DELETE comes anyway (and leaves the row where the task leaves DELETE out); if it left the filter, this
 * is it.
 */
export async function fetchRow(
  services: RunServices,
  row: RefetchedRow,
  transaction: Transaction,
): Promise<void> {
  const { settings, writer, prepared, retry, sessions } = services;
  const { table, locator, operation, identity, isThere, deletion } = row;
  const { plan, transform } = table;
  const commitMicros = transaction.commitMicros || null;
  // With a filter or a transformation it may be this event that takes the row away; without, it was a DELETE.
  const mayBeKept = !plan.filter && !transform.active && keepsDeleted(settings.task, transform);
  const take = () =>
    takeRow(
      {
        task: settings.task,
        writer,
        charsets: prepared.charsets,
        ask: (work) =>
          retry.retrying(() =>
            sessions.ask('snapshot', (connection) =>
              readCommitted(
                connection,
                prepared.facts,
                transaction.name,
                settings.timing.unseenCommitMs,
                (lock) => work(connection, lock),
              ),
            ),
          ),
      },
      { plan, transform, locator, operation, isThere, commitMicros, ...(deletion && { key: deletion.key }) },
    );
  try {
    let found = await take();
    if (!found && operation === 'INSERT' && !hasRowLocks(plan)) {
      await delay(unseenFor(services, transaction), undefined, { signal: services.signal });
      found = await take();
    }
    const tag = operation === 'INSERT' ? changeKinds.insert : changeKinds.update;
    if (found) found.hold.release({ ...found.change, owner: transaction, tag });
    else if (deletion && !mayBeKept) writer.enqueue(deletion);
    else transaction.settled();
  } catch (error) {
    if (!(error instanceof DirtyNow)) throw error;
    services.dirty.record({
      plan,
      identity,
      operation,
      code: error.code,
      message: error.message,
      position: transaction.begins,
      sourceRow: error.sourceRow,
      key: deletion?.key,
      locator,
    });
    transaction.settled();
  }
}
