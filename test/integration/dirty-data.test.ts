import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Rows that cannot be written, by both roads, and what people decide on them (correctness rule 22). */
let replica: Replica;
const page = { offset: 0, limit: 100 };
const tooBig = (mib: number) => `REPEAT('x', ${mib} * 1024 * 1024)`;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE d');
}, 60_000);
afterAll(() => replica?.close());

async function table(name: string, columns: string): Promise<void> {
  await replica.mysql.query(`CREATE TABLE d.${name} (${columns})`);
}
const objects = (name: string, more: Record<string, unknown> = {}) => [
  { database: 'd', tables: [{ name, ...more }] },
];

describe('skip', () => {
  it('keeps a record of every row, of both phases, and goes on', async () => {
    const { mysql, engine } = replica;
    await table('big', 'id BIGINT UNSIGNED PRIMARY KEY, n BIGINT UNSIGNED, t LONGTEXT, secret VARCHAR(20)');
    await mysql.query(
      `INSERT INTO d.big VALUES (1, 1, 'a', 's'), (2, 18446744073709551615, 'b', 's'), (3, 3, ${tooBig(3)}, 's'), (18446744073709551615, 4, 'd', 's')`,
    );
    const task = replica.task({
      objects: objects('big'),
      dirtyData: { policy: 'skip', mask: ['SECRET'] },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await mysql.query(
      `INSERT INTO d.big VALUES (5, 18446744073709551615, 'e', 's'); UPDATE d.big SET t = ${tooBig(3)} WHERE id = 1`,
    );
    await mysql.query("INSERT INTO d.big VALUES (6, 6, 'f', 's')");
    await replica.caughtUp(task);
    expect(replica.rows('big').map((row) => row['id'])).toEqual([1, 6]);

    const { total, records } = await engine.api.dirtyRecords(task.id, {}, page);
    expect(total).toBe(5);
    const told = Object.fromEntries(records.map((r) => [r.key, r]));
    expect(Object.keys(told).sort()).toEqual(['id=1', 'id=18446744073709551615', 'id=2', 'id=3', 'id=5']);
    expect(told['id=2']).toMatchObject({
      source: 'd.big',
      destination: 'big',
      operation: 'INSERT',
      error: { code: 'ROW-V101' },
      position: null,
      sourceRow: { id: '2', n: '18446744073709551615', t: 'b', secret: '***' },
    });
    expect(told['id=5']).toMatchObject({
      operation: 'INSERT',
      position: { file: expect.stringMatching(/./) as unknown },
    });
    expect(told['id=1']).toMatchObject({ operation: 'UPDATE', error: { code: 'ROW-V102' } });
    expect(told['id=3']!.sourceRow['t']!.length).toBeLessThan(5000);
    const inPages = [0, 2, 4].map((offset) =>
      engine.api.dirtyRecords(task.id, {}, { offset, limit: 2 }).then((p) => p.records.length),
    );
    expect(await Promise.all(inPages)).toEqual([2, 2, 1]);
    expect((await engine.api.dirtyRecords(task.id, { code: 'ROW-V102' }, page)).total).toBe(2);
    if (process.platform !== 'win32')
      expect(statSync(join(replica.stateDir, 'store.db')).mode & 0o777).toBe(0o600);

    // Rows that cannot be written are not what a verification is about; the older version of one is no ghost.
    expect(await replica.verify(task)).toMatchObject({ equal: true, tables: [{ dirty: 5, extra: 0 }] });

    // By the new mapping, and as the rows are now: through the writer of the running task.
    await mysql.query("UPDATE d.big SET t = 'short now' WHERE id = 3");
    await replica.caughtUp(task);
    await replica.until(task, ({ dirty }) => dirty === 4);
    const columns = { n: { type: 'STRING' } };
    const mended = { ...task, objects: objects('big', { columns }) } as typeof task;
    expect(await engine.api.retryDirty(mended, {})).toBe(2);
    const left = await engine.api.dirtyRecords(task.id, {}, page);
    expect(left.records.map((r) => r.key).sort()).toEqual(['id=1', 'id=18446744073709551615']);
    expect(replica.rows('big')).toMatchObject([
      { id: 1 },
      { id: 2, n: '18446744073709551615' },
      { id: 3, n: 3, t: 'short now' },
      { id: 5, n: '18446744073709551615' },
      { id: 6 },
    ]);
    expect(await engine.api.skipDirty(task.id, { ids: [left.records[0]!.id] })).toBe(1);
    expect(await engine.api.discardDirty(task.id, {})).toBe(2);
    expect((await replica.snapshot(task)).dirty).toBe(0);
    await replica.stop(task);
  }, 60_000);
});

describe('a record ends', () => {
  const big = '18446744073709551615';
  const keys = async (task: ResolvedTask) =>
    (await replica.engine.api.dirtyRecords(task.id, {}, page)).records.map((r) => r.key).sort();
  /** Of rows that are as they are said to be. */
  async function left(task: ResolvedTask, ...wanted: string[]): Promise<void> {
    await replica.caughtUp(task);
    await replica.until(task, ({ dirty }) => dirty === wanted.length);
    expect(await keys(task)).toEqual(wanted);
  }

  it.each(['put-row', 'update-row'] as const)(
    'rule 22: with the change of its row that is written, by %s, and with its row',
    async (mode) => {
      const { mysql, store } = replica;
      const name = `ends_${mode.slice(0, 3)}`;
      await table(name, 'id INT PRIMARY KEY, n BIGINT UNSIGNED, v INT');
      const t = `d.${name}`;
      await mysql.query(
        `INSERT INTO ${t} VALUES (1, ${big}, 1), (2, ${big}, 2), (3, ${big}, 3), (4, ${big}, 4)`,
      );
      const task = replica.task({ objects: objects(name), dirtyData: 'skip', write: { mode } });
      await replica.start(task);
      await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
      await mysql.query(`INSERT INTO ${t} VALUES (5, ${big}, 5), (6, 6, 6), (7, 7, 7)`);
      await left(task, 'id=1', 'id=2', 'id=3', 'id=4', 'id=5');
      // Written, deleted, under another key, dirty again; and one that was written before becomes dirty.
      await mysql.query(`UPDATE ${t} SET n = 1 WHERE id = 1; DELETE FROM ${t} WHERE id = 2;
        UPDATE ${t} SET id = 30, n = 3 WHERE id = 3; UPDATE ${t} SET v = 44 WHERE id = 4; UPDATE ${t} SET n = 5 WHERE id = 5;
        UPDATE ${t} SET n = ${big} WHERE id = 6`);
      await left(task, 'id=4', 'id=4', 'id=6');
      // In one transaction, either way round.
      await mysql.query(`BEGIN; INSERT INTO ${t} VALUES (8, ${big}, 8); UPDATE ${t} SET n = 8 WHERE id = 8;
        UPDATE ${t} SET v = 70 WHERE id = 7; UPDATE ${t} SET n = ${big} WHERE id = 7; COMMIT`);
      await left(task, 'id=4', 'id=4', 'id=6', 'id=7');
      store.faults.set([
        { operation: 'BulkImport', kind: 'error', code: 'OTSParameterInvalid', row: true, times: 1 },
        { operation: 'BatchWriteRow', kind: 'error', code: 'OTSParameterInvalid', row: true, times: 1 },
      ]);
      await mysql.query(`INSERT INTO ${t} VALUES (9, 9, 9)`);
      await left(task, 'id=4', 'id=4', 'id=6', 'id=7', 'id=9');
      store.faults.set([]);
      await mysql.query(`UPDATE ${t} SET v = 99 WHERE id = 9; DELETE FROM ${t} WHERE id IN (4, 6, 7)`);
      await left(task);
      expect(replica.rows(name).map(({ id, n }) => [id, n])).toEqual([
        [1, 1],
        [5, 5],
        [8, 8],
        [9, 9],
        [30, 3],
      ]);
      expect(await replica.verify(task)).toMatchObject({ equal: true });
      await replica.stop(task);
    },
    60_000,
  );

  it('rule 22: with what an XA transaction writes of its row later, and with no older write', async () => {
    const { mysql } = replica;
    await table('ends_xa', 'id INT PRIMARY KEY, n BIGINT UNSIGNED, v INT');
    await mysql.query(`INSERT INTO d.ends_xa VALUES (1, ${big}, 1)`);
    const task = replica.task({ objects: objects('ends_xa'), dirtyData: 'skip' });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    const session = await mysql.connect();
    const branch = async (end: string, ...statements: string[]) => {
      await session.query(`XA START 'e'; ${statements.join('; ')}; XA END 'e'`);
      if (!end.endsWith('ONE PHASE')) {
        await session.query("XA PREPARE 'e'");
        await replica.caughtUp(task);
      }
      await session.query(end);
    };
    await mysql.query(`INSERT INTO d.ends_xa VALUES (2, ${big}, 2), (3, ${big}, 3)`);
    await left(task, 'id=1', 'id=2', 'id=3');
    await branch(
      "XA COMMIT 'e'",
      'UPDATE d.ends_xa SET n = 1 WHERE id = 1',
      'DELETE FROM d.ends_xa WHERE id = 2',
    );
    await left(task, 'id=3');
    await branch("XA COMMIT 'e' ONE PHASE", 'UPDATE d.ends_xa SET n = 3 WHERE id = 3');
    await left(task);
    // A row that is dirty in a branch, before and after another change of it there, and such as a plain change mends.
    for (const end of ["XA COMMIT 'e'", "XA COMMIT 'e' ONE PHASE"]) {
      await branch(
        end,
        `REPLACE INTO d.ends_xa VALUES (4, ${big}, 4), (6, ${big}, 6)`,
        'UPDATE d.ends_xa SET n = 4 WHERE id = 4',
        'REPLACE INTO d.ends_xa VALUES (5, 5, 5)',
        `UPDATE d.ends_xa SET n = ${big} WHERE id = 5`,
      );
      await left(task, 'id=5', 'id=6');
      await mysql.query('UPDATE d.ends_xa SET n = id WHERE id IN (5, 6)');
      await left(task);
    }
    // One of a prepared branch is not there yet, and its record waits.
    await session.query(
      `XA START 'w'; INSERT INTO d.ends_xa VALUES (7, ${big}, 7); XA END 'w'; XA PREPARE 'w'`,
    );
    await left(task, 'id=7');
    const mended = {
      ...task,
      objects: objects('ends_xa', { columns: { n: { type: 'STRING' } } }),
    } as typeof task;
    expect(await replica.engine.api.retryDirty(mended, {})).toBe(0);
    await left(task, 'id=7');
    await session.query("XA COMMIT 'w'");
    await replica.caughtUp(task);
    // Once the checkpoint has passed its COMMIT.
    await vi.waitFor(async () => expect(await replica.engine.api.retryDirty(mended, {})).toBe(1), 10_000);
    expect(replica.rows('ends_xa').find(({ id }) => id === 7)).toMatchObject({ n: big });
    await mysql.query('DELETE FROM d.ends_xa WHERE id = 7');
    // What was rolled back never was.
    await branch("XA ROLLBACK 'e'", `UPDATE d.ends_xa SET n = ${big}`);
    await left(task);
    expect(await replica.verify(task)).toMatchObject({ equal: true, tables: [{ dirty: 0 }] });
    expect(replica.rows('ends_xa').map(({ id, n }) => [id, n])).toEqual(
      [1, 3, 4, 5, 6].map((id) => [id, id]),
    );
    await session.end();
    await replica.stop(task);
  }, 60_000);
});

describe('block', () => {
  it('rule 22: stops behind nothing that was not decided; retry, skip and discard let the task go on', async () => {
    const { mysql, engine } = replica;
    await table('held', 'id INT PRIMARY KEY, n BIGINT UNSIGNED, note VARCHAR(20)');
    await mysql.query("INSERT INTO d.held VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')");
    const task = replica.task({ objects: objects('held') });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    const before = (await replica.snapshot(task)).position;
    // The rows behind the dirty one are in the same packet, in the same transaction and in later ones.
    await mysql.query("UPDATE d.held SET n = 18446744073709551615, note = 'too wide' WHERE id = 2");
    await mysql.query("UPDATE d.held SET note = 'behind' WHERE id IN (1, 3)");
    const blocked = await replica.ended(task);
    expect(blocked).toMatchObject({ state: 'blocked', error: { code: 'ROW-V105' } });
    const held = await replica.snapshot(task);
    expect(held).toMatchObject({ state: 'blocked', dirty: 1 });
    expect(held.position?.gtidSet).toBe(before?.gtidSet);
    expect(before?.gtidSet).toMatch(/:/);

    // Started again without a decision it is where it was, with the same record.
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    const [record] = (await engine.api.dirtyRecords(task.id, {}, page)).records;
    expect((await engine.api.dirtyRecords(task.id, {}, page)).total).toBe(1);
    expect(record).toMatchObject({ key: 'id=2', sourceRow: { n: '18446744073709551615' } });

    // A retry that fails leaves the record, and the task where it is.
    expect(await engine.api.retryDirty(task, { ids: [record!.id] })).toBe(0);
    expect(await replica.snapshot(task)).toMatchObject({ state: 'blocked', dirty: 1 });

    // The row is mended at the source; the event still holds the value that fits nowhere.
    await mysql.query("UPDATE d.held SET n = 22, note = 'mended' WHERE id = 2");
    expect(await engine.api.retryDirty(task, {})).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 0);
    expect(replica.rows('held')).toEqual([
      { id: 1, n: 1, note: 'behind' },
      { id: 2, n: 22, note: 'mended' },
      { id: 3, n: 3, note: 'behind' },
    ]);

    await mysql.query("UPDATE d.held SET n = 18446744073709551615, note = 'skipped' WHERE id = 2");
    await mysql.query("INSERT INTO d.held VALUES (4, 18446744073709551615, 'discarded'), (5, 5, 'e')");
    // Both are in what was read: one stop for them, and it goes on when both are decided.
    const both = await replica.until(task, (s) => s.state === 'blocked');
    expect(both.error?.message).toMatch(
      /^2 rows could not be written and are waiting for a decision\. .* d\.held: /,
    );
    const [first, second] = (await engine.api.dirtyRecords(task.id, {}, page)).records;
    expect(await engine.api.skipDirty(task.id, { ids: [first!.id] })).toBe(1);
    expect(await replica.snapshot(task)).toMatchObject({ state: 'blocked', dirty: 2 });
    expect(await engine.api.discardDirty(task.id, { ids: [second!.id] })).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp);
    expect(replica.rows('held').map((r) => [r['id'], r['note']])).toEqual([
      [1, 'behind'],
      [2, 'mended'],
      [3, 'behind'],
      [5, 'e'],
    ]);
    await replica.stop(task);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
  }, 60_000);

  it('stops once for all dirty rows of a transaction, and of the chunks that are read; replays add none', async () => {
    const { mysql, engine } = replica;
    await table('many', 'id INT PRIMARY KEY, n BIGINT UNSIGNED');
    const rows = (from: number, to: number, n: string) =>
      `INSERT INTO d.many WITH RECURSIVE r (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM r WHERE i < ${to}) SELECT i, ${n} FROM r`;
    const big = 'IF(i % 10 = 0, 18446744073709551615, i)';
    await mysql.query(rows(1, 900, big));
    const task = replica.task({ objects: objects('many') });
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({
      state: 'blocked',
      error: { message: expect.stringMatching(/^90 rows could not be written/) as unknown },
    });
    // Started again without a decision it finds the same rows, not others.
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    expect((await engine.api.dirtyRecords(task.id, {}, page)).total).toBe(90);
    expect(await engine.api.discardDirty(task.id, {})).toBe(90);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp);
    expect(replica.rows('many')).toHaveLength(810);

    // More than one packet of one transaction, with good rows in between, and a transaction behind it.
    await mysql.query(
      `SET SESSION cte_max_recursion_depth = 10000; START TRANSACTION; ${rows(1001, 4000, big)}; UPDATE d.many SET n = 5 WHERE id = 1; COMMIT`,
    );
    const held = await replica.until(task, (s) => s.state === 'blocked');
    expect(held.error?.message).toMatch(/^300 rows/);
    const place = held.position;
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    expect(await replica.snapshot(task)).toMatchObject({ dirty: 300, position: place });
    await mysql.query('UPDATE d.many SET n = 7 WHERE n > 9223372036854775807 AND id BETWEEN 1001 AND 2000');
    // 100 of them are mended; the others are passed over.
    expect(await engine.api.retryDirty(task, {})).toBe(100);
    // What is written is neither listed nor counted nor waited for, though the replay still has to pass it.
    const left = await replica.snapshot(task);
    expect(left).toMatchObject({ state: 'blocked', dirty: 200 });
    expect(left.error?.message).toMatch(/^200 rows/);
    expect((await engine.api.dirtyRecords(task.id, {}, page)).total).toBe(200);
    expect(await engine.api.discardDirty(task.id, { code: 'ROW-V101' })).toBe(200);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp);
    const now = replica.rows('many');
    expect(now).toHaveLength(810 + 2700 + 100);
    expect(now.filter((row) => row['n'] === 7)).toHaveLength(101);
    await replica.stop(task);
  }, 60_000);

  it('a masked key is told apart by its hash, and its row is read again when the task goes on', async () => {
    const { mysql, engine } = replica;
    await table('people', 'email VARCHAR(40) PRIMARY KEY, n BIGINT UNSIGNED');
    await mysql.query("INSERT INTO d.people VALUES ('a@x', 1), ('b@x', 18446744073709551615)");
    const task = replica.task({
      objects: objects('people'),
      dirtyData: { policy: 'block', mask: ['EMAIL'] },
    });
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    await mysql.query("UPDATE d.people SET n = 2 WHERE email = 'b@x'");
    expect(await engine.api.retryDirty(task, {})).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 0);
    await mysql.query("UPDATE d.people SET n = 18446744073709551615 WHERE email = 'a@x'");
    await replica.until(task, (s) => s.state === 'blocked');
    const { records } = await engine.api.dirtyRecords(task.id, {}, page);
    expect(records[0]).toMatchObject({ key: 'email=***', sourceRow: { email: '***' } });
    expect(JSON.stringify(records)).not.toContain('@x');
    await mysql.query('UPDATE d.people SET n = 7 WHERE n > 7');
    expect(await engine.api.retryDirty(task, {})).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 0);
    expect(replica.rows('people')).toEqual([
      { email: 'a@x', n: 7 },
      { email: 'b@x', n: 2 },
    ]);
    await replica.stop(task);
  }, 60_000);

  it('goes on by the settings that come with a retry, those that skip what cannot be written too', async () => {
    const { mysql, engine } = replica;
    await table('skipped', 'id INT PRIMARY KEY, n BIGINT UNSIGNED');
    await mysql.query('INSERT INTO d.skipped VALUES (1, 18446744073709551615), (2, 2)');
    const task = replica.task({ objects: objects('skipped') });
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    expect(await engine.api.retryDirty(task, {})).toBe(0);
    expect(await replica.snapshot(task)).toMatchObject({ state: 'blocked', dirty: 1 });
    const skips = { ...task, dirtyData: { ...task.dirtyData, policy: 'skip' as const } };
    expect(await engine.api.retryDirty(skips, {})).toBe(0);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 1);
    await mysql.query('INSERT INTO d.skipped VALUES (3, 18446744073709551615), (4, 4)');
    await replica.caughtUp(task);
    await replica.until(task, (s) => s.state === 'running' && s.dirty === 2);
    expect(replica.rows('skipped').map(({ id }) => id)).toEqual([2, 4]);
    await replica.stop(task);
  }, 60_000);

  it('holds the load until it is decided, and the mapping may change meanwhile', async () => {
    const { mysql, engine } = replica;
    await table('loaded', 'id INT PRIMARY KEY, n BIGINT UNSIGNED');
    await mysql.query(
      'INSERT INTO d.loaded VALUES (1, 18446744073709551615), (2, 2), (3, 18446744073709551614)',
    );
    const task = replica.task({ objects: objects('loaded') });
    await replica.start(task);
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    const mended = {
      ...task,
      objects: objects('loaded', { columns: { n: { type: 'STRING' } } }),
    } as typeof task;
    expect(await engine.api.retryDirty(mended, {})).toBeGreaterThan(0);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 0);
    expect(replica.rows('loaded')).toEqual([
      { id: 1, n: '18446744073709551615' },
      { id: 2, n: '2' },
      { id: 3, n: '18446744073709551614' },
    ]);
    await replica.stop(task);
  }, 60_000);

  it('a row that the destination refuses is kept with its cells, and tried again when it is taken', async () => {
    const { mysql, store, engine } = replica;
    await table('refused', 'id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), KEY (a)');
    const task = replica.task({
      objects: objects('refused', { columns: { b: { rename: 'bee' } } }),
      dirtyData: { policy: 'block', mask: ['a'] },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    const refuse = () =>
      store.faults.set([
        {
          operation: 'BulkImport',
          kind: 'error',
          code: 'OTSParameterInvalid',
          message: 'not today',
          row: true,
        },
      ]);
    refuse();
    await mysql.query("INSERT INTO d.refused VALUES (1, 'x', NULL)");
    expect(await replica.ended(task)).toMatchObject({ state: 'blocked' });
    const first = (await engine.api.dirtyRecords(task.id, {}, page)).records;
    expect(first).toMatchObject([
      {
        key: 'id=1',
        error: { code: 'OTSParameterInvalid', message: 'not today' },
        sourceRow: { id: '1', a: '***', b: null },
        cells: { a: '***' },
      },
    ]);
    expect(await engine.api.retryDirty(task, {})).toBe(0);
    expect(await engine.api.skipDirty(task.id, { ids: [first[0]!.id] })).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp);
    await mysql.query("INSERT INTO d.refused VALUES (2, NULL, 'z')");
    await replica.until(task, (s) => s.state === 'blocked');
    store.faults.set([]);
    expect(await engine.api.retryDirty(task, { sinceMs: first[0]!.atMs + 1 })).toBe(1);
    await replica.until(task, (s) => s.state === 'running' && s.caughtUp && s.dirty === 1);
    expect(replica.rows('refused')).toEqual([{ id: 2, bee: 'z' }]);
    await replica.stop(task);
  }, 60_000);

  it('rule 21: an unwritable key has nothing to delete; under an unwritable new key the old one is gone', async () => {
    const { mysql, engine } = replica;
    await table('longkey', 'k VARCHAR(2000) CHARACTER SET latin1 PRIMARY KEY, v INT');
    await mysql.query("INSERT INTO d.longkey VALUES ('short', 1), (REPEAT('k', 1500), 2)");
    const task = replica.task({ objects: objects('longkey'), dirtyData: 'skip' });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    expect((await replica.snapshot(task)).dirty).toBe(1);
    await mysql.query("UPDATE d.longkey SET k = REPEAT('l', 1500) WHERE k = 'short'");
    await mysql.query("DELETE FROM d.longkey WHERE k = REPEAT('k', 1500)");
    await mysql.query("INSERT INTO d.longkey VALUES ('last', 3)");
    await replica.caughtUp(task);
    expect(replica.rows('longkey')).toEqual([{ k: 'last', v: 3 }]);
    const { records } = await engine.api.dirtyRecords(task.id, {}, page);
    expect(records.map((r) => [r.operation, r.error.code])).toEqual([['UPDATE', 'ROW-V104']]);
    // Under a key that can be written the row is new.
    await mysql.query("INSERT INTO d.longkey VALUES (REPEAT('m', 1500), 4)");
    await mysql.query("UPDATE d.longkey SET k = 'mended' WHERE v = 4");
    await replica.caughtUp(task);
    expect(replica.rows('longkey').map((row) => row['k'])).toEqual(['last', 'mended']);
    expect((await replica.snapshot(task)).dirty).toBe(1);
    // What is gone at the source is not written, and the record with it (rule 11).
    await mysql.query('SET sql_log_bin = 0; DELETE FROM d.longkey WHERE v = 1; SET sql_log_bin = 1');
    expect(await engine.api.retryDirty(task, { ids: [records[0]!.id] })).toBe(1);
    expect((await replica.snapshot(task)).dirty).toBe(0);
    await replica.stop(task);
  }, 60_000);

  it('rule 22: a TRUNCATE that is carried out ends the records of the rows before it', async () => {
    const { mysql } = replica;
    await table('emptied', 'id BIGINT UNSIGNED PRIMARY KEY');
    const [a, b, c] = ['18446744073709551613', '18446744073709551614', '18446744073709551615'];
    await mysql.query(`INSERT INTO d.emptied VALUES (1), (${a})`);
    const task = replica.task({
      objects: objects('emptied'),
      dirtyData: 'skip',
      ddl: { truncate: 'delete' },
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await mysql.query(`INSERT INTO d.emptied VALUES (${b})`);
    await replica.until(task, ({ dirty }) => dirty === 2);
    await mysql.query(`TRUNCATE d.emptied; INSERT INTO d.emptied VALUES (${c}), (2)`);
    await replica.caughtUp(task);
    expect(replica.rows('emptied')).toEqual([{ id: 2 }]);
    await replica.until(task, ({ dirty }) => dirty === 1);
    await replica.stop(task);
  }, 60_000);

  it('rule 22: rows whose long binary keys begin alike are rows of their own', async () => {
    const { mysql, engine } = replica;
    await table('alike', 'k VARBINARY(2000) PRIMARY KEY, v INT');
    const key = (end: string) => `CONCAT(REPEAT('a', 1500), '${end}')`;
    await mysql.query(`INSERT INTO d.alike VALUES (${key('1')}, 1), (${key('2')}, 2), ('x', 3)`);
    const task = replica.task({ objects: objects('alike'), dirtyData: 'skip' });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    const left = async () => {
      const { records } = await engine.api.dirtyRecords(task.id, {}, page);
      return records.map(({ sourceRow }) => sourceRow['v']);
    };
    expect(await left()).toEqual(['1', '2']);
    await mysql.query(`INSERT INTO d.alike VALUES (${key('3')}, 4), (${key('4')}, 5)`);
    await replica.until(task, ({ dirty }) => dirty === 4);
    await mysql.query('DELETE FROM d.alike WHERE v IN (1, 4)');
    await replica.caughtUp(task);
    await replica.until(task, ({ dirty }) => dirty < 4);
    expect(await left()).toEqual(['2', '5']);
    expect(await replica.verify(task)).toMatchObject({ equal: true, tables: [{ dirty: 2 }] });
    // A record of an earlier version is known by what was shown of its key.
    const store = new DatabaseSync(join(replica.stateDir, 'store.db'));
    const shown = createHash('sha256')
      .update(`k=0x${'61'.repeat(1024)}`)
      .digest('hex');
    store.prepare('UPDATE dirty SET key_hash = ? WHERE source = ?').run(shown, 'd.alike');
    store.close();
    await mysql.query('DELETE FROM d.alike WHERE v = 2');
    await replica.until(task, ({ dirty }) => dirty < 2);
    expect(await left()).toEqual(['5']);
    await replica.stop(task);
  }, 60_000);

  it('rule 21: nor has a key that is not UTF-8, or a row that could not be transformed; what becomes of it counts', async () => {
    const { mysql } = replica;
    await table('bytekey', 'k VARBINARY(20) PRIMARY KEY, t VARCHAR(30)');
    await mysql.query(
      "INSERT INTO d.bytekey VALUES (x'ff', '2024-01-01 00:00:00'), ('a', 'no time'), ('b', 'none')",
    );
    const task = replica.task({
      objects: objects('bytekey', { columns: { k: { type: 'STRING' } } }),
      etl: 'e_set(`t`, DATETIME(`t`))',
      dirtyData: 'skip',
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    expect((await replica.snapshot(task)).dirty).toBe(3);
    await mysql.query("DELETE FROM d.bytekey WHERE k = x'ff'; DELETE FROM d.bytekey WHERE k = 'a'");
    await mysql.query("UPDATE d.bytekey SET t = '2024-02-03 04:05:06' WHERE k = 'b'");
    await replica.caughtUp(task);
    expect(replica.rows('bytekey')).toEqual([{ k: 'b', t: '2024-02-03 04:05:06' }]);
    await replica.until(task, ({ dirty }) => dirty === 0);
    await replica.stop(task);
  }, 60_000);

  it('rule 21: nor has a row of which the filter cannot be decided', async () => {
    const { mysql } = replica;
    await table('labels', "id INT PRIMARY KEY, e ENUM('a', 'b')");
    await mysql.query("INSERT INTO d.labels VALUES (1, 'b')");
    const task = replica.task({ objects: objects('labels', { filter: "e <> 'a'" }), dirtyData: 'skip' });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    // A label that the stream does not tell of.
    await mysql.query(
      "SET SESSION sql_log_bin = 0; ALTER TABLE d.labels MODIFY e ENUM('a', 'b', 'c'); SET SESSION sql_log_bin = 1",
    );
    await mysql.query("INSERT INTO d.labels VALUES (2, 'c'); DELETE FROM d.labels WHERE id = 2");
    await replica.caughtUp(task);
    expect(replica.rows('labels')).toEqual([{ id: 1, e: 'b' }]);
    await replica.until(task, ({ dirty }) => dirty === 0);
    await replica.stop(task);
  }, 60_000);
});
