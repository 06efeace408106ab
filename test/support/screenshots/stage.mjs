// What the pictures show: the demo's shop with some rows that cannot be written, and a warehouse that is not ready.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startDemo } from '../demo/servers.mjs';

const more = [
  `ALTER TABLE customers ADD COLUMN card_no BIGINT UNSIGNED`,
  // Old cards have numbers above what an INTEGER of Tablestore holds.
  `UPDATE customers SET card_no = IF(id % 127 = 0, 18446744073700000000, 4200000000000000) + id`,
  `CREATE TABLE documents (id INT PRIMARY KEY, customer_id BIGINT UNSIGNED NOT NULL, title VARCHAR(120) NOT NULL, scan LONGBLOB)`,
  `INSERT INTO documents SELECT id, id * 31, CONCAT('Invoice 2026-', LPAD(id, 4, '0'), '.pdf'),
     RPAD('%PDF-1.7', IF(id % 9 = 0, 2200000, 4000 + id * 13), 'x') FROM customers WHERE id <= 40`,
  `CREATE DATABASE warehouse`,
  `CREATE TABLE warehouse.shelves (id INT PRIMARY KEY, hall CHAR(2) NOT NULL, place VARCHAR(20) NOT NULL)`,
  `CREATE TABLE warehouse.stock (shelf INT NOT NULL, sku VARCHAR(40) NOT NULL, quantity INT NOT NULL, pallet BIGINT UNSIGNED, PRIMARY KEY (shelf, sku),
     FOREIGN KEY (shelf) REFERENCES warehouse.shelves (id) ON DELETE CASCADE)`,
  `CREATE TABLE warehouse.movements (at DATETIME(3) NOT NULL, shelf INT NOT NULL, sku VARCHAR(40) NOT NULL, quantity INT NOT NULL)`,
  `INSERT INTO warehouse.shelves SELECT id, ELT(1 + id % 3, 'A', 'B', 'C'), CONCAT('R', id) FROM shop.customers WHERE id <= 500`,
  `INSERT INTO warehouse.stock SELECT id, CONCAT('SKU-', id * 13 % 4096), id % 90, IF(id % 50 = 0, 18446744073700000000, 1000000) + id FROM warehouse.shelves`,
];

/** The demo's two servers, two tasks in the workspace. */
export async function setStage(folder, say) {
  const stage = await startDemo({ folder, say });
  for (const statement of more) await stage.connection.query(statement);
  await stage.connection.query(`GRANT SELECT ON warehouse.* TO rowferry@'%'`);
  const ends = JSON.stringify({
    source: {
      host: stage.source.host,
      port: stage.source.port,
      user: 'rowferry',
      password: '${env:MYSQL_PASSWORD}',
    },
    destination: {
      endpoint: stage.tablestore.endpoint,
      instance: stage.tablestore.instance,
      accessKeyId: '${env:OTS_KEY}',
      accessKeySecret: '${env:OTS_SECRET}',
    },
  });
  const write = (name, about, task) => {
    const whole = { version: 1, id: `picture-${name}`, name, ...JSON.parse(ends), ...task };
    const [first, ...rest] = JSON.stringify(whole, null, 2).split('\n');
    const file = path.join(path.dirname(stage.taskFile), `${name}.rowferry.json`);
    writeFileSync(file, [first, `  // ${about}`, ...rest, ''].join('\n'));
  };
  write('shop', 'Orders and customers for the search of the shop.', {
    objects: [
      {
        database: 'shop',
        tables: [
          { name: 'customers', columns: { seen_at: { rename: 'last_seen' }, note: { exclude: true } } },
          { name: 'orders', rename: 'shop_orders', filter: "status <> 'returned'" },
          { name: 'order_items', rename: 'shop_order_items' },
          { name: 'documents' },
        ],
      },
    ],
    dirtyData: { policy: 'skip' },
    keepRunning: true,
    throttle: { full: { rowsPerSecond: 6000 }, incremental: { rowsPerSecond: 4000 } },
    ignoredChecks: ['bigint-unsigned', 'cell-size', 'row-size'],
  });
  write('warehouse', 'Stock for the app of the halls.', { objects: [{ database: 'warehouse' }] });
  return stage;
}

/** Differences that the binlog does not have: what a verification is there to find. */
export async function makeDifferences(connection) {
  await connection.query('SET SESSION sql_log_bin = 0');
  await connection.query(
    `UPDATE shop.customers SET name = 'Grace Hopper', city = 'New York', tier = 'gold' WHERE id = 42`,
  );
  await connection.query(`UPDATE shop.customers SET balance = balance + 0.01 WHERE id = 97`);
  await connection.query(`DELETE FROM shop.order_items WHERE order_id = 1001 AND line_no = 2`);
  await connection.query(
    `INSERT INTO shop.customers (id, email, name, created_at, card_no) VALUES (900001, 'alan@example.com', 'Alan Turing', NOW(3), 4200000000900001)`,
  );
  await connection.query('SET SESSION sql_log_bin = 1');
}
