import type * as vscode from 'vscode';
import { isRunning } from '../../shared/task-actions.js';
import { sameTuning, tuningOf, type Tunable } from '../../shared/tuning.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../base/log.js';
import { showError } from '../base/notifications.js';
import type { TaskFiles } from './task-files.js';
import type { TaskService } from './task-service.js';

/** A running task whose file is saved with another throttle, write settings or class takes them at once. */
export function applyTuning(
  files: TaskFiles,
  session: EngineSession,
  service: TaskService,
  log: Log,
): vscode.Disposable {
  const known = new Map<string, Tunable>();
  const look = () => {
    for (const file of files.all) {
      if (!file.task) continue;
      const uri = file.uri.toString();
      const before = known.get(uri);
      known.set(uri, file.task);
      // What it said when it was first read is what it was started with.
      if (before === undefined || sameTuning(before, file.task)) continue;
      const snapshot = service.snapshotOf(file);
      if (!snapshot || !isRunning(snapshot.state) || !session.answers('tune')) continue;
      const tuning = tuningOf(file.task);
      void session
        .engine()
        .then((engine) => engine.tune(snapshot.id, tuning))
        .then(
          () => log.info(`${snapshot.name}: the saved settings are now in effect`),
          (error: unknown) => showError(log, snapshot.name, error),
        );
    }
  };
  look();
  return files.onDidChange(look);
}
