import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { createTable, deleteTable } from '../../src/tablestore/client/operations.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Whatever befalls one table stops that table alone, says what to do, and that brings it back. */
let replica: Replica;
let client: TablestoreClient;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  const { url, instance, accessKeyId, accessKeySecret } = replica.store;
  client = new TablestoreClient({ endpoint: url, instance, accessKeyId, accessKeySecret });
}, 120_000);
afterAll(async () => {
  client?.close();
  await replica?.close();
});

let made = 0;
/** A database of its own, with a table that nothing happens to. */
async function database(): Promise<string> {
  const name = `b${++made}`;
  await replica.mysql.query(
    `CREATE DATABASE ${name}; CREATE TABLE ${name}.calm${made} (id INT PRIMARY KEY); INSERT INTO ${name}.calm${made} VALUES (1)`,
  );
  return name;
}
const calm = (db: string) => `calm${db.slice(1)}`;

/** Runs to the end: the calm table must have come along, and the stopped ones are given. */
async function runs(
  task: ResolvedTask,
  db: string,
  destination = calm(db),
): Promise<Record<string, { code: string; remedy: string }>> {
  const id = 100 + ++made;
  await replica.mysql.query(`INSERT INTO ${db}.${calm(db)} VALUES (${id})`);
  expect(await replica.run(task)).toEqual({ state: 'stopped', reached: true });
  expect(replica.rows(destination)).toContainEqual({ id });
  const { tables } = await replica.snapshot(task);
  return Object.fromEntries(
    tables.flatMap(({ source, phase, problem }) => (phase === 'stopped' ? [[source, problem!]] : [])),
  );
}
const reloadOf = (source: string) => `rowferry reload TASK --table ${source}`;
const whole = (db: string, more: Record<string, unknown> = {}) =>
  replica.task({ objects: [{ database: db }], ...more });

