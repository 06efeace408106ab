import { allowedCellTypes } from '../../../mysql/types/index.js';
import type { TableDefinition } from '../../../mysql/model.js';
import { bad, good, some, type Check } from '../check.js';
import { placeOf, retyping } from '../fixes.js';
import { columnMapping } from '../../mapping/plan.js';
import { mappingOf } from '../selection.js';
import { sourceName } from '../../../shared/source-name.js';

export const columnTypes: Check = {
  id: 'column-types',
  severity: 'failure',
  stopsTables: true,
  title: 'Chosen types fit their columns',
  expected: 'the "type" of each column is one its values can be converted to',
  why: 'If the values cannot be converted to the chosen type, every row becomes a dirty record.',
  applies: (task) =>
    task.objects.some((o) =>
      o.tables?.some((t) => Object.values(t.columns ?? {}).some((c) => c.type !== undefined)),
    ),
  async run(context) {
    const problems: string[] = [];
    const wrong: { table: TableDefinition; column: string }[] = [];
    let count = 0;
    for (const table of await context.tables()) {
      for (const column of table.columns) {
        const chosen = columnMapping(mappingOf(context.task, table), column)?.type;
        if (chosen === undefined) continue;
        count++;
        const allowed = allowedCellTypes(column);
        if (allowed.includes(chosen)) continue;
        wrong.push({ table, column: column.name });
        problems.push(
          `${sourceName(table)}.${column.name} is ${column.columnType}: it can become ${allowed.join(' or ')}, not ${chosen}`,
        );
      }
    }
    if (problems.length === 0) return good(`${count} ${count === 1 ? 'type' : 'types'}`);
    return bad(some(problems, 3), 'Choose one of these types, or remove "type".', {
      fixes: retyping(context.task, wrong, null),
      at: placeOf(context.task, wrong[0]!.table, ['columns', wrong[0]!.column]),
    });
  },
};
