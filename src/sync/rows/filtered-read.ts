import type { SourceConnection } from '../../mysql/connection.js';
import { atLeast } from '../../mysql/server-facts.js';
import { OVERSIZE_VALUE, type RowImage } from '../../mysql/model.js';
import { readChunk, type Chunk } from '../../mysql/snapshot.js';
import { selectExpression, type CharsetDecoders } from '../../mysql/types/index.js';
import { TableEncoder } from '../mapping/encoder.js';
import { UnwritableRow } from '../base/unwritable-row.js';
import { askSource, type FilterAnswer } from '../filter/answers.js';
import { compileFilter } from '../filter/index.js';
import type { TablePlan } from '../mapping/plan.js';
import { copyOf } from './row-copy.js';

/** Rows of one question, and bytes of them. */
const rowsAsked = 200;
const bytesAsked = 1024 * 1024;

export interface AskedRead {
  readonly chunk: Chunk;
  /** As ChunkRead has it, for the rows that the filter lets through. */
  readonly onRow: (image: RowImage) => boolean;
  readonly onUnanswered: (image: RowImage, why: UnwritableRow) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads a chunk whose filter MySQL cannot evaluate on some row, which fails the whole statement for good: all rows are
 * read, and the filter is asked about by their values, on `asker`. Throws what readChunk and the callbacks throw.
 */
export async function readAsking(
  reader: SourceConnection,
  asker: SourceConnection,
  plan: TablePlan,
  charsets: CharsetDecoders,
  read: AskedRead,
): Promise<void> {
  const asking = await RowAsking.of(asker, plan, charsets);
  let waiting: RowImage[] = [];
  let bytes = 0;
  let turn: Promise<void> | null = null;
  let failure: { error: unknown } | null = null;
  const deal = async () => {
    const rows = waiting;
    waiting = [];
    bytes = 0;
    const answers = await asking.ask(rows);
    let goesOn = true;
    for (const [i, image] of rows.entries()) {
      const answer = answers[i]!;
      if (answer instanceof UnwritableRow) read.onUnanswered(image, answer);
      else if (answer) goesOn = read.onRow(image);
    }
    turn = null;
    if (goesOn) reader.resume();
  };
  try {
    await readChunk(reader, {
      table: plan.definition,
      columns: plan.definition.columns,
      select: selectExpression,
      filter: null,
      chunk: read.chunk,
      onRow: (image) => {
        const copy = copyOf(image);
        waiting.push(copy);
        bytes += copy.bytes.length;
        if (!turn && (waiting.length >= rowsAsked || bytes >= bytesAsked)) {
          turn = deal().catch((error: unknown) => {
            failure = { error };
            reader.destroy();
          });
        }
        return turn === null;
      },
      ...(read.signal && { signal: read.signal }),
    });
  } catch (error) {
    throw (failure as { error: unknown } | null)?.error ?? error;
  }
  await (turn as Promise<void> | null);
  if (failure) throw (failure as { error: unknown }).error;
  if (waiting.length > 0) await deal();
}

/** Asks the source whether rows that were read from it pass the filter of their plan. */
export class RowAsking {
  private constructor(
    private readonly asker: SourceConnection,
    private readonly plan: TablePlan,
    private readonly encoder: TableEncoder,
    private readonly hasJsonTable: boolean,
  ) {}

  static async of(asker: SourceConnection, plan: TablePlan, charsets: CharsetDecoders): Promise<RowAsking> {
    const encoder = new TableEncoder(plan, plan.definition.columns, 'text', charsets);
    return new RowAsking(asker, plan, encoder, atLeast(await asker.facts(), 8, 0, 4));
  }

  /** An answer for each. */
  async ask(rows: readonly RowImage[]): Promise<FilterAnswer[]> {
    const { asker, plan, encoder, hasJsonTable } = this;
    // Rows that are too big to be read are dirty whatever the filter says.
    const whole = rows.filter((image) => !image.starts.includes(OVERSIZE_VALUE));
    if (whole.length === 0) return rows.map(() => true);
    const answers = await askSource(
      compileFilter(plan.filter!, plan.definition),
      whole.map((image) => (column) => encoder.readForSource(image, column) ?? null),
      hasJsonTable,
      (sql) => asker.query(sql),
    );
    const byRow = new Map(whole.map((image, i) => [image, answers[i]!]));
    return rows.map((image) => byRow.get(image) ?? true);
  }
}
