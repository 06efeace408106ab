import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { standardTiming } from '../../src/sync/base/timing.js';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * A source whose administrator set everything otherwise, values and conditions as such a source has them, and rows that
 * do not stand still (docs/correctness.md, rules 15, 16, 18 and 23).
 */
let replica: Replica;
const hostile = [
  "GLOBAL time_zone = '+08:00'",
  "GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,STRICT_ALL_TABLES'",
  'GLOBAL max_execution_time = 1',
  'GLOBAL max_join_size = 1',
  'GLOBAL sql_select_limit = 2',
  'GLOBAL net_write_timeout = 1',
  'GLOBAL net_read_timeout = 1',
  'GLOBAL wait_timeout = 1',
  'GLOBAL lock_wait_timeout = 1',
  'GLOBAL autocommit = OFF',
  "GLOBAL transaction_isolation = 'READ-UNCOMMITTED'",
  "GLOBAL init_connect = 'SET NAMES latin1; SET timestamp = UNIX_TIMESTAMP() + 3600'",
  "GLOBAL binlog_row_metadata = 'FULL'",
];
/** By init_connect the sessions of all but administrators have a clock of their own: an hour ahead. */
const ahead = 3_600_000;

beforeAll(async () => {
  replica = await startReplica({ args: ['--character-set-server=latin1'] });
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE h CHARACTER SET utf8mb4;
    CREATE USER reader; GRANT SELECT, SHOW VIEW, REPLICATION SLAVE, REPLICATION CLIENT, XA_RECOVER_ADMIN ON *.* TO reader;
    SET ${hostile.join(', ')}`);
}, 60_000);
afterEach(() => {
  Object.assign(replica.timing, structuredClone(standardTiming));
  replica.store.faults.set([]);
});
afterAll(() => replica?.close());

const source = () => ({ host: '127.0.0.1', port: replica.mysql.port, user: 'reader' });
const tables = (name: string, more: Record<string, unknown> = {}) => [
  { database: 'h', tables: [{ name, ...more }] },
];
async function following(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
  const task = replica.task({ source: source(), ...file });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  return task;
}
/** Clients that the server threw out because they did not read or write in time. */
async function aborted(): Promise<number> {
  const [row] = await replica.mysql.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Aborted_clients'");
  return Number(row!.Value);
}

describe('rule 15: what a server has set globally reaches none of our sessions', () => {
  it('rule 15: names, values, times and conditions are read as ever', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE TABLE h.\`größe "x"\` (id INT PRIMARY KEY, \`日 "y"\` VARCHAR(40), at TIMESTAMP NULL, n INT) CHARACTER SET utf8mb4;
      INSERT INTO h.\`größe "x"\` VALUES (1, 'a\\\\b', '2024-01-01 00:00:00', 1), (2, 'it''s', NULL, 2), (3, '日本 😀', '2024-06-01 12:00:00', NULL), (4, 'left out', NULL, 9), (5, 'c', NULL, 5)`);
    const names = { rename: 'sizes', columns: { '日 "y"': { rename: 'y' } } };
    const filter = '`日 "y"` IN ("a\\\\b", "it\'s", \'日本 😀\') OR NOT n BETWEEN 6 AND 10 AND n';
    const task = await following({ objects: tables('größe "x"', { ...names, filter }) });
    const loaded = [
      { id: 1, y: 'a\\b', at: '2024-01-01 00:00:00', n: 1 },
      { id: 2, y: "it's", n: 2 },
      { id: 3, y: '日本 😀', at: '2024-06-01 12:00:00' },
      { id: 5, y: 'c', n: 5 },
    ];
    expect(replica.rows('sizes')).toEqual(loaded);
    // The same by the stream, which asks the source where the filter needs its words.
    await mysql.query('UPDATE h.`größe "x"` SET id = id + 10');
    await replica.caughtUp(task);
    expect(replica.rows('sizes')).toEqual(loaded.map((row) => ({ ...row, id: row.id + 10 })));
    expect(await replica.verify(task)).toMatchObject({ equal: true, compared: 4 });
    await replica.stop(task);
  });

  it('rule 15: a pause longer than its timeouts breaks no link, and its time limit no load', async () => {
    const { mysql } = replica;
    await mysql.query(`SET SESSION cte_max_recursion_depth = 100000; CREATE TABLE h.big (id INT PRIMARY KEY, v INT, t VARCHAR(9000));
      INSERT INTO h.big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, 0, REPEAT('x', 9000) FROM n; ANALYZE TABLE h.big`);
    const { api } = replica.engine;
    // One chunk, so that the pause meets the server in the middle of its answer.
    replica.timing.chunk = { bytes: 2 ** 30, leastRows: 5000, mostRows: 5000 };
    const task = replica.task({ objects: tables('big'), source: source(), write: { threads: 1 } });
    await replica.start(task);
    await replica.until(task, (s) => s.rows.full > 0);
    await api.pause(task.id);
    // Longer than the server would wait for anybody.
    await delay(2500);
    await api.resume(task.id);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    // Read again after a broken link, its rows would count twice.
    expect((await replica.snapshot(task)).rows.full).toBe(3000);
    // The look at the source's history before the stream is cut off on purpose.
    const before = await aborted();
    await mysql.query("UPDATE h.big SET v = 1, t = REPEAT('y', 9000)");
    await replica.until(task, (s) => s.rows.updated > 0);
    await api.pause(task.id);
    expect((await replica.snapshot(task)).rows.updated).toBeLessThan(3000);
    // As above.
    await delay(2500);
    await api.resume(task.id);
    await replica.caughtUp(task);
    expect((await replica.snapshot(task)).rows.updated).toBe(3000);
    expect(await aborted()).toBe(before);
    await replica.stop(task);
  });

  it('rule 15: a link that breaks in a pause is made anew, and no row counts twice', async () => {
    const { mysql, engine } = replica;
    const task = replica.task({ objects: tables('big', { rename: 'again' }), source: source() });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await mysql.query("UPDATE h.big SET v = 2, t = REPEAT('z', 9000)");
    await replica.until(task, (s) => s.rows.updated > 0);
    await engine.api.pause(task.id);
    const [dump] = await mysql.query<{ id: number }>(
      "SELECT ID AS id FROM information_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'",
    );
    await mysql.query(`KILL ${dump!.id}`);
    await expect
      .poll(() => mysql.query(`SELECT 1 FROM information_schema.processlist WHERE ID = ${dump!.id}`), {
        timeout: 10_000,
      })
      .toEqual([]);
    await engine.api.resume(task.id);
    await replica.until(task, (s) => s.rows.updated >= 3000 && s.state === 'running' && s.caughtUp);
    const { rows } = await replica.snapshot(task);
    expect(rows).toMatchObject({ full: 3000, inserted: 0, updated: 3000, deleted: 0 });
    expect(new Set(replica.rows('again').map((row) => row['v']))).toEqual(new Set([2]));
    await replica.stop(task);
  });

  it('rule 15: a load reads no row that is rolled back, and keeps no table from being altered', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE h.rolled (id INT PRIMARY KEY, v INT); INSERT INTO h.rolled WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i FROM n; ANALYZE TABLE h.rolled',
    );
    replica.timing.chunk = { bytes: 1, leastRows: 50, mostRows: 50 };
    const writer = await mysql.connect();
    await writer.query(
      'SET wait_timeout = 600; BEGIN; INSERT INTO h.rolled VALUES (2000, 1); DELETE FROM h.rolled WHERE id = 900',
    );
    const task = replica.task({
      objects: tables('rolled'),
      source: source(),
      write: { threads: 1 },
      throttle: { full: { rowsPerSecond: 600 } },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.rows.full >= 900 || s.phase === 'incremental');
    await writer.query('ROLLBACK');
    await writer.end();
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    expect(replica.rows('rolled').at(-1)).toEqual({ id: 900, v: 900 });
    await replica.stop(task);

    const altered = replica.task({
      objects: tables('rolled', { rename: 'altered' }),
      source: source(),
      write: { threads: 1 },
      throttle: { full: { rowsPerSecond: 300 } },
    });
    await replica.start(altered);
    await replica.until(altered, (s) => s.rows.full > 100);
    await mysql.query('SET SESSION lock_wait_timeout = 2; ALTER TABLE h.rolled ADD COLUMN w INT');
    expect((await replica.snapshot(altered)).phase).toBe('full');
    await replica.stop(altered);
  });
});

