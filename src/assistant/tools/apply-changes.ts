import * as z from 'zod';
import type { ChangePlan } from '../../shared/change-plan.js';
import { changePlanWords } from '../../shared/change-plan-words.js';
import { RowferryError } from '../../shared/errors.js';
import { isRunning } from '../../shared/task-actions.js';
import { tunableKeys, tuningOf } from '../../shared/tuning.js';
import { findTask, knownSnapshot, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';
import { changedSettings } from './task-status.js';

export const applyChanges = defineTool({
  name: 'apply_changes',
  title: 'Apply the changes of a task file',
  hint: 'Puts edited settings of a task file in force, after your confirmation.',
  description:
    'Applies what was edited in a task file to the task while it runs: added tables are loaded, tables with another filter, key or columns are loaded again, removed tables are no longer replicated, limits and throttle take effect at once. The first call shows what would change. Settings that need a restart are named. Needs confirmation by a person.',
  parameters: z.object({ task: taskParameter }),
  effect: 'destroys',
  async plan(host, parameters) {
    const { t } = host;
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    if (!isRunning(snapshot.state)) {
      return {
        answer: {
          summary: `${task.name} does not run (${snapshot.state}); its next start goes by the file as it is then.`,
          next: ['start_task starts it.'],
        },
      };
    }
    const plan = await (await host.engine()).planChanges(await host.resolve(task));
    const tuned = changedSettings(task, snapshot).filter((key) => tunableKeys.has(key));
    const words = changePlanWords(plan, tuned, t, host.locale);
    if (plan.problems.length > 0) {
      throw new RowferryError('ROW-T106', plan.problems.join(' '), {
        remedy: 'Correct the task file, or stop the task and start it again.',
      });
    }
    if (isEmpty(plan) && tuned.length === 0) {
      const { atNextStart } = plan;
      return {
        answer:
          atNextStart.length > 0
            ? {
                summary: `${task.name}: nothing can change while it runs. The next start takes ${atNextStart.join(', ')}.`,
                next: ['stop_task, then start_task, restarts it.'],
              }
            : { summary: `${task.name} already runs with the settings of its file.` },
      };
    }
    return { says: `${t('Change {0} while it is running?', task.name)}\n${words}` };
  },
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    const resolved = await host.resolve(task);
    const engine = await host.engine();
    const tuned = changedSettings(task, snapshot).filter((key) => tunableKeys.has(key));
    if (tuned.length > 0) await engine.tune(snapshot.id, tuningOf(resolved));
    const plan = await engine.planChanges(resolved);
    if (!isEmpty(plan)) await engine.applyChanges(resolved);
    const names = (tables: readonly { source: string }[]) => tables.map(({ source }) => source).slice(0, 20);
    return {
      summary: `${task.name}: the changes of its file are being applied.`,
      data: {
        added: names(plan.added),
        reloaded: names(plan.changed),
        removed: names(plan.removed),
        ...(tuned.length > 0 && { inForce: tuned }),
        ...(plan.atNextStart.length > 0 && { atNextStart: plan.atNextStart }),
      },
      next: ['task_status shows the progress.'],
    };
  },
});

function isEmpty({ added, changed, removed, unfit = [] }: ChangePlan): boolean {
  return added.length + changed.length + removed.length + unfit.length === 0;
}
