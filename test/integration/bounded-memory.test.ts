import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { startCli, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/**
 * Transactions that are far bigger than what may be held of them, through an engine process of its own, whose memory
 * is measured. `npm run bench -- huge-transaction` does it with five million rows.
 */
const rows = 300_000;
const branchRows = 120_000;
const mostMegabytes = 256;
let pair: Pair;
let mysql: Pair['mysql'];
let folder: string;
let env: Pair['env'];

beforeAll(async () => {
  pair = await startPair({ mysql: { args: ['--sync-binlog=0', '--innodb-flush-log-at-trx-commit=0'] } });
  ({ mysql, folder, env } = pair);
  await mysql.query(
    'CREATE DATABASE h; CREATE TABLE h.t (id INT PRIMARY KEY, n INT, note VARCHAR(400)); SET SESSION cte_max_recursion_depth = 10000000',
  );
  writeTask(pair, 'h', {
    objects: [{ database: 'h' }],
  });
}, 120_000);

afterAll(() => pair.close());

const start = (...args: string[]): RunningCommand =>
  startCli(['run', 'h.rowferry.json', '--state', 'state', '--json', ...args], {
    cwd: folder,
    env,
  });
const enginePid = () =>
  (JSON.parse(readFileSync(join(folder, 'state/engine.json'), 'utf8')) as { pid: number }).pid;
/** The most that a process has held since it began, MB. */
const peakOf = (pid: number) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
const following = (line: Record<string, unknown>) =>
  line['phase'] === 'incremental' && line['caughtUp'] === true;

function copied(): { count: number; wrong: number } {
  const data = openTablestoreData(join(folder, 'data'));
  let count = 0;
  let wrong = 0;
  for (const { primaryKey, columns } of data.scan('t')) {
    count++;
    if (columns['n'] !== BigInt(primaryKey['id'] as bigint) * 7n) wrong++;
  }
  data.close();
  return { count, wrong };
}
const insert = (from: number, count: number, bytes: number) =>
  `INSERT INTO h.t WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${from + count - 1}) SELECT i, i * 7, REPEAT('x', ${bytes}) FROM n`;

it.runIf(process.platform === 'linux')(
  'one transaction of many rows streams through',
  async () => {
    const run = start();
    await run.until(following, 'the incremental', 60_000);
    await mysql.query(insert(1, rows, 40));
    await run.until((line) => line['inserted'] === rows, 'all rows', 120_000);
    const peak = peakOf(enginePid());
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
    expect(copied()).toEqual({ count: rows, wrong: 0 });
    expect(peak).toBeLessThan(mostMegabytes);
  },
  180_000,
);

it.runIf(process.platform === 'linux')(
  'a prepared XA branch of as many is kept in the store, and comes back at its COMMIT, over a kill in each half (rule 2)',
  async () => {
    let run = start();
    await run.until(following, 'the incremental', 60_000);
    const session = await mysql.connect();
    await session.query(
      `SET SESSION cte_max_recursion_depth = 10000000; XA START 'big'; ${insert(rows + 1, branchRows, 300)}; XA END 'big'; XA PREPARE 'big'`,
    );
    await session.end();
    await mysql.query('INSERT INTO h.t VALUES (0, 0, NULL)');
    await run.until(
      (line) => Number(line['inserted']) > rows && following(line),
      'that it is spooled',
      120_000,
    );
    const peaks = [peakOf(enginePid())];
    expect(copied().count).toBe(rows + 1);
    process.kill(enginePid(), 'SIGKILL');
    await run.ended;
    run = start();
    await run.until(following, 'the incremental', 60_000);
    await mysql.query("XA COMMIT 'big'");
    const before = rows + 1;
    await run.until(
      (line) => Number(line['inserted']) > before + branchRows / 10,
      'some of its rows',
      120_000,
    );
    peaks.push(peakOf(enginePid()));
    process.kill(enginePid(), 'SIGKILL');
    await run.ended;
    run = start();
    await run.until(following, 'that it is through', 120_000);
    peaks.push(peakOf(enginePid()));
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
    expect(copied()).toEqual({ count: rows + branchRows + 1, wrong: 0 });
    expect(Math.max(...peaks)).toBeLessThan(mostMegabytes);
  },
  240_000,
);
