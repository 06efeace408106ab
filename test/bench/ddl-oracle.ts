/**
 * npm run ddl-oracle [-- --seed N] [-- --minutes N]: random statements about tables; whatever says that it is in step is
 * compared with a fresh load. Exit code 1 on any difference.
 */
import { runDdlOracle } from '../ddl-oracle/oracle.js';
import { seeded } from '../support/seeded.js';

const { seed, untilMs, began } = seeded('ddl-oracle', '1');
const report = await runDdlOracle({ seed, lives: 12, rounds: 3, untilMs, say: (text) => console.log(text) });
const kinds = [...report.kinds].sort(([, a], [, b]) => b - a);
console.log(`
seed                  ${seed}
statements            ${report.taken} (the server refused ${report.refused} more)
kinds                 ${kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')}
tables compared       ${report.compared} in step, ${report.rows} rows
tables that stopped   ${report.stopped}
with dirty rows       ${report.dirty}
servers crashed       ${report.crashes}
differences           ${report.differences.length}
seconds               ${Math.round((Date.now() - began) / 1000)}`);
process.exit(report.differences.length === 0 ? 0 : 1);
