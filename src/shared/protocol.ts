import type { PlainError } from './errors.js';
import type { ResolvedTask } from './task.js';
import type { TaskSnapshot } from './snapshot.js';
import type { WorkbenchApi } from './workbench-api.js';

/** Goes up with every change that an older peer would misread. An older engine drains and hands over. */
export const protocolVersion = 1;

export type CheckStatus = 'pass' | 'warning' | 'fail' | 'skipped' | 'information';
export interface CheckResult {
  id: string;
  title: string;
  status: CheckStatus;
  /** The warning is accepted in ignoredChecks: counts as passed. */
  ignored?: boolean;
  expected: string;
  actual: string;
  why: string;
  fix: string;
  /** Statements that mend it, ready to copy. */
  sql?: string;
}
export interface CheckReport {
  results: CheckResult[];
  /** 0…100; information never lowers it, ignored warnings count as passed. */
  successRate: number;
}

/** One column of a row that differs, by its name in Tablestore; null: the row, or this cell of it, is not there. */
export interface VerifyCell {
  name: string;
  /** As the source's row would be written. */
  source: string | null;
  destination: string | null;
  differs: boolean;
}
export interface VerifyDifference {
  /** 'duplicate': several rows of the source have this one key, and only one of them can be at the destination. */
  kind: 'missing' | 'extra' | 'different' | 'duplicate';
  /** `name=value, …` as dirty records have it. */
  key: string;
  cells: VerifyCell[];
  /** Of a duplicate: its rows at the source, each by its own key there, `name=value, …`; the first ten. */
  rows?: string[];
}
export interface VerifyTable {
  source: string;
  destination: string;
  /** Of a quick verification: how many rows each side has. */
  counts?: { source: number; destination: number };
  /** Of a quick verification: a transformation may drop rows, so that counts which agree say nothing. */
  uncounted?: boolean;
  compared: number;
  missing: number;
  extra: number;
  different: number;
  /** Keys that several rows of the source have. */
  duplicate: number;
  suspended: number;
  kept: number;
  dirty: number;
  /** Rows of which the operation or the time of their last change decides whether a transformation dropped them. */
  notComparable: number;
  /** The first rows that differ; the counts know of all. Values of masked columns are not told. */
  differences: VerifyDifference[];
  /** Rows that were put right. */
  repaired: number;
  /** Why the table does not count as equal whatever was found: it stopped, or could not be compared (to its end). */
  problem?: PlainError;
}
export interface VerifyChoice {
  repair?: boolean;
  quick?: boolean;
  /** Waits for a side that cannot be reached, for as long as the task would; else some seconds. */
  wait?: boolean;
}
export interface VerifyReport {
  tables: VerifyTable[];
  compared: number;
  differing: number;
  repaired: number;
  /** Tables with a problem. */
  problems: number;
  /** No row differs, and no table has a problem. */
  equal: boolean;
  sourceRows: number;
  destinationRows: number;
}
export interface VerifyProgress {
  table: string;
  compared: number;
  estimatedRows: number | null;
  /** Rows of the source are looked up, rows of Tablestore are, what seemed to differ is looked at again, or put right. */
  stage: 'source' | 'destination' | 'again' | 'repair';
  /** In the stage 'repair': rows put right so far, of how many. */
  repair?: { done: number; all: number };
  /** Rows that seem to differ so far; those in flight among them will agree later. */
  suspects: number;
}

export interface ClientHello {
  protocolVersion: number;
  kind: 'cli' | 'extension';
  /** Process that asks, so that others can be told who holds a task. */
  pid: number;
}
export interface EngineHello {
  protocolVersion: number;
  pid: number;
  /** It is about to end: connect again in a moment, to the next one. */
  draining: boolean;
  /** What it answers beyond EngineApi; a client shows no control for the rest. */
  methods?: (keyof WorkbenchApi)[];
}

/** What of a table's mapping is another one than before. */
export type MappingChange = 'table' | 'filter' | 'key' | 'columns' | 'transformation';

