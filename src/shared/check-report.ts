import type { ErrorCode } from './errors.js';

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
}

export interface CheckReport {
  results: CheckResult[];
  /** 0…100; information never lowers it, ignored warnings count as passed. */
  successRate: number;
}
