import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { CheckReport } from '../../shared/protocol.js';
import { taskFileSuffix } from '../../shared/task-file.js';
import type { Log } from '../log.js';
import { asRowferryError, showError } from '../notifications.js';
import { isTaskFile, type TaskFile, type TaskFiles } from '../tasks/task-files.js';
import type { PrecheckKind } from '../panels/precheck.js';
import { taskEditorViewType } from '../panels/task-editor.js';
import type { VerifyKind } from '../panels/verify.js';
import type { TaskService } from '../tasks/task-service.js';
import { isRunning } from '../../shared/snapshot-words.js';
import type { Commands } from './register.js';
import { newTaskText } from '../tasks/new-task.js';

export interface TaskCommandContext {
  files: TaskFiles;
  service: TaskService;
  log: Log;
  cliScript: string;
  panels: Record<'precheck' | 'verify' | 'monitor' | 'dirty', { reveal(uri: vscode.Uri): void }>;
  precheck: PrecheckKind;
  verify: VerifyKind;
}

/** Commands on a task: called from the tree, an editor, or the palette, which asks for the task. */
export function taskCommands(context: TaskCommandContext): Commands {
  const { files, service, log, cliScript, panels, precheck, verify } = context;
  const { t } = vscode.l10n;

  const pick = (argument: unknown, suits: (file: TaskFile) => boolean = () => true) =>
    pickTask(files, argument, suits);

  const progress = <T>(title: string, work: () => Promise<T>): Promise<T> =>
    Promise.resolve(
      vscode.window.withProgress({ location: { viewId: 'rowferry.tasks' } }, () =>
        vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, work),
      ),
    );

  /** A wrong password that was asked for and kept would be wrong for ever: offer to enter it again. */
  const withCredentialCure = async <T>(file: TaskFile, again: string, work: () => Promise<T>) => {
    try {
      return await work();
    } catch (thrown) {
      const error = asRowferryError(thrown);
      if (!(error instanceof RowferryError) || (error.code !== 'ROW-S102' && error.code !== 'ROW-D102'))
        throw error;
      showError(log, again, error, {
        title: t('Enter Secrets Again'),
        run: async () => {
          await service.forgetVariables(file.uri);
          await vscode.commands.executeCommand(`rowferry.${again}`, { uri: file.uri });
        },
      });
      return undefined;
    }
  };

  return {
    'task.start': async (argument) => {
      const file = await pick(argument, (f) => !isRunning(service.snapshotOf(f)?.state ?? 'stopped'));
      if (!file) return;
      await withCredentialCure(file, 'task.start', () =>
        progress(t('Starting {0}', file.name), () => service.start(file.uri)),
      );
    },
    'task.stop': async (argument) => {
      const file = await pick(argument, (f) => isRunning(service.snapshotOf(f)?.state ?? 'stopped'));
      const snapshot = file && service.snapshotOf(file);
      if (!snapshot) return;
      await progress(t('Stopping {0}', snapshot.name), () => service.stop(snapshot.id));
    },
    'task.check': async (argument) => {
      const file = await pick(argument);
      if (!file) return;
      panels.precheck.reveal(file.uri);
      await withCredentialCure(file, 'task.check', async () => {
        const report = await progress(t('Prechecking {0}', file.name), () => precheck.run(file.uri));
        logReport(log, file.name, report);
      });
    },
    'task.verify': async (argument) => {
      const file = await pick(argument);
      if (!file) return;
      panels.verify.reveal(file.uri);
      await withCredentialCure(file, 'task.verify', async () => {
        const report = await progress(t('Verifying {0}', file.name), () => verify.run(file.uri));
        for (const table of report.tables) {
          log.info(
            `verify ${file.name}: ${table.source} → ${table.destination}: ${table.compared} compared, ${table.missing} missing, ${table.extra} extra, ${table.different} different`,
          );
        }
      });
    },
    'task.monitor': async (argument) => {
      const file = await pick(argument);
      if (file) panels.monitor.reveal(file.uri);
    },
    'task.dirty': async (argument) => {
      const file = await pick(argument);
      if (file) panels.dirty.reveal(file.uri);
    },
    'task.openFile': async (argument) => {
      const file = await pick(argument);
      if (file) await vscode.window.showTextDocument(file.uri);
    },
    'task.openForm': async (argument) => {
      const file = await pick(argument);
      if (file) await vscode.commands.executeCommand('vscode.openWith', file.uri, taskEditorViewType);
    },
    'task.copyCommand': async (argument) => {
      const file = await pick(argument);
      if (!file) return;
      await vscode.env.clipboard.writeText(`node ${quoted(cliScript)} run ${quoted(file.uri.fsPath)}`);
      vscode.window.setStatusBarMessage(t('Command copied.'), 3000);
    },
    'task.new': async () => {
      const folder = await pickFolder();
      if (!folder) return;
      const name = await vscode.window.showInputBox({
        title: t('New Task'),
        prompt: t('Name of the task; its file is NAME{0}', taskFileSuffix),
        value: 'orders',
        validateInput: (text) =>
          /^[^\\/:*?"<>|]+$/.test(text.trim()) ? undefined : t('A name without \\ / : * ? " < > |'),
      });
      if (name === undefined) return;
      const uri = vscode.Uri.joinPath(folder, `${name.trim()}${taskFileSuffix}`);
      const exists = await vscode.workspace.fs.stat(uri).then(
        () => true,
        () => false,
      );
      if (!exists) await vscode.workspace.fs.writeFile(uri, Buffer.from(newTaskText(name.trim())));
      await files.refresh();
      await vscode.commands.executeCommand('vscode.openWith', uri, taskEditorViewType);
    },
    'tasks.refresh': () => files.refresh(),
    'logs.show': () => log.show(),
  };
}

