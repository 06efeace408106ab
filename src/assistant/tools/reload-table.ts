import * as z from 'zod';
import { isRunning } from '../../shared/task-actions.js';
import { findTask, knownSnapshot, tableOf, tableParameter, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

export const reloadTable = defineTool({
  name: 'reload_table',
  title: 'Reload a table',
  hint: 'Loads one table again, after your confirmation.',
  description:
    'Loads one table of a task again from the beginning: reads every row of it from MySQL, writes it, and deletes rows of it in Tablestore that MySQL no longer has. The way back for a stopped table, for example after an ALTER that could not be replicated. The other tables continue. Needs confirmation by a person.',
  parameters: z.object({ task: taskParameter, table: tableParameter }),
  effect: 'destroys',
  async plan(host, parameters) {
    const { t } = host;
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    const table = tableOf(snapshot, parameters.table);
    return {
      says: [
        t(
          'Reload {0} of {1}: read every row from MySQL, write it to Tablestore, and delete rows there that MySQL no longer has. The other tables continue.',
          table,
          task.name,
        ),
        ...(isRunning(snapshot.state) ? [] : [t('The task does not run: this happens at its next start.')]),
      ].join(' '),
    };
  },
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    const table = tableOf(snapshot, parameters.table);
    await (await host.engine()).reload(snapshot.id, table);
    return isRunning(snapshot.state)
      ? { summary: `${table} is being loaded again.`, next: ['task_status shows the progress.'] }
      : { summary: `${table} will be loaded again.`, next: ['start_task starts the task, which loads it.'] };
  },
});
