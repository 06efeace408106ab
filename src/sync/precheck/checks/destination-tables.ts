import { RowferryError } from '../../../shared/errors.js';
import { mustBeSameDestination } from '../../state/destination-identity.js';
import { validName } from '../../../tablestore/client/limits.js';
import { bad, good, some, type Check, type CheckContext } from '../check.js';
import { placeOf, renamingTable } from '../fixes.js';
import type { PlannedTable } from '../selection.js';

export const destinationTables: Check = {
  id: 'destination-tables',
  severity: 'failure',
  stopsTables: true,
  title: 'Destination table names are free, or the tables match',
  expected:
    'with "conflict": "report", no table with that name; with "ignore", none or one with the same key',
  why: 'Rowferry would overwrite rows that are not its own; a table with a different key would reject the rows.',
  async run(context) {
    const moved = movedFrom(context);
    if (moved) return bad(moved.message, moved.remedy, { at: 'destination' });
    const destination = await context.destination();
    const existing = new Set(await destination.tables());
    const planned = await context.planned();
    const names = new Set([...existing, ...planned.map(({ destination: name }) => name)]);
    const taken: PlannedTable[] = [];
    const unfit: string[] = [];
    await Promise.all(
      planned
        .filter(({ destination: name }) => existing.has(name) && !context.remade.has(name))
        .map(async (one) => {
          const { destination: name, keys } = one;
          const own = context.created.has(name);
          if (!own && context.task.conflict === 'report' && context.task.synchronization.schema) {
            taken.push(one);
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
        'Choose the same key columns, or rename the object in the task. To delete and re-create a table that this task created, run rowferry reload TASK --table DB.TABLE --remake.',
      );
    }
    if (taken.length > 0) {
      return bad(
        `already exist: ${some(taken.map(({ destination: name }) => name).sort())}`,
        'Rename the objects in the task, or delete these tables. With "conflict": "ignore", the full load keeps existing rows. If this task created the tables and its state folder is lost, set "conflict" to "ignore", run the task, then run "rowferry reload TASK" and "rowferry verify TASK --repair" to correct their rows.',
        {
          fixes: taken.flatMap(({ table, destination: name }) =>
            renamingTable(context.task, table, validName(name, names)),
          ),
          at: placeOf(context.task, taken[0]!.table, ['rename']),
        },
      );
    }
    return good('free, or created by this task');
  },
};

/** Why a run would refuse the instance that the file names; null: it would not. */
function movedFrom({ instance, task }: CheckContext): RowferryError | null {
  try {
    mustBeSameDestination(instance ?? undefined, task);
    return null;
  } catch (error) {
    if (error instanceof RowferryError) return error;
    throw error;
  }
}
