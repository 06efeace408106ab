import { atLeast } from '../../../mysql/server-facts.js';
import { bad, good, some, usesBinlog, type Check } from '../check.js';

export const binlogFilters: Check = {
  id: 'binlog-filters',
  severity: 'failure',
  title: 'The binlog includes every selected database',
  expected: 'binlog-do-db and binlog-ignore-db do not exclude a selected database',
  why: 'Changes to an excluded database never reach the binlog: its copy would silently stop updating.',
  applies: usesBinlog,
  async run(context) {
    const connection = await context.source();
    const statement = atLeast(await context.facts(), 8, 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    const [row] = await connection.query<Record<string, string>>(statement);
    const list = (column: string) => (row?.[column] ?? '').split(',').filter((name) => name !== '');
    const only = list('Binlog_Do_DB');
    const ignored = list('Binlog_Ignore_DB');
    const hidden = [...new Set(context.task.objects.map((o) => o.database))].filter((database) =>
      only.length > 0 ? !only.includes(database) : ignored.includes(database),
    );
    if (hidden.length === 0)
      return good(only.length + ignored.length === 0 ? 'no filters' : 'the selected databases are logged');
    return bad(
      `not logged: ${some(hidden)}`,
      'Remove binlog-do-db or binlog-ignore-db for these databases from my.cnf, then restart the server.',
    );
  },
};
