import type { ResolvedTask } from '../../shared/task.js';

/** A repair goes through its keys in so many lots at a time: reading and writing of one overlap with those of another. */
export const lotsAtOnce = 2;

/** Tables that join the stream are loaded in so many groups at a time, each by so many readers. */
export const syncsAtOnce = 2;
export const mostSyncReaders = 2;

type Sized = Pick<ResolvedTask, 'objects' | 'write' | 'throttle' | 'heartbeat' | 'audit' | 'synchronization'>;

const hasFilter = ({ objects }: Pick<Sized, 'objects'>) =>
  objects.some(({ tables }) => tables?.some(({ filter }) => filter !== undefined));
/** One more that asks about the filter, by the values of rows that are being read. */
const asker = (task: Sized) => (hasFilter(task) ? 1 : 0);

/** Chunks that are read side by side. */
export const readersOf = ({ write }: Pick<Sized, 'write'>): number => Math.max(1, write.threads);

/** Sessions for questions about rows of the stream: whole rows, and what the filter says of them. */
export const streamSessionsOf = (task: Pick<Sized, 'objects'>): number => (hasFilter(task) ? 2 : 1);

/** Of the audit: one for its walk, with an asker where there are filters, and one for what it looks at again. Whether the
 * source shows what it has sent is asked on another.
 */
export const auditSessionsOf = (task: Sized): number => (task.audit ? 2 + asker(task) : 0);

export interface SessionCounts {
  readonly load: number;
  readonly follow: number;
  /** At the most at a time, whatever the phase. Without these the task cannot run. */
  readonly needed: number;
  /** Further ones while tables are loaded beside the stream; what finds no room waits. */
  readonly joining: number;
  /** Further ones of a `verify` beside it, with what its repair asks. */
  readonly verify: number;
}

/**
 * How many sessions a task has at its source at the most. Whoever opens another kind of session counts it here: the
 * precheck holds these numbers to the limits of the account, and a test holds them to what a server counts.
 */
export function sessionCounts(task: Sized): SessionCounts {
  const lock = 1;
  const { maxThreadsRunning, maxReplicaLagSeconds } = task.throttle.full;
  const strain = maxThreadsRunning !== null || maxReplicaLagSeconds !== null ? 1 : 0;
  // One finds where chunks end, one sees that the place where the stream will begin is not purged.
  const load = lock + readersOf(task) + asker(task) + 1 + 1 + strain;
  // The dump and what controls it, the end of the binlog, definitions of tables.
  const audit = task.audit ? auditSessionsOf(task) + 1 : 0;
  const heartbeat = task.heartbeat === 'none' ? 0 : 1;
  const follow = lock + 2 + 1 + 1 + streamSessionsOf(task) + audit + heartbeat;
  const { full, incremental } = task.synchronization;
  // A load alone is followed by the replay of what was written meanwhile.
  const needed = Math.max(full ? load : 0, full || incremental ? follow : 0);
  const group = Math.max(Math.min(mostSyncReaders, readersOf(task)) + asker(task) + 1, 3);
  // One is held all the time; each lot of a repair has one, and asks on another whether the source shows what it has sent.
  const verify = 1 + lotsAtOnce + (task.audit ? 0 : 1);
  return { load, follow, needed, joining: syncsAtOnce * group, verify };
}
