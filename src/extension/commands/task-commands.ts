import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import type { CheckReport } from '../../shared/check-report.js';
import type { Log } from '../base/log.js';
import { asRowferryError, confirmed, showError, inform, warn } from '../base/notifications.js';
import { isTaskFile, type TaskFile, type TaskFiles } from '../tasks/task-files.js';
import type { PrecheckKind } from '../panels/precheck.js';
import { taskEditorViewType } from '../panels/view-types.js';
import type { VerifyKind } from '../panels/verify.js';
import { mostUrgentFirst } from '../../shared/snapshot-words.js';
import type { EngineSession } from '../engine/session.js';
import type { ChangedSettings } from '../tasks/changed-settings.js';
import type { TaskService } from '../tasks/task-service.js';
import { watchedRetry } from '../tasks/watched-retry.js';
import { refusedSide, type Side } from '../../shared/refusal.js';
import { shellWord } from '../../shared/shell-word.js';
import { stoppedFirst } from '../../shared/stopped-tables.js';
import { isRunning, offers, type TaskAction } from '../../shared/task-actions.js';
import type { Commands } from './register.js';
import type { TaskTableNode, TasksView } from '../views/tasks-view.js';

export interface TaskCommandContext {
  files: TaskFiles;
  service: TaskService;
  session: EngineSession;
  changes: ChangedSettings;
  view: TasksView;
  log: Log;
  cliScript: string;
  panels: Record<'precheck' | 'verify' | 'monitor' | 'dirty', { reveal(uri: vscode.Uri): void }>;
  precheck: PrecheckKind;
  verify: VerifyKind;
  editor: { reveal(uri: vscode.Uri, key?: string): Promise<void> };
}

