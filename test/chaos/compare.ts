import { openTablestoreData } from '../../src/local-tablestore/index.js';
import type { MysqlServer } from '../support/mysql-server.js';
import { tables } from './shop.js';

type Row = Record<string, string | null>;

/**
 * Every row of both sides as text, by a reading that owes nothing to the product: MySQL's own printing against what
 * lies in the file of the embedded Tablestore, in tables named by `prefix` and theirs. Attributes of columns that the source
 * has no more are not looked at.
 */
export async function differences(
  mysql: MysqlServer,
  data: string,
  { prefix = '', database = 'shop', names = tables as readonly string[] } = {},
): Promise<string[]> {
  const wrong: string[] = [];
  const store = openTablestoreData(data);
  try {
    for (const table of names) {
      const columns = await mysql.query<{ name: string; type: string; pri: string }>(
        `SELECT column_name AS name, data_type AS type, column_key AS pri FROM information_schema.columns
         WHERE table_schema = '${database}' AND table_name = '${table}' ORDER BY ordinal_position`,
      );
      const printed = columns.map(({ name, type }) =>
        type === 'varbinary' ? `HEX(\`${name}\`) AS \`${name}\`` : `CAST(\`${name}\` AS CHAR) AS \`${name}\``,
      );
      const keyOf = (row: Row) =>
        columns
          .filter(({ pri }) => pri === 'PRI')
          .map(({ name }) => row[name])
          .join(' | ');
      const source = await mysql.query<Row>(`SELECT ${printed.join(', ')} FROM ${database}.${table}`);
      const expected = new Map(source.map((row) => [keyOf(row), row]));
      for (const { primaryKey, columns: cells } of store.scan(prefix + table)) {
        const found: Row = {};
        for (const { name } of columns) found[name] = plain(primaryKey[name] ?? cells[name]);
        const key = keyOf(found);
        const row = expected.get(key);
        expected.delete(key);
        if (!row)
          wrong.push(`${prefix}${table} ${key}: the source has no such row, ${JSON.stringify(found)}`);
        else if (JSON.stringify(row) !== JSON.stringify(found))
          wrong.push(`${prefix}${table} ${key}: ${JSON.stringify(found)} instead of ${JSON.stringify(row)}`);
      }
      for (const key of expected.keys()) wrong.push(`${prefix}${table} ${key}: missing`);
    }
  } finally {
    store.close();
  }
  return wrong;
}

function plain(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return Buffer.isBuffer(value) ? value.toString('hex').toUpperCase() : String(value);
}
