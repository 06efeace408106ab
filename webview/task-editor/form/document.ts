import { matchesGlob } from '../../../src/shared/wildcard.js';
import { ruledName, type RenameRules } from '../../../src/shared/rename-rules.js';
import type { TaskEdit } from '../../../src/shared/pages.js';
import type { JsonSchema } from '../../../src/shared/task-json-schema.js';

/** The task file as the form reads it: whatever JSON stands there, valid or not. Pure. */

export type Path = readonly (string | number)[];

export function valueAt(document: unknown, path: Path): unknown {
  let here = document;
  for (const step of path) {
    // A column may be called `constructor`.
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

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

export interface SelectedTable {
  /** Where it stands in the file; null: given by the selection of its whole database. */
  path: Path;
  database: string;
  name: string;
  rename: string | undefined;
  /** The name that the rules of its database give it. */
  ruled: string;
  filter: string | undefined;
  primaryKey: string[] | undefined;
  columns: Record<string, ColumnChoice>;
}
export interface ColumnChoice {
  rename?: string;
  type?: string;
  unit?: string;
  exclude?: boolean;
}
export interface SelectedDatabase {
  path: Path;
  database: string;
  whole: boolean;
  exclude: string[];
  /** Rules for the names of its tables. */
  renames: RenameRules;
  tables: SelectedTable[];
}

/** The objects of the file; entries that are not what they should be are left out (the issues name them). */
export function selection(document: unknown): SelectedDatabase[] {
  return list(valueAt(document, ['objects'])).flatMap((entry, index) => {
    const database = text(valueAt(entry, ['database']));
    if (database === undefined) return [];
    const path = ['objects', index];
    const tables = valueAt(entry, ['tables']);
    const renames = rulesOf(valueAt(entry, ['renameTables']));
    return [
      {
        path,
        database,
        whole: tables === undefined,
        exclude: strings(valueAt(entry, ['exclude'])) ?? [],
        renames,
        tables: list(tables).flatMap((table, at) => {
          const name = text(valueAt(table, ['name']));
          if (name === undefined) return [];
          return [
            {
              path: [...path, 'tables', at],
              database,
              name,
              rename: text(valueAt(table, ['rename'])),
              ruled: ruledName(name, renames, (middle) => middle),
              filter: text(valueAt(table, ['filter'])),
              primaryKey: strings(valueAt(table, ['primaryKey'])),
              columns: (valueAt(table, ['columns']) ?? {}) as Record<string, ColumnChoice>,
            },
          ];
        }),
      },
    ];
  });
}

/** What of the rules can be read; the issues name the rest. */
function rulesOf(value: unknown): RenameRules {
  const replace = list(valueAt(value, ['replace'])).flatMap((entry) => {
    const [from, to] = [text(valueAt(entry, ['from'])), text(valueAt(entry, ['to']))];
    return from ? [{ from, to: to ?? '' }] : [];
  });
  const [prefix, suffix] = [text(valueAt(value, ['prefix'])), text(valueAt(value, ['suffix']))];
  return {
    ...(prefix && { prefix }),
    ...(suffix && { suffix }),
    ...(replace.length > 0 && { replace }),
  };
}

export function allTables(document: unknown): SelectedTable[] {
  return selection(document).flatMap(({ tables }) => tables);
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

/** Takes tables out; a database without tables left goes too, for an empty list would not be valid. */
export function removeTables(document: unknown, paths: readonly Path[]): TaskEdit[] {
  const gone = new Set(paths.map((path) => path.join('/')));
  const edits: TaskEdit[] = [];
  for (const database of selection(document).reverse()) {
    const going = database.tables.filter((table) => gone.has(table.path.join('/')));
    if (going.length === 0) continue;
    const all = list(valueAt(document, [...database.path, 'tables'])).length;
    if (going.length === all) edits.push({ path: [...database.path] });
    // From the end, so that the places of the others stay.
    else edits.push(...going.reverse().map((table) => ({ path: [...table.path] })));
  }
  return edits;
}

/** Names each table of a whole database, so that each can have settings of its own. */
export function listTables(database: SelectedDatabase, names: readonly string[]): TaskEdit[] {
  const kept = names.filter((name) => excludedBy(database, name) === undefined);
  return [
    ...(database.exclude.length > 0 ? [{ path: [...database.path, 'exclude'] }] : []),
    { path: [...database.path, 'tables'], value: kept.map((name) => ({ name })) },
  ];
}

/** What of the exclusions of a whole database leaves a table out; undefined: nothing does. */
export function excludedBy({ exclude }: SelectedDatabase, name: string): string | undefined {
  return exclude.find((pattern) => matches(pattern, name));
}

/** Takes one table out of a whole database. */
export function excludeTable({ path, exclude }: SelectedDatabase, name: string): TaskEdit[] {
  return [{ path: [...path, 'exclude'], value: [...exclude, name] }];
}

/** Takes one table in again that was left out by its name: a pattern leaves out others too, and stays. */
export function includeTable({ path, exclude }: SelectedDatabase, name: string): TaskEdit[] {
  const left = exclude.filter((pattern) => pattern.toLowerCase() !== name.toLowerCase());
  if (left.length === exclude.length) return [];
  return [{ path: [...path, 'exclude'], ...(left.length === 0 ? {} : { value: left }) }];
}

/** `*` stands for any letters; the case does not matter, as in the engine. */
export const matches = (pattern: string, name: string): boolean => matchesGlob(pattern, name, false);

function appendAll(document: unknown, path: Path, values: readonly object[]): TaskEdit[] {
  if (values.length === 0) return [];
  const there = valueAt(document, path);
  return Array.isArray(there)
    ? values.map((value, index) => ({ path: [...path, there.length + index], value: value as never }))
    : [{ path: [...path], value: values as never }];
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;

/** Names compare without case, as they do in MySQL on most systems and in the engine. */
function databaseOf(document: unknown, database: string): SelectedDatabase | undefined {
  return selection(document).find((d) => d.database.toLowerCase() === database.toLowerCase());
}
