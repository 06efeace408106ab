import { bad, good, type Check } from '../check.js';

/** DTS takes at most 1,000 tables when tables are selected. */
const most = 1000;

export const tableCount: Check = {
  id: 'table-count',
  severity: 'failure',
  title: 'The number of individually selected tables is within the limit',
  expected: `at most ${most} tables named in the task`,
  why: 'Above the limit, forms and prechecks become unusably slow. Whole databases have no such limit.',
  applies: (task) => task.objects.some((object) => object.tables !== undefined),
  async run(context) {
    const named = context.task.objects.reduce((sum, object) => sum + (object.tables?.length ?? 0), 0);
    if (named <= most) return good(`${named}`);
    return bad(`${named}`, 'Select the whole database, or split the task.', { at: 'objects' });
  },
};
