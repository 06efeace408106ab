import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** What is selected is what the server holds to be the same name under its lower_case_table_names. */
let replica: Replica;
const ids = (table: string) => replica.rows(table).map(({ id }) => id);
const following = (task: ReturnType<Replica['task']>) =>
  replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
const sources = async (task: ReturnType<Replica['task']>) =>
  (await replica.snapshot(task)).tables.map(({ source, phase }) => `${source} ${phase}`).sort();

describe('where names in another case are other names', () => {
  beforeAll(async () => {
    replica = await startReplica();
  }, 60_000);
  afterAll(() => replica?.close());

  it('a table of another case is not selected, whatever is done to it (D4)', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE s; CREATE DATABASE S; CREATE TABLE S.orders (id INT PRIMARY KEY);
      CREATE TABLE s.orders (id INT PRIMARY KEY, V INT); INSERT INTO s.orders VALUES (1, 1)`);
    const task = replica.task({
      capitalization: 'source',
      objects: [{ database: 's', tables: [{ name: 'orders', columns: { v: { rename: 'w' } } }] }],
    });
    await replica.start(task);
    await following(task);
    await mysql.query('CREATE TABLE s.Orders (id INT PRIMARY KEY); INSERT INTO s.Orders VALUES (7)');
    await replica.caughtUp(task);
    expect(await sources(task)).toEqual(['s.orders incremental']);
    await mysql.query(`
      INSERT INTO S.orders VALUES (8); TRUNCATE S.orders; ALTER TABLE s.Orders ADD COLUMN x INT DEFAULT 5;
      DROP TABLE s.Orders; CREATE TABLE s.ORDERS (id INT PRIMARY KEY); RENAME TABLE s.ORDERS TO s.Orders;
      DROP DATABASE S; INSERT INTO s.orders VALUES (2, 2)`);
    await replica.caughtUp(task);
    expect(replica.tables()).toEqual(['orders']);
    expect(replica.rows('orders')).toEqual([
      { id: 1, w: 1 },
      { id: 2, w: 2 },
    ]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    await mysql.query('DROP DATABASE s');
  }, 60_000);

  it('both of two are replicated, and patterns leave out what they match by the letter', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE two; CREATE TABLE two.t (id INT PRIMARY KEY); CREATE TABLE two.T (id INT PRIMARY KEY);
      CREATE TABLE two.tmp_a (id INT PRIMARY KEY); CREATE TABLE two.TMP_b (id INT PRIMARY KEY);
      INSERT INTO two.t VALUES (1); INSERT INTO two.T VALUES (2)`);
    const task = replica.task({
      capitalization: 'source',
      objects: [{ database: 'two', exclude: ['tmp_*'] }],
    });
    await replica.start(task);
    await following(task);
    await mysql.query('INSERT INTO two.t VALUES (3); INSERT INTO two.T VALUES (4)');
    await replica.caughtUp(task);
    expect([ids('t'), ids('T')]).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(replica.tables().sort()).toEqual(['T', 'TMP_b', 'orders', 't']);
    await replica.stop(task);
  }, 60_000);

  it('one that is renamed in case alone goes on under its new name, in a running task and behind its back (D4)', async () => {
    const { mysql, engine } = replica;
    await mysql.query(
      'CREATE DATABASE j; CREATE TABLE j.jt (id INT PRIMARY KEY); INSERT INTO j.jt VALUES (1), (2)',
    );
    const task = replica.task({ objects: [{ database: 'j' }] });
    await replica.start(task);
    await following(task);
    await mysql.query(
      'RENAME TABLE j.jt TO j.JT; INSERT INTO j.JT VALUES (3); DELETE FROM j.JT WHERE id = 1',
    );
    await replica.until(task, () => ids('jt').join() === '2,3');
    await replica.caughtUp(task);
    expect(await sources(task)).toEqual(['j.JT incremental']);
    await mysql.query('INSERT INTO j.JT VALUES (4)');
    await replica.caughtUp(task);
    expect(ids('jt')).toEqual([2, 3, 4]);
    await replica.stop(task);
    await mysql.query(
      'ALTER TABLE j.JT RENAME j.jT; INSERT INTO j.jT VALUES (5); DELETE FROM j.jT WHERE id = 4',
    );
    await replica.start(task);
    await replica.until(task, () => ids('jt').join() === '2,3,5');
    await replica.caughtUp(task);
    expect(await sources(task)).toEqual(['j.jT incremental']);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    expect(await engine.api.reload(task.id, 'j.jt')).toEqual(['j.jT']);
    await replica.caughtUp(task);
    await replica.stop(task);
  }, 60_000);
});

