import { join } from 'node:path';
import * as vscode from 'vscode';
import { connectionCommands } from './commands/connection-commands.js';
import { newTaskCommands } from './commands/new-task-commands.js';
import { registerCommands } from './commands/register.js';
import { sampleCommands } from './commands/sample-commands.js';
import { taskCommands } from './commands/task-commands.js';
import { textCommands } from './commands/text-commands.js';
import { LocalTablestore } from './connections/local-tablestore.js';
import { SavedConnections } from './connections/saved-connections.js';
import { probeRuntime } from './engine/probe.js';
import { EngineSession } from './engine/session.js';
import { watchTasks } from './tasks/watch-tasks.js';
import { createLog, logError } from './base/log.js';
import { showError } from './base/notifications.js';
import { dirtyKind } from './panels/dirty.js';
import { monitorKind } from './panels/monitor.js';
import { precheckKind } from './panels/precheck.js';
import { RowsPanels } from './panels/rows.js';
import { TaskEditorProvider, taskEditorViewType } from './panels/task-editor.js';
import { TaskPanels } from './panels/task-panel.js';
import { verifyKind } from './panels/verify.js';
import { Secrets } from './base/secrets.js';
import { applyChanges } from './tasks/apply-changes.js';
import { applyTuning } from './tasks/apply-tuning.js';
import { watchClosing } from './tasks/closing.js';
import { SourceCatalog } from './tasks/source-catalog.js';
import { TaskFiles } from './tasks/task-files.js';
import { TaskService } from './tasks/task-service.js';
import { textFeatures } from './text/index.js';
import { ConnectionsView } from './views/connections-view.js';
import { StatusBar } from './views/status-bar.js';
import { TasksView } from './views/tasks-view.js';

/** Puts the parts together. Nothing connects here but to an engine that already runs on this machine. */
export function activate(context: vscode.ExtensionContext): void {
  const log = createLog();
  const storage = context.globalStorageUri.fsPath;
  const cliScript = context.asAbsolutePath(join('dist', 'cli.js'));

  const secrets = new Secrets(context.secrets);
  const saved = new SavedConnections(context.globalStorageUri, secrets);
  const session = new EngineSession(
    join(storage, 'state'),
    context.asAbsolutePath(join('dist', 'node', 'engine.mjs')),
    log,
  );
  const local = new LocalTablestore(session, join(storage, 'local-tablestore'));
  const files = new TaskFiles(vscode.Uri.joinPath(context.globalStorageUri, 'tasks'));
  const service = new TaskService(files, session, { saved, local, secrets });
  const catalog = new SourceCatalog(service, session);
  const tasksView = new TasksView(files, session, service);
  const connectionsView = new ConnectionsView(saved, local, session, log);

  const panelContext = { extensionUri: context.extensionUri, files, session, service, log };
  const precheck = precheckKind(panelContext);
  const verify = verifyKind(panelContext);
  const monitor = monitorKind(panelContext);
  const panels = {
    precheck: new TaskPanels(panelContext, precheck),
    verify: new TaskPanels(panelContext, verify),
    monitor: new TaskPanels(panelContext, monitor),
    dirty: new TaskPanels(panelContext, dirtyKind(panelContext)),
  };

  const rows = new RowsPanels({
    extensionUri: context.extensionUri,
    session,
    destination: (name) => connectionsView.destination(name),
    log,
  });

  const closing = watchClosing(context, files, session, service);

  context.subscriptions.push(
    log,
    saved,
    local,
    session,
    files,
    tasksView,
    connectionsView,
    monitor,
    ...Object.values(panels),
    rows,
    new StatusBar(session),
    watchTasks(session, service, log),
    applyTuning(files, session, service, log),
    applyChanges(session, service, log),
    closing,
    catalog,
    textFeatures({ catalog, saved, session, service }),
    vscode.window.registerCustomEditorProvider(
      taskEditorViewType,
      new TaskEditorProvider({ extensionUri: context.extensionUri, session, service, saved, catalog, log }),
    ),
    registerCommands(log, {
      ...taskCommands({ files, service, view: tasksView, log, cliScript, panels, precheck, verify }),
      ...textCommands(catalog),
      ...sampleCommands({ files, saved, local, session }),
      ...newTaskCommands({ files, saved, session, view: connectionsView }),
      ...connectionCommands({ saved, local, session, secrets, view: connectionsView, rows }),
    }),
  );

  try {
    probeRuntime();
  } catch (error) {
    showError(log, 'activation', error);
    return;
  }
  void session
    .attach()
    .catch((error: unknown) => logError(log, 'attach', error))
    .then(() => closing.attached());
}
