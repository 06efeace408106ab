import { isValidName } from '../../../tablestore/client/limits.js';
import { bad, good, some, type Check } from '../check.js';
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
    const illegal = planned.flatMap(({ table, destination, keys, attributes }) => [
      ...(isValidName(destination) ? [] : [`table ${shown(destination)}`]),
      ...[...keys.map((k) => k.name), ...attributes]
        .filter((name) => !isValidName(name))
        .map((name) => `column ${table.name}.${shown(name)}`),
    ]);
    if (illegal.length > 0) return bad(`not allowed: ${some(illegal)}`, `Rename them in the task: ${rule}.`);
    const twice: string[] = [];
    if (!context.task.merge) {
      const first = new Map<string, (typeof planned)[number]['table']>();
      for (const { table, destination } of planned) {
        const other = first.get(destination);
        // Names that differ in case alone are the business of another check.
        if (other === undefined) first.set(destination, table);
        else if (other.name.toLowerCase() !== table.name.toLowerCase() || other.name === table.name) {
          twice.push(`${sourceName(other)} and ${sourceName(table)} both become ${destination}`);
        }
      }
    }
    for (const { table, keys, attributes } of planned) {
      const seen = new Set<string>();
      for (const name of [...keys.map((k) => k.name), ...attributes]) {
        if (seen.has(name)) twice.push(`two columns of ${sourceName(table)} both become ${name}`);
        seen.add(name);
      }
    }
    if (twice.length === 0) return good(`${planned.length} ${planned.length === 1 ? 'name' : 'names'}`);
    return bad(
      some(twice, 3),
      'Rename one of each pair in the task, or set "merge" to true to merge tables with the same columns.',
    );
  },
};

const shown = (name: string) =>
  name.length > 40 ? `${name.slice(0, 40)}… (${Buffer.byteLength(name)} bytes)` : name;
