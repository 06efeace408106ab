import { setTimeout as delay } from 'node:timers/promises';
import type { SessionPurpose, SourceConnection } from '../../mysql/connection.js';
import { areCommitted, endPosition, hasReached, transactionsBetween } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { RowChange } from '../../tablestore/client/model.js';
import { LostTable } from '../../tablestore/writer/lost-table.js';
import { BinlogApplier } from '../stream/applier.js';
import { BlockLookahead } from '../dirty/block-lookahead.js';
import { ChangeCounts, type Figure } from '../stream/change-counts.js';
import type { CheckpointTracker, Transaction } from '../state/checkpoint.js';
import type { TableName } from '../ddl/cursor.js';
import { DefinitionWatch, type DefinitionHost } from '../stream/definition-watch.js';
import { BlockedByDirtyData, refusedIdentity } from '../dirty/dirty.js';
import { Heartbeat } from '../source/heartbeat.js';
import { HeadMonitor } from '../source/head-monitor.js';
import type { StreamTable } from '../stream/stream-context.js';
import { mayHaveBranchRows } from './table-sync.js';
import { whyUnseen } from '../tables/snapshot-point.js';
import { ProgressSaver } from './progress-saver.js';
import { isCaughtUp, isDone, latencyMs, type Standing } from './standing.js';
import { TableSyncs } from './table-syncs.js';
import { lastStatements } from '../stream/last-statements.js';
import { deleteRowsOf } from '../stream/refetch.js';
import { statementsBetween } from '../stream/moved-position.js';
import { PauseGate } from '../base/pause-gate.js';
import { SessionCache } from '../source/session-cache.js';
import { untilShown } from '../source/open-branches.js';
import { drained, type ApplierServices, type RunServices } from '../stream/run-services.js';
import { SourceReader } from '../source/retry.js';
import { auditSessionsOf } from '../source/session-count.js';
import type { TableChanges, TableRecord } from '../state/task-store.js';
import type { StreamTables } from '../stream/stream-tables.js';
import { problemOfTable } from '../tables/table-boundary.js';
import { Audit } from '../verify/audit.js';
import type { AuditHost } from '../verify/audit-host.js';
import { WriterQueue } from '../stream/writer-queue.js';

/** Until when it goes on. */
export interface IncrementalGoal {
  /** Ends when everything before it is at the destination; null: never by itself. */
  readonly goal: SourcePosition | null;
  /** How long a stop waits for what is queued. */
  drainMs(): number;
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

/** By the main stream: neither on its way nor stopped. */
const isFollowed = ({ from, phase }: TableRecord) => !from && phase !== 'stopped';

/** The incremental phase: the stream, the tables as it knows them, and the checkpoint. */
export class IncrementalPhase {
  caughtUp = false;
  private readonly services: ApplierServices;
  private readonly applier: BinlogApplier;
  private readonly syncs: TableSyncs;
  private readonly counts: ChangeCounts;
  private readonly source: HeadMonitor;
  private ended: 'reached' | 'stopped' | null = null;
  private begun = false;
  private unpaused: (() => void) | null = null;
  /** Of requests from outside that are not through: told when the run ends before. */
  private readonly unanswered = new Set<() => void>();
  private over = false;
  private readonly saver: ProgressSaver;
  private readonly finishing = new AbortController();
  private readonly heartbeat: Heartbeat;
  private readonly blockage: BlockLookahead;
  /** null: the task does not ask for one. */
  readonly audit: Audit | null;
  private readonly auditSessions: SessionCache;
  private readonly definitions: DefinitionWatch;
  private readonly settledSessions: SessionCache;
  /** They. */
  private readonly asker: SourceReader;
  /** When everything that the source had was applied, by its clock. */
  private caughtUpMicros: number | null = null;

