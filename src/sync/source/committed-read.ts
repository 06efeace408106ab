import type { SourceConnection } from '../../mysql/connection.js';
import { atLeast, type ServerFacts } from '../../mysql/server-facts.js';
import { RowferryError } from '../../shared/errors.js';
import { areCommitted } from '../../mysql/position.js';
import type { RowLock } from '../../mysql/snapshot.js';
import { untilShown } from './open-branches.js';

/** How long one question waits for the source to commit; then the task says that it waits, and asks again. */
const patienceSeconds = 10;
const noPrivilege = 1142;
const lockWaitOver = 1205;

/**
 * Reads on `connection` what a transaction of the binlog has left. The source sends events before its engine commits
 * them: by the length of a group commit, or, with semi-synchronous replicas, until one of them answers. A plain read
 * in between would give the row as it was, and no later event would ever correct it (correctness rule 11).
 *
 * With GTIDs the source tells when a transaction is committed. Without them the
 * row is read with a shared lock, which waits for whoever is changing it. `transaction`: as Transaction.name;
 * `unseenCommitMs`: as Timing.unseenCommitMs. Throws
 * ROW-S107, which is tried again, when the commit does not come.
 */
export async function readCommitted<T>(
  connection: SourceConnection,
  facts: ServerFacts,
  transaction: string,
  unseenCommitMs: number,
  read: (lock: RowLock | null) => Promise<T>,
): Promise<T> {
  if (isGtid(transaction)) {
    if (!(await areCommitted(connection, transaction, patienceSeconds)))
      throw notCommitted(connection, 'it has not committed a transaction yet');
    return read(null);
  }
  await connection.query(`SET SESSION innodb_lock_wait_timeout = ${patienceSeconds}`);
  try {
    return await read(atLeast(facts, 8, 0) ? 'FOR SHARE' : 'LOCK IN SHARE MODE');
  } catch (error) {
    const errno = (error as { cause?: { errno?: number } }).cause?.errno;
    if (errno === lockWaitOver) throw notCommitted(connection, 'another session holds a lock on a row');
    if (errno !== noPrivilege) throw error;
    // The account may not lock rows.
    await untilShown(null, { ask: (work) => work(connection), unseenCommitMs });
    return read(null);
  }
}

const isGtid = (name: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:/i.test(name);

function notCommitted(connection: SourceConnection, why: string): RowferryError {
  return new RowferryError(
    'ROW-S107',
    `Cannot read the row of an incomplete event from MySQL at ${connection.address} yet: ${why}.`,
    {
      remedy:
        'The task retries automatically. To avoid such reads, set binlog_row_image=FULL in every session.',
    },
  );
}
