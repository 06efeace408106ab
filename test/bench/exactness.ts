/**
 * npm run exactness [-- --seed N] [-- --minutes N]: every MySQL type, by the full load and by the binlog, into the
 * embedded Tablestore and back. Exit code 1 on any difference.
 */
import { parseArgs } from 'node:util';
import { runExactness } from '../exactness/exactness.js';

const usage = 'Usage: npm run exactness [-- --seed N --minutes N]';
const { values } = parse();
function parse() {
  try {
    return parseArgs({
      options: { seed: { type: 'string', default: '1' }, minutes: { type: 'string', default: '0' } },
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
const report = await runExactness({
  seed,
  tables: 12,
  rows: 60,
  ...(minutes > 0 && { untilMs: began + minutes * 60_000 }),
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
