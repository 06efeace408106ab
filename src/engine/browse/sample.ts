import { RowferryError } from '../../shared/errors.js';
import type { SampleChanges, SampleInfo } from '../../shared/catalog-api.js';
import type { SourceConnection } from '../../mysql/connection.js';

/**
 * A small shop to try things on, in a database of its own: made only when a person confirmed it, recognized by the
 * comment of its tables, and nothing else of the server is ever touched.
 */

const database = 'rowferry_sample';
const mark = 'Rowferry sample; may be dropped at any time.';
const customers = 500;
const orders = 5000;

const numbers = (upTo: number) =>
  `WITH RECURSIVE d AS (SELECT 0 v UNION ALL SELECT v + 1 FROM d WHERE v < 9),
  numbers AS (SELECT a.v + 10 * b.v + 100 * c.v + 1000 * e.v + 1 AS n FROM d a, d b, d c, d e)
  SELECT n FROM numbers WHERE n <= ${upTo}`;

const statements = [
  `CREATE TABLE ${database}.customers (
     id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
     name VARCHAR(80) NOT NULL,
     email VARCHAR(120) NOT NULL UNIQUE,
     tier ENUM('bronze','silver','gold') NOT NULL DEFAULT 'bronze',
     profile JSON,
     joined DATE NOT NULL
   ) COMMENT '${mark}'`,
  `CREATE TABLE ${database}.orders (
     region CHAR(2) NOT NULL,
     id BIGINT NOT NULL,
     customer INT NOT NULL,
     status ENUM('new','paid','sent') NOT NULL DEFAULT 'new',
     total DECIMAL(10,2) NOT NULL,
     placed DATETIME(3) NOT NULL,
     note TEXT,
     PRIMARY KEY (region, id)
   ) COMMENT '${mark}'`,
  `INSERT INTO ${database}.customers (name, email, tier, profile, joined)
   SELECT CONCAT(ELT(1 + n % 5, 'Ada', 'Björk', '小明', 'Chloé', 'Fatma'), ' ', n), CONCAT('c', n, '@example.com'),
     1 + n % 3, JSON_OBJECT('visits', n % 97, 'mood', '🙂'), DATE_ADD('2020-01-01', INTERVAL n DAY)
   FROM (${numbers(customers)}) AS source`,
  `INSERT INTO ${database}.orders
   SELECT ELT(1 + n % 3, 'cn', 'eu', 'us'), n, 1 + n % ${customers}, 1 + n % 3, (n * 7919 % 100000) / 100,
     DATE_ADD('2025-01-01 08:00:00', INTERVAL n * 977 SECOND), IF(n % 5 = 0, CONCAT('by sea 🚢 ', n), NULL)
   FROM (${numbers(orders)}) AS source`,
  `ANALYZE TABLE ${database}.customers, ${database}.orders`,
];

/** Makes the sample, or finds the one that was made before. Throws ROW-T104 when the database is somebody else's. */
export async function makeSample(connection: SourceConnection): Promise<SampleInfo> {
  const found = await state(connection);
  const rows = customers + orders;
  if (found === 'ours') return { database, rows, made: false };
  if (found === 'taken') {
    throw new RowferryError('ROW-T104', `The database ${database} already exists and is not the sample.`, {
      remedy: 'Rename or drop that database, or use another server.',
    });
  }
  // When somebody makes it at the same time this throws, and nothing of theirs is dropped below.
  await connection.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  try {
    for (const sql of statements) await connection.query(sql);
  } catch (error) {
    // Half a sample would be taken for somebody else's.
    await connection.query(`DROP DATABASE ${database}`).catch(() => undefined);
    throw error;
  }
  return { database, rows, made: true };
}

/** A handful of customers come, spend and go. Throws ROW-S108 when there is no sample. */
export async function changeSample(connection: SourceConnection): Promise<SampleChanges> {
  if ((await state(connection)) !== 'ours') {
    throw new RowferryError('ROW-S108', 'The sample does not exist on this server.', {
      remedy: 'Run “Rowferry: Try a Sample” first.',
    });
  }
  const changed = async (sql: string) => {
    const [header] = [await connection.query(sql)].flat() as { affectedRows?: number }[];
    return header?.affectedRows ?? 0;
  };
  const inserted = await changed(
    `INSERT INTO ${database}.orders
     SELECT ELT(1 + n % 3, 'cn', 'eu', 'us'), top.id + n, 1 + n % ${customers}, 'new', n * 3.5, NOW(3), 'just now'
     FROM (${numbers(60)}) AS source, (SELECT MAX(id) AS id FROM ${database}.orders) AS top`,
  );
  const updated = await changed(
    `UPDATE ${database}.orders SET status = 'paid', total = total + 1 WHERE status <> 'paid' ORDER BY id DESC LIMIT 30`,
  );
  const deleted = await changed(`DELETE FROM ${database}.orders WHERE note IS NULL ORDER BY id LIMIT 10`);
  return { inserted, updated, deleted };
}

async function state(connection: SourceConnection): Promise<'none' | 'ours' | 'taken'> {
  const databases = await connection.query(
    'SELECT SCHEMA_NAME AS name FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = ?',
    [database],
  );
  if (databases.length === 0) return 'none';
  const tables = await connection.query<{ comment: string }>(
    'SELECT TABLE_COMMENT AS comment FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = ?',
    [database],
  );
  return tables.length > 0 && tables.every(({ comment }) => comment === mark) ? 'ours' : 'taken';
}
