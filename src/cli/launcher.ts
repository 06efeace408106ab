import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findNode, isNewEnough, nodeWanted } from './find-node.mjs';

/**
 * `dist/cli.js` and `dist/engine.js`: start on Node 20, go on in one that has node:sqlite and zstd. Only built-ins
 * of Node 20 may be used here, and nothing that the bundles share may be imported.
 */
declare const ROWFERRY_BUNDLE: string;

const bundle = path.join(__dirname, 'node', ROWFERRY_BUNDLE);
/** node:sqlite is experimental on Node 22: people who run a command need not read that. */
const quiet = '--disable-warning=ExperimentalWarning';

if (isNewEnough(process.version)) {
  // In this process: the filter must stand before the bundle loads node:sqlite.
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') for (const listener of listeners) listener(warning);
  });
  import(pathToFileURL(bundle).href).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
} else {
  const node = findNode(__dirname);
  if (node === undefined && isVersionAsked()) {
    const manifest = readFileSync(path.join(__dirname, '../package.json'), 'utf8');
    console.log((JSON.parse(manifest) as { version: string }).version);
  } else if (node === undefined) {
    console.error(nodeWanted);
    process.exitCode = 3;
  } else {
    handOver(node);
  }
}

/** What any Node can answer. */
function isVersionAsked(): boolean {
  return ['--version', '-v'].includes(process.argv[2] ?? '');
}

function handOver(node: string): void {
  // The channel also tells a command when this process was killed, which no signal does (main.ts).
  const child = spawn(node, [quiet, ...process.execArgv, bundle, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  if (process.send) {
    child.on('message', (message) => process.send?.(message));
    process.on('message', (message) => child.send(message as string));
    child.on('disconnect', () => process.connected && process.disconnect());
    process.on('disconnect', () => child.connected && child.disconnect());
  }
  // A terminal sends Ctrl+C to the whole group: passed on, the child would take it for a second, impatient one.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => {
    if (!terminal) child.kill('SIGINT');
  });
  const forwarded: NodeJS.Signals[] =
    process.platform === 'win32' ? ['SIGTERM', 'SIGBREAK'] : ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGCONT'];
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(
      `${node} does not start: ${error.message}\nSet the environment variable ROWFERRY_NODE to another Node.js.`,
    );
    process.exit(2);
  });
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
}
