import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cli, startCli, type RunningCommand } from '../support/cli.js';
import { freePort } from '../support/mysql-process.mjs';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** What people, scripts and monitoring see of a run on real servers. */

let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];
let running: RunningCommand | undefined;

beforeAll(async () => {
  pair = await startPair({ mysql: { gtid: true } });
  ({ mysql, folder, env } = pair);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.items (id INT PRIMARY KEY, note VARCHAR(200));
    SET SESSION cte_max_recursion_depth = 100000;
    INSERT INTO shop.items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
      SELECT i, CONCAT('note ', i) FROM n`);
}, 120_000);

afterEach(async () => {
  running?.child.kill('SIGTERM');
  await running?.ended;
  running = undefined;
});

afterAll(() => pair.close());

/** A task of its own, with a state folder of its own, for each test. */
function task(name: string, more: Record<string, unknown> = {}): string {
  return writeTask(pair, name, {
    id: `t-${name}`,
    objects: [{ database: 'shop', tables: [{ name: 'items', rename: `items_${name}` }] }],
    ...more,
  });
}
const at = { cwd: '', env: {} as Record<string, string> };
function run(file: string, ...more: string[]): RunningCommand {
  Object.assign(at, { cwd: folder, env });
  return (running = startCli(['run', file, '--state', `state-${file}`, '--json', ...more], at));
}
const status = async (file: string) =>
  JSON.parse(
    (await cli(['status', file, '--state', `state-${file}`, '--json'], { cwd: folder, env })).stdout,
  ) as Record<string, unknown>;
const follows = (line: Record<string, unknown>) =>
  line['phase'] === 'incremental' && line['caughtUp'] === true;

describe('the snapshot of a run', () => {
  it('has latency, lag, throttle and position, and keeps the position when the run is over', async () => {
    const file = task('seen', { throttle: { incremental: { rowsPerSecond: 50 } } });
    const { until, lines, child, ended } = run(file);
    await until(follows, 'caught up');
    for (const line of lines().filter((one) => one['phase'] !== 'incremental'))
      expect(line['latencyMs']).toBeNull();
    expect(lines().findLast(follows)).toMatchObject({
      latencyMs: 0,
      lagTransactions: 0,
      throttle: { rowsPerSecond: 50, megabytesPerSecond: null },
      tables: [
        { source: 'shop.items', destination: 'items_seen', rows: 500, estimatedRows: expect.any(Number) },
      ],
      position: { gtidSet: expect.stringMatching(/:1-\d+$/) },
    } as never);
    // 300 transactions at 50 rows a second: it is behind for some seconds.
    for (let n = 0; n < 300; n++) await mysql.query(`UPDATE shop.items SET note = 'u${n}' WHERE id = ${n}`);
    await until((line) => Number(line['lagTransactions']) > 20 && Number(line['latencyMs']) > 500, 'a lag');
    child.kill('SIGTERM');
    await ended;
    const last = lines().findLast((line) => line['type'] === 'status')!;
    const now = await status(file);
    expect(now).toMatchObject({ state: 'stopped', latencyMs: null, position: last['position'] });
    expect(now['throttle']).toBeUndefined();
    const text = (await cli(['status', file, '--state', `state-${file}`], { cwd: folder, env })).stdout;
    expect(text).toContain((now['position'] as { gtidSet: string }).gtidSet);
    expect(text).toMatch(/committed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC/);
  }, 60_000);

  it('tells a retry with the time left, and is not as far behind as a source that rested is old', async () => {
    const file = task('rested', { retry: { connectionMinutes: 20, otherMinutes: 5 } });
    const { until, lines } = run(file);
    await until(follows, 'caught up');
    // The source rests: that is what the lag must not count.
    await delay(6000);
    await mysql.kill();
    await until((line) => line['state'] === 'retrying', 'the retry');
    const line = lines().find((one) => one['state'] === 'retrying')!;
    const { attempt, untilMs, error } = line['retry'] as { attempt: number; untilMs: number; error: object };
    expect(attempt).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: expect.stringMatching(/^ROW-S10/) } as never);
    const minutesLeft = (untilMs - Number(line['atMs'])) / 60_000;
    expect(minutesLeft).toBeGreaterThan(19);
    expect(minutesLeft).toBeLessThanOrEqual(20);
    // What was known of the tables stays in sight.
    expect(line['tables']).toMatchObject([{ source: 'shop.items', rows: 500 }]);
    await mysql.restart();
    await until((one) => Number(one['atMs']) > Number(line['atMs']) && follows(one), 'caught up again');
    expect(lines().at(-1)!['retry']).toBeUndefined();
    // The last commit was older than six seconds, but never was it so far behind.
    const latencies = lines()
      .slice(lines().findIndex(follows))
      .map((one) => Number(one['latencyMs']));
    expect(Math.max(...latencies)).toBeLessThan(6000);
  }, 60_000);
});

describe('heartbeat', () => {
  it('"table" measures latency from end to end, by the clock of the source, and takes its row away', async () => {
    const file = task('beats', { heartbeat: 'table' });
    const { until, child, ended } = run(file);
    await until((line) => follows(line) && Number(line['latencyMs']) > 0, 'a measured latency');
    const rows = await mysql.query<{ task: string }>('SELECT task FROM rowferry.heartbeat');
    expect(rows).toEqual([{ task: 't-beats' }]);
    // What the destination keeps back is in the measured figure, with nothing else written at the source.
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    expect(await mysql.query('SELECT task FROM rowferry.heartbeat')).toEqual([]);
  }, 60_000);

  it('"statement" moves the binlog on', async () => {
    const file = task('statement', { heartbeat: 'statement' });
    const before = await executed();
    await run(file).until(follows, 'caught up');
    await expect.poll(executed, { timeout: 15_000 }).not.toBe(before);
    const databases = await mysql.query<{ Database: string }>("SHOW DATABASES LIKE 'test'");
    expect(databases).toHaveLength(1);
  }, 60_000);
});

const executed = async () =>
  (await mysql.query<{ gtids: string }>('SELECT @@GLOBAL.gtid_executed AS gtids'))[0]!.gtids;

describe('--metrics', () => {
  it('serves the figures of a real run', async () => {
    const port = await freePort();
    const file = task('metrics');
    const { until } = run(file, '--metrics', String(port));
    const get = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
    };
    await until(follows, 'caught up');
    await mysql.query(
      "INSERT INTO shop.items VALUES (9001, 'new'), (9002, 'new'); DELETE FROM shop.items WHERE id = 9002",
    );
    await until((line) => line['deleted'] === 1 && line['caughtUp'] === true, 'the changes');
    const { status: code, text, type } = await get('/metrics');
    expect(code).toBe(200);
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    const value = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')
          .at(-1),
      );
    const rows = (op: string) => value(`rowferry_rows_total{task="metrics",table="shop.items",op="${op}"}`);
    expect([rows('load'), rows('insert'), rows('update'), rows('delete')]).toEqual([500, 2, 0, 1]);
    expect(value('rowferry_latency_seconds{task="metrics"}')).toBeLessThan(5);
    expect(value('rowferry_lag_transactions{task="metrics"}')).toBe(0);
    expect(value('rowferry_state{task="metrics",state="running",phase="incremental"}')).toBe(1);
    expect(value('rowferry_checkpoint_commit_timestamp_seconds{task="metrics"}')).toBeGreaterThan(
      Date.now() / 1000 - 60,
    );
    // Every series has its help and type, as the text format wants it.
    for (const [, name] of text.matchAll(/^(rowferry_\w+)/gm)) expect(text).toContain(`# TYPE ${name} `);
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'running\n' });
    // A run that is started again goes on counting where the last one was.
    running!.child.kill('SIGTERM');
    await running!.ended;
    await run(file).until(follows, 'caught up again');
    expect(running!.lines().findLast(follows)).toMatchObject({
      tables: [{ source: 'shop.items', rows: 500, changes: { inserted: 2, updated: 0, deleted: 1 } }],
    });
  }, 60_000);
});
