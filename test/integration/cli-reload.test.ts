import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** reset, reload, verify --quick and dirty as commands, on a task that rests and on one that runs. */
let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair();
  ({ mysql, folder, env } = pair);
  await mysql.query(`CREATE DATABASE shop;
    CREATE TABLE shop.items (id INT PRIMARY KEY, note VARCHAR(20)); INSERT INTO shop.items VALUES (1, 'a'), (2, 'b');
    CREATE TABLE shop.people (id INT PRIMARY KEY, n BIGINT UNSIGNED); INSERT INTO shop.people VALUES (1, 1), (2, 18446744073709551615)`);
  write({});
}, 120_000);
afterAll(() => pair.close());

function write(more: Record<string, unknown>): void {
  writeTask(pair, 'shop', {
    id: 't-shop',
    objects: [{ database: 'shop', tables: [{ name: 'items' }, { name: 'people' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
    ...more,
  });
}
const rowferry = (...args: string[]) => cli([...args, '--state', 'state'], { cwd: folder, env });
const task = 'shop.rowferry.json';
function keys(table: string): unknown[] {
  const data = openTablestoreData(join(folder, 'data'));
  try {
    return [...data.scan(table)].map((row) => Number(row.primaryKey['id']));
  } finally {
    data.close();
  }
}
/** Changes that no binlog tells: only a reload or a verification finds them. */
async function unseen(sql: string): Promise<void> {
  await mysql.query(`SET sql_log_bin = 0; ${sql}; SET sql_log_bin = 1`);
}

it('a task that rests: reload, reset, verify --quick, dirty', async () => {
  expect((await rowferry('reload', task)).code).toBe(1);
  expect((await rowferry('run', task, '--until', 'caught-up')).stderr).toBe('');
  const quick = await rowferry('verify', task, '--quick');
  expect(quick.code).toBe(0);
  expect(quick.stdout).toMatch(/shop\.items +items +2 +2 +equal\n/);
  expect(quick.stdout).toMatch(/shop\.people +people +2 +1 +equal except for 1 dirty/);

  const wrong = await rowferry('reload', task, '--table', 'shop.nothing');
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringContaining('Its tables are shop.items, shop.people.') as unknown,
  ]);
  await unseen("DELETE FROM shop.items WHERE id = 1; INSERT INTO shop.items VALUES (3, 'c')");
  expect((await rowferry('verify', task)).code).toBe(1);
  const reload = await rowferry('reload', task, '--table', 'shop.items');
  expect([reload.code, reload.stdout]).toEqual([0, 'shop.items: the next run reloads it.\n']);
  expect((await rowferry('run', task, '--until', 'caught-up')).code).toBe(0);
  expect(keys('items')).toEqual([2, 3]);

  const list = await rowferry('dirty', 'list', task, '--json');
  expect(JSON.parse(list.stdout)).toMatchObject({
    source: 'shop.people',
    key: 'id=2',
    error: { code: 'ROW-V101' },
  });
  const inVain = await rowferry('dirty', 'retry', task, '--all');
  expect([inVain.code, inVain.stdout]).toEqual([1, 'Written: 0.\n']);
  expect(inVain.stderr).toMatch(
    /^One row still cannot be written; "rowferry dirty list" shows the reason\.\n.+\n$/,
  );
  write({ dirtyData: 'block' });
  expect((await rowferry('dirty', 'retry', task, '--all')).code).toBe(4);
  write({
    objects: [
      {
        database: 'shop',
        tables: [{ name: 'items' }, { name: 'people', columns: { n: { type: 'STRING' } } }],
      },
    ],
  });
  const mended = await rowferry('dirty', 'retry', task, '--all');
  expect([mended.code, mended.stdout, mended.stderr]).toEqual([0, 'Written: 1.\n', '']);
  expect((await rowferry('dirty', 'list', task)).stdout).toBe('No dirty records.\n');
  expect(keys('people')).toEqual([1, 2]);

  await unseen('DELETE FROM shop.people WHERE id = 1; DELETE FROM shop.items WHERE id = 2');
  expect((await rowferry('reset', task)).stdout).toBe('shop: the next run loads it from the beginning.\n');
  const again = await rowferry('run', task, '--until', 'full');
  expect([again.code, again.stderr]).toEqual([0, '']);
  expect([keys('people'), keys('items')]).toEqual([[2], [3]]);
  expect((await rowferry('verify', task)).code).toBe(0);
}, 90_000);

it('a task that runs: reload at once, reset is refused', async () => {
  const run = startCli(['run', task, '--state', 'state', '--json'], { cwd: folder, env });
  await run.until((l) => l['phase'] === 'incremental' && l['caughtUp'] === true, 'caught up');
  await unseen("INSERT INTO shop.items VALUES (7, 'g'); DELETE FROM shop.items WHERE id = 3");
  const reset = await rowferry('reset', task);
  expect([reset.code, reset.stderr]).toEqual([
    3,
    expect.stringMatching(/^ROW-E112 shop is running\./) as unknown,
  ]);
  expect((await rowferry('reload', task, '--table', 'shop.items')).stdout).toMatch(/^Reloading shop\.items;/);
  for (let i = 0; i < 200 && keys('items').join() !== '7'; i++) await new Promise((r) => setTimeout(r, 50));
  expect(keys('items')).toEqual([7]);
  await mysql.query("INSERT INTO shop.items VALUES (8, 'h')");
  for (let i = 0; i < 200 && keys('items').length < 2; i++) await new Promise((r) => setTimeout(r, 50));
  expect(keys('items')).toEqual([7, 8]);
  await unseen('DELETE FROM shop.items WHERE id = 7');
  expect((await rowferry('verify', task, '--repair')).code).toBe(1);
  expect(keys('items')).toEqual([8]);
  run.child.kill('SIGTERM');
  expect((await run.ended).code).toBe(0);
}, 60_000);

it('a key that is chosen otherwise: the table is deleted and made anew when that is said', async () => {
  await mysql.query('ALTER TABLE shop.items MODIFY note VARCHAR(20) NOT NULL, ADD UNIQUE KEY (note)');
  write({ objects: [{ database: 'shop', tables: [{ name: 'items', primaryKey: ['note'] }] }] });
  const refused = await rowferry('run', task, '--until', 'caught-up');
  expect([refused.code, refused.stdout]).toEqual([
    1,
    expect.stringMatching(
      /items has the key \(id INTEGER\)[^]*rowferry reload TASK --table shop\.items --remake/,
    ) as unknown,
  ]);
  expect((await rowferry('reload', task, '--remake', '--yes')).code).toBe(2);
  const unsaid = await rowferry('reload', task, '--table', 'shop.items', '--remake');
  expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining('pass --yes') as unknown]);
  expect((await rowferry('reload', task, '--table', 'shop.items', '--remake', '--yes')).code).toBe(0);
  const run = await rowferry('run', task, '--until', 'caught-up');
  expect([run.code, run.stderr]).toEqual([0, '']);
  const there = await rowferry('verify', task);
  expect([there.code, there.stderr]).toEqual([0, '']);
  // Once: the next start finds the table as it was left.
  expect((await rowferry('run', task, '--until', 'caught-up')).code).toBe(0);
}, 90_000);
