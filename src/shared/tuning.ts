import type { Task, WriteSettings } from './task.js';

/** What a running task changes without starting again. */
export type Tunable = Pick<Task, 'throttle' | 'write' | 'class' | 'audit'>;

/** Their keys in the file. */
export const tunableKeys: ReadonlySet<string> = new Set<keyof Tunable>([
  'throttle',
  'write',
  'class',
  'audit',
]);

/** Settings of a running task that take effect at once; absent: unchanged. */
export interface Tuning {
  throttle?: {
    full?: Partial<Task['throttle']['full']>;
    incremental?: Partial<Task['throttle']['incremental']>;
  };
  write?: Partial<Pick<WriteSettings, 'queueSize' | 'threads' | 'concurrency' | 'buckets'>>;
  class?: Task['class'];
  /** Of a task that has an audit. */
  audit?: { rowsPerSecond?: number };
}

/** All keys of a tuning; `audit` where the task has one. */
export type WholeTuning = Required<Omit<Tuning, 'audit'>> & Pick<Tuning, 'audit'>;

/** The tuning keys of a task, all of them. */
export function tuningOf({ throttle, write, class: tier, audit }: Tunable): WholeTuning {
  const { queueSize, threads, concurrency, buckets } = write;
  return {
    throttle,
    write: { queueSize, threads, concurrency, buckets },
    class: tier,
    ...(audit && { audit: { rowsPerSecond: audit.rowsPerSecond } }),
  };
}

/** Same tuning, whatever else differs. */
export function sameTuning(a: Tunable, b: Tunable): boolean {
  // An audit that comes or goes does so with the next start.
  const both = a.audit !== null && b.audit !== null;
  const text = (task: Tunable) => JSON.stringify(tuningOf(both ? task : { ...task, audit: null }));
  return text(a) === text(b);
}
