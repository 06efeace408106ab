import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceRows } from '../../src/engine/browse/source-rows.js';
import { connectSource } from '../../src/mysql/connection.js';
import type { SourcePage, SourceRows } from '../../src/shared/catalog-api.js';
import { sourceSchema, type SourceSettings } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Rows of a source, looked at through the engine: pages along a key, by filter, whatever the table. */
let replica: Replica;
let source: SourceSettings;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE r');
  source = sourceSchema.parse({ host: '127.0.0.1', port: replica.mysql.port, user: 'root' });
}, 60_000);
afterAll(() => replica?.close());

const read = (name: string, page: Partial<SourcePage> = {}): Promise<SourceRows> =>
  replica.engine.api.sourceRows(source, { database: 'r', name }, { limit: 100, ...page });

/** All pages of a table, one after the other. */
async function walk(name: string, page: Partial<SourcePage>): Promise<SourceRows[]> {
  const pages = [await read(name, page)];
  while (pages.at(-1)!.next !== null) pages.push(await read(name, { ...page, from: pages.at(-1)!.next! }));
  return pages;
}
const rowsOf = (pages: SourceRows[]) => pages.flatMap(({ rows }) => rows);
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

describe('pages', () => {
  it('follow a composite key, whatever table and columns are called', async () => {
    const { mysql } = replica;
    const name = 'o`dd "t; -- 表';
    await mysql.query(`
      CREATE TABLE r.\`o\`\`dd "t; -- 表\` (\`__proto__\` INT NOT NULL, \`a b\` VARCHAR(20), \`k\`\`2\` VARCHAR(5) NOT NULL,
        \`constructor\` INT, PRIMARY KEY (\`k\`\`2\`, \`__proto__\`));
      INSERT INTO r.\`o\`\`dd "t; -- 表\` WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
        SELECT i, CONCAT('v', i), IF(i % 2, 'é', 'B'), NULLIF(i, 3) FROM n`);
    const pages = await walk(name, { limit: 3 });
    expect(pages).toHaveLength(7);
    expect(pages[0]).toMatchObject({
      columns: [
        { name: '__proto__', type: 'int' },
        { name: 'a b', type: 'varchar(20)' },
        { name: 'k`2', type: 'varchar(5)' },
        { name: 'constructor', type: 'int' },
      ],
      key: ['k`2', '__proto__'],
      isCut: false,
    });
    const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
    expect(rowsOf(pages)).toEqual(
      [...numbers.filter((i) => i % 2 === 0), ...numbers.filter((i) => i % 2)].map((i) => [
        String(i),
        `v${i}`,
        i % 2 ? 'é' : 'B',
        i === 3 ? null : String(i),
      ]),
    );
    expect(new Set(pages.flatMap(({ keys }) => keys)).size).toBe(20);
    expect(pages.flatMap(({ keys }) => keys)).not.toContain(null);

    // From a key: all of it, its first column, more columns than there are, none.
    const first = async (startAt: string[]) => (await read(name, { startAt, limit: 1 })).rows[0]?.slice(0, 3);
    expect(await first(['B', '9'])).toEqual(['10', 'v10', 'B']);
    expect(await first(['É'])).toEqual(['1', 'v1', 'é']);
    expect(await first(['B', '20', 'more'])).toEqual(['20', 'v20', 'B']);
    expect(await first(['', '7'])).toEqual(['2', 'v2', 'B']);
    expect(await first(['z'])).toBeUndefined();
    expect(await refusal(read(name, { startAt: ['B', 'seven'] }))).toBe('ROW-T104');
    expect(await refusal(read(name, { startAt: ['B', "1' OR 1"] }))).toBe('ROW-T104');
  });

  it('begin at a value of any type that orders rows', async () => {
    const cases: [type: string, values: string[], typed: string, wanted: string][] = [
      ['BIGINT UNSIGNED', ['1', '18446744073709551615'], '18446744073709551614', '18446744073709551615'],
      ['DECIMAL(20,4)', ['1.5', '2.5'], '2', '2.5000'],
      ['DOUBLE', ['-1e300', '0.5'], '-1', '0.5'],
      ["ENUM('z','a')", ["'z'", "'a'"], 'a', 'a'],
      ["SET('z','a')", ["'z'", "'z,a'"], 'z,a', 'z,a'],
      ['YEAR', ['1999', '2020'], '2000', '2020'],
      ['BIT(10)', ['1', '600'], '512', '600'],
      ['VARBINARY(4)', ["x'00'", "x'ff27'"], '0x01', '0xff27'],
      ['VARCHAR(9) CHARACTER SET gbk', ["'a'", "'中'"], '中', '中'],
      ['DATE', ["'2020-01-01'", "'2021-02-03'"], '2021-01-01', '2021-02-03'],
      ['DATETIME(3)', ["'2020-01-01'", "'2021-02-03 04:05:06.789'"], '2021-01-01', '2021-02-03 04:05:06.789'],
      ['TIMESTAMP', ["'2020-01-01'", "'2021-02-03 04:05:06'"], '2020-01-01 00:00:01', '2021-02-03 04:05:06'],
      ['TIME', ["'-10:00:00'", "'100:00:00'"], '99:00:00', '100:00:00'],
    ];
    for (const [i, [type, values, typed, wanted]] of cases.entries()) {
      await replica.mysql.query(`
        SET time_zone = '+00:00';
        CREATE TABLE r.key${i} (k ${type} NOT NULL PRIMARY KEY);
        INSERT INTO r.key${i} VALUES ${values.map((value) => `(${value})`).join(', ')}`);
      const { rows, keys } = await read(`key${i}`, { startAt: [typed] });
      expect(rows, type).toEqual([[wanted]]);
      expect(keys[0], type).not.toBeNull();
      expect(rowsOf(await walk(`key${i}`, { limit: 1 })), type).toHaveLength(2);
    }
    for (const wrong of ['2021-13-01', '2021-02-31', 'tomorrow'])
      expect(await refusal(read('key9', { startAt: [wrong] })), wrong).toBe('ROW-T104');
  });

  it('of a table without a key go on by rows, to an end that is told', async () => {
    await replica.mysql.query(`
      SET SESSION cte_max_recursion_depth = 100000;
      CREATE TABLE r.keyless (n INT, page VARCHAR(40));
      INSERT INTO r.keyless WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
        SELECT i, 'p' FROM n`);
    const pages = await walk('keyless', { limit: 3000 });
    expect(pages.map(({ rows }) => rows.length)).toEqual([3000, 3000, 3000, 1000]);
    expect(pages.map(({ isCut }) => isCut)).toEqual([false, false, false, true]);
    expect(rowsOf(pages).map(([n]) => n)).toEqual(Array.from({ length: 10_000 }, (_, i) => String(i + 1)));
    expect(pages[0]).toMatchObject({ key: [], keys: expect.not.arrayContaining([expect.any(String)]) as [] });
    // All of what a filter keeps is there.
    expect(await read('keyless', { filter: 'n > 10040' })).toMatchObject({ next: null, isCut: false });
    for (const from of ['10000', '-1', '1; DROP TABLE r.keyless', 'WyIxIl0='])
      expect(await refusal(read('keyless', { from })), from).toBe('ROW-T104');
  });

  it('are not led anywhere by a place that is none', async () => {
    await replica.mysql.query('CREATE TABLE r.one (id INT PRIMARY KEY)');
    const places = [['1', '2'], ['1 OR 1=1'], [1], {}, null];
    for (const place of places)
      expect(
        await refusal(read('one', { from: Buffer.from(JSON.stringify(place)).toString('base64') })),
      ).toBe('ROW-T104');
    expect(await refusal(read('one', { from: 'x' }))).toBe('ROW-T104');
    expect(await refusal(read('none'))).toBe('ROW-S108');
  });

  it('end early where values are big, and a value past the bound has a note', async () => {
    await replica.mysql.query(`
      CREATE TABLE r.big (id INT PRIMARY KEY, v LONGTEXT);
      INSERT INTO r.big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
        SELECT i, REPEAT('x', 3000000) FROM n;
      SET GLOBAL max_allowed_packet = 67108864`);
    const session = await replica.mysql.connect();
    await session.query("INSERT INTO r.big VALUES (7, REPEAT('y', 17 * 1024 * 1024))");
    await session.end();
    const pages = await walk('big', {});
    expect(pages.map(({ rows }) => rows.length)).toEqual([2, 2, 3]);
    expect(rowsOf(pages)[5]).toEqual(['6', 'x'.repeat(3_000_000)]);
    expect(rowsOf(pages)[6]).toEqual(['7', '(longer than 16 MB)']);
  });
});