  constructor(
    run: RunServices,
    private readonly until: IncrementalGoal,
  ) {
    const { settings, prepared, retry, log } = run;
    const { task } = settings;
    this.counts = new ChangeCounts(prepared.progress);
    const watcher = new SourceReader(retry);
    this.source = new HeadMonitor(task.source, prepared.facts.clockOffsetMicros, {
      answered: () => watcher.answered(),
      look: () => this.look(),
      away: (error) => {
        this.caughtUp = false;
        if (error instanceof RowferryError) watcher.waits(error);
      },
    });
    const gate = new PauseGate();
    this.blockage = new BlockLookahead(
      () => this.applier.place.isInside,
      (error) => run.fail(error),
    );
    const services: ApplierServices = (this.services = {
      ...run,
      gate,
      queue: new WriterQueue(run.writer, gate),
      events: {
        written: (change, transaction) => {
          const plan = this.tables.ofChange(change)?.plan;
          if (plan) run.dirty.wrote(plan, change, transaction);
          return this.counts.add(change, plan?.source);
        },
        uncounted: (figure, times) => this.counts.take(figure as Figure, times),
        rejected: (change, error, transaction) => this.rejected(change, error, transaction),
      },
      blocked: (error) => this.blockage.add(error),
    });
    this.syncs = new TableSyncs(services, {
      applier: () => this.applier,
      asked: (work) => this.asked(work),
      isEnding: () => this.ended !== null,
      begun: () => (this.caughtUp = false),
    });
    this.saver = new ProgressSaver(run.store, prepared.progress, () => this.tracker, this.syncs.handedOver);
    const records = prepared.records.all;
    const starting = new Set(records.filter(({ from }) => from).map(({ source }) => source));
    this.applier = new BinlogApplier(services, {
      from: prepared.progress.checkpoint ?? prepared.progress.start!,
      signal: run.signal,
      isOver: () => this.isEnding,
      applies: () => true,
      branches: {
        keeps: (source) => !starting.has(source) && !this.syncs.has(source),
        marks: () => [''],
        absent: () => this.tables.absent(),
      },
      unknownRows: (source, xid, at) => this.unknownRows(source, xid, at),
      ddl: {
        reload: (name, why, isUnseen) => this.blocking(() => this.syncs.came(name, why, isUnseen)),
        leaveOut: (name) => this.blocking(() => this.syncs.leaveOut(name)),
        deleteRows: (table) => this.blocking(() => this.about(table, () => deleteRowsOf(services, table))),
      },
      leftOut: prepared.leftOut,
      tap: (handler) => this.heartbeat.tap(handler),
    });
    starting.clear();
    for (const record of records) this.tables.add(record, record.from ? 'joining' : undefined);
    this.asker = new SourceReader(retry);
    this.auditSessions = new SessionCache(task.source, auditSessionsOf(task), run.known);
    // It asks for that itself.
    this.settledSessions = new SessionCache(task.source, 1, () => null);
    this.audit = task.audit ? new Audit(this.auditHost(), task.audit) : null;
    const definitionHost: DefinitionHost = {
      followed: () => this.tables.followed(),
      ask: (work) => this.source.ask(work),
      reached: async (end, signal) => {
        await this.reached(end, signal);
        return this.tracker.position.serverUuid === (end.serverUuid || undefined);
      },
      differs: async (table, now) => {
        const reason = now ? null : await whyUnseen(retry, table.plan.definition).catch(() => null);
        return new Promise((resolve) => {
          this.finishing.signal.addEventListener('abort', () => resolve());
          if (this.finishing.signal.aborted) return resolve();
          this.applier.holdNext(async () => {
            if (!this.isEnding) this.tables.asDefined(table, now, reason);
            resolve();
          });
        });
      },
    };
    this.definitions = new DefinitionWatch(definitionHost, settings.timing.definitionsMs);
    this.heartbeat = new Heartbeat({
      task,
      log,
      reader: new SourceReader(retry),
      sourceMicros: () => this.source.nowMicros,
      whenThrough: (then) => this.applier.whenThrough(then),
    });
  }

