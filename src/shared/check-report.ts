import type { ErrorCode } from './errors.js';
import type { TaskFix } from './task-fix.js';

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
  /** Of a side that could not be asked: why. */
  code?: ErrorCode;
  /** Statements that mend it, ready to copy. */
  sql?: string;
  /** The same one by one. Reports of earlier versions have none. */
  statements?: readonly string[];
  /** Changes of the task that mend it, each by itself. */
  fixes?: readonly TaskFix[];
  /** The setting that it is about, by its key in the file. */
  at?: string;
}

export interface CheckReport {
  results: CheckResult[];
  /** 0…100; information never lowers it, ignored warnings count as passed. */
  successRate: number;
  /** Of this report; the engine runs what its newest one proposes. Absent where it proposes nothing that can be run. */
  id?: string;
  /** The server that was asked, and as whom. */
  source?: { user: string; address: string };
}
