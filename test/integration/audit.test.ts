import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** The audit of a running task: what differs behind its back is found within a pass, and nothing else. */

let replica: Replica;

beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  Object.assign(replica.timing.audit, { restMs: 300, knownMs: 500 });
  await replica.mysql.query('CREATE DATABASE h');
}, 120_000);

afterAll(async () => {
  await replica.close();
});

const tables = (...names: string[]) => [{ database: 'h', tables: names.map((name) => ({ name })) }];
/** Of the source, and not in its binlog: the destination never hears of it. */
const behindItsBack = (sql: string) =>
  replica.mysql.query(`SET SESSION sql_log_bin = 0; ${sql}; SET SESSION sql_log_bin = 1`);

async function following(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
  const task = replica.task({ audit: { rowsPerSecond: 5000 }, ...file });
  await replica.start(task);
  await replica.until(task, ({ phase, caughtUp }) => phase === 'incremental' && caughtUp);
  return task;
}
/** Two more passes through every table. */
async function passed(task: ResolvedTask): Promise<TaskSnapshot> {
  const sinceMs = Date.now();
  await replica.until(task, ({ audit }) => (audit?.lastPass?.finishedMs ?? 0) > sinceMs, 30_000);
  return replica.until(task, ({ audit }) => audit!.lastPass!.finishedMs > Date.now() - 10_000, 30_000);
}

