import { taskArgument, text, type Command } from '../command.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';
import { t } from '../words.js';

export const reset: Command = {
  name: 'reset',
  summary: 'delete the checkpoint: the next run loads everything again',
  usage: 'TASK [--table DB.TABLE] [--state DIR]',
  help: [
    'Deletes the progress of a stopped task: position, loaded chunks and dirty records. The next run records a new position, loads every table and deletes rows that the source no longer has. Tables in Tablestore and their rows stay until then.',
    'With --table, resets only that table; the others continue from their checkpoint.',
  ],
  options: { table: { type: 'string' }, ...stateOption },
  optionHelp: { '--table DB.TABLE': 'only this source table', ...stateHelp },
  examples: ['rowferry reset orders.rowferry.json'],
  async run(context, values, positionals) {
    const { task } = loadTask(taskArgument('reset', positionals), context.cwd, context.environment);
    const table = text(values, 'table');
    await withEngine(context, values, {}, ({ api }) => api.reset(task.id, table));
    context.terminal.print(t('{0}: the next run loads it from the beginning.', table ?? task.name));
    return 0;
  },
};
