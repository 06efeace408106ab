import * as vscode from 'vscode';
import { RowferryError } from '../../shared/errors.js';
import { monitorCalls, type MonitorHost, type MonitorState } from '../../shared/pages.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import { tuned } from '../../shared/tuned.js';
import type { HistoryPoint, TaskControlApi } from '../../shared/task-control-api.js';
import { logError } from '../base/log.js';
import { livePoints, type Recording } from './recording.js';
import type { PanelContext, PanelKind } from './task-panel.js';

/** How a running task does: figures, charts, tables, log; and the handles that take effect at once. */
export function monitorKind(
  context: PanelContext,
  { live, log }: Recording,
): PanelKind<MonitorHost, MonitorState> {
  const { session, service } = context;

  return {
    name: 'monitor',
    title: (name) => vscode.l10n.t('Monitor: {0}', name),
    calls: monitorCalls,
    open(task, tell) {
      const state = (): MonitorState => {
        const file = task.file();
        const snapshot = (file && service.snapshotOf(file)) ?? null;
        if (snapshot && !began)
          void begin(snapshot).catch((error: unknown) => logError(context.log, 'history', error));
        // What was set by hand may differ from the file.
        const settings = file?.task && (snapshot?.tuning ? tuned(file.task, snapshot.tuning) : file.task);
        return {
          name: task.name(),
          snapshot,
          isLooking: session.isLooking,
          differences: service.differences(task.uri),
          synchronization: settings ? phases(settings.synchronization) : null,
          write: settings ? pick(settings.write) : null,
          throttle: settings
            ? {
                full: rates(settings.throttle.full),
                incremental: rates(settings.throttle.incremental),
              }
            : null,
          live: snapshot ? lastMinutes(live.get(snapshot.id) ?? []) : [],
          logTail: log
            .filter((said) => said.task !== undefined && said.task === (snapshot?.id ?? file?.task?.id))
            .slice(-100)
            .map(({ line }) => line),
          methods: session.methods,
        };
      };
      /** What was before this window began to record, as far as the engine knows it. */
      let began = false;
      const begin = async (snapshot: TaskSnapshot) => {
        began = true;
        if (!session.answers('history')) return;
        const past = await (await session.engine()).history(snapshot.id, Date.now() - livePoints * 1000);
        const points = live.get(snapshot.id) ?? [];
        const first = points[0]?.atMs ?? Infinity;
        live.set(snapshot.id, [...past.filter(({ atMs }) => atMs < first), ...points]);
        tell();
      };
      const listening = vscode.Disposable.from(session.onDidChange(tell), context.files.onDidChange(tell));
      const id = () => {
        const file = task.file();
        const known = (file && service.snapshotOf(file)?.id) ?? file?.task?.id;
        if (known === undefined)
          throw new RowferryError('ROW-E109', vscode.l10n.t('The task is not running.'));
        return known;
      };
      const engine = async (method: keyof TaskControlApi) => {
        const api = await session.engine();
        if (!session.answers(method)) {
          throw new RowferryError('ROW-E108', vscode.l10n.t('The running engine does not support this.'));
        }
        return api;
      };
      const command = (name: string) => async () => {
        await vscode.commands.executeCommand(`rowferry.${name}`, { uri: task.uri });
      };
      return {
        state,
        dispose: () => listening.dispose(),
        host: {
          start: command('task.start'),
          stop: command('task.stop'),
          openTask: command('task.openForm'),
          dirty: command('task.dirty'),
          retryDirty: command('task.retryDirty'),
          enterSecrets: command('task.enterSecrets'),
          settings: (action) => command(`task.${action}`)(),
          logs: command('logs.show'),
          reload: async (table) => {
            await vscode.commands.executeCommand('rowferry.task.reload', { uri: task.uri, table });
          },
          pause: async () => (await engine('pause')).pause(id()),
          resume: async () => (await engine('resume')).resume(id()),
          tune: async (tuning) =>
            (await engine('tune')).tune(id(), tuning as Parameters<TaskControlApi['tune']>[1]),
          history: async (sinceMs) => (await engine('history')).history(id(), sinceMs),
        },
      };
    },
  };
}

function lastMinutes(points: readonly HistoryPoint[]): HistoryPoint[] {
  const since = (points.at(-1)?.atMs ?? 0) - livePoints * 1000;
  return points.filter(({ atMs }) => atMs >= since);
}

function pick({ queueSize, threads, concurrency, buckets }: NonNullable<MonitorState['write']>) {
  return { queueSize, threads, concurrency, buckets };
}

function phases({ schema, full, incremental }: NonNullable<MonitorState['synchronization']>) {
  return { schema, full, incremental };
}

function rates({ rowsPerSecond, megabytesPerSecond }: NonNullable<MonitorState['throttle']>['full']) {
  return { rowsPerSecond, megabytesPerSecond };
}
