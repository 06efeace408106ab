import * as vscode from 'vscode';
import { connectionCommands } from './commands/connection-commands.js';
import { helpCommands } from './commands/help-commands.js';
import { newTaskCommands } from './commands/new-task-commands.js';
import type { Commands } from './commands/register.js';
import type { Connections } from '../shared/connections.js';
import { sampleCommands } from './commands/sample-commands.js';
import { trialMysqlCommands } from './commands/trial-mysql-commands.js';
import { taskCommands } from './commands/task-commands.js';
import { textCommands } from './commands/text-commands.js';
import { localTablestoreName, type LocalTablestore } from './connections/local-tablestore.js';
import type { TrialMysql } from './connections/trial-mysql.js';
import {
  connectionsBeside,
  readConnections,
  type SavedConnections,
} from './connections/saved-connections.js';
import type { EngineSession } from './engine/session.js';
import type { Log } from './base/log.js';
import { ConnectionPanels } from './panels/connection.js';
import { dirtyKind } from './panels/dirty.js';
import { monitorKind } from './panels/monitor.js';
import { precheckKind } from './panels/precheck.js';
import type { Recording } from './panels/recording.js';
import { RowsPanels } from './panels/rows.js';
import { TaskEditorProvider } from './panels/task-editor.js';
import { TaskPanels } from './panels/task-panel.js';
import { verifyKind } from './panels/verify.js';
import type { PanelName } from './panels/view-types.js';
import type { Secrets } from './base/secrets.js';
import { ChangedSettings } from './tasks/changed-settings.js';
import { pairsOf } from './tasks/paired-tables.js';
import { SourceCatalog } from './tasks/source-catalog.js';
import type { TaskFiles } from './tasks/task-files.js';
import type { TaskService } from './tasks/task-service.js';
import { textFeatures } from './text/index.js';
import type { ConnectionsView } from './views/connections-view.js';
import type { TasksView } from './views/tasks-view.js';

/** What is there from the activation on. */
export interface Core {
  extensionUri: vscode.Uri;
  cliScript: string;
  log: Log;
  secrets: Secrets;
  saved: SavedConnections;
  local: LocalTablestore;
  trial: TrialMysql;
  session: EngineSession;
  files: TaskFiles;
  service: TaskService;
  recording: Recording;
  tasksView: TasksView;
  connectionsView: ConnectionsView;
}

/** What people open and call. This file and what only it needs are loaded with the first of it. */
export interface Features extends vscode.Disposable {
  commands: Commands;
  panels: Record<PanelName, { restore(panel: vscode.WebviewPanel, state: unknown): void | Promise<void> }>;
  taskEditor: TaskEditorProvider;
  /** Begins to help in the text of task files. */
  text(): vscode.Disposable;
}

export function makeFeatures(core: Core): Features {
  const { session, service, files, saved, local, trial, log, secrets, extensionUri, cliScript } = core;
  const { tasksView, connectionsView } = core;
  const catalog = new SourceCatalog(service, session);
  const panelContext = { extensionUri, files, session, service, log };
  const taskEditor = new TaskEditorProvider({ extensionUri, session, service, saved, catalog, log });
  const changes = new ChangedSettings(session, service);
  const precheck = precheckKind(panelContext);
  const verify = verifyKind(panelContext);
  const panels = {
    precheck: new TaskPanels(panelContext, precheck),
    verify: new TaskPanels(panelContext, verify),
    monitor: new TaskPanels(panelContext, monitorKind(panelContext, core.recording)),
    dirty: new TaskPanels(panelContext, dirtyKind(panelContext)),
    rows: new RowsPanels({
      extensionUri,
      session,
      source: (name) => connectionsView.source(name),
      destination: (name) => connectionsView.destination(name),
      pairs: (of) =>
        pairsOf(of, {
          files,
          snapshotOf: (file) => service.snapshotOf(file),
          own: () => ownConnections(saved, local),
          beside: (task) => readConnections(connectionsBeside(task)),
        }),
      task: async (uri) => service.resolveText(await vscode.workspace.openTextDocument(uri)),
      log,
    }),
    connection: new ConnectionPanels({ extensionUri, saved, session, log }),
  };
  const { rows, connection: form } = panels;
  return {
    commands: {
      ...taskCommands({
        files,
        service,
        session,
        changes,
        view: tasksView,
        log,
        cliScript,
        panels,
        precheck,
        verify,
        editor: taskEditor,
      }),
      ...textCommands(catalog),
      ...helpCommands(),
      ...sampleCommands({ files, saved, local, session, trial, log }),
      ...trialMysqlCommands({ trial, files, service, log }),
      ...newTaskCommands({ files, saved, trial, session, view: connectionsView }),
      ...connectionCommands({ saved, local, trial, session, secrets, view: connectionsView, rows, form }),
    },
    panels,
    taskEditor,
    text: () => textFeatures({ catalog, saved, session, service }),
    dispose: () => {
      for (const one of [...Object.values(panels), catalog]) one.dispose();
    },
  };
}

/** With Local Tablestore, while it runs. */
async function ownConnections(saved: SavedConnections, { running }: LocalTablestore): Promise<Connections> {
  const all = await saved.list();
  return running ? { ...all, destinations: { [localTablestoreName]: running, ...all.destinations } } : all;
}
