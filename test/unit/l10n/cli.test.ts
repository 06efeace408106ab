import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../../src/cli/commands/index.js';
import { wrap, displayWidth } from '../../../src/cli/terminal.js';
import type { AuditWait, Phase, TableProgress } from '../../../src/shared/snapshot.js';
import { taskStates } from '../../../src/shared/snapshot.js';
import { languageOf } from '../../../src/cli/words.js';
import { literalCalls } from '../../support/sentences.js';

/** What the command line says has a Chinese sentence. */

const root = path.resolve(import.meta.dirname, '../../..');
const read = (name: string) =>
  JSON.parse(readFileSync(path.join(root, `l10n/${name}.l10n.zh-cn.json`), 'utf8')) as Record<string, string>;
const own = read('cli');
const bundle = read('bundle');

const every = <T extends string>(names: Record<T, true>): T[] => Object.keys(names) as T[];
/** Said by t() with what a snapshot or report has. */
const names: string[] = [
  ...taskStates,
  ...every<Phase>({ none: true, precheck: true, schema: true, full: true, incremental: true, verify: true }),
  ...every<TableProgress['phase']>({
    waiting: true,
    schema: true,
    full: true,
    incremental: true,
    stopped: true,
    done: true,
  }),
  ...every<AuditWait>({ starting: true, load: true, lag: true, pause: true, retry: true }),
  ...every<'missing' | 'extra' | 'different' | 'duplicate'>({
    missing: true,
    extra: true,
    different: true,
    duplicate: true,
  }),
  'resumed',
];
const ownHelp = ['show this help', 'show stack traces'];
const help = commands.flatMap((command) => [
  command.summary,
  ...command.help,
  ...Object.values(command.optionHelp),
]);
const called = readdirSync(path.join(root, 'src/cli'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => literalCalls(path.join(root, 'src/cli', file), 't'));
const said = new Set([...names, ...ownHelp, ...help, ...called]);

test('every sentence has a Chinese one, and nothing else has', () => {
  const missing = [...said].filter((text) => !Object.hasOwn(own, text) && !Object.hasOwn(bundle, text));
  expect(missing, 'add their Chinese to l10n/cli.l10n.zh-cn.json').toEqual([]);
  const unsaid = Object.keys(own).filter((text) => !said.has(text) || Object.hasOwn(bundle, text));
  expect(unsaid, 'not said, or in the bundle: remove them from l10n/cli.l10n.zh-cn.json').toEqual([]);
});

test('the Chinese has the same places to fill in, and the options, values and figures', () => {
  const kept = (text: string) =>
    [...text.matchAll(/\{\d\}|--[a-z-]+|\$[A-Z_]+|"[a-z]+"|\b\d+\b/g)].map(String).sort();
  for (const [english, chinese] of Object.entries(own)) expect(kept(chinese), chinese).toEqual(kept(english));
});

describe('Chinese lines', () => {
  test('are broken between characters, and punctuation does not begin one', () => {
    const text = '检查源库、目标端和任务，不做任何更改；逐项显示期望、实际和处理方法。见 "rowferry run"。';
    for (let width = 8; width < 40; width++) {
      const lines = wrap(text, width);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      for (const line of lines) {
        expect(line).not.toMatch(/^[，。、；：？！）”》]/u);
        // A stop may hang over: it is not torn off.
        expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(width, displayWidth('"rowferry')));
      }
    }
  });

  test('English lines are broken at spaces only', () => {
    expect(wrap('loads “a, b”, then stops', 12)).toEqual(['loads “a,', 'b”, then', 'stops']);
    expect(wrap('', 12)).toEqual([]);
  });
});

test('the locale is read as POSIX has it', () => {
  const language = (environment: NodeJS.ProcessEnv) => languageOf(undefined, environment);
  expect(language({})).toBe('en');
  expect(language({ LANG: 'zh_CN.UTF-8' })).toBe('zh-cn');
  expect(language({ LANG: 'zh' })).toBe('zh-cn');
  expect(language({ LANG: 'zh_CN.UTF-8', LC_ALL: '' })).toBe('zh-cn');
  expect(language({ LANG: 'zh_CN.UTF-8', LC_MESSAGES: 'en_US.UTF-8' })).toBe('en');
  expect(language({ LANG: 'zhx_XX' })).toBe('en');
  expect(languageOf('en', { LC_ALL: 'zh_CN.UTF-8' })).toBe('en');
});
