import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** A stopped table is not a success. */

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await pair.mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.good (id INT PRIMARY KEY, v INT); INSERT INTO shop.good VALUES (1, 1);
    CREATE TABLE shop.ill (id INT PRIMARY KEY, v INT); INSERT INTO shop.ill VALUES (1, 1)`);
}, 120_000);
afterAll(() => pair.close());

const run = (...args: string[]) => cli(args, { cwd: pair.folder, env: pair.env });
const last = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;

describe('a task that goes on no more', () => {
  it('is no success of status: one that dirty rows block, and one that failed', async () => {
    await pair.mysql.query(`
      CREATE DATABASE halted; CREATE TABLE halted.big (id INT PRIMARY KEY, v BIGINT UNSIGNED);
      INSERT INTO halted.big VALUES (1, 18446744073709551615)`);
    const blocked = writeTask(pair, 'blocked', {
      id: 't-blocked',
      objects: [{ database: 'halted' }],
      dirtyData: { policy: 'block' },
      ignoredChecks: ['bigint-unsigned'],
    });
    expect((await run('run', blocked, '--state', 'state-halted', '--until', 'caught-up')).code).toBe(4);
    const waiting = await run('status', blocked, '--state', 'state-halted', '--json');
    expect([last(waiting.stdout)['state'], waiting.code]).toEqual(['blocked', 1]);

    const failed = writeTask(pair, 'failed', { id: 't-failed', objects: [{ database: 'halted' }] });
    expect((await run('run', failed, '--state', 'state-halted', '--until', 'caught-up')).code).not.toBe(0);
    const over = await run('status', failed, '--state', 'state-halted', '--json');
    expect([last(over.stdout)['state'], over.code]).toEqual(['failed', 1]);
  }, 60_000);
});

describe('a stopped table', () => {
  it('is named by run, status and check, which end with 1, while the others are caught up (E1)', async () => {
    const file = writeTask(pair, 'stops', { id: 't-stops', objects: [{ database: 'shop' }] });
    const state = ['--state', 'state-stops'];
    expect(await run('run', file, ...state, '--until', 'caught-up')).toMatchObject({ code: 0 });
    await pair.mysql.query(
      'ALTER TABLE shop.ill DROP PRIMARY KEY, ADD PRIMARY KEY (v); INSERT INTO shop.good VALUES (3, 3)',
    );
    const named = /1 table has stopped \(no longer kept up to date\):\n {2}shop\.ill: ROW-S\d+ .*\n {4}\S/;

    const ended = await run('run', file, ...state, '--until', 'caught-up');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(named);
    // Loading it again would not do: its table in Tablestore has the old key.
    expect(ended.stdout).toMatch(/rowferry reload TASK --table shop\.ill --remake/);
    expect(ended.stdout).toMatch(/^The other tables are caught up after /m);
    expect(ended.stdout).not.toMatch(/^Caught up/m);
    expect(ended.stderr).toMatch(/^ROW-E115 .*shop\.ill/);
    const json = await run('run', file, ...state, '--until', 'caught-up', '--json');
    expect(json.code).toBe(1);
    const lines = json.stdout.trim().split('\n');
    expect(last(lines.slice(0, -1).join('\n'))).toMatchObject({
      type: 'end',
      reached: true,
      stoppedTables: [{ table: 'shop.ill', code: expect.stringMatching(/^ROW-S/) as string }],
    });
    expect(last(json.stdout)).toMatchObject({ type: 'error', code: 'ROW-E115', exitCode: 1 });

    const status = await run('status', file, ...state);
    expect([status.code, status.stdout]).toEqual([1, expect.stringMatching(named)]);
    const check = await run('check', file, ...state);
    expect([check.code, check.stdout]).toEqual([1, expect.stringMatching(new RegExp(`^${named.source}`))]);

    expect(await run('reload', file, ...state, '--table', 'shop.ill', '--remake', '--yes')).toMatchObject({
      code: 0,
    });
    expect(await run('run', file, ...state, '--until', 'caught-up')).toMatchObject({ code: 0 });
    expect(await run('status', file, ...state)).toMatchObject({ code: 0 });
  });
});
