import type mysql from 'mysql2/promise';
import type { Chance } from '../support/chance.js';

/** Tables whose keys are easy to get wrong: composite, text by collation, referenced, wide. */
export const schema = `
  CREATE DATABASE shop;
  CREATE TABLE shop.items (region CHAR(2), id INT, amount DECIMAL(12,3), note VARCHAR(200), at DATETIME(3), body VARBINARY(300),
    PRIMARY KEY (region, id));
  CREATE TABLE shop.names (name VARCHAR(40) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, val INT, note TEXT);
  CREATE TABLE shop.parents (id INT PRIMARY KEY, label VARCHAR(50));
  CREATE TABLE shop.children (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, parent INT NULL, n INT, twice INT AS (n * 2) STORED,
    doc JSON, FOREIGN KEY (parent) REFERENCES shop.parents (id) ON UPDATE CASCADE ON DELETE SET NULL);
  CREATE TABLE shop.logs (id INT PRIMARY KEY, day DATE, line VARCHAR(400));
  CREATE TABLE shop.flood (id INT PRIMARY KEY, v BIGINT UNSIGNED)`;

export const tables = ['items', 'names', 'parents', 'children', 'logs', 'flood'] as const;

/** The same tables with filters that rows enter and leave, another key, other types and names. */
export const mapped = [
  {
    database: 'shop',
    tables: [
      {
        name: 'items',
        filter: "amount > 0 OR note LIKE 'ä%'",
        primaryKey: ['id', 'region'],
        columns: { body: { exclude: true }, at: { type: 'INTEGER', unit: 'ms' } },
      },
      { name: 'names', filter: "name < 'm' AND val % 3 <> 0" },
      { name: 'parents', rename: 'fathers' },
      { name: 'children', filter: 'n IS NOT NULL AND parent < 20', columns: { doc: { rename: 'document' } } },
      { name: 'logs', filter: "LENGTH(line) BETWEEN 10 AND 300 AND day <> '2026-03-10'" },
    ],
  },
];

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
const letters = ['a', 'A', 'ä', 'b', 'B ', 'ss', 'ß', 'é', 'E', '中', '😀', 'z'];

/** One statement of the shop's day. Keys are drawn from so few that they meet again and again. */
export function statement(chance: Chance): string {
  const region = chance.of(['eu', 'us', 'as']);
  const id = chance.below(400);
  const other = chance.below(400);
  const name = text(chance.of(letters) + chance.of(['', '', '1', ' ']));
  const note = text(chance.of(['', 'short', 'ärger', 'x'.repeat(chance.below(190))]));
  const amount = `${chance.below(100_000) / 8 - 5000}`;
  const row = `('${region}', ${id}, ${amount}, ${chance.of([note, 'NULL'])}, '2026-01-02 03:04:05.${chance.below(1000)}', x'${'0f'.repeat(chance.below(60))}')`;
  switch (chance.below(24)) {
    case 0:
    case 1:
      return `INSERT IGNORE INTO shop.items (region, id, amount, note, at, body) VALUES ${row}`;
    case 2:
      return `REPLACE INTO shop.items (region, id, amount, note, at, body) VALUES ${row}`;
    case 3:
      return `INSERT INTO shop.items (region, id, amount, note) VALUES ('${region}', ${id}, 1, NULL) ON DUPLICATE KEY UPDATE amount = amount + 1, note = ${note}`;
    case 4:
      return `UPDATE shop.items SET amount = amount + 0.125, note = ${chance.of([note, 'NULL', 'note'])} WHERE id BETWEEN ${id} AND ${id + chance.below(20)}`;
    case 5:
      return `UPDATE IGNORE shop.items SET id = ${other} WHERE region = '${region}' AND id = ${id}`;
    case 6:
      return `UPDATE IGNORE shop.items SET region = '${chance.of(['eu', 'us', 'as'])}', id = id + ${1 + chance.below(3)} WHERE id BETWEEN ${id} AND ${id + 5} ORDER BY id DESC`;
    case 7:
      return `DELETE FROM shop.items WHERE id BETWEEN ${id} AND ${id + chance.below(6)}`;
    case 8:
    case 9:
      return `INSERT INTO shop.names (name, val, note) VALUES (${name}, ${id}, ${note}) ON DUPLICATE KEY UPDATE val = val + 1`;
    case 10:
      return `UPDATE IGNORE shop.names SET name = ${name} WHERE name = ${text(chance.of(letters))}`;
    case 11:
      return `REPLACE INTO shop.names (name, val) VALUES (${name}, ${id})`;
    case 12:
      return `DELETE FROM shop.names WHERE name = ${name}`;
    case 13:
      return `INSERT IGNORE INTO shop.parents VALUES (${id % 30}, ${note.slice(0, 40).replace(/'?$/, "'")})`;
    case 14:
      return `UPDATE IGNORE shop.parents SET id = ${other % 30} WHERE id = ${id % 30}`;
    case 15:
      return `DELETE FROM shop.parents WHERE id = ${id % 30}`;
    case 16:
    case 17:
      return `INSERT IGNORE INTO shop.children (parent, n, doc) VALUES (${chance.of(['NULL', String(id % 30)])}, ${id}, JSON_OBJECT('n', ${amount}, 'list', JSON_ARRAY(1, 1.0, NULL)))`;
    case 18:
      return `UPDATE shop.children SET doc = JSON_SET(doc, '$.n', ${id}, '$.more', ${note}), n = n + 1 WHERE id % 40 = ${id % 40}`;
    case 19:
      return `DELETE FROM shop.children WHERE id % 60 = ${id % 60}`;
    case 20:
      return `INSERT IGNORE INTO shop.logs SELECT ${id} * 100 + s.n, '2026-03-04' + INTERVAL s.n DAY, REPEAT('log ', s.n) FROM (WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 99) SELECT n FROM r) s`;
    case 21:
      return `DELETE FROM shop.logs WHERE id BETWEEN ${id * 100} AND ${id * 100 + 150}`;
    case 22:
      return `UPDATE shop.logs SET line = CONCAT('again ', LEFT(line, 300)) WHERE id % 97 = ${id % 97}`;
    default:
      return `UPDATE IGNORE shop.logs SET id = id + ${1 + chance.below(50)} WHERE id BETWEEN ${id * 100} AND ${id * 100 + 10} ORDER BY id DESC`;
  }
}

