import type { Column, TableDefinition } from '../../mysql/model.js';
import { keyType } from '../../mysql/types/index.js';
import { keyName } from '../../shared/key-name.js';
import type { SourceTable } from '../../shared/source-name.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { TaskFix } from '../../shared/task-fix.js';
import { limits } from '../../tablestore/client/limits.js';
import { columnMapping, isSameName, keyLoss, selectionOf } from '../mapping/plan.js';
import { mappingOf } from './selection.js';

/**
 * Remedies in the task file, for checks to propose. Each is left out where it would not help: a table of a database that
 * is selected whole has no settings of its own, and a task without tables is none.
 */

/** `selected`: all tables of the task, of which some have to stay. */
export function excluding(tables: readonly SourceTable[], selected: readonly unknown[]): TaskFix[] {
  if (tables.length === 0 || tables.length >= selected.length) return [];
  return [{ do: 'exclude-tables', tables: tables.map(named) }];
}

export function retyping(
  task: ResolvedTask,
  columns: readonly { table: TableDefinition; column: string }[],
  type: Extract<TaskFix, { do: 'set-type' }>['type'],
): TaskFix[] {
  const own = columns.filter(({ table }) => isListed(task, table));
  if (own.length === 0) return [];
  return [
    { do: 'set-type', columns: own.map(({ table, column }) => ({ table: named(table), column })), type },
  ];
}

export function renamingTable(task: ResolvedTask, table: TableDefinition, to: string): TaskFix[] {
  return isListed(task, table) ? [{ do: 'rename-table', table: named(table), to }] : [];
}

export function renamingColumn(
  task: ResolvedTask,
  table: TableDefinition,
  column: string,
  to: string,
): TaskFix[] {
  return isListed(task, table) ? [{ do: 'rename-column', table: named(table), column, to }] : [];
}

/** The first unique key of the table that Tablestore can have, if there is one without those columns. */
export function choosingKey(
  task: ResolvedTask,
  table: TableDefinition,
  without: readonly string[],
): TaskFix[] {
  if (!isListed(task, table)) return [];
  const most = task.merge ? limits.keyColumns - 1 : limits.keyColumns;
  const fits = (name: string) => {
    const column = table.columns.find((one) => one.name === name);
    return column !== undefined && canBeKey(task, table, column);
  };
  const key = table.keys
    .filter(({ unique, columns }) => unique && columns.length <= most && columns.every(fits))
    .find(({ columns }) => !columns.some((name) => without.includes(name)));
  return key ? [{ do: 'choose-key', table: named(table), columns: [...key.columns] }] : [];
}

function canBeKey(task: ResolvedTask, table: TableDefinition, column: Column): boolean {
  const mapping = columnMapping(mappingOf(task, table), column);
  const type = keyType(column, mapping?.type);
  if (type === null || column.nullable || mapping?.exclude || column.volatile === 'virtual') return false;
  return keyLoss(column, type, mapping?.unit) === null;
}

/** The key in the file of what it says of a table; of its database, where that is selected whole. */
export function placeOf(task: ResolvedTask, table: SourceTable, setting: readonly string[] = []): string {
  const isOf = (object: ResolvedTask['objects'][number]) =>
    isSameName(object.database, table.database, false);
  const listed = task.objects.findIndex(
    (object) => isOf(object) && object.tables?.some(({ name }) => isSameName(name, table.name, false)),
  );
  if (listed < 0) {
    const whole = task.objects.findIndex(isOf);
    return whole < 0 ? 'objects' : keyName(['objects', whole]);
  }
  const at = task.objects[listed]!.tables!.findIndex(({ name }) => isSameName(name, table.name, false));
  return keyName(['objects', listed, 'tables', at, ...setting]);
}

function isListed(task: ResolvedTask, table: TableDefinition): boolean {
  return selectionOf(task, table)?.isWhole === false;
}

const named = ({ database, name }: SourceTable): SourceTable => ({ database, name });
