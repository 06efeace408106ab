import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTables, listDatabases } from '../../src/mysql/catalog.js';
import { connectSource, identifier, type SourceConnection } from '../../src/mysql/connection.js';
import type { Column, TableDefinition } from '../../src/mysql/model.js';
import { chunkColumns, planChunks, readChunk, type Chunk, type ChunkRead } from '../../src/mysql/snapshot.js';
import { selectExpression } from '../../src/mysql/types/index.js';
import { settingsOf, valuesOf, type Value } from '../support/binlog-recorder.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

let server: MysqlServer;
let source: SourceConnection;
let reader: SourceConnection;

beforeAll(async () => {
  server = await startMysql({ args: ['--max-allowed-packet=64M'] });
  // What an administrator may have set globally must not reach our sessions.
  await server.query(
    "SET GLOBAL time_zone = '+08:00', GLOBAL max_execution_time = 1, GLOBAL sql_mode = 'ANSI_QUOTES,NO_ZERO_DATE,STRICT_ALL_TABLES', GLOBAL sql_select_limit = 2, GLOBAL net_write_timeout = 1",
  );
  await server.query('CREATE DATABASE test');
  await server.query('USE test');
  source = await connectSource(settingsOf(server));
  reader = await connectSource(settingsOf(server), 'snapshot');
}, 120_000);
afterAll(async () => {
  await source?.close();
  await reader?.close();
  await server?.stop();
});

const plain = (column: Column): string => identifier(column.name);

async function definition(name: string): Promise<TableDefinition> {
  const [table] = await loadTables(source, [{ database: 'test', table: name }]);
  return table!;
}

async function chunksOf(table: TableDefinition, rows: number, after?: Chunk): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of planChunks(source, table, { rows, ...(after ? { after } : {}) }))
    chunks.push(chunk);
  return chunks;
}

async function rowsOf(
  table: TableDefinition,
  chunk: Chunk,
  more: Partial<ChunkRead> = {},
): Promise<Value[][]> {
  const rows: Value[][] = [];
  await readChunk(reader, {
    table,
    columns: table.columns,
    select: plain,
    filter: null,
    chunk,
    onRow: (image) => {
      rows.push(valuesOf(image, table.columns.length));
      return true;
    },
    ...more,
  });
  return rows;
}

