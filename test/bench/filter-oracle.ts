/**
 * npm run filter-oracle [-- --seed N] [-- --minutes N]: random filters over values of every type, against what MySQL's
 * own WHERE says. Exit code 1 on any difference.
 */
import { parseArgs } from 'node:util';
import { runFilterOracle } from '../filter-oracle/oracle.js';

const usage = 'Usage: npm run filter-oracle [-- --seed N --minutes N]';
const { values } = parse();
function parse() {
  try {
    return parseArgs({
      options: { seed: { type: 'string', default: '1' }, minutes: { type: 'string', default: '0.3' } },
    });
  } catch {
    console.error(usage);
    process.exit(2);
  }
}
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes >= 0)) {
  console.error(usage);
  process.exit(2);
}
const began = Date.now();
const report = await runFilterOracle({
  seed,
  untilMs: began + minutes * 60_000,
  say: (text) => console.log(text),
});
for (const difference of report.differences.slice(0, 20)) console.log(difference);
console.log(`
seed               ${seed}
conditions         ${report.conditions}
rows asked about   ${report.asked}, ${report.decided} of them decided here too
tables end to end  ${report.endToEnd}
differences        ${report.differences.length}
seconds            ${Math.round((Date.now() - began) / 1000)}`);
process.exit(report.differences.length === 0 ? 0 : 1);
