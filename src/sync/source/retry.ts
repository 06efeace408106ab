import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourceSettings } from '../../shared/task.js';
import type { RetryWindows } from '../../tablestore/client/retry.js';
import { connectForRows, type Known } from './row-sessions.js';

/** What another try may mend: the source is away or has no room, or the link broke. Everything else is for a person. */
const passing = new Set(['ROW-S101', 'ROW-S107', 'ROW-S114']);
const firstPauseMs = 100;
const longestPauseMs = 10_000;

export interface SourceRetryState {
  readonly error: RowferryError;
  readonly attempt: number;
  /** When it is given up, ms since the epoch. */
  readonly untilMs: number;
}

/**
 * Runs work against the source again and again while it is away, for as long as retry.connectionMinutes allows. What one
 * reader waits for is told until that reader has an answer, whatever the others get meanwhile: a source may have room for
 * some of them only.
 */
export class SourceRetry {
  private readonly waiting = new Map<SourceReader, SourceRetryState>();

  constructor(
    private readonly source: SourceSettings,
    private readonly known: Known,
    readonly windows: Pick<RetryWindows, 'connectionMs'>,
    /** Ends the work, and whatever asks the source for it. */
    readonly signal: AbortSignal,
    private readonly report: (state: SourceRetryState | null) => void,
  ) {}

  /** Throws what `work` throws for good, ROW-S112 past the window, or the signal's reason. */
  async retrying<T>(work: () => Promise<T>): Promise<T> {
    const reader = new SourceReader(this);
    for (;;) {
      this.signal.throwIfAborted();
      try {
        const result = await work();
        reader.answered();
        return result;
      } catch (error) {
        await reader.failed(error);
      }
    }
  }

  /** Runs work on a connection of its own, as retrying(). */
  onSource<T>(work: (connection: SourceConnection) => Promise<T>): Promise<T> {
    return this.retrying(async () => {
      const connection = await connectForRows(this.source, 'query', this.known, this.signal);
      try {
        return await connection.until(this.signal, () => work(connection));
      } finally {
        await connection.close();
      }
    });
  }

  /** null: it has its answer. */
  tell(reader: SourceReader, state: SourceRetryState | null): void {
    if (state) this.waiting.set(reader, state);
    else if (!this.waiting.delete(reader)) return;
    this.report(state ?? [...this.waiting.values()].at(-1) ?? null);
  }
}

/** Something that reads the source, and what it waits for. */
export class SourceReader {
  private since: number | null = null;
  private attempt = 0;

  constructor(private readonly retry: SourceRetry) {}

  answered(): void {
    if (this.since === null) return;
    this.since = null;
    this.attempt = 0;
    this.retry.tell(this, null);
  }

  /** Waits before the next try, for as long as `until` is not aborted, or throws. */
  async failed(error: unknown, until?: AbortSignal): Promise<void> {
    const signal = until ? AbortSignal.any([this.retry.signal, until]) : this.retry.signal;
    if (signal.aborted) throw error;
    if (!(error instanceof RowferryError) || !passing.has(error.code)) {
      this.answered();
      throw error;
    }
    if (Date.now() >= this.waits(error)) {
      throw new RowferryError('ROW-S112', `Gave up after ${this.attempt - 1} tries: ${error.message}`, {
        cause: error,
        remedy: error.remedy,
      });
    }
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.attempt - 1, 10));
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal });
  }

  /** What is tried again by itself, and is nothing without a session: that there is no room for one is told. */
  noRoom(error: unknown): void {
    if (error instanceof RowferryError && error.code === 'ROW-S114' && !this.retry.signal.aborted)
      this.waits(error);
  }

  /** It tries again by itself, and never gives up: others do. Gives when they would, ms since the epoch. */
  waits(error: RowferryError): number {
    this.since ??= Date.now();
    this.attempt++;
    const untilMs = this.since + this.retry.windows.connectionMs;
    this.retry.tell(this, { error, attempt: this.attempt, untilMs });
    return untilMs;
  }
}
