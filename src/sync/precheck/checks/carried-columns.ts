import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const carriedColumns: Check = {
  id: 'invisible-columns',
  severity: 'information',
  title: 'Invisible columns and generated invisible primary keys',
  expected: 'none, or expected ones',
  why: 'SELECT * does not show them. Rowferry replicates them like other columns.',
  async run(context) {
    const found = (await context.tables()).flatMap((table) =>
      table.columns.filter((c) => c.invisible).map((c) => `${sourceName(table)}.${c.name}`),
    );
    if (found.length === 0) return good('none');
    return bad(some(found), 'No action needed. To leave a column out, exclude it in the task.');
  },
};
