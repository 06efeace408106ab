import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { FoundTasks, KnownTask, ToolHost } from '../../assistant/base/tool.js';
import { ensureEngine, type EngineConnection } from '../../engine/ipc/client.js';
import { changedSettings } from '../../shared/changed-settings.js';
import { RowferryError } from '../../shared/errors.js';
import { isTaskFileName } from '../../shared/file-names.js';
import { plainWords } from '../../shared/format.js';
import { shellWord } from '../../shared/shell-word.js';
import { issueError, parseTask } from '../../shared/task-file.js';
import type { VerifyProgress } from '../../shared/verify-report.js';
import { text, type CliContext, type Values } from '../command.js';
import { stateDir } from '../engine.js';
import { displayName, taskName, withoutBom, type LoadedTask } from '../load-task.js';
import { stillTrustedTask } from '../trust.js';

type Context = Pick<CliContext, 'cwd' | 'environment' | 'engineScript'>;

/**
 * What the tools work on outside of an editor: task files below some folders, and no other file; the engine of the
 * state folder, connected to by the first call that needs it.
 */
export function commandLineHost(
  context: Context,
  values: Values,
  folders: readonly string[],
): { host: ToolHost; close(): void } {
  const listeners = new Set<(id: string, progress: VerifyProgress) => void>();
  let connecting: Promise<EngineConnection> | undefined;

  const connect = async (): Promise<EngineConnection> => {
    const connection = await ensureEngine({
      stateDir: stateDir(context, values),
      engineScript: context.engineScript,
      // As a window: what it starts goes on while somebody is attached, and longer where the task says so.
      kind: 'extension',
      events: {
        verifyProgress: (id, progress) => {
          for (const told of listeners) told(id, progress);
        },
      },
    });
    void connection.closed.then(() => {
      connecting = undefined;
    });
    for (const { task, file, options } of connection.handedOver)
      await connection.api.start(task, file, options);
    return connection;
  };
  const engine = async () => {
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return (await connecting).api;
  };
  const load = (file: string, keepsId: boolean): LoadedTask => {
    try {
      return stillTrustedTask(context, values, file, { keepsId });
    } catch (error) {
      throw forAssistants(error, checkCommand(context, values, file));
    }
  };

  return {
    host: {
      t: plainWords,
      locale: 'en',
      tasks: () => findTasks(folders, context.cwd),
      resolve: ({ file }) => Promise.resolve(load(file, false).task),
      engine,
      differences: ({ task }, snapshot) => changedSettings(task, snapshot),
      start: async ({ file }) => {
        const { task } = load(file, true);
        await (await engine()).start(task, file, {});
      },
      retryDirty: async ({ file }, filter) => (await engine()).retryDirty(load(file, false).task, filter),
      onVerifyProgress(id, told) {
        const listener = (of: string, progress: VerifyProgress) => {
          if (of === id) told(progress);
        };
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    close: () => void connecting?.then((connection) => connection.close()).catch(() => {}),
  };
}

/** What only a person can do is said so. */
function forAssistants(error: unknown, check: string): unknown {
  if (!(error instanceof RowferryError)) return error;
  const remedies: Partial<Record<string, string>> = {
    'ROW-T103': `${error.remedy} Secrets that an editor keeps are known to its own Rowferry tools only.`,
    'ROW-T105': `${error.remedy} Connections that an editor keeps are known to its own Rowferry tools only.`,
    'ROW-T107': `A person who trusts the file has to run this once in a terminal, and confirm what is sent where: ${check}`,
  };
  const remedy = remedies[error.code];
  return remedy === undefined
    ? error
    : new RowferryError(error.code, error.message, { remedy, cause: error });
}

/** What a person runs for a file. What they confirm is kept in the state folder: it has to be that of this server. */
function checkCommand({ cwd, environment }: Context, values: Values, file: string): string {
  const state = text(values, 'state') ?? environment['ROWFERRY_STATE'];
  const words = ['rowferry', 'check', file, ...(state === undefined ? [] : ['--state', resolve(cwd, state)])];
  return words.map((word) => shellWord(word, process.platform === 'win32')).join(' ');
}

/** Folders looked into: a server that is started in a home folder must not read all of it. */
const mostFolders = 5000;

/** Exported for its test. */
export async function findTasks(
  folders: readonly string[],
  cwd: string,
  most = mostFolders,
): Promise<FoundTasks> {
  const open = [...new Set(folders)];
  const files = new Set<string>();
  for (let looked = 0; open.length > 0 && looked < most; looked++) {
    const folder = open.shift()!;
    // One that cannot be read has no task for us.
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
        open.push(path);
      else if (isTaskFileName(entry.name)) files.add(path);
    }
  }
  const tasks = await Promise.all([...files].map((file) => readTask(file, cwd)));
  const cut = `Only the first ${most} folders were searched, and there are more: the person has to give the folder with the tasks to "rowferry mcp".`;
  return {
    tasks: tasks
      .filter((task) => task !== undefined)
      .sort((a, b) => a.name.localeCompare(b.name) || a.file.localeCompare(b.file)),
    ...(open.length > 0 && { cut }),
  };
}

async function readTask(file: string, cwd: string): Promise<KnownTask | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { value, issues } = parseTask(withoutBom(text));
  return {
    name: value?.name ?? taskName(file),
    file,
    shown: displayName(file, cwd),
    ...(value ? { task: value } : { problem: issueError(basename(file), issues).message }),
  };
}
