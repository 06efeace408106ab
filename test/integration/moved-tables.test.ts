import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What a task has put into a destination is known when another of its tables comes there, or the same one again. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query('CREATE DATABASE d; CREATE DATABASE e');
}, 60_000);
afterAll(() => replica?.close());

const table = async (name: string, ...rows: [number, number][]) =>
  replica.mysql.query(
    `CREATE TABLE ${name} (id INT PRIMARY KEY, v INT); INSERT INTO ${name} VALUES ${rows.map((row) => `(${row.join()})`).join()}`,
  );
const selecting = (...tables: [database: string, name: string, rename?: string][]) =>
  tables.map(([database, name, rename]) => ({ database, tables: [{ name, ...(rename && { rename }) }] }));
const withObjects = (task: ResolvedTask, objects: unknown[]) => ({ ...task, objects }) as ResolvedTask;
const values = (name: string) => replica.rows(name).map(({ id, v }) => [id, v]);

/** Runs to the end of the stream, and is a copy then. */
async function copies(task: ResolvedTask) {
  expect(await replica.run(task)).toMatchObject({ reached: true });
  const { tables } = await replica.snapshot(task);
  expect(tables.map(({ phase }) => phase)).toEqual(tables.map(() => 'incremental'));
  expect(await replica.verify(task)).toMatchObject({ equal: true });
}

