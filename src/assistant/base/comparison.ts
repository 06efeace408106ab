import type { VerifyChoice, VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { RowferryError } from '../../shared/errors.js';
import { maskError } from './mask.js';
import { firstOf } from './tasks.js';
import type { Call, KnownTask, ToolHost } from './tool.js';

const mostTables = 20;
/** Each comparison has a name of its own: giving one up ends no other, those of the person least of all. */
let calls = 0;

/**
 * Compares both sides, and repairs what differs when asked to. A call that is given up ends the comparison, or never
 * begins it: ROW-E111.
 */
export async function compare(
  host: ToolHost,
  task: KnownTask,
  choice: VerifyChoice,
  { signal, progress }: Call,
): Promise<VerifyReport> {
  const resolved = await host.resolve(task);
  const engine = await host.engine();
  const quiet = host.onVerifyProgress(resolved.id, ({ table, compared, estimatedRows, repair }) =>
    progress(
      repair?.done ?? compared,
      repair?.all ?? estimatedRows,
      `${table}: ${repair ? `${repair.done} of ${repair.all} rows repaired` : `${compared} rows compared`}`,
    ),
  );
  const call = `assistant-${++calls}`;
  const cancel = () => void engine.cancelVerify(resolved.id, call).catch(() => {});
  try {
    if (signal.aborted) throw new RowferryError('ROW-E111', 'The comparison was given up before it began.');
    signal.addEventListener('abort', cancel);
    return await engine.verify(resolved, { ...choice, call });
  } finally {
    signal.removeEventListener('abort', cancel);
    quiet();
  }
}

/** A report without keys and values: how many rows of which table differ, and in which columns. */
export function comparisonData(report: VerifyReport): Record<string, unknown> {
  const { equal, compared, differing, repaired, sourceRows, destinationRows } = report;
  const unequal = report.tables.filter(
    ({ missing, extra, different, duplicate, problem }) =>
      missing + extra + different + duplicate > 0 || problem !== undefined,
  );
  const { shown, more } = firstOf(unequal, mostTables);
  return {
    equal,
    tables: report.tables.length,
    compared,
    sourceRows,
    destinationRows,
    differing,
    ...(repaired > 0 && { repaired }),
    ...(shown.length > 0 && { unequalTables: shown.map(tableData) }),
    ...(more !== undefined && { moreUnequalTables: more }),
  };
}

function tableData(table: VerifyTable) {
  const { source, destination, missing, extra, different, duplicate, dirty, repaired, counts, problem } =
    table;
  const columns: Record<string, number> = {};
  for (const { kind, cells } of table.differences) {
    if (kind !== 'different') continue;
    for (const { name, differs } of cells) if (differs) columns[name] = (columns[name] ?? 0) + 1;
  }
  const figures = { missing, extra, different, duplicate, dirty, repaired };
  return {
    table: source,
    destination,
    ...(counts && { counts }),
    ...Object.fromEntries(Object.entries(figures).filter(([, count]) => count > 0)),
    ...(Object.keys(columns).length > 0 && { columnsThatDiffer: columns }),
    ...(problem && { problem: maskError(problem) }),
  };
}
