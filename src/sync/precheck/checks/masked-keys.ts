import { bad, good, some, type Check } from '../check.js';
import type { TaskFix } from '../../../shared/task-fix.js';
import type { ResolvedTask } from '../../../shared/task.js';
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
      keyColumns.filter((name) => mask.has(name.toLowerCase())).map((name) => ({ table, name })),
    );
    if (masked.length === 0) return good('no key column is masked');
    return bad(
      `masked: ${some(masked.map(({ table, name }) => `${sourceName(table)}.${name}`))}`,
      'Remove the key columns from "dirtyData.mask", or accept that only a reload writes these rows. With "block", the task reads such a row again when it continues.',
      { fixes: [withoutKeys(context.task, masked)], at: 'dirtyData.mask' },
    );
  },
};

function withoutKeys({ dirtyData }: ResolvedTask, masked: readonly { name: string }[]): TaskFix {
  const keys = new Set(masked.map(({ name }) => name.toLowerCase()));
  const left = dirtyData.mask.filter((name) => !keys.has(name.toLowerCase()));
  return { do: 'set', path: ['dirtyData', 'mask'], ...(left.length > 0 && { value: left }) };
}
