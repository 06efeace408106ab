import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { standardTiming } from '../../src/sync/base/timing.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Where a task begins and how it loads, end to end (docs/correctness.md, rules 1, 4, 5, 6 and 15). */
let gtid: Replica;
let replica: Replica;

beforeAll(async () => {
  [gtid, replica] = await Promise.all([
    startReplica({ gtid: true }),
    startReplica({ args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] }),
  ]);
  for (const { mysql } of [gtid, replica]) await mysql.query('CREATE DATABASE l');
}, 60_000);
afterAll(async () => {
  await Promise.all([gtid?.close(), replica?.close()]);
});

const table = (name: string, more: Record<string, unknown> = {}) => [
  { database: 'l', tables: [{ name, ...more }] },
];

it.each([true, false])(
  'rule 1: a commit that the server counts and no read shows yet is not lost, gtid %s',
  async (withGtid) => {
    const { mysql, ...one } = withGtid ? gtid : replica;
    await mysql.query(`CREATE TABLE l.early (id INT PRIMARY KEY); INSERT INTO l.early VALUES (1);
      INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';
      SET GLOBAL rpl_semi_sync_source_timeout = 600000, GLOBAL rpl_semi_sync_source_enabled = ON`);
    // Nobody acknowledges it: it stays where it is in the binlog, and not in the table.
    const client = await mysql.connect();
    const waiting = async () => {
      const waits = await mysql.query<{ n: string }>(
        "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync%'",
      );
      return Number(waits[0]!.n);
    };
    const committing = client.query('INSERT INTO l.early VALUES (2)');
    await expect.poll(waiting).toBe(1);
    // A statement about the table that waits for no transaction on it.
    const end = async () => (await mysql.query<{ Position: number }>('SHOW BINARY LOG STATUS'))[0]!.Position;
    const before = await end();
    const other = await mysql.connect();
    const creating = other.query('CREATE TABLE IF NOT EXISTS l.early (id INT PRIMARY KEY)');
    await expect.poll(end).not.toBe(before);
    const task = one.task({ objects: table('early') });
    await one.start(task);
    await one.until(task, (s) => s.phase === 'incremental');
    expect(await mysql.query('SELECT * FROM l.early')).toHaveLength(1);
    await mysql.query('SET GLOBAL rpl_semi_sync_source_enabled = OFF');
    await Promise.all([committing, creating]);
    await client.end();
    await other.end();
    await mysql.query('INSERT INTO l.early VALUES (3)');
    await one.caughtUp(task);
    expect(one.rows('early').map((row) => row['id'])).toEqual([1, 2, 3]);
    await one.stop(task);
  },
);

