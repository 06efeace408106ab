import { Replication } from '../sync/replication.js';
import { writerSettings } from '../sync/settings.js';
import { verifyTask } from '../sync/verify/index.js';
import { TablestoreClient } from '../tablestore/client.js';
import { TablestoreWriter } from '../tablestore/writer.js';
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
    verify: async (task, options, progress, running, signal) => {
      const kept = storeOf(task.id);
      const check = {
        task,
        store: kept,
        signal,
        progress,
        running: running !== undefined,
      };
      if (!options.repair) return verifyTask(check);
      if (running instanceof Replication) return verifyTask({ ...check, repairBy: running.repairWriter });
      const client = new TablestoreClient(task.destination);
      const writer = new TablestoreWriter(client, writerSettings(task));
      try {
        return await verifyTask({ ...check, repairBy: writer });
      } finally {
        writer.close();
        client.close();
      }
    },
    standing: (id) => {
      const kept = storeOf(id);
      const progress = kept.progress();
      return {
        position: progress?.checkpoint ?? progress?.start ?? null,
        rows: progress?.rows ?? { full: 0, inserted: 0, updated: 0, deleted: 0 },
        dirty: kept.dirtyCount(),
      };
    },
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
