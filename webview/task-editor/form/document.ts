import type { TaskEdit } from '../../../src/shared/pages.js';
import {
  excludedBy,
  selection,
  valueAt,
  type Path,
  type SelectedDatabase,
} from '../../../src/shared/task-document.js';
import type { JsonSchema } from '../../../src/shared/task-json-schema.js';

/** What the form makes of the task file: settings with their defaults and ranges, and the edits of its controls. Pure. */

export {
  allTables,
  excludedBy,
  excludeTable,
  matches,
  removeTables,
  selection,
  valueAt,
  type ColumnChoice,
  type Path,
  type SelectedDatabase,
  type SelectedTable,
} from '../../../src/shared/task-document.js';

export interface FieldRule {
  standard: unknown;
  minimum?: number;
  maximum?: number;
}

/** Default and range of a setting, from the one schema. Of a union the branch that knows the next step counts. */
export function ruleAt(schema: JsonSchema, path: Path): FieldRule {
  let here: JsonSchema[] = [schema];
  let standard: unknown;
  for (const step of path) {
    here = here.flatMap((s) => {
      const next = typeof step === 'number' ? s.items : s.properties?.[step];
      return next ? [next, ...(next.anyOf ?? [])] : [];
    });
    standard = here.find((s) => 'default' in s)?.['default'];
  }
  const number = here.find((s) => s.type === 'integer' || s.type === 'number');
  const minimum = number?.['minimum'] ?? number?.['exclusiveMinimum'];
  const maximum = number?.['maximum'];
  return {
    standard,
    ...(typeof minimum === 'number' && minimum > -1e15 ? { minimum } : {}),
    ...(typeof maximum === 'number' && maximum < 1e15 ? { maximum } : {}),
  };
}

/** What is in force: what the file says, else the default. */
export function effective(document: unknown, schema: JsonSchema, path: Path): unknown {
  const value = valueAt(document, path);
  return value === undefined ? ruleAt(schema, path).standard : value;
}

/** Sets a setting; its default is written as nothing, which keeps files short. */
export function setEdit(document: unknown, schema: JsonSchema, path: Path, value: unknown): TaskEdit[] {
  const there = valueAt(document, path);
  const isDefault = JSON.stringify(value) === JSON.stringify(ruleAt(schema, path).standard);
  if (isDefault || value === undefined) return there === undefined ? [] : [{ path: [...path] }];
  return JSON.stringify(there) === JSON.stringify(value) ? [] : [{ path: [...path], value: value as never }];
}

/** Selects a whole database; tables chosen before give way to it. */
export function addDatabase(document: unknown, database: string): TaskEdit[] {
  const there = databaseOf(document, database);
  if (there?.whole) return [];
  if (there) return [{ path: [...there.path, 'tables'] }];
  return appendAll(document, ['objects'], [{ database }]);
}

/** Selects tables of one database. In a database selected whole they are selected already. */
export function addTables(document: unknown, database: string, names: readonly string[]): TaskEdit[] {
  return addTablesOf(document, new Map([[database, names]]));
}

/** Selects tables of several databases, names by database. */
export function addTablesOf(document: unknown, wanted: ReadonlyMap<string, readonly string[]>): TaskEdit[] {
  const edits: TaskEdit[] = [];
  const entries: object[] = [];
  for (const [database, names] of wanted) {
    const there = databaseOf(document, database);
    if (there?.whole) continue;
    const known = new Set(there?.tables.map(({ name }) => name));
    const tables = names.filter((name) => !known.has(name)).map((name) => ({ name }));
    if (tables.length === 0) continue;
    if (there) edits.push(...appendAll(document, [...there.path, 'tables'], tables));
    else entries.push({ database, tables });
  }
  return [...edits, ...appendAll(document, ['objects'], entries)];
}

/** Names each table of a whole database, so that each can have settings of its own. */
export function listTables(database: SelectedDatabase, names: readonly string[]): TaskEdit[] {
  const kept = names.filter((name) => excludedBy(database, name) === undefined);
  return [
    ...(database.exclude.length > 0 ? [{ path: [...database.path, 'exclude'] }] : []),
    { path: [...database.path, 'tables'], value: kept.map((name) => ({ name })) },
  ];
}

/** Takes one table in again that was left out by its name: a pattern leaves out others too, and stays. */
export function includeTable({ path, exclude }: SelectedDatabase, name: string): TaskEdit[] {
  const left = exclude.filter((pattern) => pattern.toLowerCase() !== name.toLowerCase());
  if (left.length === exclude.length) return [];
  return [{ path: [...path, 'exclude'], ...(left.length === 0 ? {} : { value: left }) }];
}

function appendAll(document: unknown, path: Path, values: readonly object[]): TaskEdit[] {
  if (values.length === 0) return [];
  const there = valueAt(document, path);
  return Array.isArray(there)
    ? values.map((value, index) => ({ path: [...path, there.length + index], value: value as never }))
    : [{ path: [...path], value: values as never }];
}

/** Names compare without case, as they do in MySQL on most systems and in the engine. */
function databaseOf(document: unknown, database: string): SelectedDatabase | undefined {
  return selection(document).find((d) => d.database.toLowerCase() === database.toLowerCase());
}
