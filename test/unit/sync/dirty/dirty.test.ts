import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineStore } from '../../../../src/engine/store/engine-store.js';
import { SqliteTaskStore } from '../../../../src/engine/store/task-store.js';
import type { ResolvedTask } from '../../../../src/shared/task.js';
import { DirtyData, refusedIdentity } from '../../../../src/sync/dirty/dirty.js';
import type { TablePlan } from '../../../../src/sync/mapping/plan.js';
import type { RowChange } from '../../../../src/tablestore/client/model.js';
import { prepareName, RowWriter } from '../../../../src/tablestore/wire/row-writer.js';

const plan = { source: 'd.t', destination: 't', key: [], attributes: [{}, {}] } as unknown as TablePlan;
const at = (offset: number) => ({
  name: `binlog.1:${offset}`,
  begins: { file: 'binlog.1', offset },
  branch: null,
});
const writer = new RowWriter();

function change(id: string, op: RowChange['op'] = 'put'): RowChange {
  writer.reset();
  writer.beginRow();
  writer.key(prepareName('id')).text(id);
  writer.attribute(prepareName('v')).text('x');
  writer.endRow(false);
  return {
    table: 't',
    op,
    key: writer.rowKey(),
    row: writer.copyRow(),
    dataBytes: 1,
  } as unknown as RowChange;
}

describe('the record of a dirty row', () => {
  let dir: string;
  let engine: EngineStore;
  let store: SqliteTaskStore;
  let dirty: DirtyData;
  const open = (maxMegabytes = 100) => {
    const dirtyData = { policy: 'skip', mask: [], keepDays: 30, maxMegabytes };
    dirty = new DirtyData(store, { dirtyData, etl: '' } as unknown as ResolvedTask, {
      warn: () => undefined,
    });
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rowferry-dirty-'));
    engine = EngineStore.open(join(dir, 'store.db'));
    store = new SqliteTaskStore(engine.database, 'a');
    open();
  });
  afterEach(() => {
    engine.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const record = (id: string, offset: number | null, identity = `d.t binlog.1:${offset} 0`) =>
    dirty.record({
      plan,
      identity,
      operation: 'UPDATE',
      code: 'ROW-V101',
      message: '',
      position: offset === null ? null : at(offset).begins,
      sourceRow: new Map(),
      key: change(id).key,
    });
  const wrote = (id: string, offset: number, op: RowChange['op'] = 'put', branch: string | null = null) => {
    dirty.wrote(plan, change(id, op), { ...at(offset), branch });
    dirty.endOvertaken();
  };

  it('is deleted past the limits, when few come at a time as when many do', () => {
    open(0.05);
    for (let row = 0; row < 1000; row++) {
      record(String(row), row);
      // As the clock does it.
      store.storeDirty(Infinity);
    }
    expect(store.dirtyCount()).toBeGreaterThan(100);
    expect(store.dirtyCount()).toBeLessThan(600);
  });

  it('ends with a newer change of its row alone, over runs too', () => {
    record('1', 50);
    record('2', null);
    open();
    wrote('3', 90);
    wrote('1', 40);
    wrote('1', 50);
    expect(store.dirtyCount()).toBe(2);
    wrote('1', 60);
    expect(store.dirtyCount()).toBe(1);
    wrote('2', 10);
    expect(store.dirtyCount()).toBe(0);
  });

  it('stays while the row is not there as a whole, and when it is of the branch that is committed', () => {
    record('1', 50);
    wrote('1', 60, 'update');
    wrote('1', 60, 'put', at(50).name);
    expect(store.dirtyCount()).toBe(1);
    wrote('1', 60, 'put', at(40).name);
    expect(store.dirtyCount()).toBe(0);
  });

  it('within a transaction: a refused row by what is answered after it, another by what is read after it', () => {
    record('1', 50, refusedIdentity('d.t', at(50), change('1').key));
    wrote('1', 50);
    expect(store.dirtyCount()).toBe(0);
    record('1', 50);
    record('1', 70);
    dirty.overtakes(plan, change('1'), at(50));
    expect(store.openDirty('d.t', [keyHash()]).map(({ position }) => position)).toEqual([at(70).begins]);
  });

  it('within a transaction: what was written before the refusal does not end it, whenever that is looked at', () => {
    dirty.wrote(plan, change('1'), at(50));
    record('9', 10);
    dirty.wrote(plan, change('1'), at(50));
    record('1', 50, refusedIdentity('d.t', at(50), change('1').key));
    dirty.endOvertaken();
    expect(store.dirtyCount()).toBe(2);
  });

  const keyHash = () => {
    store.storeDirty(Infinity);
    return engine.database.get<{ key_hash: string }>('SELECT key_hash FROM dirty LIMIT 1')!.key_hash;
  };
});
