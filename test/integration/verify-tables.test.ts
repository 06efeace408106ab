import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTask } from '../../src/cli/load-task.js';
import type { VerifyReport } from '../../src/shared/verify-report.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { deleteTable } from '../../src/tablestore/client/operations.js';
import { cli, startCli, type Finished, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** What a verification says of a whole table: two rows of one key, tables that cannot be compared, and repair in bulk. */

const many = 60_000;
let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair();
  ({ mysql, folder, env } = pair);
  await mysql.query('CREATE DATABASE shop');
}, 120_000);

afterAll(() => pair.close());

const write = (name: string, more: Record<string, unknown>) =>
  writeTask(pair, name, { id: `t-${name}`, ...more });
const run = (command: string, name: string, ...more: string[]): Promise<Finished> =>
  cli([command, `${name}.rowferry.json`, '--state', `state-${name}`, ...more], { cwd: folder, env });
const start = (name: string): RunningCommand =>
  startCli(['run', `${name}.rowferry.json`, '--state', `state-${name}`, '--json'], { cwd: folder, env });
const reportOf = ({ stdout }: Finished) =>
  JSON.parse(stdout.trim().split('\n').at(-1)!) as VerifyReport & { type: string };

async function caughtUp(name: string): Promise<void> {
  const { code, stderr } = await run('run', name, '--until', 'caught-up');
  expect(stderr + String(code)).toMatch(/0$/);
}

describe('two rows of the source with one key', () => {
  beforeAll(async () => {
    await mysql.query(`
      CREATE TABLE shop.ck (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, secret VARCHAR(9), v INT, UNIQUE KEY uc (code));
      INSERT INTO shop.ck VALUES (1, 'A', 's', 1), (3, 'b', 's', 1);
      CREATE TABLE shop.signs (sign VARCHAR(9) CHARACTER SET cp932 COLLATE cp932_bin PRIMARY KEY);
      INSERT INTO shop.signs VALUES (_cp932 x'8790')`);
    write('codes', {
      dirtyData: { policy: 'block', mask: ['secret'] },
      objects: [
        {
          database: 'shop',
          tables: [{ name: 'ck', primaryKey: ['code'] }, { name: 'signs' }],
        },
      ],
    });
    await caughtUp('codes');
    await mysql.query(`
      ALTER TABLE shop.ck DROP INDEX uc;
      INSERT INTO shop.ck VALUES (2, 'A', 's', 1), (4, 'a', 's', 1);
      INSERT INTO shop.signs VALUES (_cp932 x'81e0'), ('other')`);
    await run('run', 'codes', '--until', 'caught-up');
  });

  it('rule 23: are a difference of their own, with both rows named, by the bytes of the key (C1)', async () => {
    const finished = await run('verify', 'codes', '--json');
    expect(finished.code).toBe(1);
    const report = reportOf(finished);
    const ck = report.tables.find(({ source }) => source === 'shop.ck')!;
    expect(ck.duplicate).toBe(1);
    const duplicate = ck.differences.find(({ kind }) => kind === 'duplicate')!;
    // 'a' is equal to 'A' for MySQL, and a key of its own in Tablestore.
    expect(duplicate.key).toBe('code=A');
    expect(duplicate.rows!.toSorted()).toEqual(['id=1', 'id=2']);
    // Two codes of the charset are one character.
    const signs = report.tables.find(({ source }) => source === 'shop.signs')!;
    expect(signs).toMatchObject({ missing: 0, extra: 0, different: 0, duplicate: 1 });
    expect(signs.differences[0]!.rows).toEqual(['sign=≒', 'sign=≒']);
    const { stdout } = await run('verify', 'codes');
    expect(stdout).toMatch(/shop\.ck: duplicate: code=A: source rows \(id=[12]\), \(id=[12]\)/);
  });

  it('are not put right by choosing one of them', async () => {
    const before = reportOf(await run('verify', 'codes', '--json'));
    const finished = await run('verify', 'codes', '--repair', '--json');
    expect(finished.code).toBe(1);
    const report = reportOf(finished);
    const duplicates = report.tables.reduce((all, { duplicate }) => all + duplicate, 0);
    expect(duplicates).toBe(2);
    expect(report.repaired).toBe(before.differing - duplicates);
    expect(reportOf(await run('verify', 'codes', '--json')).differing).toBe(duplicates);
  });
});

