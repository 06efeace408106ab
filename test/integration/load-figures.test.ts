import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rowsDealtWith } from '../../src/shared/format.js';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { startReplica, type Replica } from '../support/replica.js';
import { startPair } from '../support/pair.js';
import { taskSchema, type ResolvedTask } from '../../src/shared/task.js';

/** What people are told of a load: rows written, kept, dropped and dirty apart, and no row that is not there. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE d');
});
afterAll(() => replica?.close());

it('tells apart what became of the rows that were read, and all of them make the progress', async () => {
  const { mysql } = replica;
  await mysql.query(
    `CREATE TABLE d.mixed (id INT PRIMARY KEY, n BIGINT UNSIGNED, kind VARCHAR(10));
     INSERT INTO d.mixed VALUES (1, 1, 'old'), (2, 2, 'old'), (3, 3, 'new'), (4, 18446744073709551615, 'new'), (5, 5, 'drop'), (6, 6, 'new')`,
  );
  const objects = (filter: string) => [{ database: 'd', tables: [{ name: 'mixed', filter }] }];
  await replica.run(replica.task({ objects: objects("kind = 'old'") }));
  const task = replica.task({
    objects: objects('id > 0'),
    conflict: 'ignore',
    dirtyData: 'skip',
    etl: "e_if(op_eq(`kind`, 'drop'), e_drop())",
  });
  await replica.start(task);
  const { rows, tables, dirty } = await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  expect(tables).toMatchObject([{ rows: 2, kept: 2, dropped: 1, dirty: 1 }]);
  expect([rowsDealtWith(tables[0]!), rows.full, dirty]).toEqual([6, 2, 1]);

  // A row that is mended is dirty no more; one that is loaded again is counted once.
  await mysql.query('UPDATE d.mixed SET n = 4 WHERE id = 4');
  await replica.until(task, (s) => s.dirty === 0 && s.tables[0]!.dirty === undefined);
  await replica.engine.api.reload(task.id);
  const again = await replica.until(
    task,
    (s) => s.caughtUp && s.tables[0]!.phase === 'incremental' && s.tables[0]!.rows > 2,
  );
  expect(again.tables).toMatchObject([{ rows: 5, dropped: 1 }]);
  expect(again.rows.full).toBe(5);
  await replica.stop(task);
});

it('a load that goes on after a kill shows no row that the destination lacks', async () => {
  const pair = await startPair();
  try {
    const { mysql, store, folder } = pair;
    const all = 12_000;
    await mysql.query(`CREATE DATABASE d; CREATE TABLE d.a (id INT PRIMARY KEY, note CHAR(200));
      CREATE TABLE d.b (id INT PRIMARY KEY, note CHAR(200)); SET SESSION cte_max_recursion_depth = 1000000;
      INSERT INTO d.a WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'x' FROM n;
      INSERT INTO d.b WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${all}) SELECT i, REPEAT('y', 200) FROM n`);
    const task = taskSchema.parse({
      id: 't-killed',
      name: 'killed',
      source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
      destination: {
        endpoint: store.url,
        instance: store.instance,
        accessKeyId: store.accessKeyId,
        accessKeySecret: store.accessKeySecret,
      },
      objects: [{ database: 'd' }],
      throttle: { full: { rowsPerSecond: 2000 } },
    }) as ResolvedTask;
    const there = () => {
      const reader = openTablestoreData(join(folder, 'data'));
      try {
        return reader.tables().reduce((sum, { name }) => sum + [...reader.scan(name)].length, 0);
      } finally {
        reader.close();
      }
    };
    let engine = await pair.engine();
    const until = async (wanted: (snapshot: TaskSnapshot) => boolean) => {
      for (;;) {
        const found = (await engine.api.snapshots()).find(({ id }) => id === task.id)!;
        // What was said a moment ago is there by now.
        expect(found.rows.full).toBeLessThanOrEqual(there());
        expect(found.tables.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(there());
        if (wanted(found)) return found;
        await delay(150);
      }
    };
    for (let kills = 0; kills < 2; kills++) {
      await engine.api.start(task, join(folder, 'killed.rowferry.json'), {});
      await until(({ rows }) => rows.full >= 3000);
      process.kill(engine.pid, 'SIGKILL');
      await engine.closed;
      engine = await pair.engine();
    }
    await engine.api.start(task, join(folder, 'killed.rowferry.json'), {});
    const { rows, tables } = await until(({ caughtUp }) => caughtUp);
    expect([rows.full, ...tables.map((table) => table.rows)]).toEqual([all + 100, 100, all]);
    await engine.api.shutdown();
    engine.close();
  } finally {
    await pair.close();
  }
}, 120_000);
