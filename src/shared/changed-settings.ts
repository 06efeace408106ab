import { isEmptyPlan, type ChangePlan } from './change-plan.js';
import { connectionsDigest, differingKeys, settingsDigest } from './settings-digest.js';
import type { TaskSnapshot } from './snapshot.js';
import { isRunning } from './task-actions.js';
import type { TaskControlApi } from './task-control-api.js';
import type { ResolvedTask, Task } from './task.js';
import { tunableKeys, tuningOf } from './tuning.js';

/** A task that runs with other settings than its file has. */

/** By file: asked for with each snapshot, and a file changes seldom. */
const marks = new WeakMap<Task, Record<string, string>>();

/**
 * Keys of a file that its running task does not go by; none while that is not known. `startedWith`: marks of the
 * connections that it was started with, which the engine is not told of.
 */
export function changedSettings(
  task: Task | undefined,
  snapshot: Pick<TaskSnapshot, 'settings' | 'state'> | undefined,
  startedWith: Record<string, string> = {},
): string[] {
  if (!task || !snapshot?.settings || !isRunning(snapshot.state) || snapshot.state === 'stopping') return [];
  const ofFile = marks.get(task) ?? { ...settingsDigest(task), ...connectionsDigest(task) };
  marks.set(task, ofFile);
  return differingKeys(ofFile, { ...startedWith, ...snapshot.settings });
}

/** Those of them that need no restart. */
export function changedAtOnce({ atNextStart }: ChangePlan, changed: readonly string[]): string[] {
  return changed.filter((key) => (key === 'objects' || tunableKeys.has(key)) && !atNextStart.includes(key));
}

/** Puts in force what needs no restart. Throws as applyChanges(). */
export async function applyAtOnce(
  engine: Pick<TaskControlApi, 'tune' | 'applyChanges'>,
  task: ResolvedTask,
  plan: ChangePlan,
  changed: readonly string[],
): Promise<void> {
  if (changed.some((key) => tunableKeys.has(key))) await engine.tune(task.id, tuningOf(task));
  if (changed.includes('objects') || !isEmptyPlan(plan)) await engine.applyChanges(task);
}
