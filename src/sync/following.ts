import { setTimeout as delay } from 'node:timers/promises';
import { historyCheck } from '../mysql/binlog/history.js';
import { BinlogStream } from '../mysql/binlog/stream.js';
import { atLeast, type SessionPurpose, type SourceConnection } from '../mysql/connection.js';
import { areCommitted, endPosition, hasReached, transactionsBetween } from '../mysql/position.js';
import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { ResolvedTask } from '../shared/task.js';
import type { TablestoreClient } from '../tablestore/client/client.js';
import type { RowChange } from '../tablestore/client/model.js';
import { LostTable } from '../tablestore/writer/lost-table.js';
import type { TablestoreWriter } from '../tablestore/writer/writer.js';
import { Blockage } from './blockage.js';
import { ChangeCounts, type Figure } from './change-counts.js';
import { CheckpointTracker, type CheckpointEvents, type Transaction } from './checkpoint.js';
import type { TableName } from './ddl/parse.js';
import { DefinitionWatch } from './definition-watch.js';
import { BlockedByDirtyData, type DirtyData } from './dirty.js';
import { askSource } from './filter/answers.js';
import type { LoadContext } from './full-load.js';
import { Heartbeat } from './heartbeat.js';
import { refusedIdentity } from './row-events.js';
import { SourceWatch } from './source-watch.js';
import type { StreamContext, StreamTable } from './stream-context.js';
import { StreamHandler } from './stream-handler.js';
import type { PreparedTask } from './prepare.js';
import { mayHaveBranchRows, type JoinHost } from './joining.js';
import { whyUnseen } from './join-records.js';
import { Joins } from './joins.js';
import { lastStatements } from './last-statements.js';
import { deleteRowsOf, fetchRow } from './reload.js';
import { pace } from './pace.js';
import { PauseGate } from './pause-gate.js';
import { Questions } from './questions.js';
import { SourceReader, type SourceRetry } from './source-retry.js';
import { auditSessionsOf } from './source-sessions.js';
import type { TableChanges, TaskStore } from './store.js';
import { StreamTables } from './stream-tables.js';
import { problemOfTable } from './table-boundary.js';
import type { TaskSettings } from './task-settings.js';
import { Audit } from './verify/audit.js';
import type { AuditHost } from './verify/audit-host.js';
import { XaBranches } from './xa-branches.js';

export interface FollowingOptions {
  settings: TaskSettings;
  store: TaskStore;
  writer: TablestoreWriter;
  client: TablestoreClient;
  dirty: DirtyData;
  retry: SourceRetry;
  questions: Questions;
  signal: AbortSignal;
  log: { info(text: string): void; warn(text: string): void };
  prepared: PreparedTask;
  /** Ends when everything before it is at the destination; null: never by itself. */
  goal: SourcePosition | null;
  /** How long a stop waits for what is queued. */
  drainMs: () => number;
  fail: (error: unknown) => void;
  /** Settles when no request of an earlier run can be carried out any more. */
  earlierOver: () => Promise<void>;
  loadContext: () => LoadContext;
}

const saveMs = 500;
const lookMs = 20;
/** How long the source may take to commit what it has sent. */
const settleMs = 10_000;

const notSettled = () =>
  new RowferryError(
    'ROW-S107',
    'The source has not yet committed transactions that are already in its binlog.',
  );

