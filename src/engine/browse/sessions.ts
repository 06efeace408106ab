import { connectSource, type SourceConnection } from '../../mysql/connection.js';
import { RowferryError } from '../../shared/errors.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import { TablestoreClient } from '../../tablestore/client/client.js';

/** A session for one question, closed after it. Throws RowferryError. */
export async function withSource<T>(
  settings: SourceSettings,
  work: (connection: SourceConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectSource(settings);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

export async function withDestination<T>(
  settings: DestinationSettings,
  work: (client: TablestoreClient) => Promise<T>,
): Promise<T> {
  const client = new TablestoreClient(settings, { requestTimeoutMs: 15_000 });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Nobody waits longer for rows, and no statement of ours burdens the source for longer. */
export const patienceMs = 15_000;

/** From here on the session reads rows, as they are stored, and cannot write: a filter may call functions. */
export async function toReadRows(connection: SourceConnection): Promise<void> {
  await connection.query('SET SESSION TRANSACTION READ ONLY');
  await connection.query('SET SESSION character_set_results = NULL');
}

/** Throws ROW-S111 when the work takes longer than a person waits; the server is told to stop by then. */
export async function withinTime<T>(
  connection: SourceConnection,
  mostMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const tooLong = new RowferryError(
    'ROW-S111',
    `MySQL did not find the rows within ${mostMs / 1000} s, and the search was stopped.`,
    { remedy: 'Filter by a column that has an index, or begin at a key.' },
  );
  // A server that does not know the setting is held by our own clock alone.
  await connection.query(`SET SESSION max_execution_time = ${mostMs}`).catch(() => undefined);
  const clock = setTimeout(() => connection.destroy(tooLong), mostMs + 2000);
  try {
    return await work();
  } catch (error) {
    throw isTimeout(error) ? tooLong : error;
  } finally {
    clearTimeout(clock);
  }
}

const queryTimedOut = 3024;
const isTimeout = (error: unknown) =>
  error instanceof RowferryError && (error.cause as { errno?: number } | undefined)?.errno === queryTimedOut;