describe('rule 4: chunks with a bound on every row lose none and double none', () => {
  const keys: [name: string, columns: string, values: string[]][] = [
    ['integer', 'k TINYINT', ['-128', '-1', '0', '5', '127']],
    ['unsigned', 'k INT UNSIGNED', ['0', '1', '2147483648', '4294967295']],
    ['decimal', 'k DECIMAL(30,10)', ['-1.5', '0', '12345678901234567890.1234567890', '1.0000000001']],
    ['bit', 'k BIT(20)', ["b'0'", "b'1'", "b'11111111111111111111'", "b'100000000'"]],
    ['year', 'k YEAR', ['0', '1901', '2000', '2155']],
    ['date', 'k DATE', ["'0000-00-00'", "'2020-01-31'", "'2020-02-00'", "'9999-12-31'"]],
    ['datetime', 'k DATETIME(6)', ["'2020-01-01 00:00:00.000001'", "'2020-01-01'", "'0000-00-00'"]],
    ['timestamp', 'k TIMESTAMP(3)', ["'2020-01-01 00:00:00.001'", "'2020-01-01'", "'1970-01-01 00:00:01'"]],
    ['time', 'k TIME(2)', ["'-838:59:59'", "'-00:00:00.01'", "'00:00:00'", "'838:59:59'", "'100:00:00.5'"]],
    // Ordered by their numbers; by their text they would come otherwise, and out of every bound.
    ['enum', "k ENUM('z','a','m','B')", ["'z'", "'a'", "'m'", "'B'", "''"]],
    ['set', "k SET('z','a','m')", ["''", "'z'", "'a'", "'z,m'", "'z,a,m'"]],
    [
      'text',
      'k VARCHAR(20)',
      ["''", "'a'", "'B'", "'ö'", "'z '", "'Zz'", "'10'", "'9'", "'it''s'", "'\\\\'"],
    ],
    ['binary_text', 'k VARCHAR(20) COLLATE utf8mb4_bin', ["''", "'a'", "'A'", "'B'", "'b'"]],
    ['swedish', 'k CHAR(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci', ["'a'", "'Z'", "'ö'", "'å'"]],
    ['sjis', 'k VARCHAR(10) CHARACTER SET sjis', ["'a'", "'表'", "'ソ'", "'日本'"]],
    ['utf16', 'k VARCHAR(10) CHARACTER SET utf16', ["'a'", "'表'", "'😀'"]],
    ['bytes', 'k VARBINARY(10)', ["''", "x'00'", "x'0000'", "x'ff'", "'a'"]],
  ];

  it('of every type that a key can be', async () => {
    const { mysql } = replica;
    const counts = new Map<string, number>();
    for (const [name, columns, values] of keys) {
      await mysql.query(
        `CREATE TABLE l.k_${name} (${columns} NOT NULL PRIMARY KEY, n INT); INSERT IGNORE INTO l.k_${name} VALUES ${values.map((value, i) => `(${value}, ${i})`).join(', ')}`,
      );
      counts.set(`k_${name}`, values.length);
    }
    // The whole key counts, a part of it is not enough; and a FLOAT, whose text is not its value, is never a bound.
    await mysql.query(`CREATE TABLE l.k_composite (a VARCHAR(5) NOT NULL, e ENUM('y','x') NOT NULL, c INT NOT NULL, n INT, PRIMARY KEY (a, e, c));
      INSERT INTO l.k_composite SELECT a, e, c, 0 FROM (SELECT 'p' AS a UNION SELECT 'P2' UNION SELECT 'q') AS x, (SELECT 'y' AS e UNION SELECT 'x') AS y, (SELECT -1 AS c UNION SELECT 0 UNION SELECT 7) AS z;
      CREATE TABLE l.k_real (r DOUBLE NOT NULL, n INT NOT NULL, PRIMARY KEY (r, n), UNIQUE (n));
      INSERT INTO l.k_real VALUES (-1e300, 1), (0.1, 2), (1e-7, 3), (0.30000000000000004, 4), (1.7976931348623157e308, 5);
      CREATE TABLE l.k_float (f FLOAT NOT NULL, n INT NOT NULL, PRIMARY KEY (f), UNIQUE (n));
      INSERT INTO l.k_float VALUES (0.1, 1), (16777216, 2), (16777220, 3), (-3.4028234e38, 4)`);
    counts.set('k_composite', 18).set('k_real', 5).set('k_float', 4);
    replica.timing.chunk = { bytes: 1, leastRows: 1, mostRows: 1 };
    await mysql.query("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON");
    try {
      const task = replica.task({
        objects: [
          {
            database: 'l',
            tables: [...counts.keys()].map((name) => ({
              name,
              ...(/real|float/.test(name) && { primaryKey: ['n'] }),
            })),
          },
        ],
      });
      expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
      const { tables, dirty } = await replica.snapshot(task);
      for (const [name, count] of counts) {
        const loaded = tables.find(({ destination }) => destination === name)!.rows;
        expect([name, replica.rows(name).length, loaded]).toEqual([name, count, count]);
      }
      expect(dirty).toBe(0);
      await mysql.query('SET GLOBAL general_log = OFF');
      const log = await mysql.query<{ sql: Buffer }>(
        "SELECT argument AS `sql` FROM mysql.general_log WHERE argument LIKE 'SELECT %FORCE INDEX%'",
      );
      const reads = log.map((entry) => String(entry.sql)).filter((text) => !text.includes(' OFFSET '));
      for (const [name, count] of counts) {
        const ofTable = reads.filter((text) => text.includes(`\`l\`.\`${name}\``));
        // A row in each and nothing behind the last: only bounds that order as MySQL does divide a table so.
        expect([name, ofTable.length]).toEqual([name, count + 1]);
        // By the source's own key, whatever the destination's is.
        const index = name === 'k_float' ? 'n' : 'PRIMARY';
        expect(ofTable.filter((text) => !text.includes(`FORCE INDEX (\`${index}\`)`))).toEqual([]);
      }
      expect(await replica.verify(task)).toMatchObject({ equal: true });
    } finally {
      await mysql.query('SET GLOBAL general_log = OFF');
      replica.timing.chunk = { ...standardTiming.chunk };
    }
  });
});

