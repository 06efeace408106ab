import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource, type SourceConnection } from '../../src/mysql/connection.js';
import { parseJson } from '../../src/mysql/binlog/json-tree.js';
import {
  endPosition,
  hasReached,
  preparedTransactions,
  safeStartPosition,
} from '../../src/mysql/position.js';
import { Recorder, settingsOf, type Value } from '../support/binlog-recorder.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

/** The default of recent servers is ON. */
const gtidOff = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

describe.each([
  { name: 'with GTID', gtid: true },
  { name: 'without GTID', gtid: false },
])('the binlog of a MySQL $name', ({ gtid }) => {
  let server: MysqlServer;
  let source: SourceConnection;

  beforeAll(async () => {
    server = await startMysql({ gtid, args: ['--max-allowed-packet=64M', ...(gtid ? [] : gtidOff)] });
    source = await connectSource(settingsOf(server));
    await server.query('CREATE DATABASE test');
  }, 120_000);
  afterAll(async () => {
    await source?.close();
    await server?.stop();
  });

  /** Runs statements, and gives what the stream says of them. */
  async function record(...statements: string[]): Promise<Recorder> {
    const start = await endPosition(source);
    const recorder = new Recorder(settingsOf(server), start);
    const client = await server.connect({ database: 'test' });
    try {
      for (const sql of statements) await client.query(sql);
      const goal = await endPosition(source);
      await recorder.until(
        () => hasReached(recorder.stream.position, goal) || recorder.ended !== null,
        'the end of the binlog',
      );
    } finally {
      client.destroy();
      await recorder.stream.stop();
      await recorder.running;
    }
    expect(recorder.ended).toEqual({ error: null });
    return recorder;
  }

  it('delivers inserts, updates and deletes between transaction and commit', async () => {
    const recorder = await record(
      'CREATE TABLE simple (id INT PRIMARY KEY, name VARCHAR(20), price DECIMAL(8,2), note TEXT)',
      "INSERT INTO simple VALUES (1, 'ä', 1.50, NULL), (2, 'b', 2, REPEAT('x', 300))",
      "UPDATE simple SET name = 'B' WHERE id = 2",
      'DELETE FROM simple WHERE id = 1',
    );
    const what = recorder.events.map((event) => event.what).filter((one) => one !== 'heartbeat');
    expect(what).toEqual([
      ...['transaction', 'statement', 'commit'],
      ...['transaction', 'row', 'row', 'commit'],
      ...['transaction', 'row', 'commit'],
      ...['transaction', 'row', 'commit'],
    ]);
    const [first, second, update, gone] = recorder.rows();
    expect(first!.after).toEqual([Buffer.of(1, 0, 0, 0), Buffer.from('ä'), Buffer.of(0x80, 0, 1, 50), null]);
    expect(second!.after![3]).toEqual(Buffer.from('x'.repeat(300)));
    expect([update!.kind, update!.before![1], update!.after![1]]).toEqual([
      'update',
      Buffer.from('b'),
      Buffer.from('B'),
    ]);
    expect([gone!.kind, gone!.before![0], gone!.after]).toEqual(['delete', Buffer.of(1, 0, 0, 0), null]);
  });

  it('advances the position only with committed transactions, in the form that the server prints', async () => {
    const recorder = await record(
      'CREATE TABLE counted (id INT PRIMARY KEY)',
      'INSERT INTO counted VALUES (1)',
    );
    const end = await endPosition(source);
    const { position } = recorder.stream;
    expect(position).toMatchObject({ file: end.file, offset: end.offset, serverUuid: end.serverUuid });
    expect(position.gtidSet).toBe(end.gtidSet);
    expect(Math.abs(position.commitMicros! / 1000 - Date.now())).toBeLessThan(60_000);
    expect(position.commitMicros! % 1_000_000).not.toBe(0);
  });

  it('delivers compressed transactions, small ones and such as must be streamed', async () => {
    const recorder = await record(
      'SET SESSION binlog_transaction_compression = ON, cte_max_recursion_depth = 100000',
      'CREATE TABLE packed (id INT PRIMARY KEY, text VARCHAR(400))',
      "INSERT INTO packed VALUES (1, 'small')",
      `INSERT INTO packed WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
       SELECT i, CONCAT(i, SHA2(i, 512), SHA2(-i, 512)) FROM n`,
      "UPDATE packed SET text = 'last' WHERE id = 20000",
    );
    const ids = recorder
      .rows('packed')
      .map((row) => row.after![0] as Buffer)
      .map((id) => id.readInt32LE(0));
    expect(ids).toEqual([...Array.from({ length: 20000 }, (_, i) => i + 1), 20000]);
    expect(recorder.events.filter((event) => event.what === 'commit')).toHaveLength(4);
  });

  it('builds the JSON after a partial update, exactly as the server stores it', async () => {
    const wide = `JSON_OBJECT('a', 1.5, 'b', JSON_ARRAY(1, 'x', NULL, TRUE), 'date', CAST('2020-02-03' AS DATE),
      'big', 18446744073709551615, 'dec', 1.230, 'nested', JSON_OBJECT('k"ey', 'v', 'ü', JSON_ARRAY()), 'pad', REPEAT('p', 300))`;
    const changes = [
      "JSON_SET(doc, '$.a', 2)",
      "JSON_REPLACE(doc, '$.b[1]', CAST('12:13:14' AS TIME))",
      "JSON_REMOVE(doc, '$.b[0]')",
      `JSON_SET(doc, '$.nested."k\\\\"ey"', 'w', '$.nested."ü"', 5)`,
      "JSON_SET(doc, '$.added', JSON_OBJECT('z', 1, 'yy', 70000, 'x', -70000))",
      "JSON_REMOVE(doc, '$.date', '$.big')",
      "JSON_SET(doc, '$.b[7]', 1.0e300)",
      "JSON_REPLACE(doc, '$.pad', 's')",
    ];
    const recorder = await record(
      'CREATE TABLE docs (id INT PRIMARY KEY, other JSON, doc JSON, n INT)',
      `INSERT INTO docs VALUES (1, '[1]', ${wide}, 0)`,
      ...changes.flatMap((change) => [
        "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
        `UPDATE docs SET doc = ${change}, n = n + 1`,
        "SET SESSION binlog_row_value_options = ''",
        'UPDATE docs SET n = n + 1',
      ]),
    );
    const updates = recorder.rows('docs').slice(1);
    expect(updates).toHaveLength(changes.length * 2);
    for (let i = 0; i < updates.length; i += 2) {
      const built = updates[i]!.after!;
      const stored = updates[i + 1]!.before!;
      expect(parseJson(built[2] as Buffer)).toEqual(parseJson(stored[2] as Buffer));
      expect(built[1]).toEqual(stored[1]);
      expect(built[3]).toEqual(stored[3]);
    }
  });

  it('builds random partial updates as the server does', async () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'grapheme', maxLength: 8 }),
        fc.constantFrom(null, true, false, 'x'.repeat(200)),
        fc.dictionary(fc.constantFrom('a', 'b', 'cc', 'd"d', 'ü', 'e f'), tie('value'), { maxKeys: 4 }),
        fc.array(tie('value'), { maxLength: 4 }),
      ),
    })).value;
    const leg = fc.constantFrom('.a', '.b', '.cc', '."d\\"d"', '."ü"', '."e f"', '[0]', '[1]', '[3]');
    const change = fc.tuple(
      fc.constantFrom('JSON_SET', 'JSON_REPLACE', 'JSON_REMOVE'),
      fc
        .tuple(
          fc.constantFrom('.a', '.b', '.b[0]', '.b[1]', '.cc', '.pad', '."e f"'),
          fc.array(leg, { maxLength: 2 }),
        )
        .map(([first, more]) => [first, ...more]),
      json,
    );
    const runs = fc.sample(fc.tuple(json, fc.array(change, { minLength: 2, maxLength: 5 })), {
      numRuns: 60,
      seed: 7,
    });
    const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    const statements = runs.flatMap(([doc, changes], id) => {
      const padded = { a: doc, pad: 'p'.repeat(2000), b: [doc, doc] };
      return [
        `INSERT INTO random_docs VALUES (${id}, ${quote(JSON.stringify(padded))}, 0)`,
        ...changes.flatMap(([operation, legs, value]) => {
          const path = quote(`$${legs.join('')}`);
          const argument =
            operation === 'JSON_REMOVE' ? '' : `, CAST(${quote(JSON.stringify(value))} AS JSON)`;
          return [
            "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
            `UPDATE random_docs SET doc = ${operation}(doc, ${path}${argument}), n = n + 1 WHERE id = ${id}`,
            "SET SESSION binlog_row_value_options = ''",
            `UPDATE random_docs SET n = n + 1 WHERE id = ${id}`,
          ];
        }),
      ];
    });
    const recorder = await record(
      'CREATE TABLE random_docs (id INT PRIMARY KEY, doc JSON, n INT)',
      ...statements,
    );
    const updates = recorder.rows('random_docs').filter((row) => row.kind === 'update');
    expect(updates.length).toBeGreaterThan(240);
    let rebuilt = 0;
    for (let i = 0; i < updates.length; i += 2) {
      const built = updates[i]!.after![1] as Buffer;
      const stored = updates[i + 1]!.before![1] as Buffer;
      expect(parseJson(built)).toEqual(parseJson(stored));
      // What we write has the large format, which the server uses only for long documents.
      if (built[0] !== stored[0]) rebuilt++;
    }
    expect(rebuilt).toBeGreaterThan(30);
  }, 30_000);

  it('says when a partial update cannot be built from its event', async () => {
    const recorder = await record(
      'CREATE TABLE minimal (id INT PRIMARY KEY, a INT, doc JSON, doc2 JSON)',
      `INSERT INTO minimal VALUES (1, 5, '{"a": 1, "pad": "${'p'.repeat(300)}"}', '{"a": 1, "pad": "${'p'.repeat(300)}"}')`,
      "SET SESSION binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = MINIMAL",
      "UPDATE minimal SET doc2 = JSON_SET(doc2, '$.a', 2)",
      'UPDATE minimal SET a = NULL',
    );
    const [, json, number] = recorder.rows('minimal');
    expect(json!.before).toEqual([Buffer.of(1, 0, 0, 0), 'absent', 'absent', 'absent']);
    // What the after-image leaves out is as before.
    expect(json!.after).toEqual([Buffer.of(1, 0, 0, 0), 'absent', 'absent', 'changed']);
    expect(number!.after).toEqual([Buffer.of(1, 0, 0, 0), null, 'absent', 'absent']);
  });

  it('names XA branches, and what became of them', async () => {
    const recorder = await record(
      'CREATE TABLE xa (id INT PRIMARY KEY)',
      "XA START 'one', 'x', 7",
      'INSERT INTO xa VALUES (1)',
      "XA END 'one', 'x', 7",
      "XA PREPARE 'one', 'x', 7",
      "XA COMMIT 'one', 'x', 7",
      "XA START 'two'",
      'INSERT INTO xa VALUES (2)',
      "XA END 'two'",
      "XA PREPARE 'two'",
      "XA ROLLBACK 'two'",
      "XA START 'three'",
      'INSERT INTO xa VALUES (3)',
      "XA END 'three'",
      "XA COMMIT 'three' ONE PHASE",
    );
    const one = '7:6f6e65:78';
    const two = '1:74776f:';
    const after = recorder.events.filter((event) => event.what !== 'heartbeat').slice(3);
    expect(after).toMatchObject([
      { what: 'transaction', start: { xid: one } },
      { what: 'row' },
      { what: 'xaPrepare', xid: one },
      { what: 'transaction' },
      { what: 'xaCommit', xid: one },
      { what: 'transaction', start: { xid: two } },
      { what: 'row' },
      { what: 'xaPrepare', xid: two },
      { what: 'transaction' },
      { what: 'xaRollback', xid: two },
      { what: 'transaction' },
      { what: 'row' },
      { what: 'commit' },
    ]);
  });

  it('lists prepared XA transactions by the same names', async () => {
    const client = await server.connect({ database: 'test' });
    await client.query('CREATE TABLE prepared (id INT PRIMARY KEY)');
    await client.query("XA START 'gt\\'', X'00ff', 9");
    await client.query('INSERT INTO prepared VALUES (1)');
    await client.query("XA END 'gt\\'', X'00ff', 9");
    await client.query("XA PREPARE 'gt\\'', X'00ff', 9");
    expect(await preparedTransactions(source)).toEqual(['9:677427:00ff']);
    await client.query("XA ROLLBACK 'gt\\'', X'00ff', 9");
    client.destroy();
  });

  it('delivers only what a savepoint left, and everything that a cascade did', async () => {
    const recorder = await record(
      'CREATE TABLE parent (id INT PRIMARY KEY)',
      'CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)',
      'START TRANSACTION',
      'INSERT INTO parent VALUES (1)',
      'SAVEPOINT s',
      'INSERT INTO parent VALUES (2)',
      'ROLLBACK TO s',
      'INSERT INTO child VALUES (10, 1)',
      'COMMIT',
      'DELETE FROM parent WHERE id = 1',
    );
    expect(recorder.rows().map((row) => [row.kind, row.table.name])).toEqual([
      ['insert', 'parent'],
      ['insert', 'child'],
      ['delete', 'child'],
      ['delete', 'parent'],
    ]);
  });

  it('hands over statements, and the rows of CREATE TABLE … SELECT', async () => {
    const recorder = await record(
      'CREATE TABLE stated (id INT PRIMARY KEY, t VARCHAR(20))',
      'SET SESSION binlog_format = STATEMENT',
      "INSERT INTO stated VALUES (1, 'ä')",
      'SET SESSION binlog_format = ROW',
      'SET SESSION binlog_rows_query_log_events = ON',
      "INSERT INTO stated VALUES (2, 'b')",
      'CREATE TABLE copied AS SELECT * FROM stated',
      'SET NAMES latin1',
      'CREATE TABLE named (`sp_lt` INT)',
      'TRUNCATE stated',
    );
    const statements = recorder.events
      .filter((event) => event.what === 'statement')
      .map((event) => event.sql);
    expect(statements[0]).toContain('CREATE TABLE stated');
    expect(statements[1]).toBe("INSERT INTO stated VALUES (1, 'ä')");
    expect(statements[2]).toMatch(/^CREATE TABLE `copied`/);
    expect(statements.at(-1)).toBe('TRUNCATE stated');
    expect(recorder.rows().map((row) => row.table.name)).toEqual(['stated', 'copied', 'copied']);
    const commits = recorder.events.filter((event) => event.what === 'commit');
    const starts = recorder.events.filter((event) => event.what === 'transaction');
    expect(commits).toHaveLength(starts.length);
  });

  it('follows files, and checksums that are turned off and on', async () => {
    const recorder = await record(
      'CREATE TABLE files (id INT PRIMARY KEY)',
      'INSERT INTO files VALUES (1)',
      'SET GLOBAL binlog_checksum = NONE',
      'INSERT INTO files VALUES (2)',
      'FLUSH BINARY LOGS',
      'INSERT INTO files VALUES (3)',
      'SET GLOBAL binlog_checksum = CRC32',
      'INSERT INTO files VALUES (4)',
      'FLUSH BINARY LOGS',
      'INSERT INTO files VALUES (5)',
    );
    expect(recorder.rows('files').map((row) => (row.after![0] as Buffer)[0])).toEqual([1, 2, 3, 4, 5]);
  });

  it('carries names, signs and collations where the metadata has them, and one object per description', async () => {
    await server.query('SET GLOBAL binlog_row_metadata = FULL');
    const create =
      "CREATE TABLE described (`timestamp` INT UNSIGNED, `Sélect` BIGINT, c CHAR(3) CHARACTER SET latin1, v VARCHAR(300), e ENUM('a,b','c') CHARACTER SET gbk, b VARBINARY(3))";
    const recorder = await record(
      create,
      "INSERT INTO described VALUES (1, 2, 'x', 'y', 'c', 'z')",
      "INSERT INTO described VALUES (1, 2, 'x', 'y', 'c', 'z')",
      'SET GLOBAL binlog_row_metadata = MINIMAL',
      'FLUSH TABLES',
      "INSERT INTO described VALUES (1, 2, 'x', 'y', 'c', 'z')",
    );
    const [first, second, third] = recorder.rows('described').map((row) => row.table);
    expect(first!.metadata().names).toEqual(['timestamp', 'Sélect', 'c', 'v', 'e', 'b']);
    expect(first!.metadata().unsigned).toEqual([true, false, false, false, false, false]);
    const ids = await server.query<{ c: string; id: number }>(
      "SELECT CHARACTER_SET_NAME c, ID id FROM INFORMATION_SCHEMA.COLLATIONS WHERE IS_DEFAULT = 'Yes'",
    );
    const charset = (id: number): string | undefined => ids.find((one) => one.id === id)?.c;
    const { collations } = first!.metadata();
    expect(Array.from(collations!, (id) => (id === undefined ? null : charset(id)))).toEqual([
      null,
      null,
      'latin1',
      'utf8mb4',
      'gbk',
      'binary',
    ]);
    expect(second).toBe(first);
    expect(third!.metadata().names).toBeUndefined();
  });

  it('keeps a row over 16 MB out of memory, and its key in the image', async () => {
    const recorder = await record(
      'CREATE TABLE big (id INT PRIMARY KEY, a LONGBLOB, note VARCHAR(10), b LONGTEXT)',
      "INSERT INTO big VALUES (1, REPEAT('a', 9000000), 'n', REPEAT('b', 9000000))",
      "INSERT INTO big VALUES (2, REPEAT('a', 17000000), 'n', NULL)",
      'UPDATE big SET note = NULL WHERE id = 2',
      "INSERT INTO big VALUES (3, REPEAT('a', 16000000), 'n', 'fits')",
      'DELETE FROM big',
      'SET SESSION binlog_transaction_compression = ON',
      "INSERT INTO big VALUES (4, REPEAT('a', 17000000), 'packed', NULL)",
    );
    const size = (value: Value): unknown => (Buffer.isBuffer(value) ? value.length : value);
    const rows = recorder.rows('big').map((row) => [row.kind, (row.after ?? row.before)!.map(size)]);
    expect(rows).toEqual([
      ['insert', [4, 9000000, 1, 'oversize']],
      ['insert', [4, 'oversize', 1, null]],
      ['update', [4, 'oversize', null, null]],
      ['insert', [4, 16000000, 1, 4]],
      ['delete', [4, 9000000, 1, 'oversize']],
      ['delete', [4, 'oversize', null, null]],
      ['delete', [4, 16000000, 1, 4]],
      ['insert', [4, 'oversize', 6, null]],
    ]);
  }, 30_000);

  it('loses and doubles nothing when it is paused under load, inside compressed transactions too', async () => {
    await server.query('SET GLOBAL net_write_timeout = 1');
    for (const compression of ['OFF', 'ON']) {
      const start = await endPosition(source);
      const client = await server.connect({ database: 'test' });
      await client.query(
        `SET SESSION binlog_transaction_compression = ${compression}, cte_max_recursion_depth = 100000`,
      );
      await client.query('DROP TABLE IF EXISTS load_test');
      await client.query('CREATE TABLE load_test (id INT PRIMARY KEY, t VARCHAR(600))');
      for (let i = 0; i < 3; i++) {
        await client.query(
          `INSERT INTO load_test WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
           SELECT i + ${i * 20000}, CONCAT(SHA2(i, 512), SHA2(i + 1, 512), SHA2(i + 2, 512)) FROM n`,
        );
      }
      client.destroy();
      const goal = await endPosition(source);
      const recorder = new Recorder(settingsOf(server), start);
      let rows = 0;
      let pauses = 0;
      recorder.onRow = () => {
        rows++;
        if (rows % 997 !== 0) return;
        pauses++;
        recorder.stream.pause();
        // Once for longer than the server would wait for us by its own settings.
        setTimeout(() => recorder.stream.resume(), pauses === 10 ? 2500 : 1);
      };
      await recorder.until(() => hasReached(recorder.stream.position, goal));
      await recorder.stream.stop();
      expect(pauses).toBeGreaterThan(10);
      expect(recorder.rows('load_test').map((row) => (row.after![0] as Buffer).readInt32LE(0))).toEqual(
        Array.from({ length: 60000 }, (_, i) => i + 1),
      );
    }
  }, 30_000);

  it('beats while nothing happens, and moves on over tables that nobody wants', async () => {
    const start = await endPosition(source);
    const recorder = new Recorder(settingsOf(server), start, 'nothing', 1);
    await server.query('CREATE TABLE test.unwanted (id INT PRIMARY KEY)');
    await server.query('INSERT INTO test.unwanted VALUES (1)');
    const end = await endPosition(source);
    await recorder.until(() => recorder.events.filter((event) => event.what === 'heartbeat').length >= 2);
    await recorder.stream.stop();
    expect(recorder.rows()).toEqual([]);
    const beat = recorder.events.findLast((event) => event.what === 'heartbeat')!;
    expect(beat.position).toMatchObject({ file: end.file, offset: end.offset });
    expect(beat.position.gtidSet).toBe(end.gtidSet);
  });

  it('passes an encrypted link, paused and resumed', async () => {
    const start = await endPosition(source);
    const recorder = new Recorder(settingsOf(server, { ssl: 'required' }), start);
    let rows = 0;
    recorder.onRow = () => {
      if (++rows % 1000 !== 0) return;
      recorder.stream.pause();
      setTimeout(() => recorder.stream.resume(), 5);
    };
    await server.query('CREATE TABLE test.secret (id INT PRIMARY KEY, t VARCHAR(200))');
    await server.query('SET SESSION cte_max_recursion_depth = 100000');
    await server.query(
      "INSERT INTO test.secret WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, REPEAT('s', 150) FROM n",
    );
    const goal = await endPosition(source);
    await recorder.until(() => hasReached(recorder.stream.position, goal));
    await recorder.stream.stop();
    expect(recorder.rows('secret').map((row) => (row.after![0] as Buffer).readInt32LE(0))).toEqual(
      Array.from({ length: 20000 }, (_, i) => i + 1),
    );
  });

  it('may be paused before it runs', async () => {
    const start = await endPosition(source);
    const recorder = new Recorder(settingsOf(server), start);
    recorder.stream.pause();
    await server.query('CREATE TABLE test.later (id INT PRIMARY KEY)');
    await server.query('INSERT INTO test.later VALUES (1)');
    // Nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(recorder.events).toEqual([]);
    recorder.stream.resume();
    await recorder.until(() => recorder.rows().length === 1);
    await recorder.stream.stop();
  });

  it('ends with what the handler throws', async () => {
    const start = await endPosition(source);
    const recorder = new Recorder(settingsOf(server), start);
    recorder.onRow = () => {
      throw new Error('no more');
    };
    await server.query('CREATE TABLE test.thrown (id INT PRIMARY KEY)');
    await server.query('INSERT INTO test.thrown VALUES (1)');
    await recorder.running;
    expect(recorder.ended?.error).toMatchObject({ message: 'no more' });
  });
});

