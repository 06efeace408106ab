import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineConnection } from '../../src/engine/ipc/client.js';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { appliedSince } from '../support/applied.js';
import { startPair, type Pair } from '../support/pair.js';
import { taskBetween } from '../support/precheck.js';

/** Tables that come, go and are mapped otherwise while a task runs and its source is written. */

let pair: Pair;
let mysql: Pair['mysql'];
let store: Pair['store'];
let folder: string;
let engine: EngineConnection;

beforeAll(async () => {
  pair = await startPair({ store: { limits: { tableNotReadyMs: 0 } } });
  ({ mysql, store, folder } = pair);
  await mysql.query(`CREATE DATABASE shop; CREATE TABLE shop.numbers (i INT PRIMARY KEY);
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO shop.numbers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n`);
  for (const name of ['first', 'second', 'third', 'fourth']) {
    await mysql.query(`CREATE TABLE shop.${name} (id INT PRIMARY KEY, kind INT NOT NULL, v VARCHAR(100))`);
    await mysql.query(`INSERT INTO shop.${name} SELECT i, i % 4, CONCAT('${name} ', i) FROM shop.numbers`);
  }
  engine = await pair.engine();
}, 120_000);

afterAll(async () => {
  await engine.api.shutdown().catch(() => undefined);
  engine.close();
  await pair.close();
});

type Mapping = NonNullable<ResolvedTask['objects'][number]['tables']>[number];
const task = (...tables: Mapping[]): ResolvedTask =>
  taskBetween(mysql, store, (made) => {
    made.id = made.name = 'objects';
    made.objects = [{ database: 'shop', tables }];
  });

async function until(wanted: (one: TaskSnapshot) => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 40_000;
  for (;;) {
    const [now] = await engine.api.snapshots();
    if (now && wanted(now)) return;
    if (Date.now() > deadline || now?.state === 'failed')
      throw new Error(`${what} did not come: ${JSON.stringify(now)}`);
    await delay(50);
  }
}

/** With everything that the source has now. */
async function caughtUp(): Promise<void> {
  const isApplied = await appliedSince(mysql);
  await until((one) => isApplied(one) && one.state === 'running', 'that it has caught up');
}

/** Writes to every table, key changes among it, until told to stop. */
function writeOn(): () => Promise<void> {
  let on = true;
  const done = (async () => {
    const connection = await mysql.connect();
    for (let n = 1; on; n++) {
      for (const name of ['first', 'second', 'third', 'fourth']) {
        const id = 1 + ((n * 7919) % 20_000);
        await connection.query(
          [
            `UPDATE shop.${name} SET v = 'changed ${n}', kind = kind + 1 WHERE id = ${id}`,
            `REPLACE INTO shop.${name} VALUES (${30_000 + n}, ${n % 5}, 'new')`,
            `DELETE FROM shop.${name} WHERE id = ${id}`,
            `UPDATE shop.${name} SET id = id + 100000 WHERE id = ${id}`,
          ][n % 4]!,
        );
      }
      await delay(1);
    }
    await connection.end();
  })();
  return () => {
    on = false;
    return done;
  };
}

/** What is at the destination and not at the source, or the other way round, by an own reading of both. */
async function difference(
  table: string,
  destination: string,
  where = 'TRUE',
  column = 'v',
): Promise<string[]> {
  const rows = await mysql.query<{ id: number; kind: number; v: string | null }>(
    `SELECT * FROM shop.${table} WHERE ${where}`,
  );
  const expected = new Map(rows.map((row) => [String(row.id), `${row.kind}|${row.v}`]));
  const data = openTablestoreData(join(folder, 'data'));
  const wrong: string[] = [];
  for (const { primaryKey, columns } of data.scan(destination)) {
    const key = String(primaryKey['id']);
    const found = `${String(columns['kind'])}|${String(columns[column] ?? null)}`;
    if (expected.get(key) !== found) wrong.push(`${key}: ${found} instead of ${expected.get(key)}`);
    expected.delete(key);
  }
  data.close();
  return [...wrong, ...[...expected.keys()].map((key) => `${key} is missing`)].slice(0, 5);
}

