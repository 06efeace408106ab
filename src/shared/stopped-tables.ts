import type { TableProgress, TaskSnapshot } from './snapshot.js';

type Tables = Pick<TaskSnapshot, 'tables'>;

export function isStopped({ phase, problem }: Pick<TableProgress, 'phase' | 'problem'>): boolean {
  return phase === 'stopped' || problem !== undefined;
}

/** Tables of the task that are not kept up to date, each with its reason; the others go on without them. */
export function stoppedTables({ tables }: Tables): TableProgress[] {
  return tables.filter(isStopped);
}

/** Nothing of the task is kept up to date: whatever its stream has read, nobody may call that caught up. */
export function isEveryTableStopped({ tables }: Tables): boolean {
  return tables.length > 0 && tables.every(isStopped);
}

/** All of them, in the order of what wants to be seen. */
export function stoppedFirst({ tables }: Tables): TableProgress[] {
  return [...stoppedTables({ tables }), ...tables.filter((table) => !isStopped(table))];
}
