import type { PlainError } from './errors.js';
import type { ChangePlan } from './change-plan.js';
import type { VerifyReport } from './verify-report.js';
import type { Tuning } from './tuning.js';
import type { SourcePosition } from './position.js';
import type { CellType, DestinationSettings, Operation, ResolvedTask, SourceSettings, Task } from './task.js';

/** A table of the source as trees, forms and completions show it. */
export interface CatalogTable {
  database: string;
  name: string;
  estimatedRows: number;
  /** Average row length in bytes from the server's statistics. */
  averageRowBytes: number;
  engine: string;
  columns: CatalogColumn[];
  keys: CatalogKey[];
}
export interface CatalogColumn {
  name: string;
  /** Full type as MySQL prints it. */
  type: string;
  /** Type word in lower case without length. */
  dataType: string;
  nullable: boolean;
  generated: boolean;
  invisible: boolean;
  /** Type in Tablestore when the task says nothing. */
  cellType: CellType;
  /** Why it cannot be part of a Tablestore key; null when it can. */
  keyProblem: string | null;
}
export interface CatalogKey {
  name: string;
  primary: boolean;
  unique: boolean;
  columns: string[];
}

/** A table of the destination. */
export interface DestinationTable {
  name: string;
  primaryKey: { name: string; type: string }[];
}
/** Values as text, binary as 0x…; null: the row has no such column. */
export interface DestinationRows {
  columns: string[];
  rows: (string | null)[][];
  /** How many of the columns make the key: the first ones. */
  keyColumns: number;
  /** Where the next page begins; null at the end. */
  next: string | null;
}

/** The first rows of a table as they would land. */
export interface PreviewTable {
  source: string;
  destination: string;
  columns: { name: string; source: string; type: CellType; key: boolean }[];
  rows: PreviewRow[];
  /** The columns of `before`; only when it was asked for. */
  sourceColumns?: string[];
}
export interface PreviewRow {
  cells: (string | null)[];
  problem?: PlainError;
  /** The row at the source, as `sourceColumns`; only when it was asked for, and then dropped rows come too. */
  before?: (string | null)[];
  /** The transformation drops it. */
  dropped?: true;
}

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

/** A small shop on the source to try things on. */
export interface SampleInfo {
  database: string;
  rows: number;
  /** False: it was there already. */
  made: boolean;
}
export interface SampleChanges {
  inserted: number;
  updated: number;
  deleted: number;
}

/** A place in the source's stream, as people name one. 'skip': behind the next transaction. */
export type Place = NonNullable<Task['startPosition']> | 'skip';

/** A transaction of the source, without its values. */
export interface TransactionSummary {
  gtid: string | null;
  commitMicros: number;
  tables: { source: string; inserted: number; updated: number; deleted: number }[];
  statements: string[];
}

/** What it would mean to go on from another place. */
export interface PlacePlan {
  now: SourcePosition | null;
  then: SourcePosition;
  /** back: changes come again, and rows may show older values for a while. forward: changes are lost. */
  direction: 'back' | 'forward' | 'same' | 'unknown';
  /** The transaction that would be skipped. */
  skipped?: TransactionSummary;
}

/**
 * What forms, trees and panels ask beyond EngineApi. An engine lists in hello().methods those that it answers; a
 * client shows no control for the others. Sources and destinations come resolved, secrets included.
 */
export interface WorkbenchApi {
  /** Connects, asks for the version, closes. Throws ROW-S1xx. */
  testSource(source: SourceSettings): Promise<{ version: string }>;
  /** Lists the tables. Throws ROW-D1xx. */
  testDestination(destination: DestinationSettings): Promise<{ tables: number }>;
  /** Databases without the server's own, by name. */
  databases(source: SourceSettings): Promise<string[]>;
  /** Tables with columns and keys, by name. */
  catalog(source: SourceSettings, database: string): Promise<CatalogTable[]>;
  /** Rows that a filter keeps; ROW-S111 with the server's words when the filter does not parse. */
  countRows(
    source: SourceSettings,
    table: { database: string; name: string; filter?: string },
  ): Promise<number>;
  /**
   * Makes the database of the sample; the one call that writes to a source, after a person confirmed it. Throws
   * ROW-T104 when a database of that name is not the sample.
   */
  makeSample(source: SourceSettings): Promise<SampleInfo>;
  /** Some inserts, updates and deletes in the sample. Throws ROW-S108 when it is not there. */
  changeSample(source: SourceSettings): Promise<SampleChanges>;
  /** How the Local Tablestore of this engine is reached, keys included; null while it does not run. */
  localTablestore(): Promise<DestinationSettings | null>;
  /**
   * Starts it unless it runs, on a port (0: any) and a folder for its data. Throws ROW-E103 (port in use), ROW-E110
   * (folder), ROW-E101 (the folder is served already). It ends with the engine.
   */
  startLocalTablestore(options: { port: number; data: string }): Promise<DestinationSettings>;
  stopLocalTablestore(): Promise<void>;
  destinationTables(destination: DestinationSettings): Promise<string[]>;
  destinationTable(destination: DestinationSettings, table: string): Promise<DestinationTable>;
  destinationRows(
    destination: DestinationSettings,
    table: string,
    /** `from`: the `next` of the page before. Else `startAt`: values of the first key columns, as text. */
    page: { limit: number; from?: string; startAt?: string[] },
  ): Promise<DestinationRows>;
  /**
   * Writes nothing. `table`: `database.table`; absent: every selected one. With 0 rows only what would be made is
   * told; `before` adds the rows of the source, dropped ones included.
   */
  preview(
    task: ResolvedTask,
    options: { table?: string; rows: number; before?: boolean },
  ): Promise<PreviewTable[]>;
  /** Reads and writes nothing until resume(), keeping every position. Throws ROW-E109 (does not run, or is paused). */
  pause(id: string): Promise<void>;
  /** Throws ROW-E109 (is not paused). */
  resume(id: string): Promise<void>;
  /** In force within a second, until the task ends. Throws ROW-E109 (does not run), ROW-T104 (not a valid value). */
  tune(id: string, tuning: Tuning): Promise<void>;
  /** What a changed selection would do to the running task; nothing is changed. Throws ROW-E109 (does not run). */
  planChanges(task: ResolvedTask): Promise<ChangePlan>;
  /**
   * Carries it out, after the precheck of the task as it is now; the other tables go on. Returns when the changed
   * tables have begun. Throws ROW-E109, ROW-E102 (precheck), ROW-T106 (cannot be carried out).
   */
  applyChanges(task: ResolvedTask): Promise<ChangePlan>;
  /** Looks where a place is and what going on from there means; nothing is changed. Throws ROW-S104 and the like. */
  planPlace(task: ResolvedTask, place: Place): Promise<PlacePlan>;
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
  /** Ends the comparisons of this task; their callers get ROW-E111. Nothing to do when there is none. */
  cancelVerify(id: string): Promise<void>;
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
   * when it runs. A record that fails again says why; a blocked task goes on when none is left undecided. Number put
   * right.
   */
  retryDirty(task: ResolvedTask, filter: DirtyFilter): Promise<number>;
  /** Leaves the records' rows unwritten and keeps the records; a blocked task goes on. Number skipped. */
  skipDirty(id: string, filter: DirtyFilter): Promise<number>;
  /** Leaves the records' rows unwritten for good; a blocked task goes on. Number discarded. */
  discardDirty(id: string, filter: DirtyFilter): Promise<number>;
}
