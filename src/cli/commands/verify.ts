import type { VerifyProgress, VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { flag, taskArgument, usageError, type Command } from '../command.js';
import { jsonOption, stateHelp, stateOption, withEngine } from '../engine.js';
import { count } from '../figures.js';
import { trustedTask, trustHelp, trustOptions } from '../trust.js';
import { bar } from '../progress.js';
import { columns, type Style, type Terminal } from '../terminal.js';
import { retell, t } from '../words.js';

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
  const width = Math.max(...shown.map(({ table }) => table.length));
  return shown.map(({ table, repair, compared, estimatedRows }) => {
    if (repair) {
      const { done, all } = repair;
      return `${table.padEnd(width)} ${bar(done / all, 20, terminal.style)} ${t('{0} of {1} rows repaired', count(done), count(all))}`;
    }
    const share = estimatedRows ? Math.min(1, compared / estimatedRows) : null;
    return `${table.padEnd(width)} ${bar(share, 20, terminal.style)} ${t('{0} rows compared', count(compared))}`;
  });
}

function reportLines(report: VerifyReport, terminal: Terminal): string[] {
  const { style } = terminal;
  const head = [
    t('Source'),
    t('Destination'),
    t('Compared'),
    t('Missing'),
    t('Extra'),
    t('Different'),
    t('Duplicate'),
    t('Excluded'),
  ].map(style.bold);
  const rows = report.tables.map((table) => [
    table.source,
    table.destination,
    count(table.compared),
    figure(table.missing, style.red),
    figure(table.extra, style.red),
    figure(table.different, style.red),
    figure(table.duplicate, style.red),
    count(table.suspended + table.kept + table.dirty + table.notComparable),
  ]);
  const lines = columns([head, ...rows], [2, 3, 4, 5, 6, 7]);
  for (const table of report.tables) {
    for (const { kind, key, rows } of table.differences.slice(0, shownDifferences)) {
      const several = rows ? `: ${t('source rows {0}', rows.map((row) => `(${row})`).join(', '))}` : '';
      lines.push(style.dim(`  ${table.source}: ${t(kind)}: ${key}${several}`));
    }
  }
  for (const { source, notComparable } of report.tables) {
    if (notComparable === 0) continue;
    lines.push(
      style.yellow(
        `  ${source}: ${
          notComparable === 1
            ? t(
                '1 row could not be judged: whether the transformation drops it depends on the operation or time of its last change.',
              )
            : t(
                '{0} rows could not be judged: whether the transformation drops them depends on the operation or time of their last change.',
                count(notComparable),
              )
        }`,
      ),
    );
  }
  lines.push(...problemLines(report, style));
  const sums = [
    t('{0} rows in source', count(report.sourceRows)),
    t('{0} rows in destination', count(report.destinationRows)),
    t('{0} differing', count(report.differing)),
    ...(report.repaired > 0 ? [t('{0} repaired', count(report.repaired))] : []),
    ...(report.problems > 0 ? [t('{0} tables with problems', count(report.problems))] : []),
  ].join(', ');
  lines.push('', report.equal ? style.green(sums) : style.red(sums));
  return lines;
}

/** Tables that stopped or could not be compared, and what to do. */
function problemLines({ tables }: VerifyReport, style: Style): string[] {
  return tables.flatMap(({ source, problem }) =>
    problem
      ? [style.red(`  ${source}: ${problem.code} ${retell(problem.message)} ${retell(problem.remedy)}`)]
      : [],
  );
}

function countLines(report: VerifyReport, terminal: Terminal): string[] {
  const { style } = terminal;
  const head = [t('Source'), t('Destination'), t('Rows in source'), t('Rows in destination'), ''].map(
    style.bold,
  );
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
  if (!counts) return style.red(t('not compared'));
  const words =
    missing + extra > 0
      ? style.red(t('differ'))
      : uncounted
        ? t('not comparable: the script drops rows')
        : dirty > 0
          ? t('equal except for {0} dirty', count(dirty))
          : t('equal');
  return problem ? `${words}, ${style.red(t('with a problem'))}` : words;
}

const figure = (value: number, mark: (text: string) => string) => (value === 0 ? '0' : mark(count(value)));
