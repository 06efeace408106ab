import * as vscode from 'vscode';
import type { HistoryPoint } from '../../shared/task-control-api.js';
import type { EngineSession } from '../engine/session.js';

/** Points kept for the live chart: ten minutes, one a second. */
export const livePoints = 600;
const logLines = 500;

/** What the engine has said since the window began, for monitors that are opened later. */
export class Recording implements vscode.Disposable {
  /** By task. */
  readonly live = new Map<string, HistoryPoint[]>();
  readonly log: { line: string; task?: string | undefined }[] = [];
  private readonly listening: vscode.Disposable;

  constructor(session: EngineSession) {
    const { live, log } = this;
    this.listening = vscode.Disposable.from(
      session.onDidChange(() => {
        for (const { id, atMs, rowsPerSecond, bytesPerSecond, latencyMs } of session.snapshots.values()) {
          const points = live.get(id) ?? [];
          live.set(id, points);
          if (points.at(-1)?.atMs === atMs) continue;
          points.push({ atMs, rowsPerSecond, bytesPerSecond, latencyMs });
          if (points.length > livePoints) points.splice(0, points.length - livePoints);
        }
      }),
      session.onLog(({ level, text, task }) => {
        const time = new Date().toLocaleTimeString('sv');
        const name = task === undefined ? undefined : session.snapshots.get(task)?.name;
        // Some places know a task by its id only; people know its name.
        const said =
          name !== undefined && text.startsWith(`${task}: `) ? `${name}${text.slice(task!.length)}` : text;
        log.push({ line: `${time} ${level.padEnd(5)} ${said}`, task });
        if (log.length > logLines) log.splice(0, log.length - logLines);
      }),
    );
  }

  dispose(): void {
    this.listening.dispose();
  }
}
