import { expect, test } from 'vitest';
import { plainWords as t } from '../../../../src/shared/format.js';
import type { CatalogTable } from '../../../../src/shared/catalog-api.js';
import { rawOffset, taskProblems, type KnownNames } from '../../../../src/extension/tasks/task-problems.js';

const column = (name: string, type: string, nullable = false) => ({
  name,
  type,
  dataType: type.replace(/\(.*/, ''),
  nullable,
  generated: false,
  invisible: false,
  cellType: 'STRING' as const,
  keyProblem: nullable ? 'it can be NULL' : null,
});
const orders: CatalogTable = {
  database: 'shop',
  name: 'orders',
  estimatedRows: 10,
  averageRowBytes: 100,
  engine: 'InnoDB',
  columns: [column('region', 'char(2)'), column('id', 'bigint'), column('note', 'text', true)],
  keys: [{ name: 'PRIMARY', primary: true, unique: true, columns: ['region', 'id'] }],
};
const nothing: KnownNames = { tables: () => undefined };
const known: KnownNames = {
  sources: ['Shop MySQL'],
  destinations: ['Local Tablestore'],
  databases: ['shop', 'crm'],
  tables: (name) => (name === 'shop' ? [orders] : undefined),
};

/** The problems of a task with these settings: what is underlined, and why. */
function problems(change: Record<string, unknown>, names: KnownNames = known) {
  const text = JSON.stringify(
    {
      id: 't-1',
      source: { connection: 'Shop MySQL' },
      destination: { connection: 'Local Tablestore' },
      objects: [{ database: 'shop', tables: [{ name: 'orders' }] }],
      ...change,
    },
    null,
    2,
  );
  return taskProblems(text, names, t).map(
    ({ offset, length, message }) => `${text.slice(offset, offset + length)} → ${message}`,
  );
}
const table = (more: object) => ({ objects: [{ database: 'shop', tables: [{ name: 'orders', ...more }] }] });

test('a good task has none, known source or not', () => {
  expect(problems({})).toEqual([]);
  expect(problems({}, nothing)).toEqual([]);
});

test('rules that name a whole database', () => {
  const whole = (renameTables: object) => ({ objects: [{ database: 'shop', renameTables }] });
  expect(problems(whole({ prefix: 'ods_' }))).toEqual([]);
  expect(problems(whole({ prefix: '1' }))).toEqual([
    expect.stringContaining('1orders is not a valid Tablestore name'),
  ]);
  expect(
    problems({
      objects: [
        { database: 'crm', tables: [{ name: 'x', rename: 'shop_orders' }] },
        { database: 'shop', renameTables: { prefix: 'shop_' } },
      ],
    }),
  ).toEqual([expect.stringContaining('crm.x and shop.orders would both become the table shop_orders')]);
});

test('names that are not there, with the one that was meant', () => {
  expect(problems({ source: { connection: 'Shop MySQl' } })).toEqual([
    '"Shop MySQl" → The saved connection Shop MySQl does not exist. Did you mean Shop MySQL?',
  ]);
  expect(problems({ objects: [{ database: 'shpo' }] })).toEqual([
    '"shpo" → The source has no database shpo. Did you mean shop?',
  ]);
  expect(problems({ objects: [{ database: 'shop', tables: [{ name: 'order' }] }] })).toEqual([
    '"order" → shop has no table order. Did you mean orders?',
  ]);
  expect(problems(table({ columns: { nte: { exclude: true } } }))[0]).toMatch(/has no column nte.*note/);
});

test('names of a source that nobody looked at are not judged', () => {
  expect(problems({ source: { connection: 'x' }, objects: [{ database: 'y' }] }, nothing)).toEqual([]);
});

test('a filter is underlined at its word, through the escapes of JSON', () => {
  expect(problems(table({ filter: 'id > 1 AND totl = "a"' }))).toEqual(['totl → orders has no column totl.']);
  expect(problems(table({ filter: 'note = "\u00e9" AND totl = 1' }))).toEqual([
    'totl → orders has no column totl.',
  ]);
  expect(problems(table({ filter: 'id IN (SELECT 1)' }), nothing)).toEqual([
    'SELECT → subqueries are not allowed.',
  ]);
  expect(problems(table({ filter: 'anything = 1 AND day IS NOT NULL' }), nothing)).toEqual([]);
  expect(problems(table({ filter: 'id > NOW()' }), nothing)[0]).toMatch(/^NOW → /);
  expect(problems(table({ filter: 'id > (1' }))[0]).toMatch(/is missing/);
});

test('the script is underlined at its word', () => {
  expect(problems({ etl: 'e_sett(`note`, 1)' })[0]).toMatch(/^e_sett → /);
  expect(problems({ etl: 'e_set(`note`,\n  op_foo(1))' })[0]).toMatch(/^op_foo → /);
  expect(problems({ etl: 'e_if(op_gt(`size`, 1), e_drop())' })).toEqual([
    '`size` → No selected table has a column size.',
  ]);
  expect(problems({ etl: 'e_set(`fresh`, 1)' })).toEqual([]);
});

test('a script that reads what only one of the tables has is underlined, unless it reads it of that one only', () => {
  const visits = { ...orders, name: 'visits', columns: [column('id', 'bigint'), column('page', 'text')] };
  const both = (etl: string) =>
    problems({ objects: [{ database: 'shop' }], etl }, { ...known, tables: () => [orders, visits] });
  expect(both('e_if(op_gt(`id`, 1), e_set(`x`, `note`))')).toEqual([
    '`note` → shop.visits has no column note, which the script reads.',
  ]);
  expect(both("e_if(op_eq(__TB__, 'orders'), e_set(`x`, `note`))")).toEqual([]);
  expect(both('e_set(`x`, op_add(`PAGE`, `size`))')).toEqual([
    '`PAGE` → shop.orders has no column PAGE, which the script reads.',
    '`size` → No selected table has a column size.',
  ]);
  // Of a table that nobody looked at nothing is said, and of the other what is so in any case.
  expect(
    problems({ objects: [{ database: 'shop' }, { database: 'crm' }], etl: 'e_set(`x`, `page`)' }, known),
  ).toEqual(['`page` → shop.orders has no column page, which the script reads.']);
});

test('keys, renames and units', () => {
  expect(problems(table({ primaryKey: ['note'] }))[0]).toMatch(/note.*NULL/);
  expect(problems(table({ primaryKey: ['id'] }))[0]).toMatch(/No unique key/);
  expect(problems(table({ primaryKey: ['id', 'region'] }))).toEqual([]);
  expect(problems(table({ rename: '1st' }))[0]).toMatch(/not a valid Tablestore name/);
  expect(problems(table({ columns: { note: { rename: 'id' } } }))[0]).toMatch(/both become id/);
  expect(problems(table({ columns: { note: { unit: 'ms' } } }))[0]).toMatch(/unit applies only/);
});

test('two tables of one name, unless they are to be merged', () => {
  const objects = [
    { database: 'shop', tables: [{ name: 'orders' }] },
    { database: 'crm', tables: [{ name: 'Orders' }] },
  ];
  expect(problems({ objects })[0]).toMatch(/both become the table orders/);
  expect(problems({ objects, merge: true })).toEqual([]);
});

test('phases and secrets', () => {
  expect(problems({ synchronization: { full: false } })[0]).toMatch(/set startPosition/);
  expect(problems({ synchronization: { full: false }, startPosition: 'now' })).toEqual([]);
  const source = { host: 'h', user: 'u', password: 'hunter2' };
  expect(problems({ source })[0]).toMatch(/file contains this secret/);
});

test('rules between settings are told, what the schema says is left to it', () => {
  expect(problems({ retry: { connectionMinutes: 20, otherMinutes: 30 } })).toEqual([
    '30 → must be less than connectionMinutes',
  ]);
  expect(problems({ tag: 7 })).toEqual([]);
});

test('an offset in a value is one in its literal', () => {
  const value = 'a"b\né\u0001c';
  const literal = JSON.stringify(value);
  for (let at = 0; at < value.length; at++) {
    const from = rawOffset(literal, at);
    const to = rawOffset(literal, at + 1);
    expect(JSON.parse(`"${literal.slice(from, to)}"`)).toBe(value[at]);
  }
});
