import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type PlainRow, type Replica } from '../support/replica.js';

/** Rows as the user said, by the load and by the stream: the same changes are made before and while a task runs. */
let replica: Replica;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE a; CREATE DATABASE b');
}, 60_000);
afterAll(() => replica?.close());

async function following(file: Record<string, unknown> & { objects: unknown[] }): Promise<ResolvedTask> {
  const task = replica.task(file);
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  return task;
}
async function settled(task: ResolvedTask): Promise<void> {
  await replica.caughtUp(task);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
}

/** Runs `write` twice, on a table that is loaded afterwards and on one that is followed; both must hold the same. */
async function bothWays(
  name: string,
  columns: string,
  write: (table: string) => string,
  mapping: (renamed: string) => Record<string, unknown>,
  more: Record<string, unknown> = {},
): Promise<PlainRow[]> {
  const { mysql } = replica;
  const [loaded, streamed] = [`${name}_loaded`, `${name}_streamed`];
  for (const table of [loaded, streamed]) await mysql.query(`CREATE TABLE a.${table} (${columns})`);
  await mysql.query(write(loaded));
  const task = await following({
    ...more,
    objects: [
      {
        database: 'a',
        tables: [
          { name: loaded, ...mapping(loaded) },
          { name: streamed, ...mapping(streamed) },
        ],
      },
    ],
  });
  await mysql.query(write(streamed));
  await settled(task);
  const rows = replica.rows(loaded);
  expect(replica.rows(streamed)).toEqual(rows);
  return rows;
}

it('a filter that the source decides, on events that do not hold what it asks for', async () => {
  const rows = await bothWays(
    'asked',
    'region CHAR(2), id INT, note TEXT, n INT, PRIMARY KEY (region, id)',
    (table) => `
      INSERT INTO a.${table} VALUES ('eu', 1, 'long enough', 1), ('eu', 2, 'x', 2), ('eu', 3, 'stays here', 3), ('eu', 4, 'goes away', 4);
      SET SESSION binlog_row_image = MINIMAL;
      UPDATE a.${table} SET n = 10 WHERE id = 1;
      UPDATE a.${table} SET note = 'now long' WHERE id = 2;
      UPDATE a.${table} SET id = 30 WHERE id = 3;
      UPDATE a.${table} SET note = 'y', id = 40 WHERE id = 4;
      SET SESSION binlog_row_image = DEFAULT`,
    () => ({ filter: 'LENGTH(note) > 3' }),
  );
  expect(rows).toEqual([
    { region: 'eu', id: 1, note: 'long enough', n: 10 },
    { region: 'eu', id: 2, note: 'now long', n: 2 },
    { region: 'eu', id: 30, note: 'stays here', n: 3 },
  ]);
});

it('renames, retyping, exclusion and a key of four columns in another order', async () => {
  const rows = await bothWays(
    'mapped',
    'Id INT, region CHAR(2) NOT NULL, kind ENUM("x","y") NOT NULL, day DATE NOT NULL, score DECIMAL(8,2), at DATETIME(3), ssn CHAR(9), note TEXT, PRIMARY KEY (Id), UNIQUE KEY (region, kind, day, Id)',
    (
      table,
    ) => `INSERT INTO a.${table} VALUES (1, 'eu', 'y', '2024-02-29', 12.30, '2024-01-01 00:00:00.5', 's', 'n'), (2, 'us', 'x', '0001-01-01', NULL, NULL, NULL, NULL);
      UPDATE a.${table} SET region = 'as', day = '2024-03-01' WHERE Id = 1`,
    () => ({
      primaryKey: ['day', 'region', 'id', 'kind'],
      columns: {
        note: { rename: 'memo' },
        score: { type: 'DOUBLE' },
        at: { type: 'INTEGER', unit: 'ms' },
        SSN: { exclude: true },
        id: { type: 'STRING' },
      },
    }),
  );
  expect(rows).toEqual([
    { day: '0001-01-01', region: 'us', Id: '2', kind: 'x' },
    { day: '2024-03-01', region: 'as', Id: '1', kind: 'y', score: 12.3, at: 1704067200500, memo: 'n' },
  ]);
}, 60_000);

