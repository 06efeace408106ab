import { afterAll, beforeAll, expect, it } from 'vitest';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';

/** A source that is a replica itself, and behind. */
let primary: MysqlServer;
let replica: Replica;

beforeAll(async () => {
  [primary, replica] = await Promise.all([
    startMysql({ gtid: true, args: ['--server-id=1'] }),
    startReplica({ gtid: true, args: ['--server-id=2', '--log-replica-updates=ON'] }),
  ]);
  await primary.query("CREATE USER repl IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl");
  await replica.mysql.query(
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${primary.port}, SOURCE_USER = 'repl', SOURCE_PASSWORD = 'r', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA`,
  );
  await primary.query('CREATE DATABASE l; CREATE TABLE l.t (id INT PRIMARY KEY); INSERT INTO l.t VALUES (1)');
  const [row] = await primary.query<{ gtids: string }>('SELECT @@gtid_executed AS gtids');
  await replica.mysql.query(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${row!.gtids}', 30)`);
}, 60_000);
afterAll(async () => {
  await replica?.close();
  await primary?.stop();
});

it('is not asked for rows until it has caught up, where maxReplicaLagSeconds says so', async () => {
  const { mysql } = replica;
  await mysql.query(
    'STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 60; START REPLICA SQL_THREAD',
  );
  await primary.query('INSERT INTO l.t VALUES (2)');
  await expect
    .poll(
      async () => {
        const [status] = await mysql.query<Record<string, unknown>>('SHOW REPLICA STATUS');
        return Number(status!['Seconds_Behind_Source'] ?? 0);
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(1);
  const task = replica.task({
    objects: [{ database: 'l' }],
    throttle: { full: { maxReplicaLagSeconds: 1 } },
    ignoredChecks: ['binlog-retention', 'replica-updates'],
  });
  await replica.start(task);
  const waiting = await replica.until(task, (s) => s.strain !== undefined);
  expect(waiting.strain).toMatchObject({ what: 'replica-lag', limit: 1 });
  expect(waiting.rows.full).toBe(0);
  await mysql.query(
    'STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 0; START REPLICA SQL_THREAD',
  );
  // The row may be read by the load, come by the binlog, or both.
  await replica.until(
    task,
    (s) => s.phase === 'incremental' && s.caughtUp && s.rows.full + s.rows.inserted >= 2,
  );
  expect(replica.rows('t')).toEqual([{ id: 1 }, { id: 2 }]);
  await replica.stop(task);
}, 60_000);
