import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Statements that change rows or keys without row events: the table says that it is out of step, and alone. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query('CREATE DATABASE d; CREATE DATABASE other');
}, 60_000);
afterAll(() => replica?.close());

interface Case {
  readonly create: string;
  readonly rows?: string;
  readonly sql: string;
  readonly mapping?: Record<string, unknown>;
}
const keyed = { create: 'id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, v INT, UNIQUE KEY uc (code)' };
const byCode = { ...keyed, mapping: { primaryKey: ['code'] } };
const partitioned = {
  create: 'id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9)',
};
const inRoutine = (sql: string) =>
  `CREATE PROCEDURE p_T() BEGIN CREATE TEMPORARY TABLE tmp (x INT); INSERT INTO tmp VALUES (1); ${sql}; END; CALL p_T()`;
const leaving: Record<string, Case> = {
  c1_index: { ...byCode, sql: 'ALTER TABLE T DROP INDEX uc' },
  c1_constraint: { ...byCode, sql: 'ALTER TABLE T DROP CONSTRAINT UC' },
  c1_statement: { ...byCode, sql: 'DROP INDEX uc ON T' },
  c1_null: { ...byCode, sql: 'ALTER TABLE T MODIFY code VARCHAR(9) NULL' },
  c1_guessed: {
    create: 'id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, v INT, UNIQUE KEY uc (code)',
    mapping: { primaryKey: ['code'] },
    sql: 'ALTER TABLE T DROP INDEX uc, ADD UNIQUE KEY (code, v)',
  },
  c2: {
    create: 'a INT, b INT NOT NULL, PRIMARY KEY (a)',
    sql: 'ALTER TABLE T DROP CONSTRAINT `PRIMARY`, ADD PRIMARY KEY (b)',
  },
  c3_generated: {
    create: 'id INT PRIMARY KEY, x INT, g INT AS (x*2) STORED',
    rows: '(1, 2, DEFAULT)',
    sql: 'ALTER TABLE T MODIFY COLUMN g INT AS (x*3) STORED',
  },
  c3_depends: {
    create: 'id INT PRIMARY KEY, x VARCHAR(9) COLLATE utf8mb4_bin, g INT AS (x = "A")',
    rows: "(1, 'a', DEFAULT)",
    mapping: { columns: { x: { exclude: true } } },
    sql: 'ALTER TABLE T MODIFY COLUMN x VARCHAR(9) COLLATE utf8mb4_0900_ai_ci',
  },
  c3_null: {
    create: 'id INT PRIMARY KEY, n INT',
    rows: '(1, NULL)',
    sql: "SET sql_mode=''; ALTER TABLE T MODIFY n INT NOT NULL",
  },
  c3_timestamp: {
    create: 'id INT PRIMARY KEY, t TIMESTAMP NULL',
    rows: '(1, NULL)',
    sql: "SET explicit_defaults_for_timestamp=OFF, sql_mode=''; ALTER TABLE T MODIFY t TIMESTAMP",
  },
  c3_zerofill: {
    create: 'id INT PRIMARY KEY, z INT UNSIGNED',
    rows: '(1, 7)',
    mapping: { columns: { z: { type: 'STRING' } } },
    sql: 'ALTER TABLE T MODIFY z INT(6) UNSIGNED ZEROFILL',
  },
  c3_counted: {
    create: 'id INT PRIMARY KEY, n INT NOT NULL, KEY (n)',
    rows: '(1, 0)',
    sql: "SET sql_mode=''; ALTER TABLE T MODIFY n INT NOT NULL AUTO_INCREMENT",
  },
  c3_double: {
    create: 'id INT PRIMARY KEY, f DOUBLE(9,3)',
    rows: '(1, 12345.678)',
    sql: "SET sql_mode=''; ALTER TABLE T MODIFY f DOUBLE(5,3)",
  },
  c3_now: {
    create: 'id INT PRIMARY KEY, t TIMESTAMP NULL, v INT',
    rows: '(1, NULL, 1)',
    sql: 'ALTER TABLE T MODIFY t TIMESTAMP NOT NULL, ADD CHECK (v < 10)',
  },
  c3_zero_in_date: {
    create: 'id INT PRIMARY KEY, day DATE',
    rows: "(1, '2020-00-10')",
    sql: "SET sql_mode='NO_ZERO_IN_DATE'; ALTER TABLE T ADD CHECK (id > 0)",
  },
  c3_zero_date: {
    create: 'id INT PRIMARY KEY, at DATETIME',
    rows: "(1, '2020-02-00')",
    sql: "SET sql_mode='NO_ZERO_DATE', old_alter_table=1; CREATE INDEX k ON T (at)",
  },
  c3_optimized: {
    create: 'id INT PRIMARY KEY, day DATE',
    rows: "(1, '2020-00-10')",
    sql: "SET sql_mode='NO_ZERO_IN_DATE', old_alter_table=1; OPTIMIZE TABLE d.other_one, T",
  },
  c3_repaired: { create: 'id INT PRIMARY KEY, v INT', sql: 'ALTER TABLE T ENGINE=MyISAM; REPAIR TABLE T' },
  // Without a primary key the first unique one by name is the key, whatever statement made it.
  key_first: {
    create: 'u INT NOT NULL, id INT NOT NULL, v INT, UNIQUE KEY z (u)',
    sql: 'ALTER TABLE T ADD UNIQUE KEY a (id)',
  },
  key_named: {
    create: 'u INT NOT NULL, id INT NOT NULL, v INT, UNIQUE KEY a1 (u), UNIQUE KEY a2 (id)',
    sql: 'ALTER TABLE T RENAME INDEX a1 TO z9',
  },
  // MySQL keeps a prefix of the whole column as none.
  key_whole: {
    create: 'u INT NOT NULL, n VARCHAR(20) NOT NULL, UNIQUE KEY z (u)',
    sql: 'ALTER TABLE T ADD UNIQUE KEY a (n(20))',
  },
  key_coarse: {
    create: 'k DATETIME(3) PRIMARY KEY, v INT',
    mapping: { columns: { k: { type: 'INTEGER' } } },
    sql: 'ALTER TABLE T MODIFY k DATETIME(6)',
  },
  c4_truncate: { ...partitioned, sql: 'ALTER TABLE T TRUNCATE PARTITION p0' },
  engine: { create: 'id INT PRIMARY KEY, v INT', sql: 'ALTER TABLE T ENGINE=BLACKHOLE' },
  // In a routine every statement after one that used a temporary table has its mark.
  routine_truncate: { ...keyed, sql: inRoutine('TRUNCATE TABLE T') },
  routine_swap: {
    create: 'id INT PRIMARY KEY, a INT, b INT',
    sql: inRoutine('ALTER TABLE T RENAME COLUMN a TO b, RENAME COLUMN b TO a'),
  },
  routine_partition: { ...partitioned, sql: inRoutine('ALTER TABLE T TRUNCATE PARTITION p0') },
  // Of a temporary table this has the mark of other tables.
  temporary_truncate: {
    ...keyed,
    sql: "SET SESSION binlog_format = 'STATEMENT'; CREATE TEMPORARY TABLE T (x INT); TRUNCATE TABLE T; DROP TABLE T",
  },
  strict_optimize: {
    create: 'id INT PRIMARY KEY, day DATE',
    rows: "(1, '2020-00-10')",
    sql: "SET sql_mode='STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE', old_alter_table = 1; OPTIMIZE TABLE T",
  },
};
const staying: Record<string, Case> = {
  s_comment: {
    ...byCode,
    sql: "ALTER TABLE T MODIFY v INT COMMENT 'x', COMMENT 'y', ALTER code SET DEFAULT 'a'",
  },
  s_index: { ...byCode, sql: 'ALTER TABLE T ADD INDEX (v), ALTER INDEX uc INVISIBLE' },
  s_renamed: { ...byCode, sql: 'ALTER TABLE T RENAME INDEX uc TO u' },
  s_check: { ...byCode, sql: 'ALTER TABLE T ADD CONSTRAINT ck CHECK (v < 1000000)' },
  s_wider: { ...keyed, sql: 'ALTER TABLE T MODIFY code VARCHAR(20) NOT NULL, DROP INDEX uc, FORCE' },
  s_filled: { ...keyed, sql: 'ALTER TABLE T MODIFY v INT NOT NULL' },
  s_temporary: {
    ...keyed,
    sql: `SET SESSION binlog_format = 'STATEMENT'; CREATE TEMPORARY TABLE T (x INT);
      ALTER TABLE T ADD y INT; /*!80000 CREATE */ INDEX k ON T (x); OPTIMIZE TABLE T; ALTER TABLE T RENAME TO gone; DROP TABLE gone`,
  },
  s_optimized: { ...keyed, sql: 'OPTIMIZE TABLE T; REPAIR TABLE T; ANALYZE TABLE T' },
  s_dates: {
    create: 'id INT PRIMARY KEY, day DATE',
    rows: "(1, '2020-00-10')",
    sql: "SET sql_mode=''; ALTER TABLE T ADD CHECK (id > 0), ALGORITHM=COPY",
  },
  s_strict: {
    create: 'id INT PRIMARY KEY, day DATE',
    rows: "(1, '2020-01-10')",
    sql: "SET sql_mode='NO_ZERO_IN_DATE,STRICT_TRANS_TABLES'; ALTER TABLE T ADD CHECK (id > 0)",
  },
  s_prefix: {
    create: 'u INT NOT NULL, n VARCHAR(20) NOT NULL, UNIQUE KEY z (u)',
    sql: 'ALTER TABLE T ADD UNIQUE KEY a (n(19))',
  },
  s_engine: { ...keyed, sql: 'ALTER TABLE T ENGINE=InnoDB, ROW_FORMAT=DYNAMIC' },
  s_partition: { ...partitioned, sql: 'ALTER TABLE T ADD PARTITION (PARTITION p1 VALUES LESS THAN (99))' },
};