it('every type is shown as text', async () => {
  await replica.mysql.query(`
    SET time_zone = '+00:00', sql_mode = '';
    CREATE TABLE r.types (id INT UNSIGNED PRIMARY KEY, i8 TINYINT, u64 BIGINT UNSIGNED, d DECIMAL(30,10), f FLOAT, e DOUBLE,
      b1 BIT(1), b64 BIT(64), y YEAR, dt DATE, zero DATE, t TIME(6), dm DATETIME(6), ts TIMESTAMP(3) NULL,
      c CHAR(4) CHARACTER SET latin1, v VARCHAR(20), tx TEXT, en ENUM('x','ÿ'), st SET('a','b'), j JSON,
      bn BINARY(3), vb VARBINARY(9), bl BLOB, g GEOMETRY, gen BIGINT AS (id + 1), hid INT INVISIBLE);
    INSERT INTO r.types (id, i8, u64, d, f, e, b1, b64, y, dt, zero, t, dm, ts, c, v, tx, en, st, j, bn, vb, bl, g, hid)
      VALUES (4294967295, -128, 18446744073709551615, -12345678901234567890.0123456789, 0.5, -1e-300,
      1, 18446744073709551615, 2155, '9999-12-31', '0000-00-00', '-838:59:58.000001', '1000-01-01 00:00:00.000001',
      '2038-01-19 03:14:07.999', 'é', '', '🙂\\n"', 'ÿ', 'a,b', '{"b": [1, null], "a": "é"}', x'0102', x'', x'00ff27',
      ST_GeomFromText('POINT(1 2)', 4326), 5), (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
  const { columns, rows } = await read('types');
  const named = (row: (string | null)[]) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]]));
  expect(named(rows[1]!)).toEqual({
    id: '4294967295',
    i8: '-128',
    u64: '18446744073709551615',
    d: '-12345678901234567890.0123456789',
    f: '0.5',
    e: '-1e-300',
    b1: '1',
    b64: '18446744073709551615',
    y: '2155',
    dt: '9999-12-31',
    zero: '0000-00-00',
    t: '-838:59:58.000001',
    dm: '1000-01-01 00:00:00.000001',
    ts: '2038-01-19 03:14:07.999',
    c: 'é',
    v: '',
    tx: '🙂\n"',
    en: 'ÿ',
    st: 'a,b',
    j: '{"a": "é", "b": [1, null]}',
    bn: '0x010200',
    vb: '0x',
    bl: '0x00ff27',
    g: expect.stringMatching(/^0xe6100000[0-9a-f]{42}$/) as string,
    gen: '4294967296',
    hid: '5',
  });
  const empty = named(rows[0]!);
  expect(Object.keys(empty).filter((name) => empty[name] !== null)).toEqual(['id', 'gen']);
});

describe('a filter', () => {
  beforeAll(async () => {
    await replica.mysql.query(`
      CREATE TABLE r.notes (id INT PRIMARY KEY, note VARCHAR(20)) ;
      CREATE TABLE r.written (id INT);
      INSERT INTO r.notes WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i, IF(i % 5, 'a', 'b') FROM n;
      CREATE FUNCTION r.writes(n INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
        BEGIN INSERT INTO r.written VALUES (n); RETURN 1; END;
      CREATE FUNCTION r.naps(n INT) RETURNS INT DETERMINISTIC NO SQL RETURN SLEEP(1)`);
  });

  it('keeps rows, page by page', async () => {
    const pages = await walk('notes', { filter: "note = 'b'", limit: 4 });
    expect(rowsOf(pages).map(([id]) => Number(id))).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
    const [first] = (await read('notes', { filter: "note = 'b'", startAt: ['11'] })).rows;
    expect(first).toEqual(['15', 'b']);
    expect((await read('notes', { filter: '  ' })).rows).toHaveLength(50);
  });

  it('that MySQL does not parse is refused in its words', async () => {
    const wrong = read('notes', { filter: 'id > > 3' });
    await expect(wrong).rejects.toMatchObject({ code: 'ROW-S111' });
    await expect(wrong).rejects.toThrow(/SQL syntax/);
  });

  it('that is no condition on the row never reaches MySQL', async () => {
    for (const filter of [
      'id = 1) UNION SELECT * FROM mysql.user -- ',
      'SLEEP(9)',
      '1',
      "id = 1 INTO OUTFILE '/tmp/x'",
    ])
      expect(await refusal(read('notes', { filter })), filter).toBe('ROW-T102');
  });

  it('cannot write', async () => {
    expect(await refusal(read('notes', { filter: 'r.writes(id) = 1' }))).toBe('ROW-T102');
    const used = await connectSource({ ...source });
    await used.query('USE r');
    await expect(
      sourceRows(used, { database: 'r', name: 'notes' }, { limit: 5, filter: 'writes(id) = 1' }),
    ).rejects.toThrow(/READ ONLY/);
    await used.close();
    expect(await replica.mysql.query('SELECT * FROM r.written')).toEqual([]);
  });

  it('ends when it takes longer than people wait', async () => {
    const connection = await connectSource({ ...source });
    await connection.query('USE r');
    const began = Date.now();
    await expect(
      sourceRows(connection, { database: 'r', name: 'notes' }, { limit: 5, filter: 'naps(id) = 7' }, 700),
    ).rejects.toMatchObject({ code: 'ROW-S111', remedy: expect.stringMatching(/index/) as string });
    expect(Date.now() - began).toBeLessThan(5000);
    await connection.close();
  });
});

it('each call closes its session', async () => {
  const sessions = async () =>
    (await replica.mysql.query("SELECT ID FROM INFORMATION_SCHEMA.PROCESSLIST WHERE USER = 'root'")).length;
  const before = await sessions();
  await Promise.all([
    read('big', { limit: 1 }),
    read('notes'),
    refusal(read('notes', { filter: 'id > > 3' })),
  ]);
  await expect.poll(sessions, { timeout: 5000 }).toBe(before);
});