describe('rule 16: times', () => {
  it('rule 16: a commit is known to the microsecond, and latency is by the clock of the source', async () => {
    const { mysql, store } = replica;
    await mysql.query('CREATE TABLE h.timed (id INT PRIMARY KEY, at DATETIME(6))');
    const task = await following({ objects: tables('timed'), etl: 'e_set(`at`, __COMMIT_TIMESTAMP__)' });
    const now = async () => (await mysql.query<{ now: string }>('SELECT NOW(6) AS now'))[0]!.now;
    const bounds = [await now()];
    for (let id = 1; id <= 4; id++) {
      await mysql.query(`INSERT INTO h.timed VALUES (${id}, NULL)`);
      bounds.push(await now());
    }
    await replica.caughtUp(task);
    const times = replica.rows('timed').map((row) => String(row['at']));
    times.forEach((time, i) => {
      expect(time >= bounds[i]! && time <= bounds[i + 1]!, `${bounds[i]} ${time} ${bounds[i + 1]}`).toBe(
        true,
      );
    });
    store.faults.set([{ kind: 'error', code: 'OTSServerBusy', operation: 'BulkImport' }]);
    await mysql.query('INSERT INTO h.timed VALUES (9, NULL)');
    const { latencyMs } = await replica.until(task, (s) => (s.latencyMs ?? 0) > 0);
    expect(latencyMs).toBeGreaterThan(ahead - 60_000);
    expect(latencyMs).toBeLessThan(ahead + 60_000);
    store.faults.set([]);
    await replica.caughtUp(task);
    await replica.stop(task);
  });
});

