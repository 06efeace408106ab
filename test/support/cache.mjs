// Where downloads are kept: outside of the repository, shared by all checkouts, each entry made once and whole.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** What did not work and what to do about it, in one sentence: printed without a stack. */
export class SetupError extends Error {}

/** The folder of the user's caches for this project. */
export function cacheFolder() {
  const { platform, env } = process;
  const base =
    env.XDG_CACHE_HOME ||
    (platform === 'win32'
      ? (env.LOCALAPPDATA ?? path.join(homedir(), 'AppData', 'Local'))
      : platform === 'darwin'
        ? path.join(homedir(), 'Library', 'Caches')
        : path.join(homedir(), '.cache'));
  return path.join(base, 'rowferry');
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const heartbeatMs = 2000;
const deadAfterMs = 30_000;

/**
 * The cached folder `name`, made by `make(folder)` when it is not there. It appears under its name only when
 * `make` is through, and two processes never make it at once: the second waits, and takes over from a maker that
 * died. `make` must not block the event loop for long, because the lock is kept alive from it.
 */
export async function cached(name, make) {
  const target = path.join(cacheFolder(), name);
  const lock = `${target}.lock`;
  mkdirSync(path.dirname(target), { recursive: true });
  while (!existsSync(target)) {
    if (!takeLock(lock)) {
      if (isAbandoned(lock)) breakLock(lock);
      await sleep(200);
      continue;
    }
    const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), heartbeatMs);
    const unfinished = `${target}.${process.pid}`;
    try {
      if (existsSync(target)) break;
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(unfinished, { recursive: true });
      await make(unfinished);
      renameSync(unfinished, target);
    } finally {
      clearInterval(beat);
      rmSync(unfinished, { recursive: true, force: true });
      rmSync(lock, { force: true });
    }
  }
  return target;
}

function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isAbandoned(lock) {
  const found = statSync(lock, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > deadAfterMs;
}

/** Takes an abandoned lock away; one that another process made meanwhile goes back to its place. */
function breakLock(lock) {
  const aside = `${lock}.${process.pid}`;
  try {
    const pid = readFileSync(lock, 'utf8');
    renameSync(lock, aside);
    if (isAbandoned(aside)) {
      rmSync(`${lock.slice(0, -'.lock'.length)}.${pid}`, { recursive: true, force: true });
      rmSync(aside, { force: true });
    } else renameSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