/** The incremental phase: the stream, the tables as it knows them, and the checkpoint. */
export class Following {
  caughtUp = false;
  private readonly tracker: CheckpointTracker;
  private readonly tables: StreamTables;
  private readonly handler: StreamHandler;
  private readonly joins: Joins;
  private stream: BinlogStream | null = null;
  private streamPosition: SourcePosition;
  private readonly counts: ChangeCounts;
  private readonly source: SourceWatch;
  /** The stream. */
  private readonly reader: SourceReader;
  private ended: 'reached' | 'stopped' | null = null;
  private begun = false;
  /** Of everything that reads the binlog: the stream, and those of tables that join it. */
  private readonly all = new PauseGate();
  private readonly gate = new PauseGate(this.all);
  private unpaused: (() => void) | null = null;
  private emptied: (() => void) | null = null;
  private readonly roomWanted: (() => void)[] = [];
  private readonly work = new Set<Promise<void>>();
  /** Of requests from outside that are not through: told when the run ends before. */
  private readonly unanswered = new Set<() => void>();
  private over = false;
  private savedPosition = '';
  private readonly finishing = new AbortController();
  private readonly heartbeat: Heartbeat;
  /** null: the task does not ask for one. */
  readonly audit: Audit | null;
  private readonly auditQuestions: Questions;
  private readonly definitions: DefinitionWatch;
  private readonly settledQuestions: Questions;
  /** They. */
  private readonly asker: SourceReader;
  /** When everything that the source had was applied, by its clock. */
  private caughtUpMicros: number | null = null;

  constructor(private readonly options: FollowingOptions) {
    const { settings, store, prepared } = options;
    const { task } = settings;
    const position = prepared.progress.checkpoint ?? prepared.progress.start!;
    this.streamPosition = position;
    this.counts = new ChangeCounts(prepared.progress);
    const watcher = new SourceReader(options.retry);
    this.reader = new SourceReader(options.retry);
    this.source = new SourceWatch(task.source, prepared.facts.clockOffsetMicros, {
      answered: () => watcher.answered(),
      look: () => this.look(),
      away: (error) => {
        this.caughtUp = false;
        if (error instanceof RowferryError) watcher.waits(error);
      },
    });
    const events: CheckpointEvents = {
      written: (change) => this.counts.add(change, this.tables.ofChange(change)?.plan.source),
      uncounted: (figure, times) => this.counts.take(figure as Figure, times),
      rejected: (change, error, transaction) => this.rejected(change, error, transaction),
    };
    this.tracker = new CheckpointTracker(position, events);
    this.tables = new StreamTables(
      settings,
      prepared.records,
      prepared.etl,
      prepared.facts,
      prepared.charsets,
      {
        reload: (name, why, isUnseen) => this.blocking(() => this.joins.came(name, why, isUnseen)),
        leaveOut: (name) => this.blocking(() => this.joins.leaveOut(name)),
        deleteRows: (table) => this.blocking(() => this.about(table, () => deleteRowsOf(options, table))),
        changed: () => this.handler.forget(),
        log: (text) => options.log.warn(text),
      },
      prepared.leftOut,
    );
    this.joins = new Joins({
      options,
      tables: this.tables,
      tracker: this.tracker,
      events,
      context: (feed) => this.context(feed),
      holdNext: (work) => this.handler.holdNext(work),
      asked: (work) => this.asked(work),
      isEnding: () => this.ended !== null,
      drained: () => this.drained(),
      place: () => ({
        position: this.stream?.position ?? this.streamPosition,
        isInside: this.handler.isInside,
      }),
      standStill: () => this.gate.hold('a table catches up'),
      gate: this.all,
      begun: () => (this.caughtUp = false),
      keep: (work) => this.keep(work),
    });
    const records = prepared.records.all;
    const starting = new Set(records.filter(({ from }) => from).map(({ source }) => source));
    this.handler = new StreamHandler(
      this.context({
        tracker: this.tracker,
        branches: new XaBranches(store, {
          keeps: (source) => !starting.has(source) && !this.joins.has(source),
          marks: () => [''],
          absent: () => this.tables.absent(),
        }),
        find: (database, name) => this.tables.find(database, name),
        follows: (source) => this.tables.follows(source),
        unknownRows: (source, xid, at) => this.unknownRows(source, xid, at),
        isOver: () => this.ended !== null || options.signal.aborted,
        asDescribed: (table, map, transaction) => this.tables.asDescribed(table, map, transaction),
        stopTable: (source, problem) => this.tables.stop(source, problem),
        statement: (event, transaction) => this.tables.statement(event, transaction),
        sealed: (at) => {
          if (this.tables.anyWaiting) this.tables.reached(at);
        },
        wait: (work) => this.wait(work),
      }),
    );
    starting.clear();
    for (const record of records) this.tables.add(record, record.from ? 'joining' : undefined);
    this.asker = new SourceReader(options.retry);
    this.auditQuestions = new Questions(task.source, auditSessionsOf(task));
    this.settledQuestions = new Questions(task.source, 1);
    this.audit = task.audit ? new Audit(this.auditHost(), task.audit) : null;
    this.definitions = new DefinitionWatch({
      followed: () => this.tables.followed(),
      ask: (work) => this.source.ask(work),
      reached: async (end, signal) => {
        await this.reached(end, signal);
        return this.tracker.position.serverUuid === (end.serverUuid || undefined);
      },
      differs: async (table, now) => {
        const reason = now ? null : await whyUnseen(options.retry, table.plan.definition).catch(() => null);
        return new Promise((resolve) => {
          this.finishing.signal.addEventListener('abort', () => resolve());
          if (this.finishing.signal.aborted) return resolve();
          this.handler.holdNext(async () => {
            if (this.ended === null && !options.signal.aborted) this.tables.asDefined(table, now, reason);
            resolve();
          });
        });
      },
    });
    this.heartbeat = new Heartbeat({
      task,
      log: options.log,
      reader: new SourceReader(options.retry),
      sourceMicros: () => this.source.nowMicros,
      whenThrough: (then) => this.handler.whenThrough(then),
    });
  }

