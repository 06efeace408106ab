import * as z from 'zod';
import type { PreviewTable } from '../../shared/catalog-api.js';
import { maskError, maskRow } from '../base/mask.js';
import { findTask, firstOf, tableParameter, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';
import { counted } from '../base/words.js';

const mostTables = 5;

export const previewRows = defineTool({
  name: 'preview_rows',
  title: 'Preview rows',
  hint: 'Shows how the first rows would be written, with masked values.',
  description:
    'Previews the mapping of a task on the first rows of its tables, without writing: destination table, columns and their Tablestore types, which of them make the primary key, what the filter and the ETL transformation leave, and which rows would fail. Values are masked: kind and length only. Use it to see how a table or column would look in Tablestore.',
  parameters: z.object({
    task: taskParameter,
    table: tableParameter
      .optional()
      .describe(
        `Only this table of the source, as DATABASE.TABLE. Without it, the first ${mostTables} tables.`,
      ),
    rows: z
      .number()
      .int()
      .min(0)
      .max(20)
      .default(3)
      .describe('Rows of each table, 0 to 20; 0: columns only.'),
  }),
  effect: 'reads',
  async run(host, { table, rows, ...parameters }) {
    const task = await findTask(host, parameters.task);
    const resolved = await host.resolve(task);
    const engine = await host.engine();
    const all = await engine.preview(resolved, { rows, ...(table !== undefined && { table }) });
    const { shown, more } = firstOf(all, mostTables);
    const problems = all.flatMap((one) => one.rows).filter(({ problem }) => problem).length;
    return {
      summary:
        problems === 0
          ? `${counted(all.length, 'table')} looked at; every row of the preview can be written.`
          : `${counted(problems, 'row')} of the preview could not be written.`,
      data: { tables: shown.map(tableOf), ...(more !== undefined && { moreTables: more }) },
      next:
        problems === 0
          ? ['precheck_task checks the rest.']
          : ['Change the mapping in the task file, then call preview_rows again.'],
    };
  },
});

function tableOf({ source, destination, columns, rows }: PreviewTable) {
  return {
    table: source,
    destination,
    columns: columns.map(({ name, source: from, type, key }) => ({
      name,
      ...(from !== name && { from }),
      type,
      ...(key && { key }),
    })),
    rows: rows.map(({ cells, problem }) => {
      const row = Object.fromEntries(columns.map(({ name }, i) => [name, cells[i] ?? null]));
      return { values: maskRow(row), ...(problem && { problem: maskError(problem, row) }) };
    }),
  };
}
