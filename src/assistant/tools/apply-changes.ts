import * as z from 'zod';
import { isEmptyPlan } from '../../shared/change-plan.js';
import { changePlanWords } from '../../shared/change-plan-words.js';
import { applyAtOnce, changedAtOnce } from '../../shared/changed-settings.js';
import { RowferryError } from '../../shared/errors.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import { isRunning } from '../../shared/task-actions.js';
import { tunableKeys } from '../../shared/tuning.js';
import { findTask, knownSnapshot, taskParameter } from '../base/tasks.js';
import { defineTool, type KnownTask, type ToolHost } from '../base/tool.js';

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
    const { plan, changed, atOnce } = await planned(host, task, snapshot);
    if (isEmptyPlan(plan) && atOnce.length === 0) {
      const later = [...new Set([...plan.atNextStart, ...changed])];
      return {
        answer:
          later.length > 0
            ? {
                summary: `${task.name}: nothing can change while it runs. The next start takes ${later.join(', ')}.`,
                next: ['stop_task, then start_task, restarts it.'],
              }
            : { summary: `${task.name} already runs with the settings of its file.` },
      };
    }
    const words = changePlanWords(plan, tunableOf(atOnce), t, host.locale);
    return { says: `${t('Change {0} while it is running?', task.name)}\n${words}`.trimEnd() };
  },
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    const { resolved, plan, changed, atOnce } = await planned(host, task, snapshot);
    await applyAtOnce(await host.engine(), resolved, plan, changed);
    const tuned = tunableOf(atOnce);
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

const tunableOf = (keys: readonly string[]) => keys.filter((key) => tunableKeys.has(key));

/** What the file would change. Throws ROW-T106 when the running task cannot take it. */
async function planned(host: ToolHost, task: KnownTask, snapshot: TaskSnapshot) {
  const resolved = await host.resolve(task);
  const plan = await (await host.engine()).planChanges(resolved);
  if (plan.problems.length > 0) {
    throw new RowferryError('ROW-T106', plan.problems.join(' '), {
      remedy: 'Correct the task file, or stop the task and start it again.',
    });
  }
  const changed = host.differences(task, snapshot);
  return { resolved, plan, changed, atOnce: changedAtOnce(plan, changed) };
}
