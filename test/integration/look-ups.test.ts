import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource } from '../../src/mysql/connection.js';
import { loadTables } from '../../src/mysql/catalog.js';
import { readChunk } from '../../src/mysql/snapshot.js';
import { charsetsOf, loadCharsetDecoders, selectExpression } from '../../src/mysql/types/index.js';
import type { ResolvedTask, TableMapping } from '../../src/shared/task.js';
import { planTable, type PlanProblem } from '../../src/sync/mapping/plan.js';
import { contentsOf } from '../../src/sync/rows/row-content.js';
import { SourceRows } from '../../src/sync/rows/source-rows.js';
import { ContentRows, writeRows } from '../../src/tablestore/writer/batch.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { prepareName, RowWriter } from '../../src/tablestore/wire/row-writer.js';
import { startReplica, type Replica } from '../support/replica.js';

/**
 * A key of the destination finds its row at the source, whatever the column: else the sweep of a reload would delete a
 * row that is there, and a verification call it missing or extra (correctness rules 5 and 23).
 */
let replica: Replica;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE k');
}, 60_000);
afterAll(() => replica?.close());

/** A row with this key at the destination that this task did not bring. */
async function putGhosts(table: string, key: string, values: readonly (string | bigint)[]): Promise<void> {
  const { store } = replica;
  const client = new TablestoreClient({
    endpoint: store.url,
    instance: store.instance,
    accessKeyId: store.accessKeyId,
    accessKeySecret: store.accessKeySecret,
    securityToken: null,
  });
  const rows = values.map((value) => {
    const writer = new RowWriter();
    writer.beginRow();
    const cell = writer.key(prepareName(key));
    if (typeof value === 'bigint') cell.bigInteger(value);
    else cell.text(value);
    writer.attribute(prepareName('note')).text('ghost');
    writer.endRow(false);
    return { op: 'put' as const, row: writer.copyRow(), condition: 'ignore' as const };
  });
  expect(await writeRows(client, 'batch-write', table, new ContentRows(rows))).toEqual([]);
  client.close();
}

