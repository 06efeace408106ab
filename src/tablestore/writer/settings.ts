/** What the writer is told and tells; its way in is writer.ts. */
import type { BatchMode } from './batch.js';
import type { RetryState, RetryWindows } from '../client/retry.js';
import type { Rate } from './throttle.js';

export interface WriterSettings {
  batch: BatchMode;
  /** Changes that may wait in each bucket, and bytes in all of them, before enqueue() asks to stop. */
  queueSize: number;
  queueBytes: number;
  /** Requests in flight, of buckets and full load together. */
  concurrency: number;
  buckets: number;
  /** Limits for enqueue() and for writeBatch(). */
  incrementalRate: Rate;
  fullRate: Rate;
  windows: RetryWindows;
  requestTimeoutMs: number;
  /** How long a request that was given up may still be carried out by the service (correctness rule 10). */
  lateWriteMs: number;
  /** Until then requests of an earlier writer of the same rows may be carried out, ms since the epoch (rule 10). */
  earlierUntilMs: number;
}

const noLimit: Rate = { rowsPerSecond: null, megabytesPerSecond: null };

export const standardWriterSettings: Readonly<WriterSettings> = {
  batch: 'bulk-import',
  queueSize: 1024,
  queueBytes: 32 * 1024 * 1024,
  concurrency: 10,
  buckets: 10,
  incrementalRate: noLimit,
  fullRate: noLimit,
  windows: { connectionMs: 720 * 60_000, otherMs: 10 * 60_000 },
  requestTimeoutMs: 30_000,
  lateWriteMs: 30_000,
  earlierUntilMs: 0,
};

export interface WriterEvents {
  /** enqueue() gave false, and now there is room again. */
  onDrain?: () => void;
  /** Something is being tried again; null when all is well again. */
  onRetry?: (state: RetryState | null) => void;
  /** The writer has ended: ROW-D109, or a defect. */
  onFailed?: (error: unknown) => void;
}

export interface WriterStats {
  /** Changes acknowledged and rows written by writeBatch(). */
  rows: number;
  /** Data bytes of them. */
  bytes: number;
  requestsInFlight: number;
  queuedRows: number;
  queueBytes: number;
  heldKeys: number;
  /** Limits as they are now. */
  incrementalRate: Rate;
  fullRate: Rate;
}
