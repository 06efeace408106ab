import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { openStateDir, socketPath } from '../../src/engine/base/paths.js';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import { protocolVersion } from '../../src/shared/engine-api.js';
import type { Chance } from '../support/chance.js';
import { cliScript } from '../support/cli.js';
import { fuzz, spoiled } from '../support/fuzz.js';
import { randomValue } from '../support/random-value.js';

/** Whatever comes over the socket, a real engine lives, goes on answering, and answers in one sentence with a code. */

let folder: string;
let state: string;
let witness: EngineConnection;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-messages-'));
  state = join(folder, 'state');
  witness = await ensureEngine({
    stateDir: state,
    engineScript: join(cliScript(), '../node/engine.mjs'),
    kind: 'cli',
  });
}, 60_000);
afterAll(async () => {
  await witness.api.shutdown().catch(() => undefined);
  witness.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Without those that end the engine by intention, write where they are told, or listen on a port. */
const methods = [
  ...['hello', 'start', 'stop', 'check', 'lastCheck', 'verify', 'snapshots', 'bundle', 'pause', 'resume'],
  ...['planChanges', 'applyChanges', 'planPosition', 'setPosition', 'forget', 'tune', 'lastVerify'],
  ...[
    'cancelVerify',
    'history',
    'reload',
    'reset',
    'dirtyRecords',
    'retryDirty',
    'skipDirty',
    'discardDirty',
  ],
  ...['localTablestore', 'preview', 'databases', 'tables', 'no such method', '__proto__', 'constructor'],
];
const hints = [
  ...['id', 'name', 'source', 'destination', 'host', 'port', 'endpoint', 'objects', 'database', 'etl'],
  ...['limit', 'offset', 'sinceMs', 'ids', 't-1', 'd.t', '127.0.0.1', 'http://127.0.0.1:9', 1, 9, true],
];

/** One connection: what it heard, line by line. */
class Peer {
  readonly answers: { i?: unknown; e?: unknown }[] = [];
  private rest = '';
  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop()!;
      for (const line of lines) {
        const message = JSON.parse(line) as { t?: string; i?: unknown };
        if (message.t === 's') this.answers.push(message);
      }
    });
  }
  static open(): Promise<Peer> {
    return new Promise((settle, failed) => {
      const socket = connect(socketPath(openStateDir(state).dir));
      socket.once('connect', () => settle(new Peer(socket)));
      socket.once('error', failed);
    });
  }
  say(message: unknown): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }
  async answerTo(id: string): Promise<unknown> {
    const deadline = Date.now() + 1500;
    while (Date.now() < deadline) {
      const answer = this.answers.find(({ i }) => i === id);
      if (answer) return answer;
      await new Promise((r) => setTimeout(r, 2));
    }
    return undefined;
  }
}

const hello = { protocolVersion, kind: 'cli', pid: process.pid, challenge: '00' };
const call = (chance: Chance, id: string) => ({
  t: 'q',
  m: chance.of(methods),
  i: id,
  a: Array.from({ length: chance.below(4) }, () => randomValue(chance, hints)),
});

describe.skipIf(process.platform === 'win32')('what comes over the socket of the engine', () => {
  fuzz('calls with any arguments are answered, an error in one sentence with a code', async (chance) => {
    const peer = await Peer.open();
    try {
      if (!chance.once(4)) peer.say({ t: 'q', m: 'hello', i: 'hello', a: [hello] });
      const calls = Array.from({ length: 1 + chance.below(5) }, (_, n) => call(chance, `call-${n}`));
      for (const one of calls) peer.say(one);
      await expect(witness.api.snapshots()).resolves.toBeInstanceOf(Array);
      for (const { i } of peer.answers.filter(({ e }) => e)) {
        const { e } = peer.answers.find((answer) => answer.i === i)!;
        const error = (e as { $error?: { code: string; message: string } }).$error;
        expect(error, JSON.stringify(e)).toBeDefined();
        expect(error!.code).toMatch(/^ROW-[A-Z]\d{3}$/);
        // It may name what it was asked for.
        expect(error!.message.length, error!.message.slice(0, 100)).toBeLessThan(
          JSON.stringify(calls).length + 1200,
        );
        expect(error!.message).not.toMatch(/\n/);
      }
    } finally {
      peer.socket.destroy();
    }
  });

  fuzz('bytes that are no messages end at most their own connection', async (chance) => {
    const peer = await Peer.open();
    try {
      const whole = Buffer.from(
        [
          JSON.stringify({ t: 'q', m: 'hello', i: 'hello', a: [hello] }),
          JSON.stringify(call(chance, 'x')),
          '',
        ].join('\n'),
      );
      const bytes = chance.of([
        () => spoiled(whole, chance),
        () => Buffer.from(`${'['.repeat(200_000)}\n`),
        () => Buffer.from('{"t":"s","i":"nobody asked","r":1}\n'),
        () => Buffer.from(`${JSON.stringify(randomValue(chance, ['t', 'q', 'm', 'i', 'a', 's']) ?? null)}\n`),
        () => Buffer.from('\n\n\0\n\ufeff\n'),
      ])();
      peer.socket.write(bytes);
      await expect(witness.api.snapshots()).resolves.toBeInstanceOf(Array);
    } finally {
      peer.socket.destroy();
    }
  });

  fuzz('an engine that was told nonsense still greets', async () => {
    const peer = await Peer.open();
    try {
      peer.say({ t: 'q', m: 'hello', i: 'hello', a: [hello] });
      expect(await peer.answerTo('hello')).toMatchObject({ r: { pid: witness.pid } });
      expect(existsSync(`/proc/${witness.pid}`) || process.platform !== 'linux').toBe(true);
    } finally {
      peer.socket.destroy();
    }
  });
});
