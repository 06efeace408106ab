// Starts a workbench with this repository's extension in it: fresh settings and extensions each time.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './cache.mjs';
import { freePort } from './mysql-process.mjs';
import { repository } from './node.mjs';
import { findWorkbench } from './workbench-install.mjs';

/** Nothing that moves, asks or phones home. */
const settings = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.reduceMotion': 'on',
  'workbench.tips.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'update.mode': 'none',
  'chat.disableAIFeatures': true,
  'git.enabled': false,
};

/**
 * A workbench on `workspace`. `home` is an empty folder for all that it writes. `vsix` is installed when given,
 * else the repository itself is the extension (build it first). `beside`: folders of other extensions to have as well.
 * @param {{ home: string, workspace: string, port?: number, vsix?: string, beside?: string[], settings?: object,
 *   env?: Record<string, string>, say?: (text: string) => void }} options
 * @returns {Promise<{ url: string, port: number, log: string, exited: Promise<number | null>, stop(): Promise<void> }>}
 */
export async function startWorkbenchServer(options) {
  const { node, entry } = await findWorkbench(options.say);
  const port = options.port ?? (await freePort());
  const folders = {
    data: path.join(options.home, 'data'),
    extensions: path.join(options.home, 'extensions'),
  };
  mkdirSync(path.join(folders.data, 'User'), { recursive: true });
  mkdirSync(folders.extensions, { recursive: true });
  writeFileSync(
    path.join(folders.data, 'User/settings.json'),
    JSON.stringify({ ...settings, ...options.settings }, null, 2),
  );
  // Those that belong to a machine are read from here, where the editor runs on another one than its window.
  const ofMachine = Object.entries(options.settings ?? {}).filter(([key]) => key.startsWith('rowferry.'));
  mkdirSync(path.join(folders.data, 'Machine'), { recursive: true });
  writeFileSync(
    path.join(folders.data, 'Machine/settings.json'),
    JSON.stringify(Object.fromEntries(ofMachine), null, 2),
  );
  const env = { ...process.env, HOME: options.home, EXTENSIONS_GALLERY: '{}', ...options.env };
  // A test runner's own options must not reach the extension host.
  for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'VITEST', 'VSCODE_IPC_HOOK_CLI', 'PORT', 'PASSWORD'])
    delete env[name];
  const common = ['--user-data-dir', folders.data, '--extensions-dir', folders.extensions];
  const log = path.join(options.home, 'workbench.log');
  const output = openSync(log, 'a');
  const stdio = ['ignore', output, output];
  // Before the first start, which makes its list of extensions from the folders that it finds.
  for (const folder of options.beside ?? []) linkExtension(folder, folders.extensions);
  if (options.vsix === undefined) {
    linkExtension(repository, folders.extensions);
  } else {
    const installer = spawn(node, [entry, ...common, '--install-extension', options.vsix], { env, stdio });
    const code = await new Promise((resolve) => installer.once('exit', resolve));
    if (code !== 0) throw new SetupError(`${options.vsix} could not be installed: see ${log}`);
  }
  const child = spawn(
    node,
    [
      entry,
      '--auth=none',
      `--bind-addr=127.0.0.1:${port}`,
      ...common,
      '--disable-telemetry',
      '--disable-update-check',
      ...(options.settings?.['security.workspace.trust.enabled'] ? [] : ['--disable-workspace-trust']),
      '--disable-getting-started-override',
      options.workspace,
    ],
    { env, stdio, detached: process.platform !== 'win32' },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = (signal) => {
    try {
      // Its whole group: the extension host and the file watcher are children of children.
      if (process.platform === 'win32') child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // Gone already.
    }
  };
  const killAtExit = () => kill('SIGKILL');
  process.once('exit', killAtExit);
  const url = `http://127.0.0.1:${port}/`;
  for (let waited = 0; !(await healthy(url)); waited += 100) {
    if (child.exitCode !== null || waited > 60_000) {
      kill('SIGKILL');
      throw new SetupError(`The workbench did not start: see ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    port,
    log,
    exited,
    async stop() {
      process.removeListener('exit', killAtExit);
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), 3000);
      await exited;
      clearTimeout(timer);
      kill('SIGKILL');
    },
  };
}

/** Makes the extension of `folder` one of those in `extensions`. */
function linkExtension(folder, extensions) {
  const { publisher, name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  symlinkSync(folder, path.join(extensions, `${publisher}.${name}-${version}`), 'junction');
}

async function healthy(url) {
  try {
    return (await fetch(`${url}healthz`)).ok;
  } catch {
    return false;
  }
}
