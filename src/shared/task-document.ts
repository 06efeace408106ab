import { matchesGlob } from './wildcard.js';
import { ruledName, type RenameRules } from './rename-rules.js';
import type { TaskEdit } from './task-edits.js';

/** The task file as forms and remedies read it: whatever JSON stands there, valid or not. Pure. */

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

/** What of the exclusions of a whole database leaves a table out; undefined: nothing does. */
export function excludedBy({ exclude }: SelectedDatabase, name: string): string | undefined {
  return exclude.find((pattern) => matches(pattern, name));
}

/** Takes one table out of a whole database. */
export function excludeTable({ path, exclude }: SelectedDatabase, name: string): TaskEdit[] {
  return [{ path: [...path, 'exclude'], value: [...exclude, name] }];
}

/** `*` stands for any letters; the case does not matter, as in the engine. */
export const matches = (pattern: string, name: string): boolean => matchesGlob(pattern, name, false);

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;
