import type { SourceConnection } from '../../mysql/connection.js';
import { countChunk, planChunks, wholeTable } from '../../mysql/snapshot.js';
import { charsetsOf, loadCharsetDecoders } from '../../mysql/types/index.js';
import { isOfValues } from '../filter/answers.js';
import { readAsking } from '../rows/filtered-read.js';
import type { TablePlan } from '../mapping/plan.js';
import type { VerifyOptions } from './options.js';
import { withSource } from './session.js';

export interface SourceCount {
  /** Rows that the filter lets through. */
  readonly rows: number;
  /** Rows that MySQL cannot evaluate the filter on. */
  readonly unanswered: number;
}

const rowsOfChunk = 10_000;

/**
 * How many rows the source has. One row that MySQL cannot evaluate the filter on fails the statement for all of them: then
 * they are counted chunk by chunk, and in those that hold such a row one by one. Throws RowferryError.
 */
export async function countSource(
  connection: SourceConnection,
  plan: TablePlan,
  options: Pick<VerifyOptions, 'task' | 'known' | 'signal'>,
): Promise<SourceCount> {
  const { definition: table, filter } = plan;
  try {
    return { rows: await countChunk(connection, { table, filter, chunk: wholeTable }), unanswered: 0 };
  } catch (error) {
    if (filter === null || !isOfValues(error)) throw error;
  }
  const charsets = await loadCharsetDecoders((sql) => connection.query(sql), charsetsOf(table.columns));
  const { signal } = options;
  let rows = 0;
  let unanswered = 0;
  await withSource(options, 'snapshot', async (reader) => {
    for await (const chunk of planChunks(connection, table, { rows: rowsOfChunk })) {
      try {
        rows += await countChunk(connection, { table, filter, chunk });
      } catch (error) {
        if (!isOfValues(error)) throw error;
        await readAsking(reader, connection, plan, charsets, {
          chunk,
          onRow: () => ++rows > 0,
          onUnanswered: () => void unanswered++,
          signal,
        });
      }
    }
  });
  return { rows, unanswered };
}
