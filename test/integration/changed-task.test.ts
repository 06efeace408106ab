import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import { startReplica, type Replica } from '../support/replica.js';

/** A task whose file changes between two runs, or under one: what was loaded before follows, or the task says so. */
let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE d');
}, 60_000);
afterAll(() => replica?.close());

/** Only who reads the table again sees it. */
const unseen = (sql: string) =>
  replica.mysql.query(`SET SESSION sql_log_bin = 0; ${sql}; SET SESSION sql_log_bin = 1`);

const marking = (value: string) => `e_set(\`mark\`, '${value}')`;

it('rule 26: another transformation loads again what the first one made', async () => {
  const { mysql } = replica;
  await mysql.query(
    `CREATE TABLE d.t (id INT PRIMARY KEY, n INT); INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3)`,
  );
  for (const mode of ['put-row', 'update-row']) {
    const table = `t_${mode.replace('-', '_')}`;
    const file = {
      objects: [{ database: 'd', tables: [{ name: 't', rename: table }] }],
      write: { mode },
    };
    const first = replica.task({ ...file, etl: marking('old') });
    await replica.run(first);
    const changed = { ...first, etl: 'e_if(op_gt(`n`, 1), e_drop())' };
    await replica.run(changed);
    expect(replica.rows(table), mode).toEqual([{ id: 1, n: 1 }]);
    expect(await replica.verify(changed), mode).toMatchObject({ equal: true });
    // The same in another layout is no change.
    await unseen('UPDATE d.t SET n = -n');
    await replica.run({ ...changed, etl: ' e_if( op_gt(`n`, 1),\n e_drop() )' });
    expect(replica.rows(table), mode).toEqual([{ id: 1, n: 1 }]);
    await unseen('UPDATE d.t SET n = -n');
    await replica.run({ ...first, etl: '' });
    expect(replica.rows(table), mode).toHaveLength(3);
  }
}, 60_000);

it('a table that an earlier version loaded is taken to have been made by the transformation of now', async () => {
  const task = replica.task({
    objects: [{ database: 'd', tables: [{ name: 't', rename: 'earlier' }] }],
    etl: marking('old'),
  });
  await replica.run(task);
  const store = new DatabaseSync(join(replica.stateDir, 'store.db'));
  const { changes } = store
    .prepare(
      `UPDATE source_table SET record = json_set(record, '$.mapping', json_remove(record ->> 'mapping', '$.etl') || '') WHERE record ->> 'destination' = 'earlier'`,
    )
    .run();
  store.close();
  expect(changes).toBe(1);
  await unseen('UPDATE d.t SET n = -n');
  for (const [etl, expected] of [
    [marking('old'), [1, 2, 3].map((n) => ['old', n])],
    [marking('new'), [-1, -2, -3].map((n) => ['new', n])],
  ] as const) {
    expect(await replica.run({ ...task, etl })).toMatchObject({ reached: true });
    expect(replica.rows('earlier').map(({ mark, n }) => [mark, n])).toEqual(expected);
  }
}, 60_000);

it('a running task says which tables another transformation loads again at the next start', async () => {
  const task = replica.task({
    objects: [{ database: 'd', tables: [{ name: 't', rename: 'running' }] }],
    etl: marking('old'),
  });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  const plan = await replica.engine.api.planChanges({
    ...task,
    etl: marking('new'),
    capitalization: 'upper',
  });
  expect(plan).toMatchObject({
    changed: [],
    atNextStart: expect.arrayContaining(['etl', 'capitalization']) as string[],
    reloadedAtNextStart: ['d.t'],
  });
  await replica.stop(task);
}, 60_000);

it('a run until the load is done loads what another file loads again', async () => {
  const tables = (filter?: string) => [{ name: 't', rename: 'again', ...(filter && { filter }) }];
  const task = replica.task({ objects: [{ database: 'd', tables: tables() }] });
  await replica.run(task);
  const changed = { ...task, objects: [{ database: 'd', tables: tables('id > 2') }] };
  expect(await replica.run(changed, { until: 'full' })).toMatchObject({ reached: true });
  expect(replica.rows('again').map(({ id }) => id)).toEqual([3]);
}, 60_000);

it('rule 26: rows that are in another instance than the one that was written to are not taken for there', async () => {
  const home = mkdtempSync(join(tmpdir(), 'rowferry-another-'));
  const another = await startLocalTablestore({ data: home, instance: 'another' });
  const { url: endpoint, instance, accessKeyId, accessKeySecret } = another;
  const there = { endpoint, instance, accessKeyId, accessKeySecret };
  try {
    const table = { name: 't', rename: 'elsewhere' };
    const task = replica.task({ objects: [{ database: 'd', tables: [table] }] });
    await replica.run(task);
    await replica.run(
      replica.task({
        objects: [{ database: 'd', tables: [{ ...table, filter: 'id = 1' }] }],
        destination: there,
      }),
    );
    const moved = { ...task, destination: { ...task.destination, ...there } };
    expect(await replica.run(moved)).toMatchObject({
      state: 'failed',
      error: {
        code: 'ROW-T106',
        message: expect.stringContaining(
          'the Tablestore instance local; its file now names another',
        ) as string,
      },
    });
    await replica.engine.api.reset(task.id);
    await replica.run({ ...moved, conflict: 'ignore' });
    expect(await replica.verify({ ...moved, conflict: 'ignore' })).toMatchObject({ equal: true });
  } finally {
    await another.close();
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);
