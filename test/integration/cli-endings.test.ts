import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalTablestore } from '../../src/local-tablestore/index.js';
import { cli, startCli, type Finished } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** How commands end, as scripts rely on it: exit codes, the last line of --json, and no file written unasked. */

let pair: Pair;
const rows = 300;

beforeAll(async () => {
  pair = await startPair();
  await pair.mysql.query(`
    CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY, note VARCHAR(20));
    INSERT INTO shop.items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      SELECT i, 'x' FROM n`);
}, 120_000);
afterAll(() => pair.close());

function write(name: string, task: Record<string, unknown> = {}): string {
  return writeTask(pair, name, { id: `t-${name}`, objects: [{ database: 'shop' }], ...task });
}
const run = (...args: string[]) => cli(args, { cwd: pair.folder, env: pair.env });
const lines = ({ stdout }: Finished) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const nowhere = () => ({
  destination: { endpoint: 'http://127.0.0.1:9', instance: 'local', accessKeyId: 'a', accessKeySecret: 'b' },
});

describe('a run with a goal', () => {
  it.each([
    ['full', 'SIGTERM'],
    ['caught-up', 'SIGINT'],
  ] as const)(
    '--until %s, ended by %s before it is there: exit 5, and the end says so (H1)',
    async (goal, signal) => {
      const file = write(`cut-${goal}`, {
        objects: [{ database: 'shop', renameTables: { prefix: `${goal.slice(0, 4)}_` } }],
        throttle: { full: { rowsPerSecond: 50 } },
      });
      const args = ['run', file, '--state', `state-${goal}`, '--until', goal, '--json'];
      const cut = startCli(args, { cwd: pair.folder, env: pair.env });
      await cut.until((line) => line['phase'] === 'full' && Number(line['loaded']) > 0, 'rows');
      cut.child.kill(signal);
      const ended = await cut.ended;
      expect(ended.code).toBe(5);
      expect(ended.stderr).toMatch(/^ROW-E114 .* was stopped before .*\n.*continues from its checkpoint/);
      expect(lines(ended).slice(-2)).toMatchObject([
        { type: 'end', state: 'stopped', reached: false },
        { type: 'error', code: 'ROW-E114', exitCode: 5 },
      ]);
      write(`cut-${goal}`, {
        objects: [{ database: 'shop', renameTables: { prefix: `${goal.slice(0, 4)}_` } }],
      });
      const whole = await run(...args);
      expect({ code: whole.code, end: lines(whole).at(-1) }).toMatchObject({
        code: 0,
        end: { type: 'end', reached: true },
      });
    },
  );

  it('one without a goal that is interrupted has done what it was for', async () => {
    const file = write('open', { objects: [{ database: 'shop', renameTables: { prefix: 'open_' } }] });
    const open = startCli(['run', file, '--state', 'state-open', '--json'], {
      cwd: pair.folder,
      env: pair.env,
    });
    await open.until((line) => line['caughtUp'] === true, 'being caught up');
    open.child.kill('SIGINT');
    const ended = await open.ended;
    expect(ended.code).toBe(0);
    expect(lines(ended).at(-1)).toEqual({ type: 'end', state: 'stopped' });
  });

  it('one that fails tells it in JSON, too (H6)', async () => {
    const file = write('refused', { source: { host: '127.0.0.1', port: pair.mysql.port, user: 'nobody' } });
    const failed = await run('run', file, '--state', 'state-refused', '--json');
    expect(failed.code).toBe(3);
    expect(lines(failed).at(-1)).toMatchObject({
      type: 'error',
      exitCode: 3,
      code: expect.stringMatching(/^ROW-/) as string,
    });
    const unread = await run('run', 'missing.rowferry.json', '--json');
    expect([unread.code, lines(unread)]).toMatchObject([
      2,
      [{ type: 'error', code: 'ROW-T101', exitCode: 2 }],
    ]);
  });
});