describe('where the server folds names', () => {
  beforeAll(async () => {
    replica = await startReplica({ args: ['--lower-case-table-names=1'] });
  }, 60_000);
  afterAll(() => replica?.close());

  it('a table is itself in every case, in the task and in statements', async () => {
    const { mysql } = replica;
    await mysql.query(`CREATE DATABASE Shop; CREATE TABLE Shop.Orders (Id INT PRIMARY KEY, V INT); INSERT INTO Shop.Orders VALUES (1, 1);
      CREATE TABLE Shop.Tmp_A (id INT PRIMARY KEY)`);
    const task = replica.task({
      objects: [
        { database: 'SHOP', tables: [{ name: 'ORDERS', rename: 'o', filter: 'v > 0' }] },
        { database: 'Other', exclude: ['TMP_*'] },
      ],
    });
    await mysql.query(
      'CREATE DATABASE Other; CREATE TABLE Other.Tmp_B (id INT PRIMARY KEY); CREATE TABLE Other.X (id INT PRIMARY KEY)',
    );
    await replica.start(task);
    await following(task);
    await mysql.query(`ALTER TABLE SHOP.oRDERS ADD COLUMN W INT NULL; INSERT INTO shop.ORDERS VALUES (2, 2, 2);
      CREATE TABLE Other.TMP_C (id INT PRIMARY KEY); CREATE TABLE OTHER.Y (id INT PRIMARY KEY); INSERT INTO other.y VALUES (9)`);
    await replica.until(task, () => replica.tables().includes('y') && replica.rows('y').length === 1);
    await replica.caughtUp(task);
    expect(replica.rows('o')).toEqual([
      { Id: 1, V: 1 },
      { Id: 2, V: 2, W: 2 },
    ]);
    await mysql
      .query('ALTER TABLE other.y RENAME OTHER.Y; INSERT INTO other.Y VALUES (10)')
      .catch(() => undefined);
    await replica.caughtUp(task);
    expect(await sources(task)).toEqual([
      'other.x incremental',
      'other.y incremental',
      'shop.orders incremental',
    ]);
    expect(replica.tables().sort()).toEqual(['o', 'x', 'y']);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
    const ended = await replica.run(task);
    expect(ended.error).toBeUndefined();
  }, 60_000);

  it.each([
    [
      'an added column',
      'ALTER TABLE D.Coming DROP COLUMN w; ALTER TABLE D.Coming ADD COLUMN w INT NOT NULL DEFAULT 5',
    ],
    [
      'another table',
      'DROP TABLE D.Coming; CREATE TABLE D.Coming (id INT PRIMARY KEY, w INT); INSERT INTO d.coming VALUES (9999, 1)',
    ],
    ['two renames', 'RENAME TABLE D.Coming TO d.away; RENAME TABLE d.AWAY TO d.Coming'],
    ['TRUNCATE', 'TRUNCATE D.COMING; INSERT INTO d.coming VALUES (5000, 7)'],
  ])(
    'rule 14: of a table that catches up beside the stream: %s',
    async (what, sql) => {
      const { mysql } = replica;
      await mysql.query(`DROP DATABASE IF EXISTS d; CREATE DATABASE d; CREATE TABLE d.coming (id INT PRIMARY KEY, w INT NOT NULL);
      INSERT INTO d.coming WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, 1 FROM n`);
      const prefix = `${what.replaceAll(' ', '_')}_`;
      const task = replica.task({
        objects: [{ database: 'd', renameTables: { prefix } }],
        ddl: { truncate: 'delete', onChange: 'reload' },
        throttle: { full: { rowsPerSecond: 450 } },
      });
      await replica.start(task);
      await following(task);
      await replica.engine.api.reload(task.id, 'd.coming', false);
      const isInMiddle = ({ phase, rows }: { phase: string; rows: number }) => phase === 'full' && rows > 0;
      await replica.until(task, ({ tables }) => tables.some(isInMiddle));
      await mysql.query(sql);
      await mysql.query('INSERT INTO d.coming VALUES (7777, 7)');
      const isThere = () => replica.rows(`${prefix}coming`).some(({ id }) => id === 7777);
      const isFollowed = ({ phase }: { phase: string }) => phase === 'incremental';
      await replica.until(task, ({ caughtUp, tables }) => caughtUp && tables.every(isFollowed) && isThere());
      expect(await replica.verify(task)).toMatchObject({ equal: true });
      await replica.stop(task);
    },
    60_000,
  );
});
