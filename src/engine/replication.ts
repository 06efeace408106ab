import { RowferryError } from '../shared/errors.js';
import { Replication } from '../sync/replication.js';
import type { MakeWorkshop } from './engine.js';
import { SqliteTaskStore } from './store/task-store.js';

/** Binds the supervisor to replication, with the store of the engine below it. */
export const replicationWorkshop: MakeWorkshop = (store, log) => {
  const storeOf = (id: string) => new SqliteTaskStore(store.database, id);
  return {
    work: (task, options) => {
      const named = {
        info: (text: string) => log.info(`${task.name}: ${text}`),
        warn: (text: string) => log.warn(`${task.name}: ${text}`),
      };
      return new Replication(task, storeOf(task.id), options, named);
    },
    verify: () => Promise.reject(new RowferryError('ROW-E107', 'Verify is not part of this build.')),
    history: (id) => {
      const kept = storeOf(id);
      const created = kept.tables().filter((table) => table.created);
      return {
        created: new Set(created.map((table) => table.destination)),
        checkpoint: kept.progress()?.checkpoint ?? null,
      };
    },
  };
};