describe('a side that is away', () => {
  it('check ends with 3 (H3)', async () => {
    for (const side of [nowhere(), { source: { host: '127.0.0.1', port: 9, user: 'root' } }]) {
      const { code } = await run('check', write('away', side), '--state', 'state-away');
      expect(code).toBe(3);
    }
  });

  it.each(['', '--quick'])('verify %s says so within seconds (H2)', async (how) => {
    const began = Date.now();
    const file = write('away', { ...nowhere(), retry: { connectionMinutes: 720, otherMinutes: 10 } });
    const { code, stderr } = await run('verify', file, '--state', 'state-away', ...(how ? [how] : []));
    expect([code, stderr]).toEqual([3, expect.stringMatching(/127\.0\.0\.1:9/)]);
    expect(Date.now() - began).toBeLessThan(12_000);
  });

  it('a destination that takes connections and never answers is away, too (H2)', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    const { port } = silent.address() as AddressInfo;
    const { destination } = nowhere();
    const file = write('silent', { destination: { ...destination, endpoint: `http://127.0.0.1:${port}` } });
    try {
      const { code, stderr } = await run('verify', file, '--state', 'state-away');
      expect([code, stderr]).toEqual([3, expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}`))]);
      const told = startCli(['verify', file, '--state', 'state-away'], { cwd: pair.folder, env: pair.env });
      const before = sockets.length;
      await expect.poll(() => sockets.length, { timeout: 20_000 }).toBeGreaterThan(before);
      const toldMs = Date.now();
      told.child.kill('SIGTERM');
      expect((await told.ended).code).toBe(5);
      expect(Date.now() - toldMs).toBeLessThan(2000);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('verify --wait waits, and ends within two seconds when it is told to (H2)', async () => {
    const file = write('away', nowhere());
    const args = ['verify', file, '--state', 'state-away', '--wait'];
    const waiting = startCli(args, { cwd: pair.folder, env: pair.env });
    await expect(Promise.race([waiting.ended, later(7_000)])).resolves.toBe('later');
    const told = Date.now();
    waiting.child.kill('SIGTERM');
    const { code, stderr } = await waiting.ended;
    expect([code, stderr]).toEqual([5, expect.stringMatching(/^ROW-E114 Interrupted/)]);
    expect(Date.now() - told).toBeLessThan(2000);
  });
});
const later = (ms: number) => new Promise((settle) => setTimeout(() => settle('later'), ms));

describe('files', () => {
  it('check, preview, status and verify write nothing into a task without an id; run does (H5)', async () => {
    const file = write('plain', {
      id: undefined,
      objects: [{ database: 'shop', renameTables: { prefix: 'plain_' } }],
    });
    const path = join(pair.folder, file);
    const before = readFileSync(path, 'utf8');
    for (const command of ['check', 'preview', 'status', 'verify']) {
      await run(command, file, '--state', 'state-plain');
      expect(readFileSync(path, 'utf8'), command).toBe(before);
    }
    await run('run', file, '--state', 'state-plain', '--until', 'caught-up');
    const after = readFileSync(path, 'utf8');
    expect(after).toMatch(/"id": "t-[a-z0-9]{10}"/);
    expect(after.replace(/\n {2}"id": "[^"]+",/, '')).toBe(before);
  });

  it.each(['no/where.json', 'away.rowferry.json/x.json', '.'])(
    'a bundle into %s, where no file can be, is refused in a sentence (H8)',
    async (path) => {
      const { code, stderr } = await run('bundle', write('away'), '--state', 'state-away', '--output', path);
      expect([code, stderr.startsWith(`ROW-T104 ${path} cannot be written: `)]).toEqual([2, true]);
    },
  );

  it('the embedded Tablestore keeps its files to their owner, in a folder that all may read (H9)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rowferry-modes-'));
    try {
      const data = join(folder, 'data');
      mkdirSync(data);
      chmodSync(data, 0o755);
      const store = await startLocalTablestore({ data });
      try {
        const file = writeTask({ folder, mysql: pair.mysql, store }, 'modes', {
          id: 't-modes',
          objects: [{ database: 'shop' }],
        });
        const env = { KEY: store.accessKeyId, SECRET: store.accessKeySecret };
        const { code } = await cli(['run', file, '--state', 's', '--until', 'full'], { cwd: folder, env });
        expect(code).toBe(0);
        const names = readdirSync(data);
        expect(names).toContain('local.tablestore-wal');
        const open = names.filter((name) => (statSync(join(data, name)).mode & 0o077) !== 0);
        expect(open).toEqual([]);
      } finally {
        await store.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('conflict "ignore"', () => {
  it('rows that stay are told apart from those that were loaded, and stay so in the next run (H7)', async () => {
    const mine = write('mine', { objects: [{ database: 'shop', renameTables: { prefix: 'kept_' } }] });
    expect((await run('run', mine, '--state', 'state-mine', '--until', 'full')).code).toBe(0);
    const other = write('other', {
      conflict: 'ignore',
      objects: [{ database: 'shop', renameTables: { prefix: 'kept_' } }],
    });
    await pair.mysql.query(`INSERT INTO shop.items VALUES (100000, 'new')`);
    for (let i = 0; i < 2; i++) {
      const done = await run('run', other, '--state', 'state-other', '--until', 'caught-up', '--json');
      expect(lines(done).findLast((line) => line['type'] === 'status')).toMatchObject({
        loaded: 1,
        kept: rows,
      });
    }
    const status = await run('status', other, '--state', 'state-other');
    expect(status.stdout).toContain(`loaded 1, kept ${rows}`);
  });
});