/** What a changed selection means for a task that was running with another one. */
export interface ChangePlan {
  /** Created, loaded, and followed from then on, beside the others. */
  added: { source: string; destination: string; estimatedRows: number }[];
  /** Loaded anew, and rows that they do not give any more deleted. */
  changed: { source: string; destination: string; estimatedRows: number; what: MappingChange[] }[];
  /** Not followed any more; the destination table stays as it is. */
  removed: { source: string; destination: string }[];
  /** Tables that cannot be taken in, with the reason: they stop, each alone. */
  unfit?: { source: string; message: string }[];
  /** Keys of the file that changed as well and hold from the next start only. */
  atNextStart: string[];
  /** Tables of which these keys change what is loaded already: the next start loads them again. */
  reloadedAtNextStart?: string[];
  /** Why it cannot be carried out. */
  problems: string[];
}

export interface StartOptions {
  /** Ends the run when reached: the full load is done, or everything the source had at the start is applied. */
  until?: 'full' | 'caught-up';
  /** Go on when nobody is attached; without it what the task file says. */
  keepRunning?: boolean;
}
/** A task that an engine ran when it handed over, with what is needed to go on. Holds secrets. */
export interface HandedOverTask {
  task: ResolvedTask;
  file: string;
  options: StartOptions;
}

/**
 * What a client asks of the engine (birpc over the local socket, newline-framed JSON). hello comes first.
 * Every method throws RowferryError in plain form.
 */
export interface EngineApi {
  hello(client: ClientHello): Promise<EngineHello>;
  /** Drains: every task stops at a checkpoint, the engine ends, and the caller starts the tasks on the next one. */
  handOver(): Promise<HandedOverTask[]>;
  /**
   * Begins or goes on. A run of kind 'cli' belongs to its client: it is drained when that client is gone. Returns the
   * number of the run, by which its end is told from that of an earlier one.
   */
  start(task: ResolvedTask, file: string, options: StartOptions): Promise<number>;
  /** Drains and saves the checkpoint; returns when that is done. */
  stop(id: string): Promise<void>;
  check(task: ResolvedTask): Promise<CheckReport>;
  /** The newest report: of a check that was asked for, or of one that let the task start or kept it from it. */
  lastCheck(id: string): Promise<CheckReport | null>;
  /** `quick`: only counts rows, and repairs nothing. */
  verify(task: ResolvedTask, options: VerifyChoice): Promise<VerifyReport>;
  snapshots(): Promise<TaskSnapshot[]>;
  /** Versions, settings, checks, states and the last of the log, as JSON without secrets and row values. */
  bundle(task: ResolvedTask): Promise<Record<string, unknown>>;
  shutdown(): Promise<void>;
}
/** What the engine tells its clients; nothing is answered. */
export interface ClientApi {
  /** Every task that the store knows, once a second. */
  snapshot(tasks: TaskSnapshot[]): void;
  verifyProgress(id: string, progress: VerifyProgress): void;
  log(level: LogLevel, text: string): void;
  /** A run came to its end: its goal was reached, it was stopped, or it failed. */
  ended(id: string, outcome: RunOutcome, run: number): void;
  /** An incident began, or is over. */
  alert(alert: Alert): void;
  /** The Local Tablestore runs now, or runs no more. */
  localTablestore(runs: boolean): void;
  /** The engine ends in good order; a connection that closes without it means a crash. */
  closing(): void;
}
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export interface RunOutcome {
  state: TaskSnapshot['state'];
  /** Of a run that was to end somewhere: it got there. */
  reached?: boolean;
  error?: PlainError;
}

/** Something that people want to be woken for; told once when it begins and once when it is over. */
export interface Alert {
  kind: 'failed' | 'blocked' | 'latency' | 'difference' | 'stopped-table';
  /** Of a stopped table, which one; `error` has reason and remedy. Each stop is an incident of its own. */
  table?: { source: string; destination: string };
  state: 'open' | 'over';
  task: { id: string; name: string };
  atMs: number;
  /** With state "over": when it began. */
  openedMs?: number;
  message: string;
  error?: PlainError;
  latencyMs: number | null;
}
