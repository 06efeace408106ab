import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRule } from '../../src/local-tablestore/index.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** The order in which rows are written, to a destination that is slow, fails and answers late (docs/correctness.md, rules 7–12). */
let replica: Replica;
let proxy: TcpProxy;

beforeAll(async () => {
  replica = await startReplica();
  proxy = await TcpProxy.start(replica.mysql);
  await replica.mysql.query('CREATE DATABASE o');
  Object.assign(replica.timing, { lockPatienceMs: 1000, verifyLooksMs: [0], lateWriteMs: 600 });
}, 60_000);
afterAll(async () => {
  await proxy?.stop();
  await replica?.close();
});
afterEach(() => faults());

const faults = (...rules: FaultRule[]) => replica.store.faults.set(rules);
const tables = (...names: string[]) => [{ database: 'o', tables: names.map((name) => ({ name })) }];

async function following(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
  const task = replica.task(file);
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  return task;
}
/** Through the proxy, so that a read can be held up. */
const slowSource = () => ({ source: { host: '127.0.0.1', port: proxy.port, user: 'root' } });
const position = async (task: ResolvedTask) => (await replica.snapshot(task)).position!.offset;
async function session(...statements: string[]): Promise<void> {
  const connection = await replica.mysql.connect();
  for (const sql of statements) await connection.query(sql);
  await connection.end();
}

describe('rule 7: a key change', () => {
  // The row that goes first is taken, the other refused for as long as this lasts: once the one half, once the other.
  it.each(['one', 'two'])(
    'rule 7: holds the checkpoint until both of its halves are through, from %s',
    async (from) => {
      const to = from === 'one' ? 'two' : 'one';
      const name = `from_${from}`;
      await replica.mysql.query(
        `CREATE TABLE o.${name} (k VARCHAR(9) PRIMARY KEY, v INT); INSERT INTO o.${name} VALUES ('${from}', 1)`,
      );
      const task = await following({
        objects: [{ database: 'o', tables: [{ name, rename: 'halves' }] }],
        // Two buckets, so that the one does not wait for the other.
        write: { buckets: 64, concurrency: 64 },
        conflict: 'ignore',
      });
      const before = await position(task);
      faults({ kind: 'error', row: true, code: 'OTSServerBusy', operation: 'BulkImport', after: 1 });
      await replica.mysql.query(`UPDATE o.${name} SET k = '${to}'`);
      await expect.poll(() => replica.rows('halves').length).not.toBe(1);
      // It stays there, over a save.
      await delay(700);
      expect(await position(task)).toBe(before);
      faults();
      await replica.caughtUp(task);
      expect(replica.rows('halves')).toEqual([{ k: to, v: 1 }]);
      await replica.mysql.query(`DELETE FROM o.${name}`);
      await replica.caughtUp(task);
      await replica.stop(task);
    },
  );
});