it('rule 5: a table that is loaded anew keeps no row that the source, filter or mapping no longer gives', async () => {
  const { mysql, engine } = gtid;
  await mysql.query(`CREATE TABLE l.ghosts (id INT PRIMARY KEY, k VARCHAR(9) NOT NULL UNIQUE, v INT);
    INSERT INTO l.ghosts VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, 'four', 4)`);
  const task = gtid.task({ objects: table('ghosts') });
  expect(await gtid.run(task)).toMatchObject({ state: 'stopped' });
  // The binlog does not tell of these; and by GTID none is replayed that is older than the load.
  await mysql.query(
    "SET SESSION sql_log_bin = 0; DELETE FROM l.ghosts WHERE id = 1; UPDATE l.ghosts SET id = 20, k = 'twenty' WHERE id = 2; SET SESSION sql_log_bin = 1",
  );
  await engine.api.reload(task.id, 'l.ghosts');
  const filtered = { ...task, objects: table('ghosts', { filter: 'v <> 3' }) } as typeof task;
  expect(await gtid.run(filtered)).toMatchObject({ state: 'stopped' });
  expect(gtid.rows('ghosts')).toEqual([
    { id: 4, k: 'four', v: 4 },
    { id: 20, k: 'twenty', v: 2 },
  ]);
});

describe('rule 6', () => {
  it('rule 6: a start that is purged during the load ends it then, not hours later', async () => {
    const { mysql } = replica;
    await mysql.query(
      `CREATE TABLE l.slow (id INT PRIMARY KEY, v INT); INSERT INTO l.slow WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i FROM n`,
    );
    replica.timing.startWatchMs = 100;
    try {
      const task = replica.task({ objects: table('slow'), throttle: { full: { rowsPerSecond: 20 } } });
      await replica.start(task);
      await replica.until(task, (s) => s.phase === 'full' && s.rows.full > 0);
      await mysql.query('FLUSH BINARY LOGS');
      const [end] = await mysql.query<{ File: string }>('SHOW BINARY LOG STATUS');
      await mysql.query(`PURGE BINARY LOGS TO '${end!.File}'`);
      expect(await replica.ended(task)).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
      const { phase, rows } = await replica.snapshot(task);
      expect(phase).toBe('full');
      expect(rows.full).toBeLessThan(900);
    } finally {
      replica.timing.startWatchMs = standardTiming.startWatchMs;
    }
  });

  it('rule 6: the checkpoint goes on over what is not selected, and over a source that rests', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE l.chosen (id INT PRIMARY KEY); CREATE TABLE l.others (id INT PRIMARY KEY)',
    );
    const task = replica.task({ objects: table('chosen') });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    const at = async () => (await replica.snapshot(task)).position!;
    const before = await at();
    // A source that never rests sends no heartbeats.
    for (let id = 0, now = before; now.offset === before.offset; now = await at()) {
      expect(id).toBeLessThan(100);
      await mysql.query(`INSERT INTO l.others VALUES (${id++})`);
      await delay(20);
    }
    await mysql.query('FLUSH BINARY LOGS');
    const [end] = await mysql.query<{ File: string }>('SHOW BINARY LOG STATUS');
    await replica.until(task, ({ position: now }) => now!.file === end!.File);
    await replica.stop(task);
    // What it left behind may go.
    await mysql.query(`PURGE BINARY LOGS TO '${end!.File}'; INSERT INTO l.chosen VALUES (1)`);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect(replica.rows('chosen')).toEqual([{ id: 1 }]);
  });
});
