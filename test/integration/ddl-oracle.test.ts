import { expect, it } from 'vitest';
import { runDdlOracle } from '../ddl-oracle/oracle.js';

/** `npm run ddl-oracle` in short, always the same statements. */
it('rule 13: while a table says that it is in step, it holds what a fresh load would write, whatever statement came', async () => {
  const report = await runDdlOracle({ seed: 3, lives: 8, rounds: 2 });
  expect(report.differences).toEqual([]);
  expect(report.taken).toBeGreaterThan(15);
  expect(report.compared).toBeGreaterThan(10);
  expect(report.stopped).toBeGreaterThan(3);
}, 120_000);
