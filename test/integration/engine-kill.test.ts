import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { cli, startCli, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** SIGKILL at random moments of both phases, of the engine and of the command, and nothing is lost. */

const rows = 60_000;
let pair: Pair;
let mysql: Pair['mysql'];
let store: Pair['store'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair();
  ({ mysql, store, folder, env } = pair);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.items (region CHAR(2), id INT, amount DECIMAL(12,3), note VARCHAR(200), PRIMARY KEY (region, id));
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO shop.items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      SELECT ELT(1 + i % 3, 'eu', 'us', 'as'), i, i / 7, CONCAT('note ', i, REPEAT('x', i % 150)) FROM n`);
  writeTask(pair, 'items', {
    objects: [{ database: 'shop' }],
    // The load takes five seconds, so that a moment within it can be met.
    throttle: { full: { rowsPerSecond: rows / 5 } },
  });
}, 120_000);

afterAll(() => pair.close());

const start = (...args: string[]): RunningCommand =>
  startCli(['run', 'items.rowferry.json', '--state', 'state', '--json', ...args], { cwd: folder, env });
const enginePid = () =>
  (JSON.parse(readFileSync(join(folder, 'state/engine.json'), 'utf8')) as { pid: number }).pid;
const killCommand = (run: RunningCommand) => run.child.kill('SIGKILL');
const killEngine = () => process.kill(enginePid(), 'SIGKILL');

let written = 0;

/** Changes of every kind, a key change and a transaction of several rows among them, until told to stop. */
function writeOn(): { stop(): Promise<number> } {
  let on = true;
  let transactions = 0;
  const done = (async () => {
    const connection = await mysql.connect();
    for (; on; written++) {
      const n = written;
      const id = 1 + Math.floor(Math.random() * rows);
      await connection.query(
        [
          `UPDATE shop.items SET amount = amount + 1, note = 'changed ${n}' WHERE id = ${id}`,
          `INSERT INTO shop.items VALUES ('zz', ${n}, ${n}, 'new'), ('zy', ${n}, ${n}, NULL)`,
          `DELETE FROM shop.items WHERE id = ${id}`,
          `UPDATE shop.items SET id = id + 1000000 WHERE region = 'zz' AND id = ${n - 4}`,
          `BEGIN; UPDATE shop.items SET note = 'lost' WHERE id = ${id + 1}; ROLLBACK`,
          `BEGIN; UPDATE shop.items SET amount = -1 WHERE id BETWEEN ${id} AND ${id + 20}; COMMIT`,
        ][n % 6]!,
      );
      transactions++;
      await delay(2);
    }
    await connection.end();
  })();
  return {
    async stop() {
      on = false;
      await done;
      return transactions;
    },
  };
}

/** Every row of both sides as text, compared by an own reading of both. */
async function difference(): Promise<string[]> {
  const source = await mysql.query<{ region: string; id: number; amount: string; note: string | null }>(
    'SELECT * FROM shop.items',
  );
  const expected = new Map(source.map((r) => [`${r.region}|${r.id}`, `${r.amount}|${r.note ?? '-'}`]));
  const data = openTablestoreData(join(folder, 'data'));
  const wrong: string[] = [];
  for (const { primaryKey, columns } of data.scan('items')) {
    const key = `${String(primaryKey['region'])}|${String(primaryKey['id'])}`;
    const found = `${String(columns['amount'])}|${String(columns['note'] ?? '-')}`;
    if (expected.get(key) !== found) wrong.push(`${key}: ${found} instead of ${expected.get(key)}`);
    expected.delete(key);
  }
  data.close();
  return [...wrong, ...[...expected.keys()].map((key) => `${key} is missing`)];
}

describe('killed and run again', () => {
  it('in the full load, while the source is written', async () => {
    const writer = writeOn();
    for (const kill of [killCommand, killEngine, killEngine]) {
      const run = start();
      await run.until((l) => l['phase'] === 'full' && Number(l['rows']) > 0, 'rows of the load', 60_000);
      await delay(Math.random() * 400);
      kill(run);
      const { code } = await run.ended;
      expect(code).toBe(kill === killEngine ? 3 : null);
    }
    const last = start('--until', 'full');
    const ended = await last.ended;
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    // What was loaded before each kill counts, and nothing twice; the source has a few hundred rows more or less now.
    const loaded = Number(last.lines().findLast((l) => l['type'] === 'status')!['loaded']);
    expect(loaded / rows).toBeGreaterThan(0.95);
    expect(loaded / rows).toBeLessThan(1.05);
    await writer.stop();
    const caughtUp = await start('--until', 'caught-up').ended;
    expect({ code: caughtUp.code, stderr: caughtUp.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await difference()).toEqual([]);
  }, 180_000);

  it('in the incremental, while the source is written', async () => {
    const writer = writeOn();
    for (const kill of [killEngine, killCommand, killEngine, killEngine]) {
      const run = start();
      await run.until(
        (l) => l['phase'] === 'incremental' && l['state'] === 'running',
        'the incremental',
        60_000,
      );
      await delay(Math.random() * 2500);
      kill(run);
      await run.ended;
    }
    expect(await writer.stop()).toBeGreaterThan(50);
    const caughtUp = await start('--until', 'caught-up').ended;
    expect({ code: caughtUp.code, stderr: caughtUp.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await difference()).toEqual([]);
  }, 180_000);

  it('rule 10: what the killed engine had sent arrives after newer values, and does not win', async () => {
    env['ROWFERRY_LATE_WRITE_MS'] = '5000';
    const run = start();
    await run.until((l) => l['phase'] === 'incremental' && l['caughtUp'] === true, 'the incremental', 60_000);
    store.faults.set([{ kind: 'late', delayMs: 3500, times: 100, operation: 'BulkImport' }]);
    await mysql.query(
      "BEGIN; INSERT INTO shop.items VALUES ('ra', 1, 1, 'old'), ('ra', 2, 1, 'old'), ('ra', 3, 1, 'old'); COMMIT",
    );
    await expect.poll(() => store.faults.list()[0]!.remaining, { timeout: 20_000 }).toBeLessThan(100);
    killEngine();
    const killed = Date.now();
    store.faults.set([]);
    await run.ended;
    await mysql.query(
      "UPDATE shop.items SET note = 'new' WHERE region = 'ra' AND id = 1; DELETE FROM shop.items WHERE region = 'ra' AND id = 2",
    );
    const caughtUp = await start('--until', 'caught-up').ended;
    expect({ code: caughtUp.code, stderr: caughtUp.stderr }).toEqual({ code: 0, stderr: '' });
    // Requests of the killed run can be carried out until then.
    await delay(Math.max(0, killed + 4500 - Date.now()));
    expect(await difference()).toEqual([]);
    delete env['ROWFERRY_LATE_WRITE_MS'];
  }, 120_000);

  it('stopped by SIGTERM it exits 0 and goes on', async () => {
    const writer = writeOn();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const run = start();
      await run.until(
        (l) => l['phase'] === 'incremental' && l['state'] === 'running',
        'the incremental',
        60_000,
      );
      // In the middle of the changes.
      await delay(500);
      run.child.kill(signal);
      expect((await run.ended).code).toBe(0);
    }
    await writer.stop();
    expect((await start('--until', 'caught-up').ended).code).toBe(0);
    expect(await difference()).toEqual([]);
  }, 120_000);

  it('interrupted while an earlier run still ends it does not begin', async () => {
    const earlier = start();
    await earlier.until((l) => l['phase'] === 'incremental' && l['state'] === 'running', 'the run', 60_000);
    store.faults.set([{ kind: 'latency', delayMs: 3000 }]);
    await mysql.query("UPDATE shop.items SET note = 'slow' LIMIT 1");
    // The write is under way, for three seconds.
    await delay(300);
    killCommand(earlier);
    await earlier.ended;
    const run = start();
    // It waits for the one before.
    await delay(1000);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
    store.faults.set([]);
    expect((await start('--until', 'caught-up').ended).code).toBe(0);
    expect(await difference()).toEqual([]);
  }, 60_000);

  it('a second run of the same task is told who holds it', async () => {
    const run = start();
    await run.until((l) => l['state'] === 'running', 'the run', 60_000);
    const second = await cli(['run', 'items.rowferry.json', '--state', 'state'], { cwd: folder, env });
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(
      new RegExp(`^ROW-E101 items is already running in rowferry run \\(process ${run.child.pid}\\)`),
    );
    const status = await cli(['status', 'items.rowferry.json', '--state', 'state', '--json'], {
      cwd: folder,
      env,
    });
    expect(JSON.parse(status.stdout)).toMatchObject({
      type: 'status',
      state: 'running',
      phase: 'incremental',
      position: { file: /./ },
    } as never);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  }, 60_000);

  it('MySQL restarted in mid-stream: it reconnects and goes on', async () => {
    const run = start();
    await run.until(
      (l) => l['phase'] === 'incremental' && l['state'] === 'running',
      'the incremental',
      60_000,
    );
    await mysql.kill();
    await run.until((l) => l['state'] === 'retrying', 'a retry', 30_000);
    await mysql.restart();
    await mysql.query("INSERT INTO shop.items VALUES ('re', 1, 1, 'after the restart')");
    await run.until(
      (l) => l['state'] === 'running' && l['caughtUp'] === true && Number(l['inserted']) > 0,
      'that it goes on',
      60_000,
    );
    // It stays so.
    await delay(1500);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
    expect((await start('--until', 'caught-up').ended).code).toBe(0);
    expect(await difference()).toEqual([]);
  }, 120_000);
});
