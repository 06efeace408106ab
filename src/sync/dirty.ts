import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { Operation, ResolvedTask } from '../shared/task.js';
import { decodeRows } from '../tablestore/wire/plainbuffer.js';
import { showValue } from './encoder.js';
import type { TablePlan } from './plan.js';
import type { TaskStore } from './store.js';

/** The task waits for a person: the record is in the store, and nothing behind it was passed. */
export class BlockedByDirtyData extends RowferryError {
  constructor(source: string, message: string) {
    super('ROW-V105', `A row of ${source} could not be written: ${message}`);
  }
}

/** One row that cannot be written, as the places that meet it tell it. */
export interface DirtyRow {
  plan: TablePlan;
  /** What makes it the same row on a replay: transaction and number, or the key in the full load. */
  identity: string;
  operation: Operation;
  code: string;
  message: string;
  position: SourcePosition | null;
  sourceRow: Record<string, string | null>;
  /** The row as it would have been written, if it could be encoded: PlainBuffer. */
  row?: Buffer;
  /** The key as people read it, when there is no encoded row. */
  key?: string;
}

/**
 * Keeps dirty rows (correctness rule 22). With policy 'skip' a record is made and the row passed over; with 'block'
 * a record without a decision ends the run, and one with the decision 'skip' is passed over on the replay.
 */
export class DirtyData {
  constructor(
    private readonly store: TaskStore,
    private readonly task: Pick<ResolvedTask, 'dirtyData'>,
  ) {}

  /** Was it decided that this row stays unwritten? Asked before a row is tried, so that a replay does not try again. */
  isSkipped(identity: string): boolean {
    return this.store.findDirty(identity)?.decision === 'skip';
  }

  /** Returns when the row is passed over. Throws BlockedByDirtyData when a person has to decide. */
  record(dirty: DirtyRow): void {
    const { plan, code, message } = dirty;
    const mask = new Set(this.task.dirtyData.mask);
    const masked = (values: Record<string, string | null>) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          mask.has(name) && value !== null ? '***' : value,
        ]),
      );
    const cells = dirty.row ? readable(dirty.row) : { key: {}, cells: {} };
    const nameOfCell = new Map(
      [...plan.key, ...plan.attributes].map((cell) => [cell.name, cell.column.name]),
    );
    const maskedCells = Object.fromEntries(
      Object.entries(cells.cells).map(([name, value]) => [
        name,
        mask.has(nameOfCell.get(name) ?? name) ? '***' : value,
      ]),
    );
    const { decision } = this.store.recordDirty({
      identity: dirty.identity,
      source: plan.source,
      destination: plan.destination,
      operation: dirty.operation,
      key:
        dirty.key ??
        Object.entries(cells.key)
          .map(([name, value]) => `${name}=${mask.has(nameOfCell.get(name) ?? name) ? '***' : value}`)
          .join(', '),
      code,
      message,
      position: dirty.position,
      sourceRow: masked(dirty.sourceRow),
      cells: maskedCells,
      atMs: Date.now(),
    });
    if (this.task.dirtyData.policy === 'skip' || decision === 'skip') return;
    throw new BlockedByDirtyData(plan.source, message);
  }
}

function readable(row: Buffer): { key: Record<string, string>; cells: Record<string, string | null> } {
  const [decoded] = decodeRows(row);
  const key: Record<string, string> = {};
  const cells: Record<string, string | null> = {};
  for (const [name, value] of decoded?.primaryKey ?? []) key[name] = showValue(value as never);
  for (const cell of decoded?.cells ?? [])
    cells[cell.name] =
      cell.value === undefined || cell.value === null ? null : showValue(cell.value as never);
  return { key, cells };
}
