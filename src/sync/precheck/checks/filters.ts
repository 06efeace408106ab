import { isSameName } from '../../mapping/plan.js';
import { mappingOf } from '../selection.js';
import { identifier } from '../../../mysql/connection.js';
import { mysqlErrorNumber } from '../server-error.js';
import { RowferryError } from '../../../shared/errors.js';
import { compileFilter } from '../../filter/index.js';
import { bad, good, some, type Check } from '../check.js';
import { placeOf } from '../fixes.js';
import { sourceName } from '../../../shared/source-name.js';

export const filters: Check = {
  id: 'filters',
  severity: 'failure',
  stopsTables: true,
  title: 'Filters are valid',
  expected:
    'each filter is one SQL condition on columns of its table that gives the same result in every session',
  why: 'The full load and each change use the same condition. If the results could differ, rows would be lost or left over.',
  applies: (task) =>
    task.objects.some((object) => object.tables?.some((table) => table.filter !== undefined)),
  async run(context) {
    const connection = await context.source();
    const tables = await context.tables();
    const problems: string[] = [];
    let at: string | undefined;
    let count = 0;
    for (const object of context.task.objects) {
      for (const mapping of object.tables ?? []) {
        const table = tables.find(
          (t) =>
            mappingOf(context.task, t)?.name === mapping.name &&
            isSameName(t.database, object.database, t.caseSensitive ?? false),
        );
        if (mapping.filter === undefined || !table) continue;
        count++;
        try {
          const { sql } = compileFilter(mapping.filter, table);
          // The server is asked too: it alone knows its functions and their arguments.
          await connection.query(
            `SELECT 1 FROM ${identifier(table.database)}.${identifier(table.name)} WHERE (${sql}) LIMIT 0`,
          );
        } catch (error) {
          if (!(error instanceof RowferryError)) throw error;
          if (error.code !== 'ROW-T102' && mysqlErrorNumber(error) === 0) throw error;
          at ??= placeOf(context.task, table, ['filter']);
          problems.push(error.code === 'ROW-T102' ? error.message : `${sourceName(table)}: ${error.message}`);
        }
      }
    }
    if (problems.length === 0) return good(`${count} ${count === 1 ? 'filter' : 'filters'}`);
    return bad(some(problems, 3), 'Correct the filter in the task.', { ...(at !== undefined && { at }) });
  },
};
