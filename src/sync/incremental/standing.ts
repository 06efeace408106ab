import { hasReached } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';

/** Where the incremental phase is. */
export interface Standing {
  /** The source sends what comes after the checkpoint: before, positions of another binlog would mean nothing. */
  readonly isStreaming: boolean;
  readonly checkpoint: SourcePosition;
  /** Nothing is on its way to the destination. */
  readonly isIdle: boolean;
  /** The end of the source's binlog when last asked; null: not known. */
  readonly end: SourcePosition | null;
  readonly syncs: {
    /** No table is on its way, nor may have to come. */
    readonly isEmpty: boolean;
    /** And none has rows from before on their way. */
    readonly isSettled: boolean;
  };
  /** The definitions of the tables were compared with the catalog, or could not be. */
  readonly isCompared: boolean;
}

/** Everything that the source had when last asked is at the destination. */
export function isCaughtUp({ isStreaming, checkpoint, isIdle, end, syncs }: Standing): boolean {
  return isStreaming && end !== null && hasReached(checkpoint, end) && isIdle && syncs.isEmpty;
}

/** Everything before `goal` is at the destination, of every table, and none turned out to be another. */
export function isDone(
  { isStreaming, checkpoint, syncs, isCompared }: Standing,
  goal: SourcePosition | null,
): boolean {
  return isStreaming && goal !== null && hasReached(checkpoint, goal) && syncs.isSettled && isCompared;
}

/**
 * How long ago the oldest change on its way was committed, ms; null: not known. With nothing on its way the destination
 * is no further behind than when it was last caught up: a source that rested for an hour and then commits is not an hour
 * behind. All by the clock of the source, µs.
 */
export function latencyMs(
  nowMicros: number,
  oldestMicros: number | null,
  checkpoint: SourcePosition,
  caughtUpMicros: number | null,
): number | null {
  const since = oldestMicros ?? Math.max(checkpoint.commitMicros ?? 0, caughtUpMicros ?? 0);
  return since === 0 ? null : Math.max(0, Math.round((nowMicros - since) / 1000));
}
