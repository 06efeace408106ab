import { describe, expect, test } from 'vitest';
import { draggedTables, type ChosenTable } from '../../../../src/extension/tasks/dragged-tables.js';
import { additions, objectsOf, suggestedName } from '../../../../src/extension/tasks/from-tables.js';
import { newTaskText } from '../../../../src/extension/tasks/new-task.js';
import { applyTaskEdits } from '../../../../src/shared/task-edits.js';
import { parseTask } from '../../../../src/shared/task-file.js';

const table = (database: string, name?: string): ChosenTable => ({
  connection: 'Shop',
  database,
  ...(name === undefined ? {} : { table: name }),
});

describe('what is dragged', () => {
  test('comes back as it went', () => {
    const tables = [table('shop', 'orders'), table('crm')];
    expect(draggedTables(JSON.stringify(tables))).toEqual(tables);
  });
  test('is nothing when it is not of ours', () => {
    for (const text of ['', 'file:///etc/passwd', '[1]', '{}', '[{"connection":"a","database":"b","x":1}]'])
      expect(draggedTables(text), text).toEqual([]);
  });
});

test('a whole database takes its tables in, and no table comes twice', () => {
  expect(objectsOf([table('shop', 'orders'), table('shop', 'orders'), table('shop', 'customers')])).toEqual([
    { database: 'shop', tables: [{ name: 'orders' }, { name: 'customers' }] },
  ]);
  expect(objectsOf([table('shop', 'orders'), table('shop'), table('crm', 'people')])).toEqual([
    { database: 'shop' },
    { database: 'crm', tables: [{ name: 'people' }] },
  ]);
});

test('a name for the file whatever the table is called', () => {
  expect(suggestedName([table('shop', 'orders')])).toBe('orders');
  expect(suggestedName([table('shop', 'orders'), table('shop', 'people')])).toBe('shop');
  expect(suggestedName([table('shop', '<img src=x onerror="a/../b">')])).toBe('_img src=x onerror=_a_.._b_');
  expect(suggestedName([table('shop', '..')])).toBe('task');
  expect(suggestedName([table('shop', 'a\u0000\nb')])).toBe('a_b');
});

describe('added to a task', () => {
  const task = (objects: object[]) => {
    const text = newTaskText('t', { source: 'Shop', objects: objects as never });
    const { value } = parseTask(text);
    return { text, value: value! };
  };
  const added = (objects: object[], tables: ChosenTable[]) => {
    const { text, value } = task(objects);
    const changed = applyTaskEdits(text, additions(value, tables));
    expect(changed).toContain('// Where the rows come from.');
    return parseTask(changed).value!.objects;
  };

  test('tables are appended, known ones and their settings stay', () => {
    const there = [{ database: 'shop', tables: [{ name: 'orders', rename: 'bestellungen' }] }];
    const tables = [table('shop', 'orders'), table('shop', 'people'), table('crm', 'calls')];
    expect(added(there, tables)).toEqual([
      { database: 'shop', tables: [{ name: 'orders', rename: 'bestellungen' }, { name: 'people' }] },
      { database: 'crm', tables: [{ name: 'calls' }] },
    ]);
  });
  test('a database that is whole already stays whole; what it excluded by name comes in', () => {
    const there = [{ database: 'shop', exclude: ['tmp_*', 'orders'] }];
    expect(added(there, [table('shop', 'people')])).toEqual(there);
    expect(added(there, [table('shop', 'orders')])).toEqual([{ database: 'shop', exclude: ['tmp_*'] }]);
  });
  test('a whole database takes the place of its tables', () => {
    expect(added([{ database: 'shop', tables: [{ name: 'orders' }] }], [table('shop')])).toEqual([
      { database: 'shop' },
    ]);
  });
});