describe('tables that cannot be compared', () => {
  it('are told with their reason, and the others are compared (E2)', async () => {
    await mysql.query(`
      CREATE DATABASE mixed;
      CREATE TABLE mixed.good (id INT PRIMARY KEY, v INT);
      CREATE TABLE mixed.keyless (id INT PRIMARY KEY, v INT);
      CREATE TABLE mixed.gone (id INT PRIMARY KEY, v INT);
      CREATE TABLE mixed.undone (id INT PRIMARY KEY, v INT);
      CREATE TABLE mixed.forbidden (id INT PRIMARY KEY, v INT);
      INSERT INTO mixed.good VALUES (1, 1), (2, 2);
      INSERT INTO mixed.keyless VALUES (1, 1);
      INSERT INTO mixed.gone VALUES (1, 1);
      INSERT INTO mixed.undone VALUES (1, 1);
      INSERT INTO mixed.forbidden VALUES (1, 1)`);
    write('mixed', { objects: [{ database: 'mixed' }] });
    await caughtUp('mixed');
    const equal = await run('verify', 'mixed', '--json');
    expect(equal.code, equal.stdout).toBe(0);
    expect(reportOf(equal)).toMatchObject({ equal: true, problems: 0, differing: 0 });
    await mysql.query(`
      ALTER TABLE mixed.keyless DROP PRIMARY KEY;
      DROP TABLE mixed.gone;
      CREATE USER reader@'%';
      GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO reader@'%';
      GRANT SELECT ON mixed.good TO reader@'%';
      GRANT SELECT ON mixed.keyless TO reader@'%';
      GRANT SELECT ON mixed.undone TO reader@'%';
      GRANT SELECT (id), INSERT (v) ON mixed.forbidden TO reader@'%'`);
    write('mixed', {
      objects: [{ database: 'mixed' }],
      source: { host: '127.0.0.1', port: mysql.port, user: 'reader' },
    });
    const client = new TablestoreClient(loadTask('mixed.rowferry.json', folder, env).task.destination);
    await deleteTable(client, 'undone');
    client.close();
    const finished = await run('verify', 'mixed', '--json');
    expect(finished.code).toBe(1);
    const report = reportOf(finished);
    expect(report).toMatchObject({ equal: false, differing: 0, problems: 4 });
    const of = (name: string) => report.tables.find(({ source }) => source === `mixed.${name}`)!;
    expect(of('good')).toMatchObject({ compared: 2 });
    expect(of('good').problem).toBeUndefined();
    expect(of('keyless').problem).toMatchObject({ code: 'ROW-S106' });
    expect(of('gone').problem).toMatchObject({ code: 'ROW-S108' });
    expect(of('undone').problem!.message).toContain('undone no longer exists');
    expect(of('forbidden').problem).toMatchObject({ code: 'ROW-S103' });
    for (const quick of [[], ['--quick']]) {
      const { stdout, code, stderr } = await run('verify', 'mixed', ...quick);
      expect(code, stderr).toBe(1);
      for (const name of ['keyless', 'gone', 'undone']) expect(stdout).toContain(`mixed.${name}: ROW-`);
    }
    // The good one is put right beside them.
    await mysql.query('SET SESSION sql_log_bin = 0; UPDATE mixed.good SET v = 9 WHERE id = 1');
    expect(reportOf(await run('verify', 'mixed', '--repair', '--json')).repaired).toBe(1);
    expect(reportOf(await run('verify', 'mixed', '--json'))).toMatchObject({ differing: 0, problems: 4 });
  }, 120_000);
});