it('rule 7: keys are compared by bytes, and a key change is a delete and a put', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE TABLE a.bytes (k VARCHAR(20), v INT, PRIMARY KEY (k)) COLLATE utf8mb4_general_ci;
    INSERT INTO a.bytes VALUES ('a', 1), ('ss', 2), ('x', 3)`);
  const task = await following({ objects: [{ database: 'a', tables: [{ name: 'bytes' }] }] });
  await mysql.query(`UPDATE a.bytes SET k = 'A' WHERE v = 1; UPDATE a.bytes SET k = 'ß' WHERE v = 2;
    UPDATE a.bytes SET k = 'x ' WHERE v = 3; UPDATE a.bytes SET v = 30 WHERE v = 3;
    BEGIN; UPDATE a.bytes SET k = 'swap' WHERE v = 1; UPDATE a.bytes SET k = 'A' WHERE v = 2; UPDATE a.bytes SET k = 'ß' WHERE v = 1; COMMIT`);
  await replica.caughtUp(task);
  expect(replica.rows('bytes')).toEqual([
    { k: 'A', v: 2 },
    { k: 'x ', v: 30 },
    { k: 'ß', v: 1 },
  ]);
  await settled(task);
}, 60_000);

it('rule 19: filters mean the same in both phases, rows enter and leave', async () => {
  const filters = [
    "status <> 'test'",
    "note LIKE 'A%' OR n BETWEEN 2 AND '3'",
    'n + 0.5 > 2 AND NOT (status IS NULL)',
    "CONCAT(status, note) REGEXP '^l.*z$' OR at >= '2024-01-01' + INTERVAL 1 DAY",
    "status IN ('LIVE', NULL) XOR n = '1abc'",
  ];
  for (const [i, filter] of filters.entries()) {
    const table = `filter_${i}`;
    await bothWays(
      table,
      'id INT PRIMARY KEY, status VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, n INT, note VARCHAR(9), at DATETIME',
      (
        name,
      ) => `INSERT INTO a.${name} VALUES (1, 'live', 1, 'az', '2024-01-01'), (2, 'TEST', 2, 'b', '2024-01-02'), (3, NULL, 3, 'c', NULL),
        (4, 'Lïve', NULL, 'z', '2023-01-01'), (5, 'test', 4, 'Äz', '2024-05-05'), (6, 'live', 1, NULL, '2025-01-01');
        UPDATE a.${name} SET status = 'test', n = 9 WHERE id = 1; UPDATE a.${name} SET status = 'live' WHERE id = 2;
        UPDATE a.${name} SET status = NULL, note = 'zz' WHERE id = 6; UPDATE a.${name} SET n = 2 WHERE id = 4;
        UPDATE a.${name} SET id = 50, status = 'live' WHERE id = 5; DELETE FROM a.${name} WHERE id = 3`,
      () => ({ filter }),
    );
  }
}, 90_000);

it('rule 19: a transformation gives the same in both phases, and what it drops now is deleted', async () => {
  const rows = await bothWays(
    'etl',
    'id INT PRIMARY KEY, phone VARCHAR(20), n DECIMAL(6,2), gone INT',
    (
      table,
    ) => `INSERT INTO a.${table} VALUES (1, '13800138000', 1.50, 0), (2, NULL, NULL, 0), (3, 'x', 3, 0), (4, 'y', 4, 1);
      UPDATE a.${table} SET gone = 1 WHERE id = 3; UPDATE a.${table} SET gone = 0 WHERE id = 4`,
    () => ({}),
    {
      etl: "e_compose(e_if(op_gt(`gone`, 0), e_drop()), e_set(`phone`, str_mask(`phone`, 3, 6, '*')), e_set(`double`, op_sum(`n`, `n`)))",
    },
  );
  expect(rows.map((row) => row['id'])).toEqual([1, 2, 4]);
}, 60_000);

it('rule 19: a FLOAT in a transformation is the text that MySQL prints, and counts as the number that it is (G14)', async () => {
  const rows = await bothWays(
    'single',
    'id INT PRIMARY KEY, f FLOAT, copy FLOAT, g FLOAT(8,3)',
    (table) =>
      `INSERT INTO a.${table} VALUES (1, 1.1, 0, 2.5), (2, 1e30, 0, 0.125), (3, -0.1, 0, 3), (4, NULL, 0, NULL), (5, 3.40282e38, 0, 1)`,
    () => ({}),
    {
      etl: 'e_compose(e_set(`t`, op_add(`f`, "/", `g`)), e_set(`c`, cast_double_to_string(`f`)), e_set(`copy`, `f`), e_set(`m`, op_mul(`f`, 2)))',
    },
  );
  expect(rows.map((row) => row['c'])).toEqual(['1.1', '1e30', '-0.1', undefined, '3.40282e38']);
  expect(rows.map((row) => row['copy'])).toEqual(rows.map((row) => row['f']));
  expect(rows[0]).toMatchObject({ t: '1.1/2.5', m: Math.fround(1.1) * 2 });
}, 60_000);

it('rule 19: a DOUBLE in a transformation is the text that MySQL prints, and bytes that are no text are dirty (G14)', async () => {
  const rows = await bothWays(
    'double',
    'id INT PRIMARY KEY, d DOUBLE, b VARBINARY(4)',
    (table) =>
      `INSERT INTO a.${table} VALUES (1, 1e300, 'ab'), (2, -1e-16, ''), (3, 0.1, 'é'), (4, 1, x'ff41'), (5, 1e15, x'80')`,
    () => ({}),
    { dirtyData: { policy: 'skip' }, etl: 'e_set(`t`, op_add(cast_double_to_string(`d`), "/", `b`))' },
  );
  const printed = await replica.mysql.query<{ t: string }>(
    "SELECT CONCAT(d, '/', CONVERT(b USING utf8mb4)) AS t FROM a.double_loaded WHERE id < 4 ORDER BY id",
  );
  expect(rows.map((row) => row['t'])).toEqual(printed.map(({ t }) => t));
  expect(printed[0]!.t).toBe('1e300/ab');
}, 60_000);

it('rule 20: a key that the transformation makes: its rows are found, and stay when the table is loaded anew', async () => {
  const { mysql, engine } = replica;
  await mysql.query(
    "CREATE TABLE a.made (id VARCHAR(20) PRIMARY KEY, n INT, big BIGINT UNSIGNED); INSERT INTO a.made VALUES ('A', 1, 1), ('B', 2, 2), ('C', 3, 3)",
  );
  const file = {
    objects: [{ database: 'a', tables: [{ name: 'made' }] }],
    etl: "e_set(`id`, op_add('key-', str_lower(`id`)))",
  };
  // It has to be accepted.
  await expect(replica.start(replica.task(file))).rejects.toMatchObject({
    message: expect.stringContaining('etl-key') as unknown,
  });
  const task = await following({
    ...file,
    ignoredChecks: ['etl-key', 'bigint-unsigned', 'empty-key'],
    dirtyData: 'skip',
  });
  await mysql.query(
    "UPDATE a.made SET id = 'D' WHERE n = 1; DELETE FROM a.made WHERE id = 'B'; INSERT INTO a.made VALUES ('E', 5, 5), ('F', 6, 18446744073709551615)",
  );
  await replica.caughtUp(task);
  const expected = [
    { id: 'key-c', n: 3, big: 3 },
    { id: 'key-d', n: 1, big: 1 },
    { id: 'key-e', n: 5, big: 5 },
  ];
  expect(replica.rows('made')).toEqual(expected);
  // What no event tells: one row is gone, one changed.
  await mysql.query(
    "SET sql_log_bin = 0; DELETE FROM a.made WHERE id = 'C'; UPDATE a.made SET n = 50 WHERE id = 'E'; SET sql_log_bin = 1",
  );
  await replica.stop(task);
  expect((await replica.verify(task)).tables[0]).toMatchObject({
    extra: 1,
    different: 1,
    missing: 0,
    dirty: 1,
  });
  await engine.api.reload(task.id, 'a.made');
  await replica.run(task);
  expect(replica.rows('made')).toEqual([expected[1], { id: 'key-e', n: 50, big: 5 }]);
  // A dirty row is found by its key at the source.
  await mysql.query('UPDATE a.made SET big = 6 WHERE n = 6');
  await replica.run(task);
  await engine.api.retryDirty(task, {});
  expect((await replica.snapshot(task)).dirty).toBe(0);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
}, 60_000);

it('rule 19: only the operations that were chosen; without INSERT an update makes no row', async () => {
  const { mysql } = replica;
  const write = (
    name: string,
  ) => `INSERT INTO a.${name} VALUES (2, 2); UPDATE a.${name} SET v = 22 WHERE id = 2;
    UPDATE a.${name} SET v = 11 WHERE id = 1; DELETE FROM a.${name} WHERE id = 3`;
  for (const [operations, expected] of [
    [
      ['INSERT', 'UPDATE'],
      [
        [1, 11],
        [2, 22],
        [3, 3],
      ],
    ],
    [['UPDATE', 'DELETE'], [[1, 11]]],
    [
      ['INSERT', 'DELETE'],
      [
        [1, 1],
        [2, 2],
      ],
    ],
  ] as const) {
    const name = `ops_${operations.join('_').toLowerCase()}`;
    await mysql.query(
      `CREATE TABLE a.${name} (id INT PRIMARY KEY, v INT); INSERT INTO a.${name} VALUES (1, 1), (3, 3)`,
    );
    const task = await following({
      objects: [{ database: 'a', tables: [{ name }] }],
      synchronization: { operations },
    });
    await mysql.query(write(name));
    await replica.caughtUp(task);
    expect(replica.rows(name).map((row) => [row['id'], row['v']])).toEqual(expected);
    await replica.stop(task);
  }
}, 60_000);

it('rule 20: several tables become one, each with its own rows, in capitals', async () => {
  const { mysql, engine } = replica;
  for (const database of ['a', 'b'])
    await mysql.query(
      `CREATE TABLE ${database}.Orders (Id INT PRIMARY KEY, v INT); INSERT INTO ${database}.Orders VALUES (1, 1), (2, 2)`,
    );
  const task = await following({
    objects: ['a', 'b'].map((database) => ({ database, tables: [{ name: 'Orders' }] })),
    merge: true,
    capitalization: 'upper',
  });
  await mysql.query(
    'UPDATE a.Orders SET v = 10 WHERE Id = 1; DELETE FROM b.Orders WHERE Id = 2; UPDATE b.Orders SET Id = 3 WHERE Id = 1',
  );
  await replica.caughtUp(task);
  const key = (source: string) => `${task.id}:${source}.Orders`;
  const expected = [
    { ID: 1, __dts_data_source: key('a'), V: 10 },
    { ID: 2, __dts_data_source: key('a'), V: 2 },
    { ID: 3, __dts_data_source: key('b'), V: 1 },
  ];
  expect(replica.rows('ORDERS')).toEqual(expected);
  expect(Object.fromEntries((await replica.snapshot(task)).tables.map((t) => [t.source, t.changes]))).toEqual(
    {
      'a.Orders': { inserted: 0, updated: 1, deleted: 0 },
      'b.Orders': { inserted: 0, updated: 1, deleted: 1 },
    },
  );
  // The sweep of one leaves the rows of the other (rule 5).
  await engine.api.reload(task.id, 'b.Orders');
  await settled(task);
  expect(replica.rows('ORDERS')).toEqual(expected);
}, 60_000);

it('a merge with filters, rules of names, a transformation, keys in another order and capitals, all at once', async () => {
  const { mysql, engine } = replica;
  for (const database of ['a', 'b'])
    await mysql.query(
      `CREATE TABLE ${database}.mix_${database} (k1 INT, k2 VARCHAR(9), k3 DATE, v_n INT, v_flag BIT(1), PRIMARY KEY (k1, k2, k3));
       INSERT INTO ${database}.mix_${database} VALUES (1, 'x', '2024-01-01', 1, 1), (2, 'Y', '0000-01-01', 2, 0), (3, 'z', '2024-01-03', 3, 1)`,
    );
  const object = (database: string) => ({
    database,
    tables: [
      {
        name: `mix_${database}`,
        primaryKey: ['k3', 'k1', 'k2'],
        filter: 'v_flag AND v_n < 100',
        columns: { k3: { type: 'INTEGER' }, v_flag: { exclude: true } },
      },
    ],
    renameTables: { replace: [{ from: `_${database}`, to: '' }], suffix: '_all' },
    renameColumns: { replace: [{ from: 'v_', to: '' }], prefix: 'c_' },
  });
  const task = await following({
    objects: [object('a'), object('b')],
    merge: true,
    capitalization: 'upper',
    etl: "e_compose(e_set(`v_n`, op_sum(`v_n`, 1000)), e_set(`origin`, __DB__), e_if(op_eq(`k2`, 'drop'), e_drop()))",
  });
  await mysql.query(
    `UPDATE a.mix_a SET v_flag = 1 WHERE k1 = 2; UPDATE b.mix_b SET v_n = 500 WHERE k1 = 1;
     UPDATE b.mix_b SET k2 = 'drop' WHERE k1 = 3; INSERT INTO b.mix_b VALUES (9, 'n', '2024-02-29', 9, 1), (8, 'n', '2024-02-29', 8, NULL);
     UPDATE a.mix_a SET k3 = '2024-01-09' WHERE k1 = 1; DELETE FROM a.mix_a WHERE k1 = 3`,
  );
  await replica.caughtUp(task);
  const row = (database: string, k3: string, k1: number, k2: string, n: number) => ({
    c_K3: Date.parse(k3),
    c_K1: k1,
    c_K2: k2,
    __dts_data_source: `${task.id}:${database}.mix_${database}`,
    c_N: n + 1000,
    origin: database,
  });
  const expected = [
    row('a', '0000-01-01', 2, 'Y', 2),
    row('a', '2024-01-09', 1, 'x', 1),
    row('b', '2024-02-29', 9, 'n', 9),
  ];
  expect(replica.rows('MIX_all')).toEqual(expected);
  await engine.api.reload(task.id, 'a.mix_a');
  await replica.caughtUp(task);
  await settled(task);
  expect(replica.rows('MIX_all')).toEqual(expected);
}, 60_000);

it('update-row and batch-write: cells of others stay, NULL deletes, put-row replaces', async () => {
  for (const [mode, batch] of [
    ['update-row', 'batch-write'],
    ['update-row', 'bulk-import'],
    ['put-row', 'batch-write'],
  ] as const) {
    const rows = await bothWays(
      `write_${mode.slice(0, 3)}_${batch.slice(0, 3)}`,
      'id INT PRIMARY KEY, a INT, b INT',
      (
        table,
      ) => `INSERT INTO a.${table} VALUES (1, 1, 1), (2, NULL, NULL); UPDATE a.${table} SET b = NULL WHERE id = 1;
        DELETE FROM a.${table} WHERE id = 2; INSERT INTO a.${table} VALUES (2, 5, NULL); UPDATE a.${table} SET a = NULL WHERE id = 2`,
      () => ({}),
      { write: { mode, batch } },
    );
    expect(rows).toEqual([{ id: 1, a: 1 }, { id: 2 }]);
  }
}, 60_000);