/** Commands on a task: called from the tree, an editor, or the palette, which asks for the task. */
export function taskCommands(context: TaskCommandContext): Commands {
  const { files, service, session, changes, view, log, cliScript, panels, precheck, verify, editor } =
    context;
  const { t } = vscode.l10n;

  const pick = (argument: unknown, suits: (file: TaskFile) => boolean = () => true) =>
    pickTask(files, argument, suits);

  /** Only tasks that the action is offered for; one that is named is for the engine to judge. */
  const pickFor = (action: TaskAction, argument: unknown) =>
    pick(argument, (file) => offers(service.snapshotOf(file)?.state, action));
  /** The engine's word about such a task. Throws ROW-E109 when it has none. */
  const pickKnown = async (action: TaskAction, argument: unknown) => {
    const file = await pickFor(action, argument);
    if (!file) return undefined;
    const snapshot = service.snapshotOf(file);
    if (snapshot) return snapshot;
    throw new RowferryError('ROW-E109', t('{0} has not been started on this machine.', file.name), {
      remedy: t('Start the task first.'),
    });
  };

  const run = (command: string, uri: vscode.Uri) =>
    vscode.commands.executeCommand(`rowferry.${command}`, { uri });

  const pickChanged = async (argument: unknown) => {
    const file = await pick(argument, ({ uri }) => service.differences(uri).length > 0);
    if (!file || service.differences(file.uri).length > 0) return file;
    void inform(t('{0} runs with the settings of its file, or does not run.', file.name));
    return undefined;
  };

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
      const side = error instanceof RowferryError ? refusedSide(error.code) : undefined;
      if (side === undefined) throw error;
      showError(log, again, error, {
        title: t('Enter Again…'),
        run: () =>
          vscode.commands.executeCommand('rowferry.task.enterSecrets', {
            uri: file.uri,
            side,
            then: `rowferry.${again}`,
          }),
      });
      return undefined;
    }
  };

  return {
    'task.start': async (argument) => {
      const file = await pickFor('start', argument);
      if (!file) return;
      const started = await withCredentialCure(file, 'task.start', async () => {
        try {
          return await progress(t('Starting {0}', file.name), () => service.start(file.uri));
        } catch (thrown) {
          const error = asRowferryError(thrown);
          if (!(error instanceof RowferryError && error.code === 'ROW-E102')) throw thrown;
          const show = { title: t('Show Precheck'), run: () => run('task.check', file.uri) };
          showError(log, 'task.start', error, show);
          return undefined;
        }
      });
      if (started && !(argument as { stays?: boolean } | undefined)?.stays) panels.monitor.reveal(file.uri);
    },
    'tasks.attend': async () => {
      const all = mostUrgentFirst([...session.snapshots.values()]);
      const known = all.flatMap((snapshot) => {
        const file = service.fileOf(snapshot);
        if (!file) return [];
        const { description } = service.lookOf(file, true);
        return [{ label: snapshot.name, description, snapshot, uri: file.uri }];
      });
      const chosen =
        known.length < 2
          ? known[0]
          : await vscode.window.showQuickPick(known, { placeHolder: t('Which task?') });
      if (!chosen) {
        if (known.length === 0) await vscode.commands.executeCommand('rowferry.tasks.focus');
        return;
      }
      await run(chosen.snapshot.state === 'blocked' ? 'task.dirty' : 'task.monitor', chosen.uri);
    },
    'task.retryDirty': async (argument) => {
      const file = await pick(argument, (f) => service.snapshotOf(f)?.state === 'blocked');
      const snapshot = file && service.snapshotOf(file);
      if (!snapshot) return;
      if (!(await watchedRetry(context, file, snapshot.id))) return;
      if ((await service.stateOf(snapshot.id)) !== 'blocked') {
        vscode.window.setStatusBarMessage(t('{0} continues with the current settings.', file.name), 5000);
        return;
      }
      const show = t('Show Dirty Data');
      const chosen = await warn(
        t('{0} is still blocked: some rows cannot be written with the current settings.', file.name),
        show,
      );
      if (chosen === show) panels.dirty.reveal(file.uri);
    },
    // True: they were entered. Who shows that they are asked for needs to know.
    'task.enterSecrets': async (argument) => {
      const given = argument as Partial<SecretsWanted> | undefined;
      const file = await pick(argument);
      if (!file) return;
      const { uri } = file;
      const snapshot = service.snapshotOf(file);
      const failed = refusedSide((snapshot?.error ?? snapshot?.retry?.error)?.code);
      const side = given?.side ?? failed ?? (await pickSide());
      if (side === undefined) return;
      await service.enterSecrets(uri, side);
      // What failed by them begins again.
      const again = snapshot && isRunning(snapshot.state) ? 'rowferry.task.restart' : 'rowferry.task.start';
      const then = given?.then ?? (failed === undefined ? undefined : again);
      if (then !== undefined) await vscode.commands.executeCommand(then, { uri });
      return true;
    },
    'task.stop': async (argument) => {
      const known = await pickKnown('stop', argument);
      if (known) await progress(t('Stopping {0}', known.name), () => service.stop(known.id));
    },
    'task.showChanges': async (argument) => {
      const file = await pickChanged(argument);
      if (file) await progress(t('Comparing {0} with its file', file.name), () => changes.show(file.uri));
    },
    'task.applyChanges': async (argument) => {
      const file = await pickChanged(argument);
      if (file) await progress(t('Applying the file of {0}', file.name), () => changes.apply(file.uri));
    },
    'task.restart': async (argument) => {
      const file = await pickFor('stop', argument);
      if (file) await progress(t('Restarting {0}', file.name), () => changes.restart(file.uri));
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
      if (file) await editor.reveal(file.uri, (argument as { at?: string } | undefined)?.at);
    },
    'task.openSelected': async () => {
      const uri = view.selected;
      if (uri) await vscode.commands.executeCommand('vscode.openWith', uri, taskEditorViewType);
    },
    'task.copyCommand': async (argument) => {
      const file = await pick(argument);
      if (!file) return;
      const word = (path: string) => shellWord(path, process.platform === 'win32');
      await vscode.env.clipboard.writeText(`node ${word(cliScript)} run ${word(file.uri.fsPath)}`);
      vscode.window.setStatusBarMessage(t('Command copied.'), 3000);
    },
    'task.bundle': async (argument) => {
      const file = await pick(argument);
      if (!file) return;
      const bundle = await progress(t('Creating the support bundle'), () => service.bundle(file.uri));
      // Not saved: to be looked through before it is given away.
      const content = `${JSON.stringify(bundle, null, 2)}\n`;
      await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ language: 'json', content }),
      );
      void inform(
        t(
          'The bundle contains no passwords, keys or row values. It does contain the names of databases, tables and columns: review it before you share it.',
        ),
      );
    },
    'task.pause': async (argument) => {
      const known = await pickKnown('pause', argument);
      if (known) await progress(t('Pausing {0}', known.name), () => service.pause(known.id));
    },
    'task.resume': async (argument) => {
      const known = await pickKnown('resume', argument);
      if (known) await progress(t('Resuming {0}', known.name), () => service.resume(known.id));
    },
    'task.reset': async (argument) => {
      const known = await pickKnown('reset', argument);
      if (!known) return;
      const isMeant = await confirmed(
        t('Reset the task {0}?', known.name),
        t(
          'This deletes its position and dirty records. The next start loads every table again and deletes rows in Tablestore that the source no longer has.',
        ),
        t('Reset'),
        t('Keep'),
      );
      if (isMeant) await service.reset(known.id);
    },
    'task.reload': async (argument) => {
      const chosen = await pickTable(files, service, argument);
      if (!chosen) return;
      const { file, id, table } = chosen;
      const load = t('Reload');
      const remake = t('Re-create and Load');
      const answer = await vscode.window.showWarningMessage(
        t('Reload {0}?', table),
        {
          modal: true,
          detail: t(
            'Rowferry reads every row from MySQL, writes it again, and deletes rows in Tablestore that the source no longer has. The other tables continue. If the key has changed, choose Re-create and Load: it deletes the table in Tablestore with all its rows and creates it again.',
          ),
        },
        load,
        remake,
      );
      if (answer === undefined) return;
      await service.reload(id, table, answer === remake);
      if (!isRunning(service.snapshotOf(file)?.state ?? 'stopped')) {
        void inform(t('{0} reloads when the task starts.', table));
      }
    },
    'task.delete': async (argument) => {
      const file = await pickFor('delete', argument);
      if (!file) return;
      // The engine would refuse it, but only after the question.
      if (!offers(service.snapshotOf(file)?.state, 'delete')) {
        throw new RowferryError('ROW-E101', t('{0} is running.', file.name), {
          remedy: t('Stop the task before you delete it.'),
        });
      }
      const isMeant = await confirmed(
        t('Delete the task {0}?', file.name),
        t(
          'This deletes the task file, its position, dirty records and history. Source and destination keep their rows.',
        ),
        t('Delete'),
        t('Keep'),
      );
      if (!isMeant) return;
      const snapshot = service.snapshotOf(file);
      if (snapshot) await service.forget(snapshot.id);
      await deleteFile(file.uri);
      await files.refresh();
    },
    'tasks.filter': () => filterTasks(view),
    'tasks.clearFilter': () => {
      view.filter = '';
    },
    'tasks.refresh': () => files.refresh(),
    'logs.show': () => log.show(),
  };
}

