import { charsetsOf } from '../mysql/types/index.js';
import { readCommitted } from './committed-read.js';
import { changeKinds, type Transaction } from './checkpoint.js';
import { keyLine } from './dirty.js';
import type { FollowingOptions } from './following.js';
import type { RefetchedRow, StreamTable } from './stream-context.js';
import { DirtyNow, takeRow } from './row-now.js';
import { onSource } from './source-retry.js';
import { sweep } from './sweep.js';

/** TRUNCATE with ddl.truncate "delete": every row of this source's table goes. */
export async function deleteRowsOf(options: FollowingOptions, table: StreamTable): Promise<void> {
  // Its columns may have come by statements without any row yet.
  await onSource(options, (connection) =>
    options.prepared.charsets.load((sql) => connection.query(sql), charsetsOf(table.plan.definition.columns)),
  );
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
  const { task, writer, prepared, retry, questions } = options;
  const { table, locator, operation, identity, isThere, deletion } = row;
  const { plan, transform } = table;
  const commitMicros = transaction.commitMicros || null;
  try {
    const found = await takeRow(
      {
        task,
        writer,
        charsets: prepared.charsets,
        ask: (work) =>
          retry.retrying(() =>
            questions.ask('snapshot', (connection) =>
              readCommitted(connection, prepared.facts, transaction.name, (lock) => work(connection, lock)),
            ),
          ),
      },
      { plan, transform, locator, operation, isThere, commitMicros, ...(deletion && { key: deletion.key }) },
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
      key: keyLine(plan, error.sourceRow),
      locator,
    });
    transaction.outstanding--;
  }
}