describe('a table that was changed while the task rested', () => {
  it('rule 25: TRUNCATE, a rename and another type in any order keep nobody from starting', async () => {
    const steps = ['TRUNCATE NAME', 'RENAME TABLE NAME TO NEXT', 'ALTER TABLE NAME MODIFY v VARCHAR(9)'];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
      [0, 1, 2, 1],
      [1, 0, 1, 2],
      [2, 1, 0, 1],
    ];
    for (const onChange of ['stop-table', 'reload'] as const) {
      const db = await database();
      const create = orders.map(
        (_, i) => `CREATE TABLE ${db}.t${made}_${i} (id INT PRIMARY KEY, v INT);
          INSERT INTO ${db}.t${made}_${i} VALUES (1, 1), (2, 2)`,
      );
      const prefix = `t${made}_`;
      await replica.mysql.query(create.join(';'));
      const named = [...orders.map((_, i) => ({ name: `${prefix}${i}` })), { name: calm(db) }];
      const task = replica.task({
        objects: [onChange === 'reload' ? { database: db } : { database: db, tables: named }],
        ddl: { truncate: 'delete', onChange },
      });
      await replica.run(task);
      for (const [i, order] of orders.entries()) {
        let name = `${prefix}${i}`;
        for (const step of order) {
          const next = name.endsWith('_to') ? `${prefix}${i}` : `${prefix}${i}_to`;
          await replica.mysql.query(
            steps[step]!.replace(/\bNAME\b/, `${db}.${name}`).replace('NEXT', `${db}.${next}`),
          );
          if (step === 1) name = next;
        }
        await replica.mysql.query(`INSERT INTO ${db}.${name} VALUES (7, '7')`);
      }
      // As the remedies say, until none is left but those that are gone.
      for (const [source, { remedy }] of Object.entries(await runs(task, db)))
        if (remedy.includes('reload')) await replica.engine.api.reload(task.id, source);
      await runs(task, db);
      const { tables } = await replica.verify(task);
      const there = tables.filter(({ problem }) => !problem);
      for (const { source, different, missing, extra } of there)
        expect([source, different, missing, extra]).toEqual([source, 0, 0, 0]);
      const isBack = (order: number[]) => order.filter((step) => step === 1).length === 2;
      expect(there).toHaveLength(1 + (onChange === 'reload' ? orders : orders.filter(isBack)).length);
    }
  }, 180_000);

  it('DROP and CREATE with another key: stopped, and made anew on request', async () => {
    const db = await database();
    await replica.mysql.query(
      `CREATE TABLE ${db}.rekeyed (id INT PRIMARY KEY, k VARCHAR(9) NOT NULL); INSERT INTO ${db}.rekeyed VALUES (1, 'a')`,
    );
    const task = whole(db);
    await replica.run(task);
    await replica.mysql.query(`DROP TABLE ${db}.rekeyed;
      CREATE TABLE ${db}.rekeyed (k VARCHAR(9) PRIMARY KEY, id INT); INSERT INTO ${db}.rekeyed VALUES ('b', 2)`);
    const stopped = (await runs(task, db))[`${db}.rekeyed`]!;
    expect(stopped.code).toBe('ROW-D106');
    expect(stopped.remedy).toContain(`${reloadOf(`${db}.rekeyed`)} --remake`);
    await replica.engine.api.reload(task.id, `${db}.rekeyed`, true);
    expect(await runs(task, db)).toEqual({});
    expect(replica.rows('rekeyed')).toEqual([{ k: 'b', id: 2 }]);
  }, 60_000);

  it('rule 25: columns that the task names are gone or renamed: its file is corrected', async () => {
    const db = await database();
    const columns = '(id INT PRIMARY KEY, x INT, y INT NOT NULL, UNIQUE KEY (y))';
    for (const name of ['f_dropped', 'f_renamed', 'k_dropped', 'c_dropped'])
      await replica.mysql.query(
        `CREATE TABLE ${db}.${name} ${columns}; INSERT INTO ${db}.${name} VALUES (1, 1, 1)`,
      );
    const file = (mended: boolean) => ({
      id: `mended-${db}`,
      objects: [
        {
          database: db,
          tables: [
            { name: calm(db) },
            { name: 'f_dropped', filter: mended ? 'y > 0' : 'x > 0' },
            { name: 'f_renamed', filter: mended ? 'x2 > 0' : 'x > 0' },
            {
              name: 'k_dropped',
              ...(!mended && { primaryKey: ['y'] }),
              rename: mended ? 'k_again' : 'k_dropped',
            },
            { name: 'c_dropped', ...(!mended && { columns: { x: { rename: 'z' } } }) },
          ],
        },
      ],
    });
    const task = replica.task(file(false));
    await replica.run(task);
    await replica.mysql
      .query(`ALTER TABLE ${db}.f_dropped DROP x; ALTER TABLE ${db}.f_renamed RENAME COLUMN x TO x2;
      ALTER TABLE ${db}.k_dropped DROP y; ALTER TABLE ${db}.c_dropped DROP x`);
    const names = ['f_dropped', 'f_renamed', 'k_dropped', 'c_dropped'].map((name) => `${db}.${name}`);
    // Asked to be loaded anew while it rests, it is looked at before the stream comes to the statement.
    for (const name of names.slice(0, 3)) await replica.engine.api.reload(task.id, name);
    for (let i = 0; i < 2; i++) {
      const stopped = await runs(task, db);
      expect(Object.keys(stopped).sort()).toEqual([...names].sort());
      for (const name of names) expect(stopped[name]!.remedy).toContain('in the task');
      for (const name of names) await replica.engine.api.reload(task.id, name);
    }
    const mended = replica.task(file(true));
    expect(await runs(mended, db)).toEqual({});
    expect(replica.rows('f_renamed')).toEqual([{ id: 1, x2: 1, y: 1 }]);
    expect(replica.rows('k_again')).toEqual([{ id: 1, x: 1 }]);
    expect(await replica.verify(mended)).toMatchObject({ equal: true });
  }, 60_000);

  it('a view that has its name, and a partition that was exchanged', async () => {
    const db = await database();
    await replica.mysql
      .query(`CREATE TABLE ${db}.seen (id INT PRIMARY KEY); INSERT INTO ${db}.seen VALUES (1);
      CREATE TABLE ${db}.parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO ${db}.parted VALUES (1), (2);
      CREATE TABLE ${db}.beside (id INT PRIMARY KEY); INSERT INTO ${db}.beside VALUES (4)`);
    const task = whole(db);
    await replica.run(task);
    await replica.mysql
      .query(`DROP TABLE ${db}.seen; CREATE VIEW ${db}.seen AS SELECT * FROM ${db}.${calm(db)};
      ALTER TABLE ${db}.parted EXCHANGE PARTITION p0 WITH TABLE ${db}.beside`);
    expect(Object.keys(await runs(task, db)).sort()).toEqual([`${db}.beside`, `${db}.parted`, `${db}.seen`]);
    for (const name of ['seen', 'parted', 'beside'])
      await replica.engine.api.reload(task.id, `${db}.${name}`);
    const stopped = await runs(task, db);
    expect(Object.keys(stopped)).toEqual([`${db}.seen`]);
    expect(stopped[`${db}.seen`]).toMatchObject({
      code: 'ROW-S108',
      message: expect.stringMatching(/view/) as unknown,
    });
    expect([replica.rows('parted'), replica.rows('beside')]).toEqual([[{ id: 1 }, { id: 4 }], [{ id: 2 }]]);
    await replica.mysql.query(`DROP VIEW ${db}.seen; CREATE TABLE ${db}.seen (id INT PRIMARY KEY)`);
    await replica.engine.api.reload(task.id, `${db}.seen`);
    expect(await runs(task, db)).toEqual({});
    expect(replica.rows('seen')).toEqual([]);
  }, 60_000);
});

