import type { SessionPurpose, SourceConnection } from '../../mysql/connection.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import { TablestoreError } from '../../tablestore/client/errors.js';
import { listTables } from '../../tablestore/client/operations.js';
import { withRetry } from '../../tablestore/client/retry.js';
import { connectForRows } from '../source/row-sessions.js';
import { retryWindows } from '../base/settings.js';
import type { VerifyOptions } from './options.js';

const answerMs = 5000;

/**
 * A session for as long as `work` takes, and no longer than the verification: a statement that waits, for a lock of
 * somebody else say, ends with it.
 */
export async function withSource<T>(
  { task, known, signal }: Pick<VerifyOptions, 'task' | 'known' | 'signal'>,
  purpose: SessionPurpose,
  work: (connection: SourceConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectForRows(task.source, purpose, known, signal);
  const end = () => connection.destroy();
  signal.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    return await work(connection);
  } finally {
    signal.removeEventListener('abort', end);
    await connection.close();
  }
}

/**
 * A short question before the long ones: a destination that takes connections and never answers would hold each of
 * those for its whole time limit. Throws RowferryError ROW-D109 when none comes; whatever else is answered is an answer.
 */
export function reachDestination(
  { task, signal }: Pick<VerifyOptions, 'task' | 'signal'>,
  client: TablestoreClient,
): Promise<void> {
  const ask = async () => {
    try {
      await listTables(client, { timeoutMs: answerMs, signal });
    } catch (error) {
      if (!(error instanceof TablestoreError) || error.kind === 'connection') throw error;
    }
  };
  return withRetry(retryWindows(task), ask, { signal });
}
