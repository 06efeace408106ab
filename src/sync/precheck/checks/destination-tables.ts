import { bad, good, some, type Check } from '../check.js';

export const destinationTables: Check = {
  id: 'destination-tables',
  severity: 'failure',
  stopsTables: true,
  title: 'Destination tables are free, or fit',
  expected: 'no table of that name with "conflict": "report"; otherwise one with the same key',
  why: 'Rows of somebody else would be overwritten; a table with another key takes no row of ours.',
  async run(context) {
    const destination = await context.destination();
    const existing = new Set(await destination.tables());
    const taken: string[] = [];
    const unfit: string[] = [];
    await Promise.all(
      (await context.planned())
        .filter(({ destination: name }) => existing.has(name) && !context.remade.has(name))
        .map(async ({ destination: name, keys }) => {
          const own = context.created.has(name);
          if (!own && context.task.conflict === 'report' && context.task.synchronization.schema) {
            taken.push(name);
            return;
          }
          const there = (await destination.describe(name))?.keys ?? [];
          const text = (list: readonly { name: string; type: string }[]) =>
            list.map((k) => `${k.name} ${k.type}`).join(', ');
          if (text(there) !== text(keys))
            unfit.push(`${name} has the key (${text(there)}), the task needs (${text(keys)})`);
        }),
    );
    if (unfit.length > 0) {
      return bad(
        some(unfit, 3),
        'Choose the same key columns, rename the object in the task, or have a table that this task made deleted and made anew: rowferry reload TASK --table DB.TABLE --remake.',
      );
    }
    if (taken.length > 0) {
      return bad(
        `exist already: ${some(taken.sort())}`,
        'Rename the objects in the task, or delete these tables. With "conflict": "ignore" the full load keeps the rows that are there. Did this task make them, with a state folder that is lost? To keep them, set "conflict" to "ignore", run the task, and let "rowferry reload TASK" and then "rowferry verify TASK --repair" put their rows right.',
      );
    }
    return good('free, or made by this task');
  },
};
