import * as vscode from 'vscode';
import { formatShort } from '../../shared/format.js';
import type { ChangePlan, MappingChange } from '../../shared/change-plan.js';
import { isRunning } from '../../shared/task-actions.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../base/log.js';
import { asRowferryError, showError } from '../base/notifications.js';
import { isTaskFile } from './task-files.js';
import type { TaskService } from './task-service.js';

const pauseMs = 1000;

/**
 * A running task whose file is saved with other objects: says what that would do and asks once. Nothing changes
 * before the answer; the same plan is not asked for again, and while a question is open there is no second one.
 */
export function applyChanges(session: EngineSession, service: TaskService, log: Log): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  const open = new Set<string>();
  /** The plan that was last asked for, by task: its words. */
  const asked = new Map<string, string>();

  const look = async (document: vscode.TextDocument) => {
    const key = document.uri.toString();
    const { parseTask } = await import('../../shared/task-file.js');
    const { value: task } = parseTask(document.getText());
    const snapshot = task && service.snapshotOf({ uri: document.uri, task });
    if (snapshot?.state === 'blocked') await sayWhen(snapshot.name, document.uri);
    if (!snapshot || !isRunning(snapshot.state) || !session.answers('planChanges') || open.has(key)) return;
    open.add(key);
    try {
      const engine = await session.engine();
      const plan = await engine.planChanges(await service.resolveText(document));
      const words = planWords(plan);
      if (words === '') asked.delete(key);
      if (words === '' || asked.get(key) === words) return;
      asked.set(key, words);
      if (!(await confirmed(snapshot.name, plan, words))) return;
      // The file may have changed while the question stood there: what is carried out is what was shown.
      const resolved = await service.resolveText(document);
      const now = await engine.planChanges(resolved);
      if (planWords(now) !== words) {
        asked.delete(key);
        timers.set(
          key,
          setTimeout(() => void look(document), 0),
        );
        return;
      }
      await engine.applyChanges(resolved);
      asked.delete(key);
      vscode.window.setStatusBarMessage(vscode.l10n.t('{0}: applying the changes.', snapshot.name), 5000);
    } catch (error) {
      showError(log, snapshot.name, asRowferryError(error));
    } finally {
      open.delete(key);
    }
  };

  const saved = vscode.workspace.onDidSaveTextDocument((document) => {
    if (!isTaskFile(document.uri.path)) return;
    const key = document.uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => void look(document), pauseMs),
    );
  });
  return vscode.Disposable.from(
    saved,
    new vscode.Disposable(() => {
      for (const timer of timers.values()) clearTimeout(timer);
    }),
  );
}

/** A blocked task has no run that could take the settings: they hold from the retry that makes it go on. */
async function sayWhen(name: string, uri: vscode.Uri): Promise<void> {
  const { t } = vscode.l10n;
  const retry = t('Retry and Continue');
  const chosen = await vscode.window.showInformationMessage(
    t('{0} is blocked. The saved settings take effect when you retry its dirty rows, or start it.', name),
    retry,
  );
  if (chosen === retry) await vscode.commands.executeCommand('rowferry.task.retryDirty', { uri });
}

/** In a corner first, so that nobody is interrupted while typing; the plan itself is a question of its own. */
async function confirmed(name: string, plan: ChangePlan, words: string): Promise<boolean> {
  const { t } = vscode.l10n;
  const { added, changed, removed, unfit = [] } = plan;
  const isEmpty = added.length + changed.length + removed.length + unfit.length === 0;
  if (isEmpty && plan.problems.length === 0) {
    void vscode.window.showInformationMessage(`${name}: ${words}`);
    return false;
  }
  const show = t('Show the Changes…');
  const answer = await vscode.window.showInformationMessage(
    t('The objects in the file of {0} differ from those it is running with.', name),
    show,
  );
  if (answer !== show) return false;
  if (plan.problems.length > 0) {
    await vscode.window.showWarningMessage(t('{0} cannot be changed while it runs.', name), {
      modal: true,
      detail: words,
    });
    return false;
  }
  const apply = t('Apply');
  const chosen = await vscode.window.showInformationMessage(
    t('Change {0} while it is running?', name),
    { modal: true, detail: words },
    apply,
  );
  return chosen === apply;
}

function planWords(plan: ChangePlan): string {
  const { added, changed, removed, unfit = [], problems, atNextStart, reloadedAtNextStart = [] } = plan;
  const { t } = vscode.l10n;
  const what: Record<MappingChange, string> = {
    table: t('destination table changed'),
    filter: t('filter changed'),
    key: t('key changed'),
    columns: t('columns changed'),
    transformation: t('transformation changed'),
  };
  const rows = (count: number) => formatShort(count, vscode.env.language);
  const lines = [
    ...added.map((one) =>
      t(
        'Add {0} → {1}: load about {2} rows, then replicate changes.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
      ),
    ),
    ...changed.map((one) =>
      t(
        'Reload {0} → {1}, about {2} rows: {3}.',
        one.source,
        one.destination,
        rows(one.estimatedRows),
        one.what.map((change) => what[change]).join(', '),
      ),
    ),
    ...removed.map((one) =>
      t('{0} is no longer replicated; {1} in Tablestore stays.', one.source, one.destination),
    ),
    ...unfit.map((one) => t('{0} will stop: {1}', one.source, one.message)),
    ...problems,
    ...(atNextStart.length > 0 ? [t('Takes effect at the next start: {0}.', atNextStart.join(', '))] : []),
    ...reloadedAtNextStart.map((source) => t('The next start reloads {0}.', source)),
  ];
  const most = 20;
  return lines.length <= most
    ? lines.join('\n')
    : [...lines.slice(0, most), t('and {0} more', lines.length - most)].join('\n');
}