/** The task meant: a node of the tree or below it, an object with a uri, a uri, the active editor's file, or the one that is picked. */
async function pickTask(
  files: TaskFiles,
  argument: unknown,
  suits: (file: TaskFile) => boolean,
): Promise<TaskFile | undefined> {
  await files.ready;
  const named = argument as { uri?: vscode.Uri; task?: vscode.Uri } | undefined;
  const given = argument instanceof vscode.Uri ? argument : (named?.uri ?? named?.task);
  if (given) {
    if (!files.get(given)) await files.refresh();
    return files.get(given);
  }
  const active = activeTask();
  const open = active && isTaskFile(active.path) ? files.get(active) : undefined;
  if (open && suits(open)) return open;
  const fitting = files.all.filter(suits);
  if (fitting.length === 0) {
    void inform(vscode.l10n.t('This workspace has no matching task.'));
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

/** Whose secrets are to be entered again, and the command that failed by them. */
export interface SecretsWanted {
  uri: vscode.Uri;
  side?: Side;
  then?: string;
}

async function pickSide(): Promise<Side | undefined> {
  const sides: { label: string; side: Side }[] = [
    { label: 'MySQL', side: 'source' },
    { label: 'Tablestore', side: 'destination' },
  ];
  return (await vscode.window.showQuickPick(sides, { placeHolder: vscode.l10n.t('Whose secrets?') }))?.side;
}

/** The file that the active tab shows, as text or as a form. */
function activeTask(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
    ? input.uri
    : vscode.window.activeTextEditor?.document.uri;
}

/** A table of a task, named by who shows it. */
export interface NamedTable {
  uri: vscode.Uri;
  table: string;
}

/** The table of a task that the engine knows: the one that is named, the one of the tree, or the one that is picked. */
async function pickTable(
  files: TaskFiles,
  service: TaskService,
  argument: unknown,
): Promise<{ file: TaskFile; id: string; table: string } | undefined> {
  const named = argument as Partial<TaskTableNode & NamedTable> | undefined;
  const tablesOf = (file: TaskFile) => service.snapshotOf(file)?.tables ?? [];
  const file = await pickTask(files, argument, (f) => tablesOf(f).length > 0);
  const snapshot = file && service.snapshotOf(file);
  if (!snapshot) return undefined;
  const given = named?.table ?? named?.progress?.source;
  if (given !== undefined) return { file, id: snapshot.id, table: given };
  const chosen = await vscode.window.showQuickPick(
    stoppedFirst(snapshot).map(({ source, destination }) => ({
      label: source,
      description: `→ ${destination}`,
    })),
    { placeHolder: vscode.l10n.t('Which table?'), title: snapshot.name },
  );
  return chosen && { file, id: snapshot.id, table: chosen.label };
}

/** Typed, seen at once in the tree; Escape brings back what was before. */
function filterTasks(view: TasksView): Promise<void> {
  const before = view.filter;
  const input = vscode.window.createInputBox();
  input.title = vscode.l10n.t('Filter Tasks');
  input.placeholder = vscode.l10n.t('Part of a task or table name');
  input.value = before;
  let accepted = false;
  return new Promise((settle) => {
    input.onDidChangeValue((text) => (view.filter = text));
    input.onDidAccept(() => {
      accepted = true;
      input.hide();
    });
    input.onDidHide(() => {
      if (!accepted) view.filter = before;
      input.dispose();
      settle();
    });
    input.show();
  });
}

async function deleteFile(uri: vscode.Uri): Promise<void> {
  try {
    await vscode.workspace.fs.delete(uri, { useTrash: true });
  } catch {
    // Not every place has a trash.
    await vscode.workspace.fs.delete(uri);
  }
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
