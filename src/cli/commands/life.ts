import type { EngineConnection } from '../../engine/ipc/client.js';
import { taskArgument, type Command } from '../command.js';
import { confirmed, yesHelp, yesOption } from '../confirm.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';
import { t } from '../words.js';

/** A command that asks one thing of the engine about a task that runs. */
function ask(
  name: string,
  summary: string,
  help: string,
  done: string,
  act: (engine: EngineConnection, id: string) => Promise<void>,
): Command {
  return {
    name,
    summary,
    usage: 'TASK [--state DIR]',
    help: [help],
    options: { ...stateOption },
    optionHelp: { ...stateHelp },
    async run(context, values, positionals) {
      const { task } = loadTask(taskArgument(name, positionals), context.cwd, context.environment);
      await withEngine(context, values, {}, (engine) => act(engine, task.id));
      context.terminal.print(`${task.name}: ${t(done)}`);
      return 0;
    },
  };
}

export const pause = ask(
  'pause',
  'pause a running task',
  'Finishes the writes in progress, then reads and writes nothing until resume. Meanwhile the source keeps its binlog only as long as its retention allows.',
  'paused',
  (engine, id) => engine.api.pause(id),
);

export const resume = ask(
  'resume',
  'resume a paused task',
  'Continues where the task was paused.',
  'resumed',
  (engine, id) => engine.api.resume(id),
);

export const stop = ask(
  'stop',
  'stop a task, wherever it was started',
  'Finishes the writes in progress, saves the checkpoint and stops. The next start continues from the checkpoint.',
  'stopped',
  (engine, id) => engine.api.stop(id),
);

export const remove: Command = {
  name: 'delete',
  summary: 'delete what Rowferry keeps about a task: checkpoint, dirty records, history',
  usage: 'TASK [--yes] [--state DIR]',
  help: [
    'Deletes everything the state folder holds about a task. The task file, the source and the destination do not change. The next run starts from scratch, and its precheck finds the existing destination tables.',
  ],
  options: { ...yesOption, ...stateOption },
  optionHelp: { ...yesHelp, ...stateHelp },
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = loadTask(taskArgument('delete', positionals), context.cwd, context.environment);
    return withEngine(context, values, {}, async (engine) => {
      terminal.print(
        t(
          'This deletes the checkpoint, dirty records and history of {0}. The destination tables stay.',
          task.name,
        ),
      );
      if (!(await confirmed(context, values, t('Delete its state?'), 'delete'))) return 1;
      await engine.api.forget(task.id);
      terminal.print(t('{0}: state deleted', task.name));
      return 0;
    });
  },
};
