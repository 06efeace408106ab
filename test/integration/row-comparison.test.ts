import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RowComparison, SourcePage } from '../../src/shared/catalog-api.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** One row of both sides, asked for from either of them. */
let replica: Replica;
let task: ResolvedTask;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query(`
    CREATE DATABASE c;
    CREATE TABLE c.\`o dd\` (\`n 1\` BIGINT UNSIGNED, note VARCHAR(20), b VARBINARY(4), id INT NOT NULL, region CHAR(2) NOT NULL,
      PRIMARY KEY (region, id));
    INSERT INTO c.\`o dd\` VALUES (1, 'same', x'00ff', 1, 'eu'), (2, 'other', NULL, 2, 'eu'), (3, 'gone', NULL, 3, 'eu'),
      (4, 'left out', NULL, 4, 'eu'), (5, 'dropped', NULL, 5, 'eu'), (6, 'soon', NULL, 6, 'eu'),
      (18446744073709551615, 'too big', NULL, 7, 'eu')`);
  task = replica.task({
    objects: [
      {
        database: 'c',
        tables: [
          {
            name: 'o dd',
            rename: 'odd',
            filter: "note <> 'left out'",
            columns: { note: { rename: 'text' }, 'n 1': { rename: 'n' } },
          },
        ],
      },
    ],
    etl: "e_if(op_eq(`note`, 'dropped'), e_drop())",
    dirtyData: 'skip',
  });
  await replica.run(task, { until: 'full' });
  // What no binlog tells makes the sides differ.
  await replica.mysql.query(`
    SET SESSION sql_log_bin = 0;
    UPDATE c.\`o dd\` SET note = 'another', b = x'01' WHERE id = 2;
    DELETE FROM c.\`o dd\` WHERE id = 3;
    UPDATE c.\`o dd\` SET note = 'left out' WHERE id = 6;
    INSERT INTO c.\`o dd\` VALUES (9, 'new', NULL, 9, 'eu')`);
}, 60_000);
afterAll(() => replica?.close());

async function sourceKey(name: string, page: Partial<SourcePage>): Promise<string> {
  const { keys } = await replica.engine.api.sourceRows(
    task.source,
    { database: 'c', name },
    { limit: 1, ...page },
  );
  return keys[0]!;
}
async function destinationKey(table: string, place: number): Promise<string> {
  const { keys } = await replica.engine.api.destinationRows(task.destination, table, { limit: 100 });
  return keys![place]!;
}
const fromSource = async (id: number): Promise<RowComparison> =>
  replica.engine.api.compareRow(task, {
    side: 'source',
    table: 'c.o dd',
    key: await sourceKey('o dd', { filter: `id = ${id}` }),
  });
const fromDestination = async (place: number): Promise<RowComparison> =>
  replica.engine.api.compareRow(task, {
    side: 'destination',
    table: 'odd',
    key: await destinationKey('odd', place),
  });
const cell = (name: string, source: string | null, destination: string | null) => ({
  name,
  source,
  destination,
  differs: source !== destination,
});
const names = { source: 'c.o dd', destination: 'odd' };

it('an equal row is equal from both sides', async () => {
  const wanted = {
    ...names,
    key: 'region=eu, id=1',
    verdict: 'equal',
    reason: null,
    isThere: true,
    cells: expect.arrayContaining([
      cell('n', '1', '1'),
      cell('text', 'same', 'same'),
      cell('b', '0x00ff', '0x00ff'),
    ]) as [],
  };
  expect(await fromSource(1)).toEqual(wanted);
  expect(await fromDestination(0)).toEqual(wanted);
});

it('cells that differ are marked, with the names and values of the destination', async () => {
  const wanted = {
    ...names,
    key: 'region=eu, id=2',
    verdict: 'different',
    reason: null,
    isThere: true,
    cells: [cell('text', 'another', 'other'), cell('b', '0x01', null), cell('n', '2', '2')],
  };
  expect(await fromSource(2)).toEqual(wanted);
  expect(await fromDestination(1)).toEqual(wanted);
});

it('a row that one side lacks says why', async () => {
  expect(await fromSource(9)).toMatchObject({
    key: 'region=eu, id=9',
    verdict: 'missing',
    reason: null,
    isThere: false,
    cells: expect.arrayContaining([cell('text', 'new', null)]) as [],
  });
  expect(await fromDestination(2)).toMatchObject({
    key: 'region=eu, id=3',
    verdict: 'extra',
    reason: 'none',
    isThere: true,
    cells: expect.arrayContaining([cell('text', null, 'gone')]) as [],
  });
  const leftOut = { key: 'region=eu, id=6', verdict: 'extra', reason: 'filtered', isThere: true };
  expect(await fromSource(6)).toMatchObject(leftOut);
  expect(await fromDestination(3)).toMatchObject(leftOut);
});

