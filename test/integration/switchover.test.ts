import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Two real MySQLs, real replication: transactions of several servers, and a source that dies. */
let first: Replica;
let second: MysqlServer;
const objects = [{ database: 'shop' }];
const renamed = (rename: string) => [{ database: 'shop', tables: [{ name: 't', rename }] }];

beforeAll(async () => {
  [first, second] = await Promise.all([
    startReplica({ gtid: true, args: ['--server-id=1'] }),
    startMysql({ gtid: true, args: ['--server-id=2', '--log-replica-updates=ON'] }),
  ]);
  await first.mysql.query(`
    CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, n INT); INSERT INTO shop.t VALUES (1, 1);
    CREATE USER repl@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'`);
  await second.query(`
    CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${first.mysql.port}, SOURCE_USER='repl',
      SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1;
    START REPLICA`);
  await replicated();
}, 120_000);
afterAll(async () => {
  await Promise.all([first?.close(), second?.stop()]);
});

const following = (now: TaskSnapshot) => now.phase === 'incremental' && now.caughtUp;
const ids = (table: string) => first.rows(table).map((row) => row['id']);
const source = (port: number) => ({ host: '127.0.0.1', port, user: 'root' });

/** The second server has everything that the first has. */
async function replicated(): Promise<void> {
  const [row] = await first.mysql.query<{ executed: string }>('SELECT @@gtid_executed AS executed');
  await second.query(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${row!.executed}', 30)`);
}
const has = (table: string, id: number) => () => ids(table).includes(id);

it('a replica that writes what it replicates is a source like any other (log_replica_updates)', async () => {
  const task = first.task({ objects: renamed('by_replica'), source: source(second.port) });
  await first.start(task, {});
  await first.until(task, following, 30_000);
  await first.mysql.query(
    'INSERT INTO shop.t VALUES (2, 2); UPDATE shop.t SET n = 11 WHERE id = 1; DELETE FROM shop.t WHERE id = 2; INSERT INTO shop.t VALUES (3, 3)',
  );
  await first.until(task, has('by_replica', 3));
  expect(first.rows('by_replica')).toEqual([
    { id: 1, n: 11 },
    { id: 3, n: 3 },
  ]);
  await first.stop(task);
});

it('transactions with tags are followed, and counted once over a stop', async () => {
  const task = first.task({ objects: renamed('tagged') });
  await first.start(task, {});
  await first.until(task, following);
  const session = await first.mysql.connect();
  const tagged = (id: number) =>
    `SET gtid_next = 'AUTOMATIC:blue'; INSERT INTO shop.t VALUES (${id}, 1); SET gtid_next = AUTOMATIC`;
  await session.query(tagged(10));
  await session.query(`INSERT INTO shop.t VALUES (11, 1); ${tagged(12)}`);
  await first.until(task, has('tagged', 12));
  const { position } = await first.until(task, ({ position: at }) => /:blue:1-2/.test(at?.gtidSet ?? ''));
  await first.stop(task);
  await session.query(tagged(13));
  await session.end();
  await first.mysql.query('UPDATE shop.t SET n = n + 1 WHERE id = 12');
  await first.start(task, {});
  const now = await first.until(task, (one) => following(one) && has('tagged', 13)());
  expect(now.rows).toMatchObject({ inserted: 4, updated: 1 });
  expect(now.position!.gtidSet).not.toBe(position!.gtidSet);
  expect(now.position!.gtidSet).toMatch(/:blue:1-3$/);
  expect(ids('tagged')).toEqual([1, 3, 10, 11, 12, 13]);
  await first.stop(task);
});

it('a link that falls silent is noticed within 30 s, and nothing is lost', async () => {
  const proxy = await TcpProxy.start(first.mysql);
  const task = first.task({ objects: renamed('silent'), source: source(proxy.port) });
  await first.start(task, {});
  await first.until(task, following);
  proxy.freeze();
  const since = Date.now();
  await first.mysql.query('INSERT INTO shop.t VALUES (20, 20)');
  const { retry } = await first.until(task, ({ state }) => state === 'retrying', 30_000);
  expect(Date.now() - since).toBeLessThan(30_000);
  expect(retry!.error.code).toMatch(/^ROW-S10[17]$/);
  expect(ids('silent')).not.toContain(20);
  proxy.thaw();
  await first.until(task, has('silent', 20), 45_000);
  await first.stop(task);
  await proxy.stop();
}, 90_000);

it('a source that is switched over loses nothing, by its list of hosts and by a changed host', async () => {
  const { mysql } = first;
  const listed = first.task({
    objects,
    source: { ...source(mysql.port), hosts: [`127.0.0.1:${second.port}`] },
  });
  const moved = first.task({ objects: renamed('moved') });
  for (const task of [listed, moved]) {
    await first.start(task, {});
    await first.until(task, following, 30_000);
  }
  await first.stop(moved);
  await mysql.query('INSERT INTO shop.t VALUES (30, 30), (31, 31); UPDATE shop.t SET n = 12 WHERE id = 1');
  await replicated();
  await mysql.kill();
  await second.query(
    'STOP REPLICA; INSERT INTO shop.t VALUES (32, 32); DELETE FROM shop.t WHERE id = 3; UPDATE shop.t SET n = n + 1 WHERE id IN (1, 30)',
  );
  const expected = await second.query('SELECT id, n FROM shop.t ORDER BY id');
  await first.until(listed, (now) => now.state === 'running' && following(now) && has('t', 32)(), 60_000);
  expect(first.rows('t')).toEqual(expected);
  const elsewhere = { ...moved, source: { ...moved.source, port: second.port } };
  expect(await first.run(elsewhere)).toEqual({ state: 'stopped', reached: true });
  expect(first.rows('moved')).toEqual(expected);
  // Of both servers, and the tag of the first.
  const { position } = await first.snapshot(listed);
  expect(position!.gtidSet!.split(',')).toHaveLength(2);
  expect(position!.gtidSet).toMatch(/:blue:1-3/);
}, 120_000);
