import * as z from 'zod';
import { isDone } from '../../shared/task-actions.js';
import { findTask, knownSnapshot, taskParameter } from '../base/tasks.js';
import { defineTool } from '../base/tool.js';

export const stopTask = defineTool({
  name: 'stop_task',
  title: 'Stop a task',
  hint: 'Stops a running task at its checkpoint, after your confirmation.',
  description:
    'Stops (halts, ends) a running task: finishes the writes in progress and saves the checkpoint, from which start_task continues later. Nothing is lost, but changes in MySQL are not replicated meanwhile. Needs confirmation by a person.',
  parameters: z.object({ task: taskParameter }),
  effect: 'changes',
  async plan(host, parameters) {
    const task = await findTask(host, parameters.task);
    const { state } = await knownSnapshot(host, task);
    if (isDone(state, 'stop')) return { answer: { summary: `${task.name} does not run (${state}).` } };
    return {
      says: host.t(
        'Stop {0}: it finishes the writes in progress and saves its checkpoint. Changes in MySQL are not replicated until it is started again.',
        task.name,
      ),
    };
  },
  async run(host, parameters) {
    const task = await findTask(host, parameters.task);
    const { id } = await knownSnapshot(host, task);
    await (await host.engine()).stop(id);
    return { summary: `${task.name} has stopped.`, next: ['start_task continues from the checkpoint.'] };
  },
});
