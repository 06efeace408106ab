import { identifier } from '../../../mysql/connection.js';
import type { TableDefinition } from '../../../mysql/model.js';
import { bad, good, some, type Check } from '../check.js';
import { excluding, placeOf } from '../fixes.js';
import { sourceName } from '../../../shared/source-name.js';

/** A PRIMARY or UNIQUE key whose columns can never be NULL. */
export function hasRowKey(table: TableDefinition): boolean {
  return table.keys.some(
    (key) =>
      key.unique &&
      key.columns.every((name) => table.columns.find((c) => c.name === name)?.nullable === false),
  );
}

export const tableKeys: Check = {
  id: 'table-keys',
  severity: 'failure',
  stopsTables: true,
  title: 'Every table has a key',
  expected: 'a PRIMARY KEY or a NOT NULL UNIQUE key on each selected table',
  why: 'Tablestore finds a row by its key. Without a key, Rowferry cannot replicate an UPDATE or DELETE.',
  async run(context) {
    const tables = await context.tables();
    const without = tables.filter((table) => !hasRowKey(table));
    if (without.length === 0) return good('all of them have one');
    return bad(
      `without a key: ${some(without.map((t) => sourceName(t)))}`,
      'Add a key, or exclude the table.',
      {
        sql: without.map(keyStatement),
        fixes: excluding(without, tables),
        at: placeOf(context.task, without[0]!),
      },
    );
  },
};

/** A column that is unique already is not known here; a new one always works. */
function keyStatement(table: TableDefinition): string {
  const names = new Set(table.columns.map((c) => c.name.toLowerCase()));
  let column = 'id';
  while (names.has(column)) column = `row_${column}`;
  return `ALTER TABLE ${identifier(table.database)}.${identifier(table.name)} ADD COLUMN ${identifier(column)} BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST;`;
}
