/**
 * Two tasks in one engine: one meets so many rows that cannot be written (BIGINT UNSIGNED above 2^63-1 in an INTEGER),
 * by its stream or its load; the other replicates 700 rows/s meanwhile. Then all of them are retried as text.
 *
 *     npm run bench -- dirty-flood [--rows N] [--by stream|load] [--profile FOLDER]
 *
 * Prints how far the other task was behind, how long records and retry took, and how long the engine took to answer.
 * Exit code 1 when a figure is not what is asked of it: 15 s for 137,500 records, 5,000 rows/s, 1 s, 300 ms.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureEngine } from '../../src/engine/ipc/client.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { taskSchema, type ResolvedTask } from '../../src/shared/task.js';
import { cliScript } from '../support/cli.js';
import { askSteadily, writeSteadily } from '../support/flood.js';
import { startMysql } from '../support/mysql-server.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '137500' },
    by: { type: 'string', default: 'stream' },
    profile: { type: 'string' },
  },
});
const rows = Number(values.rows);
const byLoad = values.by === 'load';
const folder = mkdtempSync(join(tmpdir(), 'rowferry-flood-'));
const mysql = await startMysql({
  gtid: true,
  args: ['--sync-binlog=0', '--innodb-flush-log-at-trx-commit=0'],
});
/** As node, with its processor profile written to the folder. */
const profiled = (into: string) => {
  const script = join(folder, 'node');
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' --cpu-prof --cpu-prof-dir='${into}' "$@"\n`, {
    mode: 0o755,
  });
  return script;
};
const engine = await ensureEngine({
  ...(values.profile && { execPath: profiled(values.profile) }),
  stateDir: join(folder, 'state'),
  engineScript: join(cliScript(), '../node/engine.mjs'),
  kind: 'extension',
});
const { api } = engine;
const missed: string[] = [];
const say = (what: string, figure: number, unit: string, isMet: boolean, more = '') => {
  console.log(`${isMet ? 'met   ' : 'MISSED'}  ${what}: ${figure} ${unit}${more && ` · ${more}`}`);
  if (!isMet) missed.push(what);
};
const snapshotOf = async (task: ResolvedTask): Promise<TaskSnapshot> =>
  (await api.snapshots()).find(({ id }) => id === task.id)!;
const until = async (task: ResolvedTask, wanted: (snapshot: TaskSnapshot) => boolean) => {
  for (;;) {
    const snapshot = await snapshotOf(task);
    if (snapshot.error) throw new Error(`${snapshot.error.code} ${snapshot.error.message}`);
    if (wanted(snapshot)) return;
    await delay(100);
  }
};
/** Of the engine's process, on Linux. */
const cpuSeconds = (): number => {
  try {
    const [user, system] = readFileSync(`/proc/${engine.pid}/stat`, 'utf8').split(' ').slice(13, 15);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return NaN;
  }
};
/** Both tasks and their figures while `work` is done. */
const meanwhile = async (
  what: string,
  paced: ResolvedTask,
  flooded: ResolvedTask,
  work: () => Promise<void>,
) => {
  const over = new AbortController();
  const writing = writeSteadily(mysql, paced, 'pace.steady', over.signal);
  const asking = askSteadily(engine, flooded.id, over.signal);
  await delay(2000);
  const beganMs = performance.now();
  const cpu = cpuSeconds();
  await work();
  const cpuTaken = (cpuSeconds() - cpu).toFixed(1);
  const seconds = Number(((performance.now() - beganMs) / 1000).toFixed(1));
  await delay(1000);
  over.abort();
  const [{ lags }, { answers, pages }] = await Promise.all([writing, asking]);
  say(`the other task is behind, ${what}`, lags.max, 'ms', lags.max <= 1000, String(lags));
  say(`a page of dirty records, ${what}`, pages.max, 'ms', pages.max <= 300, String(pages));
  console.log(
    `        the engine answers, ${what}: ${String(answers)}; it took ${cpuTaken} s of the processor`,
  );
  await mysql.query('TRUNCATE pace.steady');
  return seconds;
};
try {
  const destination = await api.startLocalTablestore({ port: 0, data: join(folder, 'data') });
  const task = (id: string, database: string, more: Record<string, unknown> = {}) =>
    taskSchema.parse({
      id,
      name: id,
      source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
      destination,
      objects: [{ database, ...more }],
      dirtyData: 'skip',
      ddl: { truncate: 'delete' },
      ignoredChecks: ['bigint-unsigned'],
    }) as ResolvedTask;
  await mysql.query(`CREATE DATABASE pace; CREATE TABLE pace.steady (id BIGINT PRIMARY KEY, note VARCHAR(60));
    CREATE DATABASE flood; CREATE TABLE flood.high (id BIGINT PRIMARY KEY, n BIGINT UNSIGNED, note VARCHAR(60))`);
  const paced = task('t-paced', 'pace');
  const flooded = task('t-flooded', 'flood');
  const insert = async () => {
    await mysql.query('SET SESSION cte_max_recursion_depth = 100000000');
    await mysql.query(
      `INSERT INTO flood.high WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       SELECT i, 18446744073709551615 - i, CONCAT('a note about row ', i, ' of many') FROM n`,
    );
  };
  if (byLoad) await insert();
  await api.start(paced, join(folder, 'paced.rowferry.json'), {});
  await until(paced, ({ caughtUp }) => caughtUp);
  const start = () => api.start(flooded, join(folder, 'flooded.rowferry.json'), {});
  if (!byLoad) {
    await start();
    await until(flooded, ({ caughtUp }) => caughtUp);
  }
  const seconds = await meanwhile(`while ${rows} rows are recorded`, paced, flooded, async () => {
    if (byLoad) await start();
    else await insert();
    await until(flooded, ({ dirty, caughtUp }) => dirty === rows && caughtUp);
  });
  say(`${rows} rows recorded from the ${values.by}`, seconds, 's', seconds <= (rows / 137_500) * 15);
  const asText = task('t-flooded', 'flood', {
    tables: [{ name: 'high', columns: { n: { type: 'STRING' } } }],
  });
  let written = 0;
  const retrySeconds = await meanwhile('while they are retried', paced, flooded, async () => {
    written = await api.retryDirty(asText, {});
  });
  const speed = Math.round(written / retrySeconds);
  say(`${written} rows retried`, speed, 'rows/s', speed >= 5000 && written === rows, `${retrySeconds} s`);
} finally {
  await api.shutdown().catch(() => undefined);
  engine.close();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
process.exit(missed.length === 0 ? 0 : 1);