describe('chunks', () => {
  const keys: [type: string, values: string[]][] = [
    ['TINYINT', ['-128', '-1', '0', '5', '127']],
    ['BIGINT UNSIGNED', ['0', '9223372036854775808', '18446744073709551615', '7']],
    ['DECIMAL(30,10)', ['-1.5', '0', '12345678901234567890.1234567890', '1.0000000001']],
    ['DOUBLE', ['-1e300', '0.1', '1e-7', '3', '1.7976931348623157e308', '0.30000000000000004']],
    ['BIT(20)', ["b'0'", "b'1'", "b'11111111111111111111'", "b'100000000'"]],
    ['YEAR', ['0', '1901', '2000', '2024', '2155']],
    ['DATE', ["'0000-00-00'", "'2020-01-31'", "'2020-02-00'", "'9999-12-31'", "'1000-01-01'"]],
    [
      'DATETIME(6)',
      ["'2020-01-01 00:00:00.000001'", "'2020-01-01'", "'0000-00-00'", "'9999-12-31 23:59:59.999999'"],
    ],
    [
      'TIMESTAMP(3)',
      ["'2020-01-01 00:00:00.001'", "'2020-01-01'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999'"],
    ],
    ['TIME(2)', ["'-838:59:59'", "'-00:00:00.01'", "'00:00:00'", "'838:59:59'", "'100:00:00.5'"]],
    ["ENUM('z','a','m','B')", ["'z'", "'a'", "'m'", "'B'", "''"]],
    ["SET('z','a','m')", ["''", "'z'", "'a'", "'z,m'", "'z,a,m'"]],
    [
      'VARCHAR(20)',
      ["''", "'a'", "'B'", "'ö'", "'z '", "'Zz'", "'😀'", "'10'", "'9'", "'it''s'", "'back\\\\'"],
    ],
    ['VARCHAR(20) COLLATE utf8mb4_bin', ["''", "'a'", "'A'", "'B'", "'a '", "'😀'"].slice(0, 4)],
    ['CHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci', ["'a'", "'Z'", "'ö'", "'å'", "'ü'"]],
    ['VARCHAR(10) CHARACTER SET sjis', ["'a'", "'表'", "'ソ'", "'日本'"]],
    ['VARCHAR(10) CHARACTER SET utf16', ["'a'", "'表'", "'😀'"]],
    ['VARBINARY(10)', ["''", "x'00'", "x'0000'", "x'ff'", "'a'"]],
    ['BINARY(3)', ["x'00'", "x'0001'", "x'ff'", "'abc'"]],
  ];

  it.each(keys)('of a %s key hold every row once, with a boundary on every row', async (type, values) => {
    await server.query('DROP TABLE IF EXISTS bounds');
    await server.query(`CREATE TABLE bounds (k ${type} NOT NULL, n INT, PRIMARY KEY (k))`);
    await server.query(
      `INSERT IGNORE INTO bounds VALUES ${values.map((value, i) => `(${value}, ${i})`).join(', ')}`,
    );
    const table = await definition('bounds');
    const chunks = await chunksOf(table, 1);
    expect(chunks).toHaveLength(values.length + 1);
    const found: string[] = [];
    for (const chunk of chunks) {
      const rows = await rowsOf(table, chunk);
      expect(rows.length).toBe(chunk.upper === null ? 0 : 1);
      found.push(...rows.map((row) => String(row[1])));
    }
    expect(found.sort((a, b) => Number(a) - Number(b))).toEqual(values.map((_, i) => String(i)));
  });

  it('of composite keys go by the whole key, and can be planned on from any of them', async () => {
    await server.query(
      "CREATE TABLE composite (a VARCHAR(5) NOT NULL, e ENUM('y','x') NOT NULL, c INT NOT NULL, n INT, PRIMARY KEY (a, e, c))",
    );
    const rows = ["'p'", "'P2'", "'q'"].flatMap((a) =>
      ["'y'", "'x'"].flatMap((e) => [-1, 0, 7].map((c) => `(${a}, ${e}, ${c}, 0)`)),
    );
    await server.query(`INSERT INTO composite VALUES ${rows.join(', ')}`);
    const table = await definition('composite');
    for (const size of [1, 2, 4, 5]) {
      const chunks = await chunksOf(table, size);
      const counts: number[] = [];
      const seen = new Set<string>();
      for (const chunk of chunks) {
        const found = await rowsOf(table, chunk);
        counts.push(found.length);
        for (const row of found) seen.add(row.map(String).join('|'));
      }
      expect(seen.size).toBe(18);
      expect(counts.slice(0, -1).every((count) => count === size)).toBe(true);
      const stored = JSON.parse(JSON.stringify(chunks[1])) as Chunk;
      expect(await chunksOf(table, size, stored)).toEqual(chunks.slice(2));
    }
  });

  it('read as many index entries as they have rows', async () => {
    await server.query('CREATE TABLE wide (a INT, b INT, c VARCHAR(20), PRIMARY KEY (a, b))');
    await server.query(
      'INSERT INTO wide WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i DIV 500, i, i FROM n',
    );
    const table = await definition('wide');
    const chunks = await chunksOf(table, 100);
    await reader.query('FLUSH STATUS');
    await rowsOf(table, chunks[5]!);
    const [reads] = await reader.query<{ n: number | string }>(
      "SELECT CAST(SUM(VARIABLE_VALUE) AS CHAR) AS n FROM performance_schema.session_status WHERE VARIABLE_NAME IN ('Handler_read_next', 'Handler_read_key')",
    );
    expect(Number(String(reads!.n))).toBeLessThan(150);
  });

  it('are one where no key can be a bound', async () => {
    await server.query('CREATE TABLE loose (k FLOAT NOT NULL PRIMARY KEY, u INT, UNIQUE (u))');
    await server.query('INSERT INTO loose VALUES (0.1, 1), (16777217, NULL), (3, NULL)');
    const table = await definition('loose');
    expect(chunkColumns(table)).toBeNull();
    const chunks = await chunksOf(table, 1);
    expect(chunks).toEqual([{ index: 0, lower: null, upper: null }]);
    expect(await rowsOf(table, chunks[0]!)).toHaveLength(3);
  });

  it('prefer another unique key to one that must be read whole each time', async () => {
    await server.query(
      "CREATE TABLE choice (e ENUM('b','a') NOT NULL PRIMARY KEY, u INT NOT NULL, v INT NOT NULL, UNIQUE (v, u))",
    );
    expect(chunkColumns(await definition('choice'))!.map((column) => column.name)).toEqual(['v', 'u']);
  });

  it('step over dates that have no literal', async () => {
    await server.query("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
    await server.query('CREATE TABLE invalid_dates (d DATE PRIMARY KEY)');
    await server.query(
      "INSERT INTO invalid_dates VALUES ('2020-02-29'), ('2020-02-30'), ('2020-02-31'), ('2020-03-01')",
    );
    await server.query("SET SESSION sql_mode = ''");
    const table = await definition('invalid_dates');
    const chunks = await chunksOf(table, 1);
    const found: string[] = [];
    for (const chunk of chunks) found.push(...(await rowsOf(table, chunk)).map((row) => String(row[0])));
    expect(found.sort()).toEqual(['2020-02-29', '2020-02-30', '2020-02-31', '2020-03-01']);
  });

  it('refuse a stored bound that is not one', async () => {
    const table = await definition('wide');
    const chunk: Chunk = { index: 0, lower: ['1 OR 1=1', '2'], upper: null };
    expect(() =>
      readChunk(reader, {
        table,
        columns: table.columns,
        select: plain,
        filter: null,
        chunk,
        onRow: () => true,
      }),
    ).toThrow();
  });
});

describe('reading a chunk', () => {
  const whole: Chunk = { index: 0, lower: null, upper: null };

  it('reads every charset that the server has, the driver knowing it or not', async () => {
    const charsets = await server.query<{ name: string }>(
      "SELECT CHARACTER_SET_NAME AS name FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary'",
    );
    const columns = charsets.map(({ name }) => `${name}_c VARCHAR(4) CHARACTER SET ${name}`);
    await server.query(`CREATE TABLE charsets (id INT PRIMARY KEY, ${columns.join(', ')})`);
    await server.query(`INSERT INTO charsets VALUES (1, ${charsets.map(() => "'a'").join(', ')})`);
    const table = await definition('charsets');
    const [chunk] = await chunksOf(table, 10);
    const [row] = await rowsOf(table, chunk!, { select: selectExpression });
    const [stored] = await server.query<Record<string, string>>(
      `SELECT ${charsets.map(({ name }) => `HEX(${name}_c) AS ${name}`).join(', ')} FROM charsets`,
    );
    charsets.forEach(({ name }, i) => {
      expect([name, (row![i + 1] as Buffer).toString('hex')]).toEqual([name, stored![name]]);
    });
  });

  it('gives stored bytes, whatever the charset, NULL and empty apart, times in UTC', async () => {
    await server.query(
      `CREATE TABLE stored_bytes (id INT PRIMARY KEY, l VARCHAR(9) CHARACTER SET latin1, u VARCHAR(9), s VARCHAR(9) CHARACTER SET sjis,
        b VARBINARY(9), t TIMESTAMP(2) NULL, e ENUM('ä') CHARACTER SET latin1)`,
    );
    await server.query(
      "INSERT INTO stored_bytes VALUES (1, 'ä', '😀', '表', x'00ff', '2020-01-02 03:04:05.67', 'ä'), (2, '', NULL, NULL, '', NULL, NULL)",
    );
    const rows = await rowsOf(await definition('stored_bytes'), whole);
    expect(rows).toEqual([
      [
        Buffer.from('1'),
        Buffer.of(0xe4),
        Buffer.from('😀'),
        Buffer.of(0x95, 0x5c),
        Buffer.of(0, 255),
        Buffer.from('2020-01-02 03:04:05.67'),
        Buffer.of(0xe4),
      ],
      [Buffer.from('2'), Buffer.alloc(0), null, null, Buffer.alloc(0), null, null],
    ]);
  });

  it('pushes a filter down', async () => {
    const rows = await rowsOf(await definition('wide'), whole, { filter: 'b < 4 OR b = 9' });
    expect(rows.map((row) => String(row[1]))).toEqual(['1', '2', '3', '9']);
  });

  it('keeps a row over 16 MB out of memory', async () => {
    await server.query('CREATE TABLE fat (id INT PRIMARY KEY, a LONGTEXT, n INT, j JSON, m MEDIUMBLOB)');
    await server.query(
      "INSERT INTO fat VALUES (1, REPEAT('a', 9000000), 5, JSON_QUOTE(REPEAT('j', 9000000)), NULL)",
    );
    await server.query("INSERT INTO fat VALUES (2, REPEAT('a', 16000000), 5, '{}', 'x')");
    await server.query('INSERT INTO fat VALUES (3, NULL, NULL, NULL, NULL)');
    const rows = await rowsOf(await definition('fat'), whole);
    const size = (value: Value): unknown => (Buffer.isBuffer(value) ? value.length : value);
    expect(rows.map((row) => row.map(size))).toEqual([
      [1, 'oversize', 1, 'oversize', 'oversize'],
      [1, 16000000, 1, 2, 1],
      [1, null, null, null, null],
    ]);
  }, 30_000);

  it('selects long types as they are', async () => {
    await server.query(
      'CREATE TABLE long_types (id INT PRIMARY KEY, j JSON, g GEOMETRY, p POINT SRID 4326, t MEDIUMTEXT CHARACTER SET latin1, u LONGTEXT CHARACTER SET utf16, f FLOAT)',
    );
    await server.query(
      `INSERT INTO long_types VALUES (1, '{"ü": [1.0, 2e300, null]}', POINT(1, 2), ST_SRID(POINT(3, 4), 4326), 'ä', '😀', 16777216)`,
    );
    const table = await definition('long_types');
    const [row] = await rowsOf(table, whole, { select: selectExpression });
    const [hex] = await source.query<Record<string, string>>(
      'SELECT HEX(j) AS j, HEX(CAST(g AS BINARY)) AS g, HEX(CAST(p AS BINARY)) AS p, HEX(t) AS t, HEX(u) AS u FROM test.long_types',
    );
    expect(row!.slice(1, 6)).toEqual(Object.values(hex!).map((text) => Buffer.from(text, 'hex')));
    expect(Number(String(row![6]))).toBe(16777216);
  });

  it('loses nothing when it is paused, longer than the server would wait by its own settings', async () => {
    await server.query('SET SESSION cte_max_recursion_depth = 100000');
    await server.query('CREATE TABLE long_table (id INT PRIMARY KEY, t VARCHAR(1000))');
    await server.query(
      "INSERT INTO long_table WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i, REPEAT('x', 900) FROM n",
    );
    const table = await definition('long_table');
    let rows = 0;
    let sum = 0;
    const result = await readChunk(reader, {
      table,
      columns: table.columns,
      select: plain,
      filter: null,
      chunk: whole,
      onRow: (image) => {
        rows++;
        sum += Number(image.bytes.toString('latin1', image.starts[0], image.ends[0]));
        if (rows % 2000 !== 0) return true;
        setTimeout(() => reader.resume(), rows === 10000 ? 2500 : 3);
        return false;
      },
    });
    expect(result.rows).toBe(30000);
    expect(sum).toBe((30000 * 30001) / 2);
    expect(result.bytes).toBeGreaterThan(27_000_000);
  }, 30_000);

  it('ends with what onRow throws, with the abort, and with the server’s error', async () => {
    const table = await definition('long_table');
    const base = { table, columns: table.columns, select: plain, filter: null, chunk: whole };
    const one = await connectSource(settingsOf(server), 'snapshot');
    const boom = new Error('boom');
    await expect(
      readChunk(one, {
        ...base,
        onRow: () => {
          throw boom;
        },
      }),
    ).rejects.toBe(boom);
    await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: 'ROW-S107' });

    const two = await connectSource(settingsOf(server), 'snapshot');
    const abort = new AbortController();
    const reading = readChunk(two, {
      ...base,
      signal: abort.signal,
      onRow: () => {
        abort.abort(boom);
        return false;
      },
    });
    await expect(reading).rejects.toBe(boom);

    const three = await connectSource(settingsOf(server), 'snapshot');
    await expect(
      readChunk(three, { ...base, filter: 'nothing = 1', onRow: () => true }),
    ).rejects.toMatchObject({
      code: 'ROW-S108',
    });
    let isFirst = true;
    const killed = readChunk(three, {
      ...base,
      onRow: () => {
        if (isFirst) void server.query(`KILL ${three.threadId}`).then(() => three.resume());
        const goesOn = !isFirst;
        isFirst = false;
        return goesOn;
      },
    });
    await expect(killed).rejects.toMatchObject({ code: 'ROW-S107' });

    const four = await connectSource(settingsOf(server), 'snapshot');
    const destroyed = readChunk(four, {
      ...base,
      onRow: () => {
        setTimeout(() => four.destroy(), 5);
        return false;
      },
    });
    await expect(destroyed).rejects.toMatchObject({ code: 'ROW-S107' });
  });
});

