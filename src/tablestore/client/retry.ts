/**
 * How failures of Tablestore are tried again: pauses that double from 10 ms to 5 s with full jitter, for as long as
 * the window of the kind of failure (errors.ts) allows, then ROW-D109.
 *
 *     await withRetry(windows, () => describeTable(client, name), { signal, onRetry });
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../shared/backoff.js';
import { RowferryError } from '../../shared/errors.js';
import { TablestoreError } from './errors.js';

export interface RetryWindows {
  /** Milliseconds for which an unreachable service is tried again (retry.connectionMinutes). */
  readonly connectionMs: number;
  /** Milliseconds for which other failures are tried again (retry.otherMinutes). */
  readonly otherMs: number;
}

export interface RetryState {
  readonly error: TablestoreError;
  /** Failed tries so far. */
  readonly attempt: number;
  /** When it is given up, ms since the epoch; Infinity while we are only being throttled. */
  readonly untilMs: number;
}

const firstPauseMs = 10;
const longestPauseMs = 5_000;

/**
 * The failures of everything that writes to one destination. The connection window is common to all: it begins with
 * the first failure after the last answer, whichever request that was. The other window is each request's own.
 */
export class Retries {
  private unreachableSince: number | null = null;
  private failing = 0;

  constructor(
    public windows: RetryWindows,
    private readonly report: (state: RetryState | null) => void = () => undefined,
  ) {}

  /** The service has answered, if only with an error: it can be reached. */
  answered(): void {
    this.unreachableSince = null;
  }

  /** For one request and its repetitions. */
  begin(): RetryRun {
    const backoff = new Backoff(firstPauseMs, longestPauseMs, 'full');
    let otherSince: number | null = null;
    return {
      failed: (error) => {
        const now = Date.now();
        if (backoff.failures === 0) this.failing++;
        const pauseMs = backoff.next();
        const attempt = backoff.failures;
        let untilMs = Infinity;
        if (error.kind === 'connection') {
          this.unreachableSince ??= now;
          untilMs = this.unreachableSince + this.windows.connectionMs;
        } else {
          this.answered();
          if (error.kind !== 'throttled') {
            otherSince ??= now;
            untilMs = otherSince + this.windows.otherMs;
          }
        }
        if (now >= untilMs) {
          throw new RowferryError('ROW-D109', `Gave up after ${attempt} tries: ${error.message}`, {
            cause: error,
            remedy: error.remedy,
          });
        }
        this.report({ error, attempt, untilMs });
        return Math.min(pauseMs, untilMs - now);
      },
      ended: () => {
        if (backoff.failures === 0) return;
        backoff.reset();
        if (--this.failing === 0) this.report(null);
      },
    };
  }
}

export interface RetryRun {
  /** Milliseconds to wait before the next try. @throws RowferryError ROW-D109 past the window. */
  failed(error: TablestoreError): number;
  /** The request came through, or is given up. */
  ended(): void;
}

/**
 * Runs `operation` until it succeeds, fails for good, or its window is over. What another try cannot help (access
 * key, permission, a table that is not there) is thrown at once.
 */
export async function withRetry<T>(
  windows: RetryWindows,
  operation: () => Promise<T>,
  options: { signal?: AbortSignal; onRetry?: (state: RetryState | null) => void } = {},
): Promise<T> {
  const run = new Retries(windows, options.onRetry).begin();
  try {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (!(error instanceof TablestoreError) || !isPassing(error)) throw error;
        const { signal } = options;
        await delay(run.failed(error), undefined, signal === undefined ? {} : { signal });
      }
    }
  } finally {
    run.ended();
  }
}

function isPassing({ kind }: TablestoreError): boolean {
  return kind === 'connection' || kind === 'throttled' || kind === 'other';
}
