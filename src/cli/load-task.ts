import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { noConnections, type Connections } from '../shared/connections.js';
import { RowferryError } from '../shared/errors.js';
import { connectionsFileName, taskFileSuffix } from '../shared/file-names.js';
import { sentVariables, type SentVariable } from '../shared/sent-variables.js';
import { sourceFiles, type ResolvedTask } from '../shared/task.js';
import {
  issueError,
  parseConnections,
  parseTask,
  resolveTask,
  withConnections,
  withTaskId,
} from '../shared/task-file.js';

export interface LoadedTask {
  task: ResolvedTask;
  /** Absolute path. */
  file: string;
  /** Variables of the environment that it sends to servers which are not on this machine. */
  sends: readonly SentVariable[];
}

/**
 * Reads a task file and everything it refers to. An id that is missing is made for this command alone, or with
 * `keepsId` written into the file: it is the identity of what is stored of the task. Throws
 * ROW-T101 (unreadable), ROW-T102 (not valid), ROW-T103 (variable), ROW-T105 (connection).
 */
export function loadTask(
  path: string,
  cwd: string,
  environment: NodeJS.ProcessEnv,
  { keepsId = false } = {},
): LoadedTask {
  const file = resolve(cwd, path);
  const shown = displayName(file, cwd);
  const original = read(file, shown);
  const parsed = parseTask(original);
  if (!parsed.value) throw issueError(shown, parsed.issues);
  const { text, id, added } = withTaskId(original);
  if (added && keepsId) writeInPlace(file, shown, text);
  const connections = loadConnections(join(dirname(file), connectionsFileName), cwd);
  const written = { ...parsed.value, id };
  const task = resolveTask(written, {
    file: shown,
    fallbackName: taskName(file),
    connections,
    environment: (name) => environment[name],
  });
  return {
    task: withFilesFrom(task, dirname(file)),
    file,
    sends: sentVariables(withConnections(written, connections), task),
  };
}

/** `orders` for `…/orders.rowferry.json`. */
export function taskName(file: string): string {
  const base = basename(file);
  return base.endsWith(taskFileSuffix)
    ? base.slice(0, -taskFileSuffix.length)
    : base.replace(/\.jsonc?$/, '');
}

function loadConnections(file: string, cwd: string): Connections {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noConnections;
    throw unreadable(displayName(file, cwd), error);
  }
  const parsed = parseConnections(withoutBom(text));
  if (!parsed.value) throw issueError(displayName(file, cwd), parsed.issues);
  return parsed.value;
}

/** Certificates and keys are meant from the folder of the task; the engine runs elsewhere. */
function withFilesFrom(task: ResolvedTask, folder: string): ResolvedTask {
  const source = { ...task.source };
  for (const key of sourceFiles) {
    const value = source[key];
    if (value !== undefined) source[key] = resolve(folder, value);
  }
  return { ...task, source };
}

function read(file: string, shown: string): string {
  try {
    return withoutBom(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unreadable(shown, error);
  }
}

export const withoutBom = (text: string) => text.replace(/^\ufeff/, '');

/** Through a file beside it, so that a crash leaves the old text or the new one. */
function writeInPlace(file: string, shown: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: statSync(file).mode });
    renameSync(temporary, file);
  } catch (error) {
    throw new RowferryError('ROW-T101', `${shown}: cannot write the task ID: ${reason(error)}`, {
      remedy: 'Make the file writable once, or add "id" to it yourself.',
      cause: error,
    });
  }
}

function unreadable(shown: string, error: unknown): RowferryError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new RowferryError(
    'ROW-T101',
    missing ? `The file ${shown} does not exist.` : `${shown} cannot be read: ${reason(error)}`,
    {
      cause: error,
    },
  );
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The path as people write it in that folder. */
export function displayName(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short.startsWith('..') ? file : short;
}
