import { RowferryError } from '../../shared/errors.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { TaskAction } from '../../shared/task-actions.js';
import type { Session } from '../ipc/server.js';
import type { ManagedTask } from './managed-task.js';

/** Why something cannot be done with a task now, and what to do instead. */

export function unknownTask(id: string): RowferryError {
  return new RowferryError('ROW-E109', `The state folder has no task ${id}.`);
}

/** ROW-E101: somebody else runs it. */
export function heldError(managed: ManagedTask, session: Session): RowferryError {
  const { name } = managed.snapshot();
  const since = new Date(managed.startedMs).toISOString().slice(0, 19).replace('T', ' ');
  const who = managed.owner
    ? managed.owner.pid === session.pid
      ? 'in this process'
      : `in rowferry run (process ${managed.owner.pid})`
    : 'in the background (started from the editor, or set to keep running)';
  return new RowferryError('ROW-E101', `${name} is already running ${who} since ${since} UTC.`, {
    remedy: 'Stop it there, or use another task with another --state folder.',
  });
}

/** Actions that some states do not take. */
export type Refusable = Exclude<TaskAction, 'start' | 'stop'>;

/** ROW-E109 or ROW-E112: the task is in a state that does not take the action. */
export function refusal(
  action: Refusable,
  { name, state }: Pick<TaskSnapshot, 'name' | 'state'>,
): RowferryError {
  const isBetween = state === 'starting' || state === 'stopping';
  switch (action) {
    case 'pause':
      return new RowferryError('ROW-E109', `${name} is ${isBetween ? state : 'not running'}.`, {
        remedy: 'Only a running task can be paused.',
      });
    case 'resume':
      return new RowferryError('ROW-E109', `${name} is not paused.`, {
        remedy: 'Only a paused task can be resumed.',
      });
    case 'reset':
      return new RowferryError('ROW-E112', `${name} is ${isBetween ? state : 'running'}.`, {
        remedy: 'Stop the task first. To reload tables while it runs, use rowferry reload.',
      });
    case 'delete':
      return new RowferryError('ROW-E112', `${name} is ${isBetween ? state : 'running'}.`);
  }
}