describe('the catalog', () => {
  it('describes every column and key, hidden ones too', async () => {
    await server.query('SET SESSION sql_generate_invisible_primary_key = ON');
    await server.query('CREATE TABLE hidden (a INT)');
    await server.query('SET SESSION sql_generate_invisible_primary_key = OFF');
    await server.query(
      `CREATE TABLE described (id BIGINT UNSIGNED, \`timestamp\` DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3), price DECIMAL(12,4),
        name VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, flags BIT(5), label ENUM('a,b','it''s','back\\\\slash','new\\nline',''),
        bytes VARBINARY(7), twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL, stored_twice INT AS (id * 2) STORED INVISIBLE,
        PRIMARY KEY (id), UNIQUE u (name, price), UNIQUE pre (name(3)), KEY f ((id + 1)), KEY plain (price)) ENGINE = InnoDB`,
    );
    const [described, hidden] = await loadTables(source, [
      { database: 'test', table: 'hidden' },
      { database: 'test', table: 'described' },
      { database: 'test', table: 'missing' },
    ]);
    expect(hidden!.columns.map((column) => [column.name, column.invisible])).toEqual([
      ['my_row_id', true],
      ['a', false],
    ]);
    expect(hidden!.keys).toEqual([{ name: 'PRIMARY', primary: true, unique: true, columns: ['my_row_id'] }]);
    expect(described!.engine).toBe('InnoDB');
    expect(described!.keys).toEqual([
      { name: 'PRIMARY', primary: true, unique: true, columns: ['id'] },
      { name: 'plain', primary: false, unique: false, columns: ['price'] },
      { name: 'u', primary: false, unique: true, columns: ['name', 'price'] },
    ]);
    const byName = Object.fromEntries(described!.columns.map((column) => [column.name, column]));
    expect(byName.id).toMatchObject({
      dataType: 'bigint',
      unsigned: true,
      nullable: false,
      generated: false,
    });
    expect(byName.timestamp).toMatchObject({ dataType: 'datetime', decimals: 3, generated: false });
    expect(byName.price).toMatchObject({ precision: 12, decimals: 4, unsigned: false });
    expect(byName.name).toMatchObject({
      length: 40,
      charset: 'latin1',
      collation: 'latin1_german1_ci',
      nullable: false,
    });
    expect(byName.flags).toMatchObject({ dataType: 'bit', length: 5 });
    expect(byName.bytes).toMatchObject({ length: 7, charset: null });
    expect(byName.label!.members).toEqual(['a,b', "it's", 'back\\slash', 'new\nline', '']);
    expect(
      [byName.twice, byName.stored_twice].map((column) => [column!.generated, column!.invisible]),
    ).toEqual([
      [true, false],
      [true, true],
    ]);
  });

  it('lists databases and whole databases, by exact name', async () => {
    await server.query('CREATE DATABASE `other-db`');
    await server.query('CREATE TABLE `other-db`.Mixed (id INT PRIMARY KEY)');
    await server.query('CREATE TABLE `other-db`.mixed (id INT PRIMARY KEY, b INT)');
    await server.query('CREATE VIEW `other-db`.v AS SELECT 1');
    expect(await listDatabases(source)).toEqual(['other-db', 'test']);
    const all = await loadTables(source, [{ database: 'other-db' }]);
    expect(all.map((table) => [table.name, table.columns.length])).toEqual([
      ['Mixed', 1],
      ['mixed', 2],
    ]);
    const one = await loadTables(source, [{ database: 'other-db', table: 'mixed' }]);
    expect(one.map((table) => table.name)).toEqual(['mixed']);
  });
});

