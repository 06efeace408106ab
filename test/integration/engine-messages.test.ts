import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { openStateDir, socketPath } from '../../src/engine/base/paths.js';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import { protocolVersion } from '../../src/shared/engine-api.js';
import { taskSchema } from '../../src/shared/task.js';
import type { Chance } from '../support/chance.js';
import { cliScript } from '../support/cli.js';
import { fuzz, spoiled } from '../support/fuzz.js';
import { randomValue } from '../support/random-value.js';

/** Whatever comes over the socket, a real engine lives, goes on answering, and answers in one sentence with a code. */

const hello = { protocolVersion, kind: 'cli', pid: process.pid, challenge: '00' };
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

const source = { host: '127.0.0.1', port: 9, user: 'nobody', password: '' };
const destination = {
  endpoint: 'http://127.0.0.1:9',
  instance: 'local',
  accessKeyId: 'ID',
  accessKeySecret: 'SECRET',
};
/** As the types want it; of a source and a destination where nobody answers. */
const task = () => ({
  ...taskSchema.parse({ source, destination, objects: [{ database: 'd', tables: [{ name: 't' }] }] }),
  id: 't-1',
  name: 'Task',
});
const filter = { source: 'd.t', code: 'ROW-V101', sinceMs: 0, untilMs: 9, ids: ['1'] };
/**
 * Calls with arguments that are as they should be. Without those that end the engine by intention, write where they are
 * told, or listen on a port.
 */
const calls: Record<string, () => unknown[]> = {
  hello: () => [hello],
  start: () => [task(), '/d/x.rowferry.json', { until: 'full', keepRunning: false }],
  stop: () => ['t-1'],
  check: () => [task()],
  lastCheck: () => ['t-1'],
  // Nothing was checked that could be asked: no statement is ever run here.
  runProposal: () => ['t-1', { report: 'r-1', check: 'table-keys' }],
  verify: () => [task(), { repair: false, quick: true, wait: false }],
  snapshots: () => [],
  bundle: () => [task()],
  pause: () => ['t-1'],
  resume: () => ['t-1'],
  planChanges: () => [task()],
  applyChanges: () => [task()],
  planPosition: () => [task(), { file: 'binlog.000001', position: 4 }],
  setPosition: () => ['t-1', { file: 'binlog.000001', offset: 4 }],
  forget: () => ['t-1'],
  tune: () => ['t-1', { throttle: { full: { rowsPerSecond: 1 } }, write: { queueSize: 9 } }],
  lastVerify: () => ['t-1'],
  cancelVerify: () => ['t-1'],
  cancelRetry: () => ['t-1'],
  history: () => ['t-1', 0],
  reload: () => ['t-1', 'd.t', false],
  reset: () => ['t-1', 'd.t'],
  dirtyRecords: () => ['t-1', filter, { offset: 0, limit: 9 }],
  retryDirty: () => [task(), filter],
  skipDirty: () => ['t-1', filter],
  discardDirty: () => ['t-1', filter],
  localTablestore: () => [],
  preview: () => [task(), { table: 'd.t', rows: 1, before: true }],
  compareRow: () => [task(), { side: 'source', table: 'd.t', key: 'WyIxIl0=' }],
  databases: () => [source],
  catalog: () => [source, 'd'],
  countRows: () => [source, { database: 'd', name: 't', filter: 'a > 1' }],
  sourceRows: () => [
    source,
    { database: 'd', name: 't' },
    { limit: 1, from: 'WyIxIl0=', startAt: ['1'], filter: 'a > 1' },
  ],
  destinationTables: () => [destination],
  destinationTable: () => [destination, 't'],
  destinationRows: () => [destination, 't', { limit: 1, from: 'x', startAt: ['1'] }],
  'no such method': () => [],
  ['__proto__']: () => [],
  constructor: () => [],
};
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

/** The same with some of its values, at any depth, something else, or gone. */
function bent(value: unknown, chance: Chance): unknown {
  if (typeof value !== 'object' || value === null || chance.once(6)) return randomValue(chance, hints);
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? ([...value] as unknown[])
    : { ...value };
  const keys = Object.keys(copy);
  if (keys.length === 0) return randomValue(chance, hints);
  const places = copy as Record<string, unknown>;
  const key = chance.of(keys);
  if (!Array.isArray(copy) && chance.once(8)) delete copy[key];
  else places[key] = bent(places[key], chance);
  return copy;
}

const call = (chance: Chance, id: string) => {
  const method = chance.of(Object.keys(calls));
  const given = calls[method]!();
  const a = chance.of([
    () => given,
    () => bent(given, chance),
    () => bent(bent(given, chance), chance),
    () => given.slice(0, -1),
    () => [...given, randomValue(chance, hints)],
  ])();
  return { t: 'q', m: method, i: id, a };
};

describe.skipIf(process.platform === 'win32')('what comes over the socket of the engine', () => {
  fuzz('calls with any arguments are answered, an error in one sentence with a code', async (chance) => {
    const peer = await Peer.open();
    try {
      if (!chance.once(4)) peer.say({ t: 'q', m: 'hello', i: 'hello', a: [hello] });
      const said = Array.from({ length: 1 + chance.below(5) }, (_, n) => call(chance, `call-${n}`));
      for (const one of said) peer.say(one);
      await expect(witness.api.snapshots()).resolves.toBeInstanceOf(Array);
      for (const { i } of peer.answers.filter(({ e }) => e)) {
        const { e } = peer.answers.find((answer) => answer.i === i)!;
        const error = (e as { $error?: { code: string; message: string } }).$error;
        expect(error, JSON.stringify(e)).toBeDefined();
        expect(error!.code).toMatch(/^ROW-[A-Z]\d{3}$/);
        // It may name what it was asked for.
        expect(error!.message.length, error!.message.slice(0, 100)).toBeLessThan(
          JSON.stringify(said).length + 1200,
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
