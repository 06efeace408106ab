import * as z from 'zod';
import {
  codeChoice,
  dirtyFilter,
  findTask,
  knownSnapshot,
  tableChoice,
  taskParameter,
} from '../base/tasks.js';
import { defineTool } from '../base/tool.js';
import { counted } from '../base/words.js';

const parameters = z.object({
  task: taskParameter,
  ids: z
    .array(z.string().regex(/^\d+$/))
    .optional()
    .describe(
      'IDs of the rows to retry, as list_dirty_rows gives them. Without it, all that the other parameters leave.',
    ),
  table: tableChoice,
  code: codeChoice,
});

export const retryDirtyRows = defineTool({
  name: 'retry_dirty_rows',
  title: 'Retry dirty rows',
  hint: 'Writes dirty rows again with the current settings, after your confirmation.',
  description:
    'Retries dirty rows, after the mapping or the rows were corrected: reads them from MySQL as they are now and writes them again, with the settings that the task file has now. A blocked task continues when none is left. Needs confirmation by a person.',
  parameters,
  effect: 'changes',
  async plan(host, given) {
    const { t } = host;
    const task = await findTask(host, given.task);
    const snapshot = await knownSnapshot(host, task);
    const engine = await host.engine();
    const filter = dirtyFilter(snapshot, given);
    const { total } = await engine.dirtyRecords(snapshot.id, filter, { offset: 0, limit: 1 });
    if (total === 0) return { answer: { summary: `${task.name} has no such dirty rows.` } };
    return {
      says: t(
        'Retry dirty rows of {0} ({1}): read them from MySQL and write them to Tablestore with the current settings of the task file. A blocked task continues when none is left.',
        task.name,
        chosen(given, t('all')),
      ),
    };
  },
  async run(host, given) {
    const task = await findTask(host, given.task);
    const snapshot = await knownSnapshot(host, task);
    const filter = dirtyFilter(snapshot, given);
    const engine = await host.engine();
    const { total } = await engine.dirtyRecords(snapshot.id, filter, { offset: 0, limit: 1 });
    const written = await host.retryDirty(task, filter);
    const left = Math.max(0, total - written);
    return {
      summary: `${task.name}: ${counted(written, 'row')} written${left > 0 ? `, ${left} still cannot be written` : ''}.`,
      data: { written, left },
      next: [left > 0 ? 'list_dirty_rows shows the reasons.' : 'task_status shows how the task goes on.'],
    };
  },
});

function chosen({ ids, table, code }: z.output<typeof parameters>, all: string): string {
  const parts = [
    ...(ids ?? []),
    ...(table === undefined ? [] : [table]),
    ...(code === undefined ? [] : [code]),
  ];
  return parts.length === 0 ? all : parts.join(', ');
}