describe('objects of a running task', () => {
  it('come and go, and are mapped otherwise, while the others go on', async () => {
    await engine.api.start(task({ name: 'first' }, { name: 'second' }, { name: 'third' }), 'objects', {});
    await caughtUp();
    const stopWriting = writeOn();

    const wanted = task(
      { name: 'first', filter: 'kind < 3' },
      { name: 'second', rename: 'other', columns: { v: { rename: 'words' } } },
      { name: 'fourth' },
    );
    expect(await engine.api.planChanges({ ...wanted, heartbeat: 'statement' })).toEqual({
      added: [{ source: 'shop.fourth', destination: 'fourth', estimatedRows: expect.any(Number) as number }],
      changed: [
        {
          source: 'shop.first',
          destination: 'first',
          estimatedRows: expect.any(Number) as number,
          what: ['filter'],
        },
        {
          source: 'shop.second',
          destination: 'other',
          estimatedRows: expect.any(Number) as number,
          what: ['table', 'columns'],
        },
      ],
      removed: [{ source: 'shop.third', destination: 'third' }],
      atNextStart: ['heartbeat'],
      problems: [],
    });
    await engine.api.applyChanges(wanted);
    await caughtUp();
    await stopWriting();
    await caughtUp();
    expect(await difference('first', 'first', 'kind < 3')).toEqual([]);
    expect(await difference('second', 'other', 'TRUE', 'words')).toEqual([]);
    expect(await difference('fourth', 'fourth')).toEqual([]);
    const [now] = await engine.api.snapshots();
    expect(now!.tables.map((one) => `${one.source} ${one.destination} ${one.phase}`).sort()).toEqual([
      'shop.first first incremental',
      'shop.fourth fourth incremental',
      'shop.second other incremental',
    ]);
    // What was removed stays, and is not followed.
    await mysql.query('DELETE FROM shop.third');
    await caughtUp();
    const data = openTablestoreData(join(folder, 'data'));
    expect([...data.scan('third')].length).toBeGreaterThan(10_000);
    data.close();
  }, 90_000);

  it('go on where they were after a kill in the middle of it', async () => {
    await mysql.query(`INSERT INTO shop.third SELECT i, i % 4, 'again' FROM shop.numbers`);
    const stopWriting = writeOn();
    const wanted = task(
      { name: 'first' },
      { name: 'third', rename: 'third_again' },
      { name: 'fourth', filter: 'kind <> 1' },
    );
    wanted.throttle.full.rowsPerSecond = 15_000;
    await engine.api.tune('objects', { throttle: { full: { rowsPerSecond: 15_000 } } });
    await engine.api.applyChanges(wanted);
    for (let round = 0; round < 3; round++) {
      // Each time somewhere else on the way of the tables.
      await delay(300 + round * 700);
      process.kill(engine.pid, 'SIGKILL');
      await engine.closed;
      engine = await pair.engine();
      await engine.api.start(wanted, 'objects', {});
      await until((one) => one.state === 'running' && one.phase === 'incremental', 'the stream');
    }
    await caughtUp();
    await stopWriting();
    await caughtUp();
    expect(await difference('first', 'first')).toEqual([]);
    expect(await difference('third', 'third_again')).toEqual([]);
    expect(await difference('fourth', 'fourth', 'kind <> 1')).toEqual([]);
  }, 90_000);

  it('are compared with what the task ran with when it is started again with another file', async () => {
    await engine.api.stop('objects');
    await mysql.query(
      'UPDATE shop.first SET v = NULL WHERE id < 500; DELETE FROM shop.fourth WHERE id > 19000',
    );
    await engine.api.start(
      task({ name: 'first', filter: 'id < 1000' }, { name: 'second', rename: 'back' }, { name: 'fourth' }),
      'objects',
      {},
    );
    await caughtUp();
    expect(await difference('first', 'first', 'id < 1000')).toEqual([]);
    expect(await difference('second', 'back')).toEqual([]);
    expect(await difference('fourth', 'fourth')).toEqual([]);
  }, 60_000);

  it('cannot be what the destination cannot hold, or the source does not have', async () => {
    const otherKey = task({ name: 'first', primaryKey: ['kind', 'id'] }, { name: 'second', rename: 'back' });
    await expect(engine.api.applyChanges(otherKey)).rejects.toMatchObject({
      code: 'ROW-T106',
      message: expect.stringMatching(/has the key \(id INTEGER\)/) as unknown,
    });
    await expect(engine.api.applyChanges(task({ name: 'nothing' }))).rejects.toMatchObject({
      code: 'ROW-T106',
      message: 'The table shop.nothing does not exist.',
    });
    await caughtUp();
    expect((await engine.api.snapshots())[0]!.tables).toHaveLength(3);
  }, 30_000);
});
