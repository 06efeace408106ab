import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';

/** A source with a further host, a real replica of it that lags: what it still shows is not written over newer rows. */
let first: Replica;
let second: MysqlServer;

beforeAll(async () => {
  [first, second] = await Promise.all([
    startReplica({ gtid: true, args: ['--server-id=1'] }),
    startMysql({ gtid: true, args: ['--server-id=2', '--log-replica-updates=ON'] }),
  ]);
  first.timing.chunk = { bytes: 1, leastRows: 20, mostRows: 20 };
  await first.mysql.query(`
    CREATE DATABASE shop; CREATE USER repl@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl@'%';
    CREATE USER sync@'%'; GRANT ALL ON *.* TO sync@'%'`);
  await second.query(`
    CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${first.mysql.port}, SOURCE_USER='repl',
      SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=0;
    START REPLICA`);
}, 120_000);
afterAll(async () => {
  await Promise.all([first?.close(), second?.stop()]);
});

const source = () => ({
  host: '127.0.0.1',
  port: first.mysql.port,
  user: 'sync',
  hosts: [`127.0.0.1:${second.port}`],
});
const following = (now: TaskSnapshot) =>
  now.state === 'running' && now.phase === 'incremental' && now.caughtUp;
const lags = ({ state, retry }: TaskSnapshot) =>
  state === 'retrying' && retry!.error.code === 'ROW-S107' && /lags behind/.test(retry!.error.message);

const executed = async (server: MysqlServer) =>
  (await server.query<{ set: string }>('SELECT @@gtid_executed AS `set`'))[0]!.set;
async function replicated(): Promise<void> {
  const [row] = await second.query(
    `SELECT WAIT_FOR_EXECUTED_GTID_SET('${await executed(first.mysql)}', 20) AS isLate`,
  );
  expect(row).toEqual({ isLate: 0 });
}
/** The second server keeps what comes from now on, and does not apply it. */
const lag = () => second.query('STOP REPLICA SQL_THREAD');
const catchUp = () => second.query('START REPLICA SQL_THREAD');
/** Everything of the first server is at the second, applied or not. */
async function received(): Promise<void> {
  const wanted = await executed(first.mysql);
  for (const untilMs = Date.now() + 20_000; Date.now() < untilMs; await delay(20)) {
    const [row] = await second.query<{ isThere: number }>(
      `SELECT GTID_SUBSET('${wanted}', CONCAT(RECEIVED_TRANSACTION_SET, ',', @@gtid_executed)) AS isThere
         FROM performance_schema.replication_connection_status`,
    );
    if (row!.isThere === 1) return;
  }
  throw new Error('the replica does not receive');
}
/** The first server goes on with the sessions that it has, and lets nobody else in. */
const refuse = (how: 'LOCK' | 'UNLOCK') =>
  first.mysql.query(`SET sql_log_bin = 0; ALTER USER sync@'%' ACCOUNT ${how}; SET sql_log_bin = 1`);

beforeEach(async () => {
  await first.mysql.restart();
  await second.query('START REPLICA');
  await replicated();
});

async function loadedInPart(table: string) {
  const { mysql } = first;
  await mysql.query(`
    CREATE TABLE shop.${table} (id INT PRIMARY KEY, n INT);
    INSERT INTO shop.${table} WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 400) SELECT i, 1 FROM s`);
  await replicated();
  await lag();
  await mysql.query(`UPDATE shop.${table} SET n = 2`);
  await received();
  const task = first.task({
    objects: [{ database: 'shop', tables: [{ name: table }] }],
    source: source(),
    write: { threads: 2 },
    throttle: { full: { queriesPerSecond: 8 } },
  });
  await first.start(task, {});
  await first.until(task, ({ rows }) => rows.full > 0);
  return task;
}
const numbers = (table: string) => [...new Set(first.rows(table).map((row) => row['n']))];

it('rule 27: a load goes on at a further host once that has what was there when the load began', async () => {
  const task = await loadedInPart('load_on');
  await first.mysql.kill();
  await first.until(task, (now) => lags(now) && now.retry!.attempt > 1, 60_000);
  const { rows } = await first.snapshot(task);
  expect(rows.full).toBeLessThan(400);
  expect(numbers('load_on')).toEqual([2]);
  await catchUp();
  await first.until(task, following, 60_000);
  expect(first.rows('load_on')).toEqual(await second.query('SELECT id, n FROM shop.load_on ORDER BY id'));
  expect(numbers('load_on')).toEqual([2]);
  await first.stop(task);
}, 120_000);

it('rule 27: nor does a run read its chunks at one while the first server only refuses further sessions', async () => {
  const task = await loadedInPart('refused');
  await refuse('LOCK');
  await first.until(task, lags, 30_000);
  expect(numbers('refused')).toEqual([2]);
  await refuse('UNLOCK');
  await first.until(task, following, 60_000);
  expect(first.rows('refused')).toHaveLength(400);
  expect(numbers('refused')).toEqual([2]);
  await first.stop(task);
}, 120_000);

it('rule 27: a dirty row is tried again, and a table verified and repaired, by rows that are not older', async () => {
  const { mysql } = first;
  const { api } = first.engine;
  await mysql.query(
    `CREATE TABLE shop.looked (id INT PRIMARY KEY, t LONGTEXT); INSERT INTO shop.looked VALUES (1, 'one')`,
  );
  await replicated();
  await lag();
  const task = first.task({
    objects: [{ database: 'shop', tables: [{ name: 'looked' }] }],
    source: source(),
    dirtyData: 'skip',
  });
  await first.start(task, {});
  await first.until(task, following, 30_000);
  await mysql.query(
    `UPDATE shop.looked SET t = 'three'; UPDATE shop.looked SET t = REPEAT('x', 3000000); INSERT INTO shop.looked VALUES (2, 'two')`,
  );
  await received();
  await first.caughtUp(task);
  const newest = [
    { id: 1, t: 'three' },
    { id: 2, t: 'two' },
  ];
  expect((await first.snapshot(task)).dirty).toBe(1);
  const refused = async () => {
    await expect(api.retryDirty(task, {})).rejects.toMatchObject({
      code: 'ROW-S107',
      message: expect.stringMatching(/lags behind/) as string,
    });
    await expect(first.verify(task)).rejects.toMatchObject({ code: 'ROW-S107' });
    await expect(first.verify(task, { repair: true })).rejects.toMatchObject({ code: 'ROW-S107' });
    expect(first.rows('looked')).toEqual(newest);
  };
  // While the task runs, by what its stream has read.
  await refuse('LOCK');
  await refused();
  await refuse('UNLOCK');
  await first.stop(task);
  // And by the checkpoint.
  await mysql.kill();
  await refused();
  const { results } = await api.check(task);
  expect(results.find(({ id }) => id === 'start-position')).toMatchObject({
    status: 'fail',
    actual: expect.stringMatching(/lags behind/) as string,
  });
  await catchUp();
  // As it is now it is too long.
  expect(await api.retryDirty(task, {})).toBe(0);
  expect(await first.verify(task, { repair: true })).toMatchObject({ equal: true, repaired: 0 });
  expect(first.rows('looked')).toEqual(newest);
}, 120_000);
