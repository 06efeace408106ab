import { setTimeout as delay } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { BinlogStream } from '../mysql/binlog/stream.js';
import { clockOffset, connectSource } from '../mysql/connection.js';
import { endPosition, hasReached, transactionsBetween } from '../mysql/position.js';
import type { SourcePosition } from '../shared/position.js';
import type { ResolvedTask } from '../shared/task.js';
import type { TablestoreClient } from '../tablestore/client.js';
import type { RowChange } from '../tablestore/model.js';
import type { TablestoreWriter } from '../tablestore/writer.js';
import { changeKinds, CheckpointTracker, type Transaction } from './checkpoint.js';
import { BlockedByDirtyData, type DirtyData } from './dirty.js';
import type { LoadContext } from './full-load.js';
import { Heartbeat } from './heartbeat.js';
import {
  refusedIdentity,
  StreamHandler,
  type SpooledChange,
  type StreamContext,
  type XaBranches,
} from './incremental.js';
import type { PreparedTask } from './prepare.js';
import { deleteRowsOf, fetchRow, loadFresh } from './reload.js';
import type { SourceRetry } from './source-retry.js';
import type { TableChanges, TaskStore } from './store.js';
import { StreamTables } from './stream-tables.js';

export interface FollowingOptions {
  task: ResolvedTask;
  store: TaskStore;
  writer: TablestoreWriter;
  client: TablestoreClient;
  dirty: DirtyData;
  retry: SourceRetry;
  signal: AbortSignal;
  log: { info(text: string): void; warn(text: string): void };
  prepared: PreparedTask;
  /** Ends when everything before it is at the destination; null: never by itself. */
  goal: SourcePosition | null;
  /** How long a stop waits for what is queued. */
  drainMs: () => number;
  fail: (error: unknown) => void;
  loadContext: () => LoadContext;
}

const saveMs = 500;
const pollMs = 1000;
/** Clocks drift, and are set. */
const clockEveryMs = 60_000;

/** The incremental phase: the stream, the tables as it knows them, and the checkpoint. */
export class Following {
  caughtUp = false;
  private readonly tracker: CheckpointTracker;
  private readonly tables: StreamTables;
  private readonly handler: StreamHandler;
  private stream: BinlogStream | null = null;
  private streamPosition: SourcePosition;
  private readonly changes: Map<string, TableChanges>;
  private ended: 'reached' | 'stopped' | null = null;
  private knownEnd: SourcePosition | null = null;
  private queueFull = false;
  private paused = false;
  private waits = 0;
  private readonly work = new Set<Promise<void>>();
  private savedPosition = '';
  private readonly finishing = new AbortController();
  private readonly heartbeat: Heartbeat;
  private clockOffsetMicros: number;
  /** When everything that the source had was applied, by its clock. */
  private caughtUpMicros: number | null = null;
  private endAskedMicros = 0;

  constructor(private readonly options: FollowingOptions) {
    const { task, store, prepared } = options;
    const position = prepared.progress.checkpoint ?? prepared.progress.start!;
    this.streamPosition = position;
    this.changes = new Map(Object.entries(prepared.progress.changes ?? {}));
    this.clockOffsetMicros = prepared.facts.clockOffsetMicros;
    this.tracker = new CheckpointTracker(position, {
      written: (change) => this.count(change),
      rejected: (change, error, transaction) => this.rejected(change, error, transaction),
    });
    this.tables = new StreamTables(task, store, prepared.etl, prepared.facts.lowerCaseTableNames !== 0, {
      reload: (name, why) =>
        this.blocking(async () => {
          options.log.info(`${name.database}.${name.table} ${why}: it is loaded anew`);
          const fresh = await loadFresh(options, name);
          if (fresh) this.tables.add(fresh.record, fresh.from);
        }),
      deleteRows: (table) => this.blocking(() => deleteRowsOf(options, table)),
      changed: () => this.handler?.forget(),
      log: (text) => options.log.warn(text),
    });
    this.handler = new StreamHandler(this.context());
    this.heartbeat = new Heartbeat({
      task,
      log: options.log,
      sourceMicros: () => this.sourceMicros(),
      whenThrough: (then) => this.handler.whenThrough(then),
    });
  }

  get position(): SourcePosition {
    return this.tracker.position;
  }

  changesOf(source: string): TableChanges {
    return this.changes.get(source) ?? { inserted: 0, updated: 0, deleted: 0 };
  }

