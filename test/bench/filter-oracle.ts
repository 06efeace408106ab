/**
 * npm run filter-oracle [-- --seed N] [-- --minutes N]: random filters over values of every type, against what MySQL's
 * own WHERE says. Exit code 1 on any difference.
 */
import { runFilterOracle } from '../filter-oracle/oracle.js';
import { seeded } from '../support/seeded.js';

const { seed, untilMs, began } = seeded('filter-oracle', '0.3');
const report = await runFilterOracle({
  seed,
  untilMs,
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