it('a transformation that reads a column which is gone: its table stops, no row is dirty', async () => {
  const db = await database();
  const table = `etl_${db}`;
  await replica.mysql
    .query(`CREATE TABLE ${db}.${table} (id INT PRIMARY KEY, x INT); INSERT INTO ${db}.${table} VALUES (1, 1);
    CREATE TABLE ${db}.lone_${db} (id INT PRIMARY KEY)`);
  const file = (column: string) => ({
    id: `etl-${db}`,
    objects: [{ database: db }],
    etl: `e_if(op_eq(__TB__, '${table}'), e_set(\`y\`, op_add(\`${column}\`, 1)))`,
  });
  const task = replica.task(file('x'));
  await replica.run(task);
  await replica.mysql.query(
    `ALTER TABLE ${db}.${table} DROP x, ADD x2 INT DEFAULT 5; INSERT INTO ${db}.${table} (id) VALUES (2)`,
  );
  expect(Object.keys(await runs(task, db))).toEqual([`${db}.${table}`]);
  await replica.engine.api.reload(task.id, `${db}.${table}`);
  for (let i = 0; i < 2; i++) {
    const stopped = (await runs(task, db))[`${db}.${table}`]!;
    expect(stopped).toMatchObject({
      code: 'ROW-T102',
      message: expect.stringMatching(/reads the column x, which/) as unknown,
    });
    expect(stopped.remedy).toMatch(/script/);
    expect((await replica.snapshot(task)).dirty).toBe(0);
    // While it runs as well.
    if (i === 0) await replica.engine.api.reload(task.id, `${db}.${table}`);
  }
  const mended = replica.task(file('x2'));
  await replica.engine.api.reload(task.id, `${db}.${table}`);
  expect(await runs(mended, db)).toEqual({});
  expect(replica.rows(table)).toEqual([
    { id: 1, x2: 5, y: '51' },
    { id: 2, x2: 5, y: '51' },
  ]);
}, 60_000);