interface Case {
  name: string;
  column: string;
  /** SQL of the values at the source. */
  values: string[];
  ghosts: (string | bigint)[];
  mapping?: { type: string; unit?: string };
  /** Of the session that writes. */
  mode?: string;
}
const cases: Case[] = [
  {
    name: 'cp932',
    column: 'VARCHAR(20) CHARACTER SET cp932',
    // Codes that MySQL does not give for the character when it converts back, alone and many in a row.
    values: ["_cp932 x'8790'", "_cp932 x'61fa54'", `_cp932 x'${'879b'.repeat(9)}'`, "'plain'"],
    ghosts: ['😀', 'é', '∪'],
  },
  {
    name: 'ujis',
    column: 'VARCHAR(20) CHARACTER SET ujis',
    values: ["_ujis x'a1c0'", "_ujis x'8fa2b7'"],
    ghosts: ['\\\\', '中'],
  },
  {
    name: 'big5',
    column: 'VARCHAR(20) CHARACTER SET big5',
    values: ["_big5 x'a1c3'", "_big5 x'61a240'"],
    ghosts: ['中文'],
  },
  {
    name: 'tis620',
    column: 'VARCHAR(20) CHARACTER SET tis620',
    values: ["_tis620 x'dbdc'"],
    ghosts: ['ก'],
  },
  // A code without a character is shown as a question mark.
  {
    name: 'gbk',
    column: 'VARCHAR(20) CHARACTER SET gbk',
    values: ["_gbk x'a140'", "_gbk x'61a2a1'", "'why?'"],
    ghosts: ['whom?', '😀'],
  },
  {
    name: 'gb18030',
    column: 'VARCHAR(20) CHARACTER SET gb18030',
    values: ["_utf8mb4'😀'", "_utf8mb4'中é'"],
    ghosts: ['𠀀'],
  },
  {
    name: 'latin1',
    column: 'VARCHAR(20) CHARACTER SET latin1',
    values: ["'Straße'", "'café'", "_latin1 x'81'"],
    ghosts: ['strasse', 'cafe', '中'],
  },
  ...['ucs2', 'utf16', 'utf16le', 'utf32', 'utf8mb3'].map((charset) => ({
    name: charset,
    column: `VARCHAR(20) CHARACTER SET ${charset}`,
    values: ["'é中'", "'plain'"],
    ghosts: ['e中', '😀'],
  })),
  {
    name: 'ascii',
    column: 'VARCHAR(20) CHARACTER SET ascii',
    values: ["'a'"],
    ghosts: ['A', 'ä'],
  },
  // One value in the eyes of MySQL, two keys of Tablestore.
  {
    name: 'insensitive',
    column: 'VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci',
    values: ["'Straße'", "'café'", "'tail '", "''"],
    ghosts: ['strasse', 'CAFE', 'tail', 'STRASSE '],
  },
  {
    name: 'padded',
    column: 'VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
    values: ["'a '", "'B  '", "'c'"],
    ghosts: ['a', 'A', 'b', 'c '],
  },
  { name: 'chars', column: 'CHAR(5) COLLATE utf8mb4_bin', values: ["'a '", "'b'"], ghosts: ['a '] },
  {
    name: 'bytes_as_text',
    column: 'VARBINARY(20)',
    values: ["'é'", "'a '"],
    ghosts: ['É', 'a'],
    mapping: { type: 'STRING' },
  },
  { name: 'labels', column: "ENUM('a','B','ß')", values: ['0', '1', '3'], ghosts: ['b', 'SS', 'A'] },
  {
    name: 'wide_sets',
    column: `SET(${Array.from({ length: 64 }, (_, i) => `'m${i}'`).join(',')})`,
    values: ['0', '9223372036854775808', '9223372036854775813', '5'],
    ghosts: ['m64'],
  },
  { name: 'empty_sets', column: "SET('x','','y')", values: ['2', '4', '5'], ghosts: ['z'] },
  { name: 'sets', column: "SET('a','b','c')", values: ['0', '5', '7'], ghosts: ['c,a', 'A,C', 'x'] },
  { name: 'years', column: 'YEAR', values: ['0', '1901', '2155'], ghosts: [70n, 99999n, -1n] },
  {
    name: 'years_as_text',
    column: 'YEAR',
    values: ['0', '2000'],
    ghosts: ['70', '2001', 'x'],
    mapping: { type: 'STRING' },
  },
  {
    name: 'flags',
    column: 'BIT(64)',
    values: ["b'0'", '18446744073709551615', '5'],
    ghosts: ['-1', '05', '6'],
    mapping: { type: 'STRING' },
  },
  {
    name: 'decimals',
    column: 'DECIMAL(65,30)',
    values: ['-0.5', '12345678901234567890123456789012345.123456789012345678901234567891'],
    ghosts: ['-0.50', '1e3', 'x'],
  },
  // Without ALLOW_INVALID_DATES MySQL refuses a statement that names one of these days.
  {
    name: 'days',
    column: 'DATE',
    values: ["'0000-00-00'", "'2020-02-31'", "'0000-02-29'", "'0000-01-01'", "'2023-00-31'", "'2021-11-31'"],
    ghosts: ['2020-13-01', '2020-02-30', 'yesterday', '2020-2-3'],
    mode: 'ALLOW_INVALID_DATES',
  },
  {
    name: 'moments',
    column: 'DATETIME(3)',
    values: ["'2020-02-31 23:59:59.999'", "'9999-12-31 23:59:59.999'", "'0000-00-00'"],
    ghosts: ['2020-02-31 23:59:59.998', '2020-01-01 24:00:00.000', '2020-01-01'],
    mode: 'ALLOW_INVALID_DATES',
  },
  {
    name: 'days_as_numbers',
    column: 'DATE',
    // The calendar has a 29 February in the year 0000, which MySQL does not know.
    values: ["'0000-01-01'", "'0000-02-28'", "'0000-02-29'", "'0000-03-01'", "'1969-12-31'", "'9999-12-31'"],
    ghosts: [1n, 253402300800000n, -62167305600000n, 9223372036854775807n],
    mapping: { type: 'INTEGER' },
    mode: 'ALLOW_INVALID_DATES',
  },
  {
    name: 'moments_as_ms',
    column: 'DATETIME(3)',
    values: ["'0000-01-01 00:00:00.001'", "'1969-12-31 23:59:59.999'", "'2024-02-29 12:00:00.123'"],
    ghosts: [0n, 1709208000124n, -9223372036854775808n],
    mapping: { type: 'INTEGER' },
  },
  {
    name: 'moments_as_us',
    column: 'DATETIME(4)',
    values: ["'0000-02-01 00:00:00.0001'", "'1969-12-31 23:59:59.9999'"],
    ghosts: [1n, -50n],
    mapping: { type: 'INTEGER', unit: 'us' },
  },
  {
    name: 'stamps',
    column: 'TIMESTAMP(3) NULL',
    values: ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999'"],
    ghosts: [-1n, 4102444800000n],
    mapping: { type: 'INTEGER' },
  },
  {
    name: 'times_as_ms',
    column: 'TIME(3)',
    values: ["'-838:59:59'", "'-00:00:00.001'", "'00:00:00'", "'12:34:56.789'"],
    ghosts: [3024000000n, 45296790n],
    mapping: { type: 'INTEGER' },
  },
  {
    name: 'times',
    column: 'TIME(2)',
    values: ["'-838:59:59'", "'-00:00:00.01'", "'838:59:59'"],
    ghosts: ['900:00:00.00', '00:60:00.00', '00:00:00'],
  },
];
const mappingOf = ({ name, mapping }: Case) =>
  ({
    name,
    primaryKey: ['c'],
    ...(mapping && { columns: { c: mapping } }),
  }) as TableMapping;

