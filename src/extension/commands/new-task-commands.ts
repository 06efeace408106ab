import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { taskFileSuffix } from '../../shared/file-names.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import type { TrialMysql } from '../connections/trial-mysql.js';
import type { SavedConnections } from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import { applyToDocument } from '../panels/task-editor.js';
import { taskEditorViewType } from '../panels/view-types.js';
import type { ChosenTable } from '../tasks/dragged-tables.js';
import { additions, objectsOf, suggestedName } from '../tasks/from-tables.js';
import { newTaskText, type NewTask } from '../tasks/new-task.js';
import type { TaskFiles } from '../tasks/task-files.js';
import type { ConnectionsView } from '../views/connections-view.js';
import type { Commands } from './register.js';
import { inform } from '../base/notifications.js';

export interface NewTaskContext {
  files: TaskFiles;
  saved: SavedConnections;
  trial: TrialMysql;
  session: EngineSession;
  view: ConnectionsView;
}

/** Commands that make a task file, empty or from tables of a connection, and open its form. */
export function newTaskCommands(context: NewTaskContext): Commands {
  const { files, saved, trial, session, view } = context;
  const { t } = vscode.l10n;

  const make = async (folder: vscode.Uri, wish: string, known?: NewTask) => {
    let suggested = wish;
    for (let n = 2; await exists(fileOf(folder, suggested)); n++) suggested = `${wish}-${n}`;
    const name = await vscode.window.showInputBox({
      title: t('New Task'),
      prompt: t('Name of the task; its file is NAME{0}', taskFileSuffix),
      value: suggested,
      ignoreFocusOut: true,
      validateInput: async (text) => {
        if (!/^[^\\/:*?"<>|\p{Cc}]+$/u.test(text.trim()))
          return t('The name must not contain \\ / : * ? " < > |');
        return (await exists(fileOf(folder, text))) ? t('A task with this name already exists.') : undefined;
      },
    });
    if (name === undefined) return;
    await writeTask(files, folder, name.trim(), known);
  };

  /** Saved destinations and the local one; asks only when there are several. */
  const pickDestination = async (): Promise<string | undefined> => {
    const { destinations } = await saved.list();
    const names = Object.keys(destinations);
    if (names.length === 0) return localTablestoreName;
    const items = [
      ...names.map((label) => ({ label, description: destinations[label]!.endpoint })),
      { label: localTablestoreName, description: t('on this machine, for trying things out') },
    ];
    const picked = await vscode.window.showQuickPick(items, {
      title: t('Sync to Tablestore'),
      placeHolder: t('Where should the rows go?'),
      ignoreFocusOut: true,
    });
    return picked?.label;
  };

  /** From the palette: connection, database, tables. */
  const askForTables = async (): Promise<ChosenTable[]> => {
    const sources = Object.keys((await saved.list()).sources);
    if (sources.length === 0) {
      const add = t('Add MySQL Connection…');
      const answer = await inform(t('There is no MySQL connection yet.'), add);
      if (answer === add) await vscode.commands.executeCommand('rowferry.connection.addMysql');
      return [];
    }
    const title = t('Sync to Tablestore');
    const connection =
      sources.length === 1
        ? sources[0]
        : await vscode.window.showQuickPick(sources, { title, placeHolder: t('Which connection?') });
    const source = connection && (await trial.source(connection));
    if (!source) return [];
    const engine = await session.engine();
    const database = await vscode.window.showQuickPick(engine.databases(source), {
      title,
      placeHolder: t('Which database?'),
    });
    if (database === undefined) return [];
    const tables = engine
      .catalog(source, database)
      .then((found) => found.map(({ name }) => ({ label: name, picked: true })));
    const picked = await vscode.window.showQuickPick(tables, {
      title,
      placeHolder: t('Which tables?'),
      canPickMany: true,
    });
    return (picked ?? []).map(({ label }) => ({ connection, database, table: label }));
  };

  const addTo = async (uri: vscode.Uri, tables: readonly ChosenTable[]) => {
    const file = files.get(uri);
    if (!file?.task) throw new RowferryError('ROW-T102', t('{0} is not valid.', file?.name ?? uri.fsPath));
    const { source } = file.task;
    const connection = tables[0]!.connection;
    const settings = (await saved.list()).sources[connection];
    const same =
      'connection' in source
        ? source.connection === connection
        : settings && source.host === settings.host && source.port === settings.port;
    if (!same) {
      throw new RowferryError('ROW-T104', t('{0} reads from another source.', file.name), {
        remedy: t('To create a separate task, drop the tables next to the tasks.'),
      });
    }
    const edits = additions(file.task, tables);
    if (edits.length === 0) {
      void inform(t('{0} already has these tables.', file.name));
      return;
    }
    await applyToDocument(await vscode.workspace.openTextDocument(uri), edits);
    await vscode.commands.executeCommand('vscode.openWith', uri, taskEditorViewType);
  };

  return {
    'task.new': async () => {
      const folder = await pickFolder(files);
      if (folder) await make(folder, 'orders');
    },
    'task.newOwn': () => make(files.ownFolder, 'orders'),
    'task.fromTables': async (argument, selected) => {
      const dropped = argument as { tables?: ChosenTable[]; task?: vscode.Uri } | undefined;
      const tables = dropped?.tables ?? view.chosenTables(argument, selected) ?? (await askForTables());
      if (tables.length === 0) return;
      const [{ connection }] = tables as [ChosenTable];
      if (tables.some((other) => other.connection !== connection)) {
        throw new RowferryError('ROW-T104', t('A task can have only one source.'), {
          remedy: t('Choose tables of one connection.'),
        });
      }
      if (dropped?.task) return addTo(dropped.task, tables);
      const destination = await pickDestination();
      const folder = destination === undefined ? undefined : await pickFolder(files);
      if (!folder) return;
      await make(folder, suggestedName(tables), {
        source: connection,
        destination: destination!,
        objects: objectsOf(tables),
      });
    },
  };
}

/** Writes the file and opens its form. The caller has made sure that no other file is lost. */
export async function writeTask(
  files: TaskFiles,
  folder: vscode.Uri,
  name: string,
  known?: NewTask,
): Promise<vscode.Uri> {
  const uri = fileOf(folder, name);
  await vscode.workspace.fs.createDirectory(folder);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(newTaskText(name, known)));
  await files.refresh();
  await vscode.commands.executeCommand('vscode.openWith', uri, taskEditorViewType);
  return uri;
}

export function fileOf(folder: vscode.Uri, name: string): vscode.Uri {
  return vscode.Uri.joinPath(folder, `${name.trim()}${taskFileSuffix}`);
}

export async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}

/** The workspace's folder; the person's own when no folder is open. */
export async function pickFolder(files: TaskFiles): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) return files.ownFolder;
  if (folders.length === 1) return folders[0]?.uri;
  return (await vscode.window.showWorkspaceFolderPick())?.uri;
}
