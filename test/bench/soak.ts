/**
 * npm run soak -- --hours H [--seed N]: the shop of the chaos is written without end while the faults happen that leave the
 * engine alive. Every five seconds the memory, the open handles and the store of the first task's engine and the lag of the
 * task are sampled; the end says of each whether it is flat or growing (test/support/trend.ts), compares both sides row by
 * row, and exits with 1 when a figure grows, a row differs or the engine did not live through it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { differences } from '../chaos/compare.js';
import { allFaults } from '../chaos/faults.js';
import { Writer } from '../chaos/shop.js';
import { second, setStage } from '../chaos/stage.js';
import { within } from '../chaos/within.js';
import { Chance } from '../support/chance.js';
import { trend } from '../support/trend.js';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: String(Date.now() % 100_000) }, hours: { type: 'string' } },
});
const hours = Number(values.hours);
if (!(hours > 0)) {
  console.error('Usage: npm run soak -- --hours H [--seed N]');
  process.exit(2);
}
const sampleMs = 5000;
const figures = {
  'memory (RSS), MB': (pid: number) => residentBytes(pid) / 1e6,
  'open handles': (pid: number) => readdirSync(`/proc/${pid}/fd`).length,
  'store, MB': () => storeBytes() / 1e6,
  'lag, s': () => lagSeconds(),
};
type Figure = keyof typeof figures;

const seed = Number(values.seed);
const chance = new Chance(seed);
const stage = await setStage({ seed, chance, mapped: false, tables: 0 });
const { mysql, first, folder } = stage;
const tasks = [first, stage.second];
const until = Date.now() + hours * 3_600_000;
const { gentle } = allFaults({ stage, chance, isMapped: false });
const samples = Object.fromEntries(Object.keys(figures).map((name) => [name, []])) as unknown as Record<
  Figure,
  { atMs: number; value: number }[]
>;
const problems: string[] = [];
let faults = 0;
let transactions = 0;
try {
  console.log(`seed ${seed} · ${stage.description}`);
  for (const task of tasks) task.begin();
  await first.running.until(({ phase }) => phase === 'incremental', 'the incremental phase', 120_000);
  const engine = first.enginePid()!;
  const sampler = setInterval(() => sample(engine), sampleMs);
  const writers = [1, 2].map((n) => new Writer(() => mysql.connect(), new Chance(seed * 1000 + n), n));
  try {
    while (Date.now() < until) {
      await delay(2000 + chance.below(8000));
      const [name, happen] = chance.of(Object.entries(gentle));
      console.log(`  ${name}`);
      await within(240, name, happen());
      faults++;
      for (const task of tasks) await task.keepUp();
    }
  } finally {
    clearInterval(sampler);
    for (const writer of writers) {
      await writer.stop();
      transactions += writer.transactions;
    }
  }
  if (first.enginePid() !== engine) problems.push('the engine is another one than at the beginning');
  for (const task of tasks) await task.end();
  for (const task of tasks) {
    const { isGood, text, details } = await task.settle();
    console.log(text);
    if (!isGood) problems.push(`${text}\n${details}`);
  }
  const data = join(folder, 'data');
  const wrong = [
    ...(await differences(mysql, data)),
    ...(await differences(mysql, data, { prefix: second })),
  ];
  if (wrong.length > 0) problems.push(`${wrong.length} rows differ`, ...wrong.slice(0, 20));
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error));
}
await stage.close();
report();
for (const problem of problems) console.log(problem);
process.exit(problems.length === 0 ? 0 : 1);

function sample(engine: number): void {
  try {
    const atMs = Date.now();
    for (const [name, measure] of Object.entries(figures) as [
      Figure,
      (pid: number) => number | undefined,
    ][]) {
      const value = measure(engine);
      if (value !== undefined) samples[name].push({ atMs, value });
    }
  } catch {
    // Between two engines, or a file that is just replaced.
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** The database with what is not yet written back into it. */
function storeBytes(): number {
  return ['store.db', 'store.db-wal']
    .map((name) => statSync(join(first.state, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((a, b) => a + b);
}

/** As the task says itself; nothing while it does not know. */
function lagSeconds(): number | undefined {
  const latency = first.running.lines().at(-1)?.['latencyMs'];
  return typeof latency === 'number' ? latency / 1000 : undefined;
}

function report(): void {
  console.log(
    `\nseed ${seed} · ${hours} h · ${transactions.toLocaleString('en')} transactions · ${faults} faults\n`,
  );
  console.log(
    '| figure | first | last | mean of the second half | slope an hour | it is |\n|---|---|---|---|---|---|',
  );
  for (const [name, all] of Object.entries(samples)) {
    if (all.length < 20) {
      console.log(`| ${name} | only ${all.length} samples: too few for a trend |`);
      continue;
    }
    const { mean, perHour, uncertainty, verdict } = trend(all);
    const [begin, end] = [all[0]!.value, all.at(-1)!.value].map((value) => value.toFixed(1));
    console.log(
      `| ${name} | ${begin} | ${end} | ${mean.toFixed(1)} | ${perHour.toFixed(1)} ± ${uncertainty.toFixed(1)} | ${verdict} |`,
    );
    if (verdict === 'growing') problems.push(`${name} is growing`);
  }
}
