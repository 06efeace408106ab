import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import type { RowLock } from '../../mysql/snapshot.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { Operation, ResolvedTask } from '../../shared/task.js';
import type { KeyHold, RowChange } from '../../tablestore/client/model.js';
import { RowWriter } from '../../tablestore/wire/row-writer.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { dirtyReason, operationOf, TableEncoder } from '../mapping/encoder.js';
import { isOfValues, unanswered } from '../filter/answers.js';
import type { RowLocator } from '../mapping/locator.js';
import { lookUpLocated } from './lookup.js';
import type { TablePlan } from '../mapping/plan.js';
import type { RowTransform } from '../mapping/transform.js';

export interface CurrentRowContext {
  readonly task: ResolvedTask;
  readonly writer: Pick<TablestoreWriter, 'hold'>;
  readonly charsets: CharsetDecoders;
  /**
   * Runs work on a connection of purpose 'snapshot', again and again while the source is away. `lock`: how the row is
   * to be locked for the read.
   */
  readonly ask: <T>(work: (connection: SourceConnection, lock?: RowLock | null) => Promise<T>) => Promise<T>;
}

/** Which row, and as what it is written. */
export interface WantedRow {
  readonly plan: TablePlan;
  readonly transform: RowTransform;
  readonly locator: RowLocator;
  readonly operation: Operation;
  readonly commitMicros: number | null;
  /**
   * The destination has a row of this key already, which write mode "update-row" keeps what else it holds of. Any other
   * is put: an update that only takes NULL columns away would not make the row.
   */
  readonly isThere: boolean;
  /** The key that it most likely has: held before the first look. */
  readonly key?: string;
}

/** A row as it is at the source now, while its key is held: releasing the hold with the change writes it. */
export interface CurrentRow {
  readonly hold: KeyHold;
  readonly change: Omit<RowChange, 'owner' | 'tag'>;
}

/** The row is there and cannot be written as it is now either. */
export class DirtyNow extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly sourceRow: ReadonlyMap<string, string | null>,
  ) {
    super(message);
  }
}

/**
 * Reads a row as it is now, with its key held from before the read, so that whatever is written from it is not
 * overtaken by what was read earlier (correctness rule 11). null: the source, filter and transformation give no such
 * row. Throws DirtyNow, RowferryError.
 */
export async function takeRow(context: CurrentRowContext, wanted: WantedRow): Promise<CurrentRow | null> {
  const { writer } = context;
  const { destination } = wanted.plan;
  let held = wanted.key;
  let hold = held === undefined ? undefined : await writer.hold(destination, held);
  for (;;) {
    let change: CurrentRow['change'] | null;
    try {
      change = await context.ask((connection, lock = null) => readRow(context, connection, wanted, lock));
    } catch (error) {
      hold?.release();
      throw error;
    }
    if (change && hold && change.key === held) return { hold, change };
    hold?.release();
    if (!change) return null;
    held = change.key;
    hold = await writer.hold(destination, held);
  }
}

async function readRow(
  context: CurrentRowContext,
  connection: SourceConnection,
  wanted: WantedRow,
  lock: RowLock | null,
): Promise<CurrentRow['change'] | null> {
  const { task } = context;
  const { plan, transform, operation } = wanted;
  const encoder = new TableEncoder(plan, plan.definition.columns, 'text', context.charsets);
  const rows = new RowWriter();
  const op = wanted.isThere ? operationOf(task.write.mode) : 'put';
  let change: CurrentRow['change'] | null = null;
  let problem: DirtyNow | null = null;
  const take = (image: RowImage) => {
    if (!encoder.isAt(image, wanted.locator)) return;
    try {
      const overrides = transform.active
        ? transform.run(encoder, image, operation, wanted.commitMicros)
        : undefined;
      if (overrides === null) return;
      encoder.encode(image, op, rows, overrides);
      change = {
        table: plan.destination,
        op,
        key: rows.rowKey(),
        row: rows.copyRow(),
        dataBytes: rows.dataBytes,
        ...(wanted.isThere &&
          operation === 'UPDATE' &&
          !task.synchronization.operations.includes('INSERT') && { condition: 'exist' as const }),
      };
    } catch (error) {
      const reason = dirtyReason(error);
      if (!reason) throw error;
      problem = new DirtyNow(reason.code, reason.message, encoder.describe(image));
    }
  };
  try {
    await lookUpLocated(connection, plan, wanted.locator, context.charsets, take, lock);
  } catch (error) {
    if (plan.filter === null || !isOfValues(error)) throw error;
    const { code, message } = unanswered(error);
    throw new DirtyNow(code, message, new Map(wanted.locator.map(({ column, value }) => [column, value])));
  }
  if (problem) throw problem as DirtyNow;
  return change;
}
