import { createHash } from 'node:crypto';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { connectSource, type SourceConnection } from './connection.js';

const watchIntervalMillis = 10_000;

/** A lock held on the source for as long as its session lives. */
export interface SourceLock {
  readonly held: boolean;
  /** Takes further tables into it. Throws ROW-E101 when another session holds one of them. */
  extend(tables: readonly string[]): Promise<void>;
  release(): Promise<void>;
}

/** Lock names are at most 64 characters (MySQL manual, GET_LOCK), so what it is about is hashed. */
function lockName(destination: string, table: string): string {
  const hash = createHash('sha256').update(JSON.stringify([destination, table]));
  return `rowferry:${hash.digest('hex').slice(0, 48)}`;
}

/**
 * One writer for each table of a destination (correctness rule 12), whatever else the writers write. `onLost` is called
 * once when the lock is no longer certain: writing must stop until acquireLock() has succeeded again.
 * Throws ROW-E101 when another session holds it, and what connectSource() throws.
 */
export async function acquireLock(
  settings: SourceSettings,
  destination: string,
  tables: readonly string[],
  onLost: () => void,
): Promise<SourceLock> {
  const connection = await connectSource(settings);
  const session = lockName(destination, `session ${connection.threadId}`);
  const taken = new Set<string>();
  try {
    await take(connection, destination, tables, taken);
    await connection.query('SELECT GET_LOCK(?, 0)', [session]);
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return watch(connection, session, onLost, (more) => take(connection, destination, more, taken));
}

const locksAtOnce = 100;

/** In one order, so that of two that want the same tables one gets them. */
async function take(
  connection: SourceConnection,
  destination: string,
  tables: readonly string[],
  taken: Set<string>,
): Promise<void> {
  const wanted = [...new Set(tables)].filter((table) => !taken.has(table)).sort();
  for (let from = 0; from < wanted.length; from += locksAtOnce) {
    const some = wanted.slice(from, from + locksAtOnce);
    const [got] = await connection.query<Record<string, number | null>>(
      `SELECT ${some.map((_, i) => `GET_LOCK(?, 0) AS got${i}`).join(', ')}`,
      some.map((table) => lockName(destination, table)),
    );
    const refused = some.find((_, i) => got?.[`got${i}`] !== 1);
    if (refused !== undefined) {
      throw new RowferryError('ROW-E101', `Another task already writes ${refused} to ${destination}.`, {
        remedy: 'Stop that task, or wait until the source has noticed that it ended.',
      });
    }
    for (const table of some) taken.add(table);
  }
}

function watch(
  connection: SourceConnection,
  name: string,
  onLost: () => void,
  extend: SourceLock['extend'],
): SourceLock {
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
    extend,
    async release() {
      if (!held) return;
      held = false;
      clearInterval(timer);
      await connection.close();
    },
  };
}
