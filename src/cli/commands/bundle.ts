import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { taskArgument, text, usageError, type Command } from '../command.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';

export const bundle: Command = {
  name: 'bundle',
  summary: 'create a support bundle: versions, settings, checks, states, logs',
  usage: 'TASK [--output FILE] [--state DIR]',
  help: [
    'Writes one JSON file. It contains no passwords, keys or row values; dirty records are only counted. It does contain the names of databases, tables and columns: review it before you share it.',
  ],
  options: { output: { type: 'string' }, ...stateOption },
  optionHelp: { '--output FILE': 'default: NAME.rowferry-bundle.json in the current folder', ...stateHelp },
  async run(context, values, positionals) {
    const { task } = loadTask(taskArgument('bundle', positionals), context.cwd, context.environment);
    const named = text(values, 'output') ?? `${task.name.replace(/[^\w.-]+/g, '_')}.rowferry-bundle.json`;
    const file = resolve(context.cwd, named);
    const made = await withEngine(context, values, {}, (engine) => engine.api.bundle(task));
    try {
      writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
    } catch (error) {
      throw usageError(`${named} cannot be written: ${(error as Error).message}.`, 'bundle');
    }
    context.terminal.print(file);
    return 0;
  },
};
