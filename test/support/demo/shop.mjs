// The sample shop: tables, a first stock of rows made by set-based statements, and people who shop in it.

const tables = [
  `CREATE TABLE customers (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email VARCHAR(120) NOT NULL UNIQUE,
    name VARCHAR(80) NOT NULL,
    city VARCHAR(60),
    tier ENUM('bronze','silver','gold') NOT NULL DEFAULT 'bronze',
    interests SET('books','music','garden','sport') NOT NULL DEFAULT '',
    balance DECIMAL(12,2) NOT NULL DEFAULT 0,
    profile JSON,
    born DATE,
    active BOOL NOT NULL DEFAULT TRUE,
    created_at DATETIME(3) NOT NULL,
    seen_at TIMESTAMP NULL,
    note TEXT
  )`,
  `CREATE TABLE orders (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id BIGINT UNSIGNED NOT NULL,
    status ENUM('new','paid','sent','returned') NOT NULL DEFAULT 'new',
    total DECIMAL(14,4) NOT NULL DEFAULT 0,
    currency CHAR(3) NOT NULL DEFAULT 'EUR',
    placed_at DATETIME(6) NOT NULL,
    due TIME,
    weight DOUBLE,
    flags BIT(8) NOT NULL DEFAULT b'0',
    season YEAR,
    message TEXT,
    KEY (customer_id)
  )`,
  `CREATE TABLE order_items (
    order_id BIGINT UNSIGNED NOT NULL,
    line_no INT NOT NULL,
    sku VARCHAR(40) CHARACTER SET latin1 NOT NULL,
    title VARCHAR(200) NOT NULL,
    quantity SMALLINT UNSIGNED NOT NULL,
    price DECIMAL(10,2) NOT NULL,
    discount FLOAT,
    attributes JSON,
    fingerprint VARBINARY(16),
    PRIMARY KEY (order_id, line_no)
  )`,
];

const stock = { customers: 20_000, orders: 55_000 };

/** Numbers from 1 to `upTo`, as a table expression. */
const numbers = (upTo) => `(WITH RECURSIVE d AS (SELECT 0 v UNION ALL SELECT v + 1 FROM d WHERE v < 9)
  SELECT a.v + 10 * b.v + 100 * c.v + 1000 * e.v + 10000 * f.v + 1 AS n
  FROM d a, d b, d c, d e, d f HAVING n <= ${upTo}) AS numbers`;

const rows = [
  `INSERT INTO customers (email, name, city, tier, interests, balance, profile, born, active, created_at, seen_at, note)
   SELECT CONCAT('customer', n, '@example.com'),
     CONCAT(ELT(1 + n % 7, 'Ada', 'Björk', '小明', 'Chloé', 'Дарья', 'Émile', 'Fatma'), ' ', n),
     ELT(1 + n % 5, 'Hangzhou', 'København', 'São Paulo', 'Zürich', NULL),
     1 + n % 3, n % 16, (n * 7919 % 1000000) / 100 - 2500,
     JSON_OBJECT('visits', n % 97, 'ratio', (n % 1000) / 8, 'tags', JSON_ARRAY('a', n, NULL, n % 2 = 0), 'mood', '🙂'),
     DATE_ADD('1950-01-01', INTERVAL n % 20000 DAY), n % 11 <> 0,
     DATE_ADD('2024-01-01', INTERVAL n * 997 * 1000 MICROSECOND),
     FROM_UNIXTIME(1700000000 + n),
     IF(n % 4 = 0, REPEAT(CONCAT('bought ', n, ' 🎁 '), 1 + n % 6), NULL)
   FROM ${numbers(stock.customers)}`,
  `INSERT INTO orders (customer_id, status, total, currency, placed_at, due, weight, flags, season, message)
   SELECT 1 + n * 31 % ${stock.customers}, 1 + n % 4, (n * 104729 % 100000000) / 10000,
     ELT(1 + n % 3, 'EUR', 'CNY', 'USD'),
     DATE_ADD('2024-06-01', INTERVAL n * 131071 MICROSECOND),
     SEC_TO_TIME(n * 61 % 200000), n / 7, n % 256, 2000 + n % 50,
     IF(n % 3 = 0, CONCAT('Leave it with the neighbour 🏡 no. ', n), NULL)
   FROM ${numbers(stock.orders)}`,
  `INSERT INTO order_items
   SELECT o.id, l.v, CONCAT('SKU-', o.id * 13 % 4096, '-', l.v), CONCAT('Teapot “', o.id % 512, '” 🫖'),
     1 + (o.id + l.v) % 9, (o.id * 17 % 100000) / 100, IF(o.id % 3 = 0, (o.id % 50) / 100, NULL),
     JSON_OBJECT('colour', ELT(1 + o.id % 3, 'red', 'green', 'blue'), 'size', o.id % 40),
     UNHEX(LEFT(SHA2(CONCAT(o.id, '/', l.v), 256), 32))
   FROM orders o JOIN (SELECT 1 v UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) l ON l.v <= 1 + o.id % 4`,
];

