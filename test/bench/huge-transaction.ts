/**
 * The memory of the engine process under one transaction of so many rows, which arrives through the whole product
 * into an embedded Tablestore that discards writes:
 *
 *     npm run bench -- huge-transaction [rows] [compressed]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startMysql } from '../support/mysql-server.js';

const rows = Number(process.argv[2] ?? 5_000_000);
const compressed = process.argv[3] === 'compressed';
const folder = mkdtempSync(join(tmpdir(), 'rowferry-huge-'));
const rowferry = (...args: string[]) =>
  spawn(process.execPath, ['dist/cli.js', ...args], { env: { ...process.env, HOME: folder } });

const mysql = await startMysql({
  args: [
    '--innodb-buffer-pool-size=512M',
    '--sync-binlog=0',
    '--innodb-flush-log-at-trx-commit=0',
    '--max-allowed-packet=1G',
    `--binlog-transaction-compression=${compressed ? 'ON' : 'OFF'}`,
  ],
});
const store = rowferry('tablestore', '--port', '0', '--discard', '--data', join(folder, 'data'));
const said = await new Promise<string>((resolve) => {
  let text = '';
  store.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (/secret: \S+/.test(text)) resolve(text);
  });
});
const word = (pattern: RegExp) => pattern.exec(said)![1]!;
const task = join(folder, 'huge.rowferry.json');
writeFileSync(
  task,
  JSON.stringify({
    source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
    destination: {
      endpoint: word(/listening on (\S+)/),
      instance: 'local',
      accessKeyId: word(/key id: (\S+)/),
      accessKeySecret: word(/secret: (\S+)/),
    },
    objects: [{ database: 'huge' }],
  }),
);
let last: { inserted?: number } = {};
let run: ReturnType<typeof rowferry> | undefined;
try {
  await mysql.query(
    'CREATE DATABASE huge; CREATE TABLE huge.t (id INT PRIMARY KEY, n BIGINT, note VARCHAR(60))',
  );
  const state = join(folder, 'state');
  run = rowferry('run', task, '--state', state, '--json');
  run.stdout.on('data', (chunk: Buffer) => {
    const line = chunk.toString().trim().split('\n').at(-1)!;
    if (line.startsWith('{')) last = JSON.parse(line) as typeof last;
  });
  run.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk));
  await delay(4000);
  await mysql.query('SET SESSION cte_max_recursion_depth = 100000000');
  console.log(`writing ${rows} rows in one transaction …`);
  await mysql.query(
    `INSERT INTO huge.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, i * 7, CONCAT('a note about row ', i, ' of many') FROM n`,
  );
  const { pid } = JSON.parse(readFileSync(join(state, 'engine.json'), 'utf8')) as { pid: number };
  const began = Date.now();
  let peak = 0;
  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  while ((last.inserted ?? 0) < rows && run.exitCode === null) {
    peak = Math.max(peak, rss());
    await delay(50);
  }
  const seconds = (Date.now() - began) / 1000;
  console.log(
    `${last.inserted} rows in one ${compressed ? 'compressed ' : ''}transaction, ${Math.round(seconds)} s after its commit; engine RSS at most ${Math.round(peak)} MB`,
  );
  process.exitCode = (last.inserted ?? 0) === rows && peak < 256 ? 0 : 1;
} finally {
  run?.kill('SIGTERM');
  await delay(2000);
  store.kill();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
