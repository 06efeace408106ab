import { describe, expect, test } from 'vitest';
import { plainWords } from '../../../src/shared/format.js';
import { applyTaskEdits } from '../../../src/shared/task-edits.js';
import { fixEdits, fixLabel, type TaskFix } from '../../../src/shared/task-fix.js';

/** A remedy is data; what it does to a file as it stands is said here alone. */

const file = {
  source: { host: 'h', serverId: 7 },
  objects: [
    { database: 'whole', exclude: ['tmp_*'] },
    {
      database: 'shop',
      tables: [{ name: 'orders' }, { name: 'Notes', columns: { n: { type: 'INTEGER', unit: 'ms' } } }],
    },
    { database: 'alone', tables: [{ name: 'only' }] },
  ],
};
const after = (fix: TaskFix, document: object = file) =>
  JSON.parse(applyTaskEdits(JSON.stringify(document, null, 2), fixEdits(document, fix))) as typeof file;
const shop = (name: string) => ({ database: 'shop', name });

describe('tables', () => {
  test('go from their list, and their database with the last of them; those of a whole database are excluded', () => {
    const tables = [shop('notes'), { database: 'whole', name: 'logs' }, { database: 'alone', name: 'only' }];
    expect(after({ do: 'exclude-tables', tables }).objects).toEqual([
      { database: 'whole', exclude: ['tmp_*', 'logs'] },
      { database: 'shop', tables: [{ name: 'orders' }] },
    ]);
  });

  test('that are out already, or not in the file, change nothing', () => {
    const tables = [shop('gone'), { database: 'whole', name: 'tmp_1' }];
    expect(fixEdits(file, { do: 'exclude-tables', tables })).toEqual([]);
    expect(fixEdits(undefined, { do: 'exclude-tables', tables })).toEqual([]);
  });

  test('whose names differ in case alone are told apart', () => {
    const both = { objects: [{ database: 'shop', tables: [{ name: 'Items' }, { name: 'items' }] }] };
    const fixed = after({ do: 'rename-table', table: shop('items'), to: 'items_2' }, both);
    expect(fixed.objects).toEqual([
      { database: 'shop', tables: [{ name: 'Items' }, { name: 'items', rename: 'items_2' }] },
    ]);
  });

  test('get a key, but not where a table has no settings of its own', () => {
    const key = { do: 'choose-key', table: shop('orders'), columns: ['a', 'b'] } as const;
    expect(after(key).objects[1]).toMatchObject({ tables: [{ primaryKey: ['a', 'b'] }, {}] });
    expect(fixEdits(file, { ...key, table: { database: 'whole', name: 't' } })).toEqual([]);
  });
});

test('columns are excluded, renamed and typed; what else is said of them stays', () => {
  const columns = [{ table: shop('Notes'), column: 'N' }];
  const tables = (fix: TaskFix) => after(fix).objects[1]!.tables;
  expect(tables({ do: 'set-type', columns, type: 'STRING' })![1]).toEqual({
    name: 'Notes',
    columns: { n: { type: 'STRING' } },
  });
  expect(tables({ do: 'rename-column', ...columns[0]!, to: 'm' })![1]).toEqual({
    name: 'Notes',
    columns: { n: { type: 'INTEGER', unit: 'ms', rename: 'm' } },
  });
  expect(
    tables({ do: 'exclude-columns', columns: [...columns, { table: shop('orders'), column: 'x' }] }),
  ).toEqual([
    { name: 'orders', columns: { x: { exclude: true } } },
    { name: 'Notes', columns: { n: { exclude: true } } },
  ]);
  expect(tables({ do: 'set-type', columns, type: null })![1]).toEqual({ name: 'Notes', columns: {} });
});

test('settings: one goes back to its default, and rows are skipped however the policy is written', () => {
  expect(after({ do: 'set', path: ['source', 'serverId'] }).source).toEqual({ host: 'h' });
  expect(after({ do: 'skip-dirty-rows' })).toMatchObject({ dirtyData: 'skip' });
  expect(after({ do: 'skip-dirty-rows' }, { dirtyData: { keepDays: 3 } })).toEqual({
    dirtyData: { keepDays: 3, policy: 'skip' },
  });
  expect(fixEdits({ dirtyData: 'skip' }, { do: 'skip-dirty-rows' })).toEqual([]);
});

test('a button says what it does', () => {
  const label = (fix: TaskFix) => fixLabel(fix, plainWords, (key) => `“${key}”`);
  expect(label({ do: 'exclude-tables', tables: [shop('a.b')] })).toBe('Exclude shop.`a.b`');
  expect(label({ do: 'exclude-tables', tables: [shop('a'), shop('b')] })).toBe('Exclude 2 Tables');
  expect(label({ do: 'choose-key', table: shop('t'), columns: ['a', 'b'] })).toBe(
    'Use a, b as the Key of shop.t',
  );
  expect(label({ do: 'set', path: ['source', 'serverId'] })).toBe('Remove: “source.serverId”');
  expect(label({ do: 'set', path: ['heartbeat'], value: 'none' })).toBe('Set “heartbeat” to none');
});
