import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Rules that name whole databases, tables that come later included. */
let replica: Replica;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query(`CREATE DATABASE shop; CREATE DATABASE crm; CREATE DATABASE elsewhere;
    CREATE TABLE shop.tmp_Items_tmp (Id INT PRIMARY KEY, col_Name VARCHAR(9), filler INT);
    INSERT INTO shop.tmp_Items_tmp VALUES (1, 'one', 1);
    CREATE TABLE shop.orders (Id INT PRIMARY KEY, col_total INT); INSERT INTO shop.orders VALUES (1, 10);
    CREATE TABLE crm.people (id INT PRIMARY KEY, name VARCHAR(9), note INT); INSERT INTO crm.people VALUES (1, 'a', 1);
    CREATE TABLE crm.calls (id INT PRIMARY KEY, name VARCHAR(9)); INSERT INTO crm.calls VALUES (1, 'b');
    CREATE TABLE elsewhere.moved (Id INT PRIMARY KEY, col_v INT); INSERT INTO elsewhere.moved VALUES (7, 7)`);
}, 60_000);
afterAll(() => replica?.close());

const shop = {
  database: 'shop',
  renameTables: {
    prefix: 'ODS_',
    suffix: '_v1',
    replace: [
      { from: 'tmp_', to: '' },
      { from: '_tmp', to: '' },
    ],
  },
  renameColumns: { replace: [{ from: 'col_', to: '' }], suffix: '_c' },
};
const crm = {
  database: 'crm',
  tables: [{ name: 'people', rename: 'customers', columns: { note: { rename: 'memo' } } }, { name: 'calls' }],
  renameTables: { prefix: 'crm_' },
  renameColumns: { prefix: 'c_' },
};

it('names tables and columns in both phases, those that come later too', async () => {
  const { mysql } = replica;
  const task = replica.task({ objects: [shop, crm] });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  await mysql.query(`INSERT INTO shop.tmp_Items_tmp VALUES (2, 'two', 2); UPDATE crm.people SET name = 'z';
    CREATE TABLE shop.Later_tmp (Id INT PRIMARY KEY, col_a INT); INSERT INTO shop.Later_tmp VALUES (5, 5);
    ALTER TABLE shop.orders ADD COLUMN col_extra INT; UPDATE shop.orders SET col_extra = 3;
    CREATE TABLE crm.not_selected (id INT PRIMARY KEY)`);
  // Into the selection by the other statement that can do it.
  await mysql.query('ALTER TABLE elsewhere.moved RENAME TO shop.moved; UPDATE shop.moved SET col_v = 8');
  await replica.caughtUp(task);
  expect(replica.tables().sort()).toEqual([
    'ODS_items_v1',
    'ODS_later_v1',
    'ODS_moved_v1',
    'ODS_orders_v1',
    'crm_calls',
    'customers',
  ]);
  expect(replica.rows('ODS_items_v1')).toEqual([
    { Id_c: 1, Name_c: 'one', filler_c: 1 },
    { Id_c: 2, Name_c: 'two', filler_c: 2 },
  ]);
  expect(replica.rows('ODS_orders_v1')).toEqual([{ Id_c: 1, total_c: 10, extra_c: 3 }]);
  expect(replica.rows('ODS_later_v1')).toEqual([{ Id_c: 5, a_c: 5 }]);
  expect(replica.rows('ODS_moved_v1')).toEqual([{ Id_c: 7, v_c: 8 }]);
  expect(replica.rows('customers')).toEqual([{ c_id: 1, c_name: 'z', memo: 1 }]);
  expect(replica.rows('crm_calls')).toEqual([{ c_id: 1, c_name: 'b' }]);
  expect(await replica.verify(task)).toMatchObject({ equal: true });

  // One that comes later under a name that is taken, and one under none that can be: they stop, the others go on.
  await mysql.query('CREATE TABLE shop.items (Id INT PRIMARY KEY); INSERT INTO shop.items VALUES (99)');
  await mysql.query(
    'CREATE TABLE shop.`größe` (Id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (2, 20, 4)',
  );
  await replica.caughtUp(task);
  const { tables } = await replica.snapshot(task);
  const of = (source: string) => tables.find((one) => one.source === source);
  expect(of('shop.items')).toMatchObject({
    phase: 'stopped',
    problem: { code: 'ROW-T106', message: expect.stringContaining('ODS_items_v1') as unknown },
  });
  expect(of('shop.größe')).toMatchObject({ phase: 'stopped', problem: { code: 'ROW-D107' } });
  expect(of('shop.tmp_Items_tmp')).toMatchObject({ phase: 'incremental' });
  expect(replica.rows('ODS_items_v1')).toHaveLength(2);
  expect(replica.rows('ODS_orders_v1')).toHaveLength(2);

  // Dropped and made again, it belongs to the database as before.
  await mysql.query('DROP TABLE shop.Later_tmp; CREATE TABLE shop.Later_tmp (Id INT PRIMARY KEY, col_b INT)');
  await mysql.query('INSERT INTO shop.Later_tmp VALUES (6, 6); DROP TABLE shop.items, shop.`größe`');
  await replica.caughtUp(task);
  expect(replica.rows('ODS_later_v1')).toEqual([{ Id_c: 6, b_c: 6 }]);
  await replica.stop(task);

  // Other rules are another mapping: under the new name all rows are loaded.
  const other = {
    ...task,
    objects: [{ ...shop, renameTables: { prefix: 'new_' } }, crm],
  } as unknown as typeof task;
  expect(await replica.run(other)).toMatchObject({ state: 'stopped' });
  expect(replica.rows('new_later_tmp')).toEqual([{ Id_c: 6, b_c: 6 }]);
  expect(replica.tables()).toContain('ODS_later_v1');
  expect(replica.rows('new_orders')).toHaveLength(2);
}, 90_000);
