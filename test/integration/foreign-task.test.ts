import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, cliScript } from '../support/cli.js';
import { elsewhere, startListener, type Listener } from '../support/elsewhere.js';

/** util-linux: runs a command on a terminal of its own. */
const pseudoTerminal = 'script';

let folder: string;
/** The server of who wrote the task. */
let theirs: Listener;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-foreign-'));
  theirs = await startListener();
});
afterEach(async () => {
  await theirs.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

const env = { GITHUB_TOKEN: 'gh-secret', AWS_SECRET: 'aws-secret' };

function write(destination: object): void {
  const task = {
    id: 't-foreign',
    source: { port: 9, user: 'u' },
    destination: {
      endpoint: theirs.endpoint,
      instance: 'local',
      accessKeyId: 'x',
      accessKeySecret: 'y',
      ...destination,
    },
    objects: [{ database: 'shop' }],
  };
  writeFileSync(join(folder, 'task.rowferry.json'), JSON.stringify(task));
}

const rowferry = (command: string, ...more: string[]) =>
  cli([command, 'task.rowferry.json', '--state', 'state', ...more], { cwd: folder, env });

describe.skipIf(elsewhere === undefined)('the task file of somebody else', () => {
  it.each(['check', 'run', 'verify', 'preview', 'apply'])(
    'gets no variable of the environment by %s',
    async (command) => {
      write({ accessKeyId: '${env:GITHUB_TOKEN}' });
      const { code, stderr } = await rowferry(command);
      expect(stderr.trim().split('\n')).toEqual([
        `ROW-T107 task.rowferry.json would send GITHUB_TOKEN to ${theirs.endpoint} for the first time. Nothing was sent.`,
        expect.stringContaining('--trust-file') as string,
      ]);
      expect([code, theirs.heard]).toEqual([2, '']);
    },
  );

  it('rule 28: is trusted by --trust-file or --yes, from then on, for this variable and this server', async () => {
    write({ accessKeyId: '${env:GITHUB_TOKEN}' });
    await rowferry('check', '--trust-file');
    expect(theirs.heard).toContain('gh-secret');
    theirs.heard = '';
    await rowferry('check');
    expect(theirs.heard).toContain('gh-secret');
    theirs.heard = '';
    write({ accessKeyId: '${env:GITHUB_TOKEN}', securityToken: '${env:AWS_SECRET}' });
    const more = await rowferry('check');
    expect(more.stderr).toMatch(/would send AWS_SECRET to/);
    expect(more.stderr).not.toContain('GITHUB_TOKEN');
    write({
      endpoint: theirs.endpoint.replace(elsewhere!, 'localhost.example'),
      accessKeyId: '${env:GITHUB_TOKEN}',
    });
    expect((await rowferry('check')).code).toBe(2);
    expect(theirs.heard).toBe('');
    write({ accessKeyId: '${env:GITHUB_TOKEN}', securityToken: '${env:AWS_SECRET}' });
    await rowferry('check', '--yes');
    expect(theirs.heard).toContain('aws-secret');
    // What is remembered tells nobody what the variables held.
    expect(readFileSync(join(folder, 'state/trusted-servers.json'), 'utf8')).toMatch(/^\["[0-9a-f]{64}"/);
  });

  it('may send what it likes to this machine', async () => {
    write({
      endpoint: theirs.endpoint.replace(elsewhere!, '127.0.0.1'),
      accessKeyId: '${env:GITHUB_TOKEN}',
    });
    expect((await rowferry('check')).code).not.toBe(2);
    expect(theirs.heard).toContain('gh-secret');
  });

  it(
    'is asked about on a terminal',
    { skip: spawnSync(pseudoTerminal, ['--version']).status !== 0 },
    async () => {
      write({ accessKeyId: '${env:GITHUB_TOKEN}' });
      /** The exit code and what the terminal showed. */
      const onTerminal = (answer: string) =>
        new Promise<{ code: number | null; shown: string }>((done) => {
          const command = `${process.execPath} ${cliScript()} check task.rowferry.json --state state`;
          const child = spawn(pseudoTerminal, ['-qec', command, '/dev/null'], {
            cwd: folder,
            env: { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm', ...env },
          });
          let shown = '';
          let asked = false;
          child.stdout.setEncoding('utf8').on('data', (text: string) => {
            shown += text;
            if (asked || !shown.includes('[y/N]')) return;
            asked = true;
            child.stdin.write(`${answer}\n`);
          });
          child.once('close', (code) => done({ code, shown }));
        });
      const no = await onTerminal('n');
      expect(no.shown).toContain(`GITHUB_TOKEN to ${theirs.endpoint}`);
      expect([no.code, theirs.heard, existsSync(join(folder, 'state/trusted-servers.json'))]).toEqual([
        2,
        '',
        false,
      ]);
      await onTerminal('y');
      expect(theirs.heard).toContain('gh-secret');
      expect((await onTerminal('')).shown).not.toContain('[y/N]');
    },
  );
});
