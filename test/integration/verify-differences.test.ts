import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTask } from '../../src/cli/load-task.js';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import type { VerifyProgress, VerifyReport } from '../../src/shared/verify-report.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** What a verification tells of rows that differ, and that it ends when nobody wants it any more. */

const many = 30_000;
let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];
let engine: EngineConnection | undefined;
const progress: VerifyProgress[] = [];

beforeAll(async () => {
  pair = await startPair();
  ({ mysql, folder, env } = pair);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(8,2), secret VARCHAR(40), raw VARBINARY(8));
    INSERT INTO shop.items VALUES (1, 'one', 1.10, 's1', 0xff00), (2, 'two', NULL, 's2', NULL), (3, 'three', 3, 's3', 0x01), (4, 'four', 4, NULL, NULL);
    CREATE TABLE shop.many (id INT PRIMARY KEY, note VARCHAR(40));
    SET SESSION cte_max_recursion_depth = 100000;
    INSERT INTO shop.many WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
      SELECT i, CONCAT('note ', i) FROM n`);
  write('items', { dirtyData: { policy: 'block', mask: ['secret'] } });
  write('many', {});
  for (const name of ['items', 'many']) {
    const { code, stderr } = await run('run', name, '--until', 'caught-up');
    expect(stderr + String(code)).toMatch(/0$/);
  }
}, 120_000);

afterAll(async () => {
  await engine?.api.shutdown();
  engine?.close();
  await pair.close();
});

function write(name: string, more: object): void {
  writeTask(pair, name, {
    id: `t-${name}`,
    objects: [{ database: 'shop', tables: [{ name }] }],
    ...more,
  });
}
const run = (command: string, name: string, ...more: string[]) =>
  cli([command, `${name}.rowferry.json`, '--state', 'state', ...more], { cwd: folder, env });
const report = (stdout: string) =>
  JSON.parse(stdout.trim().split('\n').at(-1)!) as VerifyReport & { type: string };

describe('rows that differ', () => {
  it('are told cell by cell, both sides, without what is masked', async () => {
    await mysql.query(`
      UPDATE shop.items SET name = 'uno', secret = 'new', raw = 0xff01 WHERE id = 1;
      UPDATE shop.items SET price = 2 WHERE id = 2;
      INSERT INTO shop.items VALUES (5, 'five', 5, 's5', NULL);
      DELETE FROM shop.items WHERE id = 4`);
    const { code, stdout } = await run('verify', 'items', '--json');
    expect(code).toBe(1);
    const [table] = report(stdout).tables;
    expect(table).toMatchObject({ missing: 1, extra: 1, different: 2 });
    const byKey = Object.fromEntries(table!.differences.map((difference) => [difference.key, difference]));
    expect(byKey['id=1']).toEqual({
      kind: 'different',
      key: 'id=1',
      cells: [
        { name: 'name', source: 'uno', destination: 'one', differs: true },
        { name: 'secret', source: '***', destination: '***', differs: true },
        { name: 'raw', source: '0xff01', destination: '0xff00', differs: true },
        { name: 'price', source: '1.10', destination: '1.10', differs: false },
      ],
    });
    expect(byKey['id=2']!.cells).toContainEqual({
      name: 'price',
      source: '2.00',
      destination: null,
      differs: true,
    });
    expect(byKey['id=4']).toMatchObject({ kind: 'extra' });
    expect(byKey['id=4']!.cells.map(({ source }) => source)).toEqual([null, null]);
    expect(byKey['id=5']).toMatchObject({ kind: 'missing' });
    expect(byKey['id=5']!.cells).toContainEqual({
      name: 'name',
      source: 'five',
      destination: null,
      differs: true,
    });
    expect((await run('verify', 'items')).stdout).toContain('shop.items: different: id=1');
  });

  it('are put right, all of a table too', async () => {
    expect((await run('verify', 'items', '--repair')).code).toBe(1);
    expect((await run('verify', 'items')).code).toBe(0);
    await mysql.query("UPDATE shop.many SET note = CONCAT(note, '!') WHERE id <= 1200");
    const { stdout } = await run('verify', 'many', '--json');
    const [table] = report(stdout).tables;
    expect(table).toMatchObject({ different: 1200, missing: 0, extra: 0, compared: many });
    expect(table!.differences).toHaveLength(100);
  });
});

describe('a transformation that drops rows by their operation', () => {
  it('sets apart only what it may have dropped, and says so; what it cannot drop counts', async () => {
    await mysql.query(`
      CREATE TABLE shop.etl (id INT PRIMARY KEY, v INT, s VARCHAR(20));
      INSERT INTO shop.etl VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd')`);
    write('etl', { etl: "e_if(op_and(op_eq(__OPERATION__, 'UPDATE'), op_gt(`v`, 100)), e_drop())" });
    expect((await run('run', 'etl', '--until', 'caught-up')).code).toBe(0);
    expect((await run('verify', 'etl', '--quick')).stdout).toContain('not comparable: the script drops rows');
    // Deleted at the destination by a script that drops it: as an INSERT it would be there.
    await mysql.query('UPDATE shop.etl SET v = 400 WHERE id = 4');
    expect((await run('run', 'etl', '--until', 'caught-up')).code).toBe(0);
    const unsure = await run('verify', 'etl');
    expect([unsure.code, unsure.stdout]).toEqual([
      0,
      expect.stringContaining('shop.etl: 1 row could not be judged'),
    ]);
    await mysql.query(`SET sql_log_bin = 0; INSERT INTO shop.etl VALUES (19, 9, 'z'); DELETE FROM shop.etl WHERE id = 1;
      UPDATE shop.etl SET v = 33 WHERE id = 3; SET sql_log_bin = 1`);
    const wrong = await run('verify', 'etl', '--repair', '--json');
    expect(wrong.code).toBe(1);
    expect(report(wrong.stdout).tables[0]).toMatchObject({
      missing: 1,
      extra: 1,
      different: 1,
      notComparable: 1,
      repaired: 3,
    });
    expect((await run('verify', 'etl')).code).toBe(0);
  });

  it('and where it drops deletions, what they left', async () => {
    await mysql.query(
      'CREATE TABLE shop.kept (id INT PRIMARY KEY, v INT); INSERT INTO shop.kept VALUES (1, 1), (2, 2)',
    );
    write('kept', { etl: 'e_if(op_eq(__OPERATION__, __OP_DELETE__), e_drop())' });
    expect((await run('run', 'kept', '--until', 'caught-up')).code).toBe(0);
    await mysql.query('DELETE FROM shop.kept WHERE id = 1');
    expect((await run('run', 'kept', '--until', 'caught-up')).code).toBe(0);
    await mysql.query('SET sql_log_bin = 0; UPDATE shop.kept SET v = 3 WHERE id = 2; SET sql_log_bin = 1');
    const { stdout } = await run('verify', 'kept', '--json');
    expect(report(stdout).tables[0]).toMatchObject({ extra: 0, different: 1, notComparable: 1 });
  });
});