/** Changes of definitions that the replica follows by itself, or by loading the table again. */
const definitions = [
  'ALTER TABLE shop.logs ADD COLUMN extra INT NULL',
  'ALTER TABLE shop.logs ADD COLUMN extra VARCHAR(20) DEFAULT \'with "default"\' FIRST',
  'ALTER TABLE shop.logs ADD COLUMN extra INT DEFAULT 5, ADD COLUMN more TINYTEXT NULL AFTER id',
  'ALTER TABLE shop.logs DROP COLUMN extra',
  'ALTER TABLE shop.logs DROP COLUMN more',
  'ALTER TABLE shop.logs RENAME COLUMN line TO words',
  'ALTER TABLE shop.logs RENAME COLUMN words TO line',
  "ALTER TABLE shop.logs ADD COLUMN kind ENUM('c:\\new','x') DEFAULT 'x'",
  "ALTER TABLE shop.logs MODIFY kind ENUM('x','c:\\new') DEFAULT 'x'",
  'ALTER TABLE shop.logs MODIFY kind VARCHAR(9) NULL',
  'ALTER TABLE shop.logs DROP COLUMN kind',
  'ALTER TABLE shop.items MODIFY note VARCHAR(220)',
  'ALTER TABLE shop.items MODIFY note VARCHAR(200) AFTER amount',
  'ALTER TABLE shop.items ADD COLUMN part DECIMAL(14,3) AS (amount * 2) STORED',
  'ALTER TABLE shop.items MODIFY part DECIMAL(14,3) AS (amount * 3) STORED',
  'ALTER TABLE shop.items DROP COLUMN part',
  'ALTER TABLE shop.items ADD COLUMN seen TIMESTAMP NULL, ALGORITHM = COPY',
  'ALTER TABLE shop.items MODIFY seen TIMESTAMP',
  'ALTER TABLE shop.items DROP COLUMN seen',
  'ALTER TABLE shop.children MODIFY twice INT AS (n * 2) STORED',
  'ALTER TABLE shop.children MODIFY twice INT AS (n * 3) STORED',
  "ALTER TABLE shop.parents ADD COLUMN state SET('a','b','c') DEFAULT 'a,c'",
  "ALTER TABLE shop.parents MODIFY state SET('c','b','a') DEFAULT 'a,c'",
  'ALTER TABLE shop.parents DROP COLUMN state',
  'ALTER TABLE shop.parents MODIFY label VARCHAR(50) NOT NULL',
  'ALTER TABLE shop.parents MODIFY label VARCHAR(50) NULL',
  'TRUNCATE TABLE shop.logs',
  'TRUNCATE TABLE shop.logs; ALTER TABLE shop.logs ADD COLUMN extra INT NULL; ALTER TABLE shop.logs DROP COLUMN extra',
  'ALTER TABLE shop.names ENGINE = InnoDB',
  'ALTER TABLE shop.names COMMENT = \'a "comment"\', ADD INDEX by_val (val)',
  'ALTER TABLE shop.names DROP INDEX by_val',
  'CREATE DATABASE IF NOT EXISTS other; CREATE TABLE IF NOT EXISTS other.y1 (a INT); DROP TABLE other.y1',
  'RENAME TABLE shop.logs TO shop.logs_old, shop.logs_old TO shop.logs',
  'CREATE TABLE shop._logs_new LIKE shop.logs; INSERT INTO shop._logs_new SELECT * FROM shop.logs; RENAME TABLE shop.logs TO shop._logs_old, shop._logs_new TO shop.logs; DROP TABLE shop._logs_old',
] as const;

