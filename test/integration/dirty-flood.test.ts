import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineConnection } from '../../src/engine/ipc/client.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { taskSchema, type ResolvedTask } from '../../src/shared/task.js';
import { askSteadily, writeSteadily } from '../support/flood.js';
import { startPair, type Pair } from '../support/pair.js';

/** Many dirty rows of one task, in an engine that has other things to do. `npm run bench -- dirty-flood` has the figures. */
const rows = 20_000;
let pair: Pair;

beforeAll(async () => {
  pair = await startPair();
  await pair.mysql
    .query(`CREATE DATABASE pace; CREATE TABLE pace.steady (id BIGINT PRIMARY KEY, note VARCHAR(60));
    CREATE DATABASE flood; CREATE TABLE flood.high (id BIGINT PRIMARY KEY, n BIGINT UNSIGNED, note VARCHAR(60));
    CREATE TABLE flood.cut (id BIGINT PRIMARY KEY, n BIGINT UNSIGNED, note VARCHAR(60))`);
});
afterAll(() => pair?.close());

const task = (id: string, database: string, table: string, columns: Record<string, unknown> = {}) =>
  taskSchema.parse({
    id,
    name: id,
    source: { host: '127.0.0.1', port: pair.mysql.port, user: 'root' },
    destination: {
      endpoint: pair.store.url,
      instance: pair.store.instance,
      accessKeyId: pair.store.accessKeyId,
      accessKeySecret: pair.store.accessKeySecret,
    },
    objects: [{ database, tables: [{ name: table, columns }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
  }) as ResolvedTask;

async function until(
  { api }: EngineConnection,
  { id }: ResolvedTask,
  wanted: (snapshot: TaskSnapshot) => boolean,
): Promise<void> {
  for (;;) {
    const found = (await api.snapshots()).find((one) => one.id === id)!;
    if (found.error) throw new Error(`${found.error.code} ${found.error.message}`);
    if (wanted(found)) return;
    await delay(100);
  }
}

const start = ({ api }: EngineConnection, one: ResolvedTask) =>
  api.start(one, join(pair.folder, `${one.id}.rowferry.json`), {});

/** In one transaction. */
const flood = async (table: string, value: string) => {
  await pair.mysql.query('SET SESSION cte_max_recursion_depth = 1000000');
  await pair.mysql.query(
    `INSERT INTO ${table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, ${value}, CONCAT('a note about row ', i, ' of many') FROM n`,
  );
};

it('keeps no other task waiting, is retried in lots, and the retry ends when it is told to', async () => {
  const engine = await pair.engine();
  const paced = task('t-paced', 'pace', 'steady');
  const flooded = task('t-flooded', 'flood', 'high');
  for (const one of [paced, flooded]) {
    await start(engine, one);
    await until(engine, one, ({ caughtUp }) => caughtUp);
  }
  const over = new AbortController();
  const writing = writeSteadily(pair.mysql, paced, 'pace.steady', over.signal);
  const asking = askSteadily(engine, flooded.id, over.signal);
  await delay(1000);
  await flood('flood.high', '18446744073709551615 - i');
  await until(engine, flooded, ({ dirty, caughtUp }) => dirty === rows && caughtUp);
  over.abort();
  const [{ lags }, { pages }] = await Promise.all([writing, asking]);
  // A transaction for each record, and a sum over all of them now and then, took 9 s of everybody's time.
  expect(lags.max, `the other task: ${String(lags)}`).toBeLessThan(3000);
  expect(pages.max, `pages: ${String(pages)}`).toBeLessThan(3000);

  const asText = task('t-flooded', 'flood', 'high', { n: { type: 'STRING' } });
  const retrying = engine.api.retryDirty(asText, {});
  const cancelled = expect(retrying).rejects.toMatchObject({ code: 'ROW-E111' });
  await until(engine, flooded, ({ dirty }) => dirty < rows);
  await engine.api.cancelRetry(flooded.id);
  await cancelled;
  const { total } = await engine.api.dirtyRecords(flooded.id, {}, { offset: 0, limit: 1 });
  expect(total).toBeGreaterThan(0);
  expect(await engine.api.retryDirty(asText, {})).toBe(total);
  expect(await engine.api.verify(asText, {})).toMatchObject({ equal: true, tables: [{ dirty: 0 }] });
  await engine.api.shutdown();
  engine.close();
}, 180_000);

it('rule 22: a kill in the middle of it loses no record, and makes none twice', async () => {
  const first = await pair.engine();
  const one = task('t-cut', 'flood', 'cut');
  await start(first, one);
  await until(first, one, ({ caughtUp }) => caughtUp);
  await flood('flood.cut', '18446744073709551615 - i');
  await until(first, one, ({ dirty }) => dirty > 1000);
  process.kill(first.pid, 'SIGKILL');
  await first.closed;
  const second = await pair.engine();
  const { total } = await second.api.dirtyRecords(one.id, {}, { offset: 0, limit: 1 });
  expect(total).toBeLessThan(rows);
  await start(second, one);
  await until(second, one, ({ caughtUp, dirty }) => caughtUp && dirty >= rows);
  const keys = new Set<string>();
  for (let offset = 0; offset < rows; offset += 1000) {
    const { records } = await second.api.dirtyRecords(one.id, {}, { offset, limit: 1000 });
    for (const { key } of records) keys.add(key);
  }
  expect(keys.size).toBe(rows);
  expect((await second.api.dirtyRecords(one.id, {}, { offset: 0, limit: 1 })).total).toBe(rows);
  await second.api.shutdown();
  second.close();
}, 180_000);
