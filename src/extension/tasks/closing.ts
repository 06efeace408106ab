import * as vscode from 'vscode';
import { isRunning } from '../../shared/task-actions.js';
import { keepsRunning, setKeepsRunning } from '../base/settings.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskFile, TaskFiles } from './task-files.js';
import type { TaskService } from './task-service.js';
import { inform } from '../base/notifications.js';

/** Whoever starts a task should watch it first; what closing the window means is said a while later, and once. */
const sayAfterMs = 60_000;
const saidKey = 'rowferry.closing.said';
const ranKey = 'rowferry.closing.ran';

/**
 * What the end of the window means for its tasks: said once while a task runs, and, when the window is back and a
 * task that ran is not running any more, said again with a way to go on. An editor gives no chance to ask at the
 * moment of closing.
 */
export function watchClosing(
  { workspaceState, globalState }: Pick<vscode.ExtensionContext, 'workspaceState' | 'globalState'>,
  files: TaskFiles,
  session: EngineSession,
  service: TaskService,
): vscode.Disposable & { attached(): void } {
  const { t } = vscode.l10n;
  let known = false;
  let said = globalState.get(saidKey, false);
  let timer: NodeJS.Timeout | undefined;

  const runs = (file: TaskFile) => {
    const state = service.snapshotOf(file)?.state ?? 'stopped';
    // An engine that is about to end stops its tasks: nothing runs on.
    return isRunning(state) && state !== 'stopping';
  };
  const goesOn = (file: TaskFile) => keepsRunning() || file.task?.keepRunning === true;

  const say = async () => {
    const file = files.all.find((f) => runs(f) && !goesOn(f));
    if (!file || said) return;
    said = true;
    await globalState.update(saidKey, true);
    const keep = t('Keep Running');
    const answer = await inform(
      t(
        'When the last window closes, {0} stops safely. It continues from its checkpoint when you start it again.',
        file.name,
      ),
      keep,
    );
    if (answer !== keep) return;
    await setKeepsRunning(true);
    // What a run does at the end is settled when it starts.
    for (const running of files.all.filter(runs)) {
      const id = service.snapshotOf(running)?.id;
      if (id !== undefined) await service.stop(id);
      await vscode.commands.executeCommand('rowferry.task.start', { uri: running.uri, stays: true });
    }
  };

  const remember = () => {
    if (!known || !session.connected) return;
    const now = files.all.filter(runs).map(({ uri }) => uri.toString());
    if (now.join('\n') !== workspaceState.get<string[]>(ranKey, []).join('\n'))
      void workspaceState.update(ranKey, now);
    if (now.length > 0 && !said) timer ??= setTimeout(() => void say(), sayAfterMs);
    if (now.length === 0) {
      clearTimeout(timer);
      timer = undefined;
    }
  };

  const greet = async () => {
    const ran = workspaceState.get<string[]>(ranKey, []);
    if (ran.length > 0) await files.ready;
    const stopped = files.all.filter((file) => ran.includes(file.uri.toString()) && !runs(file));
    known = true;
    remember();
    if (stopped.length === 0) return;
    await workspaceState.update(ranKey, []);
    const start = t('Continue');
    const names = stopped.map(({ name }) => name).join(', ');
    const answer = await inform(t('{0} stopped safely when the window was closed.', names), start);
    if (answer !== start) return;
    for (const { uri } of stopped)
      await vscode.commands.executeCommand('rowferry.task.start', { uri, stays: stopped.length > 1 });
  };

  const listening = vscode.Disposable.from(session.onDidChange(remember), files.onDidChange(remember));
  return {
    attached: () => void greet(),
    dispose: () => {
      clearTimeout(timer);
      listening.dispose();
    },
  };
}
