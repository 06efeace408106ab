import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** A table is its database and its name, not what the two give when they are joined. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
}, 60_000);
afterAll(() => replica?.close());

const pairs = [
  ['a.b', 'c'],
  ['a', 'b.c'],
  ['a', 'b`.`c'],
  ['a`.`b', 'c'],
] as const;
const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const tables = pairs.map(([database, name]) => `${quoted(database)}.${quoted(name)}`);

async function makeTables(key = 'id INT PRIMARY KEY'): Promise<void> {
  for (const database of ['a.b', 'a', 'a`.`b']) {
    await replica.mysql.query(
      `DROP DATABASE IF EXISTS ${quoted(database)}; CREATE DATABASE ${quoted(database)}`,
    );
  }
  for (const [i, table] of tables.entries()) {
    await replica.mysql.query(
      `CREATE TABLE ${table} (${key}, v VARCHAR(20)); INSERT INTO ${table} VALUES (1, 'old ${i}')`,
    );
  }
}

it('tables whose names would join to one text are loaded, followed, loaded again and verified each for itself (D2)', async () => {
  const { mysql, engine } = replica;
  await makeTables();
  const task = replica.task({
    objects: pairs.map(([database, name], i) => ({ database, tables: [{ name, rename: `t${i}` }] })),
  });
  expect((await engine.api.check(task)).results.filter(({ status }) => status === 'fail')).toEqual([]);
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  for (const [i, table] of tables.entries()) await mysql.query(`INSERT INTO ${table} VALUES (2, 'new ${i}')`);
  await mysql.query(
    `ALTER TABLE ${tables[0]} ADD COLUMN w INT NULL; INSERT INTO ${tables[0]} VALUES (3, 'w', 3)`,
  );
  await replica.caughtUp(task);
  const wanted = (i: number) => [
    { id: 1, v: `old ${i}` },
    { id: 2, v: `new ${i}` },
  ];
  expect(replica.rows('t0')).toEqual([...wanted(0), { id: 3, v: 'w', w: 3 }]);
  for (const i of [1, 2, 3]) expect(replica.rows(`t${i}`)).toEqual(wanted(i));
  const names = ['`a.b`.c', 'a.`b.c`', 'a.`b``.``c`', '`a``.``b`.c'];
  expect((await replica.snapshot(task)).tables.map(({ source }) => source).sort()).toEqual([...names].sort());

  await expect(engine.api.reload(task.id, 'a.b.c')).rejects.toMatchObject({
    code: 'ROW-T104',
    message: expect.stringContaining('`a.b`.c or a.`b.c`') as string,
  });
  await expect(engine.api.preview(task, { table: 'a.b.c', rows: 1 })).rejects.toMatchObject({
    code: 'ROW-T104',
  });
  expect(
    (await engine.api.preview(task, { table: 'a.`b.c`', rows: 1 })).map(({ destination }) => destination),
  ).toEqual(['t1']);
  await mysql.query(`SET sql_log_bin = 0; DELETE FROM ${tables[1]} WHERE id = 1; SET sql_log_bin = 1`);
  expect(await replica.verify(task)).toMatchObject({ differing: 1 });
  expect(await engine.api.reload(task.id, 'a.`b.c`')).toEqual(['a.`b.c`']);
  const ids = () => replica.rows('t1').map(({ id }) => id);
  await replica.until(task, () => ids().length === 1);
  await replica.caughtUp(task);
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
  expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
  expect(replica.rows('t0')).toHaveLength(3);
}, 60_000);

it('and in a merge their rows do not meet (D2)', async () => {
  const { mysql } = replica;
  await makeTables();
  const task = replica.task({
    merge: true,
    objects: pairs.map(([database, name]) => ({ database, tables: [{ name, rename: 'merged' }] })),
  });
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  await mysql.query(`UPDATE ${tables[1]} SET v = 'changed'; DELETE FROM ${tables[2]}`);
  await replica.caughtUp(task);
  expect(new Set(replica.rows('merged').map((row) => `${row['__dts_data_source']} ${row['v']}`))).toEqual(
    new Set([
      `${task.id}:\`a.b\`.c old 0`,
      `${task.id}:a.\`b.c\` changed`,
      `${task.id}:\`a\`\`.\`\`b\`.c old 3`,
    ]),
  );
  expect(await replica.verify(task)).toMatchObject({ equal: true });
  await replica.stop(task);
}, 60_000);
