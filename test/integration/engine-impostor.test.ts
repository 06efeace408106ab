import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStateDir, socketPath } from '../../src/engine/base/paths.js';
import { Engine } from '../../src/engine/engine.js';
import { ensureEngine } from '../../src/engine/ipc/client.js';
import { replicationOperations } from '../../src/engine/tasks/replication-operations.js';
import { protocolVersion } from '../../src/shared/engine-api.js';

let home: string;
let state: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rowferry-impostor-'));
  chmodSync(home, 0o755);
  state = join(home, 'state');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const connect = () => ensureEngine({ stateDir: state, engineScript: '', kind: 'cli', timeoutMs: 3000 });

/** What an impostor says to hello, as the source text of another process or in this one. */
const answerHello = (version: number) => `(line, send) => {
  const { i } = JSON.parse(line);
  send(JSON.stringify({ t: 's', i, r: { protocolVersion: ${version}, pid: 1, draining: false, proof: 'x', methods: [] } }) + '\\n');
}`;

describe.skipIf(process.platform === 'win32')('who answers in the place of the engine', () => {
  it('rule 28: without the key of the folder is told nothing', async () => {
    openStateDir(state);
    const heard: string[] = [];
    const sockets = new Set<Socket>();
    const answer: (line: string, send: (text: string) => void) => void = new Function(
      `return ${answerHello(protocolVersion)}`,
    )();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.setEncoding('utf8').on('data', (text: string) => {
        heard.push(text);
        answer(text, (said) => socket.write(said));
      });
    });
    const path = socketPath(state);
    await new Promise<void>((done) => server.listen(path, done));
    writeFileSync(join(state, 'engine.json'), JSON.stringify({ socket: path, pid: 1, protocolVersion }));
    try {
      await expect(connect()).rejects.toMatchObject({ code: 'ROW-E116' });
      expect(heard.map((line) => (JSON.parse(line) as { m: string }).m)).toEqual(['hello', 'hello']);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    }
  });

  it('is not looked for where engine.json points', async () => {
    const engine = await Engine.open(openStateDir(state), replicationOperations(), '');
    if (engine === 'locked') throw new Error('held');
    const elsewhere = join(home, 'elsewhere.sock');
    let called = 0;
    const server = createServer((socket) => {
      called++;
      socket.destroy();
    });
    await new Promise<void>((done) => server.listen(elsewhere, done));
    writeFileSync(join(state, 'engine.json'), JSON.stringify({ socket: elsewhere, pid: 1, protocolVersion }));
    try {
      const connection = await connect();
      expect([connection.pid, called]).toEqual([process.pid, 0]);
      connection.close();
    } finally {
      await engine.drain('the test is over');
      await new Promise((done) => server.close(done));
    }
  });

  it('the key is for the owner alone, and another one for each engine', async () => {
    const keys: string[] = [];
    for (let run = 0; run < 2; run++) {
      const paths = openStateDir(state);
      const engine = await Engine.open(paths, replicationOperations(), '');
      if (engine === 'locked') throw new Error('held');
      expect(statSync(paths.key).mode & 0o777).toBe(0o600);
      keys.push(readFileSync(paths.key, 'utf8'));
      await engine.drain('the test is over');
    }
    expect(keys[0]).not.toBe(keys[1]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('another account of the machine', () => {
  const other = 54_321;
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  it('rule 28: that lies in wait in a folder which it may write gets no task', async () => {
    mkdirSync(state);
    chmodSync(state, 0o777);
    const heard = join(state, 'heard');
    const script = `
      const net = require('node:net'), fs = require('node:fs');
      const answer = ${answerHello(protocolVersion)};
      net.createServer((socket) => socket.setEncoding('utf8').on('data', (text) => {
        fs.appendFileSync(${JSON.stringify(heard)}, text);
        answer(text, (said) => socket.write(said));
      })).listen(${JSON.stringify(join(state, 'planted.sock'))}, () => {
        fs.chmodSync(${JSON.stringify(join(state, 'planted.sock'))}, 0o777);
        fs.writeFileSync(${JSON.stringify(join(state, 'engine.json'))}, ${JSON.stringify(JSON.stringify({ socket: join(state, 'planted.sock'), pid: 1, protocolVersion }))});
      });`;
    child = spawn('/proc/self/exe', ['-e', script], {
      argv0: 'node',
      uid: other,
      gid: other,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await expect.poll(() => existsSync(join(state, 'engine.json')), { timeout: 10_000 }).toBe(true);
    await expect(connect()).rejects.toMatchObject({ code: 'ROW-E105' });
    expect(existsSync(heard)).toBe(false);
  });
});
