import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStateDir } from '../../src/engine/base/paths.js';
import { Engine } from '../../src/engine/engine.js';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import { replicationOperations } from '../../src/engine/tasks/replication-operations.js';
import type { Engine as EngineCalls } from '../../src/extension/engine/session.js';
import {
  accepts,
  isDone,
  knownStates,
  leadsTo,
  taskActions,
  type KnownState,
  type TaskAction,
} from '../../src/shared/task-actions.js';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Every state and every action, asked over the engine's socket: what the table offers works, the rest is refused. */

/** A task that is in a state, and what there is to be undone. */
interface Held {
  readonly task: ResolvedTask;
  readonly api: EngineConnection['api'];
  /** Lets a state that waits for something go on. */
  letGo(): void;
}

let replica: Replica;
let made = 0;
const undo: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query('CREATE DATABASE a; CREATE TABLE a.t (id INT PRIMARY KEY, n BIGINT UNSIGNED)');
}, 60_000);
afterAll(() => replica?.close());
afterEach(async () => {
  await replica.stopAll();
  for (const { id } of await replica.engine.api.snapshots()) await replica.engine.api.forget(id);
  for (const one of undo.splice(0)) await one();
}, 60_000);

/** A destination of its own, so that no two tasks want one. */
const taskOf = (change: Record<string, unknown> = {}): ResolvedTask =>
  replica.task({ objects: [{ database: 'a', tables: [{ name: 't', rename: `t${++made}` }] }], ...change });

/** The source of a task behind a link that a test can cut. */
async function behindProxy(): Promise<{ proxy: TcpProxy; task: ResolvedTask }> {
  const { port } = replica.mysql;
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port });
  undo.push(() => proxy.stop());
  return { proxy, task: taskOf({ source: { host: '127.0.0.1', port: proxy.port, user: 'root' } }) };
}
const nobody = { host: '127.0.0.1', port: 1 };
const held = (task: ResolvedTask, letGo = () => {}): Held => ({ task, api: replica.engine.api, letGo });

async function running(task = taskOf()): Promise<Held> {
  await replica.mysql.query('DELETE FROM a.t');
  await replica.start(task);
  await replica.until(task, (one) => one.state === 'running' && one.caughtUp);
  return held(task);
}

/** The engine of a folder of its own: it is told to end and comes again, and has no secrets of its task. */
async function inAnotherEngine(
  task: ResolvedTask,
  before: (api: EngineConnection['api']) => Promise<void> = async () => {},
): Promise<Held> {
  const stateDir = mkdtempSync(join(tmpdir(), 'rowferry-actions-'));
  const open = async () => {
    const engine = await Engine.open(openStateDir(stateDir), replicationOperations(), '');
    if (engine === 'locked') throw new Error('the state folder is held');
    const connection = await ensureEngine({ stateDir, engineScript: '', kind: 'extension', events: {} });
    return { engine, connection };
  };
  const first = await open();
  await first.connection.api.start(task, '/t.rowferry.json', {});
  await before(first.connection.api);
  await first.engine.terminate('a test');
  first.connection.close();
  const { engine, connection } = await open();
  undo.push(async () => {
    connection.close();
    await engine.drain('the end of a test');
    rmSync(stateDir, { recursive: true, force: true });
  });
  return { ...held(task), api: connection.api };
}

const reach: Record<KnownState, () => Promise<Held>> = {
  new: () => Promise.resolve(held(taskOf())),
  starting: async () => {
    const { proxy, task } = await behindProxy();
    proxy.freeze();
    void replica.start(task).catch(() => undefined);
    return held(task, () => void proxy.stop());
  },
  running,
  retrying: async () => {
    const { proxy, task } = await behindProxy();
    await running(task);
    proxy.lead(nobody);
    return held(task, () => proxy.lead({ host: '127.0.0.1', port: replica.mysql.port }));
  },
  paused: async () => {
    const now = await running();
    await now.api.pause(now.task.id);
    return now;
  },
  blocked: async () => {
    const now = await running();
    await replica.mysql.query('INSERT INTO a.t VALUES (1, 18446744073709551615)');
    return now;
  },
  stopping: async () => {
    const { store } = replica;
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(store.url).port) });
    undo.push(() => proxy.stop());
    const task = taskOf();
    await running({
      ...task,
      destination: { ...task.destination, endpoint: `http://127.0.0.1:${proxy.port}` },
    });
    const sent = proxy.keepAnswer(/BulkImport|BatchWriteRow/);
    await replica.mysql.query('INSERT INTO a.t VALUES (1, 1)');
    const answer = await sent;
    void replica.stop(task);
    return held(task, answer);
  },
  stopped: async () => {
    const now = await running();
    await replica.stop(now.task);
    return now;
  },
  failed: async () => {
    const { proxy, task } = await behindProxy();
    proxy.lead(nobody);
    await expect(replica.start(task)).rejects.toMatchObject({ code: 'ROW-S101' });
    proxy.lead({ host: '127.0.0.1', port: replica.mysql.port });
    return held(task);
  },
  completed: async () => {
    const task = taskOf({ synchronization: { schema: true, full: true, incremental: false } });
    await replica.run(task, {});
    return held(task);
  },
  'waiting-for-credentials': () => inAnotherEngine(taskOf({ keepRunning: true })),
};

