import type { ChangePlan } from './change-plan.js';
import type { VerifyReport } from './verify-report.js';
import type { Tuning } from './tuning.js';
import type { SourcePosition } from './position.js';
import type { Operation, ResolvedTask, Task } from './task.js';

export interface DirtyRecord {
  id: string;
  atMs: number;
  /** `database.table`. */
  source: string;
  destination: string;
  operation: Operation;
  key: string;
  error: { code: string; message: string; remedy: string };
  position: SourcePosition | null;
  sourceRow: Record<string, string | null>;
  cells: Record<string, string | null>;
}
/** Which records; every field narrows, none means all. */
export interface DirtyFilter {
  source?: string;
  code?: string;
  sinceMs?: number;
  untilMs?: number;
  ids?: string[];
}
export interface DirtyPage {
  total: number;
  /** Codes of every record of the task, whatever the filter. */
  codes: string[];
  records: DirtyRecord[];
}

/** How far the retry of dirty records is, in records: `written` of those that it is done with. */
export interface RetryProgress {
  done: number;
  total: number;
  written: number;
  /** It came to its end, or was cancelled. */
  over: boolean;
}

export interface HistoryPoint {
  atMs: number;
  rowsPerSecond: number;
  bytesPerSecond: number;
  latencyMs: number | null;
}

/** A comparison that was carried out to its end. */
export interface LastVerify {
  report: VerifyReport;
  atMs: number;
  /** What differed was put right. */
  repaired: boolean;
}

/** What the source said of a statement. */
export interface StatementAnswer {
  affectedRows: number;
  /** The first warning of the server. */
  warning?: string;
}

/** A position in the source's binlog, as people name one. 'skip': after the next transaction. */
export type NamedPosition = NonNullable<Task['startPosition']> | 'skip';

/** A transaction of the source, without its values. */
export interface TransactionSummary {
  gtid: string | null;
  commitMicros: number;
  tables: { source: string; inserted: number; updated: number; deleted: number }[];
  statements: string[];
}

/** What it would mean to go on from another position. */
export interface PositionChange {
  now: SourcePosition | null;
  then: SourcePosition;
  /** back: changes come again, and rows may show older values for a while. forward: changes are lost. */
  direction: 'back' | 'forward' | 'same' | 'unknown';
  /** The transaction that would be skipped. */
  skipped?: TransactionSummary;
}

/**
 * What can be done with a task and what is kept of it, beyond EngineApi: see CatalogApi for engines that do not answer
 * all of it.
 */
export interface TaskControlApi {
  /** Reads and writes nothing until resume(), keeping every position. Throws ROW-E109 (does not run, or is paused). */
  pause(id: string): Promise<void>;
  /** Throws ROW-E109 (is not paused). */
  resume(id: string): Promise<void>;
  /**
   * Runs the first statement that an item of the newest precheck of a task proposes, on the server that was checked: the
   * second call that writes to a source, after a person confirmed it. No SQL comes from the client, only the id of the
   * report and that of the item; a report lets one statement be run. Throws ROW-E117, and what the server says.
   */
  runProposal(id: string, proposal: { report: string; check: string }): Promise<StatementAnswer>;
  /** In force within a second, until the task ends. Throws ROW-E109 (does not run), ROW-T104 (not a valid value). */
  tune(id: string, tuning: Tuning): Promise<void>;
  /** What a changed selection would do to the running task; nothing is changed. Throws ROW-E109 (does not run). */
  planChanges(task: ResolvedTask): Promise<ChangePlan>;
  /**
   * Carries it out, after the precheck of the task as it is now; the other tables go on. Returns when the changed
   * tables have begun. Throws ROW-E109, ROW-E102 (precheck), ROW-T106 (cannot be carried out).
   */
  applyChanges(task: ResolvedTask): Promise<ChangePlan>;
  /** Finds a position and says what going on from there means; changes nothing. Throws ROW-S104 and the like. */
  planPosition(task: ResolvedTask, chosen: NamedPosition): Promise<PositionChange>;
  /** The task goes on from there at its next start. Throws ROW-E112 while it runs, ROW-E109 before its first run. */
  setPosition(id: string, position: SourcePosition): Promise<void>;
  /** Writes what is kept of a task into a file: positions, tables, dirty records (row values among them), no secret. */
  exportState(id: string, file: string): Promise<void>;
  /**
   * Takes it in from there. `reloaded`: tables that were loaded otherwise since it was written, which the next run loads
   * anew. Throws ROW-E112 (runs), ROW-E113 (something is kept of it, not a state file).
   */
  importState(file: string, options: { replace: boolean }): Promise<{ id: string; reloaded: string[] }>;
  /** Forgets a task and all that is kept of it; the destination stays. Throws ROW-E112 while it runs, ROW-E109. */
  forget(id: string): Promise<void>;
  history(id: string, sinceMs: number): Promise<HistoryPoint[]>;
  /** The newest whole comparison of this task since the engine began; null when there is none. Holds row values. */
  lastVerify(id: string): Promise<LastVerify | null>;
  /**
   * Ends the comparison of this task that the client gave this name, or all that it asked for; their callers get ROW-E111.
   * Those of other clients go on. Nothing to do when there is none.
   */
  cancelVerify(id: string, call?: string): Promise<void>;
  /**
   * Loads one table (`database.table`), or all of them, anew and deletes rows that the source no longer has: at once
   * when the task runs, else when it is started next. `remake`: its destination table is deleted and made anew, by the
   * key that it has now. Returns which ones.
   */
  reload(id: string, table?: string, remake?: boolean): Promise<string[]>;
  /**
   * Forgets the checkpoint of a task that does not run, or one of its tables: the next run loads what was forgotten
   * from the beginning, and sweeps. Throws ROW-E112 while it runs, ROW-E109.
   */
  reset(id: string, table?: string): Promise<void>;
  dirtyRecords(id: string, filter: DirtyFilter, page: { offset: number; limit: number }): Promise<DirtyPage>;
  /**
   * Reads the rows again as they are now and writes them by the task's mapping as given, by the running task's writer
   * when it runs. A record that fails again says why; a blocked task goes on when none is left undecided. Number of
   * records that are over: their rows were written, or are gone. Throws ROW-E111 when it was cancelled; what was written stays written.
   */
  retryDirty(task: ResolvedTask, filter: DirtyFilter): Promise<number>;
  /** Ends the retries of this task; their callers get ROW-E111. Nothing to do when there is none. */
  cancelRetry(id: string): Promise<void>;
  /** Leaves the records' rows unwritten and keeps the records; a blocked task goes on. Number skipped. */
  skipDirty(id: string, filter: DirtyFilter): Promise<number>;
  /** Leaves the records' rows unwritten for good; a blocked task goes on. Number discarded. */
  discardDirty(id: string, filter: DirtyFilter): Promise<number>;
}
