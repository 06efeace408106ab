import { loadTables } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import { keyType, type KeyType } from '../../mysql/types/index.js';
import type { ResolvedTask, TableMapping } from '../../shared/task.js';
import { withoutParts } from '../online-change/parts.js';
import type { ToolTable } from '../online-change/traces.js';
import {
  columnMapping,
  columnName,
  defaultKey,
  mergeColumn,
  selectionOf,
  tableName,
} from '../mapping/plan.js';

/**
 * What a table would become, as far as that can be said: unlike a plan it is also made of a table that has a
 * problem, because each problem is the business of one check.
 */
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
  leftOut: readonly ToolTable[] = [],
): Promise<TableDefinition[]> {
  const selectors = task.objects.flatMap((o) =>
    o.tables ? o.tables.map((t) => ({ database: o.database, table: t.name })) : [{ database: o.database }],
  );
  const all = await loadTables(connection, selectors);
  const { tables } = await withoutParts(connection, task, all, leftOut);
  return tables.filter((table) => selectionOf(task, table) !== null);
}

/** What the task says of a table; undefined for one of a whole database. */
export function mappingOf(task: ResolvedTask, table: TableDefinition): TableMapping | undefined {
  return selectionOf(task, table)?.mapping;
}

/** Tables without any key are left out. */
export function plannedTables(tables: readonly TableDefinition[], task: ResolvedTask): PlannedTable[] {
  return tables.flatMap((table) => {
    const mapping = mappingOf(task, table);
    const keyColumns = mapping?.primaryKey ?? defaultKey(table);
    if (!keyColumns) return [];
    const ofColumn = (c: Column) => columnMapping(mapping, c);
    const name = (c: Column) => ofColumn(c)?.rename ?? columnName(c.name, mapping, task);
    const keyed = keyColumns.flatMap(
      (wanted) => table.columns.find((c) => c.name.toLowerCase() === wanted.toLowerCase()) ?? [],
    );
    const keys = keyed.map((c) => ({
      name: name(c),
      type: keyType(c, ofColumn(c)?.type) ?? ('STRING' as const),
    }));
    return [
      {
        table,
        destination: tableName(table.name, mapping, task),
        keyColumns: keyed.map((c) => c.name),
        keys: task.merge ? [...keys, { name: mergeColumn, type: 'STRING' as const }] : keys,
        attributes: table.columns.filter((c) => !ofColumn(c)?.exclude && !keyed.includes(c)).map(name),
      },
    ];
  });
}

/** Why a column cannot be part of a Tablestore key; null when it can. */
export function keyProblem(column: Column): string | null {
  if (keyType(column) === null) return `${column.dataType.toUpperCase()} cannot be a key`;
  return column.nullable ? 'it can be NULL' : null;
}