describe('a table whose rows are kept', () => {
  it('has its own rows compared, those of a key alone too', async () => {
    await mysql.query(
      'CREATE TABLE shop.shared (id INT PRIMARY KEY, v INT); INSERT INTO shop.shared VALUES (1, 1)',
    );
    write('theirs', { objects: [{ database: 'shop', tables: [{ name: 'shared' }] }] });
    expect((await run('run', 'theirs', '--until', 'caught-up')).code).toBe(0);
    write('shared', { conflict: 'ignore' });
    const ours = (name: string) => run('run', name, '--until', 'caught-up');
    expect((await ours('shared')).code).toBe(0);
    await mysql.query('INSERT INTO shop.shared VALUES (5, NULL), (6, 6)');
    expect((await ours('shared')).code).toBe(0);
    await mysql.query('SET sql_log_bin = 0; UPDATE shop.shared SET v = 7; SET sql_log_bin = 1');
    const { stdout } = await run('verify', 'shared', '--json');
    expect(report(stdout).tables[0]).toMatchObject({ different: 2, kept: 1 });
  });
});

describe('a repair of a paused task', () => {
  it('writes nothing, and says to resume it', async () => {
    await mysql.query(
      'CREATE TABLE shop.rests (id INT PRIMARY KEY, v INT); INSERT INTO shop.rests VALUES (1, 1)',
    );
    write('rests', {});
    const running = startCli(['run', 'rests.rowferry.json', '--state', 'state', '--json'], {
      cwd: folder,
      env,
    });
    await running.until((line) => line['caughtUp'] === true, 'caught up');
    expect((await run('pause', 'rests')).code).toBe(0);
    await mysql.query('INSERT INTO shop.rests VALUES (2, 2)');
    const { code, stderr } = await run('verify', 'rests', '--repair');
    expect(stderr).toMatch(/^ROW-T106 rests is paused, .*\n.*Resume the task/);
    expect(code).toBe(2);
    // Looking is no writing.
    expect((await run('verify', 'rests')).code).toBe(1);
    expect((await run('resume', 'rests')).code).toBe(0);
    expect((await run('verify', 'rests', '--repair')).stderr).toBe('');
    running.child.kill('SIGTERM');
    await running.ended;
  }, 60_000);
});