it('rule 8: changes of a key that wait together leave what they would have left one by one', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE o.composed (id INT PRIMARY KEY, a INT, b INT, doc TEXT, x INT);
    INSERT INTO o.composed VALUES (0, 0, 0, '', 0), (2, 1, 1, 'two', 0), (3, 1, 1, 'three', 0), (4, 1, 1, 'four', 0), (5, 1, 1, 'five', 0), (7, 1, 1, 'seven', 0)`);
  const task = await following({
    objects: [{ database: 'o', tables: [{ name: 'composed', columns: { x: { exclude: true } } }] }],
    write: { mode: 'update-row', buckets: 1 },
  });
  // While this one is on its way, the others wait in its bucket.
  faults({ kind: 'latency', delayMs: 1500, times: 1, operation: 'BulkImport' });
  await session(
    "UPDATE o.composed SET doc = 'first' WHERE id = 0",
    'SET binlog_row_image = NOBLOB',
    "INSERT INTO o.composed VALUES (1, 1, 1, 'one', 0)",
    'UPDATE o.composed SET a = 2 WHERE id = 1',
    'UPDATE o.composed SET a = 5 WHERE id = 2',
    "UPDATE o.composed SET b = 6, doc = 'new' WHERE id = 2",
    'UPDATE o.composed SET a = 7 WHERE id = 2',
    'UPDATE o.composed SET a = NULL, b = 9 WHERE id = 3',
    'UPDATE o.composed SET a = 8, b = NULL WHERE id = 3',
    'DELETE FROM o.composed WHERE id = 4',
    'INSERT INTO o.composed VALUES (4, NULL, 4, NULL, 0)',
    'UPDATE o.composed SET b = 5 WHERE id = 4',
    'UPDATE o.composed SET a = 3 WHERE id = 5',
    'DELETE FROM o.composed WHERE id = 5',
    "INSERT INTO o.composed VALUES (6, 6, 6, 'six', 0)",
    'DELETE FROM o.composed WHERE id = 6',
  );
  await replica.caughtUp(task);
  expect(replica.rows('composed')).toEqual([
    { id: 0, a: 0, b: 0, doc: 'first' },
    { id: 1, a: 2, b: 1, doc: 'one' },
    { id: 2, a: 7, b: 6, doc: 'new' },
    { id: 3, a: 8, doc: 'three' },
    { id: 4, b: 5 },
    { id: 7, a: 1, b: 1, doc: 'seven' },
  ]);
  await replica.stop(task);
});

it('rule 8: an update that has no cells neither fails nor takes away what its event does not hold', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE o.cellless (id INT PRIMARY KEY, x INT); INSERT INTO o.cellless VALUES (1, 1);
    CREATE TABLE o.blobs (id INT PRIMARY KEY, doc TEXT, x INT); INSERT INTO o.blobs VALUES (1, 'kept', 1)`);
  const columns = { x: { exclude: true } };
  const task = await following({
    objects: [
      {
        database: 'o',
        tables: [
          { name: 'cellless', columns },
          { name: 'blobs', columns },
        ],
      },
    ],
    write: { mode: 'update-row' },
  });
  await session('UPDATE o.cellless SET x = 2', 'SET binlog_row_image = NOBLOB', 'UPDATE o.blobs SET x = 2');
  await replica.caughtUp(task);
  expect([replica.rows('cellless'), replica.rows('blobs')]).toEqual([[{ id: 1 }], [{ id: 1, doc: 'kept' }]]);
  expect((await replica.snapshot(task)).dirty).toBe(0);
  await replica.stop(task);
});

it('rule 9: a row that a batch could not write yet is not overtaken by the next batch', async () => {
  const { mysql } = replica;
  await mysql.query(
    'CREATE TABLE o.partial (id INT PRIMARY KEY, v INT); INSERT INTO o.partial WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT i, 0 FROM n',
  );
  const task = await following({ objects: tables('partial'), write: { buckets: 1 } });
  // Half of the batch is written, and the other half again and again refused for the moment.
  faults({
    kind: 'error',
    row: true,
    code: 'OTSRowOperationConflict',
    operation: 'BulkImport',
    after: 10,
    times: 60,
  });
  await mysql.query('UPDATE o.partial SET v = 1');
  await expect.poll(() => replica.rows('partial').filter((row) => row['v'] === 1).length).toBe(10);
  await mysql.query('UPDATE o.partial SET v = 2 WHERE id > 5');
  await mysql.query('DELETE FROM o.partial WHERE id > 15');
  await replica.caughtUp(task);
  const values = replica.rows('partial').map((row) => row['v']);
  expect(values).toEqual([...Array<number>(5).fill(1), ...Array<number>(10).fill(2)]);
  await replica.stop(task);
});

it('rule 10: a write that was given up and is carried out late does not undo what came after it', async () => {
  const { mysql } = replica;
  await mysql.query(
    'CREATE TABLE o.late (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO o.late VALUES (1, "loaded")',
  );
  const task = await following({ objects: tables('late') });
  faults({ kind: 'late', delayMs: 400, times: 1, operation: 'BulkImport' });
  await mysql.query("UPDATE o.late SET v = 'older' WHERE id = 1");
  await replica.until(task, (s) => s.rows.updated === 1);
  await mysql.query("UPDATE o.late SET v = 'newer' WHERE id = 1");
  await replica.caughtUp(task);
  // The first try is carried out 400 ms after it was given up.
  await delay(500);
  expect(replica.rows('late')).toEqual([{ id: 1, v: 'newer' }]);
  await replica.stop(task);
});

