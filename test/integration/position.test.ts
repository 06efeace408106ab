import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { connectSource } from '../../src/mysql/connection.js';
import { parseTime, positionAtTime } from '../../src/mysql/position-time.js';
import { cli, startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';
import { taskBetween } from '../support/precheck.js';

/** Places in the binlog: found by time, set by hand, taken to another machine. */

let pair: Pair;
let mysql: Pair['mysql'];
let store: Pair['store'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair({ mysql: { gtid: true }, store: { limits: { tableNotReadyMs: 0 } } });
  ({ mysql, store, folder, env } = pair);
  await mysql.query('CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)');
}, 120_000);

afterAll(() => pair.close());

const save = (name: string, more: object) =>
  writeTask(pair, name, {
    id: name,
    name,
    objects: [{ database: 'shop', tables: [{ name: 't', rename: name }] }],
    ...more,
  });
const rowferry = (...args: string[]) => cli([...args, '--state', 'state'], { cwd: folder, env });

async function runToEnd(name: string, state = 'state'): Promise<void> {
  const ended = await cli(['run', `${name}.rowferry.json`, '--until', 'caught-up', '--state', state], {
    cwd: folder,
    env,
  });
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
}

function rows(table: string): Record<string, number> {
  const data = openTablestoreData(join(folder, 'data'));
  const found = Object.fromEntries(
    [...data.scan(table)].map(({ primaryKey, columns }) => [String(primaryKey['id']), Number(columns['v'])]),
  );
  data.close();
  return found;
}

const full = { synchronization: { full: false } };
const moments: number[] = [];

describe('a place by its time', () => {
  it('is the first transaction at that time, in whichever file, with the GTID set before it', async () => {
    for (let n = 1; n <= 6; n++) {
      moments.push(Date.now());
      await delay(30);
      await mysql.query(
        `INSERT INTO shop.t VALUES (${n}, ${n}); UPDATE shop.t SET v = v + 100 WHERE id = ${n}`,
      );
      await delay(30);
      if (n % 2 === 0) await mysql.query('FLUSH BINARY LOGS');
    }
    const source = taskBetween(mysql, store).source;
    const connection = await connectSource(source);
    try {
      for (const [i, moment] of moments.entries()) {
        const place = await positionAtTime(source, connection, moment);
        // The database and the table, then two transactions for each row before.
        expect(place.gtidSet).toMatch(new RegExp(`:1-${2 + i * 2}$`));
      }
      const end = await positionAtTime(source, connection, Date.now());
      expect(end.gtidSet).toMatch(/:1-14$/);
      expect((await positionAtTime(source, connection, Date.parse('2020-01-01T00:00:00Z'))).gtidSet).toBe('');
      await mysql.query("PURGE BINARY LOGS TO 'binlog.000002'");
      await expect(
        positionAtTime(source, connection, Date.parse('2020-01-01T00:00:00Z')),
      ).rejects.toMatchObject({ code: 'ROW-S104' });
    } finally {
      await connection.close();
    }
  }, 60_000);

  it('is read as people write it', () => {
    expect(parseTime('2026-01-31T08:00:00Z')).toBe(Date.UTC(2026, 0, 31, 8));
    expect(parseTime('2026-01-31 08:00:00')).toBe(Date.UTC(2026, 0, 31, 8));
    expect(parseTime('2026-01-31 08:00+02:00')).toBe(Date.UTC(2026, 0, 31, 6));
    expect(parseTime('2026-01-31')).toBe(Date.UTC(2026, 0, 31));
    for (const bad of ['yesterday', '08:00', '2026-13-01', '1', '']) expect(parseTime(bad)).toBeNull();
  });

  it('is where an incremental-only task begins; so are now, a GTID set and a file with position', async () => {
    const from = new Date(moments[4]!).toISOString();
    save('by_time', { ...full, startPosition: { time: from } });
    const [{ Gtid_executed: executed }] = (await mysql.query<{ Gtid_executed: string }>(
      'SELECT @@GLOBAL.gtid_executed AS Gtid_executed',
    )) as [{ Gtid_executed: string }];
    const uuid = executed.split(':')[0]!;
    save('by_gtid', { ...full, startPosition: { gtid: `${uuid}:1-12` } });
    save('by_file', { ...full, startPosition: { file: 'binlog.000003', position: 4 } });
    save('by_now', { ...full, startPosition: 'now' });
    for (const name of ['by_time', 'by_gtid', 'by_file', 'by_now']) await runToEnd(name);
    expect(rows('by_time')).toEqual({ 5: 105, 6: 106 });
    expect(rows('by_gtid')).toEqual({ 6: 106 });
    expect(rows('by_file')).toEqual({ 5: 105, 6: 106 });
    expect(rows('by_now')).toEqual({});
    save('by_time', { ...full, startPosition: { time: 'soon' } });
    const refused = await rowferry('check', 'by_time.rowferry.json');
    expect(refused.code).toBe(0);
    save('never', { ...full, startPosition: { time: '2999-01-01T00:00:00Z' } });
    expect((await rowferry('check', 'never.rowferry.json')).stdout).toMatch(/in the future/);
  }, 90_000);
});

