import type { TableProgress, TaskSnapshot } from './snapshot.js';

/** Tables of the task that are not kept up to date, each with its reason; the others go on without them. */
export function stoppedTables({ tables }: Pick<TaskSnapshot, 'tables'>): TableProgress[] {
  return tables.filter((table) => table.phase === 'stopped' || table.problem !== undefined);
}
