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

/** Which row of a table, and as what it is written. */
export interface SoughtRow {
  readonly locator: RowLocator;
  readonly operation: Operation;
  readonly commitMicros: number | null;
  /**
   * The destination has a row of this key already, which write mode "update-row" keeps what else it holds of. Any other
   * is put: an update that only takes NULL columns away would not make the row.
   */
  readonly isThere: boolean;
}

export interface WantedRow extends SoughtRow {
  readonly plan: TablePlan;
  readonly transform: RowTransform;
  /** The key that it most likely has: held before the first look. */
  readonly key?: string;
}

/** A row as it is at the source now, while its key is held: releasing the hold with the change writes it. */
export interface CurrentRow {
  readonly hold: KeyHold;
  readonly change: Omit<RowChange, 'owner' | 'tag'>;
}

/**
 * What the source has of a row now: null where source, filter and transformation give no such row, 'later' where those
 * before it have filled the memory.
 */
export type SourceRowNow = CurrentRow['change'] | DirtyNow | 'later' | null;

/** Encoded rows that are held at once. */
const mostBytes = 16 * 1024 * 1024;

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
  const [found] = await readRows(context, connection, wanted, [wanted], lock);
  if (found instanceof DirtyNow) throw found;
  return found as CurrentRow['change'] | null;
}

/**
 * Reads rows of one table as they are now, by one statement where no filter stands in the way; the answers are in the
 * order of the rows. The first that the source gives is never 'later'. `connection` is of purpose 'snapshot'. Throws RowferryError.
 */
export async function readRows(
  context: Pick<CurrentRowContext, 'task' | 'charsets'>,
  connection: SourceConnection,
  target: Pick<WantedRow, 'plan' | 'transform'>,
  sought: readonly SoughtRow[],
  lock: RowLock | null = null,
): Promise<SourceRowNow[]> {
  const { task, charsets } = context;
  const { plan, transform } = target;
  const encoder = new TableEncoder(plan, plan.definition.columns, 'text', charsets);
  const rows = new RowWriter();
  const answers = sought.map((): SourceRowNow => null);
  const numbers = byPlace(sought);
  let bytes = 0;
  const encode = (image: RowImage, row: SoughtRow): SourceRowNow => {
    try {
      const op = row.isThere ? operationOf(task.write.mode) : 'put';
      const overrides = transform.active
        ? transform.run(encoder, image, row.operation, row.commitMicros)
        : undefined;
      if (overrides === null) return null;
      rows.reset();
      encoder.encode(image, op, rows, overrides);
      if (bytes > 0 && bytes + rows.dataBytes > mostBytes) return 'later';
      bytes += rows.dataBytes;
      return {
        table: plan.destination,
        op,
        key: rows.rowKey(),
        row: rows.copyRow(),
        dataBytes: rows.dataBytes,
        ...(row.isThere &&
          row.operation === 'UPDATE' &&
          !task.synchronization.operations.includes('INSERT') && { condition: 'exist' as const }),
      };
    } catch (error) {
      const reason = dirtyReason(error);
      if (!reason) throw error;
      return new DirtyNow(reason.code, reason.message, encoder.describe(image));
    }
  };
  const take = (image: RowImage) => {
    for (const { like, places } of numbers)
      for (const number of places.get(textOf(encoder.placeLike(image, like))) ?? [])
        answers[number] = encode(image, sought[number]!);
  };
  const locators = sought.map(({ locator }) => locator);
  try {
    await lookUpLocated(connection, plan, locators, charsets, take, lock);
    return answers;
  } catch (error) {
    if (plan.filter === null || !isOfValues(error)) throw error;
    if (sought.length > 1) {
      // One row that MySQL cannot evaluate the filter on fails the whole statement.
      const half = Math.ceil(sought.length / 2);
      const first = await readRows(context, connection, target, sought.slice(0, half), lock);
      return [...first, ...(await readRows(context, connection, target, sought.slice(half), lock))];
    }
    const { code, message } = unanswered(error);
    return [new DirtyNow(code, message, new Map(locators[0]!.map(({ column, value }) => [column, value])))];
  }
}

/** Numbers of rows by where they are, for each way in which that is told: nearly always one. */
function byPlace(sought: readonly SoughtRow[]): { like: RowLocator; places: Map<string, number[]> }[] {
  const ways = new Map<string, { like: RowLocator; places: Map<string, number[]> }>();
  sought.forEach(({ locator }, number) => {
    const name = JSON.stringify(locator.map(({ column, type, unit }) => [column, type, unit]));
    let way = ways.get(name);
    if (!way) ways.set(name, (way = { like: locator, places: new Map() }));
    const place = textOf(locator);
    const known = way.places.get(place);
    if (known) known.push(number);
    else way.places.set(place, [number]);
  });
  return [...ways.values()];
}

const textOf = (locator: RowLocator) => JSON.stringify(locator.map(({ value }) => value));
