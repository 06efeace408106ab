import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import type { VerifyReport } from '../../src/shared/verify-report.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** With "conflict": "ignore" rows of others are kept, and after a crash the task's own are not taken for theirs (rule 23). */

const rows = 4000;
const theirs = 100;
let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair();
  ({ mysql, folder, env } = pair);
  await mysql.query(`
    CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY, note VARCHAR(20));
    CREATE TABLE shop.others LIKE shop.items;
    SET SESSION cte_max_recursion_depth = 10000;
    INSERT INTO shop.items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, 'ours' FROM n;
    INSERT INTO shop.others SELECT id, 'theirs' FROM shop.items WHERE id <= ${theirs}`);
  write('others', { tables: [{ name: 'others', rename: 'items' }] });
  write('items', { tables: [{ name: 'items' }] });
  const first = await run('run', 'others', '--until', 'caught-up');
  expect([first.code, first.stderr]).toEqual([0, '']);
}, 120_000);
afterAll(() => pair.close());

function write(name: string, object: object): void {
  writeTask(pair, name, {
    id: `t-${name}`,
    objects: [{ database: 'shop', ...object }],
    conflict: 'ignore',
    // Slow enough that the load can be met in the middle.
    throttle: { full: { rowsPerSecond: 1000 } },
  });
}
const run = (command: string, name: string, ...more: string[]) =>
  cli([command, `${name}.rowferry.json`, '--state', `state-${name}`, ...more], { cwd: folder, env });
function notes(): Map<number, string> {
  const data = openTablestoreData(join(folder, 'data'));
  try {
    const found = [...data.scan('items')];
    return new Map(found.map((row) => [Number(row.primaryKey['id']), String(row.columns['note'])]));
  } finally {
    data.close();
  }
}
async function verified(...more: string[]) {
  const { code, stdout } = await run('verify', 'items', '--json', ...more);
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as VerifyReport;
  const { missing, extra, different, kept } = report.tables[0]!;
  return { code, missing, extra, different, kept };
}

it('what the load had written before a crash is told from what was there', async () => {
  const args = ['run', 'items.rowferry.json', '--state', 'state-items', '--json', '--until', 'caught-up'];
  const broken = startCli(args, { cwd: folder, env });
  await expect.poll(() => notes().size, { timeout: 20_000, interval: 50 }).toBeGreaterThan(1500);
  const engine = JSON.parse(readFileSync(join(folder, 'state-items/engine.json'), 'utf8')) as { pid: number };
  process.kill(engine.pid, 'SIGKILL');
  broken.child.kill('SIGKILL');
  await broken.ended;
  const before = notes();
  expect(before.size).toBeLessThan(rows);
  const written = [...before].filter(([, note]) => note === 'ours').map(([id]) => id);
  const open = rows - 1;
  // Changes that no binlog tells, of a row of each kind.
  await mysql.query(
    `SET sql_log_bin = 0; UPDATE shop.items SET note = 'silent' WHERE id IN (${theirs}, ${written[0]}, ${open}); SET sql_log_bin = 1`,
  );
  const again = await run('run', 'items', '--until', 'caught-up');
  expect([again.code, again.stderr]).toEqual([0, '']);
  const after = notes();
  expect(after.size).toBe(rows);
  expect([after.get(1), after.get(theirs)]).toEqual(['theirs', 'theirs']);

  // The row that was written before its change is different; theirs are counted apart.
  expect(await verified()).toEqual({ code: 1, missing: 0, extra: 0, different: 1, kept: theirs });
  await verified('--repair');
  expect(notes().get(written[0]!)).toBe('silent');
  expect(await verified()).toEqual({ code: 0, missing: 0, extra: 0, different: 0, kept: theirs });
  // The stream overwrites them.
  await mysql.query("UPDATE shop.items SET note = 'newer' WHERE id <= 10");
  expect((await run('run', 'items', '--until', 'caught-up')).code).toBe(0);
  expect([notes().get(1), notes().get(11)]).toEqual(['newer', 'theirs']);
  expect(await verified()).toEqual({ code: 0, missing: 0, extra: 0, different: 0, kept: theirs - 10 });
}, 90_000);