async function act(action: TaskAction, { task, api }: Held): Promise<unknown> {
  const calls = api as EngineCalls;
  switch (action) {
    case 'start':
      return calls.start(task, '/t.rowferry.json', {});
    case 'delete':
      return calls.forget(task.id);
    default:
      return calls[action](task.id);
  }
}

async function stateOf({ task, api }: Held): Promise<KnownState> {
  return (await api.snapshots()).find(({ id }) => id === task.id)?.state ?? 'new';
}
const comesTo = (now: Held, states: readonly KnownState[]) =>
  expect.poll(async () => states.includes(await stateOf(now)), { timeout: 20_000, interval: 20 }).toBe(true);

/** What a start comes to by itself, where that is another state than the one of a task that works. */
const startEnds: Partial<Record<KnownState, KnownState>> = { blocked: 'blocked', completed: 'completed' };
const refusals = ['ROW-E101', 'ROW-E109', 'ROW-E112'];

for (const state of knownStates) {
  it(`${state}: what is offered works, and nothing else does`, async () => {
    const now = await reach[state]();
    await comesTo(now, [state]);
    for (const action of taskActions.filter((one) => !accepts(state, one) && !isDone(state, one))) {
      const refused = await act(action, now).then(
        () => undefined,
        (error: unknown) => error as { code: string; message: string; remedy: string },
      );
      expect(refused, `${action} in ${state}`).toBeDefined();
      expect(refusals).toContain(refused!.code);
      expect(refused!.message).toMatch(/^.+ (is|has) .+\.$/);
      expect(refused!.remedy).not.toBe('');
      expect(await stateOf(now)).toBe(state);
    }
    for (const action of taskActions.filter((one) => isDone(state, one))) {
      await act(action, now);
      expect(await stateOf(now), `${action} in ${state}`).toBe(state);
    }
    now.letGo();

    for (const action of taskActions.filter((one) => accepts(state, one))) {
      // An engine that does not know a task has nothing to delete; there the editor deletes its file.
      if (state === 'new' && action === 'delete') continue;
      const again = await reach[state]();
      await comesTo(again, [state]);
      const done = act(action, again);
      // Only a stop that is under way is waited for.
      if (state === 'stopping' || action === 'resume') again.letGo();
      await done;
      const goesOn = state === 'retrying' ? 'retrying' : 'running';
      if (action === 'start') await comesTo(again, [startEnds[state] ?? 'running']);
      else if (action === 'resume') await comesTo(again, [goesOn, 'running']);
      else expect(await stateOf(again), `${action} in ${state}`).toBe(leadsTo[action]);
      if (action === 'stop' || action === 'reset') {
        // It stays so.
        const snapshot = (await again.api.snapshots()).find(({ id }) => id === again.task.id)!;
        expect(snapshot.error).toBeUndefined();
      }
      again.letGo();
    }
  }, 90_000);
}

it('a task that was stopped while it was blocked does not go on when its rows are decided, and starts by itself', async () => {
  const now = await reach.blocked();
  await comesTo(now, ['blocked']);
  const { api, task } = now;
  await api.stop(task.id);
  expect(await (api as EngineCalls).discardDirty(task.id, {})).toBe(1);
  expect(await stateOf(now)).toBe('stopped');
  await replica.start(task);
  await replica.until(task, (one) => one.state === 'running' && one.caughtUp && one.dirty === 0);
}, 30_000);

describe('a task that an earlier engine left blocked', () => {
  const reachBlocked = async () => {
    await replica.mysql.query(`DELETE FROM a.t; INSERT INTO a.t VALUES (1, 18446744073709551615), (2, 2)`);
    return inAnotherEngine(taskOf(), (api) =>
      expect.poll(async () => (await api.snapshots())[0]?.state, { timeout: 20_000 }).toBe('blocked'),
    );
  };

  it('goes on with a retry by the current settings', async () => {
    const now = await reachBlocked();
    expect(await stateOf(now)).toBe('blocked');
    const [{ database, tables }] = now.task.objects as [{ database: string; tables: object[] }];
    const objects = [{ database, tables: [{ ...tables[0], columns: { n: { type: 'STRING' } } }] }];
    const changed = { ...now.task, objects } as unknown as ResolvedTask;
    expect(await (now.api as EngineCalls).retryDirty(changed, {})).toBe(1);
    await comesTo(now, ['running']);
  }, 30_000);

  it('is stopped, and not called blocked, once its rows are discarded: it can be started', async () => {
    const now = await reachBlocked();
    expect(await (now.api as EngineCalls).discardDirty(now.task.id, {})).toBe(1);
    await comesTo(now, ['stopped']);
    await act('start', now);
    await comesTo(now, ['running']);
  }, 30_000);
});
