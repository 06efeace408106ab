import type { TaskFix } from '../../../shared/task-fix.js';
import { validName } from '../../../tablestore/client/limits.js';
import { bad, good, some, type Check } from '../check.js';
import { renamingTable } from '../fixes.js';

export const caseFolding: Check = {
  id: 'case-folding',
  severity: 'warning',
  title: 'Table names stay distinct after case conversion',
  expected: 'no two tables whose names differ only in case',
  why: 'With the current "capitalization", both would become one table in Tablestore and overwrite each other.',
  applies: (task) => task.capitalization !== 'source' && !task.merge,
  async run(context) {
    const first = new Map<string, string>();
    const twice: string[] = [];
    const fixes: TaskFix[] = [];
    const planned = await context.planned();
    const taken = new Set(planned.map(({ destination }) => destination));
    for (const { table, destination } of planned) {
      const other = first.get(destination);
      if (other === undefined) first.set(destination, table.name);
      else if (other !== table.name && other.toLowerCase() === table.name.toLowerCase()) {
        twice.push(`${other} and ${table.name} both become ${destination}`);
        fixes.push(...renamingTable(context.task, table, validName(destination, taken)));
      }
    }
    if (twice.length === 0) return good('all names stay distinct');
    return bad(
      some(twice, 3),
      'Rename one table of each pair in the task, or set "capitalization" to "source".',
      {
        fixes: [...fixes, { do: 'set', path: ['capitalization'], value: 'source' }],
        at: 'capitalization',
      },
    );
  },
};
