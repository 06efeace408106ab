// The showcase: two servers, a shop, precheck, load, live writes, verification, and a closing table.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import tablestore from 'tablestore';
import mysql from 'mysql2/promise';
import { SetupError } from '../cache.mjs';
import { repository, requireNode } from '../node.mjs';
import { bold, closingTable, count, dim, heading, Live, say } from './screen.mjs';
import { startDemo } from './servers.mjs';
import { shopLive } from './shop.mjs';

const liveMs = 8000;
const script = path.join(repository, 'dist/cli.js');

/**
 * Runs the demo. `keep`: both servers go on. Resolves to the exit code: 0 only when every row of the
 * destination is right.
 * @param {{ keep: boolean }} values
 */
export async function demo(values) {
  const folder = mkdtempSync(path.join(tmpdir(), 'rowferry-demo-'));
  const began = performance.now();
  heading('Two servers and a shop');
  const stage = await startDemo({ folder, keep: values.keep, say });
  const interrupted = () => void stage.stop().then(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const cli = commandLine(stage);
    heading('Precheck');
    await precheck(stage, cli);

    heading('Full load, then what changes meanwhile');
    const followed = await follow(stage, cli);

    heading('Verification, row by row');
    const verified = await cli.lines(['verify', stage.taskFile, '--json']);
    const report = verified.objects.find((object) => object.type === 'verify');
    if (!report) throw new SetupError(`The verification gave no report (exit code ${verified.code}).`);
    const rows = await stage.count();
    const right =
      verified.code === 0 && report.equal && report.differing === 0 && rows === report.destinationRows;
    closingTable([
      ['rows in source', count(rows), right],
      ['rows in destination', count(report.destinationRows), right],
      ['differing rows', count(report.differing), right],
      ['full load', `${count(followed.rowsPerSecond)} rows/s`],
      [
        'live changes written',
        `${count(followed.done.inserted)} inserts, ${count(followed.done.updated)} updates, ${count(followed.done.deleted)} deletes`,
      ],
      [
        '… and',
        `${count(followed.done.keyChanges)} key changes, ${count(followed.done.rolledBack)} rollbacks`,
      ],
      ['a change is in Tablestore after', followed.seenAfter],
      ['latency while writing, at most', followed.latency],
      ['engine memory, at most', `${count(followed.rssPeak / 1e6)} MB`],
      ['the whole demo', `${((performance.now() - began) / 1000).toFixed(1)} s`],
    ]);
    if (values.keep) howToLook(stage);
    return right ? 0 : 1;
  } finally {
    process.removeListener('SIGINT', interrupted).removeListener('SIGTERM', interrupted);
    if (values.keep) stage.connection.destroy();
    else {
      await stage.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }
}

/** `rowferry` as a person would run it, with the secrets in its environment. */
function commandLine(stage) {
  const start = (args, stdio) =>
    spawn(requireNode(), [script, ...args, '--state', path.join(stage.folder, 'state')], {
      env: { ...process.env, ...stage.environment },
      stdio,
    });
  const ended = (child) => new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  return {
    once: (args) => ended(start(args, ['ignore', 'inherit', 'inherit'])),
    /** Reads what it prints as one JSON object a line. */
    stream(args, onObject) {
      const child = start(args, ['ignore', 'pipe', 'inherit']);
      readline.createInterface({ input: child.stdout }).on('line', (line) => onObject(JSON.parse(line)));
      return { child, ended: ended(child) };
    },
    async lines(args) {
      const objects = [];
      const { ended: end } = this.stream(args, (object) => objects.push(object));
      return { code: await end, objects };
    },
  };
}

/** The precheck in a line; when it does not pass, as `rowferry check` shows it. */
async function precheck(stage, cli) {
  const { code, objects } = await cli.lines(['check', stage.taskFile, '--json']);
  if (code !== 0) {
    await cli.once(['check', stage.taskFile]);
    throw new SetupError(`The precheck did not pass (exit code ${code}): see above.`);
  }
  const { results, successRate } = objects.find((object) => object.type === 'check');
  const counts = new Map();
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1);
  const words = [...counts].map(([status, number]) => `${status} ${number}`).join(', ');
  say(`${results.length} checks: ${words} · success rate ${successRate} %`);
}

