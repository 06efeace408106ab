import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import { Engine } from '../../src/engine/engine.js';
import { openStateDir } from '../../src/engine/base/paths.js';
import { standardTiming, type Timing } from '../../src/sync/base/timing.js';
import { replicationOperations } from '../../src/engine/tasks/replication-operations.js';
import {
  openTablestoreData,
  startLocalTablestore,
  type LocalTablestore,
} from '../../src/local-tablestore/index.js';
import { RowferryError } from '../../src/shared/errors.js';
import type { RunOutcome, StartOptions } from '../../src/shared/engine-api.js';
import type { VerifyReport } from '../../src/shared/verify-report.js';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { taskSchema, type ResolvedTask } from '../../src/shared/task.js';
import { appliedSince } from './applied.js';
import { startMysql, type MysqlServer } from './mysql-server.js';

/** A row as a test reads it: numbers where they are exact, text otherwise, binary as 0x…. */
export type PlainRow = Record<string, string | number | boolean>;

/** Times and sizes as a test sets them. */
export type TestTiming = {
  -readonly [K in keyof Timing]: Timing[K] extends number
    ? number
    : { -readonly [L in keyof Timing[K]]: Timing[K][L] };
};

/** A MySQL, an embedded Tablestore and an engine between them, asked over its socket as every client does. */
export interface Replica {
  readonly mysql: MysqlServer;
  readonly store: LocalTablestore;
  readonly engine: EngineConnection;
  readonly stateDir: string;
  /** Of this engine alone: what a test sets holds from the next run. */
  readonly timing: TestTiming;
  /** A task as its file would say it; source, destination, id and name are filled in. */
  task(file: Record<string, unknown> & { objects: unknown[] }): ResolvedTask;
  /** Runs to the end: 'caught-up' unless said otherwise. */
  run(task: ResolvedTask, options?: StartOptions): Promise<RunOutcome>;
  /** Starts and returns; ended() settles with the outcome. */
  start(task: ResolvedTask, options?: StartOptions): Promise<void>;
  ended(task: ResolvedTask): Promise<RunOutcome>;
  stop(task: ResolvedTask): Promise<void>;
  stopAll(): Promise<void>;
  snapshot(task: ResolvedTask): Promise<TaskSnapshot>;
  /** Waits until the snapshot is as wanted. */
  until(
    task: ResolvedTask,
    wanted: (snapshot: TaskSnapshot) => boolean,
    timeoutMs?: number,
  ): Promise<TaskSnapshot>;
  /** Waits until everything that the source has now is applied. */
  caughtUp(task: ResolvedTask): Promise<void>;
  /** Rows of a table in key order. */
  rows(table: string): PlainRow[];
  tables(): string[];
  verify(task: ResolvedTask, options?: { repair?: boolean }): Promise<VerifyReport>;
  close(): Promise<void>;
}

export async function startReplica(options: { gtid?: boolean; args?: string[] } = {}): Promise<Replica> {
  const home = mkdtempSync(join(tmpdir(), 'rowferry-replica-'));
  const data = join(home, 'data');
  const [mysql, store] = await Promise.all([startMysql(options), startLocalTablestore({ data })]);
  const stateDir = join(home, 'state');
  const timing: TestTiming = structuredClone(standardTiming);
  const engine = await Engine.open(openStateDir(stateDir), replicationOperations(timing), '');
  if (engine === 'locked') throw new Error('the state folder is held');
  const waiting = new Map<string, (outcome: RunOutcome) => void>();
  const outcomes = new Map<string, Promise<RunOutcome>>();
  const connection = await ensureEngine({
    stateDir,
    engineScript: '',
    kind: 'extension',
    events: { ended: (id, outcome) => waiting.get(id)?.(outcome) },
  });
  const { api } = connection;
  let made = 0;

  const replica: Replica = {
    mysql,
    store,
    engine: connection,
    stateDir,
    timing,
    task(file) {
      const number = ++made;
      const task = taskSchema.parse({
        id: `t-${number}`,
        name: `task ${number}`,
        source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
        destination: {
          endpoint: store.url,
          instance: store.instance,
          accessKeyId: store.accessKeyId,
          accessKeySecret: store.accessKeySecret,
        },
        ignoredChecks: ['bigint-unsigned', 'key-size', 'empty-key', 'cell-size', 'row-size'],
        ...file,
      });
      return task as ResolvedTask;
    },
    async start(task, options = {}) {
      outcomes.set(task.id, new Promise((resolve) => waiting.set(task.id, resolve)));
      await api.start(task, join(home, `${task.id}.rowferry.json`), options);
    },
    ended: (task) => outcomes.get(task.id)!,
    async run(task, options = { until: 'caught-up' }) {
      await replica.start(task, options);
      return replica.ended(task);
    },
    async stop(task) {
      await api.stop(task.id);
    },
    async stopAll() {
      for (const { id } of await api.snapshots()) await api.stop(id);
    },
    async snapshot(task) {
      const found = (await api.snapshots()).find((one) => one.id === task.id);
      if (!found) throw new Error(`the engine does not know ${task.id}`);
      return found;
    },
    async until(task, wanted, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const snapshot = await replica.snapshot(task);
        if (wanted(snapshot)) return snapshot;
        if (Date.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(snapshot)}`);
        await delay(50);
      }
    },
    async caughtUp(task) {
      await replica.until(task, await appliedSince(mysql));
      const { state, error } = await replica.until(task, (one) => one.state !== 'starting');
      if (state !== 'running') throw new Error(`${task.id} is ${state}: ${JSON.stringify(error)}`);
    },
    rows(table) {
      const reader = openTablestoreData(data);
      try {
        return [...reader.scan(table)].map(({ primaryKey, columns }) =>
          Object.fromEntries(
            Object.entries({ ...primaryKey, ...columns }).map(([name, value]) => [name, plain(value)]),
          ),
        );
      } finally {
        reader.close();
      }
    },
    tables() {
      const reader = openTablestoreData(data);
      try {
        return reader.tables().map(({ name }) => name);
      } finally {
        reader.close();
      }
    },
    verify: (task, options = {}) => api.verify(task, options),
    async close() {
      await api.shutdown().catch((error: unknown) => {
        if (!(error instanceof RowferryError)) throw error;
      });
      await engine.ended;
      connection.close();
      await Promise.all([store.close(), mysql.stop()]);
      rmSync(home, { recursive: true, force: true });
    },
  };
  return replica;
}

function plain(value: unknown): string | number | boolean {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  return value as string | number | boolean;
}
