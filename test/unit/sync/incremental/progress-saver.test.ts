import { beforeEach, describe, expect, it } from 'vitest';
import type { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import { HandedOver } from '../../../../src/sync/incremental/handed-over.js';
import { ProgressSaver } from '../../../../src/sync/incremental/progress-saver.js';
import type { CheckpointTracker } from '../../../../src/sync/state/checkpoint.js';
import { TableRecords } from '../../../../src/sync/state/table-records.js';
import { stateOf } from '../../../../src/sync/state/table-state.js';
import type { TaskProgress } from '../../../../src/sync/state/task-store.js';
import { acknowledge, at, stores, syncing, trackerFrom, transaction } from './kept.js';

/** What is stored of the incremental phase is of one moment: a run that begins from it finds all of it as it was there. */

const newStore = stores();
let store: SqliteTaskStore;
let records: TableRecords;
let progress: TaskProgress;
let tracker: CheckpointTracker;
let handedOver: HandedOver;
let saver: ProgressSaver;
/** Rows of a table, as an example of what belongs to a position. */
const counted = (inserted: number) => ({ 'd.t': { inserted, updated: 0, deleted: 0 } });
let changes = counted(0);

beforeEach(() => {
  store = newStore();
  records = new TableRecords(store);
  tracker = trackerFrom(100);
  progress = {
    start: at(50),
    checkpoint: at(100),
    loadedAt: null,
    rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
  };
  handedOver = new HandedOver(() => tracker, records);
  saver = new ProgressSaver(store, progress, () => tracker, handedOver);
  changes = counted(0);
});
const save = () => saver.save(() => ({ leftOut: [], changes }));

describe('the stored progress', () => {
  it('has the checkpoint with the figures and steps of what it has passed', () => {
    const row = transaction(tracker, 110, () => store.setWriting(true));
    save();
    expect([store.progress()?.checkpoint, store.isWriting()]).toEqual([at(100), false]);
    changes = counted(1);
    progress.rows.inserted = 1;
    acknowledge(row);
    save();
    expect(store.progress()).toMatchObject({ checkpoint: at(110), changes, rows: { inserted: 1 } });
    expect(store.isWriting()).toBe(true);
  });

  it('is all of it as before where one of the steps fails', () => {
    save();
    acknowledge(transaction(tracker, 110, () => store.setWriting(true)));
    acknowledge(
      transaction(tracker, 120, () => {
        throw new Error('refused');
      }),
    );
    expect(save).toThrow('refused');
    expect([store.progress()?.checkpoint, store.isWriting()]).toEqual([at(100), false]);
  });

  it('has the steps of what a table that was handed over held back until then', () => {
    const own = trackerFrom(50);
    const row = transaction(own, 100);
    handedOver.add([syncing(records, 'a', 50)], at(100), own);
    acknowledge(transaction(tracker, 110, () => store.setWriting(true)));
    save();
    expect([store.progress()?.checkpoint, store.isWriting()]).toEqual([at(100), false]);
    acknowledge(row);
    save();
    expect([store.progress()?.checkpoint, store.isWriting()]).toEqual([at(110), true]);
    expect(stateOf(store.tables()[0]!)).toBe('incremental');
  });

  it('speaks for a table that was handed over, though nothing has moved since', () => {
    save();
    handedOver.add([syncing(records, 'a', 50)], at(100), trackerFrom(50));
    save();
    expect(stateOf(store.tables()[0]!)).toBe('incremental');
  });

  it('is not written again while nothing moves, until it is asked for', () => {
    save();
    const written = store.progress();
    store.saveProgress({ ...progress, checkpoint: at(77) });
    save();
    expect(store.progress()?.checkpoint).toEqual(at(77));
    saver.touch();
    save();
    expect(store.progress()).toEqual(written);
  });
});