it.each(['report', 'ignore'])(
  'a table takes the destination of one that left the file (%s)',
  async (conflict) => {
    const [d, e] = [`d.f_${conflict}`, `e.f_${conflict}`];
    const name = `f_${conflict}`;
    await table(d, [1, 1], [2, 2]);
    await table(e, [2, 20], [6, 6]);
    const task = replica.task({ objects: selecting(['d', name]), conflict });
    await copies(task);
    const other = withObjects(task, selecting(['e', name]));
    await copies(other);
    expect(values(name)).toEqual([
      [2, 20],
      [6, 6],
    ]);
    // Back again, while it runs.
    await replica.start(other);
    await replica.caughtUp(other);
    await replica.engine.api.applyChanges(task);
    await replica.mysql.query(`INSERT INTO ${d} VALUES (3, 3)`);
    await replica.caughtUp(task);
    expect(values(name)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    await replica.stop(task);
  },
  60_000,
);

it('a table takes the destination of one that was dropped and left the file', async () => {
  await table('d.c', [1, 1], [2, 2]);
  const task = replica.task({ objects: selecting(['d', 'c']) });
  await copies(task);
  await replica.mysql.query('DROP TABLE d.c');
  await table('d.c_v2', [2, 20], [3, 3]);
  await copies(withObjects(task, selecting(['d', 'c_v2', 'c'])));
  expect(values('c')).toEqual([
    [2, 20],
    [3, 3],
  ]);
}, 60_000);

it.each(['report', 'ignore'])(
  'tables swap their destinations, and back (%s)',
  async (conflict) => {
    const [one, two, a, b] = ['one', 'two', 'a', 'b'].map((name) => `${name}_${conflict}`) as [
      string,
      string,
      string,
      string,
    ];
    await table(`d.${one}`, [1, 1], [2, 2]);
    await table(`d.${two}`, [2, 20], [3, 30]);
    const straight = selecting(['d', one, a], ['d', two, b]);
    const crossed = selecting(['d', one, b], ['d', two, a]);
    const task = replica.task({ objects: straight, conflict });
    await copies(task);
    await replica.mysql.query(`UPDATE d.${one} SET v = 100 WHERE id = 1`);
    await copies(withObjects(task, crossed));
    await copies(task);
    await replica.start(task);
    await replica.caughtUp(task);
    await replica.engine.api.applyChanges(withObjects(task, crossed));
    await replica.caughtUp(task);
    await replica.stop(task);
    expect(values(b)).toEqual([
      [1, 100],
      [2, 2],
    ]);
    expect(values(a)).toEqual([
      [2, 20],
      [3, 30],
    ]);
  },
  60_000,
);

it.each(['report', 'ignore'])(
  'a table goes to another destination, and comes back (%s)',
  async (conflict) => {
    const [name, renamed] = [`r_${conflict}`, `rz_${conflict}`];
    await table(`d.${name}`, [1, 1], [2, 2]);
    const task = replica.task({ objects: selecting(['d', name]), conflict });
    await copies(task);
    await copies(withObjects(task, selecting(['d', name, renamed])));
    await replica.mysql.query(
      `UPDATE d.${name} SET v = 100 WHERE id = 1; DELETE FROM d.${name} WHERE id = 2`,
    );
    await copies(task);
    expect(values(name)).toEqual([[1, 100]]);
    // It is known for the task's own, so that it may be made anew.
    await replica.engine.api.reload(task.id, `d.${name}`, true);
    await copies(task);
  },
  60_000,
);

it('a table that is somebody else’s is refused, and its own comes back when that is undone', async () => {
  await table('d.foreign', [90, 90]);
  await table('d.own', [1, 1]);
  await copies(replica.task({ objects: selecting(['d', 'foreign']) }));
  const task = replica.task({ objects: selecting(['d', 'own']) });
  await copies(task);
  await replica.run(withObjects(task, selecting(['d', 'own', 'foreign'])));
  const { tables } = await replica.snapshot(task);
  expect(tables[0]).toMatchObject({ phase: 'stopped', problem: { code: 'ROW-D105' } });
  expect(values('foreign')).toEqual([[90, 90]]);
  await copies(task);
}, 60_000);

it('a table of a merge that was taken out and put in again has no rows of before', async () => {
  await table('d.m1', [1, 1], [2, 2]);
  await table('d.m2', [1, 10], [2, 20]);
  const both = selecting(['d', 'm1', 'm'], ['d', 'm2', 'm']);
  const task = replica.task({ objects: both, merge: true });
  await copies(task);
  const first = withObjects(task, selecting(['d', 'm1', 'm']));
  await copies(first);
  await replica.mysql.query('DELETE FROM d.m2 WHERE id = 1; UPDATE d.m2 SET v = 21');
  await copies(first);
  await copies(task);
  expect(values('m')).toEqual([
    [1, 1],
    [2, 2],
    [2, 21],
  ]);
  await replica.start(task);
  await replica.caughtUp(task);
  await replica.engine.api.applyChanges(first);
  await replica.mysql.query('DELETE FROM d.m2; INSERT INTO d.m2 VALUES (5, 5)');
  await replica.caughtUp(task);
  await replica.engine.api.applyChanges(task);
  await replica.caughtUp(task);
  await replica.stop(task);
  expect(values('m')).toEqual([
    [1, 1],
    [2, 2],
    [5, 5],
  ]);
}, 60_000);

it('in another instance nothing is taken for the task’s own', async () => {
  const home = mkdtempSync(join(tmpdir(), 'rowferry-other-'));
  const other = await startLocalTablestore({ data: home, instance: 'other' });
  const { url: endpoint, instance, accessKeyId, accessKeySecret } = other;
  const destination = { endpoint, instance, accessKeyId, accessKeySecret };
  try {
    await table('d.a', [1, 1], [2, 2]);
    await table('e.a', [1, 91], [90, 90]);
    const somebody = replica.task({ objects: selecting(['e', 'a']), destination });
    await copies(somebody);
    const task = replica.task({ objects: selecting(['d', 'a']) });
    await copies(task);
    const moved = { ...task, destination: { ...task.destination, ...destination } };
    const refused = await replica.run(moved);
    expect(refused).toMatchObject({ state: 'failed', error: { code: 'ROW-T106' } });
    const item = async () =>
      (await replica.engine.api.check(moved)).results.find(({ id }) => id === 'destination-tables');
    expect(await item()).toMatchObject({
      status: 'fail',
      actual: refused.error!.message,
      fix: refused.error!.remedy,
    });
    await replica.engine.api.reset(task.id);
    expect(await item()).toMatchObject({
      status: 'fail',
      actual: expect.stringContaining('already exist: a') as string,
    });
    await expect(replica.run(moved)).rejects.toMatchObject({ code: 'ROW-E102' });
    expect(await replica.verify(somebody)).toMatchObject({ equal: true });
    // It has not gone there: what it made before is still its own.
    await copies(task);
  } finally {
    await other.close();
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);

it('a full load that is chosen later loads what none had loaded', async () => {
  await table('d.l', [1, 1], [2, 2]);
  const task = replica.task({
    objects: selecting(['d', 'l']),
    synchronization: { full: false },
    startPosition: 'now',
  });
  await replica.run(task);
  await replica.mysql.query('INSERT INTO d.l VALUES (3, 3)');
  await replica.run(task);
  // While the file says so, nothing of before is loaded.
  await replica.run(task);
  expect(values('l')).toEqual([[3, 3]]);
  const full: ResolvedTask = {
    ...task,
    synchronization: { ...task.synchronization, full: true },
    startPosition: null,
  };
  await replica.start(task);
  await replica.caughtUp(task);
  expect(await replica.engine.api.planChanges(full)).toMatchObject({ reloadedAtNextStart: ['d.l'] });
  await replica.stop(task);
  await copies(full);
  expect(values('l')).toHaveLength(3);
  await replica.mysql.query('SET sql_log_bin = 0; UPDATE d.l SET v = -v; SET sql_log_bin = 1');
  // Once.
  await replica.run(full);
  expect(values('l')[0]).toEqual([1, 1]);
}, 60_000);

it('a load that has begun comes to its end when the file asks for none any more', async () => {
  await table('d.h', ...Array.from({ length: 3000 }, (_, id): [number, number] => [id, id]));
  const task = replica.task({
    objects: selecting(['d', 'h']),
    throttle: { full: { rowsPerSecond: 200 } },
  });
  await replica.start(task);
  await replica.until(task, ({ tables }) => (tables[0]?.rows ?? 0) > 0);
  await replica.stop(task);
  expect(values('h').length).toBeLessThan(3000);
  const none: ResolvedTask = {
    ...task,
    synchronization: { ...task.synchronization, full: false },
    throttle: { ...task.throttle, full: { ...task.throttle.full, rowsPerSecond: null } },
  };
  await copies(none);
  expect(values('h')).toHaveLength(3000);
}, 60_000);
