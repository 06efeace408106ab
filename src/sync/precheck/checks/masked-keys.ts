import { bad, good, some, type Check } from '../check.js';
import { sourceName } from '../../../shared/source-name.js';

export const maskedKeys: Check = {
  id: 'masked-keys',
  severity: 'warning',
  title: 'Dirty records identify their rows',
  expected: 'no masked key columns',
  why: 'A record without its key cannot be retried: only a reload of the table writes its row. A hash of the key distinguishes the rows and identifies them in a verification.',
  applies: ({ dirtyData }) => dirtyData.mask.length > 0 && dirtyData.policy === 'skip',
  async run(context) {
    const mask = new Set(context.task.dirtyData.mask.map((name) => name.toLowerCase()));
    const masked = (await context.planned()).flatMap(({ table, keyColumns }) =>
      keyColumns.filter((name) => mask.has(name.toLowerCase())).map((name) => `${sourceName(table)}.${name}`),
    );
    if (masked.length === 0) return good('no key column is masked');
    return bad(
      `masked: ${some(masked)}`,
      'Remove the key columns from "dirtyData.mask", or accept that only a reload writes these rows. With "block", the task reads such a row again when it continues.',
    );
  },
};
