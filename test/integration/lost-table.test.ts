import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { createTable, deleteTable } from '../../src/tablestore/client/operations.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Destination tables that somebody deletes, or makes again with another key, under a task. */
describe('a destination table that is lost', () => {
  let replica: Replica;
  let client: TablestoreClient;
  beforeAll(async () => {
    replica = await startReplica();
    await replica.mysql.query('CREATE DATABASE d');
    const { url, instance, accessKeyId, accessKeySecret } = replica.store;
    client = new TablestoreClient({ endpoint: url, instance, accessKeyId, accessKeySecret });
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await replica?.close();
  });

  const objects = (...names: string[]) => [{ database: 'd', tables: names.map((name) => ({ name })) }];
  const create = (name: string, rows = 3) =>
    replica.mysql.query(
      `CREATE TABLE d.${name} (id INT PRIMARY KEY, v INT);
       INSERT INTO d.${name} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
         SELECT /*+ SET_VAR(cte_max_recursion_depth = 1000000) */ i, i FROM n`,
    );
  async function following(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
    const task = replica.task(file);
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    return task;
  }
  const tableOf = async (task: ResolvedTask, source: string) =>
    (await replica.snapshot(task)).tables.find((table) => table.source === source);
  const stops = (task: ResolvedTask, source: string, code: string) =>
    replica.until(task, ({ tables }) =>
      tables.some((one) => one.source === source && one.phase === 'stopped' && one.problem?.code === code),
    );
  async function comesBack(task: ResolvedTask, source: string): Promise<void> {
    await replica.engine.api.reload(task.id, source, true);
    await replica.until(task, ({ tables }) => tables.every(({ phase }) => phase === 'incremental'));
    await replica.caughtUp(task);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
  }

  it('stops by name when its rows have nowhere to go; the others go on, and a reload brings it back (E6)', async () => {
    const { mysql } = replica;
    await Promise.all([create('gone'), create('calm')]);
    const task = await following({ objects: objects('gone', 'calm') });
    await deleteTable(client, 'gone');
    await mysql.query(`BEGIN; INSERT INTO d.calm VALUES (10, 10); INSERT INTO d.gone VALUES (10, 10), (11, 11);
      UPDATE d.gone SET v = 5; INSERT INTO d.calm VALUES (11, 11); COMMIT`);
    await mysql.query('DELETE FROM d.gone WHERE id = 1');
    await stops(task, 'd.gone', 'ROW-D110');
    await replica.caughtUp(task);
    expect(replica.rows('calm')).toHaveLength(5);
    const stopped = await tableOf(task, 'd.gone');
    expect(stopped!.problem!.message).toBe('The destination table gone no longer exists.');
    expect(stopped!.problem!.remedy).toContain('rowferry reload TASK --table d.gone --remake');
    expect((await replica.snapshot(task)).dirty).toBe(0);
    expect((await replica.verify(task)).tables).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ source: 'd.gone', problem: expect.objectContaining({ code: 'ROW-D110' }) }),
        expect.objectContaining({ source: 'd.calm', different: 0, missing: 0, extra: 0 }),
      ]),
    );
    // Also across a restart.
    await replica.stop(task);
    await replica.start(task);
    await mysql.query('INSERT INTO d.calm VALUES (12, 12); INSERT INTO d.gone VALUES (12, 12)');
    await replica.caughtUp(task);
    await comesBack(task, 'd.gone');
    expect(replica.rows('gone')).toHaveLength(5);
    await replica.stop(task);
  }, 90_000);

  it('stops when it was made again with another key, without a dirty row', async () => {
    const { mysql } = replica;
    await Promise.all([create('rekeyed'), create('calm2')]);
    const task = await following({ objects: objects('rekeyed', 'calm2'), dirtyData: { policy: 'skip' } });
    await deleteTable(client, 'rekeyed');
    await createTable(client, {
      name: 'rekeyed',
      keys: [{ name: 'code', type: 'STRING' }],
      timeToLive: -1,
      maxVersions: 1,
      reservedRead: 0,
      reservedWrite: 0,
    });
    await mysql.query('UPDATE d.rekeyed SET v = v + 1; INSERT INTO d.calm2 VALUES (10, 10)');
    await stops(task, 'd.rekeyed', 'ROW-D106');
    await replica.caughtUp(task);
    expect(replica.rows('calm2')).toHaveLength(4);
    expect((await tableOf(task, 'd.rekeyed'))!.problem!.message).toContain(
      '(code STRING) instead of (id INTEGER)',
    );
    expect((await replica.snapshot(task)).dirty).toBe(0);
    await comesBack(task, 'd.rekeyed');
    await replica.stop(task);
  }, 90_000);

  it('stops in the full load, which goes on with the others', async () => {
    await Promise.all([create('early', 6000), create('other', 2000)]);
    const task = replica.task({
      objects: objects('early', 'other'),
      throttle: { full: { rowsPerSecond: 2000 } },
    });
    await replica.start(task);
    await replica.until(task, ({ rows }) => rows.full > 500);
    await deleteTable(client, 'early');
    await stops(task, 'd.early', 'ROW-D110');
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp, 60_000);
    expect(replica.rows('other')).toHaveLength(2000);
    await comesBack(task, 'd.early');
    await replica.stop(task);
  }, 120_000);

  it('stops while it is loaded anew, and when a TRUNCATE has to delete its rows', async () => {
    const { mysql, engine } = replica;
    await Promise.all([create('again', 6000), create('cut'), create('calm3')]);
    const task = await following({
      objects: objects('again', 'cut', 'calm3'),
      ddl: { truncate: 'delete' },
      throttle: { full: { rowsPerSecond: 2000 } },
    });
    await engine.api.reload(task.id, 'd.again', false);
    await replica.until(task, ({ tables }) =>
      tables.some(({ source, phase, rows }) => source === 'd.again' && phase === 'full' && rows > 0),
    );
    await deleteTable(client, 'again');
    await stops(task, 'd.again', 'ROW-D110');
    await deleteTable(client, 'cut');
    await mysql.query('TRUNCATE d.cut; INSERT INTO d.calm3 VALUES (10, 10)');
    await stops(task, 'd.cut', 'ROW-D110');
    await replica.caughtUp(task);
    expect(replica.rows('calm3')).toHaveLength(4);
    await engine.api.reload(task.id, 'd.again', true);
    await comesBack(task, 'd.cut');
    await replica.stop(task);
  }, 120_000);
});
