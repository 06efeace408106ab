import * as z from 'zod';
import { compare, comparisonData } from '../base/comparison.js';
import { destinationOf, filtersOf, sourceOf } from '../base/ends.js';
import { findTask, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';
import { counted } from '../base/words.js';

export const repairRows = defineTool({
  name: 'repair_rows',
  title: 'Repair rows that differ',
  hint: 'Writes rows that differ and deletes surplus ones in Tablestore, after your confirmation.',
  description:
    'Repairs (fixes) differences that verify_rows or the audit found: compares every row again, writes the missing and different ones to Tablestore as MySQL has them, and deletes surplus rows there that MySQL does not have. Cannot be undone. Needs confirmation by a person.',
  parameters: z.object({ task: taskParameter }),
  effect: 'destroys',
  async plan(host, parameters) {
    const task = await findTask(host, parameters.task);
    const resolved = await host.resolve(task);
    const filters = filtersOf(resolved);
    return {
      says: [
        host.t(
          'Repair {0}: compare every row with MySQL at {1}, write missing and different rows to Tablestore {2}, and delete rows there that MySQL does not have. This cannot be undone.',
          task.name,
          sourceOf(resolved),
          destinationOf(resolved),
        ),
        ...(filters.length === 0
          ? []
          : [host.t('Rows that do not pass their filter are deleted there too: {0}.', filters.join('; '))]),
        ...(resolved.etl.trim() === '' ? [] : [host.t('So are rows that the transformation drops.')]),
      ].join(' '),
    };
  },
  async run(host, parameters, call) {
    const task = await findTask(host, parameters.task);
    const report = await compare(host, task, { repair: true }, call);
    return {
      summary: `${task.name}: ${counted(report.repaired, 'row')} repaired of ${report.differing} that differed${report.problems > 0 ? `; ${report.problems} tables have a problem` : ''}.`,
      data: comparisonData(report),
      next: ['verify_rows says whether both sides are equal now.'],
    };
  },
});
