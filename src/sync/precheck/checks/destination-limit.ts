import { bad, good, type Check } from '../check.js';

export const destinationLimit: Check = {
  id: 'destination-table-limit',
  severity: 'failure',
  title: 'The instance has room for the tables',
  expected: 'no more tables than destination.tableLimit when the task has made its own',
  why: 'Tablestore refuses to create more tables than the instance may hold.',
  applies: (task) => task.synchronization.schema,
  async run(context) {
    const destination = await context.destination();
    const existing = new Set(await destination.tables());
    const before = existing.size;
    for (const { destination: name } of await context.planned()) existing.add(name);
    const limit = context.task.destination.tableLimit;
    const text = `${before} tables now, ${existing.size} with those of the task, limit ${limit}`;
    if (existing.size <= limit) return good(text);
    return bad(
      text,
      'Select fewer tables, use "merge" or another instance; after Alibaba Cloud raised the limit of the instance, write it into destination.tableLimit.',
    );
  },
};
