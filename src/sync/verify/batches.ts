import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { readChunk, type Chunk } from '../../mysql/snapshot.js';
import { selectExpression } from '../../mysql/types/index.js';
import type { TablePlan } from '../plan.js';

/**
 * Reads a chunk of the source, with the filter of the plan, and hands its rows over in batches; while so many of them are
 * being worked on, the reading waits. `row` makes of an image what is kept of it, null for nothing. Throws what the
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
    row: (image: RowImage) => T | null;
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
  try {
    await readChunk(reader, {
      table: plan.definition,
      columns: plan.definition.columns,
      select: selectExpression,
      filter: plan.filter,
      chunk,
      onRow: (image) => {
        const row = options.row(image);
        if (row !== null) batch.push(row);
        if (batch.length >= batchRows) send();
        return batches.size < batchesAtOnce;
      },
      signal,
    });
  } catch (error) {
    throw (failure as { error: unknown } | null)?.error ?? error;
  }
  if (batch.length > 0) send();
  await Promise.all(batches);
  if (failure) throw (failure as { error: unknown }).error;
}
