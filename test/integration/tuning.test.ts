import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineConnection } from '../../src/engine/ipc/client.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';
import { taskBetween } from '../support/precheck.js';

/** What changes while a task runs: throttles that hold and change, pause and resume, a strained source. */

let pair: Pair;
let mysql: Pair['mysql'];
let store: Pair['store'];
let folder: string;
let engine: EngineConnection;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair({ store: { data: ':memory:', limits: { tableNotReadyMs: 0 } } });
  ({ mysql, store, folder, env } = pair);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.numbers (i INT PRIMARY KEY);
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO shop.numbers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i FROM n`);
  for (const name of ['full_rows', 'full_bytes', 'more_rows', 'more_bytes', 'strained', 'paused']) {
    await mysql.query(`CREATE TABLE shop.${name} (id INT PRIMARY KEY, v CHAR(200) CHARACTER SET ascii)`);
  }
  for (const name of ['full_rows', 'full_bytes', 'strained', 'paused']) await fill(name);
  engine = await pair.engine();
}, 120_000);

afterAll(async () => {
  await engine.api.shutdown().catch(() => undefined);
  engine.close();
  await pair.close();
});

const fill = (name: string) =>
  mysql.query(`INSERT INTO shop.${name} SELECT i, REPEAT('x', 200) FROM shop.numbers`);
/** Data of a row: 8 bytes of key value and its name, 200 of the cell and its name. */
const rowBytes = 8 + 2 + 200 + 1;

function task(table: string, change: (task: ResolvedTask) => unknown = () => {}): ResolvedTask {
  return taskBetween(mysql, store, (made) => {
    made.id = made.name = table;
    made.objects = [{ database: 'shop', tables: [{ name: table }] }];
    change(made);
  });
}

async function snapshot(id: string): Promise<TaskSnapshot> {
  return (await engine.api.snapshots()).find((one) => one.id === id)!;
}

async function until(id: string, wanted: (one: TaskSnapshot) => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const now = await snapshot(id);
    if (wanted(now)) return;
    if (Date.now() > deadline || now.state === 'failed')
      throw new Error(`${what} did not come: ${JSON.stringify(now)}`);
    await delay(50);
  }
}

/** Its snapshot once what was in flight when it was paused has come to its end: two looks see the same. */
async function atRest(id: string): Promise<TaskSnapshot> {
  for (let before = await snapshot(id); ;) {
    await delay(200);
    const now = await snapshot(id);
    if (done(now) === done(before)) return now;
    before = now;
  }
}

const done = ({ rows }: TaskSnapshot) => rows.full + rows.inserted + rows.updated + rows.deleted;

/** Rows a second of each task over the next ten seconds. */
async function ratesOf(ids: readonly string[]): Promise<number[]> {
  const take = async () => {
    const all = await engine.api.snapshots();
    return ids.map((id) => all.find((one) => one.id === id)!);
  };
  const before = await take();
  await delay(10_000);
  const after = await take();
  return ids.map(
    (_, i) => (done(after[i]!) - done(before[i]!)) / ((after[i]!.atMs - before[i]!.atMs) / 1000),
  );
}

function expectWithin5Percent(rates: readonly number[], wanted: readonly number[]): void {
  rates.forEach((rate, i) => {
    expect(rate, `rate ${i}`).toBeGreaterThan(wanted[i]! * 0.95);
    expect(rate, `rate ${i}`).toBeLessThan(wanted[i]! * 1.05);
  });
}

describe('throttle', () => {
  it('holds within 5 % over ten seconds, and so does what it is changed to by set and by the saved file', async () => {
    const ids = ['full_rows', 'full_bytes', 'more_rows', 'more_bytes'];
    const save = (megabytesPerSecond: number) =>
      writeTask(pair, 'more_bytes', {
        id: 'more_bytes',
        objects: [{ database: 'shop', tables: [{ name: 'more_bytes' }] }],
        throttle: { incremental: { megabytesPerSecond } },
      });
    const file = join(folder, save(0.2));
    const run = startCli(['run', file, '--state', 'state', '--json'], { cwd: folder, env });
    const tasks = [
      task('full_rows', (t) => (t.throttle.full.rowsPerSecond = 1500)),
      task('full_bytes', (t) => (t.throttle.full.megabytesPerSecond = 0.3)),
      task('more_rows', (t) => (t.class = 'micro')),
    ];
    for (const one of tasks) {
      const path = join(folder, `${one.id}.rowferry.json`);
      writeFileSync(path, JSON.stringify({ ...one, source: { ...one.source, password: '' } }));
      await engine.api.start(one, path, {});
    }
    for (const id of ['more_rows', 'more_bytes'])
      await until(id, (one) => one.phase === 'incremental' && one.caughtUp, 'the incremental');
    await Promise.all(['more_rows', 'more_bytes'].map(fill));
    for (const id of ids) await until(id, (one) => done(one) > 100, 'the first rows');

    expectWithin5Percent(await ratesOf(ids), [1500, 300_000 / rowBytes, 200, 200_000 / rowBytes]);

    const set = await cli(
      ['set', 'full_rows.rowferry.json', 'throttle.full.rowsPerSecond=700', '--state', 'state'],
      {
        cwd: folder,
      },
    );
    expect(set).toMatchObject({ code: 0, stderr: '' });
    expect((await snapshot('full_rows')).tuning?.throttle?.full?.rowsPerSecond).toBe(700);
    await engine.api.tune('full_bytes', { throttle: { full: { megabytesPerSecond: 0.6 } } });
    // Buckets, too, and all of them while requests are under way.
    await engine.api.tune('more_rows', { class: 'small', write: { concurrency: 30, buckets: 30 } });
    save(0.1);
    await until(
      'more_bytes',
      (one) => one.tuning?.throttle?.incremental?.megabytesPerSecond === 0.1,
      'the file',
    );
    // What was taken at the old rate goes out.
    await delay(500);

    expectWithin5Percent(await ratesOf(ids), [700, 600_000 / rowBytes, 2000, 100_000 / rowBytes]);

    await engine.api.tune('more_rows', { class: 'unlimited' });
    await until('more_rows', (one) => one.rows.inserted === 60_000 && one.caughtUp, 'every row, once');
    for (const id of ids.slice(0, 3)) await engine.api.stop(id);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  }, 90_000);

  it('refuses what a task file could not say, and tasks that do not run', async () => {
    await expect(engine.api.tune('nobody', {})).rejects.toMatchObject({ code: 'ROW-E109' });
    await expect(engine.api.pause('full_rows')).rejects.toMatchObject({ code: 'ROW-E109' });
  });
});

describe('pause', () => {
  it('keeps a load where it is, and the stream after it; a paused task can be stopped', async () => {
    await engine.api.start(
      task('paused', (t) => (t.throttle.full.rowsPerSecond = 20_000)),
      'paused',
      {},
    );
    await expect(engine.api.tune('paused', { write: { buckets: 50 } })).rejects.toMatchObject({
      code: 'ROW-T104',
    });
    await until('paused', (one) => one.rows.full > 1000, 'rows');
    await engine.api.pause('paused');
    const before = await atRest('paused');
    expect(before).toMatchObject({ state: 'paused', phase: 'full' });
    // Nothing happens.
    await delay(1000);
    expect((await snapshot('paused')).rows.full).toBe(before.rows.full);
    await engine.api.resume('paused');
    await engine.api.tune('paused', { write: { threads: 0 } });
    // Readers look twice a second how many they are to be: none stays.
    await delay(600);
    await engine.api.tune('paused', { throttle: { full: { rowsPerSecond: null } }, write: { threads: 8 } });
    await until('paused', (one) => one.caughtUp, 'the end of the load');
    expect((await snapshot('paused')).rows.full).toBe(60_000);

    await engine.api.pause('paused');
    await mysql.query('DELETE FROM shop.paused WHERE id <= 1000');
    // Nothing happens.
    await delay(1000);
    expect(await snapshot('paused')).toMatchObject({
      state: 'paused',
      caughtUp: false,
      rows: { deleted: 0 },
    });
    await engine.api.resume('paused');
    await until('paused', (one) => one.rows.deleted === 1000 && one.caughtUp, 'the deletes');

    await engine.api.pause('paused');
    await mysql.query('DELETE FROM shop.paused WHERE id <= 2000');
    await engine.api.stop('paused');
    expect(await snapshot('paused')).toMatchObject({ state: 'stopped', rows: { deleted: 1000 } });
    await engine.api.start(task('paused'), 'paused', {});
    await until('paused', (one) => one.rows.deleted === 2000 && one.caughtUp, 'the rest');
    await engine.api.stop('paused');
  }, 60_000);
});

describe('a strained source', () => {
  it('is left alone while it runs more threads than allowed, at so many queries a second', async () => {
    const busy = await Promise.all(Array.from({ length: 6 }, () => mysql.connect()));
    for (const one of busy) void one.query('SELECT SLEEP(60)').catch(() => undefined);
    await engine.api.start(
      task('strained', (t) => Object.assign(t.throttle.full, { maxThreadsRunning: 5, queriesPerSecond: 1 })),
      'strained',
      {},
    );
    await until('strained', (one) => one.strain !== undefined, 'the strain');
    expect((await snapshot('strained')).strain).toMatchObject({ what: 'threads-running', limit: 5 });
    // Nothing happens.
    await delay(1000);
    expect((await snapshot('strained')).rows.full).toBe(0);
    for (const one of busy) await mysql.query(`KILL ${one.threadId}`);
    await until('strained', (one) => one.rows.full > 0, 'that it goes on');
    const asked = async () =>
      Number(
        (
          await mysql.query<{ n: string }>(
            "SELECT SUM(COUNT_STAR) AS n FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST_TEXT LIKE 'SELECT%`strained`%'",
          )
        )[0]!.n,
      );
    const before = await asked();
    // A rate needs time.
    await delay(3000);
    const perSecond = ((await asked()) - before) / 3;
    expect(perSecond).toBeGreaterThan(0.5);
    expect(perSecond).toBeLessThan(1.5);
    expect((await snapshot('strained')).strain).toBeUndefined();
    await engine.api.tune('strained', { throttle: { full: { queriesPerSecond: null } } });
    await until('strained', (one) => one.caughtUp, 'the end');
    await engine.api.stop('strained');
  }, 60_000);
});
