import type { EngineConnection } from '../../engine/client.js';
import { taskArgument, type Command } from '../command.js';
import { confirmed, yesHelp, yesOption } from '../confirm.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';

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
      context.terminal.print(`${task.name}: ${done}`);
      return 0;
    },
  };
}

export const pause = ask(
  'pause',
  'hold a running task where it is',
  'Reads and writes nothing until resume; what is in flight comes to its end. The source keeps its binlog meanwhile only as long as it is set to.',
  'paused',
  (engine, id) => engine.api.pause(id),
);

export const resume = ask(
  'resume',
  'let a paused task go on',
  'Goes on where pause held it.',
  'resumed',
  (engine, id) => engine.api.resume(id),
);

export const stop = ask(
  'stop',
  'stop a task, wherever it was started',
  'Writes what is under way, saves the checkpoint and stops. Started again it goes on where it was.',
  'stopped',
  (engine, id) => engine.api.stop(id),
);

export const remove: Command = {
  name: 'delete',
  summary: 'forget a task: checkpoint, dirty records, history',
  usage: 'TASK [--yes] [--state DIR]',
  help: [
    'Forgets everything that the state folder keeps of a task. The task file, the source and the destination stay as they are. Run again, the task begins anew, and its precheck finds the destination tables that are there.',
  ],
  options: { ...yesOption, ...stateOption },
  optionHelp: { ...yesHelp, ...stateHelp },
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = loadTask(taskArgument('delete', positionals), context.cwd, context.environment);
    return withEngine(context, values, {}, async (engine) => {
      terminal.print(
        `${task.name}: its checkpoint, dirty records and history are forgotten; destination tables stay.`,
      );
      if (!(await confirmed(context, values, 'Forget it?', 'delete'))) return 1;
      await engine.api.forget(task.id);
      terminal.print(`${task.name}: forgotten`);
      return 0;
    });
  },
};
