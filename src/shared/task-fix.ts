import { keyName } from './key-name.js';
import type { TaskEdit } from './task-edits.js';
import { sourceName, type SourceTable } from './source-name.js';
import {
  allTables,
  excludedBy,
  removeTables,
  selection,
  valueAt,
  type SelectedTable,
} from './task-document.js';
import type { CellType } from './cell-types.js';
import type { Translate } from './format.js';

/** A column of the source. */
export interface SourceColumn {
  readonly table: SourceTable;
  readonly column: string;
}

/**
 * A remedy that is a change of the task file. It is data: a precheck proposes it, a page shows it as a button, and it
 * says what it is about by names, because the file may have other lines by the time somebody presses the button.
 */
export type TaskFix =
  | { readonly do: 'exclude-tables'; readonly tables: readonly SourceTable[] }
  | { readonly do: 'exclude-columns'; readonly columns: readonly SourceColumn[] }
  | { readonly do: 'rename-table'; readonly table: SourceTable; readonly to: string }
  | ({ readonly do: 'rename-column'; readonly to: string } & SourceColumn)
  | { readonly do: 'choose-key'; readonly table: SourceTable; readonly columns: readonly string[] }
  /** null: the type that the column has by itself. */
  | { readonly do: 'set-type'; readonly columns: readonly SourceColumn[]; readonly type: CellType | null }
  | { readonly do: 'skip-dirty-rows' }
  /** Without a value: the setting goes, and its default holds. */
  | { readonly do: 'set'; readonly path: TaskEdit['path']; readonly value?: TaskEdit['value'] };

/** The edits that make it so in the file as it stands. Empty: the file says so already, or no more what it is about. */
export function fixEdits(document: unknown, fix: TaskFix): TaskEdit[] {
  switch (fix.do) {
    case 'exclude-tables':
      return withoutTables(document, fix.tables);
    case 'exclude-columns':
      return ofColumns(document, fix.columns, () => ({ exclude: true }));
    case 'rename-table':
      return ofTable(document, fix.table, 'rename', fix.to);
    case 'rename-column':
      return ofColumns(document, [fix], (now) => ({ ...now, rename: fix.to }));
    case 'choose-key':
      return ofTable(document, fix.table, 'primaryKey', [...fix.columns]);
    case 'set-type':
      return ofColumns(document, fix.columns, ({ type: _, unit: __, ...now }) =>
        fix.type === null ? now : { ...now, type: fix.type },
      );
    case 'skip-dirty-rows': {
      const now = valueAt(document, ['dirtyData']);
      const isDetailed = typeof now === 'object' && now !== null;
      return set(document, isDetailed ? ['dirtyData', 'policy'] : ['dirtyData'], 'skip');
    }
    case 'set':
      return set(document, fix.path, fix.value);
  }
}

/** What the button says. `labelOf`: what people call a setting, by its key in the file. */
export function fixLabel(fix: TaskFix, t: Translate, labelOf: (key: string) => string): string {
  const columnName = ({ table, column }: SourceColumn) => `${sourceName(table)}.${column}`;
  switch (fix.do) {
    case 'exclude-tables': {
      const [first, ...more] = fix.tables;
      return first && more.length === 0
        ? t('Exclude {0}', sourceName(first))
        : t('Exclude {0} Tables', fix.tables.length);
    }
    case 'exclude-columns': {
      const [first, ...more] = fix.columns;
      return first && more.length === 0
        ? t('Exclude {0}', columnName(first))
        : t('Exclude {0} Columns', fix.columns.length);
    }
    case 'rename-table':
      return t('Rename {0} to {1}', sourceName(fix.table), fix.to);
    case 'rename-column':
      return t('Rename {0} to {1}', columnName(fix), fix.to);
    case 'choose-key':
      return t('Use {0} as the Key of {1}', fix.columns.join(', '), sourceName(fix.table));
    case 'set-type': {
      const [first, ...more] = fix.columns;
      const what = first && more.length === 0 ? columnName(first) : t('{0} Columns', fix.columns.length);
      return fix.type === null
        ? t('Use the Default Type of {0}', what)
        : t('Set the Type of {0} to {1}', what, fix.type);
    }
    case 'skip-dirty-rows':
      return t('Skip Such Rows');
    case 'set': {
      const label = labelOf(keyName(fix.path));
      if (fix.value === undefined) return t('Remove: {0}', label);
      return t('Set {0} to {1}', label, said(fix.value));
    }
  }
}

const said = (value: TaskEdit['value']) =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : JSON.stringify(value);

function set(document: unknown, path: TaskEdit['path'], value: TaskEdit['value']): TaskEdit[] {
  const now = valueAt(document, path);
  if (JSON.stringify(now) === JSON.stringify(value)) return [];
  return [{ path: [...path], ...(value === undefined ? {} : { value }) }];
}

/** Names compare without case, as they do in MySQL on most systems; where two differ in nothing else, the case decides. */
function listedTables(document: unknown, { database, name }: SourceTable): SelectedTable[] {
  const all = allTables(document);
  const exact = all.filter((one) => one.database === database && one.name === name);
  if (exact.length > 0) return exact;
  const [wantedDatabase, wanted] = [database.toLowerCase(), name.toLowerCase()];
  return all.filter(
    (one) => one.database.toLowerCase() === wantedDatabase && one.name.toLowerCase() === wanted,
  );
}

/** Those that are listed go from their list; of a database that is selected whole they are exceptions. */
function withoutTables(document: unknown, tables: readonly SourceTable[]): TaskEdit[] {
  const exceptions = selection(document)
    .filter(({ whole }) => whole)
    .flatMap((database): TaskEdit[] => {
      const names = tables
        .filter((table) => table.database.toLowerCase() === database.database.toLowerCase())
        .map(({ name }) => name)
        .filter((name) => excludedBy(database, name) === undefined);
      return names.length === 0
        ? []
        : [{ path: [...database.path, 'exclude'], value: [...database.exclude, ...names] }];
    });
  const listed = tables.flatMap((table) => listedTables(document, table));
  // Entries go last: the places of all others are as they were until then.
  return [
    ...exceptions,
    ...removeTables(
      document,
      listed.map(({ path }) => path),
    ),
  ];
}

/** Only a table that is listed can have settings of its own. */
function ofTable(
  document: unknown,
  table: SourceTable,
  key: 'rename' | 'primaryKey',
  value: string | string[],
): TaskEdit[] {
  const [listed] = listedTables(document, table);
  return listed ? set(document, [...listed.path, key], value) : [];
}

function ofColumns(
  document: unknown,
  columns: readonly SourceColumn[],
  change: (now: Record<string, unknown>) => Record<string, unknown>,
): TaskEdit[] {
  return columns.flatMap(({ table, column }) => {
    const [listed] = listedTables(document, table);
    if (!listed) return [];
    const wanted = column.toLowerCase();
    const name = Object.keys(listed.columns).find((one) => one.toLowerCase() === wanted) ?? column;
    const next = change({ ...listed.columns[name] });
    const path = [...listed.path, 'columns', name];
    return set(document, path, Object.keys(next).length === 0 ? undefined : (next as TaskEdit['value']));
  });
}
