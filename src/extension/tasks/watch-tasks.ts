import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { formatCount, formatDuration } from '../../shared/format.js';
import type { Alert } from '../../shared/alert.js';
import { refusedSide } from '../../shared/refusal.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { Log } from '../base/log.js';
import { asRowferryError, showError, inform, warn } from '../base/notifications.js';
import { retell } from '../base/retell.js';
import type { TaskService } from './task-service.js';
import { isRunning } from '../../shared/task-actions.js';
import { stoppedTables } from '../../shared/stopped-tables.js';
import type { EngineSession } from '../engine/session.js';
import { StopNotices } from './stop-notices.js';

/** An engine that dies again and again is not started for ever. */
const restartsPerWindow = 3;
const windowMs = 10 * 60_000;

/**
 * Tells the person, once each, when a task fails, is blocked, loses a table or its engine; and starts again what ran when
 * the engine was killed.
 */
export function watchTasks(session: EngineSession, service: TaskService, log: Log): vscode.Disposable {
  const { t } = vscode.l10n;
  const last = new Map<string, TaskSnapshot['state']>();
  let restarts: number[] = [];

  /** A command on the file of the snapshot, if it is there. */
  const go = async (command: string, snapshot: TaskSnapshot, more: object = {}) => {
    const file = service.fileOf(snapshot);
    if (file) await vscode.commands.executeCommand(`rowferry.task.${command}`, { uri: file.uri, ...more });
  };
  const openMonitor = (snapshot: TaskSnapshot) => ({
    title: t('Open Monitor'),
    run: () => go('monitor', snapshot),
  });
  /** A notification about a task leads to it. */
  const say = async (
    snapshot: TaskSnapshot,
    text: string,
    show: (text: string, title: string) => Thenable<string | undefined>,
  ) => {
    const { title, run } = openMonitor(snapshot);
    if ((await show(text, title)) === title) await run();
  };

  /** A window that opens brings back what a restart of the machine, or of its container, had ended. */
  const waits = (snapshot: TaskSnapshot) => {
    if (!service.fileOf(snapshot)) return;
    const start = t('Start Again');
    const text = t(
      '{0} was running when its engine was stopped. Start it to continue from its checkpoint.',
      snapshot.name,
    );
    void warn(text, start).then((chosen) => {
      if (chosen === start) void go('start', snapshot);
    });
  };

  const over = (alert: Alert, snapshot: TaskSnapshot): string => {
    switch (alert.kind) {
      case 'failed':
        return t('{0} is working again.', alert.task.name);
      case 'blocked':
        return t('{0} is no longer blocked.', alert.task.name);
      case 'latency':
        return stoppedTables(snapshot).length > 0
          ? t('{0} has caught up, except for stopped tables.', alert.task.name)
          : t('{0} has caught up.', alert.task.name);
      case 'stopped-table': {
        const { source } = alert.table!;
        return snapshot.tables.some((table) => table.source === source)
          ? t('{0}: {1} is replicating again.', alert.task.name, source)
          : t('{0}: {1} has stopped and is no longer part of the task.', alert.task.name, source);
      }
      case 'difference':
        return t('{0}: all rows are equal again.', alert.task.name);
    }
  };

  const blocked = async ({ id, name, dirty }: TaskSnapshot) => {
    const show = t('Show Dirty Data');
    const retry = t('Retry and Continue');
    const text =
      dirty === 1
        ? t('{0} is blocked: 1 row cannot be written.', name)
        : t('{0} is blocked: {1} rows cannot be written.', name, formatCount(dirty, vscode.env.language));
    const chosen = await warn(text, show, retry);
    const snapshot = session.snapshots.get(id);
    if (chosen === undefined || !snapshot) return;
    await go(chosen === show ? 'dirty' : 'retryDirty', snapshot);
  };

  const stops = new StopNotices(session, service);

  return vscode.Disposable.from(
    stops,
    session.onAlert((alert) => {
      const snapshot = session.snapshots.get(alert.task.id);
      if (!snapshot || !service.fileOf(snapshot)) return;
      if (snapshot.state === 'stopped') return;
      if (alert.state === 'over') void say(snapshot, over(alert, snapshot), inform);
      else if (alert.kind === 'latency') {
        const behind = formatDuration(alert.latencyMs ?? 0, t);
        void say(snapshot, t('{0} is {1} behind.', alert.task.name, behind), warn);
      } else if (alert.kind === 'difference')
        void say(snapshot, `${alert.task.name}: ${retell(alert.message)}`, warn);
      else if (alert.kind === 'stopped-table') stops.add(alert);
      // A failure and a block are told by their states below, with what can be done.
    }),
    session.onDidChange(() => {
      for (const snapshot of session.snapshots.values()) {
        const before = last.get(snapshot.id);
        last.set(snapshot.id, snapshot.state);
        if (before !== snapshot.state && snapshot.state === 'waiting-for-credentials') waits(snapshot);
        // The first word about a task is its state, not an event.
        if (before === undefined || before === snapshot.state || !service.fileOf(snapshot)) continue;
        if (snapshot.state === 'failed' && snapshot.error) {
          if (service.isStarting(snapshot.id)) continue;
          const isRefused = refusedSide(snapshot.error.code) !== undefined;
          showError(
            log,
            snapshot.name,
            asRowferryError(named(snapshot)),
            isRefused
              ? { title: t('Enter Again…'), run: () => go('enterSecrets', snapshot) }
              : { title: t('Start Again'), run: () => go('start', snapshot) },
            openMonitor(snapshot),
          );
        } else if (snapshot.state === 'blocked') {
          void blocked(snapshot);
        }
      }
    }),
    session.onDidLose(({ error, snapshots }) => {
      const ran = snapshots.filter((s) => isRunning(s.state) && service.fileOf(s));
      last.clear();
      if (ran.length === 0) {
        log.warn(error.message);
        return;
      }
      const now = Date.now();
      restarts = restarts.filter((at) => now - at < windowMs);
      if (restarts.length >= restartsPerWindow) {
        showError(log, 'engine', error, {
          title: t('Start Again'),
          run: () => Promise.all(ran.map((s) => go('start', s, { stays: ran.length > 1 }))),
        });
        return;
      }
      restarts.push(now);
      const names = ran.map((s) => s.name).join(', ');
      showError(
        log,
        'engine',
        new RowferryError('ROW-E104', t('The engine exited unexpectedly.'), {
          remedy: t('{0} continues from the last checkpoint.', names),
        }),
      );
      for (const snapshot of ran) void go('start', snapshot, { stays: true });
    }),
  );
}

function named(snapshot: TaskSnapshot) {
  const error = snapshot.error!;
  return { ...error, message: `${snapshot.name}: ${retell(error.message)}` };
}
