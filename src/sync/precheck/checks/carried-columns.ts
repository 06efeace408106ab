import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const carriedColumns: Check = {
  id: 'invisible-columns',
  severity: 'information',
  title: 'Invisible columns and generated invisible keys',
  expected: 'none, or known ones',
  why: 'SELECT * does not show them; Rowferry names every column and carries them like the others.',
  async run(context) {
    const found = (await context.tables()).flatMap((table) =>
      table.columns.filter((c) => c.invisible).map((c) => `${sourceName(table)}.${c.name}`),
    );
    if (found.length === 0) return good('none');
    return bad(
      some(found),
      'Nothing has to be done; exclude a column in the task if it should not be there.',
    );
  },
};
