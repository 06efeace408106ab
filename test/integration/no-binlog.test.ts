import { afterAll, beforeAll, expect, it } from 'vitest';
import { startMysql } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';

let replica: Replica;
const rows = 40_000;

beforeAll(async () => {
  replica = await startReplica({ args: ['--skip-log-bin'] });
  await replica.mysql.query(`CREATE DATABASE n; CREATE TABLE n.t (id INT PRIMARY KEY, v VARCHAR(500));
    SET SESSION cte_max_recursion_depth = 100000;
    INSERT INTO n.t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${rows}) SELECT i, REPEAT('v', 500) FROM s;
    ANALYZE TABLE n.t`);
}, 60_000);
afterAll(() => replica?.close());

it('rule 3: without a binlog a load shows one moment of a table, however its keys move meanwhile', async () => {
  const { mysql } = replica;
  const task = replica.task({
    objects: [{ database: 'n' }],
    synchronization: { schema: true, full: true, incremental: false },
    write: { threads: 1 },
    throttle: { full: { rowsPerSecond: rows / 3 } },
  });
  await replica.start(task, {});
  await replica.until(task, (s) => s.phase === 'full' && s.rows.full > 0);
  // From where the load has not come yet to where it has been.
  await mysql.query(`UPDATE n.t SET id = id - 1000000 WHERE id > ${rows - 2000}`);
  expect(await replica.ended(task)).toMatchObject({ state: 'completed' });
  const ids = replica.rows('t').map((row) => Number(row['id']));
  expect(ids).toHaveLength(rows);
  expect([ids[0], ids.at(-1)]).toEqual([1, rows]);
}, 60_000);

it('rule 1: without a binlog, too, a load does not go on at another server', async () => {
  const other = await startMysql({ args: ['--skip-log-bin'] });
  for (const [server, v] of [
    [replica.mysql, 'ours'],
    [other, 'theirs'],
  ] as const)
    await server.query(`CREATE DATABASE p; CREATE TABLE p.a (id INT PRIMARY KEY, v TEXT); INSERT INTO p.a VALUES (1, '${v}');
      CREATE TABLE p.b (id INT PRIMARY KEY, v TEXT); INSERT INTO p.b VALUES (1, '${v}')`);
  const task = replica.task({
    objects: [{ database: 'p' }],
    synchronization: { schema: true, full: true, incremental: false },
    write: { threads: 1 },
    throttle: { full: { queriesPerSecond: 1 } },
  });
  await replica.start(task, {});
  await replica.until(task, ({ tables }) => tables.some(({ phase }) => phase === 'done'));
  await replica.stop(task);
  const elsewhere = { ...task, source: { ...task.source, port: other.port } };
  expect(await replica.run(elsewhere, {})).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
  await other.stop();
  expect(await replica.run(task, {})).toMatchObject({ state: 'completed' });
  for (const table of ['a', 'b']) expect(replica.rows(table)).toEqual([{ id: 1, v: 'ours' }]);
}, 60_000);
