import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { foldName, parseSourceName, sourceName, tablesMeant } from '../../../src/shared/source-name.js';
import { tableNames } from '../../support/table-names.mjs';

const parts = ['a', 'b', 'a.b', 'b.c', '.', '`', '``', 'a`.`b', '`a`', 'a b', '名', "it's", '$', 'a`', '.`'];

it('two tables never have one text, and each text is taken apart into its table', () => {
  const tables = parts.flatMap((database) => parts.map((name) => ({ database, name })));
  const texts = tables.map(sourceName);
  expect(new Set(texts).size).toBe(tables.length);
  expect(texts.map(parseSourceName)).toEqual(tables);
});

it('names are folded as the server folds them', () => {
  expect(['ÄÖ', 'STRAßE', 'ΟΔΟΣ', 'İx', 'Ω', 'aB', '名'].map(foldName)).toEqual([
    'äö',
    'straße',
    'οδοσ',
    'ix',
    'ω',
    'ab',
    '名',
  ]);
});

it('ordinary names stay as they are', () => {
  expect(sourceName({ database: 'my shop-2', name: 'ördérs$' })).toBe('my shop-2.ördérs$');
  expect(['', 'a', 'a.b.c', '.a', 'a.', '`a.b', 'a`b.c'].map(parseSourceName)).toEqual(
    Array.from({ length: 7 }, () => null),
  );
});

it('a person may leave backquotes out, or write more of them, where one table is meant', () => {
  const known = ['shop.items', '`a.b`.c', 'a.`b.c`', 'shop.`x.y`', 's.Orders', 's.orders'];
  expect(tablesMeant('shop.items', known)).toEqual(['shop.items']);
  expect(tablesMeant('`shop`.`items`', known)).toEqual(['shop.items']);
  expect(tablesMeant('SHOP.Items', known)).toEqual(['shop.items']);
  expect(tablesMeant('shop.x.y', known)).toEqual(['shop.`x.y`']);
  expect(tablesMeant('a.b.c', known)).toEqual(['`a.b`.c', 'a.`b.c`']);
  expect(tablesMeant('a.`b.c`', known)).toEqual(['a.`b.c`']);
  expect(tablesMeant('s.Orders', known)).toEqual(['s.Orders']);
  expect(tablesMeant('S.ORDERS', known)).toEqual(['s.Orders', 's.orders']);
  expect(tablesMeant('shop.nothing', known)).toEqual([]);
});

it('the lint rule finds names that are joined or taken apart elsewhere', () => {
  const found = (code: string) =>
    new Linter()
      .verify(code, {
        plugins: { rowferry: { rules: { 'table-names': tableNames } } },
        rules: { 'rowferry/table-names': 'error' },
      })
      .map(({ messageId }) => messageId);
  expect(found('const a = `${table.database}.${table.name}`;')).toEqual(['joined']);
  expect(found('const a = `on ${database}.${name} now`;')).toEqual(['joined']);
  expect(found('const a = `${row.db}.${row.tab}`;')).toEqual(['joined']);
  expect(found("const [a, b] = source.split('.');")).toEqual(['split']);
  expect(found("const a = record.source.indexOf('.');")).toEqual(['split']);
  expect(found('const a = `${identifier(table.database)}.${identifier(table.name)}`;')).toEqual([]);
  expect(found("const [whole, fraction] = digits.split('.');")).toEqual([]);
});
