import { printParseErrorCode } from 'jsonc-parser';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../../src/shared/errors.js';
import { retelling, retold } from '../../../src/shared/retelling.js';
import { checks } from '../../../src/sync/precheck/registry.js';
import { sentencesIn, type Sentence, type Where } from '../../support/sentences.js';

/** What engine, prechecks and errors say in English has a Chinese sentence, which is found again in what they said. */

const root = path.resolve(import.meta.dirname, '../../..');
const catalogue = JSON.parse(readFileSync(path.join(root, 'l10n/engine.l10n.zh-cn.json'), 'utf8')) as Record<
  string,
  string
>;
const retell = retelling(catalogue);

/** Places whose texts are for programs and developers, or are said with t(). */
const otherPlaces = new RegExp(
  [
    // What is wrong with bytes of a wire format.
    'src/tablestore/wire/',
    // SQL, and lists of words of it.
    'src/engine/store/(migrations|task-store|dirty-records|history)',
    'src/mysql/(generated|session-variables|answer-bounds|password)',
    // Markdown and JSON Schemas.
    'src/shared/(etl-words|setting-pages|task-json-schema|wildcard|http-guard)',
    // What the embedded server answers, word by word as the service does.
    'src/local-tablestore/(operations|http)/',
    'src/local-tablestore/(base/(errors|filter-value)|storage/(local-transactions|schema))',
    // For assistants, which read English.
    'src/cli/mcp/',
    'src/extension/assistant/',
  ].join('|'),
);
const otherTexts = new RegExp(
  [
    '^\\W*(SELECT(?! . does)|INSERT|UPDATE|DELETE|CREATE(?! on)|ALTER|DROP|WITH|SHOW|SET|GRANT|JSON_TABLE|WHEN)\\b',
    // For a shell.
    '^read -r ',
    '`rowferry ordinal`|bigint unsigned|unsigned zerofill|^tinyint smallint',
    '^code message remedy|Application Support',
  ].join('|'),
);

const saidIn = (parts: readonly string[], where: Omit<Where, 'wordsWhereShown'>): Sentence[] =>
  parts
    .flatMap((part) => sentencesIn(path.join(root, 'src', part), { ...where, wordsWhereShown: 1 }))
    .map(({ text, at }) => ({ text, at: path.relative(root, at) }))
    .filter(({ text, at }) => !otherPlaces.test(at) && !otherTexts.test(text));
/** Here only what is thrown, or stands where people read it. */
const nowhere = 99;
const said = [
  ...saidIn(['sync/precheck'], { words: 2, wordsWithValues: 1 }),
  ...saidIn(
    [
      'sync/etl/compile.ts',
      'sync/mapping/encoder.ts',
      'engine/alerts/rules.ts',
      'shared/call-arguments.ts',
      'shared/checked-jsonc.ts',
    ],
    { words: 2, wordsWithValues: 1 },
  ),
  ...saidIn(['sync', 'mysql', 'tablestore', 'trial-mysql', 'engine', 'shared'], {
    words: 2,
    wordsWithValues: 2,
  }),
  ...saidIn(['local-tablestore', 'cli', 'extension'], { words: nowhere, wordsWithValues: nowhere }),
  // What the reader of JSON finds: its codes in words.
  ...Array.from({ length: 16 }, (_, i) => ({
    text: printParseErrorCode(i + 1)
      .replace(/\B[A-Z]/g, ' $&')
      .toLowerCase(),
    at: 'jsonc-parser',
  })),
  // What join(' or ') makes.
  { text: '{0} or {1}', at: '' },
];

test('every sentence of the engine has a Chinese one, and nothing else has', () => {
  const missing = said.filter(({ text }) => !Object.hasOwn(catalogue, text));
  expect(
    missing.map(({ text, at }) => `${at} ${JSON.stringify(text)}`),
    'add their Chinese to l10n/engine.l10n.zh-cn.json',
  ).toEqual([]);
  const texts = new Set(said.map(({ text }) => text));
  const unsaid = Object.keys(catalogue).filter((text) => !texts.has(text));
  expect(unsaid, 'nobody says them: remove them from l10n/engine.l10n.zh-cn.json').toEqual([]);
});