  get position(): SourcePosition {
    return this.tracker.position;
  }

  /** The source has let the stream begin. */
  hasBegun(): boolean {
    return (this.begun ||= this.stream?.isStreaming ?? false);
  }

  changesOf(source: string): TableChanges {
    return this.counts.of(source);
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
    return since === 0 ? null : Math.max(0, Math.round((this.source.nowMicros - since) / 1000));
  }

  /** Transactions that the source had when last asked and that are not applied; null when they cannot be counted. */
  lagTransactions(): number | null {
    const { end } = this.source;
    return end === null ? null : transactionsBetween(this.tracker.position, end);
  }

  /** Stops the stream, drains, saves; run() settles with 'stopped'. */
  end(how: 'reached' | 'stopped' = 'stopped'): void {
    this.ended ??= how;
    this.finishing.abort();
    this.tellRoom();
    void this.stream?.stop();
    this.joins.stop();
  }

  /** There is room in the writer again. */
  resume(): void {
    this.emptied?.();
    this.emptied = null;
    this.tellRoom();
  }

  private tellRoom(): void {
    for (const tell of this.roomWanted.splice(0)) tell();
  }

  private room(): Promise<void> {
    if (!this.emptied || this.ended !== null || this.options.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.roomWanted.push(resolve));
  }

  private unknownRows(source: string, xid: string, at: SourcePosition): void {
    if (source !== '') {
      const definition = this.tables.follows(source)?.plan.definition;
      if (!definition) return;
      const name = { database: definition.database, table: definition.name };
      this.blocking(() => this.joins.rejoin(name, mayHaveBranchRows));
      return;
    }
    const { begun } = this.options.prepared.progress;
    if (begun && hasReached(begun, at)) return;
    throw new RowferryError(
      'ROW-S109',
      `The source committed the XA transaction ${xid}, whose rows are before the start position of this task.`,
      { remedy: 'Reload all tables: run rowferry reset, then rowferry run.' },
    );
  }

  /** Stands still until unpause(), whatever else happens. */
  pause(): void {
    this.unpaused ??= this.all.hold('paused');
  }

  unpause(): void {
    this.unpaused?.();
    this.unpaused = null;
  }

  private readonly blockage = new Blockage(
    () => this.handler.isInside,
    (error) => this.options.fail(error),
  );

  /** Tables that are loaded beside the stream just now. */
  get joining(): ReadonlySet<string> {
    return this.joins.sources;
  }

