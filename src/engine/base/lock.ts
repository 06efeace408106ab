import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * One engine per state folder: an exclusive transaction on lock.db, held until release() or the end of the
 * process, however it ends. Unlike a file with a process id it cannot lie, and a stopped process keeps it.
 * Returns undefined when another process holds it.
 */
export function acquireLock(file: string): { release(): void } | undefined {
  const database = new DatabaseSync(file);
  try {
    if (process.platform !== 'win32') chmodSync(file, 0o600);
    // A killed holder's lock is freed by the system within a fraction of a second.
    database.exec('PRAGMA busy_timeout = 600; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

const sqliteBusy = 5;
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && (code & 0xff) === sqliteBusy;
}
