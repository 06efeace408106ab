import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineConnection } from '../../src/engine/ipc/client.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startPair, type Pair } from '../support/pair.js';
import { taskBetween } from '../support/precheck.js';

/** How long what fails is tried again, with windows of seconds in place of minutes. */

let pair: Pair;
let mysql: Pair['mysql'];
let store: Pair['store'];
let engine: EngineConnection;

beforeAll(async () => {
  pair = await startPair({
    mysql: { gtid: true },
    store: { data: ':memory:', limits: { tableNotReadyMs: 0 } },
  });
  ({ mysql, store } = pair);
  await mysql.query(`CREATE DATABASE shop; CREATE TABLE shop.one (id INT PRIMARY KEY); CREATE TABLE shop.two (id INT PRIMARY KEY);
    INSERT INTO shop.one VALUES (1); INSERT INTO shop.two VALUES (1)`);
  engine = await pair.engine();
}, 120_000);

afterAll(async () => {
  await engine.api.shutdown().catch(() => undefined);
  engine.close();
  await pair.close();
});

const task = (table: string, connectionSeconds: number, otherSeconds: number): ResolvedTask =>
  taskBetween(mysql, store, (made) => {
    made.id = made.name = table;
    made.objects = [{ database: 'shop', tables: [{ name: table }] }];
    made.retry = { connectionMinutes: connectionSeconds / 60, otherMinutes: otherSeconds / 60 };
  });

async function until(
  id: string,
  wanted: (one: TaskSnapshot) => boolean,
  what: string,
): Promise<TaskSnapshot> {
  const deadline = Date.now() + 40_000;
  for (;;) {
    const now = (await engine.api.snapshots()).find((one) => one.id === id);
    if (now && wanted(now)) return now;
    if (Date.now() > deadline) throw new Error(`${what} did not come: ${JSON.stringify(now)}`);
    await delay(50);
  }
}

const running = (one: TaskSnapshot) => one.state === 'running' && one.caughtUp;

describe('retry windows', () => {
  it('the shortest of the tasks that share a source holds; past it they fail, keep their place, and go on', async () => {
    await engine.api.start(task('one', 3600, 600), 'one', {});
    await engine.api.start(task('two', 5, 2), 'two', {});
    for (const id of ['one', 'two']) await until(id, running, 'the stream');
    const before = await until('one', running, 'the stream');
    await mysql.kill();
    const killedMs = Date.now();
    const retrying = await until('one', (one) => one.state === 'retrying', 'a retry');
    // The remaining time is told, and is that of the less patient task.
    expect(retrying.retry!.untilMs - killedMs).toBeLessThan(15_000);
    expect(retrying.retry!.error.code).toMatch(/^ROW-S10[17]$/);
    for (const id of ['one', 'two']) {
      const failed = await until(id, (one) => one.state === 'failed', 'the end of the window');
      expect(failed.error).toMatchObject({ code: expect.stringMatching(/^ROW-S1(12|01)$/) as string });
      expect(Date.now() - killedMs).toBeGreaterThan(4_000);
    }
    await mysql.restart();
    await mysql.query('INSERT INTO shop.one VALUES (2); INSERT INTO shop.two VALUES (2)');
    for (const id of ['one', 'two']) {
      await engine.api.start(task(id, 3600, 600), id, {});
      const now = await until(id, (one) => running(one) && one.rows.inserted === 1, 'what came meanwhile');
      // It went on: nothing was loaded again.
      expect(now.rows.full).toBe(1);
      expect(now.position).not.toEqual(before.position);
      await engine.api.stop(id);
    }
  }, 90_000);

  it('a destination that throttles is waited for, whatever the windows', async () => {
    await engine.api.start(task('one', 30, 1), 'one', {});
    await until('one', running, 'the stream');
    store.faults.set([{ kind: 'error', code: 'OTSServerBusy' }]);
    await mysql.query('INSERT INTO shop.one VALUES (3)');
    await until('one', (one) => one.retry !== undefined, 'that it is throttled');
    // Past its windows, and it retries still.
    await delay(3_000);
    const waiting = await until('one', (one) => one.retry !== undefined, 'that it is throttled still');
    expect(waiting.state).toBe('retrying');
    store.faults.set([]);
    await until('one', (one) => running(one) && one.retry === undefined, 'that it goes on');
    await engine.api.stop('one');
  }, 60_000);

  it('do not keep a stop waiting: a throttled load to a destination that is away ends at once', async () => {
    await mysql.query(`CREATE TABLE shop.many (id INT PRIMARY KEY); SET SESSION cte_max_recursion_depth = 100000;
      INSERT INTO shop.many WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n`);
    const slow = task('many', 3600, 600);
    slow.throttle.full.rowsPerSecond = 500;
    await engine.api.start(slow, 'many', {});
    await until('many', (one) => one.rows.full > 100, 'the load');
    store.faults.set([{ kind: 'reset' }]);
    await until('many', (one) => one.retry !== undefined, 'a retry');
    const began = Date.now();
    await engine.api.stop('many');
    expect(Date.now() - began).toBeLessThan(10_000);
    store.faults.set([]);
  }, 60_000);

  it('have ranges', async () => {
    const { parseTask } = await import('../../src/shared/task-file.js');
    const issues = (retry: object) =>
      parseTask(JSON.stringify({ ...task('one', 60, 60), retry })).issues.map((issue) => issue.key);
    expect(issues({ connectionMinutes: 9 })).toContain('retry.connectionMinutes');
    expect(issues({ connectionMinutes: 1441 })).toContain('retry.connectionMinutes');
    expect(issues({ otherMinutes: 0 })).toContain('retry.otherMinutes');
    expect(issues({ connectionMinutes: 20, otherMinutes: 20 })).toContain('retry.otherMinutes');
    expect(issues({ connectionMinutes: 20, otherMinutes: 19 })).toEqual([]);
  });

  it('a destination that refuses the account while its rows are read is waited for, and the task goes on', async () => {
    await mysql.query('CREATE TABLE shop.three (id INT PRIMARY KEY); INSERT INTO shop.three VALUES (1)');
    await engine.api.start(task('three', 600, 600), 'three', {});
    await until('three', running, 'the stream');
    // A reload looks for rows that the source has no more.
    store.faults.set([{ kind: 'error', code: 'OTSAuthFailed', operation: 'GetRange', times: 1 }]);
    await engine.api.reload('three', 'shop.three', false);
    await until('three', ({ retry }) => retry?.error.code === 'ROW-D102', 'the refusal');
    await until('three', running, 'the stream after it');
    expect(store.faults.list()).toMatchObject([{ remaining: 0 }]);
    store.faults.set([]);
    await mysql.query('INSERT INTO shop.three VALUES (2)');
    await until('three', ({ rows, caughtUp }) => caughtUp && rows.inserted === 1, 'the next row');
    await engine.api.stop('three');
  }, 60_000);
});
