import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * Conditions that once meant something else here than behind MySQL's own WHERE: by the load, and by the stream, which
 * asks about a row or two at a time, as they come, enter the filter and leave it.
 */
let replica: Replica;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE f');
}, 60_000);
afterAll(() => replica?.close());

interface Case {
  readonly columns: string;
  readonly filters: readonly string[];
  readonly mapping?: Record<string, unknown>;
  /** Values of a row behind its id. */
  readonly rows: readonly string[];
}

const cases: Record<string, Case> = {
  G1: {
    columns: 'b BIGINT UNSIGNED, bl BLOB, bi BINARY(4)',
    filters: ["bl REGEXP 'b$'", "bi REGEXP 'b'", 'b - 2 > 1', 'CAST(b AS SIGNED) - 2 > 1'],
    rows: ["5, 'ab', 'ab'", "7, 'ba', 'xxxb'", "4, '', 'aaaa'", 'NULL, NULL, NULL'],
  },
  G2: {
    columns: 'dt DATETIME, ts TIMESTAMP NULL, d DATE',
    filters: [
      "dt >= '2020-01-01 10:00:00+02:00' AND ts < '2020-01-01 12:00:00+02:00'",
      "ts = '2020-01-01 10:00:00+02:00'",
      "dt IN ('2020-01-01 10:00:00-05:30', '2020-01-01 08:00:00')",
      "ts BETWEEN '2020-01-01 09:30:00+01:30' AND '2020-01-01 23:00:00+14:00'",
    ],
    rows: [
      "'2020-01-01 08:00:00', '2020-01-01 08:00:00', '2020-01-01'",
      "'2020-01-01 07:59:59', '2020-01-01 09:59:59', '2020-01-01'",
      "'2020-01-01 10:00:00', '2020-01-01 10:00:00', '2019-12-31'",
      "'2020-01-01 15:30:00', '2020-01-01 09:00:00', NULL",
    ],
  },
  G7: {
    columns: 'y YEAR',
    filters: ["y = '20'", 'y >= 1.5', "CONCAT(y) = '0000'", "y IN ('70', 0)", "y BETWEEN '19' AND '21'"],
    rows: ['2020', '0', '1970', '2001', 'NULL'],
  },
  G8: {
    columns: 'j JSON',
    filters: [
      "j->'$.a' = 12.34",
      "JSON_TYPE(j->'$.a') = 'DECIMAL'",
      "JSON_TYPE(j->'$.b') IN ('DATE', 'TIME')",
      "JSON_TYPE(j->'$.c') = 'BLOB'",
      "JSON_UNQUOTE(j->'$.b') > '2020-01-01'",
      "JSON_TYPE(j->'$.a') = 'UNSIGNED INTEGER'",
    ],
    rows: [
      "JSON_OBJECT('a', 12.340, 'b', CAST('2020-01-02' AS DATE), 'c', x'00ff')",
      "JSON_OBJECT('a', 12.34e0, 'b', '2020-01-02', 'c', 'x')",
      "JSON_OBJECT('a', CAST(5 AS UNSIGNED), 'b', CAST('10:00:00.5' AS TIME(6)))",
      "JSON_OBJECT('a', CAST(18446744073709551615 AS UNSIGNED), 'b', CAST('2021-01-01 00:00:00' AS DATETIME(6)))",
      "JSON_OBJECT('a', 5)",
    ],
  },
  G9: {
    columns: 'x DOUBLE(10,2), d DOUBLE, f FLOAT(8,3)',
    filters: [
      "x LIKE '%.50'",
      "CONCAT(x) = '0.00'",
      "CONCAT(d) = '-0'",
      "HEX(CONCAT(x)) LIKE '2D%'",
      "f LIKE '%0'",
    ],
    rows: ['1.5, -0e0, 1.5', '-0.004, 0, 0.125', '0, 1e300, -0e0', '12.505, -1e-7, 99999.999'],
  },
  G10: {
    columns: 'ts TIMESTAMP NULL, n INT, d DATE',
    filters: [
      "ts < '2039-01-01 00:00:00'",
      "ts >= '1969-12-31'",
      "n BETWEEN 20200101 AND '2020-02-30'",
      "d BETWEEN 20200101 AND '2020-02-30'",
    ],
    rows: [
      "'0000-00-00', 20200101, '2020-01-01'",
      "'2020-01-15 00:00:00', 20200115, '2020-02-29'",
      "'1970-01-01 00:00:01', 2020, '0000-00-00'",
      "NULL, 20200301, '2020-03-01'",
    ],
  },
  G11: {
    columns: 'u BIGINT UNSIGNED, b BIGINT, n INT',
    mapping: { columns: { u: { type: 'STRING' } } },
    filters: [
      'u IN (-1, 1.5, 18446744073709551615)',
      'b IN (-1, 1.5, 18446744073709551615)',
      'b IN (1.5, 18446744073709551615, 1)',
      'n IN (5, 1.0, 18446744073709551615)',
      'u IN (-1, 5, 1.0)',
      "u IN (1, '18446744073709551615')",
      'u NOT IN (-1, 0)',
    ],
    rows: [
      '18446744073709551615, -1, -1',
      '1, 1, 1',
      '0, 9223372036854775807, 0',
      '9223372036854775808, 2, 2',
    ],
  },
  G12: {
    columns: 'txt TEXT, day DATE, b BIT(8), dbl DOUBLE, u INT UNSIGNED',
    filters: [
      "LEAST(txt, day) = '2020-01-01'",
      'NULLIF(-1, txt) IS NULL',
      'b MOD dbl = 1',
      'GREATEST(day, txt) > 20200101',
      'NULLIF(txt, -1) = txt',
    ],
    rows: [
      "'2020-01-02', '2020-01-01', 5, 2, 1",
      "'-1', '2020-01-02', 49, 1.5, 2",
      "'abc', NULL, 0, 0, 3",
      "'2019', '2020-01-01', 255, -2, 4",
    ],
  },
  G15: {
    columns: 'txt VARCHAR(9), at DATETIME',
    filters: [
      "txt = x'61'",
      "txt = N'a'",
      "TRIM(LEADING 'a' FROM txt) = 'b'",
      'EXTRACT(YEAR FROM at) = 2020',
      "SUBSTRING(txt FROM 2 FOR 1) = 'b'",
      "TRIM(BOTH FROM txt) = 'a'",
    ],
    rows: [
      "'a', '2020-01-01 00:00:00'",
      "'aab', '2021-01-01 00:00:00'",
      "'b', NULL",
      "' a', '2020-12-31 23:59:59'",
    ],
  },
};

