import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Work on rows beside the stream (repair, retry, re-creation) writes only what the task's tables own, as they are then. */

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query('CREATE DATABASE d; CREATE TABLE d.busy (id INT PRIMARY KEY)');
}, 120_000);
afterAll(() => replica.close());

type Task = ReturnType<Replica['task']>;
const following = (task: Task) => replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
const filled = (table: string) =>
  `CREATE TABLE ${table} (id INT PRIMARY KEY, v INT); INSERT INTO ${table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i FROM n`;
const isFollowed = (task: Task, source: string, rows: number) =>
  replica.until(task, ({ tables }) =>
    tables.some((one) => one.source === source && one.phase === 'incremental' && one.rows === rows),
  );

/** A repair that has planned its tables and stands at the first, which is locked; `work` is done to the second. */
async function repairAround(task: Task, work: () => Promise<void>) {
  const locker = await replica.mysql.connect();
  await locker.query('LOCK TABLES d.busy WRITE');
  const repairing = replica.engine.api.verify(task, { repair: true });
  await delay(1500);
  await work();
  await locker.query('UNLOCK TABLES');
  await locker.end();
  return repairing;
}

describe('rule 11: a repair', () => {
  it('compares a table as it is when its turn comes, though it was altered and loaded anew since it was planned', async () => {
    const { mysql } = replica;
    await mysql.query(filled('d.changing'));
    const task = replica.task({
      objects: [{ database: 'd', tables: [{ name: 'busy', rename: 'busy_1' }, { name: 'changing' }] }],
      ddl: { onChange: 'reload' },
    });
    await replica.start(task);
    await following(task);
    const report = await repairAround(task, async () => {
      await mysql.query('ALTER TABLE d.changing MODIFY v VARCHAR(20)');
      while (!replica.rows('changing').every(({ v }) => typeof v === 'string')) await delay(100);
      await isFollowed(task, 'd.changing', 300);
      await following(task);
    });
    expect(report).toMatchObject({ equal: true, compared: 300, repaired: 0 });
    expect(replica.rows('changing').filter(({ v }) => typeof v !== 'string')).toEqual([]);
    await replica.stop(task);
  }, 60_000);

  it('writes nothing by settings that the rows were not written with: of before an apply, or of an edited file', async () => {
    const { mysql } = replica;
    await mysql.query(filled('d.filtered'));
    const tables = (filter: string) => [
      {
        database: 'd',
        tables: [
          { name: 'busy', rename: 'busy_2' },
          { name: 'filtered', filter },
        ],
      },
    ];
    const task = replica.task({ objects: tables('v <= 100') });
    const applied = { ...task, objects: tables('v <= 200') } as Task;
    await replica.start(task);
    await following(task);
    const report = await repairAround(task, async () => {
      await replica.engine.api.applyChanges(applied);
      await isFollowed(task, 'd.filtered', 200);
      await following(task);
    });
    const refusal = {
      code: 'ROW-T106',
      message: expect.stringMatching(/^The settings of d.filtered/) as string,
    };
    expect(report).toMatchObject({ equal: false, repaired: 0, tables: [{}, { problem: refusal }] });
    expect(replica.rows('filtered')).toHaveLength(200);
    const edited = {
      ...applied,
      objects: [{ database: 'd', tables: [{ name: 'filtered', columns: { v: { rename: 'w' } } }] }],
    } as Task;
    expect(await replica.engine.api.verify(edited, { repair: true })).toMatchObject({
      repaired: 0,
      tables: [{ problem: refusal }],
    });
    expect(replica.rows('filtered').filter((row) => !('v' in row))).toEqual([]);
    await replica.stop(task);
  }, 90_000);

  it.each([true, false])(
    'leaves a table alone that was there before and is refused, running: %s',
    async (isRunning) => {
      const { mysql } = replica;
      const name = `theirs_${isRunning ? 1 : 2}`;
      await mysql.query(`CREATE TABLE d.${name} (id INT PRIMARY KEY, v INT); INSERT INTO d.${name} VALUES (1, 1), (2, 2);
        CREATE DATABASE ours_${name}; CREATE TABLE ours_${name}.first_of_${name} (id INT PRIMARY KEY)`);
      await replica.run(replica.task({ objects: [{ database: 'd', tables: [{ name }] }] }));
      const task = replica.task({ objects: [{ database: `ours_${name}` }] });
      await replica.start(task);
      await following(task);
      await mysql.query(
        `CREATE TABLE ours_${name}.${name} (id INT PRIMARY KEY, v INT); INSERT INTO ours_${name}.${name} VALUES (2, 77), (3, 3)`,
      );
      await replica.until(task, ({ tables }) => tables.some(({ problem }) => problem?.code === 'ROW-D105'));
      if (!isRunning) await replica.stop(task);
      const report = await replica.engine.api.verify(task, { repair: true });
      expect(report.repaired).toBe(0);
      expect(report.tables.find(({ source }) => source.endsWith(`.${name}`))).toMatchObject({
        problem: { code: 'ROW-D105' },
      });
      if (isRunning) await replica.stop(task);
      expect(replica.rows(name)).toEqual([
        { id: 1, v: 1 },
        { id: 2, v: 2 },
      ]);
    },
    60_000,
  );
});

