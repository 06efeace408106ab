import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeFolder } from '../../local-tablestore/base/make-folder.js';
import { RowferryError } from '../../shared/errors.js';
import { assertPrivate } from './private-folder.js';

/** What lies in a state folder. */
export interface StatePaths {
  readonly dir: string;
  /** Held by an exclusive SQLite transaction for as long as an engine lives. */
  readonly lock: string;
  readonly store: string;
  readonly log: string;
  /** What a crashing engine says last. */
  readonly output: string;
  /** What people and windows see of the engine: its process id. */
  readonly address: string;
  /** By which the engine proves itself. */
  readonly key: string;
}

export interface EngineAddress {
  pid: number;
  protocolVersion: number;
}

/** Makes the folder when it is missing (0700). Throws ROW-E105 when it cannot be used, or is not ours alone. */
export function openStateDir(dir: string): StatePaths {
  try {
    makeFolder(resolve(dir));
    assertPrivate(dir);
    const real = realpathSync(dir);
    return {
      dir: real,
      lock: join(real, 'lock.db'),
      store: join(real, 'store.db'),
      log: join(real, 'engine.log'),
      output: join(real, 'engine-output.log'),
      address: join(real, 'engine.json'),
      key: join(real, 'engine.key'),
    };
  } catch (error) {
    throw error instanceof RowferryError ? error : stateDirError(dir, error);
  }
}

export function stateDirError(dir: string, error: unknown): RowferryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RowferryError('ROW-E105', `The state folder ${dir} cannot be used: ${reason}`, { cause: error });
}

/**
 * Where the engine of a state folder listens. A socket path of more than 107 bytes fails or is cut in silence, so
 * it is a short hash in a private folder under /tmp, the same for every process whatever its TMPDIR; on Windows a named
 * pipe. It is computed, never read: a file could name somebody else's socket.
 */
export function socketPath(dir: string): string {
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\rowferry-${hash}`;
  // A container may run as a number that no account has.
  const uid = process.getuid?.() ?? -1;
  const folder = join(existsSync('/tmp') ? '/tmp' : tmpdir(), `rowferry-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  // Somebody else's folder or a link could hand our secrets to another account.
  if (!stat.isDirectory() || (uid >= 0 && stat.uid !== uid)) {
    throw new RowferryError('ROW-E105', `${folder} belongs to another account.`, {
      remedy: 'Remove the folder, or ask who owns it to do so.',
    });
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return join(folder, `${hash}.sock`);
}

/**
 * The state folder when none is named: one per user, so that the editor and the command line share one engine, and
 * nothing that holds row values lies in a project. ROWFERRY_STATE overrides it.
 */
export function defaultStateDir(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['ROWFERRY_STATE'] ?? join(userDataDir(environment), 'state');
}

/** Where a user's programs keep data that is neither configuration nor cache. */
export function userDataDir(environment: NodeJS.ProcessEnv = process.env): string {
  if (process.platform === 'win32') {
    return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'rowferry');
  }
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'rowferry');
  return join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'rowferry');
}