test('the Chinese has the same places to fill in', () => {
  const places = (text: string) => [...text.matchAll(/\{\d\}/g)].map(String);
  for (const [english, chinese] of Object.entries(catalogue)) {
    expect(places(chinese).sort(), chinese).toEqual(places(english).sort());
    // Values are read back in this order.
    expect(places(english), english).toEqual(places(english).map((_, i) => `{${i}}`));
  }
});

/** Letters of English words, beside names, settings and commands. */
const english = /\b(the|is|are|was|not|and|of|to|in|has|have|with)\b/;

test('every error code has its cause and remedy in Chinese', () => {
  for (const { cause, remedy } of Object.values(errorCodes))
    for (const text of [cause, remedy]) expect(retell(text), text).not.toMatch(english);
});

test('every precheck has its title, its expectation and its reason in Chinese', () => {
  const setting = /^[\w ]+ [=≥] \w+$/;
  for (const { title, expected, why } of checks)
    for (const text of [title, expected, why])
      if (!setting.test(text)) expect(retell(text), text).not.toMatch(english);
});

describe('what was said is read back', () => {
  test('with its values, which are retold when they are sentences', () => {
    expect(retell('MySQL at db:3306 returned an error: Unknown table shop.orders')).toBe(
      'MySQL（db:3306）返回错误：Unknown table shop.orders',
    );
    expect(retell('not verified: Cannot reach MySQL at db:3306: connect ECONNREFUSED 10.0.0.1:3306')).toBe(
      '未检查：无法连接 MySQL（db:3306）：connect ECONNREFUSED 10.0.0.1:3306',
    );
    expect(retell('shop.a stopped: the column b became NOT NULL.')).toBe(
      'shop.a 已停止：列 b 已变为 NOT NULL。',
    );
  });

  test('as lists, of names and of sentences', () => {
    expect(retell('missing: a, b, c and 7 more')).toBe('缺少：a, b, c 等，另有 7 项');
    expect(retell('a and A both become a, b and B both become b')).toBe(
      'a 和 A 都会变成 a；b 和 B 都会变成 b',
    );
    expect(retell('larger values in: shop.a.n, shop.b.n')).toBe('存在更大的值：shop.a.n, shop.b.n');
  });

  test('as several sentences, a clause that was made one, and behind a name', () => {
    expect(retell('The table a.b does not exist. (and 3 more: see rowferry check)')).toBe(
      '表 a.b 不存在。（另有 3 项，请执行 rowferry check 查看）',
    );
    expect(retell('source: missing; it must be an object (and 2 more)')).toBe(
      'source：缺少此项；它必须是对象（另有 2 项）',
    );
    expect(retell('The task needs 5 connections; the account allows 3 (max_user_connections).')).toBe(
      '任务需要 5 个连接；账号允许 3 个（max_user_connections）。',
    );
    expect(retell('conflict: must be "report" or "ignore" or "skip"')).toBe(
      'conflict：必须是 "report" 或 "ignore" 或 "skip"',
    );
    expect(retell('etl: the string is not closed.')).toBe('etl：字符串没有结束引号。');
  });

  test('names stay, even where they are words of a catalogue', () => {
    expect(retell('shop.none has no column the')).toBe('shop.none 没有列 the');
    expect(retell('The table none does not exist.')).toBe('表 none 不存在。');
    expect(retell('Unknown or incorrect time zone')).toBe('Unknown or incorrect time zone');
    expect(retell("Table 'a.b' doesn't exist")).toBe("Table 'a.b' doesn't exist");
  });

  test('errors and checks in what a page is sent, and no row', () => {
    const error = { code: 'ROW-S102', message: 'The table a does not exist.', remedy: 'Check the path.' };
    const row = { id: '1', message: 'Check the path.', remedy: 'none', text: 'none' };
    expect(retold({ tables: [{ problem: error }], rows: [row] }, retell)).toEqual({
      tables: [{ problem: { code: 'ROW-S102', message: '表 a 不存在。', remedy: '请检查路径。' } }],
      rows: [row],
    });
    const check = { id: 'objects', title: 'The selected objects exist', status: 'fail', expected: 'none' };
    expect(retold([{ ...check, actual: 'none', why: '', fix: 'No action needed.' }], retell)).toEqual([
      {
        id: 'objects',
        title: '所选对象存在',
        status: 'fail',
        expected: '无',
        actual: '无',
        why: '',
        fix: '无需处理。',
      },
    ]);
  });
});
