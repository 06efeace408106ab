import type { ChangeOwner, RowChange } from '../../tablestore/model.js';
import type { TablestoreWriter } from '../../tablestore/writer.js';
import type { TablePlan } from '../plan.js';
import { deletion } from '../sweep.js';

export type RepairWriter = Pick<TablestoreWriter, 'hold' | 'drain'>;

/**
 * Puts rows right: each key is held, the row is read from the source as it is then, and written or deleted before
 * anything else of that key (correctness rule 11). Throws when the destination refuses one.
 */
export async function repair(
  writer: RepairWriter,
  plan: TablePlan,
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<Map<string, { row: Buffer } | null>>,
): Promise<void> {
  for (const key of keys) {
    const hold = await writer.hold(plan.destination, key);
    const rows = await read([key]);
    const found = rows.get(key);
    if (found === null) {
      // It became one that cannot be written; an older version is better than none.
      hold.release();
      continue;
    }
    const row = found?.row;
    await new Promise<void>((resolve, reject) => {
      const owner: ChangeOwner = {
        acknowledged: () => resolve(),
        rejected: (_change, error) => reject(new Error(`${error.code}: ${error.message}`)),
      };
      const change: RowChange = row
        ? { table: plan.destination, op: 'put', key, row, dataBytes: row.length, owner, tag: 0 }
        : deletion(plan.destination, key, owner);
      hold.release(change);
    });
  }
}
