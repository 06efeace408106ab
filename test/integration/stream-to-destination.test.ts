import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startMysql } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What can stand in a binlog, and what can happen to it, from a real source into the destination. */
let replica: Replica;
let gtid: Replica;

beforeAll(async () => {
  [replica, gtid] = await Promise.all([
    startReplica({ args: ['--max-allowed-packet=256M'] }),
    startReplica({ gtid: true, args: ['--server-id=1'] }),
  ]);
  for (const { mysql } of [replica, gtid]) await mysql.query('CREATE DATABASE s');
}, 60_000);
afterAll(async () => {
  await Promise.all([replica?.close(), gtid?.close()]);
});

const following = (s: { phase: string; caughtUp: boolean }) => s.phase === 'incremental' && s.caughtUp;

describe('what a source writes', () => {
  it('compressed, partial, rolled back to savepoints, cascaded: the destination is a copy', async () => {
    const { mysql } = replica;
    await mysql.query(`
      CREATE TABLE s.parent (id INT PRIMARY KEY, note TEXT, doc JSON);
      CREATE TABLE s.child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES s.parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
      INSERT INTO s.parent VALUES (1, 'one', '{"a": {"b": [1, 2, 3.10]}, "c": "x"}'), (2, 'two', '{}'), (3, NULL, NULL);
      INSERT INTO s.child VALUES (10, 1), (11, 1), (20, 2), (30, 3)`);
    const task = replica.task({
      objects: [{ database: 's', tables: [{ name: 'parent' }, { name: 'child' }] }],
      ignoredChecks: ['cascades'],
    });
    await replica.start(task);
    await replica.until(task, following);
    const session = await mysql.connect();
    await session.query(`USE s; SET SESSION cte_max_recursion_depth = 100000;
      SET SESSION binlog_transaction_compression = ON;
      INSERT INTO parent WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, REPEAT(i, 50), JSON_OBJECT('i', i) FROM n;
      SET SESSION binlog_row_value_options = PARTIAL_JSON;
      UPDATE parent SET doc = JSON_SET(doc, '$.a.b[1]', CAST(2.50 AS DECIMAL(4,2)), '$.new', 'y') WHERE id = 1;
      SET SESSION binlog_transaction_compression = OFF;
      UPDATE parent SET doc = JSON_REMOVE(doc, '$.c') WHERE id = 1;
      SET SESSION binlog_row_value_options = '';
      BEGIN; INSERT INTO parent VALUES (4, 'stays', NULL); SAVEPOINT a; INSERT INTO parent VALUES (5, 'goes', NULL); ROLLBACK TO a; COMMIT;
      UPDATE parent SET id = 22 WHERE id = 2;
      DELETE FROM parent WHERE id = 3`);
    await session.end();
    await replica.caughtUp(task);
    expect(await replica.verify(task)).toMatchObject({ equal: true, differing: 0 });
    expect(replica.rows('child').map(({ id, parent }) => `${id}:${parent}`)).toEqual([
      '10:1',
      '11:1',
      '20:22',
    ]);
    expect(replica.rows('parent').find((row) => row['id'] === 1)).toMatchObject({
      doc: '{"a": {"b": [1, 2.50, 3.1]}, "new": "y"}',
    });
    await replica.stop(task);
  }, 60_000);

  it.each(['put-row', 'update-row'])(
    'columns that a session left out of its events stay as they are, with %s',
    async (mode) => {
      const { mysql } = replica;
      const name = `partial_${mode.slice(0, 3)}`;
      await mysql.query(
        `CREATE TABLE s.${name} (id INT PRIMARY KEY, a INT, b VARCHAR(20), big TEXT); INSERT INTO s.${name} VALUES (1, 1, 'b', 'big'), (2, 2, NULL, 'large')`,
      );
      const task = replica.task({
        objects: [{ database: 's', tables: [{ name }] }],
        write: { mode },
      });
      await replica.start(task);
      await replica.until(task, following);
      const session = await mysql.connect();
      await session.query(
        `SET SESSION binlog_row_image = MINIMAL; UPDATE s.${name} SET a = 11 WHERE id = 1; UPDATE s.${name} SET b = NULL WHERE id = 1; UPDATE s.${name} SET b = 'now', id = 3 WHERE id = 2; INSERT INTO s.${name} (id) VALUES (4)`,
      );
      await session.end();
      await replica.caughtUp(task);
      expect(replica.rows(name)).toEqual([
        { id: 1, a: 11, big: 'big' },
        { id: 3, a: 2, b: 'now', big: 'large' },
        { id: 4 },
      ]);
      await replica.stop(task);
    },
    60_000,
  );

  it('a statement in place of row events stops its table with the reason, and no other', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE s.stated (id INT PRIMARY KEY, a INT); CREATE TABLE s.rowed (id INT PRIMARY KEY, a INT); INSERT INTO s.stated VALUES (1, 1); INSERT INTO s.rowed VALUES (1, 1)',
    );
    const task = replica.task({
      objects: [{ database: 's', tables: [{ name: 'stated' }, { name: 'rowed' }] }],
    });
    await replica.start(task);
    await replica.until(task, following);
    const session = await mysql.connect();
    await session.query(
      'USE s; SET SESSION binlog_format = STATEMENT; UPDATE stated SET a = 2; SET SESSION binlog_format = ROW; UPDATE rowed SET a = 3',
    );
    await session.end();
    await replica.caughtUp(task);
    const snapshot = await replica.snapshot(task);
    const table = (name: string) => snapshot.tables.find((one) => one.source === `s.${name}`);
    expect(table('stated')).toMatchObject({ phase: 'stopped', problem: { code: /^ROW-S1/ } } as never);
    expect(table('stated')!.problem!.message).toMatch(/statement/i);
    expect(table('rowed')!.problem).toBeUndefined();
    expect(replica.rows('rowed')).toEqual([{ id: 1, a: 3 }]);
    await replica.stop(task);
  }, 60_000);

  it('XA branches are applied at their commit, across a stop of the task (rule 2)', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE s.xa (id INT PRIMARY KEY, a INT); INSERT INTO s.xa VALUES (1, 1)');
    const task = replica.task({ objects: [{ database: 's', tables: [{ name: 'xa' }] }] });
    await replica.start(task);
    await replica.until(task, following);
    const session = await mysql.connect();
    for (const [xid, id] of [
      ['kept', 2],
      ['dropped', 3],
    ] as const) {
      await session.query(
        `XA START '${xid}'; INSERT INTO s.xa VALUES (${id}, ${id}); XA END '${xid}'; XA PREPARE '${xid}'`,
      );
    }
    await session.end();
    await mysql.query('INSERT INTO s.xa VALUES (9, 9)');
    await replica.caughtUp(task);
    expect(replica.rows('xa').map((row) => row['id'])).toEqual([1, 9]);
    await replica.stop(task);
    await replica.ended(task);
    // The rows lie before the checkpoint now: only the store still has them.
    await replica.start(task);
    await replica.until(task, following);
    await mysql.query("XA COMMIT 'kept'; XA ROLLBACK 'dropped'");
    await replica.caughtUp(task);
    expect(replica.rows('xa').map((row) => row['id'])).toEqual([1, 2, 9]);
    await replica.stop(task);
  }, 60_000);

  it('a start waits for branches that are prepared already (rule 2)', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE s.early (id INT PRIMARY KEY)');
    const session = await mysql.connect();
    await session.query(
      "XA START 'before'; INSERT INTO s.early VALUES (1); XA END 'before'; XA PREPARE 'before'",
    );
    await session.end();
    const task = replica.task({ objects: [{ database: 's', tables: [{ name: 'early' }] }] });
    await replica.start(task);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await replica.snapshot(task)).phase).toBe('none');
    await mysql.query("XA COMMIT 'before'");
    await replica.until(task, following);
    expect(replica.rows('early')).toEqual([{ id: 1 }]);
    await replica.stop(task);
    await replica.ended(task);
  }, 60_000);

  it('a huge transaction arrives whole', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE s.huge (id INT PRIMARY KEY, a VARCHAR(100))');
    const task = replica.task({ objects: [{ database: 's', tables: [{ name: 'huge' }] }] });
    await replica.start(task);
    await replica.until(task, following);
    await mysql.query(
      `SET SESSION cte_max_recursion_depth = 1000000;
       INSERT INTO s.huge WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, REPEAT('x', 90) FROM n`,
    );
    await replica.caughtUp(task);
    expect((await replica.snapshot(task)).rows.inserted).toBe(60_000);
    expect(replica.rows('huge')).toHaveLength(60_000);
    await replica.stop(task);
  }, 60_000);
});

