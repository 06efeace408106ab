import { resolve } from 'node:path';
import { flag, usageError, type Command } from '../command.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';

export const state: Command = {
  name: 'state',
  summary: 'take what is kept of a task to another machine: export, import',
  usage: 'export TASK FILE | import FILE [--replace] [--state DIR]',
  help: [
    'export writes the checkpoint, the tables with their definitions, what is loaded and the dirty records of a task into one file. It holds no secrets, but dirty records hold row values: the file is readable by its owner only.',
    'import takes such a file into the state folder here; the task file itself is copied by hand. Stop the task first and do not start it at the old place again: a second writer of the same rows would undo the work of the first.',
  ],
  options: { replace: { type: 'boolean' }, ...stateOption },
  optionHelp: { '--replace': 'import: forget what is kept of the task here', ...stateHelp },
  examples: [
    'rowferry state export orders.rowferry.json orders.state',
    'rowferry state import orders.state --state /var/lib/rowferry',
  ],
  async run(context, values, positionals) {
    const { terminal } = context;
    const [action, ...rest] = positionals;
    const path = (name: string) => resolve(context.cwd, name);
    if (action === 'export' && rest.length === 2) {
      const { task } = loadTask(rest[0]!, context.cwd, context.environment);
      await withEngine(context, values, {}, (engine) => engine.api.exportState(task.id, path(rest[1]!)));
      terminal.print(`${task.name}: written to ${rest[1]!}`);
      return 0;
    }
    if (action === 'import' && rest.length === 1) {
      const id = await withEngine(context, values, {}, (engine) =>
        engine.api.importState(path(rest[0]!), { replace: flag(values, 'replace') }),
      );
      terminal.print(`${id}: taken in`);
      return 0;
    }
    throw usageError('Say "export TASK FILE" or "import FILE".', 'state');
  },
};
