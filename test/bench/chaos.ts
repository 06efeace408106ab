/**
 * npm run bench -- chaos [--seed N] [--minutes N] [--mapped]: a shop that is written in every way while the engine, the command,
 * MySQL and the connections between them are killed or stopped, tables are altered under every sql_mode, another task
 * takes the tables over, and Tablestore answers as badly as it can. A second task follows the same source into tables
 * of its own. After every round all sides are compared, row by row: by a reading of our own, or with --mapped (filters,
 * other keys, types and names) by the product's. Exit code 1 on any difference.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { FaultRule } from '../../src/local-tablestore/index.js';
import { differences } from '../chaos/compare.js';
import { definition, mapped, schema, Writer } from '../chaos/shop.js';
import { Chance } from '../support/chance.js';
import { startCli, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask } from '../support/pair.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    minutes: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
    mapped: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const until = Date.now() + Number(values.minutes) * 60_000;
const chance = new Chance(seed);
const gtid = chance.of([true, true, false]);
const pair = await startPair({
  mysql: {
    gtid,
    args: [
      ...(gtid ? [] : ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF']),
      `--binlog-row-metadata=${chance.of(['MINIMAL', 'FULL'])}`,
      '--innodb-flush-log-at-trx-commit=1',
      '--sync-binlog=1',
    ],
  },
});
const { mysql, store, folder, env } = pair;
const task = {
  id: `t-chaos-${seed}`,
  name: 'chaos',
  objects: values.mapped ? mapped : [{ database: 'shop', exclude: ['_logs*', 'logs_old'] }],
  dirtyData: 'skip',
  conflict: 'ignore',
  ddl: { truncate: 'delete', onChange: 'reload' },
  write: {
    mode: chance.of(['put-row', 'update-row']),
    batch: chance.of(['bulk-import', 'batch-write']),
    buckets: chance.of([1, 3, 10]),
  },
};
/** An account for each task: so its sessions are told apart. */
const account = (user: string) => ({ host: '127.0.0.1', port: mysql.port, user, password: 'chaos' });
const file = writeTask(pair, 'chaos', { ...task, source: account('first') });
/** Writes the same tables as the first, from a state of its own: whoever has the lock. */
const rivalFile = writeTask(pair, 'rival', {
  ...task,
  id: `t-rival-${seed}`,
  name: 'rival',
  source: account('rival'),
});
/** Follows the same source into tables of its own. */
const second = 'second_';
const secondFile = writeTask(pair, 'second', {
  ...task,
  id: `t-second-${seed}`,
  name: 'second',
  source: account('second'),
  objects: [{ database: 'shop', exclude: ['_logs*', 'logs_old'], renameTables: { prefix: second } }],
});
console.log(
  `seed ${seed} · GTID ${gtid ? 'on' : 'off'} · ${task.write.mode}, ${task.write.batch}, ${task.write.buckets} buckets`,
);

const commandOf =
  (task: string, state: string) =>
  (...args: string[]): RunningCommand =>
    startCli([args[0]!, task, '--state', state, ...args.slice(1)], { cwd: folder, env });
const rowferry = commandOf(file, 'state');
const rival = commandOf(rivalFile, 'rival');
const secondTask = commandOf(secondFile, 'second');
const enginePid = (state = 'state') =>
  (JSON.parse(readFileSync(join(folder, state, 'engine.json'), 'utf8')) as { pid: number }).pid;
/** Between two engines there is none: false. */
const signalEngine = (signal: NodeJS.Signals, state?: string): boolean => {
  try {
    return process.kill(enginePid(state), signal);
  } catch {
    return false;
  }
};
const endSessions = async (user: string) => {
  const sessions = await mysql.query<{ id: number }>(
    `SELECT id FROM information_schema.processlist WHERE user = '${user}'`,
  );
  for (const { id } of sessions) await mysql.query(`KILL ${id}`).catch(() => undefined);
};

