import * as vscode from 'vscode';
import type { Alert } from '../../shared/alert.js';
import type { TaskService } from './task-service.js';
import type { EngineSession } from '../engine/session.js';
import { warn } from '../base/notifications.js';
import { retell } from '../base/retell.js';

/** One statement may stop many tables: they are told of in one sentence. */
const togetherMs = 500;
const namedTables = 3;

/** Tells the person of tables that have stopped, with what to do. */
export class StopNotices implements vscode.Disposable {
  private alerts: Alert[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly session: EngineSession,
    private readonly service: TaskService,
  ) {}

  add(alert: Alert): void {
    this.alerts.push(alert);
    this.timer ??= setTimeout(() => this.tell(), togetherMs);
  }

  private tell(): void {
    const { alerts } = this;
    this.alerts = [];
    this.timer = undefined;
    for (const id of new Set(alerts.map(({ task }) => task.id))) {
      const snapshot = this.session.snapshots.get(id);
      const file = snapshot && this.service.fileOf(snapshot);
      const ofTask = alerts.filter(({ task }) => task.id === id);
      if (file) void tellOfTask(file.uri, ofTask);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}

async function tellOfTask(uri: vscode.Uri, alerts: readonly Alert[]): Promise<void> {
  const { t } = vscode.l10n;
  const [{ task, table, message, error }] = alerts as [Alert];
  const names = alerts.slice(0, namedTables).flatMap((alert) => alert.table?.source ?? []);
  if (alerts.length > namedTables) names.push(t('and {0} more', alerts.length - namedTables));
  const text =
    alerts.length === 1
      ? `${task.name}: ${retell(message)} ${retell(error?.remedy ?? '')}`.trim()
      : t('{0}: {1} tables have stopped: {2}.', task.name, alerts.length, names.join(', '));
  const reload = t('Reload');
  const monitor = t('Open Monitor');
  const offered = alerts.length === 1 ? [reload, monitor] : [monitor];
  const chosen = await warn(text, ...offered);
  if (chosen === reload)
    await vscode.commands.executeCommand('rowferry.task.reload', { uri, table: table?.source });
  else if (chosen === monitor) await vscode.commands.executeCommand('rowferry.task.monitor', { uri });
}