it('only statements all parts of which are known to change nothing leave a table in step (C1 to C4)', async () => {
  const { mysql } = replica;
  const cases = Object.entries({ ...leaving, ...staying });
  for (const [name, { create, rows }] of cases) {
    await mysql.query(`CREATE TABLE d.${name} (${create})`);
    if (rows) await mysql.query(`INSERT INTO d.${name} VALUES ${rows}`);
  }
  await mysql.query('CREATE TABLE d.parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2');
  await mysql.query(`CREATE TABLE d.ex (id INT PRIMARY KEY); INSERT INTO d.ex VALUES (2); CREATE TABLE d.ex2 LIKE d.ex;
    CREATE TABLE d.halved (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO d.halved VALUES (4)`);
  const task = replica.task({
    objects: [
      {
        database: 'd',
        tables: [
          ...cases.map(([name, { mapping }]) => ({ name, ...mapping })),
          { name: 'ex' },
          { name: 'halved' },
          { name: 'ex2' },
        ],
      },
    ],
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp, 60_000);
  for (const [name, { sql }] of cases) {
    const session = await mysql.connect();
    await session.query(`USE d; ${sql.replace(/\bT\b|(?<=p_)T\b/g, name)}`);
    await session.end();
  }
  // The other side of the first exchange is not even selected.
  await mysql.query(`ALTER TABLE d.parted EXCHANGE PARTITION p0 WITH TABLE d.ex;
    ALTER TABLE d.halved EXCHANGE PARTITION p0 WITH TABLE d.ex2 WITHOUT VALIDATION`);
  await replica.caughtUp(task);
  const { tables } = await replica.snapshot(task);
  const stopped = tables.flatMap(({ source, phase }) => (phase === 'stopped' ? [source] : []));
  const out = [...Object.keys(leaving), 'ex', 'halved', 'ex2'].map((name) => `d.${name}`);
  expect(stopped.sort()).toEqual(out.sort());
  await replica.stop(task);
}, 120_000);

it('a column that is added brings the values that the server gave its rows under the settings of the session (C3)', async () => {
  const { mysql } = replica;
  const added = {
    implicit: "SET explicit_defaults_for_timestamp=OFF, sql_mode=''; ALTER TABLE T ADD COLUMN t TIMESTAMP",
    second: `SET explicit_defaults_for_timestamp=OFF, sql_mode='', timestamp=1700000000;
      ALTER TABLE T ADD COLUMN a TIMESTAMP, ADD COLUMN b TIMESTAMP NULL, ADD COLUMN c TIMESTAMP(3)`,
    unnamed: "SET sql_mode=''; ALTER TABLE T ADD COLUMN n INT NOT NULL, ADD COLUMN s VARCHAR(3) NOT NULL",
    labelled:
      "SET sql_mode=''; ALTER TABLE T ADD COLUMN e ENUM('x','y') NOT NULL, ADD COLUMN d DATE NOT NULL",
    doubly: 'ALTER TABLE T ADD COLUMN n INT NULL AUTO_INCREMENT UNIQUE',
    counted: "SET sql_mode=''; ALTER TABLE T ADD COLUMN n INT NOT NULL AUTO_INCREMENT UNIQUE",
  };
  const names = Object.keys(added);
  for (const name of names)
    await mysql.query(`CREATE TABLE d.${name} (id INT PRIMARY KEY); INSERT INTO d.${name} VALUES (1), (2)`);
  const task = replica.task({ objects: [{ database: 'd', tables: names.map((name) => ({ name })) }] });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  for (const [name, sql] of Object.entries(added)) {
    const session = await mysql.connect({ database: 'd' });
    await session.query(sql.replace(/\bT\b/g, name));
    await session.end();
  }
  await replica.caughtUp(task);
  await replica.until(task, (s) => s.tables.every(({ phase }) => phase === 'incremental') && s.caughtUp);
  for (const name of names)
    for (const row of replica.rows(name)) expect([name, Object.keys(row).length]).not.toEqual([name, 1]);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
}, 60_000);

it('rule 14: a column stands where its statement puts it by the new names of the others', async () => {
  const { mysql } = replica;
  const columns = { a: { exclude: true }, b: { exclude: true } };
  await mysql.query(`CREATE TABLE d.after_added (id INT PRIMARY KEY, a INT, b INT, v INT);
    CREATE TABLE d.after_moved LIKE d.after_added`);
  const task = replica.task({
    objects: [{ database: 'd', tables: ['after_added', 'after_moved'].map((name) => ({ name, columns })) }],
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await mysql.query(`ALTER TABLE d.after_added ADD COLUMN x INT AFTER b, RENAME COLUMN a TO b, RENAME COLUMN b TO a;
    INSERT INTO d.after_added (id, a, b, v, x) VALUES (2, 100, 200, 300, 400);
    ALTER TABLE d.after_moved MODIFY v INT AFTER b, CHANGE a b INT, CHANGE b a INT;
    INSERT INTO d.after_moved (id, a, b, v) VALUES (2, 100, 200, 300)`);
  await replica.caughtUp(task);
  expect([replica.rows('after_added'), replica.rows('after_moved')]).toMatchObject([
    [{ id: 2, v: 300, x: 400 }],
    [{ id: 2, v: 300 }],
  ]);
  await replica.stop(task);
}, 60_000);

it('rule 14: a table whose transformation writes a cell stops when a column of that name comes or goes', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE d.etl_added (id INT PRIMARY KEY, v INT); INSERT INTO d.etl_added VALUES (1, 1);
    CREATE TABLE d.etl_dropped (id INT PRIMARY KEY, total VARCHAR(9)); CREATE TABLE d.etl_calm LIKE d.etl_added`);
  const task = replica.task({
    objects: [{ database: 'd', tables: ['etl_added', 'etl_dropped', 'etl_calm'].map((name) => ({ name })) }],
    etl: 'e_set(`Total`, 5)',
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await mysql.query(`ALTER TABLE d.etl_added ADD COLUMN total VARCHAR(9); ALTER TABLE d.etl_dropped DROP COLUMN total;
    ALTER TABLE d.etl_calm ADD COLUMN other VARCHAR(9)`);
  await replica.caughtUp(task);
  const { tables } = await replica.snapshot(task);
  expect(tables.map(({ source, phase }) => `${source} ${phase}`).sort()).toEqual([
    'd.etl_added stopped',
    'd.etl_calm incremental',
    'd.etl_dropped stopped',
  ]);
  await replica.stop(task);
}, 60_000);

it('a statement that changes rows stops every table of the databases that its event names (C5)', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE other.base (id INT PRIMARY KEY, v INT); INSERT INTO other.base VALUES (1, 1);
    CREATE VIEW other.seen AS SELECT * FROM other.base; CREATE TABLE d.apart (id INT PRIMARY KEY)`);
  const task = replica.task({
    objects: [
      { database: 'other', tables: [{ name: 'base' }] },
      { database: 'd', tables: [{ name: 'apart' }] },
    ],
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  // None of these changes a row.
  await mysql.query(`CREATE USER u1; GRANT SELECT ON *.* TO u1; CREATE OR REPLACE VIEW other.seen AS SELECT id, v FROM other.base;
    CREATE PROCEDURE other.p() SELECT 1; ANALYZE TABLE other.base; FLUSH TABLES; ALTER USER u1 COMMENT 'x'; DROP USER u1`);
  await replica.caughtUp(task);
  expect((await replica.snapshot(task)).tables.map(({ phase }) => phase)).not.toContain('stopped');
  const session = await mysql.connect();
  await session.query("SET SESSION binlog_format='STATEMENT'; USE d; UPDATE other.seen SET v = 100");
  await session.end();
  await replica.caughtUp(task);
  const { tables } = await replica.snapshot(task);
  expect(tables.find(({ source }) => source === 'other.base')).toMatchObject({
    phase: 'stopped',
    problem: { code: 'ROW-S109' },
  });
  expect(tables.find(({ source }) => source === 'd.apart')).toMatchObject({ phase: 'incremental' });
  await replica.stop(task);
}, 60_000);

it('rule 14: TRUNCATE with "delete" asks the source nothing, whatever became of the table since (C6)', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE d.gone (id INT PRIMARY KEY, x INT); INSERT INTO d.gone VALUES (1, 1), (2, 2);
    CREATE TABLE d.calm (id INT PRIMARY KEY)`);
  const task = replica.task({
    objects: [{ database: 'd', tables: [{ name: 'gone' }, { name: 'calm' }] }],
    ddl: { truncate: 'delete' },
  });
  expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
  await mysql.query(`TRUNCATE d.gone; ALTER TABLE d.gone DROP COLUMN x; INSERT INTO d.gone VALUES (3);
    INSERT INTO d.calm VALUES (1)`);
  expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
  expect([replica.rows('gone'), replica.rows('calm')]).toEqual([[{ id: 3 }], [{ id: 1 }]]);
}, 60_000);

it('rule 14: TRUNCATE with "delete" stops a table that may hold rows of others', async () => {
  const { mysql } = replica;
  await mysql.query('CREATE TABLE d.shared (id INT PRIMARY KEY); INSERT INTO d.shared VALUES (1), (2)');
  const objects = [{ database: 'd', tables: [{ name: 'shared' }] }];
  expect(await replica.run(replica.task({ objects }))).toMatchObject({ state: 'stopped' });
  const task = replica.task({ objects, conflict: 'ignore', ddl: { truncate: 'delete' } });
  await mysql.query('DELETE FROM d.shared WHERE id = 2');
  await replica.run(task);
  await mysql.query('TRUNCATE d.shared');
  await replica.run(task);
  expect(replica.rows('shared')).toEqual([{ id: 1 }, { id: 2 }]);
  const [table] = (await replica.snapshot(task)).tables;
  expect(table).toMatchObject({ phase: 'stopped', problem: { code: 'ROW-S113' } });
  expect(table!.problem!.message).toMatch(/existed before this task/);
}, 60_000);

it('CREATE TABLE IF NOT EXISTS starts no table again that stopped for another reason than a DROP', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE once; CREATE TABLE once.kept (id INT PRIMARY KEY); INSERT INTO once.kept VALUES (1);
    CREATE TABLE once.made (id INT PRIMARY KEY); INSERT INTO once.made VALUES (1)`);
  const task = replica.task({ objects: [{ database: 'once' }] });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await mysql.query(`USE once; TRUNCATE kept; CREATE TABLE IF NOT EXISTS kept (id INT PRIMARY KEY);
    DROP TABLE made; CREATE TABLE IF NOT EXISTS made (id INT PRIMARY KEY); INSERT INTO made VALUES (2)`);
  await replica.caughtUp(task);
  const phases = (await replica.snapshot(task)).tables.map(({ source, phase }) => [source, phase]);
  expect(phases).toContainEqual(['once.kept', 'stopped']);
  expect([replica.rows('kept'), replica.rows('made')]).toEqual([[{ id: 1 }], [{ id: 2 }]]);
  await replica.stop(task);
}, 60_000);

it('a table whose key nothing keeps unique any more stays stopped when it is loaded anew', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, UNIQUE KEY uc (code));
    INSERT INTO k.t VALUES (1, 'A')`);
  const task = replica.task({
    objects: [{ database: 'k', tables: [{ name: 't', rename: 'k_t', primaryKey: ['code'] }] }],
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await mysql.query("ALTER TABLE k.t DROP INDEX uc; INSERT INTO k.t VALUES (2, 'A')");
  await replica.until(task, ({ tables }) => tables[0]?.phase === 'stopped');
  for (const remake of [false, true]) {
    await replica.engine.api.reload(task.id, 'k.t', remake);
    const { tables } = await replica.until(task, ({ tables: [t] }) =>
      /is not guaranteed/.test(t?.problem?.message ?? ''),
    );
    expect(tables[0]).toMatchObject({ phase: 'stopped' });
  }
  await mysql.query('DELETE FROM k.t WHERE id = 2; ALTER TABLE k.t ADD UNIQUE KEY uc (code)');
  await replica.engine.api.reload(task.id, 'k.t', false);
  await replica.until(task, ({ tables: [t] }) => t?.phase === 'incremental');
  await replica.stop(task);
}, 60_000);