/** Makes the shop anew. Returns how many rows it has. */
export async function makeShop(connection, database) {
  await connection.query(`DROP DATABASE IF EXISTS \`${database}\``);
  await connection.query(`CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`);
  await connection.query(`USE \`${database}\``);
  await connection.query("SET time_zone = '+00:00'");
  for (const statement of [...tables, ...rows]) await connection.query(statement);
  await connection.query('ANALYZE TABLE customers, orders, order_items');
  return countRows(connection);
}

export async function countRows(connection) {
  const [[counts]] = await connection.query(
    'SELECT (SELECT COUNT(*) FROM customers) + (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM order_items) AS n',
  );
  return Number(counts.n);
}

/** An account that may do what replication needs, and no more. */
export async function makeAccount(connection, { user, password, database }) {
  await connection.query(`DROP USER IF EXISTS ?@'%'`, [user]);
  await connection.query(`CREATE USER ?@'%' IDENTIFIED BY ?`, [user, password]);
  await connection.query(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ?@'%'`, [user]);
  await connection.query(`GRANT SELECT ON \`${database}\`.* TO ?@'%'`, [user]);
}

/**
 * Writes until `signal` is aborted: orders with their lines in one transaction, payments, cancellations, lines that
 * get another number (a key change), and transactions that are rolled back.
 * @returns {Promise<Record<string, number>>} what was done, by kind
 */
export async function shopLive(connection, signal, done) {
  for (let turn = 1; !signal.aborted; turn++) {
    await connection.beginTransaction();
    const [order] = await connection.query(
      `INSERT INTO orders (customer_id, status, total, placed_at, flags, message) VALUES (?, 'new', ?, NOW(6), ?, ?)`,
      [1 + (turn % stock.customers), turn / 16, turn % 256, `Live no. ${turn} 🚚`],
    );
    const lines = Array.from({ length: 1 + (turn % 3) }, (_, index) => [
      order.insertId,
      index + 1,
      `SKU-${turn % 4096}`,
      `Lamp ${turn} 💡`,
      index + 1,
      turn % 100,
      null,
      JSON.stringify({ turn, index }),
      null,
    ]);
    await connection.query('INSERT INTO order_items VALUES ?', [lines]);
    if (turn % 5 === 0) {
      await connection.rollback();
      done.rolledBack++;
    } else {
      await connection.commit();
      done.inserted += 1 + lines.length;
    }
    const [paid] = await connection.query(
      `UPDATE orders SET status = 'paid', total = total + 1 WHERE id = ? OR id = ?`,
      [order.insertId, 1 + ((turn * 37) % stock.orders)],
    );
    done.updated += paid.changedRows;
    if (turn % 3 === 0) {
      const [moved] = await connection.query(
        'UPDATE order_items SET line_no = line_no + 100 WHERE order_id = ? ORDER BY line_no DESC',
        [order.insertId],
      );
      done.keyChanges += moved.changedRows;
    }
    if (turn % 4 === 0) {
      const [gone] = await connection.query('DELETE FROM order_items WHERE order_id = ?', [
        1 + ((turn * 53) % stock.orders),
      ]);
      done.deleted += gone.affectedRows;
    }
    // A shop with many customers, not a bench: some hundred statements a second.
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}
