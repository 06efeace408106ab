import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { ResolvedTask } from '../../shared/task.js';
import { planTables, type TablePlan } from '../plan.js';
import { planError } from '../prepare.js';

/** The selected tables as they are now, mapped. Throws RowferryError when one cannot be. */
export async function selectedPlans(connection: SourceConnection, task: ResolvedTask): Promise<TablePlan[]> {
  const selectors = task.objects.flatMap((object) =>
    object.tables
      ? object.tables.map((table) => ({ database: object.database, table: table.name }))
      : [{ database: object.database }],
  );
  const { plans, problems } = planTables(task, await loadDefinitions(connection, selectors));
  if (problems.length > 0) throw planError(problems);
  return plans;
}
