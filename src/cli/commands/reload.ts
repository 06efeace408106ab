import { flag, taskArgument, text, usageError, type Command } from '../command.js';
import { confirmed, yesHelp, yesOption } from '../confirm.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { loadTask } from '../load-task.js';
import { t } from '../words.js';

export const reload: Command = {
  name: 'reload',
  summary: 'reload a table, and delete rows that the source no longer has',
  usage: 'TASK [--table DB.TABLE [--remake [--yes]]] [--state DIR]',
  help: [
    'Reads the whole table again with the current mapping of the task, then deletes destination rows that the source, filter and mapping no longer produce. A stopped table continues afterwards.',
    'A running task reloads the table immediately while the others continue; otherwise the next run reloads it. Without --table, every table is reloaded.',
    'With --remake, the destination table and all its rows are deleted in Tablestore, and the table is re-created before the load. A table whose key changed needs this. You are asked to confirm.',
  ],
  options: { table: { type: 'string' }, remake: { type: 'boolean' }, ...yesOption, ...stateOption },
  optionHelp: {
    '--table DB.TABLE': 'only this source table',
    '--remake': 'delete and re-create its destination table',
    ...yesHelp,
    ...stateHelp,
  },
  examples: ['rowferry reload orders.rowferry.json --table shop.items'],
  async run(context, values, positionals) {
    const { task } = loadTask(taskArgument('reload', positionals), context.cwd, context.environment);
    const table = text(values, 'table');
    const remake = flag(values, 'remake');
    if (remake) {
      if (table === undefined) throw usageError('--remake requires --table DB.TABLE.', 'reload');
      context.terminal.note(
        t(
          'This deletes the destination table of {0} and all its rows in Tablestore, then re-creates and loads it.',
          table,
        ),
      );
      if (!(await confirmed(context, values, t('Delete and reload it?'), 'reload'))) return 1;
    }
    await withEngine(context, values, {}, async ({ api }) => {
      const tables = await api.reload(task.id, table, remake);
      const runs = (await api.snapshots()).find((s) => s.id === task.id)?.state === 'running';
      const what = tables.length === 1 ? tables[0]! : t('{0} tables', count(tables.length));
      context.terminal.print(
        runs
          ? t('Reloading {0}; "rowferry status" shows the progress.', what)
          : t('{0}: the next run reloads it.', what),
      );
    });
    return 0;
  },
};