  get position(): SourcePosition {
    return this.tracker.position;
  }

  /** Up to where the stream has read. */
  get known(): SourcePosition {
    return this.tracker.sealed;
  }

  private get tracker(): CheckpointTracker {
    return this.applier.tracker;
  }

  private get tables(): StreamTables {
    return this.applier.tables;
  }

  /** Nothing more is applied in this run. */
  private get isEnding(): boolean {
    return this.ended !== null || this.services.signal.aborted;
  }

  /** The source has let the stream begin. */
  hasBegun(): boolean {
    return (this.begun ||= this.applier.isStreaming);
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
    const { oldestMicros, position } = this.tracker;
    return latencyMs(this.source.nowMicros, oldestMicros, position, this.caughtUpMicros);
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
    this.services.queue.close();
    void this.applier.stop();
    this.syncs.stop();
  }

  /** The writer takes more. */
  hasRoom(): void {
    this.services.queue.hasRoom();
  }

  private unknownRows(source: string, xid: string, at: SourcePosition): void {
    if (source !== '') {
      const definition = this.tables.follows(source)?.plan.definition;
      if (!definition) return;
      const name = { database: definition.database, table: definition.name };
      this.blocking(() => this.syncs.restart(name, mayHaveBranchRows));
      return;
    }
    const { begun } = this.services.prepared.progress;
    if (begun && hasReached(begun, at)) return;
    throw new RowferryError(
      'ROW-S109',
      `The source committed the XA transaction ${xid}, whose rows are before the start position of this task.`,
      { remedy: 'Reload all tables: run rowferry reset, then rowferry run.' },
    );
  }

  /** Stands still until unpause(), whatever else happens. */
  pause(): void {
    this.unpaused ??= this.services.gate.hold('paused');
  }

  unpause(): void {
    this.unpaused?.();
    this.unpaused = null;
  }

  /** Tables that are loaded beside the stream just now. */
  get syncing(): ReadonlySet<string> {
    return this.syncs.sources;
  }

