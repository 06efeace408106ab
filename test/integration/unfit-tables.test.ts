import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** A table that cannot be taken in keeps no other from starting, whenever it appeared. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query(
    'CREATE DATABASE u; CREATE TABLE u.good (id INT PRIMARY KEY); INSERT INTO u.good VALUES (1)',
  );
}, 120_000);
afterAll(() => replica.close());

it('rule 14: of a whole database what came while the task rested stops alone with its reason, and the others go on (C7)', async () => {
  const task = replica.task({ objects: [{ database: 'u' }] });
  await replica.run(task);
  await replica.mysql.query(`
    CREATE TABLE u.bak AS SELECT * FROM u.good;
    CREATE TABLE u.\`good-2\` (id INT PRIMARY KEY); CREATE TABLE u.GOOD (id INT PRIMARY KEY);
    CREATE TABLE u.later (id INT PRIMARY KEY); INSERT INTO u.later VALUES (7); INSERT INTO u.good VALUES (2)`);
  for (let i = 0; i < 2; i++) {
    await replica.run(task);
    const { tables } = await replica.snapshot(task);
    const state = Object.fromEntries(
      tables.map(({ source, phase, problem }) => [source, problem?.code ?? phase]),
    );
    expect(state).toMatchObject({ 'u.bak': 'ROW-S106', 'u.GOOD': 'ROW-T106' });
    expect([state['u.good'], state['u.later']]).not.toContain('stopped');
    expect([replica.rows('good'), replica.rows('later')]).toEqual([[{ id: 1 }, { id: 2 }], [{ id: 7 }]]);
  }
  // With a key it is taken in, as its reason says.
  await replica.mysql.query('ALTER TABLE u.bak ADD PRIMARY KEY (id)');
  await replica.engine.api.reload(task.id, 'u.bak');
  await replica.run(task);
  expect(replica.rows('bak')).toEqual([{ id: 1 }]);
});

it('a table is read by an invisible key, too: one that was made so, and one that became so after the load', async () => {
  const { mysql } = replica;
  const numbers =
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i, i FROM n';
  await mysql.query(`CREATE DATABASE invisible;
    CREATE TABLE invisible.made (a INT NOT NULL, b INT NOT NULL, z INT NOT NULL, UNIQUE KEY ab (a, b), UNIQUE KEY z (z) INVISIBLE);
    INSERT INTO invisible.made ${numbers};
    CREATE TABLE invisible.became (a INT NOT NULL, b INT NOT NULL, z INT NOT NULL, UNIQUE KEY ab (a, b), UNIQUE KEY z (z));
    INSERT INTO invisible.became ${numbers}`);
  const task = replica.task({ objects: [{ database: 'invisible' }] });
  expect(await replica.run(task)).toMatchObject({ state: 'stopped', reached: true });
  expect(replica.rows('made')).toHaveLength(900);
  await mysql.query(
    `ALTER TABLE invisible.became ALTER INDEX z INVISIBLE; UPDATE invisible.became SET b = 0 WHERE a = 7`,
  );
  await replica.engine.api.reload(task.id);
  expect(await replica.run(task)).toMatchObject({ state: 'stopped', reached: true });
  expect(await replica.engine.api.verify(task, {})).toMatchObject({ equal: true, compared: 1800 });
});
