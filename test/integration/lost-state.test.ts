import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import type { VerifyReport } from '../../src/shared/verify-report.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { deleteTable } from '../../src/tablestore/client/operations.js';
import { cli } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** What docs/guarantees.md says of a task whose state folder is lost, for each way to meet tables that are there. */

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await pair.mysql.query('CREATE DATABASE shop');
}, 120_000);
afterAll(() => pair.close());

const run = (command: string, name: string, ...more: string[]) =>
  cli([command, `${name}.rowferry.json`, ...more], { cwd: pair.folder, env: pair.env });
const newState = (name: string) => ['--state', `state-of-${name}-after`];
/** `key: v` of each row. */
function values(name: string): Record<string, number> {
  const data = openTablestoreData(join(pair.folder, 'data'));
  try {
    return Object.fromEntries(
      [...data.scan(name)].map((row) => [String(row.primaryKey['id']), Number(row.columns['v'])]),
    );
  } finally {
    data.close();
  }
}
async function verified(name: string, ...more: string[]) {
  const { code, stdout } = await run('verify', name, ...newState(name), '--json', ...more);
  const { tables } = JSON.parse(stdout.trim().split('\n').at(-1)!) as VerifyReport;
  const { missing, extra, different, kept } = tables[0]!;
  return { code, missing, extra, different, kept };
}
const write = (name: string, more: Record<string, unknown>) =>
  writeTask(pair, name, { id: `t-${name}`, objects: [{ database: 'shop', tables: [{ name }] }], ...more });
/** A task that was caught up; then one row of each kind changed, and its state is lost. */
async function lost(name: string, more: Record<string, unknown>): Promise<void> {
  await pair.mysql.query(
    `CREATE TABLE shop.${name} (id INT PRIMARY KEY, v INT); INSERT INTO shop.${name} VALUES (1, 1), (2, 2), (3, 3)`,
  );
  write(name, more);
  expect(await run('run', name, '--state', `state-of-${name}`, '--until', 'caught-up')).toMatchObject({
    code: 0,
  });
  await pair.mysql.query(
    `UPDATE shop.${name} SET v = 10 WHERE id = 1; DELETE FROM shop.${name} WHERE id = 2; INSERT INTO shop.${name} VALUES (4, 4)`,
  );
}
const caughtUp = (name: string) => run('run', name, ...newState(name), '--until', 'caught-up');
const atTheSource = { 1: 10, 3: 3, 4: 4 };

it('"report": refused with the ways out, until the tables are deleted; then loaded anew', async () => {
  await lost('told', { conflict: 'report' });
  const refused = await caughtUp('told');
  expect(refused.code).toBe(1);
  expect(refused.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /already exist: told .* delete these tables.* its state folder is lost, .*"conflict" to "ignore", run the task, .*rowferry reload TASK.*rowferry verify TASK --repair/,
  );
  expect(values('told')).toEqual({ 1: 1, 2: 2, 3: 3 });

  const client = new TablestoreClient({
    endpoint: pair.store.url,
    instance: 'local',
    accessKeyId: pair.store.accessKeyId,
    accessKeySecret: pair.store.accessKeySecret,
    securityToken: null,
  });
  await deleteTable(client, 'told');
  client.close();
  expect(await caughtUp('told')).toMatchObject({ code: 0 });
  expect(values('told')).toEqual(atTheSource);
  expect(await verified('told')).toMatchObject({ code: 0, kept: 0 });
});

it('"ignore": rows that are there are kept as they were, and verify says so; the way out puts them right', async () => {
  await lost('kept', { conflict: 'ignore' });
  expect(await caughtUp('kept')).toMatchObject({ code: 0 });
  expect(values('kept')).toEqual({ 1: 1, 2: 2, 3: 3, 4: 4 });
  expect(await verified('kept')).toEqual({ code: 1, missing: 0, extra: 1, different: 0, kept: 1 });
  // What changes from now on arrives.
  await pair.mysql.query('UPDATE shop.kept SET v = 30 WHERE id = 3');
  expect(await caughtUp('kept')).toMatchObject({ code: 0 });
  expect(values('kept')).toEqual({ 1: 1, 2: 2, 3: 30, 4: 4 });

  expect(await run('reload', 'kept', ...newState('kept'))).toMatchObject({ code: 0 });
  expect(await caughtUp('kept')).toMatchObject({ code: 0 });
  expect(values('kept')).toEqual({ 1: 10, 2: 2, 3: 30, 4: 4 });
  await verified('kept', '--repair');
  expect(values('kept')).toEqual({ 1: 10, 3: 30, 4: 4 });
  expect(await verified('kept')).toEqual({ code: 0, missing: 0, extra: 0, different: 0, kept: 0 });
});

it('"report" with tables that the task does not create: they are its tables, and loaded over', async () => {
  await lost('given', { conflict: 'report' });
  write('given', { conflict: 'report', synchronization: { schema: false } });
  expect(await caughtUp('given')).toMatchObject({ code: 0 });
  expect(values('given')).toEqual({ ...atTheSource, 2: 2 });
  expect(await verified('given')).toEqual({ code: 1, missing: 0, extra: 1, different: 0, kept: 0 });
  expect(await run('reload', 'given', ...newState('given'))).toMatchObject({ code: 0 });
  expect(await caughtUp('given')).toMatchObject({ code: 0 });
  expect(values('given')).toEqual(atTheSource);
});
