import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * Without GTIDs a load is completed from the beginning of its binlog file, with the columns of when they were looked up.
 * Statements before that moment are in what was looked up; those after it are not (correctness rule 13).
 */
describe('a binlog file that is replayed from its beginning', () => {
  let replica: Replica;
  beforeAll(async () => {
    replica = await startReplica({
      gtid: false,
      args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'],
    });
  }, 120_000);
  afterAll(() => replica?.close());

  const fill = (table: string, rows: number) =>
    `INSERT INTO ${table} WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, REPEAT('x', 300) FROM n`;
  const table = 'id INT PRIMARY KEY, a INT, b INT';

  it.each([
    ['TRUNCATE T', ['stopped', [{ id: 1, a: 10, b: 20 }]]],
    [
      'RENAME TABLE T TO gone, other TO T',
      [
        'incremental',
        [
          { id: 5, a: 5, b: 5 },
          { id: 9, a: 90, b: 91 },
        ],
      ],
    ],
    [`DROP TABLE T; CREATE TABLE T (${table})`, ['stopped', [{ id: 1, a: 10, b: 20 }]]],
    [
      'ALTER TABLE T ADD COLUMN c INT',
      [
        'incremental',
        [
          { id: 1, a: 10, b: 20 },
          { id: 9, a: 90, b: 91 },
        ],
      ],
    ],
    [
      'ALTER TABLE T MODIFY a INT AFTER b',
      [
        'incremental',
        [
          { id: 1, a: 10, b: 20 },
          { id: 9, a: 90, b: 91 },
        ],
      ],
    ],
  ])(
    'rule 13: the first statement after the look-up, %s, is carried out',
    async (sql, [phase, rows]) => {
      const { mysql } = replica;
      const db = `f${sql.replace(/\W/g, '').slice(0, 12).toLowerCase()}${sql.length}`;
      await mysql.query(`CREATE DATABASE ${db}; USE ${db}; CREATE TABLE T (${table}); INSERT INTO T VALUES (1, 10, 20);
      CREATE TABLE other (${table}); INSERT INTO other VALUES (5, 5, 5); FLUSH BINARY LOGS`);
      const task = replica.task({ objects: [{ database: db, tables: [{ name: 'T', rename: db }] }] });
      await replica.run(task, { until: 'full' });
      await mysql.query(`USE ${db}; ${sql}; INSERT INTO T (id, a, b) VALUES (9, 90, 91)`);
      await replica.run(task);
      expect([(await replica.snapshot(task)).tables[0]!.phase, replica.rows(db)]).toEqual([phase, rows]);
    },
    60_000,
  );

  it('rule 13: a TRUNCATE during the load of a table is carried out', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE r; CREATE TABLE r.t (id INT PRIMARY KEY, s VARCHAR(400)); ${fill('r.t', 800)};
      FLUSH BINARY LOGS`);
    const task = replica.task({
      objects: [{ database: 'r' }],
      throttle: { full: { rowsPerSecond: 200 } },
      ddl: { truncate: 'delete' },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.tables.some((t) => t.phase === 'full' && t.rows > 300));
    await mysql.query("TRUNCATE r.t; INSERT INTO r.t VALUES (9000, 'new')");
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await replica.caughtUp(task);
    expect(replica.rows('t')).toEqual([{ id: 9000, s: 'new' }]);
    await replica.stop(task);
  }, 90_000);

  it.each(['new', 'known'])(
    'rule 13: of two tables that come each has its own moment, also after a restart (%s)',
    async (kind) => {
      const { mysql } = replica;
      const db = `two_${kind}`;
      await mysql.query(`CREATE DATABASE ${db}; USE ${db}; CREATE TABLE base (id INT PRIMARY KEY);
        CREATE TABLE zz (id INT PRIMARY KEY, e ENUM('a', 'b')); INSERT INTO zz VALUES (1, 'a')`);
      const fast = {
        id: db,
        objects: [{ database: db, renameTables: { prefix: `${db}_` } }],
        ddl: { onChange: 'reload' },
      };
      await replica.run(replica.task(fast));
      await mysql.query(
        `CREATE TABLE ${db}.t1 (id INT PRIMARY KEY, s VARCHAR(500)); ${fill(`${db}.t1`, 1000)}`,
      );
      const slow = replica.task({ ...fast, throttle: { full: { rowsPerSecond: 200 } } });
      await replica.start(slow);
      await replica.until(slow, (s) => s.tables.some((t) => t.source === `${db}.t1` && t.phase === 'full'));
      if (kind === 'new') {
        await replica.stop(slow);
        await mysql.query(`USE ${db}; CREATE TABLE t2 (${table}); INSERT INTO t2 VALUES (1, 10, 20);
          ALTER TABLE t2 MODIFY a INT AFTER b; INSERT INTO t2 (id, a, b) VALUES (2, 100, 200)`);
      } else {
        await mysql.query(`USE ${db}; INSERT INTO zz VALUES (2, 'a'); ALTER TABLE zz MODIFY e ENUM('b', 'a');
          INSERT INTO zz VALUES (3, 'a')`);
        await replica.until(slow, (s) =>
          s.tables.some((t) => t.source === `${db}.zz` && t.phase !== 'incremental'),
        );
        await replica.stop(slow);
      }
      const task = replica.task(fast);
      await replica.start(task);
      await replica.until(
        task,
        (s) => s.caughtUp && s.tables.every(({ phase }) => phase === 'incremental'),
        60_000,
      );
      await replica.caughtUp(task);
      if (kind === 'new')
        expect(replica.rows(`${db}_t2`)).toEqual([
          { id: 1, a: 10, b: 20 },
          { id: 2, a: 100, b: 200 },
        ]);
      else expect(replica.rows(`${db}_zz`)).toEqual([1, 2, 3].map((id) => ({ id, e: 'a' })));
      expect(replica.rows(`${db}_t1`)).toHaveLength(1000);
      await replica.stop(task);
    },
    120_000,
  );
});
