import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Rows of the destination that are not as at the source on purpose, and those that are not any more. */

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query('CREATE DATABASE d');
}, 120_000);
afterAll(() => replica.close());

const selected = (name: string) => [{ database: 'd', tables: [{ name }] }];

describe('rule 5: of a task that leaves DELETE out', () => {
  // Side by side: most of the time goes by between two looks of a verification.
  it.concurrent.each([
    ['added', 'ALTER TABLE d.T ADD COLUMN w INT NOT NULL DEFAULT 5', {}],
    [
      'swapped',
      'CREATE TABLE d.T_new LIKE d.T; INSERT INTO d.T_new SELECT * FROM d.T; RENAME TABLE d.T TO d.T_old, d.T_new TO d.T',
      {},
    ],
    ['modified', 'ALTER TABLE d.T MODIFY v VARCHAR(20)', { ddl: { onChange: 'reload' } }],
    ['audited', 'SELECT 1', { audit: { rowsPerSecond: 1000, repair: true } }],
  ])(
    'rows that the source has deleted stay, whatever loads or repairs its table (%s)',
    async (t, sql, more) => {
      const { mysql } = replica;
      await mysql.query(
        `CREATE TABLE d.${t} (id INT PRIMARY KEY, v INT); INSERT INTO d.${t} VALUES (1, 1), (2, 2), (3, 3)`,
      );
      const task = replica.task({
        objects: selected(t),
        synchronization: { operations: ['INSERT', 'UPDATE'] },
        ...more,
      });
      await replica.start(task);
      await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
      await mysql.query(`DELETE FROM d.${t} WHERE id = 2`);
      await replica.caughtUp(task);
      await mysql.query(sql.replaceAll('d.T', `d.${t}`));
      await mysql.query(`INSERT INTO d.${t} (id, v) VALUES (4, 4)`);
      await delay(2000);
      await replica.until(
        task,
        (one) =>
          one.phase === 'incremental' && one.caughtUp && one.tables.every((x) => x.phase === 'incremental'),
      );
      await replica.caughtUp(task);
      const ids = () => replica.rows(t).map(({ id }) => id);
      expect(ids()).toEqual([1, 2, 3, 4]);
      // It counts as a difference, which a repair leaves alone.
      expect(await replica.engine.api.verify(task, { repair: true })).toMatchObject({
        differing: 1,
        repaired: 0,
        tables: [{ extra: 1 }],
      });
      expect(ids()).toEqual([1, 2, 3, 4]);
      await replica.stop(task);
    },
    60_000,
  );
});

it('rule 5: of a task that leaves UPDATE out a reload brings what is missing, and changes no row', async () => {
  const { mysql } = replica;
  await mysql.query(
    'CREATE TABLE d.first (id INT PRIMARY KEY, v INT); INSERT INTO d.first VALUES (1, 1), (2, 2)',
  );
  const task = replica.task({
    objects: selected('first'),
    synchronization: { operations: ['INSERT', 'DELETE'] },
  });
  await replica.run(task);
  await mysql.query(
    'UPDATE d.first SET v = 9 WHERE id = 1; INSERT INTO d.first VALUES (3, 3); DELETE FROM d.first WHERE id = 2',
  );
  await replica.engine.api.reload(task.id);
  await replica.run(task);
  expect(replica.rows('first')).toEqual([
    { id: 1, v: 1 },
    { id: 3, v: 3 },
  ]);
}, 60_000);

it('rule 5: with "conflict": "ignore" what the task wrote itself is loaded anew after a reset', async () => {
  const { mysql } = replica;
  await mysql.query(
    'CREATE TABLE d.g (id INT PRIMARY KEY, v INT); INSERT INTO d.g VALUES (1, 1), (2, 2), (3, 3)',
  );
  const other = replica.task({ objects: selected('g') });
  await replica.run(other);
  const task = replica.task({ objects: selected('g'), conflict: 'ignore' });
  await replica.run(task);
  await mysql.query('UPDATE d.g SET v = 100 WHERE id = 1; INSERT INTO d.g VALUES (4, 4)');
  await replica.run(task);
  // What an outage that outlives the binlog comes to.
  await mysql.query('UPDATE d.g SET v = 200 WHERE id = 1; UPDATE d.g SET v = 44 WHERE id = 4');
  await replica.engine.api.reset(task.id);
  await replica.run(task);
  expect(replica.rows('g')).toEqual([
    { id: 1, v: 200 },
    { id: 2, v: 2 },
    { id: 3, v: 3 },
    { id: 4, v: 44 },
  ]);
}, 60_000);
