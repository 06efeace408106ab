import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { differingKeys, settingsDigest } from '../../src/shared/settings-digest.js';
import { Replication } from '../../src/sync/run/replication.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What changes of a task while it runs, when two changes meet: none of them takes another back. */

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query(
    'CREATE DATABASE shop; CREATE TABLE shop.here (id INT PRIMARY KEY); CREATE TABLE shop.told (id INT PRIMARY KEY); CREATE TABLE shop.told_late (id INT PRIMARY KEY); CREATE TABLE shop.beside (id INT PRIMARY KEY); CREATE TABLE shop.late (id INT PRIMARY KEY); CREATE TABLE shop.refused (id INT PRIMARY KEY)',
  );
}, 60_000);
afterAll(() => replica?.close());
afterEach(async () => {
  vi.restoreAllMocks();
  replica.store.faults.set([]);
  await replica.stopAll();
});

const objects = (...names: string[]) => [{ database: 'shop', tables: names.map((name) => ({ name })) }];

describe('settings of a running task', () => {
  it('are told by marks, by which a client sees what its file has otherwise', async () => {
    const { engine } = replica;
    const task = replica.task({ objects: objects('told') });
    const differing = async (file: typeof task) =>
      differingKeys(settingsDigest(file), (await replica.snapshot(task)).settings ?? {});
    await replica.start(task);
    await replica.caughtUp(task);
    expect(await differing(task)).toEqual([]);
    const throttle = { ...task.throttle, incremental: { ...task.throttle.incremental, rowsPerSecond: 5000 } };
    const { objects: both } = replica.task({ objects: objects('told', 'told_late') });
    const changed = { ...task, objects: both, throttle, conflict: 'ignore' as const };
    expect((await differing(changed)).sort()).toEqual(['conflict', 'objects', 'throttle']);
    await engine.api.tune(task.id, { throttle });
    expect((await differing(changed)).sort()).toEqual(['conflict', 'objects']);
    await engine.api.applyChanges(changed);
    expect(await differing(changed)).toEqual(['conflict']);
    await replica.stop(task);
    expect((await replica.snapshot(task)).settings).toBeUndefined();
    await replica.start(changed);
    expect(await differing(changed)).toEqual([]);
  }, 60_000);

  it('keep a tuning that is made while other tables are applied', async () => {
    const { mysql, store, engine } = replica;
    const task = replica.task({ objects: objects('here') });
    await replica.start(task);
    await replica.caughtUp(task);
    // Nothing is carried out before what is queued has gone out.
    store.faults.set([{ operation: 'BulkImport', kind: 'error', code: 'OTSServerBusy' }]);
    await mysql.query('INSERT INTO shop.here VALUES (1)');
    await replica.until(task, ({ retry }) => retry !== undefined);
    const carriedOut = vi.spyOn(Replication.prototype, 'change');
    const applied = engine.api.applyChanges({ ...task, objects: objects('here', 'late') } as typeof task);
    await vi.waitFor(() => expect(carriedOut).toHaveBeenCalled(), 10_000);
    await engine.api.tune(task.id, { class: 'micro', write: { threads: 7 } });
    store.faults.set([]);
    await applied;
    const { tuning } = await replica.until(task, ({ caughtUp, tables }) => caughtUp && tables.length === 2);
    expect(tuning).toMatchObject({ class: 'micro', write: { threads: 7 } });
  }, 60_000);

  it('reach tables that are on their way: a window that becomes shorter holds for them, too', async () => {
    const { store, engine } = replica;
    const patient = replica.task({
      objects: objects('here'),
      conflict: 'ignore',
      retry: { connectionMinutes: 600, otherMinutes: 300 },
    });
    const hasty = {
      ...replica.task({ objects: objects('beside') }),
      retry: { connectionMinutes: 1, otherMinutes: 1 / 60 },
    };
    await replica.run(hasty);
    await replica.start(patient);
    await replica.caughtUp(patient);
    store.faults.set([
      { operation: 'CreateTable', kind: 'error', code: 'OTSInternalServerError', times: 1e6 },
    ]);
    await engine.api.applyChanges({ ...patient, objects: objects('here', 'refused') } as typeof patient);
    await vi.waitFor(() => expect(store.faults.list()[0]!.remaining).toBeLessThan(1e6), 10_000);
    // It shares both servers, so that from now on the patient one waits no longer than it. A tuning changes nothing of that.
    await replica.start(hasty);
    await engine.api.tune(patient.id, { write: { threads: 3 } });
    const { tables } = await replica.until(patient, (one) =>
      one.tables.some(({ phase }) => phase === 'stopped'),
    );
    expect(tables.find(({ phase }) => phase === 'stopped')).toMatchObject({
      source: 'shop.refused',
      problem: { code: 'ROW-D109' },
    });
  }, 60_000);
});
