import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import { sourceSchema, type SourceSettings } from '../../src/shared/task.js';
import { unpackDeb } from '../../src/trial-mysql/deb.js';
import { serverFolder } from '../../src/trial-mysql/folder.js';
import { installMysql, trialMysqlSize, type InstallProgress } from '../../src/trial-mysql/install.js';
import { freePort, isMysqlAt, makeData } from '../../src/trial-mysql/server.js';
import { cliScript } from '../support/cli.js';
import { openItems, taskBetween } from '../support/precheck.js';

/** The trial MySQL, really downloaded from the mirror of this machine, and run by an engine. */

const password = 'a-secret-of-the-test';
let home: string;
let folder: string;
let downloaded = 0;
let connection: EngineConnection;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rowferry-trial-'));
  folder = join(home, 'trial-mysql');
  mkdirSync(serverFolder(folder), { recursive: true });
  await installMysql(serverFolder(folder), {
    progress: ({ doing, done }: InstallProgress) => {
      if (doing === 'downloading') downloaded = done;
    },
  });
  await makeData(folder, password);
  connection = await engine();
});

afterAll(async () => {
  await connection.api.shutdown().catch(() => undefined);
  connection.close();
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

const engine = () =>
  ensureEngine({
    stateDir: join(home, 'state'),
    engineScript: join(cliScript(), '../node/engine.mjs'),
    kind: 'extension',
  });

const at = (port: number, change: Partial<SourceSettings> = {}) =>
  sourceSchema.parse({ host: '127.0.0.1', port, user: 'root', password, ...change });

/** Sizes in bytes of the files of a folder. */
function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

async function gone(port: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (await isMysqlAt(port)) {
    if (Date.now() > deadline) throw new Error(`MySQL still answers on port ${port}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

test('it takes as much as the question before it says', () => {
  for (const [said, taken] of [
    [trialMysqlSize.download, downloaded],
    [trialMysqlSize.disk, sizeOf(folder)],
  ] as const) {
    expect(taken / 1e6).toBeLessThan(said * 1.1);
    expect(taken / 1e6).toBeGreaterThan(said * 0.7);
  }
});

test('every window uses the one that the first started, and only its password lets in', async () => {
  const second = await engine();
  const wanted = await freePort();
  const ports = await Promise.all([
    connection.api.startTrialMysql({ folder, port: wanted }),
    second.api.startTrialMysql({ folder, port: wanted }),
  ]);
  second.close();
  expect(ports).toEqual([wanted, wanted]);
  expect((await connection.api.testSource(at(wanted))).version).toMatch(/^\d+\.\d+/);
  await expect(connection.api.testSource(at(wanted, { password: '' }))).rejects.toMatchObject({
    code: 'ROW-S102',
  });
  const listening = readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8');
  const hex = wanted.toString(16).toUpperCase().padStart(4, '0');
  const places = [...listening.matchAll(new RegExp(`: (\\w+):${hex} \\w+:0000 0A`, 'g'))];
  expect(places.map(([, place]) => place)).toEqual(['0100007F']);
});

test('it is a source that the prechecks find nothing wrong with, and its sample can be made', async () => {
  const port = await connection.api.startTrialMysql({ folder, port: 0 });
  const { database, rows } = await connection.api.makeSample(at(port));
  expect(rows).toBe(5500);
  expect(await connection.api.changeSample(at(port))).toEqual({ inserted: 60, updated: 30, deleted: 10 });
  const local = await connection.api.startLocalTablestore({ port: 0, data: join(home, 'local') });
  const task = taskBetween({ port }, { ...local, url: local.endpoint }, (made) => {
    made.source = at(port);
    made.objects = [{ ...made.objects[0]!, database }];
  });
  const report = await connection.api.check(task);
  expect(openItems(report)).toEqual([]);
});

test('its password is in no file', () => {
  const found = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/server/'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(password));
  expect(found).toEqual([]);
});

test('stopped, it starts again with its data, on another port when its own is taken', async () => {
  const port = await connection.api.startTrialMysql({ folder, port: 0 });
  await connection.api.stopTrialMysql();
  expect(await isMysqlAt(port)).toBe(false);
  const squatter = createServer();
  await new Promise<void>((done) => squatter.listen(port, '127.0.0.1', done));
  const moved = await connection.api.startTrialMysql({ folder, port });
  squatter.close();
  expect(moved).not.toBe(port);
  expect(await connection.api.databases(at(moved))).toEqual(['rowferry_sample']);
});

test('it ends with the engine, also with one that is killed', async () => {
  const port = await connection.api.startTrialMysql({ folder, port: 0 });
  process.kill(connection.pid, 'SIGKILL');
  await gone(port);
  connection = await engine();
  const again = await connection.api.startTrialMysql({ folder, port: 0 });
  expect(await isMysqlAt(again)).toBe(true);
  await connection.api.shutdown();
  await gone(again);
  connection = await engine();
});

test('a server that cannot start says why, and can be tried again', async () => {
  await expect(
    connection.api.startTrialMysql({ folder: join(home, 'nowhere'), port: 0 }),
  ).rejects.toMatchObject({ code: 'ROW-E118', message: expect.stringContaining('not complete') });
  expect(await isMysqlAt(await connection.api.startTrialMysql({ folder, port: 0 }))).toBe(true);
});

test('whoever gives up in the middle of the download ends it there', async () => {
  const controller = new AbortController();
  const unfinished = join(home, 'unfinished');
  mkdirSync(unfinished);
  const reason = new Error('enough');
  const installing = installMysql(unfinished, {
    signal: controller.signal,
    progress: ({ done }) => {
      if (done > 16e6) controller.abort(reason);
    },
  });
  await expect(installing).rejects.toBe(reason);
  expect(sizeOf(unfinished)).toBeLessThan(20e6);
});

test('a package is unpacked by dpkg-deb or by xz, whichever is there; a damaged one is refused', async () => {
  const made = join(home, 'deb');
  mkdirSync(join(made, 'tree/DEBIAN'), { recursive: true });
  mkdirSync(join(made, 'tree/usr/share'), { recursive: true });
  writeFileSync(join(made, 'tree/usr/share/file'), 'contents'.repeat(10_000));
  writeFileSync(
    join(made, 'tree/DEBIAN/control'),
    'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: Me <me@example.com>\nDescription: a\n',
  );
  const deb = join(made, 'a.deb');
  execFileSync('dpkg-deb', ['-Zxz', '--root-owner-group', '--build', join(made, 'tree'), deb]);
  const cut = join(made, 'cut.deb');
  writeFileSync(cut, readFileSync(deb).subarray(0, -40));
  const path = process.env['PATH'];
  try {
    for (const program of ['dpkg-deb', 'xz']) {
      const only = join(made, `only ${program}`);
      mkdirSync(only);
      symlinkSync(execFileSync('which', [program], { encoding: 'utf8' }).trim(), join(only, program));
      process.env['PATH'] = only;
      const into = join(only, 'into');
      mkdirSync(into);
      await unpackDeb(deb, into, () => true);
      expect(readFileSync(join(into, 'usr/share/file'), 'utf8')).toBe('contents'.repeat(10_000));
      await expect(
        unpackDeb(cut, into, () => true),
        program,
      ).rejects.toThrow(/damaged|cut off/);
      process.env['PATH'] = path;
    }
    process.env['PATH'] = made;
    await expect(unpackDeb(deb, made, () => true)).rejects.toThrow('Neither dpkg-deb nor xz');
  } finally {
    process.env['PATH'] = path;
  }
});
