import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What docs/guarantees.md says of a column that is dropped at the source. */

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE d');
}, 120_000);
afterAll(() => replica.close());

async function following(name: string, file: object, table: object): Promise<ResolvedTask> {
  await replica.mysql.query(
    `CREATE TABLE d.${name} (id INT PRIMARY KEY, v INT NOT NULL DEFAULT 0, note VARCHAR(20), UNIQUE KEY (v));
     INSERT INTO d.${name} VALUES (1, 1, 'one'), (2, 2, 'two')`,
  );
  const task = replica.task({ objects: [{ database: 'd', tables: [{ name, ...table }] }], ...file });
  await replica.start(task);
  await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
  return task;
}

describe.each(['put-row', 'update-row'] as const)('a column that the task names nowhere, %s', (mode) => {
  it('stops nothing; rows keep its cells until they are loaded anew, and verify passes over them', async () => {
    const name = `free_${mode.slice(0, 3)}`;
    const task = await following(name, { write: { mode } }, {});
    await replica.mysql.query(
      `ALTER TABLE d.${name} DROP COLUMN note; UPDATE d.${name} SET v = 10 WHERE id = 1; INSERT INTO d.${name} VALUES (3, 3)`,
    );
    await replica.caughtUp(task);
    // A row that is put is put whole.
    const kept = mode === 'update-row' ? { note: 'one' } : {};
    expect(replica.rows(name)).toEqual([
      { id: 1, v: 10, ...kept },
      { id: 2, v: 2, note: 'two' },
      { id: 3, v: 3 },
    ]);
    const equal = { equal: true, differing: 0, tables: [{ compared: 3, notComparable: 0 }] };
    expect(await replica.verify(task)).toMatchObject(equal);
    // Another run knows it, too; what else such a row holds is compared.
    await replica.stop(task);
    expect(await replica.verify(task)).toMatchObject(equal);
    await replica.mysql.query(
      `SET sql_log_bin = 0; UPDATE d.${name} SET v = 20 WHERE id = 2; SET sql_log_bin = 1`,
    );
    expect(await replica.verify(task)).toMatchObject({ equal: false, differing: 1 });

    await replica.engine.api.reload(task.id, `d.${name}`, false);
    expect(await replica.run(task)).toMatchObject({ state: 'stopped' });
    expect(replica.rows(name)).toEqual([
      { id: 1, v: 10 },
      { id: 2, v: 20 },
      { id: 3, v: 3 },
    ]);
    expect(await replica.verify(task)).toMatchObject(equal);
  }, 60_000);
});

it.each([
  ['key', {}, { primaryKey: ['v'] }, 'v'],
  ['filter', {}, { filter: "note <> 'x'" }, 'note'],
  ['script', { etl: 'e_set(`v`, op_sum(`v`, 1))' }, {}, 'v'],
  ['renamed', {}, { columns: { note: { rename: 'memo' } } }, 'note'],
  ['retyped', {}, { columns: { v: { type: 'STRING' } } }, 'v'],
  ['excluded', {}, { columns: { note: { exclude: true } } }, 'note'],
] as const)(
  'a column that the task names (%s) stops its table, which is said',
  async (name, file, table, column) => {
    const task = await following(name, file, table);
    await replica.mysql.query(
      `ALTER TABLE d.${name} DROP COLUMN ${column}; INSERT INTO d.${name} (id) VALUES (3)`,
    );
    await replica.caughtUp(task);
    const [stopped] = (await replica.snapshot(task)).tables;
    expect(stopped).toMatchObject({ phase: 'stopped', problem: { code: 'ROW-S113' } });
    expect(stopped!.problem!.message).toMatch(
      new RegExp(`^d\\.${name} stopped: .*\\b${column}\\b(?!.*\\.\\.$).*\\.$`),
    );
    expect(stopped!.problem!.remedy).toMatch(/rowferry reload TASK --table d\./);
    expect(replica.rows(name)).toHaveLength(2);
    await replica.stop(task);
  },
  60_000,
);
