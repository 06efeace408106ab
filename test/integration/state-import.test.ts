import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplica, type Replica } from '../support/replica.js';

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ gtid: true });
  await replica.mysql.query('CREATE DATABASE d; CREATE TABLE d.first (id INT PRIMARY KEY)');
}, 120_000);
afterAll(() => replica.close());

it('a state of before a destination table was made knows it for its own when it is imported after that', async () => {
  const { mysql, store, engine } = replica;
  const task = replica.task({ objects: [{ database: 'd' }] });
  await replica.start(task);
  await replica.until(task, (one) => one.phase === 'incremental' && one.caughtUp);
  store.faults.set([{ kind: 'timeout', operation: 'DescribeTable' }]);
  await mysql.query('CREATE TABLE d.g (id INT PRIMARY KEY, v INT); INSERT INTO d.g VALUES (1, 1), (2, 2)');
  await replica.until(task, ({ tables }) => tables.some(({ source }) => source === 'd.g'));
  await replica.stop(task);
  const file = join(replica.stateDir, '..', 'early.state');
  await engine.api.exportState(task.id, file);
  store.faults.set([]);
  await replica.run(task);
  await mysql.query('UPDATE d.g SET v = 9');
  expect(await engine.api.importState(file, { replace: true })).toMatchObject({ reloaded: ['d.g'] });
  expect(await replica.run(task)).toMatchObject({ state: 'stopped', reached: true });
  expect(replica.rows('g')).toEqual([
    { id: 1, v: 9 },
    { id: 2, v: 9 },
  ]);
}, 60_000);
