import type { CheckResult, CheckStatus } from '../../src/shared/check-report.js';

export interface Group {
  status: CheckStatus;
  results: CheckResult[];
}

/** By status, the worst first; accepted warnings after those that are not. Empty groups are left out. */
export function grouped(results: readonly CheckResult[]): Group[] {
  const order: CheckStatus[] = ['fail', 'warning', 'information', 'pass', 'skipped'];
  return order
    .map((status) => ({
      status,
      results: results
        .filter((result) => result.status === status)
        .sort((a, b) => Number(a.ignored ?? false) - Number(b.ignored ?? false)),
    }))
    .filter(({ results: found }) => found.length > 0);
}
