// Finds or fetches a VS Code workbench (code-server) and a browser to drive it. Built-ins of Node 20 only.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cached, SetupError } from './cache.mjs';
import { requireNode } from './node.mjs';

const run = promisify(execFile);
const codeServer = '4.139.1';
const sparticuz = '153.0.0';

/**
 * code-server is VS Code with a browser in front: the same workbench and extension host.
 * @returns {Promise<{ node: string, entry: string }>} the Node to start it with, and its script
 */
export async function findWorkbench(say = (text) => console.error(text)) {
  const node = requireNode();
  const home = await cached(`code-server-${codeServer}`, async (folder) => {
    say('Downloading a VS Code workbench from npm (code-server, once) …');
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env['PATH']}` };
    // The scripts would compile native helpers that the workbench does well without.
    const install = (cwd, ...more) =>
      npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', ...more], cwd, env);
    try {
      await install(folder, `code-server@${codeServer}`);
      const vscode = path.join(folder, 'node_modules/code-server/lib/vscode');
      await install(vscode, '--omit=dev');
      await install(path.join(vscode, 'extensions'), '--omit=dev');
    } catch (error) {
      throw new SetupError(
        `The VS Code workbench could not be downloaded (${lastLine(error)}): check that npm reaches its registry and try again.`,
      );
    }
  });
  return { node, entry: path.join(home, 'node_modules/code-server/out/node/entry.js') };
}

/**
 * A Chromium: ROWFERRY_CHROMIUM, an installed Chromium, Chrome or Edge, Debian's package when we are root, or npm's
 * @sparticuz/chromium. Throws SetupError with the remedy when there is none.
 * @returns {Promise<{ executable: string, args: string[] }>}
 */
export async function findBrowser(say = (text) => console.error(text)) {
  const installed = [process.env['ROWFERRY_CHROMIUM'], ...browserPlaces()].find(
    (file) => file !== undefined && file !== '' && existsSync(file),
  );
  if (installed) return { executable: installed, args: [] };
  const problems = [];
  if (process.platform === 'linux') {
    for (const fetch of [fromDebian, fromNpm]) {
      try {
        const found = await fetch(say);
        if (found) return found;
      } catch (error) {
        problems.push(lastLine(error));
      }
    }
  }
  throw new SetupError(
    `No browser could be had${problems.map((problem) => ` (${problem})`).join('')}. Install Chromium, Chrome or Edge, or name one in the environment variable ROWFERRY_CHROMIUM.`,
  );
}

function browserPlaces() {
  const { env, platform } = process;
  if (platform === 'darwin') {
    const apps = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
    return apps.map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  }
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter(Boolean);
    const programs = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'];
    return roots.flatMap((root) => programs.map((program) => path.join(root, program)));
  }
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
  return ['/usr/bin', '/usr/local/bin', '/snap/bin'].flatMap((place) =>
    names.map((name) => path.join(place, name)),
  );
}

async function fromDebian(say) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  say('Installing Chromium from Debian (once) …');
  const options = {
    maxBuffer: 2 ** 26,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  };
  // A source that fails must not stop the others: what counts is that the package comes.
  await run('apt-get', ['-qq', 'update'], options).catch(() => undefined);
  // With a font that has Chinese: without one every letter of it is a box, of another width.
  const packages = ['chromium', 'fonts-droid-fallback'];
  await run('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', ...packages], options);
  return existsSync('/usr/bin/chromium') ? { executable: '/usr/bin/chromium', args: [] } : undefined;
}

/** Without root: a Chromium that brings its own libraries. */
async function fromNpm(say) {
  const home = await cached(`chromium-${sparticuz}`, async (folder) => {
    say('Downloading Chromium from npm (64 MB, once) …');
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    mkdirSync(path.join(folder, 'tmp'));
    await npm(
      ['install', '--no-audit', '--no-fund', '--no-package-lock', `@sparticuz/chromium@${sparticuz}`],
      folder,
    );
    // It unpacks itself into the temporary folder, together with the libraries that it needs.
    const script =
      "const { default: c } = await import('@sparticuz/chromium'); console.log(await c.executablePath());";
    await run(requireNode(), ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...process.env, TMPDIR: path.join(folder, 'tmp'), AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' },
    });
  });
  const executable = path.join(home, 'tmp/chromium');
  if (!existsSync(executable)) throw new SetupError(`${home} is not complete: delete it and try again`);
  const libraries = readdirSync(path.join(home, 'tmp'))
    .map((name) => path.join(home, 'tmp', name, 'lib'))
    .filter((folder) => existsSync(folder));
  process.env['LD_LIBRARY_PATH'] = [...libraries, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  return { executable, args: ['--no-zygote', '--single-process'] };
}

function npm(args, cwd, env = process.env) {
  const windows = process.platform === 'win32';
  return run(windows ? 'npm.cmd' : 'npm', args, { cwd, env, shell: windows, maxBuffer: 2 ** 26 });
}

function lastLine(error) {
  const lines = String(error.stderr || error.message || error)
    .trim()
    .split('\n');
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
}