it('a charset that the source does not have any more, and a table that it cannot read', async () => {
  const db = await database();
  await replica.mysql
    .query(`CREATE TABLE ${db}.old_${db} (id INT PRIMARY KEY, v VARCHAR(9) CHARSET latin1); INSERT INTO ${db}.old_${db} VALUES (1, 'é');
    CREATE TABLE ${db}.torn_${db} (id INT PRIMARY KEY); INSERT INTO ${db}.torn_${db} VALUES (1)`);
  const task = replica.task({ objects: [{ database: db }] });
  await replica.run(task);
  const store = new DatabaseSync(join(replica.stateDir, 'store.db'));
  store
    .prepare(
      `UPDATE source_table SET record = replace(record, '"charset":"latin1"', '"charset":"klingon"') WHERE source = ?`,
    )
    .run(`${db}.old_${db}`);
  store.close();
  await replica.mysql.query(`ALTER TABLE ${db}.torn_${db} DISCARD TABLESPACE`);
  await replica.engine.api.reload(task.id, `${db}.torn_${db}`);
  const stopped = await runs(task, db);
  expect(stopped).toMatchObject({
    [`${db}.old_${db}`]: {
      code: 'ROW-S111',
      remedy: expect.stringContaining(reloadOf(`${db}.old_${db}`)) as string,
    },
    [`${db}.torn_${db}`]: {
      code: 'ROW-S111',
      remedy: expect.stringContaining(reloadOf(`${db}.torn_${db}`)) as string,
    },
  });
  await replica.mysql.query(
    `DROP TABLE ${db}.torn_${db}; CREATE TABLE ${db}.torn_${db} (id INT PRIMARY KEY); INSERT INTO ${db}.torn_${db} VALUES (2)`,
  );
  for (const name of ['old', 'torn']) await replica.engine.api.reload(task.id, `${db}.${name}_${db}`);
  expect(await runs(task, db)).toEqual({});
  expect([replica.rows(`old_${db}`), replica.rows(`torn_${db}`)]).toEqual([[{ id: 1, v: 'é' }], [{ id: 2 }]]);
}, 60_000);

it('rule 25: what befalls a table during the full load is its own trouble as well', async () => {
  const db = await database();
  const rows = 6000;
  await replica.mysql
    .query(`CREATE TABLE ${db}.a_long (id INT PRIMARY KEY); SET SESSION cte_max_recursion_depth = 100000;
    INSERT INTO ${db}.a_long WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i FROM n;
    CREATE TABLE ${db}.x_secret (id INT PRIMARY KEY); INSERT INTO ${db}.x_secret VALUES (1);
    CREATE TABLE ${db}.x_torn (id INT PRIMARY KEY); INSERT INTO ${db}.x_torn VALUES (1);
    CREATE TABLE ${db}.x_wrong (id INT PRIMARY KEY, v INT); INSERT INTO ${db}.x_wrong VALUES (1, 1);
    CREATE USER '${db}'@'%'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${db}'@'%'`);
  const names = [calm(db), 'a_long', 'x_secret', 'x_torn', 'x_wrong'];
  for (const name of names) await replica.mysql.query(`GRANT SELECT ON ${db}.${name} TO '${db}'@'%'`);
  const file = (x_wrong: Record<string, unknown>) => ({
    id: `load-${db}`,
    objects: [{ database: db, tables: names.map((name) => ({ name, ...(name === 'x_wrong' && x_wrong) })) }],
    source: { host: '127.0.0.1', port: replica.mysql.port, user: db },
    throttle: { full: { rowsPerSecond: 2000 } },
    // One after the other: those behind the long one are not read yet.
    write: { threads: 1 },
  });
  const task = replica.task(file({ filter: 'v > 0' }));
  await replica.start(task);
  await replica.until(task, ({ rows: { full } }) => full > 500);
  await replica.mysql
    .query(`REVOKE SELECT ON ${db}.x_secret FROM '${db}'@'%'; ALTER TABLE ${db}.x_torn DISCARD TABLESPACE;
    ALTER TABLE ${db}.x_wrong RENAME COLUMN v TO w`);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp, 60_000);
  await replica.stop(task);
  expect(replica.rows('a_long')).toHaveLength(rows);
  expect(await runs(task, db)).toMatchObject({
    [`${db}.x_secret`]: { code: 'ROW-S103' },
    [`${db}.x_torn`]: { code: 'ROW-S111' },
    [`${db}.x_wrong`]: { code: 'ROW-T102' },
  });
  await replica.mysql.query(`GRANT SELECT ON ${db}.x_secret TO '${db}'@'%'; DROP TABLE ${db}.x_torn;
    CREATE TABLE ${db}.x_torn (id INT PRIMARY KEY); INSERT INTO ${db}.x_torn VALUES (2)`);
  for (const name of ['x_secret', 'x_torn']) await replica.engine.api.reload(task.id, `${db}.${name}`);
  expect(await runs(replica.task(file({ filter: 'w > 0' })), db)).toEqual({});
  expect([replica.rows('x_secret'), replica.rows('x_torn'), replica.rows('x_wrong')]).toEqual([
    [{ id: 1 }],
    [{ id: 2 }],
    [{ id: 1, w: 1 }],
  ]);
}, 90_000);

