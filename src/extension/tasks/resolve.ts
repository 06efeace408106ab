import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { noConnections, type Connections } from '../../shared/connections.js';
import { resolveVariables, variablesIn } from '../../shared/environment.js';
import { RowferryError } from '../../shared/errors.js';
import { resolveTask, withConnections } from '../../shared/task-file.js';
import {
  sourceFiles,
  type DestinationSettings,
  type ResolvedTask,
  type SourceSettings,
  type Task,
} from '../../shared/task.js';
import { localTablestoreName, type LocalTablestore } from '../connections/local-tablestore.js';
import {
  connectionsBeside,
  readConnections,
  type SavedConnections,
} from '../connections/saved-connections.js';
import type { TrialMysql } from '../connections/trial-mysql.js';
import { Secrets } from '../base/secrets.js';
import { keepsRunning } from '../base/settings.js';
import { confirmSending } from './confirm-sending.js';
import { fallbackName } from './task-files.js';

/** Where the parts of a task that its file does not hold come from. */
export interface Resolver {
  saved: SavedConnections;
  local: LocalTablestore;
  trial: TrialMysql;
  secrets: Secrets;
  /** Of this person, for all windows: which variables may go to which servers, and what a task was started with. */
  memory: Pick<vscode.Memento, 'get' | 'update'>;
}

/**
 * A task with its connections looked up and its variables filled in: from the editor's environment, else from
 * SecretStorage, else by asking once and remembering. Throws CancellationError when the person does not answer or confirm,
 * and what resolveTask throws. The result holds secrets: memory and socket only.
 */
export async function resolveForEngine(
  { saved, local, trial, secrets, memory }: Resolver,
  uri: vscode.Uri,
  task: Task & { id: string },
): Promise<ResolvedTask> {
  const connections = await connectionsOf({ saved, local, trial }, uri, task);
  const values = await variables(secrets, uri, [
    'connection' in task.source ? connections.sources[task.source.connection] : task.source,
    'connection' in task.destination
      ? connections.destinations[task.destination.connection]
      : task.destination,
    task.alerts,
  ]);
  const resolved = resolveTask(task, {
    file: vscode.workspace.asRelativePath(uri),
    fallbackName: fallbackName(uri.path),
    connections,
    environment: (name) => values.get(name),
  });
  await confirmSending(memory, uri, withConnections(task, connections), resolved);
  return {
    ...resolved,
    source: withFilesFrom(resolved.source, uri),
    keepRunning: resolved.keepRunning || keepsRunning(),
  };
}

/** The source alone, for looking at what is there. As resolveForEngine, but asks for nothing of the destination. */
export async function resolveSource(
  { trial, secrets, memory }: Resolver,
  uri: vscode.Uri,
  source: Task['source'],
): Promise<SourceSettings> {
  let settings: SourceSettings;
  if ('connection' in source) {
    const beside = (await readConnections(connectionsBeside(uri)))?.sources[source.connection];
    const found = beside ?? (await trial.source(source.connection));
    if (!found) {
      throw new RowferryError(
        'ROW-T105',
        vscode.l10n.t('The connection {0} does not exist.', source.connection),
      );
    }
    settings = found;
  } else settings = source;
  const values = await variables(secrets, uri, settings);
  const resolved = resolveVariables(settings, (name) => values.get(name));
  await confirmSending(memory, uri, { source: settings }, { source: resolved });
  return withFilesFrom(resolved, uri);
}

/** Certificates and keys are meant from the folder of the task; the engine runs elsewhere. */
function withFilesFrom(source: SourceSettings, task: vscode.Uri): SourceSettings {
  const found = { ...source };
  for (const key of sourceFiles) {
    const value = found[key];
    if (value !== undefined) found[key] = resolve(dirname(task.fsPath), value);
  }
  return found;
}

/** Those the task names: beside the file first, then the saved ones, then Local Tablestore; started where they are ours. */
async function connectionsOf(
  { saved, local, trial }: Pick<Resolver, 'saved' | 'local' | 'trial'>,
  uri: vscode.Uri,
  task: Task,
): Promise<Connections> {
  const beside = (await readConnections(connectionsBeside(uri))) ?? noConnections;
  const all = await saved.list();
  const sources: Record<string, SourceSettings> = { ...all.sources, ...beside.sources };
  const destinations: Record<string, DestinationSettings> = { ...all.destinations, ...beside.destinations };
  const named = {
    source: 'connection' in task.source ? task.source.connection : undefined,
    destination: 'connection' in task.destination ? task.destination.connection : undefined,
  };
  if (named.source !== undefined && !Object.hasOwn(beside.sources, named.source)) {
    const found = await trial.source(named.source);
    if (found) sources[named.source] = found;
  }
  if (named.destination !== undefined && !Object.hasOwn(beside.destinations, named.destination)) {
    const found = await saved.resolve('destination', named.destination);
    if (found) destinations[named.destination] = found;
    else if (named.destination === localTablestoreName)
      destinations[localTablestoreName] = await local.start();
  }
  return { sources, destinations };
}

async function variables(secrets: Secrets, uri: vscode.Uri, of: unknown): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const folder = dirname(uri.fsPath);
  const missing: string[] = [];
  for (const name of variablesIn(of)) {
    const value = process.env[name] ?? (await secrets.get(Secrets.variable(folder, name)));
    if (value === undefined) missing.push(name);
    else values.set(name, value);
  }
  for (const [index, name] of missing.entries()) {
    const value = await askForVariable(uri, name, index, missing.length);
    values.set(name, value);
    await secrets.set(Secrets.variable(folder, name), value);
  }
  return values;
}

/** Throws CancellationError when the person does not answer. */
export async function askForVariable(
  uri: vscode.Uri,
  name: string,
  index: number,
  count: number,
): Promise<string> {
  const value = await vscode.window.showInputBox({
    title:
      count === 1
        ? vscode.l10n.t('Value of {0}', name)
        : vscode.l10n.t('Value of {0} ({1} of {2})', name, index + 1, count),
    prompt: vscode.l10n.t(
      '{0} uses this variable, but the environment does not set it. The value is stored in the secret storage of this editor.',
      vscode.workspace.asRelativePath(uri),
    ),
    password: true,
    ignoreFocusOut: true,
  });
  if (value === undefined) throw new vscode.CancellationError();
  return value;
}
