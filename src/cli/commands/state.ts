import { resolve } from 'node:path';
import { flag, usageError, type Command } from '../command.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';
import { t } from '../words.js';

export const state: Command = {
  name: 'state',
  summary: 'move the state of a task to another machine: export, import',
  usage: 'export TASK FILE | import FILE [--replace] [--state DIR]',
  help: [
    'export writes the checkpoint, table definitions, load progress and dirty records of a task to one file. The file contains no secrets, but dirty records contain row values: only its owner can read it.',
    'import loads such a file into the state folder on this machine; copy the task file yourself. Stop the task first, and never start it on the old machine again: a second writer of the same rows would undo the work of the first.',
  ],
  options: { replace: { type: 'boolean' }, ...stateOption },
  optionHelp: { '--replace': 'import: replace the existing state of the task', ...stateHelp },
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
      terminal.print(t('{0}: state exported to {1}', task.name, rest[1]!));
      return 0;
    }
    if (action === 'import' && rest.length === 1) {
      const { id, reloaded } = await withEngine(context, values, {}, (engine) =>
        engine.api.importState(path(rest[0]!), { replace: flag(values, 'replace') }),
      );
      terminal.print(t('{0}: state imported', id));
      if (reloaded.length > 0)
        terminal.print(
          t(
            'Loaded differently since this state was exported; the next run reloads: {0}',
            reloaded.join(', '),
          ),
        );
      return 0;
    }
    throw usageError('Use "export TASK FILE" or "import FILE".', 'state');
  },
};
