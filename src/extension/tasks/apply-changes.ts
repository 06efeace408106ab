import * as vscode from 'vscode';
import type { Log } from '../base/log.js';
import { logError } from '../base/log.js';
import { isTaskFile, type TaskFiles } from './task-files.js';
import type { TaskService } from './task-service.js';
import { inform } from '../base/notifications.js';

/** What takes effect by itself has done so by then. */
const pauseMs = 1500;

/**
 * Says when the settings of a file that is saved take effect: of a task that runs with others, with a way to see what
 * they would change; of a blocked one, with a way to go on by them. The same settings are told of once.
 */
export function applyChanges(files: TaskFiles, service: TaskService, log: Log): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  /** What was told of last, by file. */
  const told = new Map<string, string>();

  const tell = async (uri: vscode.Uri) => {
    const key = uri.toString();
    const file = files.get(uri);
    const snapshot = service.snapshotAt(uri);
    if (!file?.task || !snapshot) return;
    const { t } = vscode.l10n;
    const differing = service.differences(uri);
    const isBlocked = snapshot.state === 'blocked';
    if (!isBlocked && differing.length === 0) {
      told.delete(key);
      return;
    }
    const settings = JSON.stringify(file.task);
    if (told.get(key) === settings) return;
    told.set(key, settings);
    const [text, title, command] = isBlocked
      ? [
          t(
            '{0} is blocked. The saved settings take effect when you retry its dirty rows, or start it.',
            file.name,
          ),
          t('Retry and Continue'),
          'retryDirty',
        ]
      : [
          t('{0} is running with other settings than its file.', file.name),
          t('Show Changes…'),
          'showChanges',
        ];
    if ((await inform(text, title)) === title)
      await vscode.commands.executeCommand(`rowferry.task.${command}`, { uri });
  };

  const saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
    if (!isTaskFile(uri.path)) return;
    const key = uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => void tell(uri).catch((error: unknown) => logError(log, 'saved', error)), pauseMs),
    );
  });
  return vscode.Disposable.from(
    saved,
    new vscode.Disposable(() => {
      for (const timer of timers.values()) clearTimeout(timer);
    }),
  );
}
