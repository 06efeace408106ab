import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differenceOf } from '../../src/sync/stream/table-map-check.js';
import { loadTables } from '../../src/mysql/catalog.js';
import { connectSource } from '../../src/mysql/connection.js';
import { endPosition, hasReached } from '../../src/mysql/position.js';
import { charsetsOf, loadCharsetDecoders } from '../../src/mysql/types/index.js';
import { samples } from '../exactness/samples.js';
import { Recorder, settingsOf } from '../support/binlog-recorder.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What TABLE_MAP events say of a table, against what is believed of it: ALTERs that are not in the binlog. */
interface Case {
  readonly create: string;
  readonly rows?: string;
  /** With sql_log_bin=0. */
  readonly sql: string;
  /** With the binlog, behind it. */
  readonly then: string;
  readonly mapping?: Record<string, unknown>;
}

/** Seen with FULL and with MINIMAL: number, types, lengths, signs, charsets of text, NULL. */
const shown: Record<string, Case> = {
  added: {
    create: 'id INT PRIMARY KEY, v INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T ADD COLUMN x INT DEFAULT 5',
    then: 'INSERT INTO T VALUES (2, 2, 2)',
  },
  dropped: {
    create: 'id INT PRIMARY KEY, a INT, b INT',
    rows: '(1, 1, 2)',
    sql: 'ALTER TABLE T DROP COLUMN a, RENAME COLUMN b TO a',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  retyped: {
    create: 'id INT PRIMARY KEY, v INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T MODIFY v FLOAT',
    then: 'INSERT INTO T VALUES (2, 2.5)',
  },
  signed: {
    create: 'id INT PRIMARY KEY, v TINYINT UNSIGNED',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T MODIFY v TINYINT',
    then: 'INSERT INTO T VALUES (2, -2)',
  },
  signed_decimal: {
    create: 'id INT PRIMARY KEY, v DECIMAL(9,2) UNSIGNED',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T MODIFY v DECIMAL(9,2)',
    then: 'INSERT INTO T VALUES (2, -2)',
  },
  charset: {
    create: 'id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1',
    rows: "(1, 'e')",
    sql: 'ALTER TABLE T MODIFY v VARCHAR(20) CHARACTER SET cp1251',
    then: "INSERT INTO T VALUES (2, 'Ж')",
  },
  charset_text: {
    create: 'id INT PRIMARY KEY, v TEXT CHARACTER SET latin1',
    rows: "(1, 'e')",
    sql: 'ALTER TABLE T MODIFY v TEXT CHARACTER SET greek',
    then: "INSERT INTO T VALUES (2, 'Ω')",
  },
  bytes: {
    create: 'id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1',
    rows: "(1, 'é')",
    sql: 'ALTER TABLE T MODIFY v VARBINARY(20)',
    then: "INSERT INTO T VALUES (2, x'ff')",
  },
  text_blob: {
    create: 'id INT PRIMARY KEY, v TEXT',
    rows: "(1, 'é')",
    sql: 'ALTER TABLE T MODIFY v BLOB',
    then: "INSERT INTO T VALUES (2, x'ff')",
  },
  blob_text: {
    create: 'id INT PRIMARY KEY, v BINARY(4)',
    rows: "(1, x'41424344')",
    sql: 'ALTER TABLE T MODIFY v CHAR(4) CHARACTER SET latin1',
    then: "INSERT INTO T VALUES (2, 'é')",
  },
  scale: {
    create: 'id INT PRIMARY KEY, v DECIMAL(10,4)',
    rows: '(1, 1.2345)',
    sql: 'ALTER TABLE T MODIFY v DECIMAL(10,2)',
    then: 'INSERT INTO T VALUES (2, 1.23)',
  },
  fraction: {
    create: 'id INT PRIMARY KEY, v DATETIME(6)',
    rows: "(1, '2026-01-01 00:00:00.654321')",
    sql: 'ALTER TABLE T MODIFY v DATETIME(3)',
    then: "INSERT INTO T VALUES (2, '2026-01-01 00:00:00')",
  },
  narrowed: {
    create: 'id INT PRIMARY KEY, v VARCHAR(20)',
    rows: "(1, '12345678901')",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v VARCHAR(10)",
    then: "INSERT INTO T VALUES (2, '2')",
  },
  narrowed_char: {
    create: 'id INT PRIMARY KEY, v CHAR(200)',
    rows: "(1, '12345678901')",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v CHAR(10)",
    then: "INSERT INTO T VALUES (2, '2')",
  },
  narrowed_bytes: {
    create: 'id INT PRIMARY KEY, v BINARY(20)',
    rows: "(1, '12345678901')",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v BINARY(10)",
    then: "INSERT INTO T VALUES (2, '2')",
  },
  bits: {
    create: 'id INT PRIMARY KEY, v BIT(9)',
    rows: '(1, 511)',
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v BIT(4)",
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  not_null: {
    create: 'id INT PRIMARY KEY, v INT',
    rows: '(1, NULL)',
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v INT NOT NULL",
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  text_size: {
    create: 'id INT PRIMARY KEY, v TEXT',
    rows: "(1, REPEAT('x', 1000))",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v TINYTEXT",
    then: "INSERT INTO T VALUES (2, '2')",
  },
  many_labels: {
    create: "id INT PRIMARY KEY, v SET('1','2','3','4','5','6','7','8','9')",
    rows: "(1, '9')",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v SET('1','2')",
    then: "INSERT INTO T VALUES (2, '2')",
  },
  nulled_key: {
    create: 'code INT NOT NULL, v INT, UNIQUE KEY uc (code)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T MODIFY code INT NULL',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
};

/** Seen with FULL alone. */
const named: Record<string, Case> = {
  relabelled: {
    create: "id INT PRIMARY KEY, v ENUM('a','b')",
    rows: "(1, 'a')",
    sql: "ALTER TABLE T MODIFY v ENUM('b','a')",
    then: "INSERT INTO T VALUES (2, 'a')",
  },
  relabelled_set: {
    create: "id INT PRIMARY KEY, v SET('a','b')",
    rows: "(1, 'a')",
    sql: "ALTER TABLE T MODIFY v SET('b','a')",
    then: "INSERT INTO T VALUES (2, 'a')",
  },
  fewer_labels: {
    create: "id INT PRIMARY KEY, v ENUM('a','b')",
    rows: "(1, 'b')",
    sql: "SET sql_mode = ''; ALTER TABLE T MODIFY v ENUM('a')",
    then: "INSERT INTO T VALUES (2, 'a')",
  },
  label_charset: {
    create: "id INT PRIMARY KEY, v ENUM('é') CHARACTER SET latin1",
    rows: "(1, 'é')",
    sql: "ALTER TABLE T MODIFY v ENUM('é') CHARACTER SET cp850",
    then: "INSERT INTO T VALUES (2, 'é')",
  },
  swapped_names: {
    create: 'id INT PRIMARY KEY, a INT, b INT',
    rows: '(1, 1, 2)',
    sql: 'ALTER TABLE T RENAME COLUMN a TO b, RENAME COLUMN b TO a',
    then: 'INSERT INTO T (id, a, b) VALUES (2, 1, 2)',
  },
  moved: {
    create: 'id INT PRIMARY KEY, a INT, b INT',
    rows: '(1, 1, 2)',
    sql: 'ALTER TABLE T MODIFY b INT FIRST',
    then: 'INSERT INTO T (id, a, b) VALUES (2, 1, 2)',
  },
  renamed: {
    create: 'id INT PRIMARY KEY, a INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T RENAME COLUMN a TO c',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  renamed_case: {
    create: 'id INT PRIMARY KEY, a INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T RENAME COLUMN a TO A',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  replaced: {
    create: 'id INT PRIMARY KEY, a INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP COLUMN a, ADD COLUMN c INT',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  other_key: {
    create: 'a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP PRIMARY KEY, ADD PRIMARY KEY (b)',
    then: 'INSERT INTO T VALUES (1, 2)',
  },
  other_order: {
    create: 'a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP PRIMARY KEY, ADD PRIMARY KEY (b, a)',
    then: 'INSERT INTO T VALUES (1, 2)',
  },
  no_key: {
    create: 'a INT PRIMARY KEY, b INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP PRIMARY KEY',
    then: 'INSERT INTO T VALUES (1, 2)',
  },
  prefix_key: {
    create: 'a VARCHAR(20) PRIMARY KEY, b INT',
    rows: "('abc', 1)",
    sql: 'ALTER TABLE T DROP PRIMARY KEY, ADD PRIMARY KEY (a(3))',
    then: "INSERT INTO T VALUES ('abd', 2)",
  },
  no_unique_key: {
    create: 'code INT NOT NULL, v INT, UNIQUE KEY uc (code)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP INDEX uc',
    then: 'INSERT INTO T VALUES (1, 2)',
  },
  new_primary_key: {
    create: 'id INT NOT NULL, code INT NOT NULL, UNIQUE KEY uc (code)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP INDEX uc, ADD PRIMARY KEY (id)',
    then: 'INSERT INTO T VALUES (2, 1)',
  },
  shape: {
    create: 'id INT PRIMARY KEY, g GEOMETRY',
    rows: "(1, ST_GeomFromText('POINT(1 1)'))",
    sql: 'ALTER TABLE T MODIFY g POINT',
    then: "INSERT INTO T VALUES (2, ST_GeomFromText('POINT(1 2)'))",
  },
  read_by_filter: {
    create: 'id INT PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_bin',
    rows: "(1, 'A')",
    mapping: { filter: "v = 'a'" },
    sql: 'ALTER TABLE T MODIFY v VARCHAR(9) COLLATE utf8mb4_0900_ai_ci',
    then: "INSERT INTO T VALUES (2, 'A')",
  },
};

/** Not in any TABLE_MAP. */
const hidden: Record<string, Case> = {
  other_unique_key: {
    create: 'id INT PRIMARY KEY, code INT NOT NULL, UNIQUE KEY uc (code)',
    rows: '(1, 1)',
    mapping: { primaryKey: ['code'] },
    sql: 'ALTER TABLE T DROP INDEX uc',
    then: 'INSERT INTO T VALUES (2, 1)',
  },
  second_unique_key: {
    create: 'id INT NOT NULL, code INT NOT NULL, UNIQUE KEY z (code), UNIQUE KEY a (id)',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T DROP INDEX a',
    then: 'INSERT INTO T VALUES (1, 2)',
  },
  filled: {
    create: 'id INT(6) UNSIGNED PRIMARY KEY, v INT(4)',
    rows: '(1, 1)',
    mapping: { columns: { v: { type: 'STRING' } } },
    sql: 'ALTER TABLE T MODIFY v INT(4) UNSIGNED ZEROFILL',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
  gone: {
    create: 'id INT PRIMARY KEY, v INT',
    rows: '(1, 1)',
    sql: 'DROP TABLE T',
    then: 'DO 0',
  },
};

/** What the TABLE_MAP says completely, and what leaves every stored value what it is. */
const settled: Record<string, Case> = {
  more_labels: {
    create: "id INT PRIMARY KEY, v ENUM('a','b')",
    rows: "(1, 'a')",
    sql: "ALTER TABLE T MODIFY v ENUM('a','b','c''\\\\')",
    then: "INSERT INTO T VALUES (2, 'c''\\\\')",
  },
  more_set_labels: {
    create: "id INT PRIMARY KEY, v SET('a') CHARACTER SET latin1",
    rows: "(1, 'a')",
    sql: "ALTER TABLE T MODIFY v SET('a','é','2','3','4','5','6','7','8') CHARACTER SET latin1",
    then: "INSERT INTO T VALUES (2, 'é,8')",
  },
  wider: {
    create: 'id INT PRIMARY KEY, v VARCHAR(5), w DECIMAL(5,2)',
    rows: "(1, 'a', 1)",
    sql: 'ALTER TABLE T MODIFY v VARCHAR(50), MODIFY w DECIMAL(9,2)',
    then: "INSERT INTO T VALUES (2, 'abcdefg', 1234567.89)",
  },
  nulled: {
    create: 'id INT PRIMARY KEY, v INT NOT NULL',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T MODIFY v INT NULL',
    then: 'INSERT INTO T VALUES (2, NULL)',
  },
  invisible: {
    create: 'id INT PRIMARY KEY, v INT',
    rows: '(1, 1)',
    sql: 'ALTER TABLE T ALTER COLUMN v SET INVISIBLE',
    then: 'INSERT INTO T (id, v) VALUES (2, 2)',
  },
  collation: {
    create: 'id INT PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_bin',
    rows: "(1, 'A')",
    sql: 'ALTER TABLE T MODIFY v VARCHAR(9) COLLATE utf8mb4_0900_ai_ci',
    then: "INSERT INTO T VALUES (2, 'b')",
  },
  chosen_key: {
    create: 'id INT PRIMARY KEY, code INT NOT NULL, UNIQUE KEY uc (code)',
    rows: '(1, 1)',
    mapping: { primaryKey: ['code'] },
    sql: 'ALTER TABLE T DROP PRIMARY KEY',
    then: 'INSERT INTO T VALUES (2, 2)',
  },
};

describe.each([
  { metadata: 'FULL', gtid: true },
  { metadata: 'MINIMAL', gtid: false },
])('binlog_row_metadata=$metadata, GTIDs $gtid', ({ metadata, gtid }) => {
  let replica: Replica;
  beforeAll(async () => {
    const gtidOff = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];
    replica = await startReplica({
      gtid,
      args: [`--binlog-row-metadata=${metadata}`, ...(gtid ? [] : gtidOff)],
    });
  }, 60_000);
  afterAll(() => replica?.close());

  /** The store takes all the tables of this file. */
  function roomy() {
    const { url: endpoint, instance, accessKeyId, accessKeySecret } = replica.store;
    return { endpoint, instance, accessKeyId, accessKeySecret, tableLimit: 1000 };
  }

  /** Tables in a database of their own, made, loaded, altered outside the binlog, and written. */
  async function altered(database: string, cases: Record<string, Case>, more: Record<string, unknown> = {}) {
    const { mysql } = replica;
    const list = Object.entries(cases);
    await mysql.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    for (const [name, { create, rows }] of list) {
      await mysql.query(`CREATE TABLE ${database}.${name} (${create})`);
      if (rows) await mysql.query(`INSERT INTO ${database}.${name} VALUES ${rows}`);
    }
    const task = replica.task({
      destination: roomy(),
      objects: [
        {
          database,
          tables: list.map(([name, { mapping }]) => ({ name, rename: `${database}_${name}`, ...mapping })),
        },
      ],
      ...more,
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp, 60_000);
    for (const [name, { sql, then }] of list) {
      const session = await mysql.connect({ database });
      await session.query(`SET sql_log_bin = 0; ${sql.replace(/\bT\b/, name)}; SET sql_log_bin = 1`);
      await session.query(then.replace(/\bT\b/, name));
      await session.end();
    }
    await replica.caughtUp(task);
    return task;
  }

  it('rule 13: an ALTER outside the binlog stops the table when what it shows may mean other rows', async () => {
    const cases = metadata === 'FULL' ? { ...shown, ...named } : shown;
    const task = await altered('stopping', cases);
    const { tables } = await replica.snapshot(task);
    expect(tables.filter(({ phase }) => phase !== 'stopped').map(({ source }) => source)).toEqual([]);
    for (const { source, problem } of tables)
      expect(problem).toMatchObject({ code: 'ROW-S113', message: expect.stringContaining(source) as string });
    await replica.stop(task);
  }, 120_000);

  it('rule 13: it loads the table anew where the task says so, once', async () => {
    const cases =
      metadata === 'FULL' ? { added: shown.added!, relabelled: named.relabelled! } : { added: shown.added! };
    const task = await altered('reloaded', cases, { ddl: { onChange: 'reload' } });
    const { tables } = await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    expect(tables.filter(({ phase }) => phase !== 'incremental')).toEqual([]);
    expect(replica.rows('reloaded_added')).toEqual([
      { id: 1, v: 1, x: 5 },
      { id: 2, v: 2, x: 2 },
    ]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
  }, 60_000);

  it('rule 13: what the source says of a table is what its TABLE_MAP says, whatever the types and keys', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE DATABASE agree');
    const charsets = await mysql.query<{ name: string; collation: string }>(
      'SELECT CHARACTER_SET_NAME AS name, DEFAULT_COLLATE_NAME AS collation FROM INFORMATION_SCHEMA.CHARACTER_SETS',
    );
    const tables: Record<string, string> = {
      types: `id INT PRIMARY KEY, ${samples.map(({ type }, n) => `c${n} ${type} NULL`).join(', ')}`,
      filled: `id INT PRIMARY KEY, ${samples
        .filter(({ type }) => !/^(JSON|GEOM|POINT|LINE|POLY|MULTI)/.test(type))
        .map(({ type }, n) => `c${n} ${type} NOT NULL`)
        .join(', ')}`,
      key_two: 'a INT, b INT, c INT, PRIMARY KEY (c, a)',
      key_prefix: 'a VARCHAR(20), b TEXT, PRIMARY KEY (a(3), b(7))',
      key_part_prefix: 'a VARCHAR(20), b INT, PRIMARY KEY (b, a(3))',
      key_whole_prefix: 'a VARCHAR(20), b INT, PRIMARY KEY (a(20))',
      key_none: 'a INT NOT NULL, b INT',
      key_promoted: 'a INT NOT NULL, b INT NOT NULL, UNIQUE KEY z (b), UNIQUE KEY y (a)',
      key_promoted_prefix: 'a VARCHAR(9) NOT NULL, b INT, UNIQUE KEY z (a(3)), UNIQUE KEY y (b)',
      key_promoted_late: 'a INT, b INT NOT NULL, UNIQUE KEY y (a), UNIQUE KEY z (b)',
      key_expression: 'a INT NOT NULL, b INT NOT NULL, UNIQUE KEY f ((a + b)), UNIQUE KEY z (b, a)',
      key_expression_only: 'a INT NOT NULL, b INT NOT NULL, UNIQUE KEY f ((a + b))',
      key_after_expression:
        'a INT NOT NULL, j JSON, b INT, KEY f ((a + 1)), KEY m ((CAST(j->"$[*]" AS UNSIGNED ARRAY))), PRIMARY KEY (b)',
      key_hidden: 'a INT NOT NULL, b INT NOT NULL, UNIQUE KEY z (b), UNIQUE KEY y (a) INVISIBLE',
      hidden: 'a INT PRIMARY KEY INVISIBLE, b INT INVISIBLE, c INT',
      generated: 'a INT PRIMARY KEY, b INT AS (a + 1), c INT AS (a * 2) STORED NOT NULL, KEY (b)',
      parted: 'a INT PRIMARY KEY, b INT) PARTITION BY HASH (a) PARTITIONS 3',
      myisam: 'a INT NOT NULL, b CHAR(3), UNIQUE KEY (a)) ENGINE=MyISAM',
      zerofill:
        'a INT(6) ZEROFILL PRIMARY KEY, b FLOAT(7,3) UNSIGNED ZEROFILL, c DECIMAL(9,3) ZEROFILL, d DOUBLE UNSIGNED',
      many: `id INT PRIMARY KEY, e ENUM(${Array.from({ length: 300 }, (_, n) => `'l${n}'`).join()}), s SET(${Array.from({ length: 64 }, (_, n) => `'l${n}'`).join()})`,
      marks: String.raw`id INT PRIMARY KEY, e ENUM('it''s','c:\\new','a\nb','','é\0x','"','\Z\t'), s SET('it''s','c:\\new','a\nb','é\0x')`,
      bytes: `id INT PRIMARY KEY, e ENUM('a','é') CHARACTER SET binary, s SET('a','é') CHARACTER SET binary`,
      ...Object.fromEntries(
        charsets.map(({ name, collation }) => [
          `c_${name}`,
          `id INT PRIMARY KEY, e ENUM('a','é','ß','Ж','中','表','ソ','한','ก','א','س','Ω','€') CHARACTER SET ${name}, s SET('a','é','Ж','中') CHARACTER SET ${name}, c CHAR(9) CHARACTER SET ${name}, v VARCHAR(99) COLLATE ${collation}, t TEXT CHARACTER SET ${name}`,
        ]),
      ),
    };
    for (const [name, body] of Object.entries(tables)) {
      const isClosed = /\) (PARTITION|ENGINE)/.test(body);
      await mysql.query(`CREATE TABLE agree.${name} (${body}${isClosed ? '' : ')'}`);
    }
    await mysql.query(
      'SET SESSION sql_generate_invisible_primary_key = ON; CREATE TABLE agree.gipk (a INT, b TEXT)',
    );
    const source = await connectSource(settingsOf(mysql));
    const start = await endPosition(source);
    for (const name of [...Object.keys(tables), 'gipk'])
      await mysql.query(`INSERT INTO agree.${name} () VALUES ()`);
    const recorder = new Recorder(settingsOf(mysql), start, 'agree');
    const goal = await endPosition(source);
    await recorder.until(() => hasReached(recorder.stream.position, goal), 'the end');
    await recorder.stream.stop();
    const definitions = await loadTables(source, [{ database: 'agree' }]);
    const loaded = await loadCharsetDecoders(
      (sql) => source.query(sql),
      charsetsOf(definitions.flatMap(({ columns }) => columns)),
    );
    await source.close();
    const seen = new Map(
      recorder.events.flatMap((event) => (event.what === 'row' ? [[event.table.name, event.table]] : [])),
    );
    expect(
      definitions.flatMap((definition) =>
        [differenceOf(definition, seen.get(definition.name)!, loaded)?.what]
          .filter((what) => what)
          .map((what) => `${definition.name}: ${what}`),
      ),
    ).toEqual([]);
  }, 120_000);

  it('rule 13: the catalog shows it before rows come, whatever the binlog says of tables', async () => {
    const { definitionsMs } = replica.timing;
    replica.timing.definitionsMs = 200;
    try {
      const silent = (name: string, of: Record<string, Case>): Record<string, Case> =>
        Object.fromEntries(Object.entries(of).map(([key, one]) => [name + key, { ...one, then: 'DO 0' }]));
      const cases = silent('', { ...shown, ...named, ...hidden });
      const calm = silent('calm_', settled);
      const task = await altered('looked', { ...cases, ...calm });
      await replica.until(
        task,
        ({ tables }) => tables.filter(({ phase }) => phase === 'stopped').length >= Object.keys(cases).length,
        60_000,
      );
      const { tables } = await replica.snapshot(task);
      expect(tables.flatMap(({ source, phase }) => (phase === 'incremental' ? [source] : [])).sort()).toEqual(
        Object.keys(calm)
          .map((name) => `looked.${name}`)
          .sort(),
      );
      await replica.stop(task);
    } finally {
      replica.timing.definitionsMs = definitionsMs;
    }
  }, 120_000);

  it('rule 13: a run that ends when it has caught up has looked once, at what came while it rested', async () => {
    const { mysql } = replica;
    const database = 'rested';
    await mysql.query(`CREATE DATABASE rested; CREATE TABLE rested.labels (id INT PRIMARY KEY, v ENUM('a','b'));
      INSERT INTO rested.labels VALUES (1, 'a'); CREATE TABLE rested.gone_at_rest (id INT PRIMARY KEY); CREATE TABLE rested.calm (id INT PRIMARY KEY)`);
    const tables = ['labels', 'gone_at_rest', 'calm'].map((name) => ({ name, rename: `rested_${name}` }));
    const task = replica.task({ destination: roomy(), objects: [{ database, tables }] });
    expect(await replica.run(task)).toMatchObject({ reached: true });
    const session = await mysql.connect({ database });
    await session.query(
      "SET sql_log_bin = 0; ALTER TABLE labels MODIFY v ENUM('b','a'); DROP TABLE gone_at_rest",
    );
    await session.end();
    await replica.run(task);
    const after = await replica.snapshot(task);
    expect(after.tables.map(({ source, phase }) => [source, phase])).toEqual([
      ['rested.calm', 'incremental'],
      ['rested.gone_at_rest', 'stopped'],
      ['rested.labels', 'stopped'],
    ]);
  }, 60_000);

  if (metadata === 'FULL')
    it('rule 13: it is settled by the TABLE_MAP where no stored value changed, over a restart too', async () => {
      const task = await altered('settled', settled);
      await replica.stop(task);
      await replica.start(task);
      for (const [name, { then }] of Object.entries(settled)) {
        const session = await replica.mysql.connect({ database: 'settled' });
        await session.query(then.replace(/\bT\b/, name).replace('(2,', '(3,').replace(', 2)', ', 3)'));
        await session.end();
      }
      await replica.caughtUp(task);
      const { tables } = await replica.snapshot(task);
      expect(tables.filter(({ phase }) => phase !== 'incremental')).toEqual([]);
      expect(await replica.verify(task)).toMatchObject({ equal: true });
      await replica.stop(task);
    }, 120_000);
});
