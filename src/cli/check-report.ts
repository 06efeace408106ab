import type { CheckReport, CheckResult } from '../shared/check-report.js';
import { retold } from '../shared/retelling.js';
import { columns, pad, wrap, type Terminal } from './terminal.js';
import { retell, t } from './words.js';

/** The precheck as a table; items that need something done follow with their details. */
export function reportLines(english: CheckReport, terminal: Terminal): string[] {
  const report = retold(english, retell);
  const { style } = terminal;
  const word: Record<CheckResult['status'], string> = {
    pass: style.green(t('pass')),
    warning: style.yellow(t('warning')),
    fail: style.red(t('FAIL')),
    skipped: style.dim(t('skipped')),
    information: style.cyan(t('info')),
  };
  const rows = report.results.map((r) => [
    r.ignored ? style.dim(t('ignored')) : word[r.status],
    r.id,
    r.title,
    r.status === 'pass' ? style.dim(r.actual) : '',
  ]);
  const lines = columns([['', style.bold(t('Id')), style.bold(t('Check')), ''], ...rows]).map((line) =>
    line.trimEnd(),
  );
  const room = Math.min(terminal.width, 110) - 12;
  const indented = (label: string, text: string) =>
    text === ''
      ? []
      : text
          .split('\n')
          .flatMap((part) => wrap(part, room))
          .map((line, i) => `  ${pad(i === 0 ? label : '', 9)} ${line}`);
  for (const result of report.results) {
    if (result.status === 'pass' || result.status === 'skipped') continue;
    lines.push(
      '',
      `${word[result.status]} ${style.bold(result.title)} ${style.dim(`(${result.id}${result.ignored ? t(', accepted') : ''})`)}`,
      ...indented(t('expected'), result.expected),
      ...indented(t('found'), result.actual),
      ...indented(t('why'), result.why),
      ...indented(t('to do'), result.fix),
      // Statements stand alone on their lines, to be copied whole.
      ...(result.sql
        ? result.sql.split('\n').map((line, i) => `  ${(i === 0 ? 'SQL' : '').padEnd(9)} ${line}`)
        : []),
    );
  }
  const rate = `${report.successRate} %`;
  lines.push(
    '',
    report.successRate === 100
      ? style.green(t('Success rate {0}: the task can start.', rate))
      : style.red(t('Success rate {0}: the task cannot start.', rate)),
  );
  return lines;
}