/** Runs the task while the shop is open; closes the shop, waits until all has arrived, stops the task. */
async function follow(stage, cli) {
  const screen = new Live();
  const figures = { rssPeak: 0, latencies: [], caughtUp: false, loadBegan: 0, loadEnded: 0 };
  const done = { inserted: 0, updated: 0, deleted: 0, keyChanges: 0, rolledBack: 0 };
  let last;
  let closedAt = Infinity;
  let notify = () => {};
  const run = cli.stream(['run', stage.taskFile, '--json'], (object) => {
    if (object.type !== 'status') return;
    last = object;
    figures.rssPeak = Math.max(figures.rssPeak, object.engineRss);
    if (object.phase === 'full') figures.loadBegan ||= object.atMs;
    if (object.phase === 'incremental') {
      figures.loadEnded ||= object.atMs;
      // What piled up during the load is behind first; from then on it is the latency of following.
      figures.caughtUp ||= object.caughtUp;
      if (figures.caughtUp && object.latencyMs !== null && Date.now() < closedAt) {
        figures.latencies.push(object.latencyMs);
      }
    }
    const written = done.inserted + done.updated + done.deleted + done.keyChanges;
    screen.draw(object, written > 0 ? [`the shop wrote ${count(written)} rows meanwhile`] : []);
    notify();
  });
  let code;
  void run.ended.then((value) => {
    code = value;
    notify();
  });
  const until = async (condition) => {
    while (!condition()) {
      if (code !== undefined) throw new SetupError(`rowferry run ended too early (exit code ${code}).`);
      await new Promise((resolve) => (notify = resolve));
    }
  };

  const closing = new AbortController();
  const shopper = await mysql.createConnection({ uri: stage.source.url, database: stage.source.database });
  try {
    await until(() => last?.phase === 'full' || last?.phase === 'incremental');
    const shopping = shopLive(shopper, closing.signal, done);
    // Its failure is met where it is awaited.
    shopping.catch(() => {});
    await until(() => last.phase === 'incremental');
    const [seenAfter] = await Promise.all([
      probeLatency(stage),
      new Promise((resolve) => setTimeout(resolve, liveMs)),
    ]);
    closing.abort();
    await shopping;
    closedAt = Date.now();
    await until(() => last.caughtUp && last.atMs > closedAt + 1500);
    run.child.kill('SIGINT');
    const exit = await run.ended;
    if (exit !== 0) throw new SetupError(`rowferry run ended with exit code ${exit}.`);
    const loadMs = Math.max(1, figures.loadEnded - figures.loadBegan);
    return {
      done,
      seenAfter,
      rssPeak: figures.rssPeak,
      rowsPerSecond: (last.loaded * 1000) / loadMs,
      latency: figures.latencies.length === 0 ? 'unknown' : `${count(Math.max(...figures.latencies))} ms`,
    };
  } finally {
    closing.abort();
    shopper.destroy();
    if (code === undefined) run.child.kill('SIGTERM');
  }
}

/** How long after its commit a row can be read with Tablestore's own SDK: the median of some rows. */
async function probeLatency(stage) {
  const client = new tablestore.Client({
    endpoint: stage.tablestore.endpoint,
    instancename: stage.tablestore.instance,
    accessKeyId: stage.tablestore.accessKeyId,
    accessKeySecret: stage.tablestore.accessKeySecret,
    maxRetries: 0,
  });
  const times = [];
  for (let probe = 0; probe < 15; probe++) {
    const [result] = await stage.connection.query(
      "INSERT INTO customers (email, name, created_at) VALUES (?, 'Probe 🔎', NOW(3))",
      [`probe${probe}@example.com`],
    );
    const committed = performance.now();
    for (;;) {
      const found = await client.getRow({
        tableName: 'customers',
        primaryKey: [{ id: tablestore.Long.fromNumber(result.insertId) }],
      });
      if (found.row.primaryKey) break;
      if (performance.now() - committed > 20_000) return 'not seen within 20 s';
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    times.push(performance.now() - committed);
  }
  times.sort((a, b) => a - b);
  return `${count(times[Math.floor(times.length / 2)])} ms (median of ${times.length})`;
}

function howToLook(stage) {
  const { source, tablestore: store, environment } = stage;
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  console.log(`
${bold('Both servers keep running.')}
  MySQL        ${source.url}/${source.database}
  Tablestore   ${store.endpoint}, instance ${store.instance}
  task file    ${stage.taskFile}

${dim('# the secrets of the task file')}
${variables.join('\n')}
${dim('# go on following; look at a row; stop both servers')}
node dist/cli.js run ${stage.taskFile} --state ${path.join(stage.folder, 'state')}
node dist/cli.js tablestore scan orders --data ${path.join(stage.folder, 'tablestore')}
kill ${[source.pid, store.pid].filter(Boolean).join(' ')}`);
}
