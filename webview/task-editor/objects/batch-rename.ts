import type { TaskEdit } from '../../../src/shared/pages.js';
import { ruledName, type RenameRules } from '../../../src/shared/rename-rules.js';
import type { SelectedDatabase, SelectedTable } from '../form/document.js';

export interface RenameRule {
  prefix: string;
  suffix: string;
  find: string;
  replace: string;
  letters: 'keep' | 'lower' | 'upper';
}

export const noRule: RenameRule = { prefix: '', suffix: '', find: '', replace: '', letters: 'keep' };

/** Replace, then case, then what stands around. Every occurrence is replaced, letter by letter. */
export function renamed(name: string, rule: RenameRule): string {
  let middle = rule.find === '' ? name : name.replaceAll(rule.find, () => rule.replace);
  if (rule.letters === 'lower') middle = middle.toLowerCase();
  else if (rule.letters === 'upper') middle = middle.toUpperCase();
  return rule.prefix + middle + rule.suffix;
}

/** A table of which only the name matters here. */
export type Named = Pick<SelectedTable, 'database' | 'name' | 'rename' | 'ruled'>;

export interface RenamePreview<T extends Named = SelectedTable> {
  table: T;
  name: string;
  /** Another table gets this name too, or Tablestore does not allow it. */
  problem: 'taken' | 'illegal' | null;
}

/** Tablestore: letters, digits and underscores, no digit first, at most 255 bytes. */
const legal = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

export function previewRename(tables: readonly SelectedTable[], rule: RenameRule): RenamePreview[] {
  return preview(tables, (name) => renamed(name, rule));
}

/** What a rule of a whole database gives, of the tables that are known. The case is a setting of the task. */
export function previewRules(
  database: SelectedDatabase,
  names: readonly string[],
  rules: RenameRules,
): RenamePreview<Named>[] {
  const ruled = (name: string, by: RenameRules) => ruledName(name, by, (middle) => middle);
  const tables = names.map((name) => ({
    database: database.database,
    name,
    rename: undefined,
    ruled: ruled(name, database.renames),
  }));
  return preview(tables, (name) => ruled(name, rules));
}

/** The first replacement is what the form shows; those behind it stay. */
export function rulesFrom({ prefix, suffix, find, replace }: RenameRule, before: RenameRules): RenameRules {
  const all = [...(find === '' ? [] : [{ from: find, to: replace }]), ...(before.replace ?? []).slice(1)];
  return { ...(prefix && { prefix }), ...(suffix && { suffix }), ...(all.length > 0 && { replace: all }) };
}

export function ruleOf({ prefix = '', suffix = '', replace = [] }: RenameRules): RenameRule {
  return { ...noRule, prefix, suffix, find: replace[0]?.from ?? '', replace: replace[0]?.to ?? '' };
}

export function rulesEdits(database: SelectedDatabase, rules: RenameRules): TaskEdit[] {
  if (JSON.stringify(rules) === JSON.stringify(database.renames)) return [];
  const isEmpty = Object.keys(rules).length === 0;
  return [{ path: [...database.path, 'renameTables'], ...(isEmpty ? {} : { value: rules as never }) }];
}

function preview<T extends Named>(
  tables: readonly T[],
  rename: (name: string) => string,
): RenamePreview<T>[] {
  const names = tables.map((table) => rename(table.name));
  const count = new Map<string, number>();
  for (const name of names) count.set(name, (count.get(name) ?? 0) + 1);
  return tables.map((table, index) => {
    const name = names[index]!;
    const problem = !legal.test(name) ? 'illegal' : count.get(name)! > 1 ? 'taken' : null;
    return { table, name, problem };
  });
}

export function renameEdits(previews: readonly RenamePreview[]): TaskEdit[] {
  return previews
    .filter(({ table, name }) => name !== (table.rename ?? table.ruled))
    .map(({ table, name }) => ({
      path: [...table.path, 'rename'],
      ...(name === table.ruled ? {} : { value: name }),
    }));
}