describe('a row that a dirty record is of', () => {
  const skip = { dirtyData: { policy: 'skip' }, ignoredChecks: ['bigint-unsigned'] };
  const tableOf = async (name: string) => report((await run('verify', name, '--json')).stdout).tables[0];

  it('is the row of that very key, whatever its key reads like', async () => {
    await mysql.query(`
      CREATE TABLE shop.alike (a VARCHAR(20), b VARCHAR(20), v BIGINT UNSIGNED, PRIMARY KEY (a, b));
      INSERT INTO shop.alike VALUES ('x', 'y, b=z', 18446744073709551615), ('x, b=y', 'z', 1)`);
    write('alike', skip);
    expect((await run('run', 'alike', '--until', 'caught-up')).code).toBe(0);
    await mysql.query("SET sql_log_bin = 0; UPDATE shop.alike SET v = 5 WHERE b = 'z'; SET sql_log_bin = 1");
    expect(await tableOf('alike')).toMatchObject({ different: 1, missing: 0, dirty: 1 });
    // Two rows, two records.
    await mysql.query('UPDATE shop.alike SET v = 18446744073709551615');
    expect((await run('reload', 'alike', '--yes')).code).toBe(0);
    expect((await run('run', 'alike', '--until', 'caught-up')).code).toBe(0);
    const { stdout } = await run('status', 'alike', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ dirty: 2 });
  });

  it('counts like any other when it can be written by now, and is repaired', async () => {
    await mysql.query(`
      CREATE TABLE shop.mended (id INT PRIMARY KEY, v BIGINT UNSIGNED);
      INSERT INTO shop.mended VALUES (1, 1), (2, 18446744073709551615), (3, 18446744073709551615)`);
    write('mended', skip);
    expect((await run('run', 'mended', '--until', 'caught-up')).code).toBe(0);
    await mysql.query('UPDATE shop.mended SET v = 22 WHERE id = 2');
    expect((await run('run', 'mended', '--until', 'caught-up')).code).toBe(0);
    expect(await tableOf('mended')).toMatchObject({ different: 0, missing: 0, dirty: 1 });
    await mysql.query('SET sql_log_bin = 0; UPDATE shop.mended SET v = 23 WHERE id = 2; SET sql_log_bin = 1');
    const wrong = await run('verify', 'mended', '--repair', '--json');
    expect(wrong.code).toBe(1);
    expect(report(wrong.stdout).tables[0]).toMatchObject({ different: 1, dirty: 1, repaired: 1 });
    expect(await tableOf('mended')).toMatchObject({ different: 0, missing: 0, dirty: 1 });
  });

  it('is missing for that reason by the counts alone, too, only while it cannot be written; a repair ends its record', async () => {
    const quick = async () => report((await run('verify', 'counted', '--quick', '--json')).stdout);
    const dirty = async () =>
      (JSON.parse((await run('status', 'counted', '--json')).stdout) as { dirty: number }).dirty;
    await mysql.query(`
      CREATE TABLE shop.counted (id INT PRIMARY KEY, v BIGINT UNSIGNED);
      INSERT INTO shop.counted VALUES (1, 1), (2, 18446744073709551615), (3, 18446744073709551615)`);
    write('counted', skip);
    expect((await run('run', 'counted', '--until', 'caught-up')).code).toBe(0);
    expect(await quick()).toMatchObject({ equal: true, tables: [{ missing: 0, dirty: 2 }] });
    await mysql.query('SET sql_log_bin = 0; UPDATE shop.counted SET v = 2 WHERE id = 2; SET sql_log_bin = 1');
    expect(await quick()).toMatchObject({ equal: false, tables: [{ missing: 1, dirty: 1 }] });
    const repaired = await run('verify', 'counted', '--repair', '--json');
    expect(report(repaired.stdout).tables[0]).toMatchObject({ missing: 1, dirty: 1, repaired: 1 });
    expect(await dirty()).toBe(1);
    expect(await quick()).toMatchObject({ equal: true, tables: [{ missing: 0, dirty: 1 }] });
    // A row that another one hides behind its record.
    await mysql.query(
      'SET sql_log_bin = 0; DELETE FROM shop.counted WHERE id = 3; INSERT INTO shop.counted VALUES (4, 4); SET sql_log_bin = 1',
    );
    expect(await quick()).toMatchObject({ equal: false, tables: [{ missing: 1, dirty: 0 }] });
  });
});

