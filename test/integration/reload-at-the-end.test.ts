import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

/** Rule 5: a reload that is asked for is carried out, whatever becomes of the run meanwhile. */

let replica: Replica;
beforeAll(async () => (replica = await startReplica()));
afterAll(() => replica.close());

test('a reload that is asked for while the task stops is done now or by the next run, and is answered at once', async () => {
  const { mysql } = replica;
  await mysql.query(`CREATE DATABASE d; CREATE TABLE d.a (id INT PRIMARY KEY, n INT);
    CREATE TABLE d.b (id INT PRIMARY KEY, n INT);
    INSERT INTO d.a WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i FROM n`);
  const task = replica.task({ objects: [{ database: 'd' }] });
  let on = true;
  const connection = await mysql.connect();
  const writing = (async () => {
    for (let i = 0; on; i++) {
      await connection.query(
        `UPDATE d.a SET n = n + 1 WHERE id % 90 = ${i % 90}; REPLACE INTO d.b VALUES (${i}, ${i})`,
      );
      await delay(5);
    }
  })();
  const answered = async (work: Promise<unknown>) => {
    const began = Date.now();
    await work;
    return Date.now() - began;
  };
  for (let round = 0; round < 8; round++) {
    await replica.start(task, {});
    await replica.until(task, ({ phase, state }) => phase === 'incremental' && state === 'running');
    // Only a reload notices this.
    await mysql.query(`SET sql_log_bin = 0; DELETE FROM d.a WHERE id = ${round + 1}; SET sql_log_bin = 1`);
    const stopped = answered(replica.stop(task));
    // Each time at another moment of the end.
    await delay(round * 4);
    expect(await answered(replica.engine.api.reload(task.id, 'd.a'))).toBeLessThan(10_000);
    expect(await stopped).toBeLessThan(10_000);
  }
  on = false;
  await writing;
  await connection.end();
  await replica.start(task, {});
  await replica.caughtUp(task);
  expect(replica.rows('a').map(({ id }) => id)).toEqual(Array.from({ length: 892 }, (_, i) => i + 9));
  expect(await replica.verify(task)).toMatchObject({ differing: 0 });
});
