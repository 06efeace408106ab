import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** The language of the command line: by --lang, else by the locale; what programs read stays English. */

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rowferry-languages-'));
  writeFileSync(join(cwd, 'wrong.rowferry.json'), '{ "source": 3 }');
});
afterAll(() => rmSync(cwd, { recursive: true }));

const rowferry = (args: string[], env: Record<string, string> = {}) => startCli(args, { cwd, env }).ended;

describe('an error is told', () => {
  const english = 'ROW-T101 The file none.rowferry.json does not exist.\nCheck the path.\n';
  const chinese = 'ROW-T101 文件 none.rowferry.json 不存在。\n请检查路径。\n';

  test.each([
    ['by default', [], {}, english],
    ['by LANG', [], { LANG: 'zh_CN.UTF-8' }, chinese],
    ['by LC_ALL before LANG', [], { LC_ALL: 'zh_CN.UTF-8', LANG: 'en_US.UTF-8' }, chinese],
    ['by LC_ALL, also against LANG', [], { LC_ALL: 'C', LANG: 'zh_CN.UTF-8' }, english],
    ['by --lang', ['--lang', 'zh-cn'], {}, chinese],
    ['by --lang before LANG', ['--lang=en'], { LANG: 'zh_CN.UTF-8' }, english],
  ])('%s', async (_, args, env, expected) => {
    const { code, stderr } = await rowferry(['run', 'none.rowferry.json', ...args], env);
    expect(stderr).toBe(expected);
    expect(code).toBe(2);
  });

  test('with what is wrong in a file', async () => {
    const { stderr } = await rowferry(['check', 'wrong.rowferry.json', '--lang', 'zh-cn']);
    expect(stderr).toContain('必须是对象');
    expect(stderr).toContain('请修正 wrong.rowferry.json 的第 1 行。');
  });

  test('in English to programs', async () => {
    const { stdout } = await rowferry(['run', 'none.rowferry.json', '--json', '--lang', 'zh-cn']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'error',
      code: 'ROW-T101',
      message: 'The file none.rowferry.json does not exist.',
    });
  });

  test('when the language is none', async () => {
    const { code, stderr } = await rowferry(['run', 'none.rowferry.json', '--lang', 'fr']);
    expect(stderr).toContain('ROW-T104 --lang must be en or zh-cn.');
    expect(code).toBe(2);
  });
});

/** English words that are not names, settings, commands or codes. */
const english =
  /\b(the|is|are|was|not|and|of|to|in|has|have|with|table|tables|rows?|column|key|value|loaded|stopped|task|source|server)\b/;
/** What stays as it is: quoted names, settings, commands, statements and what MySQL said. */
const kept =
  /[a-z]+(-[a-z]+)+|"[^"]*"|`[^`]*`|rowferry [a-z]+( [A-Z.]+| --[a-z]+)*|\w+[._][\w.]+|https?:\S+/g;
const englishIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => !/^\s*(SQL )?\s*(ALTER|GRANT|SET|CREATE) /.test(line))
    .filter((line) => english.test(line.replace(kept, '')));

describe('a task in Chinese, on real servers', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
    await pair.mysql.query(`
      CREATE DATABASE shop;
      CREATE TABLE shop.good (id INT PRIMARY KEY, v INT); INSERT INTO shop.good VALUES (1, 1), (2, 2);
      CREATE TABLE shop.keyless (v INT);
      CREATE TABLE shop.big (id INT PRIMARY KEY, v BIGINT UNSIGNED); INSERT INTO shop.big VALUES (1, 18446744073709551615)`);
  }, 120_000);
  afterAll(() => pair.close());
  const run = (...args: string[]) =>
    startCli([...args, '--state', 'state'], { cwd: pair.folder, env: { ...pair.env, LANG: 'zh_CN.UTF-8' } })
      .ended;

  test('precheck, run, status, dirty rows and verification have no English sentence', async () => {
    const bad = writeTask(pair, 'bad', {
      id: 't-bad',
      objects: [{ database: 'shop' }, { database: 'none', tables: [{ name: 'x' }] }],
    });
    const check = await run('check', bad);
    expect(check.stdout).toContain('缺少：数据库 none');
    expect(check.stdout).toContain('没有主键：shop.keyless');
    expect(englishIn(check.stdout + check.stderr)).toEqual([]);

    const good = writeTask(pair, 'good', {
      id: 't-good',
      objects: [{ database: 'shop', tables: [{ name: 'good' }, { name: 'big' }] }],
      dirtyData: { policy: 'skip' },
      ignoredChecks: ['bigint-unsigned'],
    });
    const loaded = await run('run', good, '--until', 'caught-up');
    expect(loaded.stdout).toMatch(/^已追平，用时 /m);
    await pair.mysql.query('ALTER TABLE shop.good DROP PRIMARY KEY, ADD PRIMARY KEY (v)');
    const stopped = await run('run', good, '--until', 'caught-up');
    expect(stopped.stderr).toContain('已停止的表不再更新：shop.good');
    const status = await run('status', good);
    expect(status.stdout).toContain('1 个表已停止（不再更新）：');
    expect(status.stdout).toContain('请删除其目标表，以新的主键重新创建并重新加载：');
    const dirty = await run('dirty', 'list', good);
    const verify = await run('verify', good);
    const preview = await run('preview', good);
    for (const { stdout, stderr } of [loaded, stopped, status, dirty, verify, preview])
      expect(englishIn(stdout + stderr)).toEqual([]);
  }, 120_000);
});
