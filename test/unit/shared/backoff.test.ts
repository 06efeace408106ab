import { expect, test } from 'vitest';
import { Backoff } from '../../../src/shared/backoff.js';

test('pauses double to the longest, and begin again after a success', () => {
  const backoff = new Backoff(100, 1000, 'none');
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(backoff.failures).toBe(6);
  backoff.reset();
  expect([backoff.failures, backoff.next()]).toEqual([0, 100]);
});

test('however often it fails, the pause is a number', () => {
  const backoff = new Backoff(10, 5000, 'none');
  for (let n = 0; n < 3000; n++) backoff.next();
  expect(backoff.next()).toBe(5000);
});

test.each([
  ['full', 0, 1000],
  ['half', 500, 1000],
] as const)('with %s jitter a pause is from %i to %i, and not the same each time', (jitter, least, most) => {
  const pauses = Array.from({ length: 200 }, () => new Backoff(1000, 8000, jitter).next());
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(least);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(most);
  // From one end to the other, as far as 200 of them show.
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan((most - least) * 0.8);
});
