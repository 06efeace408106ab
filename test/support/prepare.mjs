// What every command from a bare clone does first. Built-ins of Node 20 only.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './cache.mjs';
import { repository, requireNode } from './node.mjs';

/** The environment of children: tools of node_modules first on the PATH, and a Node that is new enough before them. */
export function environment(node = requireNode()) {
  const places = [path.dirname(node), path.join(repository, 'node_modules/.bin'), process.env['PATH'] ?? ''];
  return { ...process.env, PATH: places.join(path.delimiter) };
}

/** Runs a program in the repository, its output shown. Resolves to the exit code. */
export function execute(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: repository, stdio: 'inherit', ...options });
    child.once('error', reject).once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

/** `npm ci` when node_modules is not there, or not whole. */
export async function install() {
  if (existsSync(path.join(repository, 'node_modules/.package-lock.json'))) return;
  console.log('Installing what package-lock.json names …');
  const windows = process.platform === 'win32';
  const code = await execute(
    windows ? 'npm.cmd' : 'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { shell: windows, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (code !== 0) throw new SetupError('npm ci failed: check that npm reaches its registry and try again.');
}

/** Makes dist/. */
export async function build() {
  const code = await execute(requireNode(), ['esbuild.js'], { env: environment() });
  if (code !== 0) throw new SetupError('The build failed: see the errors above.');
}

/** Ends the process with one line of `error` when it is a SetupError, else with its stack. */
export function fail(error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exit(1);
}