describe('a place set by hand', () => {
  it('is shown, said, confirmed and gone on from: one transaction skipped, then all of it again', async () => {
    save('hand', {});
    await runToEnd('hand');
    const before = await rowferry('position', 'hand.rowferry.json');
    expect(before.stdout).toMatch(/^[0-9a-f-]{36}:1-14( · .*)?\n$/);
    await mysql.query('CREATE TABLE shop.other (id INT PRIMARY KEY); INSERT INTO shop.other VALUES (1)');
    await mysql.query('UPDATE shop.t SET v = 0; INSERT INTO shop.t VALUES (7, 7)');

    const asked = await rowferry('position', 'hand.rowferry.json', '--skip');
    expect(asked.code).toBe(2);
    expect(asked.stdout).toMatch(/skips [0-9a-f-]+:17 of .*\n\s+shop\.t: 0 inserted, 6 updated, 0 deleted\n/);
    expect(asked.stdout).toMatch(/lost at the destination/);
    expect(asked.stderr).toMatch(/pass --yes/);
    expect((await rowferry('position', 'hand.rowferry.json', '--skip', '--yes')).code).toBe(0);
    await runToEnd('hand');
    expect(rows('hand')).toEqual({ 1: 101, 2: 102, 3: 103, 4: 104, 5: 105, 6: 106, 7: 7 });

    const back = await rowferry(
      'position',
      'hand.rowferry.json',
      '--time',
      new Date(moments[4]!).toISOString(),
      '--yes',
    );
    expect(back.stdout).toMatch(/applied again/);
    await runToEnd('hand');
    expect(rows('hand')).toEqual({ 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 7 });
  }, 60_000);

  it('must be there, and the task must rest', async () => {
    for (const [place, what] of [
      [['--at', 'binlog.000001:4'], /ROW-S104/],
      [['--at', 'binlog.999999:4'], /ROW-S104/],
      [['--gtid', 'nonsense'], /ROW-T102 "nonsense" is not a GTID set/],
      [['--time', 'noon'], /ROW-T102 "noon" is not a valid time/],
      [['--at', 'here'], /ROW-T104 --at must be FILE:OFFSET/],
      [['--skip', '--time', '2026-01-01'], /ROW-T104 Use only one of/],
      [['--skip'], /ROW-E109 There is no transaction to skip/],
    ] as const) {
      const { code, stderr } = await rowferry('position', 'hand.rowferry.json', ...place, '--yes');
      expect(stderr).toMatch(what);
      expect(code).toBeGreaterThan(0);
    }
    const run = startCli(['run', 'hand.rowferry.json', '--state', 'state', '--json'], { cwd: folder, env });
    await run.until((line) => line['state'] === 'running' && line['caughtUp'] === true, 'the run');
    for (const args of [
      ['position', 'hand.rowferry.json', '--time', new Date(moments[4]!).toISOString(), '--yes'],
      ['delete', 'hand.rowferry.json', '--yes'],
    ]) {
      expect((await rowferry(...args)).stderr).toMatch(/^ROW-E112 hand is running\.\nStop the task first\./);
    }
    // From another process the run is paused, resumed and stopped.
    expect((await rowferry('pause', 'hand.rowferry.json')).stdout).toBe('hand: paused\n');
    await run.until((line) => line['state'] === 'paused', 'the pause');
    expect((await rowferry('resume', 'hand.rowferry.json')).code).toBe(0);
    expect((await rowferry('stop', 'hand.rowferry.json')).code).toBe(0);
    expect((await run.ended).code).toBe(0);
  }, 60_000);
});