  /**
   * 0 when caught up; how long ago the oldest change on its way was committed; null while unknown. With a heartbeat
   * table what the beats measure.
   */
  latencyMs(): number | null {
    const measured = this.heartbeat.latencyMs();
    if (measured !== null) return measured;
    if (this.caughtUp) return 0;
    // With nothing on its way it is no further behind than when it was last caught up: a source that rested for an
    // hour and then commits is not an hour behind.
    const { oldestMicros, position } = this.tracker;
    const since = oldestMicros ?? Math.max(position.commitMicros ?? 0, this.caughtUpMicros ?? 0);
    return since === 0 ? null : Math.max(0, Math.round((this.sourceMicros() - since) / 1000));
  }

  /** Transactions that the source had when last asked and that are not applied; null when they cannot be counted. */
  lagTransactions(): number | null {
    return this.knownEnd === null ? null : transactionsBetween(this.tracker.position, this.knownEnd);
  }

  private sourceMicros(): number {
    return Date.now() * 1000 + this.clockOffsetMicros;
  }

  /** Stops the stream, drains, saves; run() settles with 'stopped'. */
  end(how: 'reached' | 'stopped' = 'stopped'): void {
    this.ended ??= how;
    this.finishing.abort();
    void this.stream?.stop();
  }

  /** There is room in the writer again. */
  resume(): void {
    this.queueFull = false;
    this.goOn();
  }

  /** Stands still until unpause(), whatever else happens. */
  pause(): void {
    this.paused = true;
    this.stream?.pause();
  }

  unpause(): void {
    this.paused = false;
    this.goOn();
  }

  private get standsStill(): boolean {
    return this.paused || this.queueFull || this.waits > 0;
  }

  private goOn(): void {
    if (!this.standsStill) this.stream?.resume();
  }

  /** Throws BlockedByDirtyData, RowferryError or the signal's reason; the checkpoint is saved in any case. */
  async run(): Promise<'reached' | 'stopped'> {
    const { signal } = this.options;
    const onAbort = () => void this.stream?.stop();
    signal.addEventListener('abort', onAbort);
    const saver = setInterval(() => this.save(), saveMs);
    const poller = this.poll();
    this.heartbeat.start();
    try {
      while (this.ended === null) {
        signal.throwIfAborted();
        this.stream = new BinlogStream(
          this.options.task.source,
          { position: this.streamPosition, heartbeatSeconds: 2 },
          this.heartbeat.tap(this.handler),
        );
        // What made the last stream stand still still does.
        if (this.standsStill) this.stream.pause();
        try {
          await this.stream.run();
        } catch (error) {
          if (this.ended !== null || signal.aborted) break;
          this.streamPosition = this.handler.restart(this.stream.position);
          await this.options.retry.failed(error);
        }
      }
      signal.throwIfAborted();
      await Promise.all(this.work);
      await Promise.race([
        this.options.writer.drain(),
        delay(this.options.drainMs(), undefined, { ref: false }),
      ]);
      return this.ended ?? 'stopped';
    } finally {
      clearInterval(saver);
      signal.removeEventListener('abort', onAbort);
      this.finishing.abort();
      await this.stream?.stop();
      await Promise.all([poller, this.heartbeat.stop()]);
      this.save();
    }
  }

  /** Where the source is, once a second: how far we are behind, and whether the goal is reached. */
  private async poll(): Promise<void> {
    const { options } = this;
    const stop = AbortSignal.any([this.finishing.signal, options.signal]);
    while (!stop.aborted) {
      let connection;
      try {
        connection = await connectSource(options.task.source);
        let clockAtMs = 0;
        while (!stop.aborted) {
          if (Date.now() - clockAtMs > clockEveryMs) {
            this.clockOffsetMicros = await clockOffset(connection);
            clockAtMs = Date.now();
          }
          const askedMicros = this.sourceMicros();
          this.knownEnd = await endPosition(connection);
          this.endAskedMicros = askedMicros;
          options.retry.answered();
          for (let waited = 0; waited < pollMs && !stop.aborted; waited += 100) {
            this.look();
            await delay(100, undefined, { signal: stop });
          }
        }
      } catch {
        // The stream itself reports and retries; this one only looks.
        this.caughtUp = false;
        await delay(pollMs, undefined, { signal: stop }).catch(() => undefined);
      } finally {
        await connection?.close().catch(() => undefined);
      }
    }
  }

  private look(): void {
    const { position } = this.tracker;
    this.caughtUp = this.knownEnd !== null && hasReached(position, this.knownEnd) && this.tracker.isIdle;
    if (this.caughtUp) this.caughtUpMicros = this.endAskedMicros;
    const { goal } = this.options;
    if (goal !== null && this.ended === null && hasReached(position, goal)) this.end('reached');
  }

