import type { PlainError } from './errors.js';
import type { SourcePosition } from './position.js';
import type { WholeTuning } from './tuning.js';

/** State of a task: what it does or waits for. `blocked` waits for a person (dirty data), `failed` for Start. */
export const taskStates = [
  'stopped',
  'starting',
  'running',
  'retrying',
  'paused',
  'blocked',
  'stopping',
  'failed',
  'completed',
  'waiting-for-credentials',
] as const;
export type TaskState = (typeof taskStates)[number];
export type Phase = 'none' | 'precheck' | 'schema' | 'full' | 'incremental' | 'verify';

export interface TableProgress {
  /** `database.table` at the source. */
  source: string;
  /** Table name in Tablestore. */
  destination: string;
  phase: 'waiting' | 'schema' | 'full' | 'incremental' | 'stopped' | 'done';
  /** Rows written in the full load. */
  rows: number;
  /** Rows that were at the destination and stay as they are (conflict "ignore"); absent when there are none. */
  kept?: number;
  /** Rows of the full load that the transformation dropped; absent when there are none. */
  dropped?: number;
  /** Rows that could not be written, and wait or were passed over; absent when there are none. */
  dirty?: number;
  /** Rows expected, from the source's statistics; null while unknown. */
  estimatedRows: number | null;
  /** Rows of the incremental, by operation. */
  changes?: { inserted: number; updated: number; deleted: number };
  /** Why this table alone stopped, if it did. */
  problem?: PlainError;
  /** How far its audit is; absent when the task has none. */
  audit?: TableAudit;
}

/** Tools that change a table online, by a copy of it. */
export type OnlineTool = 'gh-ost' | 'pt-online-schema-change' | 'Spirit';

/** A table of a whole database that is not replicated, because it is part of an online schema change. */
export interface LeftOutTable {
  /** `database.table` */
  source: string;
  /** What becomes the table, the tool's notes, what was replaced; `open`: whether it is part of one will show. */
  as: 'copy' | 'notes' | 'old' | 'open';
  tool?: OnlineTool;
  /** The table that is changed, `database.table`. */
  of?: string;
}

/** Why the audit does not read just now. */
export type AuditWait = 'starting' | 'load' | 'lag' | 'pause' | 'retry';

/** The last complete pass, source and destination. */
export interface AuditPassView {
  finishedMs: number;
  tookMs: number;
  rows: number;
}

/** The audit of one table. */
export interface TableAudit {
  /** Rows compared, in all passes. */
  rows: number;
  /** Rows compared in the pass under way. */
  passRows: number;
  pass: AuditPassView | null;
  /** Rows that differ now. */
  differences: number;
  repaired: number;
  /** The first of them. `rows`: of a duplicate, its rows at the source. */
  first: {
    kind: 'missing' | 'extra' | 'different' | 'duplicate';
    key: string;
    rows?: string[];
    sinceMs: number;
  }[];
  /** Why it could not be audited when its turn came. */
  problem?: PlainError;
}

/** The audit of a task: sums over its tables. */
export interface AuditView {
  rowsPerSecond: number;
  repair: boolean;
  waits: AuditWait | null;
  rows: number;
  differences: number;
  repaired: number;
  /** Null until every table has had one: the oldest of the tables' ends, and what their passes took together. */
  lastPass: AuditPassView | null;
  /** When a difference was found last. */
  lastFoundMs: number | null;
}

export interface ThrottleInForce {
  rowsPerSecond: number | null;
  megabytesPerSecond: number | null;
  /** Full load only: queries on the source. */
  queriesPerSecond?: number | null;
}

/** Why the full load does not ask the source just now: threads, or seconds of lag, above the limit that was set. */
export interface SourceStrain {
  readonly what: 'threads-running' | 'replica-lag';
  readonly actual: number;
  readonly limit: number;
}

/**
 * Everything there is to see of a task, once a second: the same object for tree, panels, `status` and `--json`.
 * Rates are over the last seconds; latencyMs is 0 when caught up and null while unknown, or
 * when every table has stopped.
 */
export interface TaskSnapshot {
  id: string;
  name: string;
  /** Absolute path of the task file. */
  file: string;
  state: TaskState;
  phase: Phase;
  tables: TableProgress[];
  /** Absent before the task has looked for them. */
  leftOut?: LeftOutTable[];
  /** Rows written by the loads of the tables as they are now, and by the incremental since the task was first started. */
  rows: { full: number; inserted: number; updated: number; deleted: number };
  rowsPerSecond: number;
  bytesPerSecond: number;
  latencyMs: number | null;
  /** Transactions that the source had when last asked and that are not applied; null while unknown or without GTIDs. */
  lagTransactions?: number | null;
  /** Limits that hold in the present phase, null for none; absent when nothing is limited. */
  throttle?: ThrottleInForce;
  position: SourcePosition | null;
  /** Incremental has applied everything the source had when last asked; false when every table has stopped. */
  caughtUp: boolean;
  dirty: number;
  retry?: { error: PlainError; attempt: number; untilMs: number };
  error?: PlainError;
  /** Throttle, write settings and class in force; absent while it does not run. */
  tuning?: WholeTuning;
  /** Marks of the settings that it runs with, by their keys in the file (settings-digest.ts); absent while it does not run. */
  settings?: Record<string, string>;
  /** What the audit has come to; absent when the task has none. */
  audit?: AuditView;
  /** The full load waits because the source is under strain. */
  strain?: SourceStrain;
  /** Resident memory of the engine, bytes. */
  engineRss: number;
  atMs: number;
}

/** What the engine knows of a task file: by the id in it, else by the path that it was started from. */
export function snapshotOf(
  snapshots: Iterable<TaskSnapshot>,
  id: string | undefined,
  file: string,
): TaskSnapshot | undefined {
  const all = [...snapshots];
  return all.find((snapshot) => snapshot.id === id) ?? all.find((snapshot) => snapshot.file === file);
}
