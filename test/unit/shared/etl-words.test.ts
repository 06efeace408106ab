import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  completeEtl,
  etlFunctions,
  etlTokens,
  etlVariables,
  offsetAt,
} from '../../../src/shared/etl-words.js';
import { plainWords as t } from '../../../src/shared/format.js';
import { compileEtl } from '../../../src/sync/etl/compile.js';
import { actionFunctions, lazyFunctions, valueFunctions } from '../../../src/sync/etl/functions.js';

const columns = [
  { name: 'id', type: 'int' },
  { name: 'region', type: 'char(2)' },
];
const complete = (marked: string) => {
  const caret = marked.indexOf('|');
  const script = marked.replace('|', '');
  return { script, ...completeEtl(script, caret, columns, t) };
};

describe('words of the script', () => {
  test('every function of the language is explained, and nothing that is none', () => {
    const language = [...Object.keys(valueFunctions), ...lazyFunctions, ...actionFunctions].sort();
    expect(
      etlFunctions(t)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(language);
  });

  test('every variable that is offered compiles', () => {
    for (const { name } of etlVariables(t)) expect(() => compileEtl(`e_set(\`x\`, ${name})`)).not.toThrow();
  });
});

describe('tokens', () => {
  test('joined they are the script, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'`\'"\\_ae1.(,) \n“”') }), (script) => {
        const tokens = etlTokens(script);
        expect(tokens.map(({ text }) => text).join('')).toBe(script);
        let at = 0;
        for (const token of tokens) {
          expect(token.at).toBe(at);
          at += token.text.length;
        }
      }),
    );
  });

  test('a function that does not exist stands out, a column does not', () => {
    const kinds = etlTokens("e_sett(`a`, op_eq(__TB__, 'x', 1))").map(({ kind, text }) => `${kind}:${text}`);
    expect(kinds).toEqual(
      expect.arrayContaining([
        'unknown:e_sett',
        'column:`a`',
        'function:op_eq',
        'variable:__TB__',
        "string:'x'",
        'number:1',
      ]),
    );
  });
});

describe('completion', () => {
  test('a word begins with its best matches, the caret goes between the parentheses', () => {
    const { items, from, to, script } = complete('e_se|');
    expect(script.slice(from, to)).toBe('e_se');
    expect(items[0]).toMatchObject({ name: 'e_set', insert: 'e_set()', caret: 6 });
  });

  test('a function without arguments has the caret behind it', () => {
    expect(complete('e_dr|').items[0]).toMatchObject({ insert: 'e_drop()', caret: 8 });
  });

  test('after a backquote columns alone, and what is behind it stays', () => {
    const open = complete('op_eq(`re|, 1)');
    expect(open.items.map(({ name }) => name)).toEqual(['region']);
    expect(open.script.slice(open.from, open.to)).toBe('`re');
    const whole = complete('op_eq(`re|x`, 1)');
    expect(whole.script.slice(whole.from, whole.to)).toBe('`rex`');
  });

  test('nothing inside of a text', () => {
    expect(complete("op_eq(`id`, 'e_s|')").items).toEqual([]);
    expect(complete("op_eq(`id`, 'e_s'|)").items.length).toBeGreaterThan(10);
  });
});

test('a line and a column are an offset', () => {
  expect(offsetAt('ab\ncd', 2, 2)).toBe(4);
  expect(offsetAt('ab', 9, 9)).toBe(2);
});
