import { settingsDigest } from '../../shared/settings-digest.js';
import type { ResolvedTask } from '../../shared/task.js';

/** Keys that a running task cannot take: they hold from its next start. */
export function keysAtNextStart(now: ResolvedTask, then: ResolvedTask): string[] {
  const atOnce = new Set<string>(['objects', 'throttle', 'class', '$schema', 'name', 'tag', 'ignoredChecks']);
  const keys = new Set([...Object.keys(now), ...Object.keys(then)] as (keyof ResolvedTask)[]);
  const text = (task: ResolvedTask, key: keyof ResolvedTask) => {
    if (key !== 'write') return JSON.stringify(task[key]);
    return JSON.stringify([task.write.mode, task.write.batch]);
  };
  return [...keys].filter((key) => !atOnce.has(key) && text(now, key) !== text(then, key));
}

/** By task: asked for every second, and the settings of a run change seldom. */
const marks = new WeakMap<ResolvedTask, Record<string, string>>();

/** The settings that a run has, as its snapshot shows them. */
export function marksOf(task: ResolvedTask): Record<string, string> {
  const known = marks.get(task) ?? settingsDigest(task);
  marks.set(task, known);
  return known;
}
