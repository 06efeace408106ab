import { isValidName, validName } from '../../../tablestore/client/limits.js';
import type { TaskFix } from '../../../shared/task-fix.js';
import { bad, good, some, type Check } from '../check.js';
import { placeOf, renamingColumn, renamingTable } from '../fixes.js';
import { sourceName } from '../../../shared/source-name.js';

const rule = 'letters, digits and underscores, not starting with a digit, at most 255 bytes';

export const destinationNames: Check = {
  id: 'destination-names',
  severity: 'failure',
  stopsTables: true,
  title: 'Names are valid in Tablestore',
  expected: `${rule}; no two objects with the same name unless they are merged`,
  why: 'Tablestore rejects other names, and two source tables with the same destination name would overwrite each other.',
  async run(context) {
    const planned = await context.planned();
    const { task } = context;
    const taken = new Set(planned.map(({ destination }) => destination));
    const illegal: string[] = [];
    const fixes: TaskFix[] = [];
    let at: string | undefined;
    for (const { table, destination, keys, attributes } of planned) {
      const names = [...keys.map((k) => k.name), ...attributes];
      if (!isValidName(destination)) {
        illegal.push(`table ${shown(destination)}`);
        fixes.push(...renamingTable(task, table, validName(destination, taken)));
        at ??= placeOf(task, table, ['rename']);
      }
      for (const name of names.filter((one) => !isValidName(one))) {
        illegal.push(`column ${table.name}.${shown(name)}`);
        at ??= placeOf(task, table);
        const column = table.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
        if (column) fixes.push(...renamingColumn(task, table, column.name, validName(name, new Set(names))));
      }
    }
    if (illegal.length > 0)
      return bad(`not allowed: ${some(illegal)}`, `Rename them in the task: ${rule}.`, {
        fixes,
        ...(at !== undefined && { at }),
      });
    const twice: string[] = [];
    if (!task.merge) {
      const first = new Map<string, (typeof planned)[number]['table']>();
      for (const { table, destination } of planned) {
        const other = first.get(destination);
        // Names that differ in case alone are the business of another check.
        if (other === undefined) first.set(destination, table);
        else if (other.name.toLowerCase() !== table.name.toLowerCase() || other.name === table.name) {
          twice.push(`${sourceName(other)} and ${sourceName(table)} both become ${destination}`);
          at ??= placeOf(task, table, ['rename']);
          fixes.push(...renamingTable(task, table, validName(`${table.database}_${destination}`, taken)));
        }
      }
    }
    for (const { table, keys, attributes } of planned) {
      const seen = new Set<string>();
      for (const name of [...keys.map((k) => k.name), ...attributes]) {
        if (seen.has(name)) {
          twice.push(`two columns of ${sourceName(table)} both become ${name}`);
          at ??= placeOf(task, table);
        }
        seen.add(name);
      }
    }
    if (twice.length === 0) return good(`${planned.length} ${planned.length === 1 ? 'name' : 'names'}`);
    return bad(
      some(twice, 3),
      'Rename one of each pair in the task, or set "merge" to true to merge tables with the same columns.',
      { fixes, ...(at !== undefined && { at }) },
    );
  },
};

const shown = (name: string) =>
  name.length > 40 ? `${name.slice(0, 40)}… (${Buffer.byteLength(name)} bytes)` : name;
