import { expect, it } from 'vitest';
import { runExactness } from '../exactness/exactness.js';

/** `npm run exactness` in short: every type and corner, few random rows, always the same. */
it('rule 16: every MySQL type gives the same cells by both roads, and the values that MySQL prints', async () => {
  const report = await runExactness({ seed: 1, tables: 2, rows: 6 });
  expect(report.differences).toEqual([]);
  expect(report.types.size).toBeGreaterThan(100);
  expect(report.pairs.size).toBeGreaterThan(190);
  expect(report.corners).toBeGreaterThan(2000);
  // Numbers, bits and dates that no cell holds.
  expect(report.unwritable).toBeGreaterThan(50);
}, 180_000);
