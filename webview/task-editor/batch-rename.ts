import type { TaskEdit } from '../../src/shared/pages.js';
import type { SelectedTable } from './document.js';

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

export interface RenamePreview {
  table: SelectedTable;
  name: string;
  /** Another table gets this name too, or Tablestore does not allow it. */
  problem: 'taken' | 'illegal' | null;
}

/** Tablestore: letters, digits and underscores, no digit first, at most 255 bytes. */
const legal = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

export function previewRename(tables: readonly SelectedTable[], rule: RenameRule): RenamePreview[] {
  const names = tables.map((table) => renamed(table.name, rule));
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
    .filter(({ table, name }) => name !== (table.rename ?? table.name))
    .map(({ table, name }) => ({
      path: [...table.path, 'rename'],
      ...(name === table.name ? {} : { value: name }),
    }));
}