describe('what happens to a source', () => {
  it('stopped until its binlog was purged, it says so and offers a new load', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE s.purged (id INT PRIMARY KEY); INSERT INTO s.purged VALUES (1)');
    const task = replica.task({ objects: [{ database: 's', tables: [{ name: 'purged' }] }] });
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await mysql.query('INSERT INTO s.purged VALUES (2); FLUSH BINARY LOGS');
    const [row] = await mysql.query<{ File: string }>('SHOW BINARY LOG STATUS');
    // The server keeps a file for as long as it believes that somebody reads it.
    await vi.waitFor(async () => {
      await mysql.query(`PURGE BINARY LOGS TO '${row!.File}'`);
      const [first] = await mysql.query<{ Log_name: string }>('SHOW BINARY LOGS');
      expect(first!.Log_name).toBe(row!.File);
    }, 20_000);
    const outcome = await replica.run(task);
    expect(outcome).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
    expect(outcome.error!.message).toMatch(/purged/);
    expect(outcome.error!.remedy).toMatch(/load/i);
  }, 60_000);

  it('numbered anew, by RESET, it is not taken for the old one', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE s.numbered (id INT PRIMARY KEY); INSERT INTO s.numbered VALUES (1)');
    const task = replica.task({ objects: [{ database: 's', tables: [{ name: 'numbered' }] }] });
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await mysql.query('RESET BINARY LOGS AND GTIDS; INSERT INTO s.numbered VALUES (2)');
    expect(await replica.run(task)).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
  }, 60_000);

  it('switched over to its replica, by GTID, nothing is lost; another host is found by itself', async () => {
    const second = await startMysql({ gtid: true, args: ['--server-id=2', '--log-replica-updates=ON'] });
    try {
      await gtid.mysql.query("CREATE USER repl IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl");
      await second.query(
        `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${gtid.mysql.port}, SOURCE_USER = 'repl', SOURCE_PASSWORD = 'r', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA`,
      );
      await gtid.mysql.query(
        'CREATE TABLE s.moved (id INT PRIMARY KEY, a INT); INSERT INTO s.moved VALUES (1, 1)',
      );
      const task = gtid.task({
        objects: [{ database: 's', tables: [{ name: 'moved' }] }],
        source: {
          host: '127.0.0.1',
          port: gtid.mysql.port,
          user: 'root',
          hosts: [`127.0.0.1:${second.port}`],
        },
        ignoredChecks: ['replica-updates', 'binlog-retention'],
      });
      await gtid.start(task);
      await gtid.until(task, following);
      await gtid.mysql.query('INSERT INTO s.moved VALUES (2, 2); UPDATE s.moved SET a = 10 WHERE id = 1');
      const [row] = await gtid.mysql.query<{ gtids: string }>('SELECT @@gtid_executed AS gtids');
      await second.query(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${row!.gtids}', 30)`);
      await gtid.mysql.kill();
      await second.query('STOP REPLICA; INSERT INTO s.moved VALUES (3, 3); DELETE FROM s.moved WHERE id = 2');
      await gtid.until(task, (s) => s.state === 'running' && following(s), 60_000);
      await gtid.until(task, (s) => s.rows.deleted === 1, 30_000);
      expect(gtid.rows('moved')).toEqual([
        { id: 1, a: 10 },
        { id: 3, a: 3 },
      ]);
      const position = (await gtid.snapshot(task)).position;
      expect(position!.gtidSet!.split(',')).toHaveLength(2);
      await gtid.stop(task);
    } finally {
      await second.stop();
    }
  }, 120_000);
});