describe('state', () => {
  it('that is older than what was loaded since by another filter loads the table anew, and says so', async () => {
    await mysql.query(`CREATE TABLE shop.m (id INT PRIMARY KEY, v INT); INSERT INTO shop.m VALUES (1, 1), (2, 20);
      CREATE TABLE shop.n (id INT PRIMARY KEY, v INT); INSERT INTO shop.n VALUES (1, 1)`);
    const filtered = (filter: string) =>
      save('filtered', { objects: [{ database: 'shop', tables: [{ name: 'm', filter }, { name: 'n' }] }] });
    filtered('v < 10');
    await runToEnd('filtered');
    expect((await rowferry('state', 'export', 'filtered.rowferry.json', 'filtered.state')).code).toBe(0);
    filtered('v >= 10');
    await mysql.query('INSERT INTO shop.m VALUES (3, 30), (4, 4); INSERT INTO shop.n VALUES (2, 2)');
    await runToEnd('filtered');
    expect(rows('m')).toEqual({ 2: 20, 3: 30 });
    filtered('v < 10');
    const imported = await rowferry('state', 'import', 'filtered.state', '--replace');
    expect(imported.stdout).toBe(
      'filtered: state imported\nLoaded differently since this state was exported; the next run reloads: shop.m\n',
    );
    await runToEnd('filtered');
    expect([rows('m'), rows('n')]).toEqual([
      { 1: 1, 4: 4 },
      { 1: 1, 2: 2 },
    ]);
    expect((await rowferry('verify', 'filtered.rowferry.json')).code).toBe(0);
  }, 60_000);

  it('is taken to another folder, where the task goes on; forgotten, it begins anew', async () => {
    expect((await rowferry('state', 'export', 'hand.rowferry.json', 'hand.state')).code).toBe(0);
    expect(statSync(join(folder, 'hand.state')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'hand.state'), 'utf8')).not.toContain(store.accessKeySecret);
    await mysql.query('UPDATE shop.t SET v = 5 WHERE id = 7');
    const elsewhere = (...args: string[]) => cli([...args, '--state', 'elsewhere'], { cwd: folder, env });
    expect((await elsewhere('state', 'import', 'hand.state')).code).toBe(0);
    const again = await elsewhere('state', 'import', 'hand.state');
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ROW-E113 This state folder already holds/) as string,
    });
    expect((await elsewhere('state', 'import', 'hand.state', '--replace')).code).toBe(0);
    await runToEnd('hand', 'elsewhere');
    expect(rows('hand')).toMatchObject({ 1: 0, 7: 5 });

    const text = readFileSync(join(folder, 'hand.state'), 'utf8');
    for (const bad of [
      '',
      'nonsense',
      '{}',
      text.slice(0, -20),
      text.replaceAll('"hand"', '"other"').replace('"other"', '"hand"'),
    ]) {
      writeFileSync(join(folder, 'bad.state'), bad);
      const refused = await elsewhere('state', 'import', 'bad.state', '--replace');
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^ROW-E113 .*bad\.state is not a Rowferry state/) as string,
      });
    }
    // What could not be taken in changed nothing.
    expect((await elsewhere('position', 'hand.rowferry.json')).code).toBe(0);

    expect((await elsewhere('delete', 'hand.rowferry.json', '--yes')).code).toBe(0);
    expect((await elsewhere('status', 'hand.rowferry.json')).code).toBe(1);
  }, 60_000);
});

describe('a GTID set', () => {
  it('rule 13: that leaves out what the source committed before is refused, and the longest set within it that does not is named', async () => {
    const other = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa';
    const executed = async () =>
      (await mysql.query<{ g: string }>('SELECT @@GLOBAL.gtid_executed AS g'))[0]!.g.replaceAll('\n', '');
    const start = await executed();
    const uuid = start.split(':')[0]!;
    const number = Number(start.split('-').at(-1));
    await mysql.query(`SET gtid_next = '${other}:1'; INSERT INTO shop.t VALUES (50, 1); SET gtid_next = 'AUTOMATIC';
      FLUSH BINARY LOGS; UPDATE shop.t SET v = 2 WHERE id = 50`);
    save('order', {});
    await runToEnd('order');
    // A set of one of two servers, and one with a hole.
    const all = await executed();
    for (const [set, longest] of [
      [`${uuid}:1-${number + 1}`, start],
      [`${uuid}:1-${number - 1}:${number + 1},${other}:1`, `${uuid}:1-${number - 1}`],
    ]) {
      const refused = await rowferry('position', 'order.rowferry.json', '--gtid', set!, '--yes');
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^ROW-T102 The GTID set leaves out transactions/) as string,
      });
      expect(refused.stderr).toContain(`within yours is ${longest}.`);
      save('from_order', { ...full, startPosition: { gtid: set } });
      const checked = await rowferry('check', 'from_order.rowferry.json');
      expect(checked.stdout).toMatch(/The GTID set leaves out transactions/);
      expect(checked.code).toBe(1);
    }
    for (const set of [start, `${start},${other}:1`, all]) {
      const set50 = await rowferry('position', 'order.rowferry.json', '--gtid', set, '--yes');
      expect({ code: set50.code, stderr: set50.stderr }).toEqual({ code: 0, stderr: '' });
      await runToEnd('order');
      expect(rows('order')).toMatchObject({ 50: 2 });
    }
  }, 90_000);
});
