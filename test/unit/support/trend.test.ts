import { expect, it } from 'vitest';
import { Chance } from '../../support/chance.js';
import { trend } from '../../support/trend.js';

/** Two hours, a sample every ten seconds: `value` of the hours, and noise that lasts for some samples. */
function samples(value: (hours: number) => number, noise: number, seed = 1) {
  const chance = new Chance(seed);
  let wave = 0;
  return Array.from({ length: 720 }, (_, n) => {
    wave = 0.7 * wave + noise * (chance.next() - 0.5);
    return { atMs: n * 10_000, value: value(n / 360) + wave };
  });
}

it('what warms up and then stays is flat', () => {
  expect(trend(samples((hours) => 200 - 100 * Math.exp(-8 * hours), 10)).verdict).toBe('flat');
});

it('what leaks a twentieth an hour is growing, with its slope', () => {
  const { verdict, perHour, uncertainty } = trend(samples((hours) => 200 + 15 * hours, 10));
  expect(verdict).toBe('growing');
  expect(Math.abs(perHour - 15)).toBeLessThan(uncertainty);
});

it('what swings more than it could have grown is not decided, and what falls is flat', () => {
  expect(trend(samples(() => 200, 2000)).verdict).toBe('not decided');
  expect(trend(samples((hours) => 200 - 20 * hours, 10)).verdict).toBe('flat');
});

it('its interval holds a true slope of zero nineteen times of twenty', () => {
  const missed = Array.from({ length: 200 }, (_, seed) => trend(samples(() => 100, 10, seed))).filter(
    ({ perHour, uncertainty }) => Math.abs(perHour) > uncertainty,
  );
  expect(missed.length).toBeLessThan(25);
});

it('a figure that is always zero is flat, and few samples are no trend', () => {
  expect(trend(samples(() => 0, 0)).verdict).toBe('flat');
  expect(() => trend(samples(() => 1, 0).slice(0, 15))).toThrow('too few samples');
});
