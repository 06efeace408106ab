import { TableRecords } from '../../sync/state/table-records.js';
import type { SqliteTaskStore } from './task-store.js';

/** The next run loads these tables anew, those of them that are known; with `remake` into destination tables made anew. */
export function askReload(store: SqliteTaskStore, sources: readonly string[], remake: boolean): void {
  store.transaction(() => {
    const records = new TableRecords(store);
    for (const { source } of records.all) {
      if (!sources.includes(source)) continue;
      records.step(source, { step: 'reload-asked', remake });
      store.clearChunks(source);
      store.clearDirty(source);
    }
  });
}
