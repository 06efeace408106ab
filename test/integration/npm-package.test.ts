import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeNpmPackage } from '../support/npm-package.mjs';
import { cliScript } from '../support/cli.js';

/** The package that docs/running-as-a-service.md installs, in a folder that has nothing else. */

let folder: string;
let rowferry: string;
const env = { PATH: process.env['PATH'], HOME: '' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-npm-'));
  env.HOME = folder;
  cliScript();
  const file = await makeNpmPackage(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const installed = spawnSync('npm', ['install', '--offline', '--no-audit', '--no-fund', file], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(installed.status, installed.stderr).toBe(0);
  rowferry = join(folder, 'node_modules/.bin/rowferry');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has the command and its documents, and depends on nothing', () => {
  const home = join(folder, 'node_modules/rowferry');
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Record<string, unknown>;
  const own = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  expect(manifest).toMatchObject({ name: 'rowferry', version: own['version'], license: 'MIT' });
  expect(manifest).not.toHaveProperty('private');
  expect(manifest).not.toHaveProperty('dependencies');
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'rowferry',
  ]);
  for (const name of ['README.md', 'README.zh-cn.md', 'LICENSE', 'docs/guarantees.md', 'dist/licenses.txt'])
    expect(existsSync(join(home, name)), name).toBe(true);
  expect(existsSync(join(home, 'dist/extension.js'))).toBe(false);
});

it('runs: version, help, the embedded Tablestore, and an engine of its own', async () => {
  const run = (...args: string[]) => spawnSync(rowferry, args, { cwd: folder, env, encoding: 'utf8' });
  expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run('--help').stdout).toContain('rowferry COMMAND');
  expect(run('--help', '--lang', 'zh-cn').stdout).toContain('用法');
  const server = spawn(rowferry, ['tablestore', '--port', '0', '--data', 'data'], { cwd: folder, env });
  try {
    let said = '';
    server.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await expect.poll(() => said, { timeout: 10_000 }).toMatch(/access key secret: \S+/);
    const find = (label: string) => new RegExp(`^${label}:? (.+)$`, 'm').exec(said)![1]!;
    writeFileSync(
      join(folder, 'a.rowferry.json'),
      JSON.stringify({
        source: { host: '127.0.0.1', port: 9, user: 'nobody' },
        destination: {
          endpoint: find('listening on'),
          instance: find('instance'),
          accessKeyId: find('access key id'),
          accessKeySecret: find('access key secret'),
        },
        objects: [{ database: 'shop' }],
      }),
    );
    const checked = run('check', 'a.rowferry.json', '--state', 'state', '--json');
    expect(checked).toMatchObject({ status: 3, stderr: '' });
    const { results } = JSON.parse(checked.stdout) as { results: { id: string; status: string }[] };
    const status = (id: string) => results.find((one) => one.id === id)?.status;
    expect([status('source-connection'), status('destination-connection')]).toEqual(['fail', 'pass']);
  } finally {
    server.kill('SIGTERM');
  }
});

it('on a Node that is too old: the version, and else what to install (H4)', () => {
  const old = join(folder, 'old.cjs');
  writeFileSync(old, "Object.defineProperty(process, 'version', { value: 'v20.20.2' });");
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ['--require', old, join(folder, 'node_modules/rowferry/dist/cli.js'), ...args],
      {
        cwd: folder,
        env: { HOME: folder, PATH: folder },
        encoding: 'utf8',
      },
    );
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  const refused = run('check', 'a.rowferry.json');
  expect(refused).toMatchObject({ status: 3, stdout: '' });
  expect(refused.stderr).toMatch(
    /^ROW-E106 Rowferry needs Node\.js 22\.15 or later; this is v20\.20\.2\.\nInstall it/,
  );
});