  /** Checkpoint, figures and what belongs to them, in one store transaction. */
  private save(): void {
    const { store, prepared } = this.options;
    const { progress } = prepared;
    const passed = this.tracker.takePassed();
    const text = JSON.stringify([this.tracker.position, progress.rows]);
    if (passed.length === 0 && text === this.savedPosition) return;
    progress.checkpoint = this.tracker.position;
    progress.changes = Object.fromEntries(this.changes);
    store.transaction(() => {
      for (const step of passed) step();
      store.saveProgress(progress);
    });
    this.savedPosition = text;
  }

  private count(change: RowChange): void {
    const { rows } = this.options.prepared.progress;
    const source = this.tables.ofChange(change)?.plan.source;
    let changes = source === undefined ? undefined : this.changes.get(source);
    if (source !== undefined && !changes)
      this.changes.set(source, (changes = { inserted: 0, updated: 0, deleted: 0 }));
    const field = ([undefined, 'inserted', 'updated', 'deleted'] as const)[
      change.tag === changeKinds.extra ? 0 : change.tag + 1
    ];
    if (!field) return;
    rows[field]++;
    if (changes) changes[field]++;
  }

  private rejected(
    change: RowChange,
    error: { code: string; message: string },
    transaction: Transaction,
  ): void {
    const table = this.tables.ofChange(change);
    if (!table) return;
    const kind = (['INSERT', 'UPDATE', 'DELETE', 'UPDATE'] as const)[change.tag] ?? 'UPDATE';
    this.guard(() =>
      this.options.dirty.record({
        plan: table.plan,
        identity: refusedIdentity(table.plan.source, transaction, change.key),
        operation: kind,
        ...error,
        position: transaction.begins,
        row: change.row,
        ...(this.options.prepared.etl && { computed: this.options.prepared.etl.writes }),
      }),
    );
  }

  /** A dirty row in block mode: nothing behind it is passed, and the run ends. */
  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof BlockedByDirtyData) this.tracker.freeze();
      this.options.fail(error);
    }
  }

  /** Work that needs everything before it to be at the destination, and nothing behind it to have begun. */
  private blocking(work: () => Promise<void>): void {
    this.handler.hold(async () => {
      await this.options.writer.drain();
      await work();
    });
  }

  private context(): StreamContext {
    const { task, store, writer, dirty, prepared } = this.options;
    return {
      task,
      tracker: this.tracker,
      charsets: prepared.charsets,
      dirty,
      branches: branchesOf(store),
      find: (database, name) => this.tables.find(database, name),
      stopTable: (source, problem) => this.tables.stop(source, problem),
      enqueue: (change) => {
        if (writer.enqueue(change)) return;
        this.queueFull = true;
        this.stream?.pause();
      },
      statement: (event, transaction) => this.tables.statement(event, transaction),
      sealed: (position) => {
        if (this.tables.anyWaiting) this.tables.reached(position);
      },
      wait: (work) => this.wait(work),
      ask: async (filter, _table, rows) => {
        const answers: boolean[] = [];
        await this.options.retry.retrying(async () => {
          const connection = await connectSource(task.source);
          try {
            const kept = await connection.query<{ kept: number }>(filter.askSql(rows as never));
            answers.push(...kept.map((row) => Number(row.kept) === 1));
          } finally {
            await connection.close();
          }
        });
        return answers;
      },
      refetch: (row, transaction) => fetchRow(this.options, row, transaction),
    };
  }

  private wait(work: () => Promise<void>): void {
    this.waits++;
    this.stream?.pause();
    const done = work().then(
      () => {
        this.waits--;
        this.goOn();
      },
      (error: unknown) => {
        // What waited behind this row must not be passed as if it had been applied.
        this.tracker.freeze();
        this.options.fail(error);
      },
    );
    this.work.add(done);
    void done.finally(() => this.work.delete(done));
  }
}

/** Prepared XA branches in the store, in pieces as they come. */
function branchesOf(store: TaskStore): XaBranches {
  return {
    append: (xid, changes) => store.appendXa(xid, serialize(changes)),
    read: (xid) => {
      const pieces = store.xaPieces(xid);
      if (pieces.length === 0) return null;
      return pieces.flatMap((piece) => {
        const changes = deserialize(piece) as SpooledChange[];
        return changes.map((change) => ({ ...change, row: Buffer.from(change.row) }));
      });
    },
    remove: (xid) => store.removeXa(xid),
  };
}
