import * as z from 'zod';
import type { DirtyRecord } from '../../shared/task-control-api.js';
import { maskError, maskRow } from '../base/mask.js';
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

const mostColumns = 30;

export const listDirtyRows = defineTool({
  name: 'list_dirty_rows',
  title: 'List dirty rows',
  hint: 'Lists rows that could not be written, with masked values.',
  description:
    'Lists the dirty rows of a task: rows that could not be written, because a value does not fit or Tablestore rejected them, each with its table, error code and reason. Values are masked: kind and length only. Use it when a task is blocked, or to see why rows are missing or were rejected or skipped.',
  parameters: z.object({
    task: taskParameter,
    table: tableChoice,
    code: codeChoice,
    limit: z.number().int().min(1).max(50).default(10).describe('How many rows to list, 1 to 50.'),
  }),
  effect: 'reads',
  async run(host, { limit, ...parameters }) {
    const task = await findTask(host, parameters.task);
    const snapshot = await knownSnapshot(host, task);
    const { id, state } = snapshot;
    const filter = dirtyFilter(snapshot, parameters);
    const engine = await host.engine();
    const { total, codes, records } = await engine.dirtyRecords(id, filter, { offset: 0, limit });
    if (total === 0) {
      return {
        summary: `${task.name} has no dirty rows${Object.keys(filter).length > 0 ? ' of that kind' : ''}.`,
        data: { total, codes },
      };
    }
    return {
      summary: `${task.name} has ${counted(total, 'dirty row')}${state === 'blocked' ? ' and waits for a decision on them' : ''}.`,
      data: { total, codes, rows: records.map(recordOf) },
      next: [
        'Change the mapping in the task file (type, key or exclusion of a column), or the rows at the source, then call retry_dirty_rows.',
        'A person can also skip or discard rows, in Dirty Data of the editor or with "rowferry dirty".',
      ],
    };
  },
});

function recordOf({ id, atMs, source, destination, operation, error, sourceRow, cells }: DirtyRecord) {
  const row = Object.keys(sourceRow).length > 0 ? sourceRow : cells;
  const columns = Object.keys(row);
  const shown = Object.fromEntries(columns.slice(0, mostColumns).map((name) => [name, row[name] ?? null]));
  return {
    id,
    at: new Date(atMs).toISOString(),
    table: source,
    destination,
    operation,
    ...maskError(error, sourceRow, cells),
    values: maskRow(shown),
    ...(columns.length > mostColumns && { moreColumns: columns.length - mostColumns }),
  };
}
