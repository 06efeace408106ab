import { parse } from 'jsonc-parser';
import { expect, test } from 'vitest';
import { applyTaskEdits } from '../../../../../src/shared/task-edits.js';
import {
  addTablesOf,
  allTables,
  excludedBy,
  excludeTable,
  includeTable,
  removeTables,
  selection,
} from '../../../../../webview/task-editor/form/document.js';

const text = `{
  "objects": [
    { "database": "crm" }, // all of it
    { "database": "shop", "tables": [{ "name": "orders", "rename": "o" }] }
  ]
}
`;

test('tables of several databases are added at once, to those that are there and beside them', () => {
  const wanted = new Map([
    ['shop', ['orders', 'items', 'customers']],
    ['CRM', ['people']],
    ['stock', ['shelves', 'pallets']],
    ['staff', ['people']],
  ]);
  const result = applyTaskEdits(text, addTablesOf(parse(text), wanted));
  expect(result).toContain('// all of it');
  expect((parse(result) as { objects: unknown }).objects).toEqual([
    { database: 'crm' },
    { database: 'shop', tables: [{ name: 'orders', rename: 'o' }, { name: 'items' }, { name: 'customers' }] },
    { database: 'stock', tables: [{ name: 'shelves' }, { name: 'pallets' }] },
    { database: 'staff', tables: [{ name: 'people' }] },
  ]);

  const found = allTables(parse(result)).filter(({ name }) => name !== 'orders');
  const without = applyTaskEdits(
    result,
    removeTables(
      parse(result),
      found.map(({ path }) => path),
    ),
  );
  expect(parse(without)).toEqual(parse(text));
});

test('a file without objects, or with none, takes them too', () => {
  for (const empty of ['{}', '{ "objects": [] }', '{ "objects": null }']) {
    const result = applyTaskEdits(empty, addTablesOf(parse(empty), new Map([['shop', ['a', 'b']]])));
    expect(parse(result), empty).toEqual({
      objects: [{ database: 'shop', tables: [{ name: 'a' }, { name: 'b' }] }],
    });
  }
});

test('a table of a whole database is taken out by excluding it, and taken in again', () => {
  const whole = (exclude: string[]) =>
    selection({ objects: [{ database: 'shop', ...(exclude.length > 0 && { exclude }) }] })[0]!;
  const path = ['objects', 0, 'exclude'];
  expect(excludeTable(whole([]), 'orders')).toEqual([{ path, value: ['orders'] }]);
  expect(excludeTable(whole(['tmp_*']), 'orders')).toEqual([{ path, value: ['tmp_*', 'orders'] }]);
  expect(includeTable(whole(['tmp_*', 'orders']), 'Orders')).toEqual([{ path, value: ['tmp_*'] }]);
  expect(includeTable(whole(['orders']), 'orders')).toEqual([{ path }]);
  // A pattern leaves out others too.
  expect(includeTable(whole(['tmp_*']), 'tmp_1')).toEqual([]);
  expect(excludedBy(whole(['a', 'TMP_*']), 'tmp_1')).toBe('TMP_*');
  expect(excludedBy(whole(['tmp_*']), 'orders')).toBeUndefined();
});
