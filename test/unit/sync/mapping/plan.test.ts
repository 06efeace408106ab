import { expect, it } from 'vitest';
import type { Column, Key, TableDefinition } from '../../../../src/mysql/model.js';
import { defaultKey, keyLoss } from '../../../../src/sync/mapping/plan.js';

const column = (dataType: string, more: Partial<Column> = {}): Column => ({
  name: 'k',
  dataType,
  columnType: dataType,
  nullable: false,
  unsigned: false,
  length: 0,
  precision: 0,
  decimals: 0,
  charset: null,
  collation: null,
  members: [],
  generated: false,
  invisible: false,
  ...more,
});

it('the key of a table without a primary key is the same in whichever order its keys are listed', () => {
  const key = (name: string, column: string): Key => ({
    name,
    primary: false,
    unique: true,
    columns: [column],
  });
  const keys = [key('z', 'u'), key('A', 'id'), key('b', 'n')];
  const table = (listed: Key[]): TableDefinition => ({
    database: 'd',
    name: 't',
    engine: 'InnoDB',
    estimatedRows: 0,
    averageRowBytes: 0,
    columns: ['u', 'id', 'n'].map((name) => column('int', { name })),
    keys: listed,
  });
  for (const listed of [keys, keys.toReversed()]) expect(defaultKey(table(listed))).toEqual(['id']);
});

it.each([
  ['datetime', 6, 'INTEGER', undefined, true],
  ['timestamp', 4, 'INTEGER', 'ms', true],
  ['time', 6, 'INTEGER', 'ms', true],
  ['datetime', 6, 'INTEGER', 'us', false],
  ['datetime', 3, 'INTEGER', undefined, false],
  ['datetime', 6, 'STRING', undefined, false],
  ['date', 0, 'INTEGER', undefined, false],
] as const)('two keys of %s(%i) as %s in %s may become one: %s', (dataType, decimals, type, unit, loses) => {
  expect(keyLoss(column(dataType, { decimals }), type, unit) !== null).toBe(loses);
});
