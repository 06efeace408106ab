import type { CheckReport } from '../../shared/protocol.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { HistoryPoint } from '../../shared/workbench-api.js';
import { Database } from './database.js';
import { migrations } from './migrations.js';

/** What the engine remembers of a task between runs. */
export interface KnownTask {
  id: string;
  snapshot: TaskSnapshot;
  /** Fingerprint of the task at its last passed precheck; null before. */
  checkedAs: string | null;
  report: CheckReport | null;
}

/** 24 hours at one point in ten seconds. */
const historyMs = 24 * 3600 * 1000;

/** The store of one engine: tasks as people know them, and (through tasks()) what replication itself keeps. */
export class EngineStore {
  private constructor(readonly database: Database) {}

  static open(file: string): EngineStore {
    return new EngineStore(Database.open(file, migrations));
  }

  known(): KnownTask[] {
    return this.database
      .all<{ id: string; snapshot: string; checked_as: string | null; report: string | null }>(
        'SELECT id, snapshot, checked_as, report FROM task ORDER BY added_ms, id',
      )
      .map((row) => ({
        id: row.id,
        snapshot: JSON.parse(row.snapshot) as TaskSnapshot,
        checkedAs: row.checked_as,
        report: row.report === null ? null : (JSON.parse(row.report) as CheckReport),
      }));
  }

  saveSnapshot(snapshot: TaskSnapshot): void {
    this.database.run(
      `INSERT INTO task (id, snapshot, added_ms) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot`,
      snapshot.id,
      JSON.stringify(snapshot),
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

  forget(id: string): void {
    this.database.transaction(() => {
      this.database.run('DELETE FROM task WHERE id = ?', id);
      this.database.run('DELETE FROM history WHERE task = ?', id);
    });
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
