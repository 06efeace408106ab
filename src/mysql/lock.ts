import { createHash } from 'node:crypto';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { connectSource, type SourceConnection } from './connection.js';

const watchIntervalMillis = 10_000;

/** A lock held on the source for as long as its session lives. */
export interface SourceLock {
  readonly held: boolean;
  release(): Promise<void>;
}

/** Lock names are at most 64 characters (MySQL manual, GET_LOCK), so what it is about is hashed. */
export function lockName(destination: string, tables: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([destination, [...tables].sort()]));
  return `rowferry:${hash.digest('hex').slice(0, 48)}`;
}

/**
 * One writer per destination and set of tables (correctness rule 12). `onLost` is called once when the lock is
 * no longer certain: writing must stop until acquireLock() has succeeded again.
 * Throws ROW-E101 when another session holds it, and what connectSource() throws.
 */
export async function acquireLock(
  settings: SourceSettings,
  destination: string,
  tables: readonly string[],
  onLost: () => void,
): Promise<SourceLock> {
  const name = lockName(destination, tables);
  const connection = await connectSource(settings);
  try {
    const rows = await connection.query<{ got: number | null }>('SELECT GET_LOCK(?, 0) AS got', [name]);
    if (rows[0]?.got !== 1) {
      throw new RowferryError('ROW-E101', `Another task already writes these tables to ${destination}.`, {
        remedy: 'Stop that task, or wait until the source has noticed that it ended.',
      });
    }
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return watch(connection, name, onLost);
}

function watch(connection: SourceConnection, name: string, onLost: () => void): SourceLock {
  let held = true;
  const lose = (): void => {
    if (!held) return;
    held = false;
    clearInterval(timer);
    connection.destroy();
    onLost();
  };
  let asking = false;
  const timer = setInterval(() => {
    // An answer that did not come within an interval means a dead link, and the server may have freed the lock.
    if (asking) return lose();
    asking = true;
    connection
      .query<{ mine: number | null }>('SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS mine', [name])
      .then((rows) => {
        asking = false;
        if (rows[0]?.mine !== 1) lose();
      }, lose);
  }, watchIntervalMillis);
  timer.unref();
  connection.onLost(lose);
  return {
    get held() {
      return held;
    },
    async release() {
      if (!held) return;
      held = false;
      clearInterval(timer);
      await connection.close();
    },
  };
}
