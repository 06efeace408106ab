import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCli } from '../support/cli.js';

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