  /**
   * Work that is asked for from outside, between two events, when whatever is queued has gone out: a table is not read
   * while older rows of it are on their way (correctness rule 11). Throws ROW-E109 when the run ends before.
   */
  private async asked(work: () => Promise<void>): Promise<void> {
    const notRunning = () =>
      new RowferryError('ROW-E109', `${this.options.settings.task.name} has stopped in the meantime.`);
    if (this.over) throw notRunning();
    let tell = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.unanswered.add((tell = () => reject(notRunning())));
        this.handler.holdNext(async () => {
          if (this.ended !== null) return;
          try {
            await this.drained();
            await work();
            resolve();
          } catch (error) {
            // What is cut off by the end of the run is told then.
            if (this.ended === null && !this.options.signal.aborted) reject(error as Error);
          }
        });
      });
    } finally {
      this.unanswered.delete(tell);
    }
  }

  /** As Joins.change(). */
  change(selection: Pick<ResolvedTask, 'objects'>): Promise<void> {
    return this.joins.change(selection);
  }

  /** As Joins.reload(). */
  reload(name: TableName, remake: boolean): Promise<void> {
    return this.joins.reload(name, remake);
  }

  /** Everything queued is at the destination. The main stream stands still; those of joining tables do meanwhile. */
  private async drained(): Promise<void> {
    const release = this.all.hold('draining');
    try {
      await this.options.writer.drain();
      await this.options.earlierOver();
    } finally {
      release();
    }
  }

  /** Throws BlockedByDirtyData, RowferryError or the signal's reason; the checkpoint is saved in any case. */
  async run(): Promise<'reached' | 'stopped'> {
    const { signal } = this.options;
    const onAbort = () => {
      this.tellRoom();
      void this.stream?.stop();
    };
    signal.addEventListener('abort', onAbort);
    const saver = setInterval(() => {
      if (this.stream?.isStreaming) this.reader.answered();
      this.save();
    }, saveMs);
    const watching = this.source.run(AbortSignal.any([this.finishing.signal, signal]));
    this.heartbeat.start();
    this.joins.start();
    const auditing = this.audit?.run();
    const defining = this.definitions.run(AbortSignal.any([this.finishing.signal, signal]));
    try {
      await this.passDefined();
      while (this.ended === null) {
        signal.throwIfAborted();
        this.stream = new BinlogStream(
          this.options.settings.task.source,
          { position: this.streamPosition, heartbeatSeconds: 2, history: historyCheck },
          this.heartbeat.tap(this.handler),
        );
        this.gate.lead(this.stream);
        try {
          await this.stream.run();
        } catch (error) {
          if (this.ended !== null || signal.aborted) break;
          this.streamPosition = this.handler.restart(this.stream.position);
          void this.options.questions.reconnect();
          await this.reader.failed(error);
        }
      }
      signal.throwIfAborted();
      // What is not through by then is done again by the next run.
      await Promise.race([
        Promise.all(this.work).then(() => this.options.writer.drain()),
        delay(this.options.drainMs(), undefined, { ref: false }),
      ]);
      return this.ended ?? 'stopped';
    } finally {
      clearInterval(saver);
      signal.removeEventListener('abort', onAbort);
      this.finishing.abort();
      this.joins.stop();
      this.audit?.stop();
      this.blockage.close();
      await this.stream?.stop();
      void this.options.questions.close();
      await Promise.all([watching, this.heartbeat.stop(), auditing, defining]);
      void this.auditQuestions.close();
      void this.settledQuestions.close();
      this.save();
      this.over = true;
      for (const tell of this.unanswered) tell();
    }
  }

  /**
   * Tables count from where they are what was loaded, as those that join (last-statements.ts). Of those of which
   * none was loaded, because the task begins at an old place, only those are followed from there that are now what they were.
   */
  private async passDefined(): Promise<void> {
    const { definedAt } = this.options.prepared.progress;
    if (!definedAt || hasReached(this.streamPosition, definedAt)) return;
    const records = this.tables.records.filter(({ from, phase }) => !from && phase !== 'stopped');
    const over = AbortSignal.any([this.finishing.signal, this.options.signal]);
    const last = await lastStatements(this.options, records, this.streamPosition, definedAt, over);
    if (over.aborted) return;
    for (const record of records) {
      const { at, said } = last.get(record.source) ?? {};
      if (!at) continue;
      if (!record.unread) this.tables.add(record, at);
      else if (said?.has('made')) this.tables.wasElse(record, 'made');
      else if (said?.has('altered')) this.tables.wasElse(record, 'altered');
    }
  }

  /**
   * Settles when a read of the source shows everything that the stream has given so far, which the source sends before
   * its engine has committed it. Throws ROW-S107 when that takes too long.
   */
  async settled(): Promise<void> {
    const { prepared, signal } = this.options;
    const { sealed } = this.tracker;
    for (let waitedMs = 0; this.handler.isInside && this.tracker.sealed === sealed; waitedMs += lookMs) {
      if (waitedMs > settleMs) throw notSettled();
      await delay(lookMs, undefined, { signal });
    }
    const { gtidSet } = this.tracker.sealed;
    if (prepared.facts.gtidMode !== 'ON' || gtidSet === undefined) {
      await delay(pace.unseenCommitMs, undefined, { signal });
      return;
    }
    // Not with those that wait for it.
    const isShown = await this.asking(this.settledQuestions, 'query', (connection) =>
      areCommitted(connection, gtidSet, settleMs / 1000),
    );
    if (!isShown) throw notSettled();
  }

  /** Of the source, beside the stream; it ends with the run, whatever it waits for. */
  private asking<T>(
    questions: Questions,
    purpose: SessionPurpose,
    work: (connection: SourceConnection) => Promise<T>,
  ): Promise<T> {
    const over = AbortSignal.any([this.finishing.signal, this.options.signal]);
    const answer = questions.ask(purpose, async (connection) => {
      this.asker.answered();
      const end = () => connection.destroy();
      over.addEventListener('abort', end);
      try {
        over.throwIfAborted();
        return await work(connection);
      } finally {
        over.removeEventListener('abort', end);
      }
    });
    answer.catch((error: unknown) => this.asker.noRoom(error));
    return answer;
  }

  /** Settles when everything that the source has now is at the destination. Throws the reason of either signal. */
  private async passed(until: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([until, this.options.signal]);
    await this.reached(await this.asking(this.auditQuestions, 'query', endPosition), signal);
  }

  private async reached(end: SourcePosition, signal: AbortSignal): Promise<void> {
    while (!(this.stream?.isStreaming && hasReached(this.tracker.position, end)))
      await delay(lookMs, undefined, { signal });
    signal.throwIfAborted();
  }

  private auditHost(): AuditHost {
    const { settings, store, client, writer, log, prepared } = this.options;
    return {
      settings,
      store,
      client,
      writer,
      charsets: prepared.charsets,
      etl: prepared.etl,
      log,
      plans: () => this.tables.followed().map(({ plan }) => plan),
      planOf: (source) => this.tables.follows(source)?.plan,
      waits: () => {
        if (this.all.isHeldFor('paused')) return 'pause';
        if (!this.joins.isSettled) return 'load';
        if (!this.stream?.isStreaming) return this.ended === null ? 'starting' : 'pause';
        if (this.all.isHeld) return 'lag';
        const behindMs = this.latencyMs();
        return behindMs === null || behindMs > pace.audit.lagMs ? 'lag' : null;
      },
      caughtUp: (signal) => this.passed(signal),
      settled: () => this.settled(),
      ask: (purpose, work) => this.asking(this.auditQuestions, purpose, work),
    };
  }

  /** How far we are behind, and whether the goal is reached. */
  private look(): void {
    this.joins.settleJoined();
    const { position } = this.tracker;
    const { end } = this.source;
    // Places are compared only in a binlog that is known to be the one that is read: numbers of another mean nothing.
    const isStreaming = this.stream?.isStreaming ?? false;
    this.caughtUp =
      isStreaming && end !== null && hasReached(position, end) && this.tracker.isIdle && this.joins.isEmpty;
    if (this.caughtUp) this.caughtUpMicros = this.source.endAskedMicros;
    const { goal } = this.options;
    const isDone =
      isStreaming &&
      goal !== null &&
      hasReached(position, goal) &&
      this.joins.isSettled &&
      this.definitions.isThrough;
    if (isDone && this.ended === null) this.end('reached');
  }

  /** Checkpoint, figures and what belongs to them, in one store transaction. */
  private save(): void {
    const { store, prepared } = this.options;
    const { progress } = prepared;
    const passed = this.tracker.takePassed();
    this.joins.save();
    progress.leftOut = prepared.leftOut.all;
    const text = JSON.stringify([this.tracker.position, progress.rows, progress.leftOut]);
    if (passed.length === 0 && text === this.savedPosition && !this.joins.anyJoined) return;
    progress.checkpoint = this.tracker.position;
    progress.changes = this.counts.all();
    store.transaction(() => {
      for (const step of passed) step();
      store.saveProgress(progress);
      this.joins.forgetJoined();
    });
    this.savedPosition = text;
  }

  private rejected(
    change: RowChange,
    error: { code: string; message: string },
    transaction: Transaction,
  ): void {
    if (error instanceof LostTable) return this.lost(error);
    const table = this.tables.ofChange(change);
    if (!table) return;
    const kind = (['INSERT', 'UPDATE', 'DELETE', 'UPDATE'] as const)[change.tag] ?? 'UPDATE';
    this.guard(transaction, () =>
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

  /** The tables that are sent there stop by name; what is queued of them is rejected and holds nothing up. */
  private lost(error: LostTable): void {
    for (const { source, destination } of this.tables.records) {
      if (destination !== error.table) continue;
      this.joins.stopTable(source, error.of(source));
      this.tables.stop(source, error.of(source));
    }
  }

  private async about({ plan }: StreamTable, work: () => Promise<void>): Promise<void> {
    const { source } = plan;
    try {
      await work();
    } catch (error) {
      const problem = problemOfTable(error, source, this.options.signal);
      if (!problem) throw error;
      if (error instanceof LostTable) this.lost(error);
      else this.tables.stop(source, problem);
    }
  }

  /** A dirty row in block mode: nothing behind it is passed, and the run ends. */
  private guard(transaction: Transaction, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof BlockedByDirtyData)) return this.options.fail(error);
      transaction.freeze();
      this.blockage.add(error);
    }
  }

  /** Work that needs everything before it to be at the destination, and nothing behind it to have begun. */
  private blocking(work: () => Promise<void>): void {
    this.handler.hold(async () => {
      await this.drained();
      await work();
    });
  }

  private context(feed: Feed): StreamContext {
    const { settings, writer, dirty, prepared } = this.options;
    return {
      ...feed,
      settings,
      signal: this.options.signal,
      charsets: prepared.charsets,
      loadCharset: (charset) =>
        this.options.retry.onSource((connection) =>
          prepared.charsets.load((sql) => connection.query(sql), [charset]),
        ),
      dirty,
      enqueue: (change) => {
        if (writer.enqueue(change)) return;
        this.emptied ??= this.all.hold('the queue is full');
      },
      ask: (filter, rows) => {
        const { retry, questions } = this.options;
        return askSource(filter, rows, atLeast(prepared.facts, 8, 0, 4), (sql) =>
          retry.retrying(() =>
            questions.ask('query', (connection) => connection.query<{ kept: number }>(sql)),
          ),
        );
      },
      blocked: (error) => this.blockage.add(error),
      room: () => this.room(),
      refetch: (row, transaction) => fetchRow(this.options, row, transaction),
    };
  }

  private wait(work: () => Promise<void>): void {
    const release = this.gate.hold('waits');
    const done = work().then(release, (error: unknown) => {
      // What waited behind this row must not be passed as if it had been applied.
      this.tracker.freeze();
      this.options.fail(error);
    });
    this.keep(done);
  }

  private keep(work: Promise<void>): void {
    this.work.add(work);
    void work.finally(() => this.work.delete(work));
  }
}

type Feed = Parameters<JoinHost['context']>[0];