const modes = ['', '', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'ANSI,NO_BACKSLASH_ESCAPES', 'TRADITIONAL'];

/** Some changes of definitions, and the settings of the session that makes them: they decide how it is read. */
export function definition(chance: Chance): { settings: string; statements: string[] } {
  const mode = chance.of(modes);
  const statements = Array.from({ length: chance.of([1, 1, 2, 4]) }, () => chance.of(definitions));
  // What stands in double quotes is a name under ANSI_QUOTES.
  const doubled = !mode.includes('ANSI') && chance.below(2) === 0;
  return {
    settings: `SET SESSION sql_mode = '${mode}', explicit_defaults_for_timestamp = ${chance.of(['ON', 'ON', 'OFF'])},
      lock_wait_timeout = 3; SET NAMES ${chance.of(['utf8mb4', 'latin1', 'cp850', 'gbk'])}`,
    statements: statements
      .flatMap((sql) => sql.split('; '))
      .map((sql) => (doubled ? sql.replaceAll("'x'", '"x"') : sql)),
  };
}

/** Writes until told to stop: transactions of one to twenty statements, ended in every way there is. */
export class Writer {
  private on = true;
  private readonly done: Promise<void>;
  transactions = 0;

  constructor(
    private readonly connect: () => Promise<mysql.Connection>,
    private readonly chance: Chance,
    private readonly number: number,
  ) {
    this.done = this.write();
  }

  async stop(): Promise<void> {
    this.on = false;
    await this.done;
  }

  private async write(): Promise<void> {
    while (this.on) {
      let connection: mysql.Connection | undefined;
      try {
        connection = await this.connect();
        connection.on('error', () => undefined);
        await connection.query("SET SESSION sql_mode = '', innodb_lock_wait_timeout = 5");
        while (this.on) await this.transaction(connection);
      } catch {
        // The server was taken away: it comes back.
        await new Promise((r) => setTimeout(r, 200));
      } finally {
        connection?.destroy();
      }
    }
  }

  private async transaction(connection: mysql.Connection): Promise<void> {
    const { chance } = this;
    const run = async (sql: string) => {
      try {
        await connection.query(sql);
      } catch (error) {
        const { fatal, errno } = error as { fatal?: boolean; errno?: number };
        // Refused by a constraint, a deadlock, a column that is not there just now: life goes on.
        if (fatal || errno === undefined) throw error;
      }
    };
    const count = chance.of([1, 1, 2, 3, 20]);
    const image = chance.of(['FULL', 'FULL', 'FULL', 'MINIMAL', 'NOBLOB']);
    await run(`SET SESSION binlog_row_image = ${image}`);
    await run(`SET SESSION binlog_transaction_compression = ${chance.of(['ON', 'OFF'])}`);
    await run(`SET SESSION binlog_row_value_options = '${chance.of(['', 'PARTIAL_JSON'])}'`);
    const xid = `'w${this.number}','${chance.below(3)}'`;
    const asXa = chance.below(12) === 0;
    await run(asXa ? `XA START ${xid}` : 'BEGIN');
    for (let i = 0; i < count; i++) {
      if (!asXa && chance.below(10) === 0) await run('SAVEPOINT s');
      await run(statement(chance));
      if (!asXa && chance.below(15) === 0) await run('ROLLBACK TO s');
    }
    const end = chance.below(8) === 0 ? 'ROLLBACK' : 'COMMIT';
    if (asXa) {
      await run(`XA END ${xid}`);
      if (chance.below(3) > 0) {
        await run(`XA PREPARE ${xid}`);
        await new Promise((r) => setTimeout(r, chance.below(300)));
        await run(`XA ${end} ${xid}`);
      } else await run(end === 'COMMIT' ? `XA COMMIT ${xid} ONE PHASE` : `XA ROLLBACK ${xid}`);
    } else await run(end);
    this.transactions++;
    await new Promise((r) => setTimeout(r, chance.below(12)));
  }
}
