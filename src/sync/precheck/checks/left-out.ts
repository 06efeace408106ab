import { loadTables } from '../../../mysql/catalog.js';
import { sourceName } from '../../../shared/source-name.js';
import { isPassing, isSameName, selectionOf } from '../../plan.js';
import { bad, good, some, type Check } from '../check.js';

export const leftOut: Check = {
  id: 'left-out',
  severity: 'information',
  title: 'Tables of online schema changes',
  expected: 'none in the selected databases, or tables that need not be replicated',
  why: 'Of a whole database, tables are left out whose names are those of gh-ost and pt-online-schema-change: _…_gho, _…_ghc, _…_del, _…_new and _…_old.',
  applies: (task) => task.objects.some((object) => !object.tables),
  async run(context) {
    const { task } = context;
    const whole = task.objects.filter((object) => !object.tables);
    const tables = await loadTables(
      await context.source(),
      whole.map(({ database }) => ({ database })),
    );
    const names = tables
      .filter((table) => isPassing(table.name) && !selectionOf(task, table))
      .filter((table) =>
        whole.some(({ database }) => isSameName(database, table.database, table.caseSensitive ?? false)),
      )
      .map(sourceName);
    if (names.length === 0) return good('none');
    return bad(
      `left out: ${some(names)}`,
      'Nothing has to be done for tables of a running change. To replicate one of them, select it by its name: beside the whole database, { "database": …, "tables": [{ "name": … }] }.',
    );
  },
};
