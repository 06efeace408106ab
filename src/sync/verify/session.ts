import { connectSource, type SessionPurpose, type SourceConnection } from '../../mysql/connection.js';
import type { VerifyOptions } from './index.js';

/**
 * A session for as long as `work` takes, and no longer than the verification: a statement that waits, for a lock of
 * somebody else say, ends with it.
 */
export async function withSource<T>(
  { task, signal }: Pick<VerifyOptions, 'task' | 'signal'>,
  purpose: SessionPurpose,
  work: (connection: SourceConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectSource(task.source, purpose);
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