const faults: FaultRule[] = [
  { kind: 'error', code: 'OTSServerBusy', probability: 0.2 },
  { kind: 'error', code: 'OTSServerBusy', probability: 0.1, row: true },
  { kind: 'error', code: 'OTSRowOperationConflict', probability: 0.05, row: true },
  { kind: 'reset', applied: true, probability: 0.1 },
  { kind: 'reset', applied: false, probability: 0.1 },
  { kind: 'latency', delayMs: 300, probability: 0.2 },
  { kind: 'late', delayMs: 1500, probability: 0.05 },
];
const blows: Record<string, (run: RunningCommand) => Promise<void> | void> = {
  'engine killed': () => void signalEngine('SIGKILL'),
  'engine of the second task killed': () => void signalEngine('SIGKILL', 'second'),
  'engine stopped for a while': async () => {
    const pid = signalEngine('SIGSTOP') ? enginePid() : undefined;
    if (pid === undefined) return;
    try {
      if (chance.below(3) > 0) await endSessions('first');
      await delay(200 + chance.below(3000));
      if (chance.below(2) > 0) return;
      console.log('    another task takes the tables over');
      await endSessions('first');
      await rival('run', '--until', 'caught-up', '--json').ended;
      // To it the tables are somebody else's: of those that it had to load anew it leaves rows that went meanwhile, and says so.
      await rival('verify', '--repair').ended;
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  },
  'command killed': (run) => void run.child.kill('SIGKILL'),
  'command ended': (run) => void run.child.kill('SIGTERM'),
  'MySQL killed': async () => {
    await mysql.kill();
    await mysql.restart();
  },
  'dump ended': async () => {
    const dumps = await mysql.query<{ id: number }>(
      "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'",
    );
    for (const { id } of dumps) await mysql.query(`KILL ${id}`).catch(() => undefined);
  },
  'binlog rotated': () => mysql.query('FLUSH BINARY LOGS').then(() => undefined),
  'sessions ended': () => endSessions(chance.of(['first', 'second'])),
  'tables changed': changeTables,
  'tables changed, once more': changeTables,
  'tables changed, engine killed': async () => {
    await changeTables();
    await delay(chance.below(700));
    signalEngine('SIGKILL');
  },
  'table reloaded': async () => {
    await rowferry('reload', '--table', `shop.${chance.of(['items', 'names', 'children'])}`).ended;
  },
  'task paused': async () => {
    await rowferry('pause').ended;
    await delay(500);
    await rowferry('resume').ended;
  },
  'Tablestore busy': async () => {
    store.faults.set([chance.of(faults), chance.of(faults)]);
    await delay(2000);
    store.faults.set([]);
  },
};

async function changeTables(): Promise<void> {
  const { settings, statements } = definition(chance);
  const connection = await mysql.connect();
  try {
    await connection.query(settings);
    for (const sql of statements) {
      // A filter on a column that is gone is for a person to mend.
      if (values.mapped && sql.includes('RENAME COLUMN')) continue;
      const done = await connection.query(sql).then(
        () => true,
        () => false,
      );
      if (done) console.log(`    ${sql.slice(0, 110)}`);
    }
  } finally {
    connection.destroy();
  }
}

let failed = false;
let transactions = 0;
let blown = 0;
try {
  await mysql.query(schema);
  for (const user of ['first', 'rival', 'second'])
    await mysql.query(`CREATE USER ${user} IDENTIFIED BY 'chaos'; GRANT ALL ON *.* TO ${user}`);
  for (let round = 1; round === 1 || (Date.now() < until && !failed); round++) {
    const writers = [1, 2].map(
      (n) => new Writer(() => mysql.connect(), new Chance(seed * 1000 + round * 10 + n), n),
    );
    const roundEnds = Date.now() + 15_000;
    let run = rowferry('run', '--json');
    let beside = secondTask('run', '--json');
    let over = false;
    const watch = () => void run.ended.then(() => (over = true));
    watch();
    while (Date.now() < roundEnds) {
      await delay(200 + chance.below(2500));
      const name = chance.of(Object.keys(blows));
      console.log(`  ${name}`);
      await within(60, name, blows[name]!(run));
      blown++;
      if (!over) await delay(300);
      if (over) {
        const { code, stderr } = await within(60, 'the end of the run', run.ended);
        if (code !== null && code !== 0) console.log(`    ended with ${code}: ${stderr.trim()}`);
        if (code !== null && code !== 0 && code !== 3) {
          failed = true;
          console.log(`the run ended with ${code}: ${stderr}`);
          break;
        }
        over = false;
        run = rowferry('run', '--json');
        watch();
      }
      if (beside.child.exitCode !== null || beside.child.signalCode !== null) {
        const { code, stderr } = await beside.ended;
        if (code !== 0) console.log(`    the second task ended with ${code}: ${stderr.trim()}`);
        beside = secondTask('run', '--json');
      }
    }
    for (const writer of writers) {
      await writer.stop();
      transactions += writer.transactions;
    }
    if (failed) break;
    for (const one of [run, beside]) {
      one.child.kill('SIGTERM');
      await within(60, 'the end of the run', one.ended);
    }
    for (const { data: xid } of await mysql.query<{ data: string }>('XA RECOVER').catch(() => [])) {
      const gtrid = xid.slice(0, 2);
      await mysql.query(`XA ROLLBACK '${gtrid}','${xid.slice(2)}'`).catch(() => undefined);
    }
    const results = [await settled(rowferry), await settled(secondTask)];
    // What a mapping makes of the rows only the product knows.
    const wrong = [
      ...(values.mapped ? [] : await differences(mysql, join(folder, 'data'))),
      ...(await differences(mysql, join(folder, 'data'), second)),
    ];
    console.log(
      `round ${round}: ${transactions.toLocaleString('en')} transactions, ${wrong.length} rows differ, ${results.map(({ text }) => text).join(' · ')}`,
    );
    if (wrong.length > 0 || results.some(({ isGood }) => !isGood)) {
      failed = true;
      for (const line of wrong.slice(0, 20)) console.log(`  ${line}`);
      for (const { details } of results) console.log(details);
    }
  }
} finally {
  if (failed && values.keep) {
    console.log(`kept until this is ended: ${folder}, ${mysql.url}`);
    await new Promise((ended) => process.once('SIGINT', ended).once('SIGTERM', ended));
  }
  await pair.close();
}
console.log(
  `\nseed ${seed} · ${transactions.toLocaleString('en')} transactions · ${blown} blows · ${failed ? 'FAILED' : 'no difference'}`,
);
process.exit(failed ? 1 : 0);

/** Brings a task to the end of the binlog; a table that stopped with a reason is loaded again, as its message says. */
async function settled(
  command: typeof rowferry,
): Promise<{ isGood: boolean; text: string; details: string }> {
  const catchUp = () => within(300, 'catching up', command('run', '--until', 'caught-up', '--json').ended);
  let last = await catchUp();
  const stopped = stoppedTables(last.stdout);
  for (const table of stopped) {
    console.log(`  ${table.source} had stopped: ${table.problem}`);
    await command('reload', '--table', table.source).ended;
  }
  if (stopped.length > 0) last = await catchUp();
  const verify = await command('verify').ended;
  const dirty = await command('dirty', 'list').ended;
  return {
    isGood: last.code === 0 && verify.code === 0,
    text: `run ${last.code}, verify ${verify.code}`,
    details: [last.stderr, verify.stdout.slice(-3000), verify.stderr, dirty.stdout.slice(0, 2000)].join('\n'),
  };
}

/** Nothing may wait for ever. */
async function within<T>(seconds: number, what: string, work: Promise<T> | T): Promise<T> {
  const clock = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(seconds * 1000, undefined, { signal: clock.signal }).then((): never => {
        failed = true;
        throw new Error(`${what}: not through after ${seconds} s`);
      }),
    ]);
  } finally {
    clock.abort();
  }
}

function stoppedTables(stdout: string): { source: string; problem: string }[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const last = lines.map((line) => JSON.parse(line) as { tables?: Table[] }).findLast((line) => line.tables);
  return (last?.tables ?? [])
    .filter((table) => table.problem)
    .map((table) => ({ source: table.source, problem: table.problem!.message }));
}
interface Table {
  source: string;
  problem?: { message: string };
}
