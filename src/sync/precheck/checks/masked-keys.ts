import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const maskedKeys: Check = {
  id: 'masked-keys',
  severity: 'warning',
  title: 'Dirty records tell their rows',
  expected: 'no key column among the masked ones',
  why: 'A record that is kept without its key cannot be tried again: only a reload of the table writes its row. Its rows are told apart, and a verification knows them, by a hash of the key.',
  applies: ({ dirtyData }) => dirtyData.mask.length > 0 && dirtyData.policy === 'skip',
  async run(context) {
    const mask = new Set(context.task.dirtyData.mask.map((name) => name.toLowerCase()));
    const masked = (await context.planned()).flatMap(({ table, keyColumns }) =>
      keyColumns.filter((name) => mask.has(name.toLowerCase())).map((name) => `${sourceName(table)}.${name}`),
    );
    if (masked.length === 0) return good('none is masked');
    return bad(
      `masked: ${some(masked)}`,
      'Take the key columns out of "dirtyData.mask", or accept that rows of these tables are written again only by a reload. With "block" such a row is read again when the task goes on.',
    );
  },
};
