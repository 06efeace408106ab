import type { VerifyProgress, VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { flag, taskArgument, usageError, type Command } from '../command.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { bar } from '../progress.js';
import { columns, type Style, type Terminal } from '../terminal.js';

export const verify: Command = {
  name: 'verify',
  summary: 'compare source and destination row by row',
  usage: 'TASK [--repair | --quick] [--wait] [--json] [--trust-file] [--state DIR]',
  help: [
    'Reads every row of the source and looks it up in Tablestore, then reads every row of Tablestore and looks it up in the source. Rows that change meanwhile are checked again before they count as different.',
    '--quick compares only the row counts: it does not detect different rows.',
    'Rows kept by "conflict": "ignore", known dirty records and values that cannot be compared are counted separately. Rows of the source that share a key are duplicates: the destination can hold only one of them. A table that has stopped or cannot be compared is reported with the reason, and the comparison continues with the others. Exits with 0 when equal, 1 when rows differ or a table has a problem.',
  ],
  options: {
    repair: { type: 'boolean' },
    quick: { type: 'boolean' },
    wait: { type: 'boolean' },
    ...trustOptions,
    ...stateOption,
    ...jsonOption,
  },
  optionHelp: {
    '--repair': 'write missing and different rows, and delete rows that the source does not have',
    '--quick': 'only count the rows on both sides',
    '--wait':
      'wait for an unreachable side as long as the task would (retry.connectionMinutes) instead of a few seconds',
    '--json': 'print progress and report as JSON, one object per line',
    ...trustHelp,
    ...stateHelp,
  },
  examples: ['rowferry verify orders.rowferry.json', 'rowferry verify orders.rowferry.json --repair'],
  async run(context, values, positionals) {
    const { terminal } = context;
    const { task } = await trustedTask(context, values, taskArgument('verify', positionals));
    const json = flag(values, 'json');
    const quick = flag(values, 'quick');
    if (quick && flag(values, 'repair'))
      throw usageError('--quick only counts rows, so --repair has nothing to repair.', 'verify');
    const seen = new Map<string, VerifyProgress>();
    const progressed = (id: string, progress: VerifyProgress) => {
      if (id !== task.id) return;
      seen.set(progress.table, progress);
      if (json) terminal.print(JSON.stringify({ type: 'progress', ...progress }));
      else terminal.draw(progressLines([...seen.values()], terminal));
    };
    const report = await withEngine(context, values, { verifyProgress: progressed }, (engine) =>
      engine.api.verify(task, { repair: flag(values, 'repair'), quick, wait: flag(values, 'wait') }),
    );
    terminal.draw([]);
    terminal.settle();
    if (json) terminal.print(JSON.stringify({ type: 'verify', ...report }));
    else for (const line of (quick ? countLines : reportLines)(report, terminal)) terminal.print(line);
    return report.equal ? 0 : 1;
  },
};

/** Rows named under the table; --json has more, with their cells. */
const shownDifferences = 10;

function progressLines(tables: readonly VerifyProgress[], terminal: Terminal): string[] {
  const shown = tables.slice(-(terminal.height - 2));
  const width = Math.max(...shown.map((t) => t.table.length));
  return shown.map((t) => {
    if (t.repair) {
      const { done, all } = t.repair;
      return `${t.table.padEnd(width)} ${bar(done / all, 20, terminal.style)} ${count(done)} of ${count(all)} rows repaired`;
    }
    const share = t.estimatedRows ? Math.min(1, t.compared / t.estimatedRows) : null;
    return `${t.table.padEnd(width)} ${bar(share, 20, terminal.style)} ${count(t.compared)} rows compared`;
  });
}

function reportLines(report: VerifyReport, terminal: Terminal): string[] {
  const { style } = terminal;
  const head = [
    'Source',
    'Destination',
    'Compared',
    'Missing',
    'Extra',
    'Different',
    'Duplicate',
    'Excluded',
  ].map(style.bold);
  const rows = report.tables.map((t) => [
    t.source,
    t.destination,
    count(t.compared),
    figure(t.missing, style.red),
    figure(t.extra, style.red),
    figure(t.different, style.red),
    figure(t.duplicate, style.red),
    count(t.suspended + t.kept + t.dirty + t.notComparable),
  ]);
  const lines = columns([head, ...rows], [2, 3, 4, 5, 6, 7]);
  for (const table of report.tables) {
    for (const { kind, key, rows } of table.differences.slice(0, shownDifferences)) {
      const several = rows ? `: source rows ${rows.map((row) => `(${row})`).join(', ')}` : '';
      lines.push(style.dim(`  ${table.source}: ${kind}: ${key}${several}`));
    }
  }
  for (const { source, notComparable } of report.tables) {
    if (notComparable === 0) continue;
    lines.push(
      style.yellow(
        `  ${source}: ${count(notComparable)} ${notComparable === 1 ? 'row' : 'rows'} could not be judged: whether the transformation drops them depends on the operation or time of their last change.`,
      ),
    );
  }
  lines.push(...problemLines(report, style));
  const sums = [
    `${count(report.sourceRows)} rows in source`,
    `${count(report.destinationRows)} rows in destination`,
    `${count(report.differing)} differing`,
    ...(report.repaired > 0 ? [`${count(report.repaired)} repaired`] : []),
    ...(report.problems > 0 ? [`${count(report.problems)} tables with problems`] : []),
  ].join(', ');
  lines.push('', report.equal ? style.green(sums) : style.red(sums));
  return lines;
}

/** Tables that stopped or could not be compared, and what to do. */
function problemLines({ tables }: VerifyReport, style: Style): string[] {
  return tables.flatMap(({ source, problem }) =>
    problem ? [style.red(`  ${source}: ${problem.code} ${problem.message} ${problem.remedy}`)] : [],
  );
}

function countLines(report: VerifyReport, terminal: Terminal): string[] {
  const { style } = terminal;
  const head = ['Source', 'Destination', 'Rows in source', 'Rows in destination', ''].map(style.bold);
  const rows = report.tables.map((table) => {
    const { source, destination, counts } = table;
    const figures = [counts?.source, counts?.destination].map((one) =>
      one === undefined ? '–' : count(one),
    );
    return [source, destination, ...figures, countWords(table, style)];
  });
  return [...columns([head, ...rows], [2, 3]), ...problemLines(report, style)];
}

function countWords(
  { counts, problem, missing, extra, dirty, uncounted }: VerifyTable,
  style: Style,
): string {
  if (!counts) return style.red('not compared');
  const words =
    missing + extra > 0
      ? style.red('differ')
      : uncounted
        ? 'not comparable: the script drops rows'
        : dirty > 0
          ? `equal except for ${count(dirty)} dirty`
          : 'equal';
  return problem ? `${words}, ${style.red('with a problem')}` : words;
}

const figure = (value: number, mark: (text: string) => string) => (value === 0 ? '0' : mark(count(value)));
