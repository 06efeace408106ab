import type { TaskSnapshot } from '../../shared/snapshot.js';
import { flag, taskArgument, type Command } from '../command.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask } from '../load-task.js';
import { stoppedTables } from '../../shared/stopped-tables.js';
import { snapshotLines, statusObject } from '../progress.js';
import { t } from '../words.js';

export const status: Command = {
  name: 'status',
  summary: 'show state, phase, position, progress, latency and dirty records',
  usage: 'TASK [--json] [--state DIR]',
  help: [
    'Shows whether a task is running, the load progress, the source position up to which all changes are applied (GTID set, file:position, commit time), the latency and the number of dirty records.',
    'Exits with 0 when the state folder knows the task and no table has stopped; 1 when a table has stopped, the task has failed or is blocked by dirty rows, or it was never started with this state folder.',
  ],
  options: { ...stateOption, ...jsonOption },
  optionHelp: { '--json': 'print one JSON object on stdout', ...stateHelp },
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task, file } = loadTask(taskArgument('status', positionals), context.cwd, context.environment);
    const snapshots = await withEngine(context, values, {}, (engine) => engine.api.snapshots());
    const snapshot = snapshots.find((s) => s.id === task.id) ?? neverStarted(task.id, task.name, file);
    const known = snapshots.includes(snapshot);
    if (flag(values, 'json')) terminal.print(JSON.stringify(statusObject(snapshot)));
    else for (const line of snapshotLines(snapshot, terminal, { every: true })) terminal.print(line);
    if (!known && !flag(values, 'json'))
      terminal.print(t('The task was never started with this state folder.'));
    const isHalted = snapshot.state === 'failed' || snapshot.state === 'blocked';
    return known && !isHalted && stoppedTables(snapshot).length === 0 ? 0 : 1;
  },
};

function neverStarted(id: string, name: string, file: string): TaskSnapshot {
  return {
    id,
    name,
    file,
    state: 'stopped',
    phase: 'none',
    tables: [],
    rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
    rowsPerSecond: 0,
    bytesPerSecond: 0,
    latencyMs: null,
    position: null,
    caughtUp: false,
    dirty: 0,
    engineRss: 0,
    atMs: Date.now(),
  };
}
