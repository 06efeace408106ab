import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import { preparedTransactions } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';

const pollMs = 200;

/** XIDs of the branches that are prepared now; null: this account may not list them, or cannot. */
export async function openBranches(connection: SourceConnection): Promise<string[] | null> {
  try {
    return await preparedTransactions(connection);
  } catch (error) {
    if (error instanceof RowferryError && (error.code === 'ROW-S103' || error.code === 'ROW-S111'))
      return null;
    throw error;
  }
}

interface ShownOptions {
  /** Runs a question on a session of the source. */
  ask<T>(work: (connection: SourceConnection) => Promise<T>): Promise<T>;
  /** As Timing.unseenCommitMs. */
  readonly unseenCommitMs: number;
  /** Without one it ends with the session that is asked. */
  readonly signal?: AbortSignal;
  /** It is not shown yet; called once. */
  waits?(): void;
}

/**
 * Settles when reads show the COMMIT of a branch, or with null every COMMIT, that the binlog has by now: it may have to wait
 * for a replica there. Until then the source lists the branch as prepared. An account that may not see that, and an XID
 * that is in use again, are told whether any session waits for a replica, and how long it waits at most. Throws the reason
 * of the signal.
 */
export async function untilShown(xid: string | null, options: ShownOptions): Promise<void> {
  const { unseenCommitMs, signal } = options;
  const begun = Date.now();
  const isShown = async (connection: SourceConnection) => {
    const open = xid === null ? null : await openBranches(connection);
    if (open && !open.includes(xid!)) return true;
    const waitedMs = Date.now() - begun;
    if (waitedMs < unseenCommitMs) return false;
    const { sessions, longestMs } = await replicaWaits(connection);
    return sessions === 0 || waitedMs > unseenCommitMs + longestMs;
  };
  for (let said = false; !(await options.ask(isShown)); said = true) {
    if (!said) options.waits?.();
    await delay(pollMs, undefined, { signal });
  }
}

/** How many sessions wait for a semi-synchronous replica, and how long one does at most. Everybody may ask. */
async function replicaWaits(connection: SourceConnection): Promise<{ sessions: number; longestMs: number }> {
  const largest = async (what: 'STATUS' | 'VARIABLES', names: string) => {
    const rows = await connection.query<{ Value: string }>(
      `SHOW GLOBAL ${what} WHERE Variable_name IN (${names})`,
    );
    return Math.max(0, ...rows.map(({ Value }) => Number(Value)));
  };
  return {
    sessions: await largest(
      'STATUS',
      "'Rpl_semi_sync_source_wait_sessions', 'Rpl_semi_sync_master_wait_sessions'",
    ),
    longestMs: await largest('VARIABLES', "'rpl_semi_sync_source_timeout', 'rpl_semi_sync_master_timeout'"),
  };
}
