import { atLeast } from '../../../mysql/server-facts.js';
import { bad, good, type Check } from '../check.js';

export const sourceVersion: Check = {
  id: 'source-version',
  severity: 'failure',
  title: 'The source version is supported',
  expected: 'MySQL 5.6 or later',
  why: 'Older servers write row events that cannot be replicated safely.',
  async run(context) {
    const facts = await context.facts();
    // MariaDB counts its versions its own way; source-kind speaks of it.
    if (facts.isMariaDb || atLeast(facts, 5, 6)) return good(facts.version);
    return bad(facts.version, 'Upgrade the source to MySQL 5.7 or later.');
  },
};
