import type { Operation, ResolvedTask } from '../../shared/task.js';
import type { VerifyDifference } from '../../shared/verify-report.js';
import type { RowTransform } from '../mapping/transform.js';
import type { TableRecord } from '../state/task-store.js';

/**
 * Rows of the destination that are not as at the source on purpose. They may be nowhere else any more, so nothing that the
 * task does by itself takes them away (correctness rule 5).
 */

type Synchronization = Pick<ResolvedTask, 'synchronization'>;
const does = ({ synchronization }: Synchronization, operation: Operation) =>
  synchronization.operations.includes(operation);

/** The destination table was there before the task, whose "conflict" keeps what it held. */
export function mayHoldRowsOfOthers(
  { conflict, merge }: Pick<ResolvedTask, 'conflict' | 'merge'>,
  { created }: Pick<TableRecord, 'created'>,
): boolean {
  return conflict === 'ignore' && !merge && !created;
}

/** Rows that the source has deleted stay: the task leaves DELETE out, or its transformation may drop it. */
export function keepsDeleted(
  task: Synchronization,
  transform: Pick<RowTransform, 'dropsByOperation'>,
): boolean {
  return !does(task, 'DELETE') || transform.dropsByOperation;
}

/**
 * A load leaves the rows that it finds as they are: what was there before the task, if its "conflict" keeps that; of a
 * table that the task has loaded before (`sweep`), all of them if it leaves UPDATE out, and else none.
 */
export function loadKeepsRows(
  task: Synchronization & Pick<ResolvedTask, 'conflict'>,
  { created, sweep }: Pick<TableRecord, 'created' | 'sweep'>,
): boolean {
  return sweep === true ? !does(task, 'UPDATE') : task.conflict === 'ignore' && !created;
}

const putRightBy = { missing: 'INSERT', different: 'UPDATE', extra: 'DELETE' } as const;

/** A repair does what the task's operations do, and no more. Of several rows with one key it cannot choose one. */
export function isRepaired(task: Synchronization, kind: VerifyDifference['kind']): boolean {
  return kind !== 'duplicate' && does(task, putRightBy[kind]);
}