  /**
   * Work that is asked for from outside, between two events, when whatever is queued has gone out: a table is not read
   * while older rows of it are on their way (correctness rule 11). Throws ROW-E109 when the run ends before.
   */
  private async asked(work: () => Promise<void>): Promise<void> {
    const notRunning = () =>
      new RowferryError('ROW-E109', `${this.services.settings.task.name} has stopped in the meantime.`);
    if (this.over) throw notRunning();
    let tell = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.unanswered.add((tell = () => reject(notRunning())));
        this.applier.holdNext(async () => {
          if (this.ended !== null) return;
          try {
            await drained(this.services);
            await work();
            resolve();
          } catch (error) {
            // What is cut off by the end of the run is told then.
            if (!this.isEnding) reject(error as Error);
          }
        });
      });
    } finally {
      this.unanswered.delete(tell);
    }
  }

  /** As TableSyncs.change(). */
  change(selection: Pick<ResolvedTask, 'objects'>): Promise<void> {
    return this.syncs.change(selection);
  }

  /** As TableSyncs.reload(). */
  reload(name: TableName, remake: boolean): Promise<void> {
    return this.syncs.reload(name, remake);
  }

  /** Throws BlockedByDirtyData, RowferryError or the signal's reason; the checkpoint is saved in any case. */
  async run(): Promise<'reached' | 'stopped'> {
    const { signal, queue, writer, sessions } = this.services;
    const onAbort = () => {
      queue.close();
      void this.applier.stop();
    };
    signal.addEventListener('abort', onAbort);
    const saver = setInterval(() => this.save(), saveMs);
    const watching = this.source.run(AbortSignal.any([this.finishing.signal, signal]));
    this.heartbeat.start();
    this.syncs.start();
    const auditing = this.audit?.run();
    const defining = this.definitions.run(AbortSignal.any([this.finishing.signal, signal]));
    try {
      await this.passMoved();
      await this.passDefined();
      await this.applier.run();
      signal.throwIfAborted();
      // What is not through by then is done again by the next run.
      await Promise.race([
        this.applier.idle().then(() => writer.drain()),
        delay(this.until.drainMs(), undefined, { ref: false }),
      ]);
      return this.ended ?? 'stopped';
    } finally {
      clearInterval(saver);
      signal.removeEventListener('abort', onAbort);
      this.finishing.abort();
      this.syncs.stop();
      this.audit?.stop();
      this.blockage.close();
      await this.applier.stop();
      void sessions.close();
      await Promise.all([watching, this.heartbeat.stop(), auditing, defining]);
      void this.auditSessions.close();
      void this.settledSessions.close();
      this.save();
      this.over = true;
      for (const tell of this.unanswered) tell();
    }
  }

  /**
   * Tables count from where they are what was loaded, as those of a table sync (last-statements.ts). Of those of which
   * none was loaded, because the task begins at an old place, only those are followed from there that are now what they were.
   */
  private async passDefined(): Promise<void> {
    const { prepared, signal } = this.services;
    const { definedAt } = prepared.progress;
    const { position } = this.applier.place;
    if (!definedAt || hasReached(position, definedAt)) return;
    const records = this.tables.records.filter(isFollowed);
    const over = AbortSignal.any([this.finishing.signal, signal]);
    const last = await lastStatements(this.services, records, position, definedAt, over);
    if (over.aborted) return;
    for (const record of records.filter((one) => this.isStill(one))) {
      const { at, said } = last.get(record.source) ?? {};
      if (!at) continue;
      if (!record.unread) this.tables.add(record, at);
      else this.tables.wasElse(record, said, 'after the start position');
    }
  }

  /** It was neither stopped nor begun again while the binlog was looked through. */
  private isStill({ source, life }: TableRecord): boolean {
    const now = this.tables.recordOf(source);
    return now?.life === life && isFollowed(now);
  }

  /** As statementsBetween(): a table that was another one where the checkpoint was moved to stops, or is loaded. */
  private async passMoved(): Promise<void> {
    const { prepared, signal } = this.services;
    const { movedFrom } = prepared.progress;
    if (!movedFrom) return;
    const records = this.tables.records.filter(isFollowed);
    const over = AbortSignal.any([this.finishing.signal, signal]);
    const { position } = this.applier.place;
    const found = await statementsBetween(this.services, records, movedFrom, position, over);
    if (over.aborted) return;
    const since = 'between the previous position and the one that was set';
    for (const record of records.filter((one) => this.isStill(one)))
      this.tables.wasElse(record, found.get(record.source), since);
    // Not before what they ask for is noted.
    this.applier.hold(() => {
      delete prepared.progress.movedFrom;
      this.saver.touch();
      return Promise.resolve();
    });
  }

  /**
   * Settles when a read of the source shows everything that the stream has given so far, which the source sends before
   * its engine has committed it. Throws ROW-S107 when that takes too long.
   */
  async settled(): Promise<void> {
    const { prepared, signal, settings } = this.services;
    const { sealed } = this.tracker;
    for (
      let waitedMs = 0;
      this.applier.place.isInside && this.tracker.sealed === sealed;
      waitedMs += lookMs
    ) {
      if (waitedMs > settleMs) throw notSettled();
      await delay(lookMs, undefined, { signal });
    }
    const { gtidSet } = this.tracker.sealed;
    if (prepared.facts.gtidMode !== 'ON' || gtidSet === undefined) {
      await untilShown(null, {
        ask: (work) => this.asking(this.settledSessions, 'query', work),
        unseenCommitMs: settings.timing.unseenCommitMs,
        signal,
      });
      return;
    }
    // Not with those that wait for it.
    const isShown = await this.asking(this.settledSessions, 'query', (connection) =>
      areCommitted(connection, gtidSet, settleMs / 1000),
    );
    if (!isShown) throw notSettled();
  }

  /** Of the source, beside the stream; it ends with the run, whatever it waits for. */
  private asking<T>(
    sessions: SessionCache,
    purpose: SessionPurpose,
    work: (connection: SourceConnection) => Promise<T>,
  ): Promise<T> {
    const over = AbortSignal.any([this.finishing.signal, this.services.signal]);
    const answer = sessions.ask(purpose, async (connection) => {
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
    const signal = AbortSignal.any([until, this.services.signal]);
    await this.reached(await this.asking(this.auditSessions, 'query', endPosition), signal);
  }

  private async reached(end: SourcePosition, signal: AbortSignal): Promise<void> {
    while (!(this.applier.isStreaming && hasReached(this.tracker.position, end)))
      await delay(lookMs, undefined, { signal });
    signal.throwIfAborted();
  }

  private auditHost(): AuditHost {
    const { settings, store, client, writer, log, prepared } = this.services;
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
        if (this.services.gate.isHeldFor('paused')) return 'pause';
        if (!this.syncs.isSettled) return 'load';
        if (!this.applier.isStreaming) return this.ended === null ? 'starting' : 'pause';
        if (this.services.gate.isHeld) return 'lag';
        const behindMs = this.latencyMs();
        return behindMs === null || behindMs > settings.timing.audit.lagMs ? 'lag' : null;
      },
      caughtUp: (signal) => this.passed(signal),
      settled: () => this.settled(),
      ask: (purpose, work) => this.asking(this.auditSessions, purpose, work),
    };
  }

  /** How far we are behind, and whether the goal is reached. */
  private look(): void {
    this.syncs.handedOver.settle();
    const standing: Standing = {
      isStreaming: this.applier.isStreaming,
      checkpoint: this.tracker.position,
      isIdle: this.tracker.isIdle,
      end: this.source.end,
      syncs: this.syncs,
      isCompared: this.definitions.isThrough,
    };
    this.caughtUp = isCaughtUp(standing);
    if (this.caughtUp) this.caughtUpMicros = this.source.endAskedMicros;
    if (isDone(standing, this.until.goal) && this.ended === null) this.end('reached');
  }

  private save(): void {
    const { dirty, prepared } = this.services;
    this.syncs.save();
    dirty.endOvertaken();
    this.saver.save(() => ({ leftOut: prepared.leftOut.all, changes: this.counts.all() }));
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
    const { dirty } = this.services;
    this.guard(transaction, () =>
      dirty.record({
        plan: table.plan,
        identity: refusedIdentity(table.plan.source, transaction, change.key),
        operation: kind,
        ...error,
        position: transaction.begins,
        key: change.key,
        row: change.row,
        ...(this.services.prepared.etl && { computed: this.services.prepared.etl.writes }),
      }),
    );
    const { room } = dirty;
    if (!room) return;
    // Whoever holds the stream is told.
    room.catch(() => undefined);
    this.applier.hold(() => room);
  }

  /** The tables that are sent there stop by name; what is queued of them is rejected and holds nothing up. */
  private lost(error: LostTable): void {
    for (const { source, destination } of this.tables.records) {
      if (destination !== error.table) continue;
      this.syncs.stopTable(source, error.of(source));
      this.tables.stop(source, error.of(source));
    }
  }

  private async about({ plan }: StreamTable, work: () => Promise<void>): Promise<void> {
    const { source } = plan;
    try {
      await work();
    } catch (error) {
      const problem = problemOfTable(error, source, this.services.signal);
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
      if (!(error instanceof BlockedByDirtyData)) return this.services.fail(error);
      transaction.freeze();
      this.blockage.add(error);
    }
  }

  /** Work that needs everything before it to be at the destination, and nothing behind it to have begun. */
  private blocking(work: () => Promise<void>): void {
    this.applier.hold(async () => {
      await drained(this.services);
      await work();
    });
  }
}
