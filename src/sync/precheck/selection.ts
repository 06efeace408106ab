import { loadTables } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import { keyType, type KeyType } from '../../mysql/types/index.js';
import type { ResolvedTask, TableMapping } from '../../shared/task.js';

export interface PlannedTable {
  readonly table: TableDefinition;
  /** Name in Tablestore. */
  readonly destination: string;
  /** Source columns in key order. */
  readonly keyColumns: readonly string[];
  /** The key in Tablestore. */
  readonly keys: readonly { name: string; type: KeyType }[];
  /** Attribute names in Tablestore. */
  readonly attributes: readonly string[];
}

export async function selectTables(
  connection: SourceConnection,
  task: ResolvedTask,
): Promise<TableDefinition[]> {
  const selectors = task.objects.flatMap((o) =>
    o.tables ? o.tables.map((t) => ({ database: o.database, table: t.name })) : [{ database: o.database }],
  );
  const all = await loadTables(connection, selectors);
  return all.filter((table) =>
    task.objects.some(
      (o) =>
        o.database.toLowerCase() === table.database.toLowerCase() &&
        (o.tables
          ? o.tables.some((t) => t.name.toLowerCase() === table.name.toLowerCase())
          : !(o.exclude ?? []).some((glob) => matchesGlob(glob, table.name))),
    ),
  );
}

function matchesGlob(glob: string, name: string): boolean {
  const source = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 's').test(name);
}

/** What the task says of a table; undefined for one of a whole database. */
export function mappingOf(task: ResolvedTask, table: TableDefinition): TableMapping | undefined {
  return task.objects
    .filter((o) => o.database.toLowerCase() === table.database.toLowerCase())
    .flatMap((o) => o.tables ?? [])
    .find((t) => t.name.toLowerCase() === table.name.toLowerCase());
}

export function planTables(tables: readonly TableDefinition[], task: ResolvedTask): PlannedTable[] {
  return tables.flatMap((table) => {
    const mapping = mappingOf(task, table);
    const keyColumns = mapping?.primaryKey ?? defaultKey(table);
    if (!keyColumns) return [];
    const kept = table.columns.filter((c) => !mapping?.columns?.[c.name]?.exclude);
    const name = (c: Column) => columnName(c.name, mapping, task);
    const chosen = (c: Column) => mapping?.columns?.[c.name]?.type;
    const column = (wanted: string) =>
      table.columns.find((c) => c.name.toLowerCase() === wanted.toLowerCase());
    const keyed = keyColumns.flatMap((k) => column(k) ?? []);
    return [
      {
        table,
        destination: tableName(table.name, mapping, task),
        keyColumns: keyed.map((c) => c.name),
        keys: keyed.map((c) => ({ name: name(c), type: keyType(c, chosen(c)) ?? 'STRING' })),
        attributes: kept.filter((c) => !keyed.includes(c)).map(name),
      },
    ];
  });
}

function defaultKey(table: TableDefinition): readonly string[] | undefined {
  return table.keys.find(
    (key) =>
      key.unique && key.columns.every((n) => table.columns.find((c) => c.name === n)?.nullable === false),
  )?.columns;
}

function tableName(name: string, mapping: TableMapping | undefined, task: ResolvedTask): string {
  if (mapping?.rename !== undefined) return mapping.rename;
  if (task.capitalization === 'upper') return name.toUpperCase();
  return task.capitalization === 'source' ? name : name.toLowerCase();
}

function columnName(name: string, mapping: TableMapping | undefined, task: ResolvedTask): string {
  const renamed = mapping?.columns?.[name]?.rename;
  if (renamed !== undefined) return renamed;
  if (task.capitalization === 'upper') return name.toUpperCase();
  return task.capitalization === 'lower' ? name.toLowerCase() : name;
}

/** Why a column cannot be part of a Tablestore key; null when it can. */
export function keyProblem(column: Column): string | null {
  if (keyType(column) === null) return `${column.dataType.toUpperCase()} cannot be a key`;
  return column.nullable ? 'it can be NULL' : null;
}
