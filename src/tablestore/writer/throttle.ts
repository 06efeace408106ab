/** What is shared among requests: how many run at once, and how fast rows may go. */
import { limits } from '../client/limits.js';

/** Permits, first come first served. */
export class Semaphore {
  private held = 0;
  private closed = false;
  private waiting: ((granted: boolean) => void)[] = [];

  constructor(private limit: number) {}

  get inUse(): number {
    return this.held;
  }

  /** true once a permit is held, which release() gives back; false when the semaphore was closed. */
  acquire(): Promise<boolean> {
    if (this.closed) return Promise.resolve(false);
    if (this.held < this.limit && this.waiting.length === 0) {
      this.held++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  release(): void {
    this.held--;
    this.grant();
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.grant();
  }

  close(): void {
    this.closed = true;
    for (const resolve of this.waiting.splice(0)) resolve(false);
  }

  private grant(): void {
    while (this.held < this.limit) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.held++;
      next(true);
    }
  }
}

export interface Rate {
  /** Rows a second; null: no limit. */
  readonly rowsPerSecond: number | null;
  /** Millions of bytes of data a second; null: no limit. */
  readonly megabytesPerSecond: number | null;
}

/** What goes in a turn, determined when it has come. */
export type BatchSize = () => { rows: number; bytes: number };

/** A batch takes at most this share of a second's allowance, so that the rate is even. */
const batchesPerSecond = 20;
/**
 * Time that was not used may be caught up for this long: it makes up for timers that fire late. Over ten seconds
 * it adds two percent at most.
 */
const burstMs = 200;

/**
 * Holds rows/s and bytes/s: each batch is let through when the ones before it have been paid for. The allowance is
 * a moment on the clock (`paidUntil`), so nothing is lost to rounding or to late timers.
 */
export class RateLimiter {
  private rowMs = 0;
  private byteMs = 0;
  private paidUntil = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private waiting: { size: BatchSize; resolve: (granted: boolean) => void }[] = [];

  constructor(rate: Rate) {
    this.setRate(rate);
  }

  /** Rows that the next batch should have at most. */
  get batchRows(): number {
    if (this.rowMs === 0) return limits.batchRows;
    return Math.max(1, Math.min(limits.batchRows, Math.floor(1000 / this.rowMs / batchesPerSecond)));
  }

  /** Data bytes that the next batch should have at most. */
  get batchBytes(): number {
    if (this.byteMs === 0) return limits.batchBytes;
    return Math.max(1, Math.min(limits.batchBytes, Math.floor(1000 / this.byteMs / batchesPerSecond)));
  }

  setRate(rate: Rate): void {
    this.rowMs = rate.rowsPerSecond === null ? 0 : 1000 / rate.rowsPerSecond;
    this.byteMs = rate.megabytesPerSecond === null ? 0 : 1000 / (rate.megabytesPerSecond * 1e6);
    // What was charged at the old rate must not keep the new one waiting.
    this.paidUntil = Math.min(this.paidUntil, performance.now());
    this.pump();
  }

  /**
   * Waits for its turn, then asks how much goes: a batch is cut to the rate of that moment, not of the moment at
   * which it began to wait. true when it may go; false when the limiter was closed.
   */
  take(size: BatchSize): Promise<boolean> {
    if (this.closed) return Promise.resolve(false);
    if (this.rowMs === 0 && this.byteMs === 0 && this.waiting.length === 0) {
      size();
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      this.waiting.push({ size, resolve });
      if (this.waiting.length === 1) this.pump();
    });
  }

  /** Gives everybody who waits a turn now, for nothing: their size() is not asked. */
  passOver(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve(true);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    for (const { resolve } of this.waiting.splice(0)) resolve(false);
  }

  private pump(): void {
    clearTimeout(this.timer);
    while (this.waiting.length > 0) {
      const now = performance.now();
      if (this.paidUntil > now) {
        this.timer = setTimeout(() => this.pump(), Math.ceil(this.paidUntil - now));
        return;
      }
      const { size, resolve } = this.waiting.shift()!;
      const { rows, bytes } = size();
      const cost = Math.max(rows * this.rowMs, bytes * this.byteMs);
      this.paidUntil = Math.max(this.paidUntil, now - burstMs) + cost;
      resolve(true);
    }
  }
}
