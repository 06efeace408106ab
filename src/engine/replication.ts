import { RowferryError } from '../shared/errors.js';
import type { MakeWorkshop } from './engine.js';

/** Binds the supervisor to replication. */
export const replicationWorkshop: MakeWorkshop = () => {
  const unavailable = () => new RowferryError('ROW-E107', 'Replication is not part of this build.');
  return {
    work: () => {
      throw unavailable();
    },
    verify: () => Promise.reject(unavailable()),
    history: () => ({ created: new Set(), checkpoint: null }),
  };
};