it('a row that the task does not write says why', async () => {
  expect(await fromSource(4)).toMatchObject({
    verdict: 'equal',
    reason: 'filtered',
    isThere: false,
    cells: [],
  });
  expect(await fromSource(5)).toMatchObject({
    verdict: 'equal',
    reason: 'dropped',
    isThere: false,
    cells: [],
  });
  expect(await fromSource(7)).toMatchObject({
    key: 'region=eu, id=7',
    verdict: 'dirty',
    reason: 'unwritable',
    problem: { code: 'ROW-V101', message: expect.stringContaining('n') as string },
    isThere: false,
  });
});

it('a row that went meanwhile is at neither side', async () => {
  const key = await sourceKey('o dd', { filter: 'id = 9' });
  await replica.mysql.query('SET SESSION sql_log_bin = 0; DELETE FROM c.`o dd` WHERE id = 9');
  const compared = replica.engine.api.compareRow(task, { side: 'source', table: 'c.o dd', key });
  expect(await compared).toMatchObject({ key: null, reason: 'none', isThere: false, cells: [] });
});

it('what is no row of the task is refused', async () => {
  const refusal = (row: Parameters<typeof replica.engine.api.compareRow>[1]) =>
    replica.engine.api.compareRow(task, row).then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
  await replica.mysql.query('CREATE TABLE c.other (id INT PRIMARY KEY); INSERT INTO c.other VALUES (1)');
  const ofOther = await sourceKey('other', {});
  expect(await refusal({ side: 'source', table: 'c.other', key: ofOther })).toBe('ROW-S108');
  expect(await refusal({ side: 'source', table: 'c.o dd', key: ofOther })).toBe('ROW-T104');
  expect(await refusal({ side: 'source', table: 'c.o dd', key: 'x' })).toBe('ROW-T104');
  expect(await refusal({ side: 'destination', table: 'other', key: await destinationKey('odd', 0) })).toBe(
    'ROW-S108',
  );
  expect(await refusal({ side: 'destination', table: 'odd', key: 'x' })).toBe('ROW-T104');
});

it('in a merge a row of the destination is compared with the table that it came from', async () => {
  await replica.mysql.query(`
    CREATE TABLE c.m1 (id INT PRIMARY KEY, v INT); INSERT INTO c.m1 VALUES (1, 10);
    CREATE TABLE c.m2 (id INT PRIMARY KEY, v INT); INSERT INTO c.m2 VALUES (1, 20)`);
  const merge = replica.task({
    objects: [{ database: 'c', tables: ['m1', 'm2'].map((name) => ({ name, rename: 'merged' })) }],
    merge: true,
  });
  await replica.run(merge, { until: 'full' });
  const { api } = replica.engine;
  for (const [place, from] of ['m1', 'm2'].entries()) {
    const ofRow = await api.compareRow(merge, {
      side: 'destination',
      table: 'merged',
      key: await destinationKey('merged', place),
    });
    expect(ofRow).toMatchObject({ source: `c.${from}`, verdict: 'equal', isThere: true });
    const key = await sourceKey(from, {});
    expect(await api.compareRow(merge, { side: 'source', table: `c.${from}`, key })).toEqual(ofRow);
  }
});

it('a key that a transformation makes is followed from the source', async () => {
  await replica.mysql.query(
    'CREATE TABLE c.made (id INT PRIMARY KEY, v INT); INSERT INTO c.made VALUES (1, 10)',
  );
  const made = replica.task({
    objects: [{ database: 'c', tables: [{ name: 'made' }] }],
    etl: 'e_set(`id`, op_sum(`id`, 100))',
    ignoredChecks: ['etl-key'],
  });
  await replica.run(made, { until: 'full' });
  const { api } = replica.engine;
  const wanted = { key: 'id=101', verdict: 'equal', reason: null, isThere: true };
  const key = await sourceKey('made', {});
  expect(await api.compareRow(made, { side: 'source', table: 'c.made', key })).toMatchObject(wanted);
  const back = { side: 'destination' as const, table: 'made', key: await destinationKey('made', 0) };
  expect(await api.compareRow(made, back)).toMatchObject(wanted);
});
