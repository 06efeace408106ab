import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { debianArchitecture, download, installMysql } from '../../../src/trial-mysql/install.js';

let folder: string;
let to: string;
let mirror: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const server = createServer((request, response) => answer(request, response));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-download-'));
  to = join(folder, 'a.deb');
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const contents = Buffer.from('a package'.repeat(1000));
const file = {
  path: 'pool/a.deb',
  size: contents.length,
  sha256: createHash('sha256').update(contents).digest('hex'),
};

test('a file that is what the index says is kept, and its progress told', async () => {
  let seen = 0;
  answer = ({ url }, response) => response.end(url === '/pool/a.deb' ? contents : '');
  await download({ mirror }, file, to, (bytes) => (seen = bytes));
  expect(readFileSync(to)).toEqual(contents);
  expect(seen).toBe(contents.length);
});

test.each<[string, string, Buffer]>([
  ['of another content', 'its checksum differs', Buffer.from('a packagE'.repeat(1000))],
  ['that is shorter', 'is cut off', contents.subarray(0, -1)],
  ['that is longer', 'its checksum differs', Buffer.concat([contents, Buffer.from('x')])],
])('a file %s is refused and not kept', async (_, words, given) => {
  answer = (request, response) => response.end(given);
  await expect(download({ mirror }, file, to)).rejects.toMatchObject({
    code: 'ROW-E118',
    message: expect.stringContaining(words),
  });
  expect(existsSync(to)).toBe(false);
});

test('more than the index says is not taken, however much is sent', async () => {
  let sent = 0;
  answer = (request, response) => {
    const more = () => {
      while (sent < 200e6 && response.write(contents)) sent += contents.length;
      if (sent < 200e6) response.once('drain', more);
    };
    more();
  };
  await expect(download({ mirror }, file, to)).rejects.toMatchObject({ code: 'ROW-E118' });
  expect(sent).toBeLessThan(200e6);
});

test('a mirror that refuses, breaks off or is not there is named, with what to do instead', async () => {
  const expected = { code: 'ROW-E118', remedy: expect.stringContaining('enter its address') };
  answer = (request, response) => response.writeHead(404).end();
  await expect(download({ mirror }, file, to)).rejects.toMatchObject({
    ...expected,
    message: `${mirror} could not be reached: HTTP 404.`,
  });
  answer = (request, response) => {
    response.writeHead(200, { 'content-length': contents.length });
    response.write(contents.subarray(0, 100), () => response.destroy());
  };
  await expect(download({ mirror }, file, to)).rejects.toMatchObject(expected);
  expect(existsSync(to)).toBe(false);
  await expect(download({ mirror: 'http://127.0.0.1:9' }, file, to)).rejects.toMatchObject({
    ...expected,
    message: expect.stringContaining('http://127.0.0.1:9 could not be reached'),
  });
});

test('an index that Debian has not signed is refused', async () => {
  answer = (request, response) => response.end('SHA256:\n');
  await expect(installMysql(folder, { mirror })).rejects.toMatchObject({
    code: 'ROW-E118',
    message: `The package index of ${mirror} is not signed by Debian.`,
  });
});

test('who gives up gets their own reason, at once', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  answer = (request, response) => {
    response.write('x');
    controller.abort(reason);
  };
  await expect(installMysql(folder, { mirror, signal: controller.signal })).rejects.toBe(reason);
});

test('only Linux on two kinds of processors has packages', () => {
  expect(debianArchitecture({ platform: 'linux', arch: 'x64' })).toBe('amd64');
  expect(debianArchitecture({ platform: 'linux', arch: 'arm64' })).toBe('arm64');
  expect(debianArchitecture({ platform: 'linux', arch: 'riscv64' })).toBeUndefined();
  expect(debianArchitecture({ platform: 'darwin', arch: 'arm64' })).toBeUndefined();
  expect(debianArchitecture({ platform: 'win32', arch: 'x64' })).toBeUndefined();
});