describe('rule 18: a filter', () => {
  it('rule 18: is about the row of the event, never about the row as it is now', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE TABLE h.asked (id INT PRIMARY KEY, name VARCHAR(20) COLLATE utf8mb4_general_ci, v INT);
      INSERT INTO h.asked VALUES (1, 'anna', 1), (2, 'bert', 2), (3, 'Ärger', 3)`);
    // Not decided here: the source is asked.
    const task = replica.task({
      objects: tables('asked', { filter: "name REGEXP '^a' OR LEFT(name, 1) = 'A'" }),
      source: source(),
    });
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect(replica.rows('asked').map((row) => row['id'])).toEqual([1, 3]);
    await mysql.query(`UPDATE h.asked SET name = 'otto' WHERE id = 1; UPDATE h.asked SET v = 30 WHERE id = 3; UPDATE h.asked SET name = 'zoe' WHERE id = 3;
      UPDATE h.asked SET name = 'albert' WHERE id = 2; DELETE FROM h.asked WHERE id = 2; INSERT INTO h.asked VALUES (4, 'ärztin', 4)`);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    // Those that left it are deleted, though neither the old nor the new row of now would have been in it.
    expect(replica.rows('asked')).toEqual([{ id: 4, name: 'ärztin', v: 4 }]);
  });

  it.each(['v < NOW(6) + 0', 'v > RAND()', 'v > @@server_id', 'v > @x', 'v IN (SELECT 1)', 'name = USER()'])(
    'rule 18: %s is refused, since the two phases would not agree on it',
    async (filter) => {
      const task = replica.task({
        objects: tables('asked', { filter, rename: 'refused' }),
        source: source(),
      });
      const outcome = replica.run(task).then(
        ({ state, error }) => ({ state, message: error?.message }),
        (error: Error) => ({ state: 'failed', message: error.message }),
      );
      expect(await outcome).toMatchObject({
        state: 'failed',
        message: expect.stringMatching(/filter/i) as unknown,
      });
      expect(replica.tables()).not.toContain('refused');
    },
  );
});

describe('rule 23: verify', () => {
  it('rule 23: looks rows up by their bytes both ways, in whatever order the two sides keep them', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE TABLE h.sorted (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT);
      INSERT INTO h.sorted VALUES ('10', 1), ('9', 2), ('a', 3), ('B', 4), ('ß', 5), ('z ', 6)`);
    const task = await following({ objects: tables('sorted') });
    expect(await replica.verify(task)).toMatchObject({ equal: true, compared: 6, destinationRows: 6 });
    // 'A' equals 'a' by the collation: the row is there under another key.
    await mysql.query(
      "SET SESSION sql_log_bin = 0; UPDATE h.sorted SET k = 'A' WHERE k = 'a'; SET SESSION sql_log_bin = 1",
    );
    replica.timing.verifyLooksMs = [0];
    expect(await replica.verify(task)).toMatchObject({ tables: [{ missing: 1, extra: 1, different: 0 }] });
    // Now both are there, and the source has one of them; asked for the other it answers with that.
    await mysql.query("UPDATE h.sorted SET v = 30 WHERE k = 'A'");
    await replica.caughtUp(task);
    expect(replica.rows('sorted').map((row) => row['k'])).toEqual(expect.arrayContaining(['a', 'A']));
    expect(await replica.verify(task)).toMatchObject({ tables: [{ missing: 0, extra: 1, different: 0 }] });
    await replica.stop(task);
  });

  it('rule 23: a row that keeps changing while it is compared is suspended, not wrong', async () => {
    const { mysql, store } = replica;
    await mysql.query(
      'CREATE TABLE h.restless (id INT PRIMARY KEY, v INT); INSERT INTO h.restless VALUES (1, 0), (2, 0)',
    );
    const task = await following({ objects: tables('restless') });
    // A hidden difference that stands still beside it.
    await mysql.query(
      'SET SESSION sql_log_bin = 0; UPDATE h.restless SET v = -1 WHERE id = 2; SET SESSION sql_log_bin = 1',
    );
    store.faults.set([{ kind: 'latency', delayMs: 600, operation: 'BulkImport' }]);
    replica.timing.verifyLooksMs = [100, 100, 100, 200];
    // It is on its way before the first look, whoever is faster then.
    await mysql.query('UPDATE h.restless SET v = 1 WHERE id = 1');
    let changing = true;
    const changes = (async () => {
      for (let v = 2; changing; v++) await mysql.query(`UPDATE h.restless SET v = ${v} WHERE id = 1`);
    })();
    const report = await replica.verify(task);
    changing = false;
    await changes;
    expect(report).toMatchObject({
      equal: false,
      differing: 1,
      tables: [{ different: 1, suspended: 1, missing: 0, extra: 0, differences: [{ key: 'id=2' }] }],
    });
    store.faults.set([]);
    await replica.caughtUp(task);
    await replica.stop(task);
  });
});
