import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMysql } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Whose binlog is this? Numbers that begin again are not the transactions that were applied. */
describe('the history of the source', () => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica({ gtid: true });
    await replica.mysql.query('CREATE DATABASE o');
  }, 120_000);
  afterAll(() => replica?.close());

  const insert = async (table: string, from: number, count: number) => {
    for (let id = from; id < from + count; id++)
      await replica.mysql.query(`INSERT INTO o.${table} VALUES (${id}, 'x')`);
  };
  const made = async (table: string) => {
    await replica.mysql.query(`CREATE TABLE o.${table} (id INT PRIMARY KEY, v TEXT)`);
    await insert(table, 1, 5);
    const task = replica.task({ objects: [{ database: 'o', tables: [{ name: table }] }] });
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    return task;
  };
  const another = { state: 'failed', error: { code: 'ROW-S104' } };

  it('rule 1: a reset that is followed by more transactions is seen, with rows applied and without (D1)', async () => {
    for (const applied of [0, 3]) {
      const table = `reset${applied}`;
      const task = await made(table);
      await insert(table, 10, applied);
      if (applied) expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
      await replica.mysql.query('RESET BINARY LOGS AND GTIDS');
      await insert(table, 100, 80);
      expect(await replica.run(task)).toMatchObject(another);
    }
  });

  it('rule 1: a reset during the load, before the stream has ever begun, is seen (D1)', async () => {
    await replica.mysql.query('CREATE TABLE o.early (id INT PRIMARY KEY, v TEXT)');
    await insert('early', 1, 5);
    const task = replica.task({ objects: [{ database: 'o', tables: [{ name: 'early' }] }] });
    expect(await replica.run(task, { until: 'full' })).toMatchObject({ state: 'stopped' });
    await replica.mysql.query('RESET BINARY LOGS AND GTIDS');
    await insert('early', 100, 120);
    expect(await replica.run(task)).toMatchObject(another);
  });

  it('rule 1: another server in place of the source in the middle of the load is refused, and nothing is read there', async () => {
    const { chunk } = replica.timing;
    replica.timing.chunk = { bytes: 1, leastRows: 150, mostRows: 150 };
    const other = await startMysql({ gtid: true });
    const proxy = await TcpProxy.start(replica.mysql);
    const make = (v: string) =>
      `CREATE TABLE o.moved (id INT PRIMARY KEY, v TEXT);
       INSERT INTO o.moved WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 900) SELECT i, '${v}' FROM s`;
    await replica.mysql.query(make('ours'));
    await other.query(`CREATE DATABASE o; ${make('theirs')}`);
    const task = replica.task({
      objects: [{ database: 'o', tables: [{ name: 'moved' }] }],
      source: { host: '127.0.0.1', port: proxy.port, user: 'root' },
      write: { threads: 1 },
      throttle: { full: { queriesPerSecond: 3 } },
    });
    await replica.start(task, { until: 'full' });
    await replica.until(task, ({ rows: { full } }) => full > 0);
    await replica.stop(task);
    expect(replica.rows('moved').length).toBeLessThan(900);
    proxy.lead(other);
    expect(await replica.run(task, { until: 'full' })).toMatchObject(another);
    // A file that names it is refused by the precheck.
    const elsewhere = { ...task, source: { ...task.source, port: other.port } };
    await expect(replica.run(elsewhere, { until: 'full' })).rejects.toMatchObject({
      code: 'ROW-E102',
      message: expect.stringMatching(/start-position .*another server/) as string,
    });
    proxy.lead(replica.mysql);
    expect(await replica.run(task)).toMatchObject({ reached: true });
    expect(replica.rows('moved')).toHaveLength(900);
    expect(new Set(replica.rows('moved').map((row) => row['v']))).toEqual(new Set(['ours']));
    replica.timing.chunk = chunk;
    await proxy.stop();
    await other.stop();
  });

  it('rule 1: a reset while the task runs is seen when it connects again (D1)', async () => {
    const task = await made('running');
    await replica.start(task);
    await replica.until(task, (s) => s.caughtUp);
    await insert('running', 10, 3);
    await replica.caughtUp(task);
    const dumps = await replica.mysql.query<{ id: number }>(
      "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'",
    );
    const last = Number(/-(\d+)$/.exec((await replica.snapshot(task)).position!.gtidSet!)![1]);
    await replica.mysql.query('RESET BINARY LOGS AND GTIDS');
    // More of them than before.
    await insert('running', 100, last + 5);
    for (const { id } of dumps) await replica.mysql.query(`KILL ${id}`).catch(() => undefined);
    expect(await replica.ended(task)).toMatchObject(another);
  });

  it('goes on after a rotation, a purge of what was applied and a restart', async () => {
    const task = await made('lives');
    await insert('lives', 10, 3);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await replica.mysql.query('FLUSH BINARY LOGS');
    await insert('lives', 20, 1);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await replica.mysql.query('FLUSH BINARY LOGS');
    const logs = await replica.mysql.query<{ Log_name: string }>('SHOW BINARY LOGS');
    await replica.mysql.query(`PURGE BINARY LOGS TO '${logs.at(-1)!.Log_name}'`);
    await insert('lives', 21, 1);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await replica.mysql.restart();
    await insert('lives', 22, 1);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect(replica.rows('lives')).toHaveLength(11);
  });
});
