import { RowferryError } from '../../shared/errors.js';
import type { TablePlan } from '../mapping/plan.js';
import type { TableRecord, TaskStore } from './task-store.js';

type Records = Pick<TaskStore, 'table'>;

/**
 * A table of the task as it was when work on its rows beside the stream was planned: a comparison, a repair, a retry. Such
 * work lasts, and meanwhile the table may be altered, loaded anew, mapped otherwise, stopped or lost to another one: then
 * what was planned is not what the stream writes, and no row may be written by it (correctness rule 11).
 */
export class OwnTable {
  private readonly planned: string;

  /** To be made before the definition of the plan is read. */
  constructor(
    private readonly store: Records,
    private readonly source: string,
  ) {
    this.planned = shapeOf(this.record());
  }

  private record(): TableRecord | undefined {
    return this.store.table(this.source);
  }

  /** It is not any more what it was when the work was planned. */
  get isOutdated(): boolean {
    return shapeOf(this.record()) !== this.planned;
  }

  /**
   * Why no row is written by the plan: the table has not begun, or stopped because its destination is not its own, or the
   * destination is not the one that the task has. null: nothing stands against it.
   */
  refusal({ destination }: TablePlan): RowferryError | null {
    const record = this.record();
    if (!record) return notLoaded(this.source);
    if (hasNoDestination(record)) return RowferryError.fromPlain(record.problem!);
    if (record.phase === 'schema') return notLoaded(this.source);
    return record.destination === destination ? null : mappedOtherwise(this.source);
  }
}

/** A table that stopped because its destination is not its own: there is nothing of it to be compared or put right. */
export function hasNoDestination({ phase, problem }: TableRecord): boolean {
  return phase === 'stopped' && problem !== undefined && taken.has(problem.code);
}

/** It is another table's of the task, was there before, or another task's. */
const taken: ReadonlySet<string> = new Set(['ROW-T106', 'ROW-D105', 'ROW-E101']);

const shapeOf = (record: TableRecord | undefined) =>
  record ? JSON.stringify([record.life, record.revision ?? 0, record.phase, record.mapping]) : '';

const notLoaded = (source: string) =>
  new RowferryError('ROW-E109', `The task has not loaded ${source} yet, so none of its rows are written.`, {
    remedy: 'Start the task and wait until the table is loaded, then try again.',
  });

export const mappedOtherwise = (source: string) =>
  new RowferryError(
    'ROW-T106',
    `The settings of ${source} in the task file are not those that its rows were written with, so none of its rows are written.`,
    { remedy: 'Apply the changed file or restart the task, or undo the change. Then try again.' },
  );

export const outdated = (source: string) =>
  new RowferryError('ROW-T106', `${source} was altered, loaded again or stopped in the meantime.`, {
    remedy: 'Try again once the table is loaded.',
  });
