import type { PlainError } from './errors.js';
import type { ResolvedTask } from './task.js';
import type { TaskSnapshot } from './snapshot.js';

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

export interface VerifyTable {
  source: string;
  destination: string;
  compared: number;
  missing: number;
  extra: number;
  different: number;
  suspended: number;
  kept: number;
  dirty: number;
  notComparable: number;
  examples: string[];
}
export interface VerifyReport {
  tables: VerifyTable[];
  compared: number;
  differing: number;
  equal: boolean;
  sourceRows: number;
  destinationRows: number;
}
export interface VerifyProgress {
  table: string;
  compared: number;
  estimatedRows: number | null;
}

/** What a client asks of the engine (birpc over the local socket, newline-framed JSON). Every method throws RowferryError in plain form. */
export interface EngineApi {
  hello(client: {
    protocolVersion: number;
    kind: 'cli' | 'extension';
  }): Promise<{ protocolVersion: number; pid: number; draining: boolean }>;
  start(task: ResolvedTask, file: string, options: { until?: 'full' | 'caught-up' }): Promise<void>;
  stop(id: string): Promise<void>;
  check(task: ResolvedTask): Promise<CheckReport>;
  verify(task: ResolvedTask, options: { repair?: boolean }): Promise<VerifyReport>;
  snapshots(): Promise<TaskSnapshot[]>;
  shutdown(): Promise<void>;
}
/** What the engine tells its clients. */
export interface ClientApi {
  snapshot(tasks: TaskSnapshot[]): void;
  verifyProgress(id: string, progress: VerifyProgress): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void;
  /** A run with `until` reached its goal, or ended. */
  ended(id: string, outcome: { state: TaskSnapshot['state']; error?: PlainError }): void;
}
