import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { TableDefinition } from '../../mysql/model.js';
import { RowferryError } from '../../shared/errors.js';
import type { VerifyTable } from '../../shared/verify-report.js';
import type { ResolvedTask } from '../../shared/task.js';
import { readParts } from '../online-change/parts.js';
import { sourceName } from '../../shared/source-name.js';
import { isSameTable, planError, planOf, planTables, selectionOf, type TablePlan } from '../mapping/plan.js';
import { selectorsOf } from '../tables/prepare.js';
import type { TaskStore } from '../state/task-store.js';
import { hasNoDestination } from '../state/own-table.js';
import { emptyTable } from './report.js';

/**
 * The selected tables as they are now, mapped; and those that cannot be compared, each with its reason: without a key,
 * not mapped to anything, gone. Throws ROW-S108 when the task selects nothing at all.
 */
export async function selectedTables(
  connection: SourceConnection,
  task: ResolvedTask,
  store: Pick<TaskStore, 'tables' | 'progress'> | null,
): Promise<{ plans: TablePlan[]; unfit: VerifyTable[] }> {
  const all = await loadDefinitions(connection, selectorsOf(task));
  const records = store?.tables() ?? [];
  const { proven, maybe } = await readParts(connection, task, all, store?.progress()?.leftOut);
  const isKnown = (table: TableDefinition) => records.some(({ source }) => source === sourceName(table));
  // One that may be part of a schema change, and is not replicated (yet), is no difference.
  const absent = [...proven, ...(records.length > 0 ? maybe.filter((table) => !isKnown(table)) : [])];
  const present = all.filter((table) => !absent.some((part) => isSameTable(part, table)));
  const unfit = new Map<string, VerifyTable>();
  for (const record of records.filter(hasNoDestination)) {
    const { source, destination, problem } = record;
    if (present.some((table) => sourceName(table) === source))
      unfit.set(source, { ...emptyTable(source, destination), problem: problem! });
  }
  const tables = present.filter((table) => !unfit.has(sourceName(table)));
  const { plans, problems } = planTables(task, tables);
  for (const problem of problems) {
    if (unfit.has(problem.source)) continue;
    const destination = records.find(({ source }) => source === problem.source)?.destination ?? '';
    unfit.set(problem.source, {
      ...emptyTable(problem.source, destination),
      problem: planError([problem]).toPlain(),
    });
  }
  const found = new Set([...plans.map(({ source }) => source), ...unfit.keys()]);
  for (const { source, destination, definition, problem } of records) {
    if (found.has(source) || !selectionOf(task, definition)) continue;
    unfit.set(source, { ...emptyTable(source, destination), problem: problem ?? gone(source).toPlain() });
  }
  if (found.size + unfit.size === 0)
    throw new RowferryError('ROW-S108', 'The task selects no existing table.');
  return { plans: plans.filter(({ source }) => !unfit.has(source)), unfit: [...unfit.values()] };
}

/** The plan of a table by its definition as it is now. Throws ROW-S108 when it is gone, and what planOf() throws. */
export async function plannedAnew(
  connection: SourceConnection,
  task: ResolvedTask,
  { definition: { database, name }, source }: TablePlan,
): Promise<TablePlan> {
  const [definition] = await loadDefinitions(connection, [{ database, table: name }]);
  if (!definition) throw gone(source);
  return planOf(task, definition);
}

const gone = (source: string) => new RowferryError('ROW-S108', `${source} no longer exists at the source.`);