/** The task meant: a tree node, an object with a uri, a uri, the active editor's file, or the one that is picked. */
async function pickTask(
  files: TaskFiles,
  argument: unknown,
  suits: (file: TaskFile) => boolean,
): Promise<TaskFile | undefined> {
  await files.ready;
  const given =
    argument instanceof vscode.Uri ? argument : (argument as { uri?: vscode.Uri } | undefined)?.uri;
  if (given) {
    if (!files.get(given)) await files.refresh();
    return files.get(given);
  }
  const active = vscode.window.activeTextEditor?.document.uri;
  const open = active && isTaskFile(active.path) ? files.get(active) : undefined;
  if (open && suits(open)) return open;
  const fitting = files.all.filter(suits);
  if (fitting.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no task for that in this workspace.'));
    return undefined;
  }
  if (fitting.length === 1) return fitting[0];
  const chosen = await vscode.window.showQuickPick(
    fitting.map((file) => ({
      label: file.name,
      description: vscode.workspace.asRelativePath(file.uri),
      file,
    })),
    { placeHolder: vscode.l10n.t('Which task?') },
  );
  return chosen?.file;
}

async function pickFolder(): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length <= 1) return folders[0]?.uri;
  return (await vscode.window.showWorkspaceFolderPick())?.uri;
}

function logReport(log: Log, name: string, report: CheckReport): void {
  log.info(`precheck ${name}: ${report.successRate}%`);
  for (const result of report.results) {
    const text = `  ${result.status} ${result.title}: ${result.actual}`;
    if (result.status === 'fail')
      log.error(`${text}. ${result.fix}${result.sql === undefined ? '' : `\n${result.sql}`}`);
    else if (result.status === 'warning') log.warn(`${text}. ${result.fix}`);
    else log.info(text);
  }
}

/** One word for a POSIX shell or PowerShell. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return process.platform === 'win32'
    ? `"${word.replaceAll('"', '\\"')}"`
    : `'${word.replaceAll("'", `'\\''`)}'`;
}
