import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RateLimiter, Semaphore, type Rate } from '../../../../src/tablestore/writer/throttle.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Rows let through in each of the ten-second windows, with `lanes` batches asking at once. */
async function rowsByWindow(limiter: RateLimiter, rowBytes: number, lanes: number, windows: number) {
  const passed: { at: number; rows: number }[] = [];
  let running = true;
  const began = performance.now();
  for (let lane = 0; lane < lanes; lane++) {
    void (async () => {
      while (running) {
        const granted = await limiter.take(() => {
          const rows = Math.max(1, Math.min(limiter.batchRows, Math.floor(limiter.batchBytes / rowBytes)));
          passed.push({ at: performance.now() - began, rows });
          return { rows, bytes: rows * rowBytes };
        });
        if (!granted) return;
      }
    })();
  }
  await vi.advanceTimersByTimeAsync(windows * 10_000);
  running = false;
  limiter.close();
  return Array.from({ length: windows }, (_, w) =>
    passed
      .filter(({ at }) => at >= w * 10_000 && at < (w + 1) * 10_000)
      .reduce((sum, { rows }) => sum + rows, 0),
  );
}

const one = () => ({ rows: 1, bytes: 0 });
const rows = (rowsPerSecond: number): Rate => ({ rowsPerSecond, megabytesPerSecond: null });

test.each([7, 200, 2000, 5000])('%i rows a second within 5 % over every ten seconds', async (rate) => {
  for (const lanes of [1, 10]) {
    for (const count of await rowsByWindow(new RateLimiter(rows(rate)), 100, lanes, 3)) {
      expect(count).toBeGreaterThanOrEqual(rate * 10 * 0.95);
      expect(count).toBeLessThanOrEqual(rate * 10 * 1.05);
    }
  }
});

test('megabytes a second, and the tighter of two limits', async () => {
  const limiter = new RateLimiter({ rowsPerSecond: 100_000, megabytesPerSecond: 2 });
  for (const count of await rowsByWindow(limiter, 500, 4, 2)) {
    expect(count * 500).toBeGreaterThan(20e6 * 0.95);
    expect(count * 500).toBeLessThan(20e6 * 1.05);
  }
});

test('batches are a twentieth of the rate', () => {
  expect(new RateLimiter(rows(2000)).batchRows).toBe(100);
  expect(new RateLimiter(rows(200)).batchRows).toBe(10);
  expect(new RateLimiter(rows(3)).batchRows).toBe(1);
  expect(new RateLimiter(rows(1_000_000)).batchRows).toBe(200);
  expect(new RateLimiter({ rowsPerSecond: null, megabytesPerSecond: 1 }).batchBytes).toBe(50_000);
});

test('a new rate takes effect at once, for those who wait as well', async () => {
  const limiter = new RateLimiter(rows(1));
  await limiter.take(one);
  let let_through = 0;
  for (let i = 0; i < 5; i++) void limiter.take(one).then(() => let_through++);
  await vi.advanceTimersByTimeAsync(100);
  expect(let_through).toBeLessThan(2);
  limiter.setRate(rows(1000));
  await vi.advanceTimersByTimeAsync(20);
  expect(let_through).toBe(5);
  limiter.setRate({ rowsPerSecond: null, megabytesPerSecond: null });
  expect(await limiter.take(() => ({ rows: 1e9, bytes: 1e12 }))).toBe(true);
});

test('closing lets nobody through', async () => {
  const limiter = new RateLimiter(rows(1));
  await limiter.take(() => ({ rows: 5, bytes: 0 }));
  const waiting = limiter.take(one);
  limiter.close();
  expect(await waiting).toBe(false);
  expect(await limiter.take(one)).toBe(false);
});

test('permits are given in turn, and the limit can move', async () => {
  const permits = new Semaphore(2);
  expect(await permits.acquire()).toBe(true);
  expect(await permits.acquire()).toBe(true);
  const order: number[] = [];
  void permits.acquire().then(() => order.push(3));
  void permits.acquire().then(() => order.push(4));
  const last = permits.acquire();
  await Promise.resolve();
  expect(order).toEqual([]);
  permits.release();
  await Promise.resolve();
  expect(order).toEqual([3]);
  permits.setLimit(3);
  await Promise.resolve();
  expect(order).toEqual([3, 4]);
  permits.setLimit(1);
  permits.release();
  permits.release();
  await Promise.resolve();
  expect(permits.inUse).toBe(1);
  permits.close();
  expect(await last).toBe(false);
});
