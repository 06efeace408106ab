import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { readChunk, type Chunk } from '../../mysql/snapshot.js';
import { selectExpression, type CharsetDecoders } from '../../mysql/types/index.js';
import { isOfValues } from '../filter/answers.js';
import { readAsking } from '../rows/filtered-read.js';
import type { TablePlan } from '../mapping/plan.js';

/**
 * Reads a chunk of the source, with the filter of the plan, and hands its rows over in batches; while so many of them are
 * being worked on, the reading waits. `row` makes of an image what is kept of it, null for nothing. Where MySQL cannot
 * evaluate the filter on a row, which `unanswered` gets, all rows of the chunk come once more. Throws what the
 * callbacks throw, RowferryError, or the signal's reason.
 */
export async function inBatches<T>(
  reader: SourceConnection,
  plan: TablePlan,
  chunk: Chunk,
  options: {
    signal: AbortSignal;
    batchRows: number;
    batchesAtOnce: number;
    charsets: CharsetDecoders;
    /** Runs work on a further connection. */
    asking: (work: (connection: SourceConnection) => Promise<void>) => Promise<void>;
    row: (image: RowImage) => T | null;
    unanswered: (image: RowImage) => void;
    /** The rows come once more. */
    again: () => void;
    batch: (rows: T[]) => Promise<void>;
  },
): Promise<void> {
  const { signal, batchRows, batchesAtOnce } = options;
  const batches = new Set<Promise<void>>();
  let batch: T[] = [];
  let failure: { error: unknown } | null = null;
  const send = () => {
    const some = batch;
    batch = [];
    const sent = options.batch(some).then(
      () => {
        batches.delete(sent);
        if (batches.size < batchesAtOnce) reader.resume();
      },
      (error: unknown) => {
        failure ??= { error };
        reader.destroy();
      },
    );
    batches.add(sent);
  };
  const onRow = (image: RowImage) => {
    const row = options.row(image);
    if (row !== null) batch.push(row);
    if (batch.length >= batchRows) send();
    return batches.size < batchesAtOnce;
  };
  const readAll = async () => {
    const { definition, filter } = plan;
    const { columns } = definition;
    try {
      await readChunk(reader, {
        table: definition,
        columns,
        select: selectExpression,
        filter,
        chunk,
        onRow,
        signal,
      });
    } catch (error) {
      if (filter === null || failure || !isOfValues(error)) throw error;
      await Promise.all(batches);
      batch = [];
      options.again();
      const onUnanswered = options.unanswered;
      await options.asking((asker) =>
        readAsking(reader, asker, plan, options.charsets, { chunk, onRow, onUnanswered, signal }),
      );
    }
  };
  try {
    await readAll();
  } catch (error) {
    throw (failure as { error: unknown } | null)?.error ?? error;
  }
  if (batch.length > 0) send();
  await Promise.all(batches);
  if (failure) throw (failure as { error: unknown }).error;
}