describe('a changed file, applied while the task runs', () => {
  it('passes over what a start would, says so before, and refuses what a running table cannot take', async () => {
    const db = await database();
    await replica.mysql.query(
      `CREATE TABLE ${db}.good (id INT PRIMARY KEY, v INT); INSERT INTO ${db}.good VALUES (1, 1)`,
    );
    const file = (more: Record<string, unknown>) => ({
      id: `live-${db}`,
      objects: [{ database: db, ...more }],
    });
    const task = replica.task(file({}));
    await replica.start(task);
    await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
    await replica.mysql.query(`CREATE TABLE ${db}.keyless (v INT)`);
    await replica.until(task, ({ tables }) => tables.some(({ phase }) => phase === 'stopped'));
    const prefixed = replica.task(file({ renameTables: { prefix: `${db}_` } }));
    expect(await replica.engine.api.planChanges(prefixed)).toMatchObject({
      unfit: [{ source: `${db}.keyless`, message: /no PRIMARY KEY/ }],
      problems: [],
    });
    await replica.engine.api.applyChanges(prefixed);
    await replica.until(task, ({ tables }) =>
      tables.every(({ destination, phase, source }) =>
        source === `${db}.keyless`
          ? phase === 'stopped'
          : phase === 'incremental' && destination.startsWith(db),
      ),
    );
    expect(replica.rows(`${db}_good`)).toEqual([{ id: 1, v: 1 }]);
    const wrong = replica.task({
      id: `live-${db}`,
      objects: [{ database: db, tables: [{ name: 'good', rename: `${db}_good`, filter: 'w > 0' }] }],
    });
    expect((await replica.engine.api.planChanges(wrong)).problems).toEqual([
      expect.stringMatching(/filter of .*good.* no column w/) as string,
    ]);
    await expect(replica.engine.api.applyChanges(wrong)).rejects.toMatchObject({ code: 'ROW-T106' });
    await replica.mysql.query(`INSERT INTO ${db}.good VALUES (2, 2)`);
    await replica.caughtUp(task);
    expect(replica.rows(`${db}_good`)).toHaveLength(2);
    await replica.stop(task);
    // At a start it stops that table, and the others go on.
    const both = (filter: string) =>
      replica.task({
        id: `live-${db}`,
        objects: [
          {
            database: db,
            tables: [
              { name: calm(db), rename: `${db}_${calm(db)}` },
              { name: 'missing' },
              { name: 'good', rename: `${db}_good`, filter },
            ],
          },
        ],
      });
    expect(await runs(both('w > 0'), db, `${db}_${calm(db)}`)).toMatchObject({
      [`${db}.good`]: { code: 'ROW-T102' },
      [`${db}.missing`]: { code: 'ROW-S108' },
    });
    await replica.mysql.query(
      `CREATE TABLE ${db}.missing (id INT PRIMARY KEY); INSERT INTO ${db}.missing VALUES (3)`,
    );
    await replica.engine.api.reload(task.id, `${db}.missing`);
    expect(await runs(both('v > 1'), db, `${db}_${calm(db)}`)).toEqual({});
    expect([replica.rows(`${db}_good`), replica.rows('missing')]).toEqual([[{ id: 2, v: 2 }], [{ id: 3 }]]);
  }, 60_000);
});

