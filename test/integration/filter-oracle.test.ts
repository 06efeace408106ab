import { expect, it } from 'vitest';
import { runFilterOracle } from '../filter-oracle/oracle.js';

/** `npm run filter-oracle` in short, always the same. */
it('rule 18: filters over values of every type mean what they mean to MySQL, in both phases (G2, G7 to G12)', async () => {
  const report = await runFilterOracle({ seed: 1, untilMs: Infinity, rounds: 2 });
  expect(report.differences).toEqual([]);
  expect(report.asked).toBeGreaterThan(100);
  expect(report.endToEnd).toBeGreaterThan(10);
}, 60_000);
