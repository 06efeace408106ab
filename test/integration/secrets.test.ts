import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, startCli } from '../support/cli.js';
import { freePort } from '../support/mysql-process.mjs';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** Secrets that nobody else has, planted where a task takes them, and looked for wherever something is written. */
const secrets = {
  PW: 'planted-password-8f3a51',
  SECRET: 'planted-secret-77c0de19ab',
  TOKEN: 'planted-token-c4d29e',
  HOOK: 'planted-webhook-secret-5b6f',
  // Who has such an address may post to it: the path is the secret.
  HOOKURL: 'planted-address-e01d',
};
const needles = Object.values(secrets).flatMap((secret) => [
  secret,
  Buffer.from(secret).toString('base64').slice(0, -4),
  encodeURIComponent(secret),
]);
let pair: Pair;
let env: Record<string, string>;
let receiver: Server;
/** Everything that a webhook was sent, headers and body. */
const posted: string[] = [];

beforeAll(async () => {
  pair = await startPair({ store: { accessKeySecret: secrets.SECRET } });
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      posted.push(`${JSON.stringify(request.headers)}\n${body}`);
      response.end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  const { port } = receiver.address() as AddressInfo;
  env = { ...pair.env, ...secrets, HOOKURL: `http://127.0.0.1:${port}/${secrets.HOOKURL}` };
  await pair.mysql
    .query(`CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1);
    CREATE USER planted IDENTIFIED WITH caching_sha2_password BY '${secrets.PW}'; GRANT ALL ON *.* TO planted`);
  writeTask(pair, 's', {
    source: { host: '127.0.0.1', port: pair.mysql.port, user: 'planted', password: '${env:PW}' },
    destination: {
      endpoint: pair.store.url,
      instance: 'local',
      accessKeyId: '${env:KEY}',
      accessKeySecret: '${env:SECRET}',
      securityToken: '${env:TOKEN}',
    },
    objects: [{ database: 'd' }],
    alerts: { webhook: '${env:HOOKURL}', webhookSecret: '${env:HOOK}' },
  });
}, 120_000);
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await pair.close();
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}
/** Journals of a store come and go while its engine ends. */
function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
const found = (where: string, text: string): string[] =>
  needles.filter((needle) => text.includes(needle)).map((needle) => `${where}: ${needle}`);

it.runIf(process.platform === 'linux')(
  'no secret is in a file, an argument, an environment, an output or what a webhook is sent',
  async () => {
    const { folder } = pair;
    const call = (...args: string[]) => cli([...args, '--state', 'state'], { cwd: folder, env });
    const port = await freePort();
    const run = startCli(
      ['run', 's.rowferry.json', '--state', 'state', '--json', '--metrics', `127.0.0.1:${port}`],
      { cwd: folder, env },
    );
    await run.until(
      (line) => line['phase'] === 'incremental' && line['caughtUp'] === true,
      'the incremental',
    );
    const leaks: string[] = [];
    const { pid } = JSON.parse(readFileSync(join(folder, 'state/engine.json'), 'utf8')) as { pid: number };
    // What people start has the environment that they gave it; the engine must not.
    leaks.push(...found('environment of the engine', readFileSync(`/proc/${pid}/environ`, 'latin1')));
    for (const process of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        leaks.push(...found(`arguments of ${process}`, readFileSync(`/proc/${process}/cmdline`, 'latin1')));
      } catch {
        // It has ended.
      }
    }
    leaks.push(...found('metrics', await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()));
    for (const args of [
      ['status', '--json'],
      ['check', 's.rowferry.json', '--json'],
      ['bundle', 's.rowferry.json'],
      ['verify', 's.rowferry.json', '--json'],
    ]) {
      const { stdout, stderr } = await call(...args);
      leaks.push(...found(args[0]!, stdout + stderr));
    }
    // A wrong password, so that what refuses it has its say.
    const wrong = await cli(['check', 's.rowferry.json', '--state', 'other', '--debug'], {
      cwd: folder,
      env: { ...env, PW: `${secrets.PW}x`, SECRET: `${secrets.SECRET}x` },
    });
    leaks.push(...found('a refused login', wrong.stdout + wrong.stderr));
    // A table that stops raises an alert, which the webhook is sent.
    await pair.mysql.query('ALTER TABLE d.t MODIFY id BIGINT UNSIGNED');
    await run.until((line) => JSON.stringify(line).includes('ROW-S113'), 'the table that stopped');
    for (let left = 200; posted.length === 0 && left > 0; left--)
      await new Promise((r) => setTimeout(r, 100));
    expect(posted.join('\n')).toContain('"kind":"stopped-table"');
    leaks.push(...found('webhook', posted.join('\n')));
    run.child.kill('SIGTERM');
    const { stdout, stderr } = await run.ended;
    leaks.push(...found('run', stdout + stderr));
    for (const file of filesBelow(folder)) leaks.push(...found(file, contentsOf(file)));
    expect(leaks).toEqual([]);
    // What is looked for would be found.
    expect(found('here', JSON.stringify(secrets)).length).toBeGreaterThan(4);
  },
);
