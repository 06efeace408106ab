import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openStateDir } from '../engine/base/paths.js';
import { sentMark } from '../engine/base/sent-mark.js';
import { RowferryError } from '../shared/errors.js';
import type { SentVariable } from '../shared/sent-variables.js';
import { flag, type CliContext, type Values } from './command.js';
import { ask, yesOption } from './confirm.js';
import { stateDir } from './engine.js';
import { loadTask, type LoadedTask } from './load-task.js';
import { t } from './words.js';

export const trustOptions = { ...yesOption, 'trust-file': { type: 'boolean' } } as const;
export const trustHelp = {
  '--trust-file': 'send the variables of the task file to the servers that it names without asking first',
};

type Context = Pick<CliContext, 'cwd' | 'environment' | 'terminal' | 'interrupted'>;

/**
 * A task whose secrets may be sent: a file that somebody else wrote can name any variable of the environment, and a
 * server of theirs. A variable that never went to a server is asked about once, and the answer is kept in the state
 * folder. Throws what loadTask() throws, and ROW-T107 when the answer is no or nobody can be asked.
 */
export async function trustedTask(
  context: Context,
  values: Values,
  path: string,
  options: { keepsId?: boolean } = {},
): Promise<LoadedTask> {
  const loaded = loadTask(path, context.cwd, context.environment, options);
  if (loaded.sends.length === 0) return loaded;
  const { dir } = openStateDir(stateDir(context, values));
  const fresh = freshVariables(dir, loaded);
  if (fresh.length === 0) return loaded;
  if (!isTrusted(values)) {
    const { terminal, interrupted } = context;
    if (!terminal.interactive || !process.stdin.isTTY) throw untrusted(loaded, fresh);
    terminal.note(
      t('{0} sends variables of your environment to servers for the first time:', basename(loaded.file)),
    );
    for (const one of fresh) terminal.note(`  ${t('{0} to {1}', one.variable, one.server)}`);
    if (!(await ask(t('Send them, now and from now on?'), interrupted))) throw untrusted(loaded, fresh);
  }
  remember(dir, fresh);
  return loaded;
}

/** The same where nobody can be asked: of a file that has changed while it is in use, or for an assistant. Throws ROW-T107. */
export function stillTrustedTask(
  context: Pick<Context, 'cwd' | 'environment'>,
  values: Values,
  path: string,
  options: { keepsId?: boolean } = {},
): LoadedTask {
  const loaded = loadTask(path, context.cwd, context.environment, options);
  if (loaded.sends.length === 0) return loaded;
  const fresh = freshVariables(openStateDir(stateDir(context, values)).dir, loaded);
  if (fresh.length > 0 && !isTrusted(values)) throw untrusted(loaded, fresh);
  return loaded;
}

const isTrusted = (values: Values) => flag(values, 'trust-file') || flag(values, 'yes');

const toServer = ({ variable, server }: SentVariable) => `${variable} to ${server}`;

function untrusted({ file }: LoadedTask, fresh: readonly SentVariable[]): RowferryError {
  const what = fresh.map(toServer).join(', ');
  return new RowferryError(
    'ROW-T107',
    `${basename(file)} would send ${what} for the first time. Nothing was sent.`,
  );
}

const fileName = 'trusted-servers.json';
function freshVariables(dir: string, { sends }: LoadedTask): SentVariable[] {
  const known = new Set(readMarks(dir));
  return sends.filter((one) => !known.has(sentMark(one)));
}

function remember(dir: string, fresh: readonly SentVariable[]): void {
  const marks = new Set([...readMarks(dir), ...fresh.map(sentMark)]);
  const file = join(dir, fileName);
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify([...marks])}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

function readMarks(dir: string): string[] {
  try {
    const marks: unknown = JSON.parse(readFileSync(join(dir, fileName), 'utf8'));
    return Array.isArray(marks) ? marks.filter((one) => typeof one === 'string') : [];
  } catch {
    // Never written, or not by us: it is asked again.
    return [];
  }
}
