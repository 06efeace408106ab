import { bad, good, some, type Check } from '../check.js';
import { identifier } from '../../../mysql/connection.js';
import { sourceName } from '../../../shared/source-name.js';

export const engines: Check = {
  id: 'engines',
  severity: 'warning',
  title: 'The selected tables are InnoDB',
  expected: 'InnoDB',
  why: 'Other engines have no transactions: a failed statement can leave changed rows, and a restart empties MEMORY tables without logging it in the binlog.',
  async run(context) {
    const others = (await context.tables()).filter((t) => t.engine.toLowerCase() !== 'innodb');
    if (others.length === 0) return good('all of them');
    return bad(
      some(others.map((t) => `${sourceName(t)} (${t.engine || 'unknown'})`)),
      'Change the storage engine, or accept the risk.',
      {
        sql: others.map(
          (t) => `ALTER TABLE ${identifier(t.database)}.${identifier(t.name)} ENGINE = InnoDB;`,
        ),
      },
    );
  },
};