describe('tagged GTIDs', () => {
  it('are followed as the server counts them', async () => {
    const server = await startMysql({ gtid: true });
    try {
      const source = await connectSource(settingsOf(server));
      const recorder = new Recorder(settingsOf(server), await safeStartPosition(source));
      await server.query('CREATE DATABASE test');
      await server.query("SET SESSION gtid_next = 'AUTOMATIC:tag_b'");
      await server.query('CREATE TABLE test.tagged (id INT PRIMARY KEY)');
      await server.query('INSERT INTO test.tagged VALUES (1)');
      await server.query("SET SESSION gtid_next = 'AUTOMATIC:tag_a'");
      await server.query('INSERT INTO test.tagged VALUES (2)');
      const goal = await endPosition(source);
      await recorder.until(() => hasReached(recorder.stream.position, goal));
      await recorder.stream.stop();
      expect(recorder.stream.position.gtidSet).toBe(goal.gtidSet);
      expect(goal.gtidSet).toContain(':tag_a:1:tag_b:1-2');
      const starts = recorder.events.filter((event) => event.what === 'transaction');
      expect(starts.at(-1)!.start.gtid).toMatch(/:tag_a:1$/);
      expect(Math.abs(starts.at(-1)!.start.commitMicros / 1000 - Date.now())).toBeLessThan(60_000);

      // A resume from such a set sends it in the tagged encoding.
      const again = new Recorder(settingsOf(server), goal);
      await server.query('INSERT INTO test.tagged VALUES (3)');
      await again.until(() => again.rows().length > 0);
      await again.stream.stop();
      expect(again.rows()).toHaveLength(1);
      await source.close();
    } finally {
      await server.stop();
    }
  }, 60_000);
});
