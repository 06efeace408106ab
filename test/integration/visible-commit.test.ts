import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * The binlog is sent before the engine commits: a row that is read from the source for its event must not be read as it
 * was before (correctness rule 11). Here a commit becomes visible most of a second after its event was sent, as with a
 * semi-synchronous replica that takes its time.
 */
describe.each([{ gtid: true }, { gtid: false }])('GTIDs on: $gtid', ({ gtid }) => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica({
      gtid,
      args: [
        ...(gtid ? [] : ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF']),
        '--sync-binlog=0',
        '--binlog-group-commit-sync-delay=700000',
      ],
    });
    await replica.mysql.query(`
      CREATE DATABASE v;
      CREATE TABLE v.rows (id INT PRIMARY KEY, n INT, note VARCHAR(20), j JSON);
      INSERT INTO v.rows VALUES (1, 1, 'one', '{"a": 1}'), (2, 2, 'two', NULL), (3, 3, 'three', '{"c": 3}')`);
  }, 120_000);
  afterAll(() => replica.close());

  it('rule 11: rows that their events do not hold whole are read as their transaction left them', async () => {
    const task = replica.task({ objects: [{ database: 'v' }] });
    await replica.start(task, {});
    await replica.until(task, (snapshot) => snapshot.phase === 'incremental');
    const connection = await replica.mysql.connect();
    await connection.query("SET binlog_row_image = MINIMAL, binlog_row_value_options = 'PARTIAL_JSON'");
    await connection.query('UPDATE v.rows SET id = 10 WHERE id = 1');
    await connection.query('UPDATE v.rows SET n = 20 WHERE id = 2');
    await connection.query("UPDATE v.rows SET j = JSON_SET(j, '$.c', 30) WHERE id = 3");
    await connection.query("XA START 'x'; UPDATE v.rows SET n = 31 WHERE id = 3; XA END 'x'; XA PREPARE 'x'");
    await connection.query("XA COMMIT 'x'");
    await connection.end();
    await replica.caughtUp(task);
    expect(replica.rows('rows')).toEqual([
      { id: 2, n: 20, note: 'two' },
      { id: 3, n: 31, note: 'three', j: '{"c": 30}' },
      { id: 10, n: 1, note: 'one', j: '{"a": 1}' },
    ]);
    await replica.stop(task);
  });

  it('rule 11: a row of MyISAM too, which others see only when its INSERT has let go of the table', async () => {
    await replica.mysql.query(
      `CREATE TABLE v.isam (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL UNIQUE, n INT DEFAULT 7) ENGINE=MyISAM`,
    );
    const task = replica.task({
      objects: [{ database: 'v', tables: [{ name: 'isam', primaryKey: ['code'] }] }],
      ignoredChecks: ['engines'],
    });
    await replica.start(task, {});
    await replica.until(task, (snapshot) => snapshot.phase === 'incremental');
    const connection = await replica.mysql.connect();
    await connection.query('SET binlog_row_image = MINIMAL');
    for (const id of [1, 2, 3])
      await connection.query(`INSERT INTO v.isam (id, code) VALUES (${id}, 'c${id}')`);
    await connection.end();
    await replica.caughtUp(task);
    expect(replica.rows('isam')).toEqual([1, 2, 3].map((id) => ({ code: `c${id}`, id, n: 7 })));
    await replica.stop(task);
  }, 60_000);

  it('rule 11: a retried row is not written as it was before what the stream wrote of it meanwhile', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE v.refused (id INT PRIMARY KEY, n BIGINT UNSIGNED, note VARCHAR(9)); INSERT INTO v.refused VALUES (1, 18446744073709551615, "a")',
    );
    const task = replica.task({
      objects: [{ database: 'v', tables: [{ name: 'refused' }] }],
      dirtyData: 'skip',
    });
    await replica.start(task, {});
    await replica.until(task, ({ phase, dirty }) => phase === 'incremental' && dirty > 0);
    const mended = {
      ...task,
      ...replica.task({
        objects: [{ database: 'v', tables: [{ name: 'refused', columns: { n: { type: 'STRING' } } }] }],
      }),
      id: task.id,
    };
    // The UPDATE is written by the stream long before anybody can read it.
    const update = mysql.query("UPDATE v.refused SET n = 5, note = 'b'");
    await vi.waitFor(() => expect(replica.rows('refused')).toMatchObject([{ note: 'b' }]));
    await replica.engine.api.retryDirty(mended, {});
    await update;
    await replica.caughtUp(task);
    expect(replica.rows('refused')).toMatchObject([{ id: 1, note: 'b' }]);
    await replica.stop(task);
  }, 60_000);

  it('rule 7: an update that does not tell the key that its row had stops the table', async () => {
    await replica.mysql
      .query(`CREATE TABLE v.coded (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL UNIQUE, n INT);
      INSERT INTO v.coded VALUES (1, 'a', 1), (2, 'b', 2)`);
    const task = replica.task({
      objects: [{ database: 'v', tables: [{ name: 'coded', primaryKey: ['code'] }] }],
    });
    await replica.start(task, {});
    await replica.until(task, (snapshot) => snapshot.phase === 'incremental');
    await replica.mysql.query(
      "SET binlog_row_image = MINIMAL; UPDATE v.coded SET code = 'z' WHERE id = 1; SET binlog_row_image = FULL",
    );
    await replica.until(task, ({ tables }) => tables[0]!.phase === 'stopped');
    expect((await replica.snapshot(task)).tables[0]!.problem).toMatchObject({ code: 'ROW-S109' });
    await replica.stop(task);
  }, 60_000);
});