describe('a verification', () => {
  const connectionsLeft = async () => {
    const [row] = (await mysql.query(
      "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()",
    )) as unknown as { n: number }[];
    return Number(row!.n);
  };

  it('is cancelled, says so, and leaves the source alone', async () => {
    const before = await connectionsLeft();
    engine = await ensureEngine({
      stateDir: join(folder, 'state'),
      engineScript: join(import.meta.dirname, '../../dist/node/engine.mjs'),
      kind: 'extension',
      events: { verifyProgress: (_, said) => progress.push(said) },
    });
    const { task } = loadTask('many.rowferry.json', folder, env);
    const verifying = engine.api.verify(task, {});
    const outcome = verifying.then(
      () => 'it was done before it was cancelled',
      (error: { code?: string }) => error.code,
    );
    while (progress.length === 0) await new Promise((r) => setTimeout(r, 5));
    expect(progress[0]).toMatchObject({ table: 'shop.many', stage: 'source' });
    // Neither another client nor another comparison of this one ends it.
    const other = await ensureEngine({
      stateDir: join(folder, 'state'),
      engineScript: join(import.meta.dirname, '../../dist/node/engine.mjs'),
      kind: 'extension',
    });
    await other.api.cancelVerify(task.id);
    other.close();
    await engine.api.cancelVerify(task.id, 'another');
    const named = engine.api
      .verify(task, { call: 'another' })
      .catch((error: { code?: string }) => error.code);
    await engine.api.cancelVerify(task.id, 'another');
    expect(await named).toBe('ROW-E111');
    expect(await Promise.race([outcome, Promise.resolve('still compares')])).toBe('still compares');
    await engine.api.cancelVerify(task.id);
    expect(await outcome).toBe('ROW-E111');
    await expect.poll(connectionsLeft, { timeout: 10_000 }).toBe(before);
    // Nothing to cancel is nothing wrong, and the next one runs to its end.
    await engine.api.cancelVerify(task.id);
    expect((await engine.api.verify(task, {})).compared).toBe(many);
  });
});