it.each(Object.keys(cases))(
  'rule 18: conditions that went wrong mean in both phases what WHERE means (%s)',
  async (name) => {
    const { columns, filters, mapping, rows } = cases[name]!;
    const session = await replica.mysql.connect({ database: 'f' });
    await session.query("SET sql_mode = '', time_zone = '+00:00'");
    // Rows of one table after the other, so that each question is about a row or two.
    const each = async (write: (table: string) => string[]) => {
      for (const [i] of filters.entries()) for (const sql of write(`${name}_${i}`)) await session.query(sql);
    };
    await each((table) => [
      `CREATE TABLE ${table} (id INT PRIMARY KEY, ${columns})`,
      ...rows.map((row, id) => `INSERT INTO ${table} VALUES (${id}, ${row})`),
    ]);
    const task = replica.task({
      dirtyData: { policy: 'skip' },
      objects: [
        { database: 'f', tables: filters.map((filter, i) => ({ name: `${name}_${i}`, filter, ...mapping })) },
      ],
    });
    const expected = async (i: number) => {
      const [found] = await session.query(`SELECT id FROM ${name}_${i} WHERE ${filters[i]} ORDER BY id`);
      return (found as { id: number }[]).map(({ id }) => id);
    };
    const matches = async (phase: string) => {
      const kept: [string, unknown[]][] = [];
      const wanted: [string, number[]][] = [];
      for (const [i, filter] of filters.entries()) {
        kept.push([filter, replica.rows(`${name.toLowerCase()}_${i}`).map((row) => row['id'])]);
        wanted.push([filter, await expected(i)]);
      }
      expect({ phase, kept }).toEqual({ phase, kept: wanted });
    };
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    await matches('load');
    await each((table) => rows.map((row, id) => `INSERT INTO ${table} VALUES (${10 + id}, ${row})`));
    // Each row becomes each other one: it enters, leaves and stays.
    await each((table) =>
      rows.flatMap((_, from) =>
        rows
          .map((row, to) => `REPLACE INTO ${table} VALUES (${20 + from * rows.length + to}, ${rows[from]})`)
          .concat(
            rows.map((row, to) => `REPLACE INTO ${table} VALUES (${20 + from * rows.length + to}, ${row})`),
          ),
      ),
    );
    await replica.caughtUp(task);
    await matches('incremental');
    const { dirty, tables } = await replica.snapshot(task);
    expect([dirty, tables.filter(({ phase }) => phase === 'stopped')]).toEqual([0, []]);
    await replica.stop(task);
    await session.end();
  },
  60_000,
);