describe('rule 11: whatever writes a row that it read just now', () => {
  /** Changes the row while it is read, and lets the answer come when the stream is past the change. */
  async function meanwhile(task: ResolvedTask, name: string, change: string, answer: Promise<() => void>) {
    const release = await answer;
    // The request is on its way: the server reads the row before the change.
    await delay(150);
    await replica.mysql.query(`${change}; INSERT INTO o.${name} VALUES (1000, 0)`);
    await expect
      .poll(() => replica.rows(name).some((row) => row['id'] === 1000), { timeout: 10_000 })
      .toBe(true);
    release();
  }
  const hidden = (sql: string) => session('SET sql_log_bin = 0', sql);

  it('rule 11: a repair does not undo a change that comes while it reads', async () => {
    await replica.mysql.query(
      'CREATE TABLE o.repaired (id INT PRIMARY KEY, v INT); INSERT INTO o.repaired VALUES (1, 1), (2, 2)',
    );
    const task = await following({ objects: tables('repaired'), ...slowSource() });
    await hidden('UPDATE o.repaired SET v = 10 WHERE id = 1; DELETE FROM o.repaired WHERE id = 2');
    // It is read once to compare it again, then once to write it.
    const answer = proxy.keepAnswer(/SELECT .*FROM `o`.`repaired` WHERE .*`id` = 1\)/, 1);
    const repairing = replica.verify(task, { repair: true });
    await meanwhile(task, 'repaired', 'UPDATE o.repaired SET v = 11 WHERE id = 1', answer);
    expect(await repairing).toMatchObject({ equal: false, differing: 2 });
    await replica.caughtUp(task);
    expect(replica.rows('repaired')).toEqual([
      { id: 1, v: 11 },
      { id: 1000, v: 0 },
    ]);
    await replica.stop(task);
  });

  it('rule 11: nor does the retry of a dirty row, which writes none that is gone', async () => {
    const { mysql, engine } = replica;
    await mysql.query(
      'CREATE TABLE o.retried (id INT PRIMARY KEY, v BIGINT UNSIGNED); INSERT INTO o.retried VALUES (1, 18446744073709551615), (2, 18446744073709551615)',
    );
    const task = await following({ objects: tables('retried'), dirtyData: 'skip', ...slowSource() });
    await hidden('UPDATE o.retried SET v = 10 WHERE id = 1; DELETE FROM o.retried WHERE id = 2');
    // Read to learn its key, then again with the key held.
    const answer = proxy.keepAnswer(/SELECT .*FROM `o`.`retried` WHERE .*`id` = 1\)/, 1);
    const retrying = engine.api.retryDirty(task, {});
    await meanwhile(task, 'retried', 'UPDATE o.retried SET v = 11 WHERE id = 1', answer);
    expect(await retrying).toBe(2);
    await replica.caughtUp(task);
    expect(replica.rows('retried')).toEqual([
      { id: 1, v: 11 },
      { id: 1000, v: 0 },
    ]);
    await replica.stop(task);
  });

  it('rule 11: a row of which the event holds a part is read with its key held, and not written when it is gone', async () => {
    const { mysql } = replica;
    await mysql.query(
      'CREATE TABLE o.parts (id INT PRIMARY KEY, v INT, w INT); INSERT INTO o.parts VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (5, 5, 5)',
    );
    const task = await following({
      objects: [{ database: 'o', tables: [{ name: 'parts', filter: 'v < 100' }] }],
      ...slowSource(),
    });
    const answer = proxy.keepAnswer(/SELECT .*FROM `o`.`parts` WHERE .*`id` = 1/);
    await session('SET binlog_row_image = MINIMAL', 'UPDATE o.parts SET v = 10 WHERE id = 1');
    const release = await answer;
    // As in meanwhile().
    await delay(150);
    await session(
      'UPDATE o.parts SET w = 11 WHERE id = 1',
      'SET binlog_row_image = MINIMAL',
      'UPDATE o.parts SET v = 20 WHERE id = 2',
      'DELETE FROM o.parts WHERE id = 2',
      'UPDATE o.parts SET v = 30 WHERE id = 3',
      'UPDATE o.parts SET id = 4 WHERE id = 3',
      'UPDATE o.parts SET v = 500 WHERE id = 5',
      'UPDATE o.parts SET v = 500 WHERE id = 5',
    );
    release();
    await replica.caughtUp(task);
    expect(replica.rows('parts')).toEqual([
      { id: 1, v: 10, w: 11 },
      { id: 4, v: 30, w: 3 },
    ]);
    await replica.stop(task);
  });
});

