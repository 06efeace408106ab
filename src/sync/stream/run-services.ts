import type { SourcePosition } from '../../shared/position.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import type { CheckpointEvents } from '../state/checkpoint.js';
import type { BlockedByDirtyData, DirtyData } from '../dirty/dirty.js';
import type { LoadContext, LoadTable } from '../load/full-load.js';
import type { TablePlan } from '../mapping/plan.js';
import type { PauseGate } from '../base/pause-gate.js';
import type { PreparedTask } from '../tables/prepare.js';
import type { SessionCache } from '../source/session-cache.js';
import type { Known } from '../source/row-sessions.js';
import type { SourceRetry } from '../source/retry.js';
import type { TaskStore } from '../state/task-store.js';
import type { TaskLog } from '../base/task-log.js';
import type { TaskSettings } from '../base/task-settings.js';
import type { WriterQueue } from './writer-queue.js';

/** What every part of a run works with once it is prepared, whichever tables it is about. */
export interface RunServices {
  readonly settings: TaskSettings;
  readonly store: TaskStore;
  readonly client: TablestoreClient;
  readonly writer: TablestoreWriter;
  readonly dirty: DirtyData;
  readonly retry: SourceRetry;
  /** Up to where the stream has read: what it has seen of the source. */
  readonly known: Known;
  /** About rows of the stream. */
  readonly sessions: SessionCache;
  readonly prepared: PreparedTask;
  readonly log: TaskLog;
  /** Aborted when the run ends at once. */
  readonly signal: AbortSignal;
  /** Ends the run with this error. */
  fail(error: unknown): void;
  /** Settles when no request of an earlier run can be carried out any more. */
  earlierOver(): Promise<void>;
  loadContext(): LoadContext;
  /** How a table is loaded, as its record is now. */
  loadTable(plan: TablePlan): LoadTable;
}

/** The same for whatever reads the binlog: all of it goes through one queue, and stands still together. */
export interface ApplierServices extends RunServices {
  /** Holds everything that reads the binlog. */
  readonly gate: PauseGate;
  readonly queue: WriterQueue;
  readonly events: CheckpointEvents;
  /** A dirty row waits for a decision: the run ends when what is read already is looked through. */
  blocked(error: BlockedByDirtyData): void;
}

/** Where a stream is, and whether it is inside a transaction there. */
export interface StreamPosition {
  readonly position: SourcePosition;
  readonly isInside: boolean;
}

/**
 * Settles when everything queued is at the destination, and nothing of an earlier run can arrive any more; whatever reads
 * the binlog stands still meanwhile.
 */
export async function drained(services: ApplierServices): Promise<void> {
  const release = services.gate.hold('draining');
  try {
    await services.writer.drain();
    await services.earlierOver();
  } finally {
    release();
  }
}
