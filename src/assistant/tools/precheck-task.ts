import * as z from 'zod';
import { checkSummary, fixProblems } from '../base/check-summary.js';
import { findTask, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

export const precheckTask = defineTool({
  name: 'precheck_task',
  title: 'Precheck a task',
  hint: 'Checks source, destination and settings of a task; changes nothing.',
  description:
    'Runs the precheck of a task: checks whether it can start and what would go wrong. Checks the MySQL account, its privileges (grants) and the binlog settings of the server, the permissions and names in Tablestore, and the keys, types, filters and script of the task. Changes nothing. Lists each problem with what was expected, what was found, how to fix it and the SQL statement (GRANT, SET) that does.',
  parameters: z.object({ task: taskParameter }),
  effect: 'reads',
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const resolved = await host.resolve(task);
    const report = await (await host.engine()).check(resolved);
    const data = checkSummary(report);
    return report.successRate === 100
      ? {
          summary: `${task.name} can start: the precheck is at 100 %.`,
          data,
          next: ['start_task starts it.'],
        }
      : {
          summary: `${task.name} cannot start: the precheck is at ${report.successRate} %; a task starts only at 100 %.`,
          data,
          next: fixProblems,
        };
  },
});
