import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { connectSource, type SourceConnection } from './connection.js';
import { Elapsed } from './elapsed.js';

/**
 * For how long a confirmation counts. The end of a session is seen at once while this process runs and the link is
 * whole; where the link is not, another may take the lock and this holder goes on for so long at most.
 */
export const leaseMillis = 3000;
/** Several askings in a lease: one may be late, and the lease is still fresh. */
const renewMillis = 500;
/** Askings that come due before an answer has, 10 s: the link is dead. */
const mostMissed = 20;
/** Whoever has not come to run for so long may have been stopped, and have missed the end of the session. */
const stillMillis = 500;
const beatMillis = 100;

/** A lock held on the source for as long as its session lives. */
export interface SourceLock {
  readonly held: boolean;
  /**
   * The source has confirmed within `leaseMillis`, by a clock that counts suspension, that the lock is held, and this
   * process has not stood still since.
   */
  isFresh(): boolean;
  /** Settles when it is confirmed again. Throws why it is lost. */
  confirmed(): Promise<void>;
  /** Takes further tables into it. Throws ROW-E101 when another session holds one of them. */
  extend(tables: readonly string[]): Promise<void>;
  release(): Promise<void>;
}

/** How long the reason of a loss is looked for. */
const reasonMillis = 3000;

export function lockLost(): RowferryError {
  return new RowferryError('ROW-S107', 'The lock on the source was lost. Another writer may start.');
}

/** Lock names are at most 64 characters (MySQL manual, GET_LOCK), so what it is about is hashed. */
function lockName(destination: string, table: string): string {
  const hash = createHash('sha256').update(JSON.stringify([destination, table]));
  return `rowferry:${hash.digest('hex').slice(0, 48)}`;
}

/**
 * One writer for each table of a destination (correctness rule 12), whatever else the writers write. When the lock is no
 * longer certain it is not fresh any more, and `onLost` is called once with the reason: what the source says to a new
 * login, or else lockLost(). Nothing may be written until acquireLock() has succeeded again.
 * Throws ROW-E101 when another session holds it, and what connectSource() throws.
 */
export async function acquireLock(
  settings: SourceSettings,
  destination: string,
  tables: readonly string[],
  onLost: (reason: RowferryError) => void,
): Promise<SourceLock> {
  const connection = await connectSource(settings);
  const session = lockName(destination, `session ${connection.threadId}`);
  const taken = new Set<string>();
  const asked = new Elapsed();
  try {
    await take(connection, destination, tables, taken);
    await connection.query('SELECT GET_LOCK(?, 0)', [session]);
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return watch(connection, session, asked, {
    reason: () => whyLost(settings),
    onLost,
    extend: (more) => take(connection, destination, more, taken),
  });
}

/** The session may have ended because the account is locked, its password has expired, the server is away … */
async function whyLost(settings: SourceSettings): Promise<RowferryError> {
  const login = connectSource(settings).then(
    async (connection) => {
      await connection.close();
      return lockLost();
    },
    (error: unknown) => (error instanceof RowferryError ? error : lockLost()),
  );
  return Promise.race([login, delay(reasonMillis, lockLost(), { ref: false })]);
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
      await endOwn(connection, lockName(destination, refused));
      throw new RowferryError('ROW-E101', `Another task already writes ${refused} to ${destination}.`, {
        remedy: 'Stop that task, or wait until the source detects that it has ended.',
      });
    }
    for (const table of some) taken.add(table);
  }
}

/** Sessions of ours whose link died: the server may keep them, and the lock with them, for hours. By address and id. */
const abandoned = new Set<string>();
const sessionOf = (connection: SourceConnection, id: number | string) => `${connection.address} ${id}`;

/** Ends the session that holds the lock when it is one of our own that we lost; an account may end its own sessions. */
async function endOwn(connection: SourceConnection, lock: string): Promise<void> {
  const [row] = await connection.query<{ holder: number | null }>('SELECT IS_USED_LOCK(?) AS holder', [lock]);
  const holder = row?.holder;
  if (typeof holder !== 'number' || !abandoned.delete(sessionOf(connection, holder))) return;
  // It may be gone by now.
  await connection.query(`KILL ${holder}`).catch(() => undefined);
}

function watch(
  connection: SourceConnection,
  name: string,
  asked: Elapsed,
  {
    reason,
    onLost,
    extend,
  }: {
    reason: () => Promise<RowferryError>;
    onLost: (reason: RowferryError) => void;
    extend: SourceLock['extend'];
  },
): SourceLock {
  let held = true;
  let loss: Promise<RowferryError> | null = null;
  let confirmation: Elapsed | null = asked;
  let ran = new Elapsed();
  let stops = 0;
  let missed = 0;
  let asking: Promise<void> | null = null;
  const lose = (): void => {
    if (!held) return;
    held = false;
    abandoned.add(sessionOf(connection, connection.threadId));
    end();
    connection.destroy();
    loss = reason();
    void loss.then(onLost);
  };
  const beat = (): void => {
    if (ran.millis > stillMillis) {
      stops++;
      confirmation = null;
    }
    ran = new Elapsed();
  };
  const isFresh = (): boolean => {
    beat();
    return held && confirmation !== null && confirmation.millis < leaseMillis;
  };
  /** A confirmation is as old as its question: the answer may have lain here while the process stood still. */
  const ask = (): Promise<void> =>
    (asking ??= (async () => {
      beat();
      const before = stops;
      const now = new Elapsed();
      try {
        const [row] = await connection.query<{ mine: number | null }>(
          'SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS mine',
          [name],
        );
        beat();
        if (row?.mine !== 1) lose();
        else if (stops === before) confirmation = now;
      } catch {
        lose();
      }
      missed = 0;
      asking = null;
    })());
  const timer = setInterval(() => {
    if (asking && ++missed === mostMissed) lose();
    else void ask();
  }, renewMillis);
  const beating = setInterval(beat, beatMillis);
  timer.unref();
  beating.unref();
  const end = (): void => {
    clearInterval(timer);
    clearInterval(beating);
  };
  connection.onLost(lose);
  return {
    get held() {
      return held;
    },
    isFresh,
    async confirmed() {
      while (held && !isFresh()) await ask();
      if (!held) throw (await loss) ?? lockLost();
    },
    extend,
    async release() {
      if (!held) return;
      held = false;
      end();
      await connection.close();
    },
  };
}
