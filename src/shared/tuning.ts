import { RowferryError } from './errors.js';
import { taskSchema, type Task } from './task.js';
import type { Tuning } from './workbench-api.js';

/** What a running task changes without starting again. */
export type Tunable = Pick<Task, 'throttle' | 'write' | 'class'>;

/** The tuning keys of a task, all of them. */
export function tuningOf({ throttle, write, class: tier }: Tunable): Required<Tuning> {
  const { queueSize, threads, concurrency, buckets } = write;
  return { throttle, write: { queueSize, threads, concurrency, buckets }, class: tier };
}

/** The task with changed tuning. Throws ROW-T104 when the result would not be valid in a task file. */
export function tuned<T extends Tunable>(task: T, tuning: Tuning): T {
  const { throttle, write, class: tier } = task;
  const wanted = {
    throttle: {
      full: { ...throttle.full, ...tuning.throttle?.full },
      incremental: { ...throttle.incremental, ...tuning.throttle?.incremental },
    },
    write: { ...write, ...tuning.write },
    class: tuning.class ?? tier,
  };
  const { shape } = taskSchema;
  for (const key of ['throttle', 'write', 'class'] as const) {
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
  return JSON.stringify(tuningOf(a)) === JSON.stringify(tuningOf(b));
}
