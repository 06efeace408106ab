import { bad, good, some, usesBinlog, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

interface Constraint {
  db: string;
  tab: string;
  name: string;
}

export const cascades: Check = {
  id: 'cascades',
  severity: 'warning',
  title: 'No foreign key changes child rows automatically',
  expected: 'no ON DELETE or ON UPDATE with CASCADE, SET NULL or SET DEFAULT on the selected tables',
  why: 'InnoDB does not log such changes in the binlog: the child rows in Tablestore would stay unchanged.',
  applies: usesBinlog,
  async run(context) {
    const connection = await context.source();
    const facts = await context.facts();
    const fold = (name: string) => (facts.lowerCaseTableNames === 0 ? name : name.toLowerCase());
    const tables = new Set((await context.tables()).map((t) => fold(sourceName(t))));
    const databases = [...new Set(context.task.objects.map((o) => o.database))];
    const rows = await connection.query<Constraint>(
      `SELECT CONSTRAINT_SCHEMA AS db, TABLE_NAME AS tab, CONSTRAINT_NAME AS name
         FROM INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS
        WHERE CONSTRAINT_SCHEMA IN (?)
          AND (DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))`,
      [databases],
    );
    const selected = rows.filter((row) => tables.has(fold(sourceName({ database: row.db, name: row.tab }))));
    if (selected.length === 0) return good('none');
    if (facts.logsCascades) return good('some exist, and this server logs their changes');
    return bad(
      some(selected.map((row) => `${sourceName({ database: row.db, name: row.tab })} (${row.name})`)),
      'Change the child rows in the application, or run verify --repair regularly.',
    );
  },
};
