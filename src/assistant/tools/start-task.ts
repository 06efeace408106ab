import * as z from 'zod';
import { RowferryError } from '../../shared/errors.js';
import { isRunning } from '../../shared/task-actions.js';
import { checkSummary, fixProblems } from '../base/check-summary.js';
import { destinationOf, sourceOf, webhookOf } from '../base/ends.js';
import { findSnapshot, findTask, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

export const startTask = defineTool({
  name: 'start_task',
  title: 'Start a task',
  hint: 'Starts a task, after your confirmation.',
  description:
    'Starts or resumes a task that does not run: runs its precheck, creates the tables in Tablestore, loads the rows that exist, then replicates changes; a task that ran before continues from its checkpoint and loads tables with a changed mapping again. Returns as soon as the run has begun. Needs confirmation by a person.',
  parameters: z.object({ task: taskParameter }),
  effect: 'destroys',
  async plan(host, parameters) {
    const { t } = host;
    const task = await findTask(host, parameters.task);
    if (!task.task) {
      throw new RowferryError('ROW-T102', task.problem ?? `${task.shown} is not valid.`, {
        remedy: 'Correct the file.',
      });
    }
    const snapshot = await findSnapshot(host, task);
    if (snapshot && isRunning(snapshot.state)) {
      return {
        answer: {
          summary: `${task.name} is running already (${snapshot.state}).`,
          next: ['task_status shows how it is doing.'],
        },
      };
    }
    const resolved = await host.resolve(task);
    const webhook = webhookOf(resolved);
    const goesOn = snapshot !== undefined && snapshot.position !== null;
    return {
      says: [
        t(
          'Start {0}: from MySQL {1} to Tablestore {2}.',
          task.name,
          sourceOf(resolved),
          destinationOf(resolved),
        ),
        ...(webhook === null ? [] : [t('Alerts go to {0}.', webhook)]),
        goesOn
          ? t(
              'It continues from its checkpoint. Tables whose mapping has changed, or whose reload was requested, are loaded again, and rows of them that no longer match are deleted in Tablestore.',
            )
          : t(
              'It creates the tables in Tablestore, loads the rows that exist, then replicates changes. Destination tables that already exist are handled as the task file says.',
            ),
      ].join(' '),
    };
  },
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    try {
      await host.start(task);
    } catch (error) {
      const id = (await findSnapshot(host, task))?.id;
      if (!(error instanceof RowferryError && error.code === 'ROW-E102') || id === undefined) throw error;
      const report = await (await host.engine()).lastCheck(id);
      return {
        summary: `${task.name} did not start: the precheck is not at 100 %.`,
        data: { started: false, ...(report && checkSummary(report)) },
        next: fixProblems,
      };
    }
    return {
      summary: `${task.name} is running.`,
      data: { started: true },
      next: ['task_status shows the progress; call it again after a while.'],
    };
  },
});
