import { RowferryError } from './errors.js';
import { taskSchema, type Task } from './task.js';
import type { Tuning } from './workbench-api.js';

/** What a running task changes without starting again. */
export type Tunable = Pick<Task, 'throttle' | 'write' | 'class' | 'audit'>;
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

/** The task with changed tuning; one that has no audit gets none. Throws ROW-T104 when the result would not be valid in a task file. */
export function tuned<T extends Tunable>(task: T, tuning: Tuning): T {
  const { throttle, write, class: tier, audit } = task;
  const wanted = {
    throttle: {
      full: { ...throttle.full, ...tuning.throttle?.full },
      incremental: { ...throttle.incremental, ...tuning.throttle?.incremental },
    },
    write: { ...write, ...tuning.write },
    class: tuning.class ?? tier,
    audit: audit && { ...audit, ...tuning.audit },
  };
  const { shape } = taskSchema;
  for (const key of ['throttle', 'write', 'class', 'audit'] as const) {
    const { error } = shape[key].safeParse(wanted[key]);
    const issue = error?.issues[0];
    if (issue) {
      const place = [key, ...issue.path].join('.');
      throw new RowferryError('ROW-T104', `${place}: ${issue.message}.`, {
        remedy: 'The ranges are those of the task file.',
      });
    }
  }
  return { ...task, ...wanted };
}

/** Same tuning, whatever else differs. */
export function sameTuning(a: Tunable, b: Tunable): boolean {
  // An audit that comes or goes does so with the next start.
  const both = a.audit !== null && b.audit !== null;
  const text = (task: Tunable) => JSON.stringify(tuningOf(both ? task : { ...task, audit: null }));
  return text(a) === text(b);
}
