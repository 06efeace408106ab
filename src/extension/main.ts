import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ContributedTool } from './assistant/contributed-tool.js';
import { registerAssistant } from './assistant/register.js';
import { LocalTablestore } from './connections/local-tablestore.js';
import { SavedConnections } from './connections/saved-connections.js';
import { TrialMysql } from './connections/trial-mysql.js';
import { EngineSession } from './engine/session.js';
import { watchTasks } from './tasks/watch-tasks.js';
import { createLog, logError } from './base/log.js';
import { registerOnDemand } from './on-demand.js';
import { Recording } from './panels/recording.js';
import { Secrets } from './base/secrets.js';
import { applyChanges } from './tasks/apply-changes.js';
import { applyTuning } from './tasks/apply-tuning.js';
import { watchClosing } from './tasks/closing.js';
import { TaskFiles } from './tasks/task-files.js';
import { TaskService } from './tasks/task-service.js';
import { ConnectionsView } from './views/connections-view.js';
import { StatusBar } from './views/status-bar.js';
import { TasksView } from './views/tasks-view.js';

/**
 * Puts the parts together. Nothing connects here but to an engine that already runs on this machine, and nothing is
 * loaded that waits for a person: schemas come with the first file that is read, the rest with registerOnDemand.
 */
export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri } = context;
  const log = createLog();
  const storage = context.globalStorageUri.fsPath;
  const manifest = context.extension.packageJSON as Manifest;
  const cliScript = context.asAbsolutePath(join('dist', 'cli.js'));

  const secrets = new Secrets(context.secrets);
  const saved = new SavedConnections(context.globalStorageUri, secrets);
  const files = new TaskFiles(vscode.Uri.joinPath(context.globalStorageUri, 'tasks'));
  const stateDir = join(storage, 'state');
  const session = new EngineSession(
    stateDir,
    context.asAbsolutePath(join('dist', 'node', 'engine.mjs')),
    log,
    files,
  );
  const local = new LocalTablestore(session, join(storage, 'local-tablestore'));
  const trial = new TrialMysql(session, saved, join(storage, 'trial-mysql'));
  const service = new TaskService(files, session, {
    saved,
    local,
    trial,
    secrets,
    memory: context.globalState,
  });
  const recording = new Recording(session);
  const tasksView = new TasksView(files, session, service);
  const connectionsView = new ConnectionsView(saved, local, trial, session, log);
  const closing = watchClosing(context, files, session, service);
  const core = {
    extensionUri,
    cliScript,
    log,
    secrets,
    saved,
    local,
    trial,
    session,
    files,
    service,
    recording,
  };

  context.subscriptions.push(
    log,
    saved,
    local,
    session,
    files,
    recording,
    tasksView,
    connectionsView,
    new StatusBar(session),
    watchTasks(session, service, log),
    applyTuning(files, session, service, log),
    applyChanges(files, service, log),
    closing,
    registerOnDemand({ ...core, tasksView, connectionsView }, commandsOf(manifest)),
    registerAssistant(core, manifest.contributes.languageModelTools, {
      cliScript,
      stateDir,
      version: manifest.version,
      ownFolder: files.ownFolder,
    }),
  );

  void session
    .attach()
    .catch((error: unknown) => logError(log, 'attach', error))
    .then(() => closing.attached());
}

/** What package.json contributes, in the reader's language; tests hold it to be what there is. */
interface Manifest {
  version: string;
  contributes: { commands: { command: string }[]; languageModelTools: ContributedTool[] };
}

function commandsOf({ contributes }: Manifest): string[] {
  return contributes.commands.map(({ command }) => command.replace(/^rowferry\./, ''));
}
