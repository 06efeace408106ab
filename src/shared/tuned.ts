import { RowferryError } from './errors.js';
import { taskSchema } from './task.js';
import type { Tunable } from './tuning.js';
import type { Tuning } from './tuning.js';

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
