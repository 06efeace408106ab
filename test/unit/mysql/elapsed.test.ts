import { describe, expect, it } from 'vitest';
import { Elapsed } from '../../../src/mysql/elapsed.js';

describe('time that has passed', () => {
  const after = (monotonic: number, wall: number) => {
    const now = { monotonic: 1000, wall: 5000 };
    const elapsed = new Elapsed({ monotonic: () => now.monotonic, wall: () => now.wall });
    now.monotonic += monotonic;
    now.wall += wall;
    return elapsed.millis;
  };

  it('is what both clocks say', () => expect(after(20, 20)).toBe(20));
  it('counts a machine that slept', () => expect(after(20, 60_000)).toBe(60_000));
  it('counts a process that was stopped while the wall clock was set back a little', () =>
    expect(after(60_000, 59_500)).toBe(60_000));
  it('is not known when the wall clock was set back', () => {
    expect(after(20, -60_000)).toBe(Infinity);
    expect(after(60_000, 20)).toBe(Infinity);
  });
  it('is long when the wall clock was set forward', () => expect(after(20, 3_600_000)).toBe(3_600_000));
});
