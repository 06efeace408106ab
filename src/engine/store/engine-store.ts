import type { Alert } from '../../shared/alert.js';
import type { CheckReport } from '../../shared/check-report.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { HistoryPoint } from '../../shared/task-control-api.js';
import { incidentKey } from '../alerts/incident.js';
import { Database } from './database.js';
import { migrations } from './migrations.js';
import { removeState } from './state-file.js';

/** What the engine remembers of a task between runs. */
export interface KnownTask {
  id: string;
  snapshot: TaskSnapshot;
  /** Fingerprint of the task at its last passed precheck; null before. */
  checkedAs: string | null;
  report: CheckReport | null;
  /** It was running, and was to go on when nobody is attached. */
  keepRunning: boolean;
}

const historyMs = 24 * 3600 * 1000;
/** A point takes about 60 bytes, so that a day of ten seconds each of twenty tasks is 10 MB: more are thinned out. */
const mostPoints = 170_000;
/** How many points are added before they are counted again. */
const countEvery = 500;

/** The store of one engine: tasks as people know them, and (through tasks()) what replication itself keeps. */
export class EngineStore {
  #pointsUntilCount = 0;

  private constructor(readonly database: Database) {}

  static open(file: string): EngineStore {
    return new EngineStore(Database.open(file, migrations));
  }

  known(): KnownTask[] {
    return this.database
      .all<{
        id: string;
        snapshot: string;
        checked_as: string | null;
        report: string | null;
        keep_running: number;
      }>('SELECT id, snapshot, checked_as, report, keep_running FROM task ORDER BY added_ms, id')
      .map((row) => ({
        id: row.id,
        snapshot: JSON.parse(row.snapshot) as TaskSnapshot,
        checkedAs: row.checked_as,
        report: row.report === null ? null : (JSON.parse(row.report) as CheckReport),
        keepRunning: row.keep_running === 1,
      }));
  }

  saveSnapshot(snapshot: TaskSnapshot, keepRunning: boolean): void {
    this.database.run(
      `INSERT INTO task (id, snapshot, keep_running, added_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot, keep_running = excluded.keep_running`,
      snapshot.id,
      JSON.stringify(snapshot),
      keepRunning ? 1 : 0,
      Date.now(),
    );
  }

  saveCheck(id: string, report: CheckReport, checkedAs: string | null): void {
    this.database.run(
      'UPDATE task SET report = ?, checked_as = ? WHERE id = ?',
      JSON.stringify(report),
      checkedAs,
      id,
    );
  }

  /** Forgets a task and all that is kept of it. */
  forget(id: string): void {
    removeState(this.database, id);
  }

  addHistory(id: string, point: HistoryPoint): void {
    this.database.run(
      'INSERT OR REPLACE INTO history (task, at_ms, rows_per_second, bytes_per_second, latency_ms) VALUES (?, ?, ?, ?, ?)',
      id,
      point.atMs,
      point.rowsPerSecond,
      point.bytesPerSecond,
      point.latencyMs,
    );
    this.database.run('DELETE FROM history WHERE task = ? AND at_ms < ?', id, point.atMs - historyMs);
    if (--this.#pointsUntilCount > 0) return;
    this.#pointsUntilCount = countEvery;
    // Tasks that rest keep their last day until there are too many of them.
    this.database.run('DELETE FROM history WHERE at_ms < ?', point.atMs - 7 * historyMs);
    const { n } = this.database.get<{ n: number }>('SELECT COUNT(*) AS n FROM history')!;
    if (n <= mostPoints) return;
    this.database.run(
      'DELETE FROM history WHERE at_ms <= (SELECT at_ms FROM history ORDER BY at_ms LIMIT 1 OFFSET ?)',
      n - mostPoints,
    );
  }

  /** Incidents that were told and are not over. */
  incidents(id: string): Alert[] {
    return this.database
      .all<{ alert: string }>('SELECT alert FROM incident WHERE task = ?', id)
      .map((row) => JSON.parse(row.alert) as Alert);
  }

  saveIncident(alert: Alert): void {
    const { id } = alert.task;
    // The column is from when there was one incident of a kind.
    const key = incidentKey(alert);
    if (alert.state === 'over') {
      this.database.run('DELETE FROM incident WHERE task = ? AND kind = ?', id, key);
    } else {
      this.database.run(
        'INSERT OR REPLACE INTO incident (task, kind, alert) VALUES (?, ?, ?)',
        id,
        key,
        JSON.stringify(alert),
      );
    }
  }

  history(id: string, sinceMs: number): HistoryPoint[] {
    return this.database
      .all<{ at_ms: number; rows_per_second: number; bytes_per_second: number; latency_ms: number | null }>(
        'SELECT at_ms, rows_per_second, bytes_per_second, latency_ms FROM history WHERE task = ? AND at_ms >= ? ORDER BY at_ms',
        id,
        sinceMs,
      )
      .map((row) => ({
        atMs: row.at_ms,
        rowsPerSecond: row.rows_per_second,
        bytesPerSecond: row.bytes_per_second,
        latencyMs: row.latency_ms,
      }));
  }

  close(): void {
    this.database.close();
  }
}