it('rule 11: of two tables with one destination a repair and a retry write that which has it', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE c; CREATE DATABASE k; CREATE TABLE k.other (id INT PRIMARY KEY);
    CREATE TABLE c.other_2 (id INT PRIMARY KEY); CREATE TABLE c.t (id INT PRIMARY KEY, v BIGINT UNSIGNED)`);
  const task = replica.task({
    dirtyData: { policy: 'skip' },
    objects: [{ database: 'c' }, { database: 'k' }],
  });
  await replica.start(task);
  await following(task);
  await mysql.query('INSERT INTO c.t VALUES (1, 1), (5, 18446744073709551615)');
  await replica.caughtUp(task);
  await mysql.query('RENAME TABLE c.t TO k.t; UPDATE k.t SET v = 5 WHERE id = 5');
  await replica.until(task, ({ tables }) =>
    tables.some(({ source, phase }) => source === 'k.t' && phase === 'incremental'),
  );
  await mysql.query(
    'CREATE TABLE c.t (id INT PRIMARY KEY, v BIGINT UNSIGNED); INSERT INTO c.t VALUES (5, 777)',
  );
  await replica.until(task, ({ tables }) =>
    tables.some(({ source, problem }) => source === 'c.t' && problem?.code === 'ROW-T106'),
  );
  const right = [
    { id: 1, v: 1 },
    { id: 5, v: 5 },
  ];
  await replica.engine.api.retryDirty(task, {});
  expect(replica.rows('t')).toEqual(right);
  const report = await replica.engine.api.verify(task, { repair: true });
  expect(report.tables.find(({ source }) => source === 'c.t')).toMatchObject({
    problem: { code: 'ROW-T106' },
  });
  expect(report.tables.find(({ source }) => source === 'k.t')).toMatchObject({ compared: 2, different: 0 });
  expect(replica.rows('t')).toEqual(right);
  await replica.stop(task);
}, 60_000);

it('rule 11: a table that merges is not made anew: it may hold the rows of another task', async () => {
  const { mysql } = replica;
  await mysql.query('CREATE TABLE d.s1 (id INT PRIMARY KEY, v INT); INSERT INTO d.s1 VALUES (1, 1)');
  const task = replica.task({
    merge: true,
    objects: [{ database: 'd', tables: [{ name: 's1', rename: 'orders' }] }],
  });
  await replica.run(task);
  await expect(replica.engine.api.reload(task.id, 'd.s1', true)).rejects.toMatchObject({
    code: 'ROW-T106',
    message: expect.stringMatching(/orders may hold the rows of other tasks/) as string,
  });
}, 60_000);
