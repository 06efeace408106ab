import { modify, applyEdits } from 'jsonc-parser';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RowferryError } from '../../shared/errors.js';
import { nearest } from '../../shared/nearest.js';
import { parseTask } from '../../shared/task-file.js';
import type { Tuning } from '../../shared/tuning.js';
import { usageError, type Command } from '../command.js';
import { stateHelp, stateOption, withEngine } from '../engine.js';
import { loadTask, withoutBom } from '../load-task.js';

/** What can be changed under way, as the task file names it. */
const keys = [
  'throttle.full.queriesPerSecond',
  'throttle.full.rowsPerSecond',
  'throttle.full.megabytesPerSecond',
  'throttle.full.maxThreadsRunning',
  'throttle.full.maxReplicaLagSeconds',
  'throttle.incremental.rowsPerSecond',
  'throttle.incremental.megabytesPerSecond',
  'write.queueSize',
  'write.threads',
  'write.concurrency',
  'write.buckets',
  'audit.rowsPerSecond',
  'class',
] as const;

export const set: Command = {
  name: 'set',
  summary: 'change a running task: throttle, threads, concurrency, buckets, audit',
  usage: 'TASK KEY=VALUE… [--state DIR]',
  help: [
    'Takes effect within a second, without a restart, until the task ends or its file is saved with other values. The file does not change. null removes a limit.',
    `KEY is one of ${keys.join(', ')}.`,
  ],
  options: { ...stateOption },
  optionHelp: { ...stateHelp },
  examples: [
    'rowferry set orders.rowferry.json write.concurrency=20 write.buckets=20',
    'rowferry set orders.rowferry.json throttle.full.rowsPerSecond=5000',
  ],
  async run(context, values, positionals) {
    const [file, ...changes] = positionals;
    if (file === undefined) throw usageError('No task given. Pass its file, NAME.rowferry.json.', 'set');
    if (changes.length === 0) throw usageError('No change given. Pass KEY=VALUE.', 'set');
    const { task } = loadTask(file, context.cwd, context.environment);
    const tuning = readChanges(readFileSync(resolve(context.cwd, file), 'utf8'), changes);
    if (tuning.audit && !task.audit) {
      throw new RowferryError('ROW-T104', `${task.name} has no audit.`, {
        remedy: 'Add "audit" to the task file, then start the task again.',
      });
    }
    await withEngine(context, values, {}, (engine) => engine.api.tune(task.id, tuning));
    for (const change of changes) context.terminal.print(change);
    return 0;
  },
};

/** Checked by the task's own schema, as if the values stood in its file. Throws ROW-T104. */
export function readChanges(fileText: string, changes: readonly string[]): Tuning {
  const tuning: Record<string, unknown> = {};
  let text = withoutBom(fileText);
  for (const change of changes) {
    const equals = change.indexOf('=');
    if (equals < 1) throw usageError(`"${change}" is not KEY=VALUE.`, 'set');
    const key = change.slice(0, equals);
    if (!keys.some((known) => known === key)) {
      const meant = nearest(key, keys);
      throw new RowferryError(
        'ROW-T104',
        `${key} cannot be changed while the task runs.${meant ? ` Did you mean ${meant}?` : ''}`,
        {
          remedy: 'Change it in the task file; "rowferry set --help" lists the keys that can be set.',
        },
      );
    }
    const value = parseValue(change.slice(equals + 1), key);
    const path = key.split('.');
    text = applyEdits(text, modify(text, path, value, {}));
    let place: Record<string, unknown> = tuning;
    for (const step of path.slice(0, -1)) place = (place[step] ??= {}) as Record<string, unknown>;
    place[path.at(-1)!] = value;
  }
  const issue = parseTask(text).issues[0];
  if (issue) throw usageError(`${issue.key}: ${issue.message}.`, 'set');
  return tuning;
}

function parseValue(text: string, key: string): number | string | null {
  if (key === 'class') return text;
  if (text === 'null') return null;
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw usageError(`${key} must be a number or null.`, 'set');
  return number;
}