it('by an index, and where a text is stored in more ways than can be asked for by conversion', async () => {
  const { mysql } = replica;
  await mysql.query('CREATE DATABASE plans');
  await mysql.query(
    `CREATE TABLE plans.t (c VARCHAR(20) CHARACTER SET cp932 NOT NULL, d DATETIME(6) NOT NULL, e ENUM('a','b') NOT NULL, PRIMARY KEY (c, d, e));
     SET SESSION cte_max_recursion_depth = 100000;
     INSERT INTO plans.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT CONCAT('k', i), '2024-01-01' + INTERVAL i SECOND, 1 + i % 2 FROM n;
     INSERT INTO plans.t VALUES (_cp932 x'8790', '2024-01-01', 1), (_cp932 x'${'879b'.repeat(9)}', '2024-01-01', 1)`,
  );
  const task = replica.task({ objects: [{ database: 'plans' }] });
  const connection = await connectSource(task.source, 'snapshot');
  const plain = await connectSource(task.source);
  try {
    const [definition] = await loadTables(plain, [{ database: 'plans', table: 't' }]);
    const charsets = await loadCharsetDecoders((sql) => plain.query(sql), charsetsOf(definition!.columns));
    const mapping = { name: 't', columns: { d: { type: 'INTEGER', unit: 'us' } } } as const;
    const problems: PlanProblem[] = [];
    const plan = planTable(task, definition!, mapping, problems)!;
    expect(problems).toEqual([]);
    const rows = new SourceRows(connection, plan, charsets, null);
    const keys: string[] = [];
    const read = (filter: string) =>
      readChunk(connection, {
        table: definition!,
        columns: definition!.columns,
        select: selectExpression,
        filter,
        chunk: { index: 0, lower: null, upper: null },
        onRow: (image) => {
          keys.push(contentsOf(rows.encode(image) as Buffer, new Set())[0]!.key);
          return true;
        },
      });
    const readsOf = async (some: readonly string[]) => {
      await plain.query('SELECT 1');
      const count = async () => {
        const [row] = await mysql.query<{ n: string }>(
          "SELECT SUM(COUNT_READ) AS n FROM performance_schema.table_io_waits_summary_by_table WHERE OBJECT_NAME = 't' AND OBJECT_SCHEMA = 'plans'",
        );
        return Number(row!.n);
      };
      const before = await count();
      expect((await rows.byKeys(some)).size).toBe(some.length);
      return (await count()) - before;
    };
    await read("c LIKE 'k1%'");
    await read("c = _cp932 x'8790'");
    expect(keys.length).toBeGreaterThan(1000);
    const some = [...keys.slice(0, 199), keys.at(-1)!];
    // A few entries of the index for each, the second code of a character included.
    expect(await readsOf(some)).toBeLessThan(1000);
    // Nine characters with two codes each: found, once by reading all.
    keys.length = 0;
    await read(`c = _cp932 x'${'879b'.repeat(9)}'`);
    expect(await readsOf(keys)).toBeGreaterThan(20_000);
  } finally {
    await connection.close();
    await plain.close();
  }
}, 60_000);

describe('the sweep of a reload and a verification', () => {
  it('tell rows from ghosts for every kind of key', async () => {
    const { mysql } = replica;
    for (const { name, column, values, mode } of cases) {
      await mysql.query(
        `SET sql_mode = '${mode ?? ''}'; CREATE TABLE k.${name} (id INT AUTO_INCREMENT PRIMARY KEY, c ${column} NOT NULL, note VARCHAR(9), UNIQUE KEY (c));
         INSERT INTO k.${name} (c, note) VALUES ${values.map((value) => `(${value}, 'row')`).join(', ')}; SET sql_mode = ''`,
      );
    }
    const task: ResolvedTask = replica.task({
      objects: [{ database: 'k', tables: cases.map(mappingOf) }],
    });
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    const before = Object.fromEntries(cases.map(({ name }) => [name, replica.rows(name)]));
    for (const { name, values } of cases) expect(before[name], name).toHaveLength(values.length);
    expect(await replica.verify(task)).toMatchObject({ equal: true, differing: 0 });

    for (const { name, ghosts } of cases) await putGhosts(name, 'c', ghosts);
    const { tables } = await replica.verify(task);
    for (const { name, ghosts } of cases) {
      const found = tables.find(({ source }) => source === `k.${name}`);
      expect(found, name).toMatchObject({ extra: ghosts.length, missing: 0, different: 0 });
    }
    await replica.engine.api.reload(task.id, null as never);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    for (const { name } of cases) expect(replica.rows(name), name).toEqual(before[name]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });

    // And what is really missing is found and put right.
    for (const { name } of cases) await mysql.query(`SET sql_log_bin = 0; UPDATE k.${name} SET note = 'new'`);
    await mysql.query('SET sql_log_bin = 1');
    const repaired = await replica.verify(task, { repair: true });
    for (const { name, values } of cases) {
      const found = repaired.tables.find(({ source }) => source === `k.${name}`);
      expect(found, name).toMatchObject({ different: values.length, missing: 0, extra: 0 });
    }
    expect(await replica.verify(task)).toMatchObject({ equal: true });
  }, 90_000);
});