describe('a table that cannot come', () => {
  const wide = (name: string) =>
    `CREATE TABLE ${name} (id INT PRIMARY KEY, ${Array.from({ length: 1025 }, (_, i) => `c${i} TINYINT`).join()}) ENGINE=MyISAM`;

  it('too wide, a name that Tablestore does not take: while it runs, and while it rests', async () => {
    const db = await database();
    const task = whole(db);
    const names = (when: string) => [`${db}.wide_${when}`, `${db}.näme_${when}`, `${db}.a-${when}`];
    const create = async (when: string) => {
      await replica.mysql
        .query(`${wide(`${db}.wide_${when}`)}; INSERT INTO ${db}.wide_${when} (id) VALUES (1);
        CREATE TABLE ${db}.näme_${when} (id INT PRIMARY KEY); CREATE TABLE ${db}.\`a-${when}\` (id INT PRIMARY KEY)`);
    };
    await replica.start(task);
    await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
    await create('runs');
    await replica.mysql.query(`INSERT INTO ${db}.wide_runs (id) VALUES (2)`);
    await replica.caughtUp(task);
    await replica.stop(task);
    await create('rests');
    await replica.mysql.query(`INSERT INTO ${db}.wide_rests (id) VALUES (2)`);
    const stopped = await runs(task, db);
    expect(Object.keys(stopped).sort()).toEqual([...names('runs'), ...names('rests')].sort());
    expect(stopped[`${db}.wide_rests`]!.remedy).toMatch(/exclude/i);
    // What the remedy says.
    await replica.mysql.query(
      `ALTER TABLE ${db}.wide_runs DROP c0; RENAME TABLE ${db}.\`a-rests\` TO ${db}.a_rests`,
    );
    await replica.engine.api.reload(task.id, `${db}.wide_runs`);
    expect(Object.keys(await runs(task, db))).not.toContain(`${db}.wide_runs`);
    expect(replica.rows('wide_runs')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(replica.tables()).toContain('a_rests');
  }, 60_000);

  it('rule 25: a destination table with another key, or of somebody else, is its own trouble', async () => {
    const db = await database();
    for (const name of ['odd', 'taken'])
      await replica.mysql.query(
        `CREATE TABLE ${db}.${name}${made} (id INT PRIMARY KEY); INSERT INTO ${db}.${name}${made} VALUES (1)`,
      );
    const [odd, taken] = [`odd${made}`, `taken${made}`];
    const task = replica.task({ objects: [{ database: db, tables: [{ name: calm(db) }] }] });
    await replica.run(task);
    const options = { timeToLive: -1, maxVersions: 1, reservedRead: 0, reservedWrite: 0 };
    // Somebody makes them when the precheck is through.
    const more = {
      ...task,
      objects: [{ database: db, tables: [calm(db), odd, taken].map((name) => ({ name })) }],
    };
    await replica.engine.api.check(more);
    await createTable(client, { name: odd, keys: [{ name: 'code', type: 'STRING' }], ...options });
    await createTable(client, { name: taken, keys: [{ name: 'id', type: 'INTEGER' }], ...options });
    const stopped = await runs(more, db);
    expect([stopped[`${db}.${odd}`]!.code, stopped[`${db}.${taken}`]!.code]).toEqual([
      'ROW-D105',
      'ROW-D105',
    ]);
    await deleteTable(client, odd);
    await deleteTable(client, taken);
    for (const name of [odd, taken]) await replica.engine.api.reload(more.id, `${db}.${name}`);
    expect(await runs(more, db)).toEqual({});
    expect([replica.rows(odd), replica.rows(taken)]).toEqual([[{ id: 1 }], [{ id: 1 }]]);
  }, 60_000);
});

describe('an account that may not read one table any more', () => {
  it('rule 25: stops that table when it has to be read', async () => {
    const db = await database();
    await replica.mysql
      .query(`CREATE TABLE ${db}.secret (id INT PRIMARY KEY); INSERT INTO ${db}.secret VALUES (1);
      CREATE USER '${db}'@'%'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${db}'@'%';
      GRANT SELECT ON ${db}.${calm(db)} TO '${db}'@'%'; GRANT SELECT ON ${db}.secret TO '${db}'@'%'`);
    const task = replica.task({
      objects: [{ database: db, tables: [{ name: calm(db) }, { name: 'secret' }] }],
      source: { host: '127.0.0.1', port: replica.mysql.port, user: db },
    });
    const grant = (what: 'GRANT' | 'REVOKE') =>
      replica.mysql.query(`${what} SELECT ON ${db}.secret ${what === 'GRANT' ? 'TO' : 'FROM'} '${db}'@'%'`);
    await replica.run(task);
    await grant('REVOKE');
    // What the binlog brings needs no such privilege; but nobody sees any more whether its columns are what they were.
    await replica.mysql.query(`INSERT INTO ${db}.secret VALUES (2)`);
    const refused = { code: 'ROW-S103', remedy: expect.stringContaining(reloadOf(`${db}.secret`)) as string };
    expect(await runs(task, db)).toMatchObject({ [`${db}.secret`]: refused });
    expect(replica.rows('secret')).toEqual([{ id: 1 }, { id: 2 }]);
    await replica.engine.api.reload(task.id, `${db}.secret`);
    expect(await runs(task, db)).toMatchObject({ [`${db}.secret`]: refused });
    await grant('GRANT');
    await replica.engine.api.reload(task.id, `${db}.secret`);
    expect(await runs(task, db)).toEqual({});

    await replica.start(task);
    await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
    await grant('REVOKE');
    await replica.engine.api.reload(task.id, `${db}.secret`);
    const stopped = await replica.until(task, ({ tables }) =>
      tables.some(({ phase }) => phase === 'stopped'),
    );
    expect(stopped.tables.find(({ phase }) => phase === 'stopped')).toMatchObject({
      source: `${db}.secret`,
      problem: refused,
    });
    await grant('GRANT');
    await replica.engine.api.reload(task.id, `${db}.secret`);
    await replica.until(task, ({ tables }) => tables.every(({ phase }) => phase === 'incremental'));
    await grant('REVOKE');
    // A row of which the event holds a part has to be read.
    const session = await replica.mysql.connect();
    await session.query(
      `SET SESSION binlog_row_image = 'MINIMAL'; ALTER TABLE ${db}.secret ADD COLUMN v INT NULL, ADD COLUMN w INT NULL`,
    );
    await session.query(`UPDATE ${db}.secret SET v = 5; INSERT INTO ${db}.${calm(db)} VALUES (50)`);
    await session.end();
    const read = await replica.until(task, ({ tables }) => tables.some(({ phase }) => phase === 'stopped'));
    expect(read.tables.find(({ phase }) => phase === 'stopped')).toMatchObject({ problem: refused });
    await replica.caughtUp(task);
    expect(replica.rows(calm(db))).toContainEqual({ id: 50 });
    await replica.stop(task);
  }, 90_000);
});