describe('rule 12: one writer of a table', () => {
  it('rule 12: a second task is refused, with other tables beside it and when the table comes later', async () => {
    const { mysql, engine } = replica;
    await mysql.query('CREATE TABLE o.mine (id INT PRIMARY KEY); CREATE TABLE o.yours (id INT PRIMARY KEY)');
    const first = await following({ objects: tables('mine') });
    const refused = { state: 'failed', error: { code: 'ROW-E101', message: /mine/ } };
    // The precheck lets it pass, since the tables that are there may hold rows.
    const second = replica.task({ objects: tables('yours', 'mine'), conflict: 'ignore' });
    expect(await replica.run(second)).toMatchObject(refused as never);
    const third = await following({ objects: tables('yours'), conflict: 'ignore' });
    await engine.api.applyChanges({ ...third, objects: tables('yours', 'mine') } as ResolvedTask);
    const { tables: found } = await replica.until(third, (s) => s.tables.some((one) => one.problem));
    expect(found.find(({ source }) => source === 'o.mine')!.problem!.code).toBe('ROW-E101');
    await replica.stop(third);
    await replica.stop(first);
    await replica.ended(first);
    expect(await replica.run(second)).toMatchObject({ state: 'stopped' });
  });

  it('rule 12: a task that lost its lock writes nothing until it has it again', async () => {
    const { mysql } = replica;
    replica.timing.lockPatienceMs = 20_000;
    await mysql.query('CREATE TABLE o.lost (id INT PRIMARY KEY)');
    const task = await following({ objects: tables('lost') });
    const [lock] = await mysql.query<{ session: number; name: string }>(
      "SELECT PROCESSLIST_ID AS session, OBJECT_NAME AS name FROM performance_schema.metadata_locks JOIN performance_schema.threads ON OWNER_THREAD_ID = THREAD_ID WHERE OBJECT_TYPE = 'USER LEVEL LOCK' LIMIT 1",
    );
    const locks = await mysql.query<{ name: string }>(
      "SELECT OBJECT_NAME AS name FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'USER LEVEL LOCK'",
    );
    // Another session waits for all of it, and has it as soon as ours is gone.
    const other = await mysql.connect();
    const taking = other.query(`SELECT ${locks.map(({ name }) => `GET_LOCK('${name}', 20)`).join(', ')}`);
    await expect
      .poll(() => mysql.query("SELECT 1 FROM information_schema.processlist WHERE STATE = 'User lock'"), {
        timeout: 10_000,
      })
      .toHaveLength(1);
    await mysql.query(`KILL ${lock!.session}`);
    await taking;
    await replica.until(task, (s) => s.state !== 'running');
    await mysql.query('INSERT INTO o.lost VALUES (1)');
    // Nothing happens.
    await delay(1500);
    expect(replica.rows('lost')).toEqual([]);
    await other.end();
    await replica.until(task, (s) => s.state === 'running' && s.phase === 'incremental');
    await replica.caughtUp(task);
    expect(replica.rows('lost')).toEqual([{ id: 1 }]);
    await replica.stop(task);
  });
});