describe('repair in bulk', () => {
  const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many}) SELECT i, CONCAT('note ', i) FROM n`;
  /** 20,000 rows behind the task's back: missing, changed and surplus. */
  const plant = `SET SESSION sql_log_bin = 0;
    UPDATE shop.many SET note = CONCAT(note, '!') WHERE id BETWEEN 1 AND 8000;
    DELETE FROM shop.many WHERE id BETWEEN 20001 AND 26000;
    INSERT INTO shop.many SELECT id + 1000000, note FROM shop.many WHERE id BETWEEN 40001 AND 46000`;
  const planted = { different: 8000, extra: 6000, missing: 6000 };

  beforeAll(async () => {
    await mysql.query(`
      CREATE TABLE shop.many (id INT PRIMARY KEY, note VARCHAR(40));
      SET SESSION cte_max_recursion_depth = 100000;
      INSERT INTO shop.many ${rows}`);
    write('many', { objects: [{ database: 'shop', tables: [{ name: 'many' }] }] });
    await caughtUp('many');
  }, 60_000);

  /** Rows a second while it repaired, by its own progress. */
  async function repaired(): Promise<number> {
    const command = startCli(
      ['verify', 'many.rowferry.json', '--state', 'state-many', '--repair', '--json'],
      { cwd: folder, env },
    );
    await command.until((line) => line['stage'] === 'repair', 'repair', 60_000);
    const sinceMs = performance.now();
    const finished = await command.ended;
    const took = performance.now() - sinceMs;
    const report = reportOf(finished);
    expect(report.tables[0]).toMatchObject({ ...planted, repaired: 20_000 });
    const steps = command.lines().filter((line) => line['stage'] === 'repair');
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.at(-1)!['repair']).toEqual({ done: 20_000, all: 20_000 });
    expect((await run('verify', 'many')).code).toBe(0);
    return 20_000 / (took / 1000);
  }

  it('goes on at thousands of rows a second, with progress, while the task rests (E7)', async () => {
    await mysql.query(plant);
    const rate = await repaired();
    console.log(`repair at rest: ${Math.round(rate)} rows/s`);
    expect(rate).toBeGreaterThan(2000);
  }, 120_000);

  it('and while it runs', async () => {
    const running = start('many');
    await running.until((line) => line['caughtUp'] === true, 'caught up');
    // Planted now, so that the other half of what was done comes back: ids that exist at one side alone.
    await mysql.query(`SET SESSION sql_log_bin = 0;
      UPDATE shop.many SET note = CONCAT(note, '!') WHERE id BETWEEN 1 AND 8000;
      DELETE FROM shop.many WHERE id BETWEEN 1040001 AND 1046000;
      INSERT INTO shop.many SELECT id, 'back' FROM (SELECT id - 20000 AS id FROM shop.many WHERE id BETWEEN 40001 AND 46000) AS b`);
    const rate = await repaired();
    console.log(`repair while running: ${Math.round(rate)} rows/s`);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    expect(rate).toBeGreaterThan(2000);
  }, 120_000);

  it('is cancelled, leaves the rest as it is and no key held', async () => {
    const running = start('many');
    await running.until((line) => line['caughtUp'] === true, 'caught up');
    await mysql.query(
      "SET SESSION sql_log_bin = 0; UPDATE shop.many SET note = CONCAT(note, '?') WHERE id <= 20000",
    );
    const command = startCli(
      ['verify', 'many.rowferry.json', '--state', 'state-many', '--repair', '--json'],
      { cwd: folder, env },
    );
    await command.until((line) => line['stage'] === 'repair', 'repair', 60_000);
    command.child.kill('SIGINT');
    expect((await command.ended).code).not.toBe(0);
    await mysql.query("SET SESSION sql_log_bin = 1; UPDATE shop.many SET note = 'flows' WHERE id <= 20000");
    running.child.kill('SIGINT');
    await running.ended;
    await caughtUp('many');
    const after = await run('verify', 'many');
    expect(after.code, after.stdout).toBe(0);
  }, 120_000);

  it('ends when the task is paused in the middle, and says to resume it', async () => {
    const running = start('many');
    await running.until((line) => line['caughtUp'] === true, 'caught up');
    await mysql.query(
      "SET SESSION sql_log_bin = 0; UPDATE shop.many SET note = CONCAT(note, '#') WHERE id <= 12000; SET SESSION sql_log_bin = 1",
    );
    const command = startCli(
      ['verify', 'many.rowferry.json', '--state', 'state-many', '--repair', '--json'],
      {
        cwd: folder,
        env,
      },
    );
    await command.until((line) => line['stage'] === 'repair', 'repair', 60_000);
    expect((await run('pause', 'many')).code).toBe(0);
    const { code, stderr } = await command.ended;
    expect(stderr).toMatch(/^ROW-T106 .* is paused, so no rows are written.*\n.*Resume the task/);
    expect(code).toBe(2);
    expect((await run('resume', 'many')).code).toBe(0);
    expect(reportOf(await run('verify', 'many', '--repair', '--json')).repaired).toBeGreaterThan(0);
    const after = await run('verify', 'many');
    expect(after.code, after.stdout).toBe(0);
    running.child.kill('SIGINT');
    await running.ended;
  }, 120_000);
});
