import { flag, taskArgument, text, usageError, type Command } from '../command.js';
import { confirmed, yesHelp, yesOption } from '../confirm.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { loadTask } from '../load-task.js';

export const reload: Command = {
  name: 'reload',
  summary: 'load a table again, and delete rows that the source no longer has',
  usage: 'TASK [--table DB.TABLE [--remake [--yes]]] [--state DIR]',
  help: [
    'Reads the table from its beginning as it is now, by the mapping of the task, and ends with a sweep: rows of the destination that the source, filter and mapping no longer give are deleted. A table that had stopped goes on afterwards.',
    'While the task runs this happens at once, and changes of other tables wait for it; otherwise when the task is run next. Without --table every table is loaded again.',
    'With --remake the destination table is deleted in Tablestore, with all that is in it, and made anew before the load: a table whose key has changed needs that. It is asked for first.',
  ],
  options: { table: { type: 'string' }, remake: { type: 'boolean' }, ...yesOption, ...stateOption },
  optionHelp: {
    '--table DB.TABLE': 'only this source table',
    '--remake': 'delete its destination table and make it anew',
    ...yesHelp,
    ...stateHelp,
  },
  examples: ['rowferry reload orders.rowferry.json --table shop.items'],
  async run(context, values, positionals) {
    const { task } = loadTask(taskArgument('reload', positionals), context.cwd, context.environment);
    const table = text(values, 'table');
    const remake = flag(values, 'remake');
    if (remake) {
      if (table === undefined) throw usageError('Which table? --remake needs --table DB.TABLE.', 'reload');
      context.terminal.note(
        `The destination table of ${table} is deleted in Tablestore, with all that is in it, made anew and loaded again.`,
      );
      if (!(await confirmed(context, values, 'Delete and load it again?', 'reload'))) return 1;
    }
    await withEngine(context, values, {}, async ({ api }) => {
      const tables = await api.reload(task.id, table, remake);
      const runs = (await api.snapshots()).find((s) => s.id === task.id)?.state === 'running';
      const what = tables.length === 1 ? tables[0]! : `${count(tables.length)} tables`;
      context.terminal.print(
        runs
          ? `Loading ${what} again; "rowferry status" shows how far it is.`
          : `${what}: loaded again by the next run.`,
      );
    });
    return 0;
  },
};
