import type { CheckReport, CheckResult } from '../../shared/check-report.js';
import { firstOf } from './tasks.js';

const mostListed = 15;

/** What of a precheck keeps a task from its start, and what to do about each; what passed is only counted. */
export function checkSummary({ successRate, results }: CheckReport): Record<string, unknown> {
  const open = results.filter(
    ({ status, ignored }) => status === 'fail' || (status === 'warning' && !ignored),
  );
  const { shown, more } = firstOf(open, mostListed);
  const accepted = results.filter(({ ignored }) => ignored).map(({ id }) => id);
  return {
    successRate,
    passed: results.filter(({ status }) => status === 'pass').length,
    problems: shown.map(problemOf),
    ...(more !== undefined && { moreProblems: more }),
    ...(accepted.length > 0 && { acceptedWarnings: accepted }),
  };
}

function problemOf({ id, title, status, expected, actual, fix, sql, code }: CheckResult) {
  return {
    check: id,
    severity: status === 'fail' ? 'failure' : 'warning',
    title,
    expected,
    found: actual,
    fix,
    ...(sql !== undefined && { sql }),
    ...(code !== undefined && { code }),
  };
}

export const fixProblems = [
  'Fix the failures (sql holds statements that a person may run on the source), then call precheck_task again.',
  'A warning that a person accepts goes into "ignoredChecks" of the task file, by its check; failures cannot be accepted.',
];
