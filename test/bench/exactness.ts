/**
 * npm run exactness [-- --seed N] [-- --minutes N]: every MySQL type, by the full load and by the binlog, into the
 * embedded Tablestore and back. Exit code 1 on any difference.
 */
import { runExactness } from '../exactness/exactness.js';
import { seeded } from '../support/seeded.js';

const { seed, untilMs, began } = seeded('exactness', '0');
const report = await runExactness({
  seed,
  tables: 12,
  rows: 60,
  untilMs,
  say: (text) => console.log(text),
});
console.log(`
seed                  ${seed}
types covered         ${report.types.size} (${report.pairs.size} with their cell types and units)
corner values         ${report.corners}
random rows compared  ${report.rows} in ${report.tables} tables, ${report.cells} cells
unwritable rows       ${report.unwritable}, all recorded as dirty
differences           ${report.differences.length}
seconds               ${Math.round((Date.now() - began) / 1000)}`);
process.exit(report.differences.length === 0 ? 0 : 1);
