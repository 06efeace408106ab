import * as z from 'zod';
import { compare, comparisonData } from '../base/comparison.js';
import { findTask, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

export const verifyRows = defineTool({
  name: 'verify_rows',
  title: 'Verify rows',
  hint: 'Compares source and destination; changes nothing.',
  description:
    'Verifies that MySQL and Tablestore are identical: compares every row of both sides and reports, table by table, how many are missing, extra or different, and in which columns. Changes nothing. With quick it only counts the rows on both sides, in seconds; a whole comparison of a large table can take minutes.',
  parameters: z.object({
    task: taskParameter,
    quick: z
      .boolean()
      .default(false)
      .describe('Only count the rows on both sides: fast, but does not see rows that differ.'),
  }),
  effect: 'reads',
  async run(host, { quick, ...parameters }, call) {
    const task = await findTask(host, parameters.task);
    const report = await compare(host, task, { quick }, call);
    const data = comparisonData(report);
    if (report.equal) {
      return {
        summary: `${task.name}: source and destination are equal${quick ? ' in the number of their rows' : ''}.`,
        data,
        ...(quick && { next: ['Without quick, every row is compared.'] }),
      };
    }
    const troubles = [
      ...(report.differing > 0 ? [`${report.differing} rows differ`] : []),
      ...(report.problems > 0 ? [`${report.problems} tables have a problem`] : []),
    ];
    return {
      summary: `${task.name}: ${troubles.join(', ')}.`,
      data,
      next: [
        ...(report.differing > 0
          ? [
              quick
                ? 'Call verify_rows without quick: it finds the rows.'
                : 'Changes that are on their way may differ for a moment; repair_rows puts right what stays.',
            ]
          : []),
        ...(report.problems > 0 ? ['The problem of each table says what to do.'] : []),
      ],
    };
  },
});
