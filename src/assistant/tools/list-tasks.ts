import * as z from 'zod';
import { plainWords } from '../../shared/format.js';
import { snapshotOf } from '../../shared/snapshot.js';
import { needsPerson, taskLook } from '../../shared/snapshot-words.js';
import { stoppedTables } from '../../shared/stopped-tables.js';
import { firstOf } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';
import { counted } from '../base/words.js';

const mostListed = 50;

export const listTasks = defineTool({
  name: 'list_tasks',
  title: 'List tasks',
  hint: 'Lists the sync tasks and the state of each.',
  description:
    'Lists all Rowferry sync tasks in this workspace (a task replicates MySQL tables to Alibaba Cloud Tablestore): name, file, state in a few words, dirty rows, stopped tables, and which of them need attention. Call it first, to learn which tasks exist and how they are called.',
  parameters: z.object({
    search: z
      .string()
      .optional()
      .describe('Only tasks whose name or path has this text in it; upper and lower case are the same.'),
  }),
  effect: 'reads',
  async run(host, { search = '' }) {
    const wanted = search.toLowerCase();
    const { tasks, cut } = await host.tasks();
    const cutOff = cut === undefined ? [] : [cut];
    const found = tasks.filter(({ name, shown }) => `${name}\n${shown}`.toLowerCase().includes(wanted));
    if (found.length === 0) {
      return {
        summary:
          search === '' ? 'There is no task file here.' : `No task has "${search}" in its name or path.`,
        next: [
          ...cutOff,
          'A task is a file, NAME.rowferry.json. The editor makes one with "Rowferry: New Task".',
        ],
      };
    }
    const snapshots = await (await host.engine()).snapshots();
    const entries = found.map((task) => {
      const snapshot = snapshotOf(snapshots, task.task?.id, task.file);
      const isValid = task.task !== undefined;
      const stopped = snapshot ? stoppedTables(snapshot).length : 0;
      return {
        task: task.name,
        file: task.shown,
        ...(task.task?.tag !== undefined && { tag: task.task.tag }),
        state: taskLook(snapshot, isValid, plainWords, 'en').description,
        ...(task.problem !== undefined && { problem: task.problem }),
        ...(snapshot && snapshot.dirty > 0 && { dirtyRows: snapshot.dirty }),
        ...(stopped > 0 && { stoppedTables: stopped }),
        ...((!isValid || (snapshot && needsPerson(snapshot))) && { needsAttention: true }),
      };
    });
    const { shown, more } = firstOf(entries, mostListed);
    const attention = entries.filter(({ needsAttention }) => needsAttention).length;
    return {
      summary: `${counted(found.length, 'task')}${attention > 0 ? `, ${attention} of them in need of attention` : ''}.`,
      data: { tasks: shown, ...(more !== undefined && { moreTasks: more }) },
      next: [
        ...cutOff,
        'task_status has the details of one task.',
        ...(more === undefined ? [] : ['Pass search to see the others.']),
      ],
    };
  },
});
