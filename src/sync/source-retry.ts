import { setTimeout as delay } from 'node:timers/promises';
import { connectSource, type SourceConnection } from '../mysql/connection.js';
import { RowferryError } from '../shared/errors.js';
import type { ResolvedTask } from '../shared/task.js';

/** What another try may mend: the source is away, or the link broke. Everything else is for a person. */
const passing = new Set(['ROW-S101', 'ROW-S107']);
const firstPauseMs = 100;
const longestPauseMs = 10_000;

export interface SourceRetryState {
  readonly error: RowferryError;
  readonly attempt: number;
  /** When it is given up, ms since the epoch. */
  readonly untilMs: number;
}

/**
 * Runs work against the source again and again while it is away, for as long as retry.connectionMinutes allows.
 * The window is common to everything that reads this source and begins with the first failure after a success.
 */
export class SourceRetry {
  private since: number | null = null;
  private attempt = 0;

  constructor(
    public windowMs: number,
    /** Ends the work, and whatever asks the source for it. */
    readonly signal: AbortSignal,
    private readonly report: (state: SourceRetryState | null) => void,
  ) {}

  /** The source answers. */
  answered(): void {
    if (this.since === null) return;
    this.since = null;
    this.attempt = 0;
    this.report(null);
  }

  /** Throws what `work` throws for good, ROW-S112 past the window, or the signal's reason. */
  async retrying<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      this.signal.throwIfAborted();
      try {
        const result = await work();
        this.answered();
        return result;
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  /** Waits before the next try, or throws. */
  async failed(error: unknown): Promise<void> {
    if (this.signal.aborted || !(error instanceof RowferryError) || !passing.has(error.code)) throw error;
    const now = Date.now();
    this.since ??= now;
    const untilMs = this.since + this.windowMs;
    if (now >= untilMs) {
      throw new RowferryError('ROW-S112', `Gave up after ${this.attempt} tries: ${error.message}`, {
        cause: error,
        remedy: error.remedy,
      });
    }
    this.attempt++;
    this.report({ error, attempt: this.attempt, untilMs });
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.attempt - 1, 10));
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: this.signal });
  }
}

/** Runs work on a connection of its own, again while the source is away. */
export async function onSource<T>(
  options: { readonly task: Pick<ResolvedTask, 'source'>; readonly retry: SourceRetry },
  work: (connection: SourceConnection) => Promise<T>,
): Promise<T> {
  return options.retry.retrying(async () => {
    const connection = await connectSource(options.task.source);
    try {
      return await connection.until(options.retry.signal, () => work(connection));
    } finally {
      await connection.close();
    }
  });
}