describe('rows that differ behind the back of a task', () => {
  it('rule 23: are found by the audit within a pass, each kind, and told once with its key', async () => {
    await replica.mysql.query(`
      CREATE TABLE h.a (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, v INT);
      CREATE TABLE h.codes (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, v INT, UNIQUE KEY uc (code));
      INSERT INTO h.a VALUES (1, 'x', 1), (2, 'x', 2), (3, 'x', 3), (4, 'x', 4);
      INSERT INTO h.codes VALUES (1, 'A', 1)`);
    const task = await following({
      objects: [{ database: 'h', tables: [{ name: 'a' }, { name: 'codes', primaryKey: ['code'] }] }],
    });
    await passed(task);
    expect((await replica.snapshot(task)).audit).toMatchObject({ differences: 0, lastFoundMs: null });
    await behindItsBack(`
      DELETE FROM h.a WHERE id = 1;
      UPDATE h.a SET v = 20 WHERE id = 2;
      INSERT INTO h.a VALUES (5, 'x', 5);
      ALTER TABLE h.codes DROP INDEX uc;
      INSERT INTO h.codes VALUES (2, 'A', 2)`);
    const found = await replica.until(task, ({ audit }) => audit!.differences === 4, 30_000);
    const of = (source: string) => found.tables.find((one) => one.source === source)!.audit!;
    expect(
      of('h.a')
        .first.map(({ kind, key }) => `${kind} ${key}`)
        .toSorted(),
    ).toEqual(['different id=2', 'extra id=1', 'missing id=5']);
    expect(of('h.codes').first).toMatchObject([
      { kind: 'duplicate', key: 'code=A', rows: expect.arrayContaining(['id=1', 'id=2']) as string[] },
    ]);
    const { lastFoundMs } = (await passed(task)).audit!;
    expect((await passed(task)).audit).toMatchObject({ differences: 4, lastFoundMs });
    // What is put right by whoever is a difference no more.
    await replica.mysql.query('UPDATE h.a SET v = 21 WHERE id = 2');
    await replica.until(task, ({ audit }) => audit!.differences === 3, 30_000);
    await replica.stop(task);
  }, 120_000);

  it('are put right where the task says so, save two rows of one key', async () => {
    await replica.mysql.query(
      'CREATE TABLE h.mended (id INT PRIMARY KEY, v INT); INSERT INTO h.mended VALUES (1, 1), (2, 2), (3, 3)',
    );
    const task = await following({
      objects: tables('mended'),
      audit: { rowsPerSecond: 5000, repair: true },
    });
    await behindItsBack(
      'DELETE FROM h.mended WHERE id = 1; UPDATE h.mended SET v = 20 WHERE id = 2; INSERT INTO h.mended VALUES (5, 5)',
    );
    await replica.until(task, ({ audit }) => audit!.repaired === 3 && audit!.differences === 0, 30_000);
    expect(replica.rows('mended')).toEqual([
      { id: 2, v: 20 },
      { id: 3, v: 3 },
      { id: 5, v: 5 },
    ]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
  }, 60_000);
});

describe('rows in flight', () => {
  it.each([
    ['with a slow destination', [{ kind: 'latency', delayMs: 300, operation: 'BulkImport' }]],
    [
      'with writes that are given up and arrive late',
      [{ kind: 'late', probability: 0.05, delayMs: 2000, operation: 'BulkImport' }],
    ],
  ] as const)(
    'rule 23: are no differences, %s',
    async (name, faults) => {
      const { mysql, store } = replica;
      const table = name.includes('slow') ? 'busy' : 'late';
      await mysql.query(`
      CREATE TABLE h.${table} (id INT PRIMARY KEY, v INT, s VARCHAR(20));
      SET SESSION cte_max_recursion_depth = 10000;
      INSERT INTO h.${table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, 0, 'x' FROM n`);
      const task = await following({ objects: tables(table), audit: { rowsPerSecond: 20_000 } });
      store.faults.set([...faults] as never);
      const untilMs = Date.now() + 22_000;
      let writes = 0;
      const highest: number[] = [];
      const writing = (async () => {
        const id = () => 1 + Math.floor(Math.random() * 2000);
        while (Date.now() < untilMs) {
          const [a, b] = [id(), id()];
          const statement = [
            `UPDATE h.${table} SET v = 1 - v WHERE id = ${a}`,
            `UPDATE h.${table} SET v = v + 1 WHERE id BETWEEN ${a} AND ${a + 20}`,
            `UPDATE IGNORE h.${table} SET id = ${b} WHERE id = ${a}`,
            `DELETE FROM h.${table} WHERE id = ${a}`,
            `INSERT IGNORE INTO h.${table} VALUES (${a}, ${writes}, 'n')`,
          ][Math.floor(Math.random() * 5)]!;
          await mysql.query(statement);
          writes++;
          if (writes % 20 === 0) highest.push((await replica.snapshot(task)).audit!.differences);
          await delay(2);
        }
      })();
      await writing;
      store.faults.set([]);
      await replica.until(task, ({ caughtUp }) => caughtUp, 60_000);
      await replica.caughtUp(task);
      const { audit } = await passed(task);
      console.log(`${name}: ${writes} statements, ${audit!.rows} rows audited`);
      expect(audit!.lastFoundMs).toBeNull();
      expect(Math.max(...highest)).toBe(0);
      expect(audit!.rows).toBeGreaterThan(2000);
      expect(await replica.verify(task)).toMatchObject({ equal: true });
      await replica.stop(task);
    },
    120_000,
  );
});

describe('the walk', () => {
  beforeAll(async () => {
    await replica.mysql.query(`
      CREATE TABLE h.long_one (id INT PRIMARY KEY, v INT);
      SET SESSION cte_max_recursion_depth = 100000;
      INSERT INTO h.long_one WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, i FROM n;
      CREATE TABLE h.other_one LIKE h.long_one;
      INSERT INTO h.other_one SELECT * FROM h.long_one WHERE id <= 3000`);
  });

  it('keeps its rate, and goes on after a restart where it was', async () => {
    const task = await following({ objects: tables('long_one'), audit: { rowsPerSecond: 1000 } });
    const rows = async () => (await replica.snapshot(task)).tables[0]!.audit!.rows;
    await replica.until(task, ({ audit }) => (audit?.rows ?? 0) > 500);
    const [before, beganMs] = [await rows(), Date.now()];
    // A rate needs time.
    await delay(6000);
    const rate = ((await rows()) - before) / ((Date.now() - beganMs) / 1000);
    console.log(`audited ${Math.round(rate)} rows/s of 1000`);
    expect(rate).toBeGreaterThan(800);
    expect(rate).toBeLessThan(1200);
    await replica.stop(task);
    const stopped = (await replica.snapshot(task)).tables[0]!.audit!;
    expect(stopped.pass).toBeNull();
    await replica.start(task);
    const again = await replica.until(task, ({ audit }) => (audit?.rows ?? 0) > stopped.rows + 500);
    const { passRows, pass } = again.tables[0]!.audit!;
    expect(pass).toBeNull();
    expect(passRows).toBeGreaterThanOrEqual(stopped.passRows);
    await replica.stop(task);
  }, 60_000);

  it('yields to a reload, to a pause and to lag', async () => {
    const task = await following({ objects: tables('other_one'), audit: { rowsPerSecond: 1000 } });
    const { engine } = replica;
    await replica.until(task, ({ audit }) => (audit?.rows ?? 0) > 500);
    await engine.api.pause(task.id);
    await replica.until(task, ({ audit }) => audit!.waits === 'pause');
    const { rows } = (await replica.snapshot(task)).audit!;
    // What was being read, and nothing after it.
    await delay(1000);
    expect((await replica.snapshot(task)).audit!.rows - rows).toBeLessThanOrEqual(200);
    await engine.api.resume(task.id);
    await replica.until(task, ({ audit }) => audit!.waits === null);
    replica.store.faults.set([{ kind: 'latency', delayMs: 200 }] as never);
    await engine.api.reload(task.id);
    await replica.until(task, ({ audit }) => audit!.waits === 'load');
    replica.store.faults.set([]);
    await replica.until(task, ({ audit, caughtUp }) => caughtUp && audit!.waits === null, 30_000);
    expect((await passed(task)).audit!.lastFoundMs).toBeNull();
    await replica.stop(task);
  }, 90_000);
});