describe('sessions', () => {
  it('know the server', async () => {
    const facts = await source.facts();
    expect(facts.numbers[0]).toBeGreaterThanOrEqual(8);
    expect(facts).toMatchObject({
      isMariaDb: false,
      logBin: true,
      binlogFormat: 'ROW',
      binlogRowImage: 'FULL',
    });
    expect(facts.serverUuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Math.abs(facts.clockOffsetMicros)).toBeLessThan(2_000_000);
  });

  it('map what goes wrong to codes', async () => {
    await server.query("CREATE USER shut@localhost IDENTIFIED BY 'x'");
    const refused = (more: object): Promise<unknown> => connectSource(settingsOf(server, more));
    await expect(refused({ user: 'shut', password: 'wrong' })).rejects.toMatchObject({ code: 'ROW-S102' });
    await expect(refused({ port: 9 })).rejects.toMatchObject({ code: 'ROW-S101' });
    await expect(refused({ host: 'no-such-host.invalid' })).rejects.toMatchObject({ code: 'ROW-S101' });
    await expect(refused({ ssl: 'verify-ca' })).rejects.toMatchObject({ code: 'ROW-S110' });
    await expect(refused({ ssl: 'required', caFile: '/no/such/file' })).rejects.toMatchObject({
      code: 'ROW-S110',
    });
    await expect(source.query('SELECT * FROM test.none')).rejects.toMatchObject({ code: 'ROW-S108' });
    await expect(source.query('SELEKT')).rejects.toMatchObject({ code: 'ROW-S111' });
    const limited = await connectSource(settingsOf(server, { user: 'shut', password: 'x' }));
    await expect(limited.query('SELECT * FROM mysql.user')).rejects.toMatchObject({ code: 'ROW-S103' });
    await limited.close();
  });

  it('are encrypted when asked to be, and try the hosts in order', async () => {
    const tls = await connectSource(settingsOf(server, { ssl: 'required' }));
    const [cipher] = await tls.query<{ Value: string }>("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    expect(cipher!.Value).not.toBe('');
    await tls.close();
    const second = await connectSource(
      settingsOf(server, { port: 9, hosts: ['127.0.0.1:7', `127.0.0.1:${server.port}`] }),
    );
    expect(second.address).toBe(`127.0.0.1:${server.port}`);
    await second.close();
  });

  it('verify the certificate and the name in it', async () => {
    const [row] = await server.query<{ dir: string }>('SELECT @@datadir AS dir');
    const caFile = `${row!.dir}ca.pem`;
    const good = await connectSource(settingsOf(server, { ssl: 'verify-ca', caFile }));
    await good.close();
    await expect(
      connectSource(settingsOf(server, { host: 'localhost', ssl: 'verify-identity', caFile })),
    ).rejects.toMatchObject({ code: 'ROW-S110' });
  });

  it('tell when they are lost', async () => {
    const doomed = await connectSource(settingsOf(server));
    const lost = new Promise((resolve) => doomed.onLost(resolve));
    await server.query(`KILL ${doomed.threadId}`);
    expect(await lost).toMatchObject({ code: 'ROW-S107' });
  });
});
