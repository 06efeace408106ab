/**
 * npm run bench -- chaos [--seed N] [--minutes N] [--mapped] [--tables N] [--only TEXT] [--keep]: a shop that is written in
 * every way while every process is killed or stopped, disks fill, states and binlogs are lost, accounts are refused, tables
 * are altered under every sql_mode, dropped and flooded, another task takes the tables over, and Tablestore answers as
 * badly as it can. A second task follows the same source into tables of its own. Faults check what docs/guarantees.md
 * promises of them. After every round all sides are compared, row by row: by a reading of our own, or with --mapped
 * (filters, other keys, types and names) by the product's. `--tables N`: so many small tables besides. `--only TEXT`: only
 * faults whose names contain it. Exit code 1 on any difference and on any promise that was not kept.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { differences } from '../chaos/compare.js';
import { allFaults } from '../chaos/faults.js';
import { Writer } from '../chaos/shop.js';
import { manyTables, second, setStage } from '../chaos/stage.js';
import { within } from '../chaos/within.js';
import { Chance } from '../support/chance.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    minutes: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
    mapped: { type: 'boolean', default: false },
    tables: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed);
const small = manyTables(Number(values.tables));
const until = Date.now() + Number(values.minutes) * 60_000;
const chance = new Chance(seed);
const stage = await setStage({ seed, chance, mapped: values.mapped, tables: small.length });
const { mysql, store, folder } = stage;
const data = join(folder, 'data');
const tasks = [stage.first, stage.second];
const { gentle, hard } = allFaults({ stage, chance, isMapped: values.mapped });
const faults = Object.entries({ ...gentle, ...hard }).filter(([name]) => name.includes(values.only));
console.log(
  `seed ${seed} · ${stage.description}${stage.hasOwnDisk ? '' : ' · no disk can be mounted: none is filled'}`,
);

let failure: string | undefined;
let transactions = 0;
let blown = 0;
try {
  for (let round = 1; round === 1 || (Date.now() < until && failure === undefined); round++)
    await play(round);
} catch (error) {
  failure = error instanceof Error ? error.message : String(error);
  console.log(failure);
}
if (failure !== undefined && values.keep) {
  console.log(`kept until this is ended: ${folder}, ${mysql.url}`);
  await new Promise((ended) => process.once('SIGINT', ended).once('SIGTERM', ended));
}
await stage.close();
console.log(
  `\nseed ${seed} · ${transactions.toLocaleString('en')} transactions · ${blown} faults · ${failure === undefined ? 'no difference' : `FAILED: ${failure}`}`,
);
process.exit(failure === undefined ? 0 : 1);

/** 15 seconds of writing and faults; then peace, and the comparison. */
async function play(round: number): Promise<void> {
  const writers = [1, 2].map(
    (n) => new Writer(() => mysql.connect(), new Chance(seed * 1000 + round * 10 + n), n),
  );
  const roundEnds = Date.now() + 15_000;
  try {
    for (const task of tasks) task.begin();
    while (Date.now() < roundEnds) {
      await delay(200 + chance.below(2500));
      const [name, happen] = chance.of(faults);
      console.log(`  ${name}`);
      await within(180, name, happen());
      blown++;
      if (small.length > 0)
        await mysql.query(`REPLACE INTO many.${chance.of(small)} VALUES (${chance.below(5)}, ${blown})`);
      await delay(300);
      for (const task of tasks) await task.keepUp();
    }
  } finally {
    for (const writer of writers) {
      await writer.stop();
      transactions += writer.transactions;
    }
  }
  for (const task of tasks) await task.end();
  for (const { data: xid } of await mysql.query<{ data: string }>('XA RECOVER').catch(() => [])) {
    const gtrid = xid.slice(0, 2);
    await mysql.query(`XA ROLLBACK '${gtrid}','${xid.slice(2)}'`).catch(() => undefined);
  }
  await store.setFaults([]);
  const results = [];
  for (const task of tasks) results.push(await task.settle());
  const wrong = [
    // What a mapping makes of the rows only the product knows.
    ...(values.mapped ? [] : await differences(mysql, data)),
    ...(await differences(mysql, data, { prefix: second })),
    ...(await differences(mysql, data, { prefix: second, database: 'many', names: small })),
  ];
  console.log(
    `round ${round}: ${transactions.toLocaleString('en')} transactions, ${wrong.length} rows differ, ${results.map(({ text }) => text).join(' · ')}`,
  );
  if (wrong.length === 0 && results.every(({ isGood }) => isGood)) return;
  for (const line of wrong.slice(0, 20)) console.log(`  ${line}`);
  for (const { details } of results) console.log(details);
  throw new Error(
    `round ${round}: ${wrong.length} rows differ, ${results.map(({ text }) => text).join(' · ')}`,
  );
}
