import type { Alert } from './alert.js';
import type { CatalogApi } from './catalog-api.js';
import type { CheckReport } from './check-report.js';
import type { PlainError } from './errors.js';
import type { TaskSnapshot } from './snapshot.js';
import type { RetryProgress, TaskControlApi } from './task-control-api.js';
import type { ResolvedTask } from './task.js';
import type { VerifyChoice, VerifyProgress, VerifyReport } from './verify-report.js';

/** Goes up with every change that an older peer would misread. An older engine drains and hands over. */
export const protocolVersion = 2;

/** What an engine may answer beyond EngineApi; it says in its hello what it does. */
export type OptionalApi = CatalogApi & TaskControlApi;

export interface ClientHello {
  protocolVersion: number;
  kind: 'cli' | 'extension';
  /** Process that asks, so that others can be told who holds a task. */
  pid: number;
  /** What the engine has to answer with its key. */
  challenge: string;
}

export interface EngineHello {
  protocolVersion: number;
  pid: number;
  /** The answer to the challenge; missing before version 2. */
  proof?: string;
  /** It is about to end: connect again in a moment, to the next one. */
  draining: boolean;
  /** What it answers of them; a client shows no control for the rest. */
  methods?: (keyof OptionalApi)[];
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
  /**
   * Drains and saves the checkpoint; returns when that is done. A task that waits, for a decision or its secrets, waits no
   * more. One that has ended already stays as it is. Throws ROW-E109 when there is no such task.
   */
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
  retryProgress(id: string, progress: RetryProgress): void;
  /** `task`: id of the one that it is about. */
  log(level: LogLevel, text: string, task?: string): void;
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
