import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Database } from '../../../../src/engine/store/database.js';
import { migrations } from '../../../../src/engine/store/migrations.js';
import { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import type { RowChange } from '../../../../src/tablestore/client/model.js';
import type { SourcePosition } from '../../../../src/shared/position.js';
import { CheckpointTracker, type Transaction } from '../../../../src/sync/state/checkpoint.js';
import type { TableRecords } from '../../../../src/sync/state/table-records.js';
import type { TableRecord } from '../../../../src/sync/state/task-store.js';

/** What the tests of the incremental phase share: the engine's own store, and trackers that are driven by hand. */

let tasks = 0;

/** Call once in a test file. Gives a store for each test, of a task of its own. */
export function stores(): () => SqliteTaskStore {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-incremental-'));
  const database = Database.open(join(folder, 'store.db'), migrations);
  afterAll(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return () => new SqliteTaskStore(database, `t${++tasks}`);
}

export const at = (offset: number): SourcePosition => ({ file: 'b.1', offset });

export const trackerFrom = (offset: number) =>
  new CheckpointTracker(at(offset), {
    written: () => null,
    uncounted: () => undefined,
    rejected: () => undefined,
  });

/** A transaction up to `end` with a row on its way; `passed` runs with the checkpoint that passes it. */
export function transaction(tracker: CheckpointTracker, end: number, passed?: () => void): Transaction {
  const made = tracker.begin(0, String(end));
  made.expect();
  if (passed) made.onPassed.push(passed);
  made.seal(at(end));
  return made;
}

export function acknowledge(owner: Transaction): void {
  const change: RowChange = {
    table: 't',
    op: 'put',
    key: 'k',
    row: Buffer.alloc(0),
    dataBytes: 0,
    owner,
    tag: 0,
  };
  owner.acknowledged(change);
}

/** A table that is loaded and catches up beside the stream, from its own position `from` on. */
export function syncing(records: TableRecords, source: string, from: number): TableRecord {
  records.begin({
    source,
    destination: source,
    phase: 'schema',
    created: false,
    rows: 0,
    kept: 0,
    definition: {
      database: 'd',
      name: source,
      columns: [],
      keys: [],
      engine: '',
      averageRowBytes: 0,
      estimatedRows: 0,
    },
    textDefaults: { charset: null, collation: null },
    from: at(from),
  });
  records.step(source, { step: 'created', isOwn: true, sweep: false, isLoaded: false });
  records.step(source, { step: 'loaded' });
  return records.get(source);
}
