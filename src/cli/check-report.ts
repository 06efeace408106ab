import type { CheckReport, CheckResult } from '../shared/check-report.js';
import { columns, wrap, type Terminal } from './terminal.js';

/** The precheck as a table; items that need something done follow with their details. */
export function reportLines(report: CheckReport, terminal: Terminal): string[] {
  const { style } = terminal;
  const word: Record<CheckResult['status'], string> = {
    pass: style.green('pass'),
    warning: style.yellow('warning'),
    fail: style.red('FAIL'),
    skipped: style.dim('skipped'),
    information: style.cyan('info'),
  };
  const rows = report.results.map((r) => [
    r.ignored ? style.dim('ignored') : word[r.status],
    r.id,
    r.title,
    r.status === 'pass' ? style.dim(r.actual) : '',
  ]);
  const lines = columns([['', style.bold('Id'), style.bold('Check'), ''], ...rows]).map((line) =>
    line.trimEnd(),
  );
  const room = Math.min(terminal.width, 110) - 12;
  const indented = (label: string, text: string) =>
    text === ''
      ? []
      : text
          .split('\n')
          .flatMap((part) => wrap(part, room))
          .map((line, i) => `  ${(i === 0 ? label : '').padEnd(9)} ${line}`);
  for (const result of report.results) {
    if (result.status === 'pass' || result.status === 'skipped') continue;
    lines.push(
      '',
      `${word[result.status]} ${style.bold(result.title)} ${style.dim(`(${result.id}${result.ignored ? ', accepted' : ''})`)}`,
      ...indented('expected', result.expected),
      ...indented('found', result.actual),
      ...indented('why', result.why),
      ...indented('to do', result.fix),
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
      ? style.green(`Success rate ${rate}: the task can start.`)
      : style.red(`Success rate ${rate}: the task cannot start.`),
  );
  return lines;
}
