import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { cli, startCli, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/**
 * An engine that is stopped (SIGSTOP, as a laptop that sleeps) under load, loses its sessions at the source, and goes on
 * when a second one has taken the lock and is through. ROWFERRY_ROUNDS sets how often, 3 by itself.
 */
const rounds = Number(process.env['ROWFERRY_ROUNDS'] ?? 3);
const rows = 900;
let pair: Pair;

beforeAll(async () => {
  pair = await startPair();
  pair.env['ROWFERRY_LATE_WRITE_MS'] = '1000';
  await pair.mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.stock (id INT PRIMARY KEY, v BIGINT, note TEXT);
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO shop.stock WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      SELECT i, 0, '' FROM n`);
  writeTask(pair, 'stock', { objects: [{ database: 'shop' }] });
  const { code, stderr } = await run('state', '--until', 'caught-up').ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, 120_000);

afterAll(() => pair.close());

const run = (state: string, ...more: string[]): RunningCommand =>
  startCli(['run', 'stock.rowferry.json', '--state', state, '--json', ...more], {
    cwd: pair.folder,
    env: pair.env,
  });
const enginePid = (state: string) =>
  (JSON.parse(readFileSync(join(pair.folder, state, 'engine.json'), 'utf8')) as { pid: number }).pid;

/** What belongs to an engine that runs is not copied. */
const isKept = (file: string): boolean => !/engine\.json$|\.sock$|lock\.db/.test(file);

/** Every session but those of this test ends at the source. */
async function endSessions(): Promise<void> {
  const sessions = await pair.mysql.query<{ id: number }>(
    "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER <> 'event_scheduler'",
  );
  for (const { id } of sessions) await pair.mysql.query(`KILL ${id}`).catch(() => undefined);
}

async function difference(): Promise<string[]> {
  const source = await pair.mysql.query<{ id: number; v: number }>('SELECT id, v FROM shop.stock');
  const expected = new Map(source.map((row) => [row.id, String(row.v)]));
  const data = openTablestoreData(join(pair.folder, 'data'));
  const wrong: string[] = [];
  for (const { primaryKey, columns } of data.scan('stock')) {
    const id = Number(primaryKey['id']);
    if (expected.get(id) !== String(columns['v']))
      wrong.push(`${id}: ${String(columns['v'])} instead of ${expected.get(id)}`);
    expected.delete(id);
  }
  data.close();
  return [...wrong, ...[...expected.keys()].map((id) => `${id} is missing`)];
}

describe('an engine that stood still', () => {
  it('rule 12: nothing is sent by an engine that stood still while another took the lock (A4)', async () => {
    const { mysql, store, folder } = pair;
    for (let round = 1; round <= rounds; round++) {
      // The second one goes on from the same place.
      cpSync(join(folder, 'state'), join(folder, 'second'), { recursive: true, filter: isKept });
      const first = run('state');
      await first.until((l) => l['caughtUp'] === true, 'the incremental', 60_000);
      const engine = enginePid('state');
      const locks = await mysql.query<{ name: string }>(
        "SELECT OBJECT_NAME AS name FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'USER LEVEL LOCK'",
      );
      // Requests are under way at all times, long ones too.
      store.faults.set([{ kind: 'latency', delayMs: 20 }]);
      const writing = new AbortController();
      const wrote = (async () => {
        for (let n = 1; !writing.signal.aborted; n++)
          await mysql.query(
            `UPDATE shop.stock SET v = v + 1, note = REPEAT('${n % 10}', ${round % 2 ? 20 : 4000})`,
          );
      })();
      await delay(500 + Math.random() * 500);
      process.kill(engine, 'SIGSTOP');
      writing.abort();
      await wrote;
      store.faults.set([]);
      await endSessions();
      await mysql.query('UPDATE shop.stock SET v = 1000000 + id');
      const second = await run('second', '--until', 'caught-up').ended;
      expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
      expect(await difference(), `round ${round}: before it goes on`).toEqual([]);
      // As if the second one still ran: what the first may do by a lock of its own is another matter.
      const other = await mysql.connect();
      await other.query(`SELECT ${locks.map(({ name }) => `GET_LOCK('${name}', 0)`).join(', ')}`);
      const said = first.lines().length;
      process.kill(engine, 'SIGCONT');
      await expect
        .poll(
          () =>
            first
              .lines()
              .slice(said)
              .some((l) => l['state'] !== 'running'),
          {
            timeout: 30_000,
            interval: 20,
          },
        )
        .toBe(true);
      const after = await difference();
      await other.end();
      first.child.kill('SIGKILL');
      try {
        expect(after, `round ${round}: after it went on`).toEqual([]);
      } finally {
        await cli(['stop', 'stock.rowferry.json', '--state', 'state'], { cwd: folder, env: pair.env });
        await first.ended;
        try {
          process.kill(engine, 'SIGKILL');
        } catch {
          // It has ended.
        }
        rmSync(join(folder, 'state'), { recursive: true, force: true });
        renameSync(join(folder, 'second'), join(folder, 'state'));
      }
    }
  }, 600_000);
});
