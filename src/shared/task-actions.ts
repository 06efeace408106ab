import type { TaskState } from './snapshot.js';

/**
 * What can be done with a task in which state. Engine, tree, menus, pages and docs/task-states.md all go by this one
 * table: what is offered works, and what is not offered is refused.
 */
export const taskActions = ['start', 'stop', 'pause', 'resume', 'reset', 'delete'] as const;
export type TaskAction = (typeof taskActions)[number];

/** `new`: the engine does not know the task. */
export type KnownState = TaskState | 'new';

/** The state that an action ends in; from there a run goes on by itself. */
export const leadsTo: Record<TaskAction, KnownState> = {
  start: 'starting',
  stop: 'stopped',
  pause: 'paused',
  resume: 'running',
  reset: 'stopped',
  delete: 'new',
};

const offered: Record<KnownState, readonly TaskAction[]> = {
  new: ['start', 'delete'],
  starting: ['stop'],
  running: ['stop', 'pause'],
  retrying: ['stop', 'pause'],
  paused: ['stop', 'resume'],
  // Stop: a decision does not make it go on any more. Start: it goes by the file as it is now.
  blocked: ['start', 'stop', 'reset', 'delete'],
  stopping: [],
  stopped: ['start', 'reset', 'delete'],
  failed: ['start', 'reset', 'delete'],
  completed: ['start', 'reset', 'delete'],
  'waiting-for-credentials': ['start', 'stop', 'reset', 'delete'],
};

export const knownStates = Object.keys(offered) as KnownState[];

export function offers(state: KnownState | undefined, action: TaskAction): boolean {
  return offered[state ?? 'new'].includes(action);
}

/** What the engine carries out: what is offered; and what waits for a stop that is under way. */
export function accepts(state: KnownState, action: TaskAction): boolean {
  return offers(state, action) || (state === 'stopping' && (action === 'start' || action === 'stop'));
}

/** Nothing is left to do: whoever asks twice, or asks a task that ended by itself in the meantime, is not refused. */
export function isDone(state: KnownState, action: TaskAction): boolean {
  if (action === 'stop') return state === 'stopped' || state === 'failed' || state === 'completed';
  return (action === 'pause' || action === 'resume') && state === leadsTo[action];
}

/** The engine has a run of the task: it reads and writes, or tries to. */
export function isRunning(state: TaskState): boolean {
  return running.has(state);
}
const running: ReadonlySet<TaskState> = new Set(['starting', 'running', 'retrying', 'paused', 'stopping']);

/** The context of a task in the tree, which the `when` clauses of package.json read. */
export function taskContext(state: KnownState, isPossible: (action: TaskAction) => boolean): string {
  const can = offered[state].filter(isPossible).map((action) => `can-${action}`);
  return ['task', `is-${state}`, ...can].join(';');
}
