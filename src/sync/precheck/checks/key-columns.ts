import { bad, good, some, type Check } from '../check.js';
import { keyType } from '../../../mysql/types/index.js';
import { columnMapping, isUnique, keyLoss } from '../../mapping/plan.js';
import { choosingKey, placeOf } from '../fixes.js';
import { mappingOf, type PlannedTable } from '../selection.js';
import { sourceName } from '../../../shared/source-name.js';

export const keyColumns: Check = {
  id: 'key-columns',
  severity: 'failure',
  stopsTables: true,
  title: 'Key columns are valid as a Tablestore key',
  expected: '1 to 4 columns of a type allowed in keys, together unique and never NULL',
  why: 'Two rows with the same key would overwrite each other; NULL and DOUBLE are not allowed in a key.',
  async run(context) {
    const problems: string[] = [];
    const wrong: PlannedTable[] = [];
    for (const planned of await context.planned()) {
      const { table, keyColumns: names } = planned;
      const before = problems.length;
      const label = sourceName(table);
      const most = context.task.merge ? 3 : 4;
      if (names.length > most)
        problems.push(`${label}: the key has ${names.length} columns, the limit is ${most}`);
      for (const name of names) {
        const column = table.columns.find((c) => c.name === name);
        if (!column) continue;
        if (column.volatile === 'virtual')
          problems.push(`${label}.${name} is computed on each read and may differ between sessions`);
        if (column.nullable) problems.push(`${label}.${name} can be NULL`);
        const mapping = columnMapping(mappingOf(context.task, table), column);
        const chosen = mapping?.type;
        const type = keyType(column, chosen);
        if (type === null)
          problems.push(`${label}.${name} is ${column.columnType}${chosen ? ` as ${chosen}` : ''}`);
        const loss = type && keyLoss(column, type, mapping?.unit);
        if (loss) problems.push(`${label}.${name} ${loss}`);
      }
      if (names.length > 0 && !isUnique(table, names))
        problems.push(`${label}: (${names.join(', ')}) is not unique`);
      if (problems.length > before) wrong.push(planned);
    }
    if (problems.length === 0) return good('all of them are valid');
    return bad(
      some(problems, 4),
      'Choose other columns with "primaryKey", or make these UNIQUE and NOT NULL in the source.',
      {
        fixes: wrong.flatMap(({ table }) => choosingKey(context.task, table, [])),
        at: placeOf(context.task, wrong[0]!.table, ['primaryKey']),
      },
    );
  },
};
