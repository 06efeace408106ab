import { bad, good, type Check } from '../check.js';

export const destinationLimit: Check = {
  id: 'destination-table-limit',
  severity: 'failure',
  title: 'The instance has room for the tables',
  expected: 'at most destination.tableLimit tables, including those that the task creates',
  why: 'Tablestore refuses to create more tables than the limit of the instance.',
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
      'Select fewer tables, or use "merge" or another instance. If Alibaba Cloud has raised the limit of the instance, set destination.tableLimit to it.',
    );
  },
};
