import { readCommitted } from './committed-read.js';
import { destinationKeys } from './destination-rows.js';
import { changeKinds, type Transaction } from './checkpoint.js';
import type { RefetchedRow, StreamTable } from './stream-context.js';
import { DirtyNow, takeRow } from './row-now.js';
import type { RunServices } from './run-services.js';
import { deleteRows } from './sweep.js';

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
  services.log.info(`${plan.source} was truncated: ${count} rows deleted`, { table: plan.source });
}

/**
 * Writes a row of the stream as it is at the source now, while its key is held (correctness rule 11). One that the
 * source no longer gives is deleted: if it is gone, its DELETE comes anyway; if it left the filter, this is it.
 */
export async function fetchRow(
  services: RunServices,
  row: RefetchedRow,
  transaction: Transaction,
): Promise<void> {
  const { settings, writer, prepared, retry, questions } = services;
  const { table, locator, operation, identity, isThere, deletion } = row;
  const { plan, transform } = table;
  const commitMicros = transaction.commitMicros || null;
  try {
    const found = await takeRow(
      {
        task: settings.task,
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
