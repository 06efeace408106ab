import { join } from 'node:path';
import { connectSource } from '../../src/mysql/connection.js';
import { loadTables } from '../../src/mysql/catalog.js';
import { sourceSchema } from '../../src/shared/task.js';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Generated columns whose value depends on the session: the binlog has them as the writer saw them, a load as we do. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE d');
}, 60_000);
afterAll(() => replica?.close());

async function inSession(sql: string): Promise<void> {
  const session = await replica.mysql.connect();
  await session.query(`USE d; ${sql}`);
  await session.end();
}

it('rule 11: a virtual one is read at the source, in columns, filters and transformations', async () => {
  const { mysql } = replica;
  await mysql.query(`
    CREATE TABLE d.days (id INT PRIMARY KEY, ts TIMESTAMP, day DATE AS (DATE(ts)), v INT);
    CREATE TABLE d.months (id INT PRIMARY KEY, d DATE, m VARCHAR(20) AS (DATE_FORMAT(d, '%M')), third DECIMAL(12,9) AS (id / 3));
    CREATE TABLE d.filtered (id INT PRIMARY KEY, ts TIMESTAMP, day DATE AS (DATE(ts)));
    CREATE TABLE d.plain (id INT PRIMARY KEY, v INT, twice INT AS (v * 2), doc JSON, name VARCHAR(20) AS (doc->>'$.name') STORED);`);
  const task = replica.task({
    objects: [
      {
        database: 'd',
        tables: [
          { name: 'days' },
          { name: 'months' },
          { name: 'filtered', filter: "day = '2024-01-01'" },
          { name: 'plain' },
        ],
      },
    ],
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await inSession(`SET time_zone = '+09:00', lc_time_names = 'de_DE', div_precision_increment = 9;
    INSERT INTO days (id, ts) VALUES (1, '2024-01-02 05:00:00'), (2, '2024-01-02 12:00:00');
    INSERT INTO months (id, d) VALUES (4, '2024-01-02'); INSERT INTO filtered (id, ts) VALUES (1, '2024-01-02 05:00:00'), (2, '2024-01-02 12:00:00');
    INSERT INTO plain (id, v, doc) VALUES (1, 4, '{"name": "x"}')`);
  await inSession(`SET time_zone = '+09:00'; UPDATE days SET v = 1 WHERE id = 1;
    UPDATE filtered SET ts = '2024-01-02 07:00:00' WHERE id = 1`);
  await replica.caughtUp(task);
  expect(replica.rows('days').map(({ day }) => day)).toEqual(['2024-01-01', '2024-01-02']);
  expect(replica.rows('months')).toMatchObject([{ m: 'January', third: '1.333300000' }]);
  expect(replica.rows('filtered').map(({ id }) => id)).toEqual([1]);
  expect(replica.rows('plain')).toMatchObject([{ twice: 8, name: 'x' }]);
  await inSession("SET time_zone = '+09:00'; DELETE FROM filtered; DELETE FROM days WHERE id = 2");
  await replica.caughtUp(task);
  expect([replica.rows('filtered').length, replica.rows('days').length]).toEqual([0, 1]);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
}, 60_000);

it('rule 11: a table that an earlier version loaded learns which of its columns are', async () => {
  await replica.mysql.query(
    'CREATE TABLE d.known (id INT PRIMARY KEY, ts TIMESTAMP, day DATE AS (DATE(ts)))',
  );
  const task = replica.task({ objects: [{ database: 'd', tables: [{ name: 'known' }] }] });
  await replica.run(task);
  const store = new DatabaseSync(join(replica.stateDir, 'store.db'));
  const { changes } = store
    .prepare(
      `UPDATE source_table SET record = replace(record, ',"volatile":"virtual"', '') WHERE source = 'd.known' AND record LIKE '%volatile%'`,
    )
    .run();
  store.close();
  expect(changes).toBe(1);
  await inSession("SET time_zone = '+09:00'; INSERT INTO known (id, ts) VALUES (1, '2024-01-02 05:00:00')");
  await replica.run(task);
  expect(replica.rows('known')).toMatchObject([{ id: 1, day: '2024-01-01' }]);
}, 60_000);

it('rule 20: no key is made of one', async () => {
  await replica.mysql.query(
    'CREATE TABLE d.keyed (id INT, ts TIMESTAMP NOT NULL, day DATE AS (DATE(ts)) VIRTUAL NOT NULL, UNIQUE KEY (day, id))',
  );
  const task = replica.task({
    objects: [{ database: 'd', tables: [{ name: 'keyed', primaryKey: ['day', 'id'] }] }],
  });
  await expect(replica.start(task)).rejects.toThrow(/key-columns.*keyed\.day/);
}, 60_000);

const stored =
  'id INT PRIMARY KEY, v INT, ts TIMESTAMP NULL, hour INT AS (HOUR(ts)), day DATE AS (DATE(ts)) STORED';
const copying: Record<string, string> = {
  checked: 'ALTER TABLE T ADD CHECK (v < 100)',
  optimized: 'ALTER TABLE T ADD FULLTEXT (note); OPTIMIZE TABLE T',
  commented: "SET old_alter_table = 1; ALTER TABLE T COMMENT = 'x'",
  indexed: 'SET old_alter_table = 1; CREATE INDEX k ON T (v)',
};

it('rule 14: a stored one may be computed anew by any statement that may copy the table: it stops', async () => {
  const { mysql } = replica;
  for (const name of Object.keys(copying))
    await mysql.query(`CREATE TABLE d.s_${name} (${stored}, note VARCHAR(9)); INSERT INTO d.s_${name} (id, ts) VALUES (1, '2024-01-01 20:00:00');
      CREATE TABLE d.n_${name} (id INT PRIMARY KEY, v INT, twice INT AS (v * 2) STORED, note VARCHAR(9))`);
  const names = Object.keys(copying).flatMap((name) => [`s_${name}`, `n_${name}`]);
  const task = replica.task({ objects: [{ database: 'd', tables: names.map((name) => ({ name })) }] });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  for (const [name, sql] of Object.entries(copying))
    await inSession(`SET time_zone = '+09:00'; ${sql.replace(/\bT\b/g, `s_${name}`)}`);
  for (const name of ['commented', 'indexed']) await inSession(copying[name]!.replace(/\bT\b/g, `n_${name}`));
  await replica.caughtUp(task);
  const { tables } = await replica.snapshot(task);
  const stopped = tables.flatMap(({ source, phase }) => (phase === 'stopped' ? [source] : []));
  expect(stopped.sort()).toEqual(
    Object.keys(copying)
      .map((name) => `d.s_${name}`)
      .sort(),
  );
  await replica.stop(task);
}, 60_000);

/** Type and expression of a generated column; the steady ones are read from the binlog as they are. */
const steady: [string, string][] = [
  ['INT', 'YEAR(dt) * 10000 + MONTH(dt) * 100 + DAY(dt)'],
  ['INT', 'SECOND(t)'],
  ['INT', 'TO_DAYS(dt)'],
  ['INT', 'YEAR(dt) + n'],
  ['DATE', 'LAST_DAY(dt)'],
  ['DATE', 'd + INTERVAL 1 DAY'],
  ['DATETIME(6)', 'dt + INTERVAL n SECOND'],
  ['VARCHAR(40)', 'CONCAT(s, d)'],
  ['VARCHAR(40)', 'IF(d IS NULL, s, NULL)'],
  ['VARCHAR(40)', 'COALESCE(d, s)'],
  ['INT', "IF(d < '2024-01-01', 1, 0)"],
  ['INT', 'd < 20240101'],
];
const volatile: [string, string][] = [
  ['INT', "ELT(n, 'a', 'b', 'c', 'd', 'e ') = 'E'"],
  ['INT', "CONCAT(n, 'x') = '5X '"],
  ['INT', "CONCAT(n, 'x') IN ('5X', 'b')"],
  ['INT', "LOCATE('A', CONCAT(n, 'a'))"],
  ['DATE', 'DATE(dt)'],
  ['DATE', 'd'],
  ['DATETIME', 'd'],
  ['DATE', 'COALESCE(d, d)'],
  ['DATETIME(6)', 'GREATEST(dt, d)'],
  ['VARCHAR(40)', 'DATE(dt)'],
  ['VARCHAR(40)', 'CAST(d AS DATETIME)'],
  ['INT', 'd = DATE(dt)'],
  ['INT', 'YEAR(CAST(d AS CHAR))'],
  ['INT', 'YEAR(s)'],
  ['INT', 'SECOND(s)'],
  ['INT', 'IF(d < s, 1, 0)'],
  ['INT', 's BETWEEN d AND d'],
  ['INT', 'd IN (s, n)'],
  ['INT', 'CASE d WHEN s THEN 1 ELSE 0 END'],
  ['INT', 't = s'],
  ['VARCHAR(40)', 'GREATEST(d, s)'],
  ['VARCHAR(40)', 's + INTERVAL 1 DAY'],
  ['DATE', 's'],
  ['DATE', 'n'],
  ['DATE', 'dt'],
  ['DATETIME', 'dt'],
  ['DATETIME', 'dt + INTERVAL 1 SECOND'],
  ['DATETIME(6)', 'CAST(dt AS DATETIME(3))'],
  ['TIME', 'TIME(dt)'],
  ['TIMESTAMP', 'dt'],
  ['DATE', 'd + 1'],
  ['DATETIME', 'd + INTERVAL 500000 MICROSECOND'],
  ['DATETIME', 'd + INTERVAL 0.5 SECOND'],
  ['INT', 'YEAR(t)'],
  ['INT', 't < dt'],
  ['BIGINT', 'dt'],
];
/** Texts of literals and of numbers: the server computes generated columns under a collation of its own. */
const texts: [string, string][] = [
  ['INT', "CONCAT(s, n) = '<5'"],
  ['INT', "IF(n > 3, 'a', 'b')"],
  ['INT', "doc->>'$.a' = 'x'"],
  ['INT', 'LENGTH(n)'],
  ['VARCHAR(40)', 'HEX(REVERSE(n))'],
  ['VARCHAR(40)', "GREATEST(CONCAT(s, 'a'), CONCAT(n, 'B'))"],
  ['VARCHAR(40)', "UPPER(CONCAT(n, 'i'))"],
];
const modes = ['', 'ALLOW_INVALID_DATES', 'NO_ZERO_DATE,NO_ZERO_IN_DATE', 'TIME_TRUNCATE_FRACTIONAL'];
const collations = [
  'utf8mb4_bin',
  'utf8mb4_general_ci',
  'utf8mb4_turkish_ci',
  'latin1_swedish_ci',
  'latin1_bin',
  'utf16_general_ci',
  'binary',
];
const moments: string[] = [
  "'2024-02-15', '1999-12-31 23:59:59.700000', '10:00:00.700000', 20240231, '2024-02-31'",
  "'2024-02-15', '1999-12-31 23:59:59.999999', '10:00:59.999999', 0, '0000-00-00'",
  "'2024-02-15', '2024-02-15 10:00:00.5', '10:00:01', 5, '10:00:00.9999999'",
  "NULL, NULL, NULL, 20240015, '2024-00-15'",
];

it('rule 11: what is taken as the same in every session is the same under every sql_mode', async () => {
  const { mysql } = replica;
  const columns = [...steady, ...volatile];
  await mysql.query(`CREATE TABLE d.modes (id INT, mode INT, d DATE, dt DATETIME(6), t TIME(6), n BIGINT, s VARCHAR(40), doc JSON,
    ${columns.map(([type, expression], i) => `g${i} ${type} AS (${expression}) STORED`).join(', ')}, PRIMARY KEY (id, mode))`);
  for (const [mode, sqlMode] of modes.entries())
    for (const [id, values] of moments.entries())
      await inSession(`SET sql_mode = '${sqlMode}', time_zone = '+0${mode}:00';
        INSERT IGNORE INTO modes (id, mode, d, dt, t, n, s) VALUES (${id}, ${mode}, ${values})`);
  const [found] = await mysql.query<Record<string, string>>(
    `SELECT ${columns.map((_, i) => `SUM(c${i} > 1) AS g${i}`).join(', ')} FROM (
       SELECT ${columns.map((_, i) => `COUNT(DISTINCT COALESCE(CAST(g${i} AS CHAR), 'NULL')) AS c${i}`).join(', ')} FROM d.modes GROUP BY id) per_row`,
  );
  const source = await connectSource(sourceSchema.parse({ port: mysql.port, user: 'root' }));
  const [table] = await loadTables(source, [{ database: 'd', table: 'modes' }]).finally(() => source.close());
  const known = columns.map(([type, expression], i) => ({
    what: `${type} AS (${expression})`,
    isVolatile: table!.columns.find(({ name }) => name === `g${i}`)!.volatile !== undefined,
    differs: Number(found![`g${i}`]) > 0,
  }));
  expect(known.filter(({ isVolatile, differs }) => differs && !isVolatile)).toEqual([]);
  expect(known.filter(({ isVolatile }) => !isVolatile).map(({ what }) => what)).toEqual(
    steady.map(([type, expression]) => `${type} AS (${expression})`),
  );
  expect(known.filter(({ differs }) => differs).length).toBeGreaterThan(8);
}, 60_000);

it('rule 11: dates with zeros, and collations of the connection: what is taken as the same in every session is', async () => {
  const { mysql } = replica;
  const columns = [...steady, ...texts, ...volatile];
  const virtual = columns.map(([type, expression], i) => `g${i} ${type} AS (${expression}) VIRTUAL`);
  await mysql.query(
    `CREATE TABLE d.zeros (id INT PRIMARY KEY, d DATE, dt DATETIME(6), t TIME(6), n BIGINT, s VARCHAR(40), doc JSON, ${virtual.join(', ')})`,
  );
  await inSession(`SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO zeros (id, d, dt, t, n, s) VALUES
    (1, '2024-00-15', '2024-02-00 10:00:00', '10:00:00', 5, '<'), (2, '0000-00-00', '0000-00-00', '00:00:00', 0, 'A'),
    (3, '2024-02-31', '2024-02-31 10:00:00', '10:00:01', 20240231, '2024-02-31'), (4, NULL, NULL, NULL, NULL, NULL)`);
  const differing = new Set<number>();
  const first: (string | undefined)[] = [];
  const sets = [
    ...[...modes, 'NO_ZERO_DATE', 'NO_ZERO_IN_DATE'].map((mode) => `sql_mode = '${mode}'`),
    ...collations.map((collation) => `sql_mode = '', collation_connection = ${collation}`),
    "sql_mode = '', default_collation_for_utf8mb4 = utf8mb4_general_ci",
  ];
  for (const set of sets) {
    const session = await mysql.connect();
    for (const i of columns.keys()) {
      // Whoever opens the table gives its expressions what they are computed under.
      await session.query(`SET ${set}; FLUSH TABLES d.zeros`);
      // A session that cannot open it writes nothing.
      const seen = await session.query(`SELECT g${i} AS value FROM d.zeros ORDER BY id`).then(
        ([rows]) => JSON.stringify(rows),
        () => first[i],
      );
      if (seen !== (first[i] ??= seen)) differing.add(i);
    }
    await session.end();
  }
  const source = await connectSource(sourceSchema.parse({ port: mysql.port, user: 'root' }));
  const [table] = await loadTables(source, [{ database: 'd', table: 'zeros' }]).finally(() => source.close());
  const isVolatile = (i: number) =>
    table!.columns.find(({ name }) => name === `g${i}`)!.volatile !== undefined;
  const what = (i: number) => columns[i]!.join(' AS ');
  expect([...differing].filter((i) => !isVolatile(i)).map(what)).toEqual([]);
  expect(
    [...texts.keys()]
      .map((i) => i + steady.length)
      .filter(isVolatile)
      .map(what),
  ).toEqual([]);
  expect(differing.size).toBeGreaterThan(8);
}, 60_000);
