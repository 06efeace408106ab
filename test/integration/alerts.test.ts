import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { cli, cliScript, startCli, type RunningCommand } from '../support/cli.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

/** Incidents reach a real HTTP receiver; what was to keep running waits for its secrets; the bundle tells none. */

const password = 'p4ss-of-the-s0urce';
const hookSecret = 'shared-with-the-receiver';
let mysql: MysqlServer;
let store: LocalTablestore;
let folder: string;
let env: Record<string, string>;
let receiver: Server;
let hook: string;
let running: RunningCommand | undefined;
const posted: { body: string; signature: string | undefined; status: number }[] = [];
/** Answers that the receiver gives before it is well. */
let ill: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-alerts-'));
  cliScript();
  [mysql, store] = await Promise.all([startMysql(), startLocalTablestore({ data: join(folder, 'data') })]);
  env = { KEY: store.accessKeyId, SECRET: store.accessKeySecret, PW: password, HOOK: hookSecret };
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.items (id VARCHAR(2000) PRIMARY KEY, note VARCHAR(200)) CHARSET ascii;
    INSERT INTO shop.items VALUES ('a', 'note-of-a'), ('b', 'note-of-b');
    CREATE USER 'dts'@'%' IDENTIFIED BY '${password}';
    GRANT ALL ON *.* TO 'dts'@'%'`);
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const status = ill.shift() ?? 200;
      posted.push({ body, signature: request.headers['x-rowferry-signature'] as string | undefined, status });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
}, 120_000);

afterEach(async () => {
  running?.child.kill('SIGTERM');
  await running?.ended;
  running = undefined;
  posted.length = 0;
  await mysql.query('DELETE FROM shop.items WHERE LENGTH(id) > 1024');
});

afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await store.close();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
});

function task(name: string, more: Record<string, unknown> = {}): string {
  writeFileSync(
    join(folder, `${name}.rowferry.json`),
    JSON.stringify({
      id: `t-${name}`,
      source: { host: '127.0.0.1', port: mysql.port, user: 'dts', password: '${env:PW}' },
      destination: {
        endpoint: store.url,
        instance: 'local',
        accessKeyId: '${env:KEY}',
        accessKeySecret: '${env:SECRET}',
      },
      objects: [{ database: 'shop', tables: [{ name: 'items', rename: `items_${name}` }] }],
      alerts: { webhook: hook, webhookSecret: '${env:HOOK}' },
      ignoredChecks: ['key-size'],
      ...more,
    }),
  );
  return `${name}.rowferry.json`;
}
const on = (file: string) => ['--state', `state-${file}`];
const run = (file: string, ...more: string[]) =>
  (running = startCli(['run', file, ...on(file), '--json', ...more], { cwd: folder, env }));
const status = async (file: string) =>
  JSON.parse((await cli(['status', file, ...on(file), '--json'], { cwd: folder, env })).stdout) as Record<
    string,
    unknown
  >;
const alerts = () =>
  posted
    .filter((one) => one.status === 200)
    .map((one) => {
      const { kind, state } = JSON.parse(one.body) as { kind: string; state: string };
      return `${kind} ${state}`;
    });
const follows = (line: Record<string, unknown>) =>
  line['phase'] === 'incremental' && line['caughtUp'] === true;

describe('alerts', () => {
  it('blocked: told once, over several runs and to a receiver that is ill at first; over when it goes on', async () => {
    const file = task('blocked');
    ill = [503];
    const first = run(file);
    await first.until(follows, 'caught up');
    await mysql.query("INSERT INTO shop.items VALUES (REPEAT('k', 1500), 'too-long-a-key')");
    expect((await first.ended).code).toBe(4);
    expect(alerts()).toEqual(['blocked open']);
    expect(posted[0]!.status).toBe(503);
    for (const { body, signature } of posted) {
      expect(signature).toBe(`sha256=${createHmac('sha256', hookSecret).update(body).digest('hex')}`);
      expect(JSON.parse(body)).toMatchObject({
        type: 'rowferry.alert',
        task: { id: 't-blocked', name: 'blocked' },
      });
    }
    expect((await run(file).ended).code).toBe(4);
    expect(alerts()).toEqual(['blocked open']);
    task('blocked', { dirtyData: 'skip' });
    await run(file).until(follows, 'caught up');
    await expect.poll(alerts, { timeout: 10_000 }).toEqual(['blocked open', 'blocked over']);
    const over = JSON.parse(posted.at(-1)!.body) as { atMs: number; openedMs: number };
    expect(over.openedMs).toBeLessThan(over.atMs);
  }, 90_000);

  it('latency above the threshold for as long as the task says, and over', async () => {
    const file = task('late', {
      alerts: { webhook: hook, latencySeconds: 1, latencyForSeconds: 1 },
      throttle: { incremental: { rowsPerSecond: 20 } },
    });
    await run(file).until(follows, 'caught up');
    const values = Array.from({ length: 120 }, (_, n) => `('late-${n}', 'x')`);
    await mysql.query(`INSERT INTO shop.items VALUES ${values.join()}`);
    await expect.poll(alerts, { timeout: 20_000 }).toEqual(['latency open', 'latency over']);
    expect(posted[0]!.signature).toBeUndefined();
  }, 60_000);

  it('each table that stops: once, not again by the next engine, and once when it is kept up to date again', async () => {
    await mysql.query(`
      CREATE TABLE shop.one (id INT PRIMARY KEY); INSERT INTO shop.one VALUES (1);
      CREATE TABLE shop.two (id INT PRIMARY KEY, v INT NOT NULL); INSERT INTO shop.two VALUES (1, 1)`);
    const file = task('stops', {
      objects: [{ database: 'shop', tables: [{ name: 'one' }, { name: 'two' }] }],
    });
    const first = run(file);
    await first.until(follows, 'caught up');
    await mysql.query('TRUNCATE shop.one; ALTER TABLE shop.two DROP PRIMARY KEY, ADD PRIMARY KEY (v)');
    await expect.poll(alerts, { timeout: 20_000 }).toEqual(['stopped-table open', 'stopped-table open']);
    expect(posted.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          table: { source: 'shop.one', destination: 'one' },
          message: expect.stringMatching(/^shop\.one was truncated/) as string,
          error: expect.objectContaining({
            code: 'ROW-S113',
            remedy: expect.stringMatching(/./) as string,
          }) as object,
        }),
      ]),
    );
    // With nothing to follow it is caught up with nothing, whatever the stream has read.
    await first.until((line) => line['type'] === 'status' && line['caughtUp'] === false, 'all stopped');
    expect(await status(file)).toMatchObject({ state: 'running', caughtUp: false, latencyMs: null });
    const shown = await cli(['status', file, ...on(file)], { cwd: folder, env });
    expect(shown.stdout).toContain('no table is replicating');
    expect(shown.stdout).not.toMatch(/caught up|latency/);
    first.child.kill('SIGTERM');
    const ended = await first.ended;
    expect(ended.code).toBe(0);

    const again = run(file);
    await again.until((line) => line['phase'] === 'incremental', 'running again');
    await mysql.query('INSERT INTO shop.one VALUES (2)');
    await again.until((line) => line['state'] === 'running', 'it looks at its tables again');
    const reload = ['reload', file, ...on(file), '--table', 'shop.one', '--yes'];
    expect(await cli(reload, { cwd: folder, env })).toMatchObject({ code: 0 });
    await again.until(follows, 'followed again');
    await expect
      .poll(alerts, { timeout: 20_000 })
      .toEqual(['stopped-table open', 'stopped-table open', 'stopped-table over']);
    expect(JSON.parse(posted.at(-1)!.body)).toMatchObject({ state: 'over', table: { source: 'shop.one' } });
  }, 90_000);

  it('failed: an engine that ends at once still tells it', async () => {
    const file = task('failed');
    const bad = { ...env, PW: 'wrong' };
    const result = await cli(['run', file, ...on(file)], { cwd: folder, env: bad });
    expect(result.code).toBe(3);
    // A service manager may end the engine with its command: it has been told by now.
    expect(alerts()).toEqual(['failed open']);
    expect(posted[0]!.body).not.toContain('wrong');
  }, 60_000);
});

describe('an engine that was ended from outside', () => {
  it.each([
    ['SIGKILL', 'killed'],
    ['SIGTERM', 'told to end'],
  ] as const)(
    '%s: what was to keep running waits for credentials',
    async (signal, name) => {
      const file = task(`kept_${signal.toLowerCase()}`, { keepRunning: true });
      const first = run(file);
      await first.until(follows, `caught up, to be ${name}`);
      // The command goes, the task stays.
      first.child.kill('SIGKILL');
      await first.ended;
      expect(await status(file)).toMatchObject({ state: 'running' });
      const { pid } = JSON.parse(readFileSync(join(folder, `state-${file}/engine.json`), 'utf8')) as {
        pid: number;
      };
      process.kill(pid, signal);
      await expect
        .poll(() => status(file).then((s) => s['state']), { timeout: 20_000 })
        .toBe('waiting-for-credentials');
      expect(await status(file)).toMatchObject({ position: { file: expect.stringMatching(/./) as unknown } });
      const again = run(file);
      await again.until(follows, 'caught up again');
      again.child.kill('SIGTERM');
      await again.ended;
      expect((await status(file))['state']).toBe('stopped');
    },
    60_000,
  );
});

describe('rowferry bundle', () => {
  it('has settings, checks, states and logs, and neither a secret nor a value of a row', async () => {
    const file = task('bundle', { etl: '', dirtyData: 'skip' });
    await mysql.query("INSERT INTO shop.items VALUES (REPEAT('secretkey', 150), 'value-of-a-dirty-row')");
    const first = run(file);
    await first.until(follows, 'caught up');
    await mysql.query("INSERT INTO shop.items VALUES (REPEAT('liveskey', 150), 'value-of-a-live-row')");
    await first.until((line) => line['dirty'] === 2, 'the dirty rows');
    const made = await cli(['bundle', file, '--output', 'made.json', ...on(file)], { cwd: folder, env });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(join(folder, 'made.json'), 'utf8');
    const bundle = JSON.parse(text) as Record<string, unknown>;
    expect(bundle).toMatchObject({
      type: 'rowferry.bundle',
      versions: { node: process.version },
      task: { id: 't-bundle', objects: [{ database: 'shop' }] },
      state: { state: 'running', phase: 'incremental', dirty: 2 },
      check: { successRate: 100 },
      dirty: [{ source: 'shop.items', code: 'ROW-V104', records: 2 }],
    } as never);
    expect(bundle['log']).toContainEqual({
      time: expect.stringMatching(/^2.*Z$/),
      level: 'info',
      task: 't-bundle',
      table: 'shop.items',
      message: 'items_bundle created for shop.items',
    });
    for (const secret of [password, store.accessKeySecret, store.accessKeyId, hookSecret, hook])
      expect(text).not.toContain(secret);
    for (const value of ['note-of-a', 'value-of', 'secretkey', 'liveskey']) expect(text).not.toContain(value);
    // Nor does anything that the engine leaves behind hold a secret.
    for (const name of readdirSync(join(folder, `state-${file}`))) {
      const left = readFileSync(join(folder, `state-${file}`, name), 'latin1');
      for (const secret of [password, store.accessKeySecret, hookSecret]) expect(left).not.toContain(secret);
    }
  }, 60_000);
});
