import { setTimeout as delay } from 'node:timers/promises';
import { BinlogStream } from '../mysql/binlog/stream.js';
import { atLeast, clockOffset, connectSource } from '../mysql/connection.js';
import type { TableDefinition } from '../mysql/model.js';
import { charsetsOf } from '../mysql/types/index.js';
import { endPosition, hasReached, transactionsBetween } from '../mysql/position.js';
import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { ResolvedTask } from '../shared/task.js';
import type { TablestoreClient } from '../tablestore/client.js';
import type { RowChange } from '../tablestore/model.js';
import type { TablestoreWriter } from '../tablestore/writer.js';
import { Blockage } from './blockage.js';
import { changeKinds, CheckpointTracker, type Transaction } from './checkpoint.js';
import type { TableName } from './ddl/parse.js';
import { BlockedByDirtyData, type DirtyData } from './dirty.js';
import { compileFilter } from './filter/index.js';
import type { LoadContext } from './full-load.js';
import { Heartbeat } from './heartbeat.js';
import { refusedIdentity, StreamHandler, type StreamContext } from './incremental.js';
import { planError, selectorsOf, type PreparedTask } from './prepare.js';
import { Joining, mayHaveBranchRows, type JoinHost } from './joining.js';
import { enterTables, noteTables, type NotedTables } from './join-records.js';
import { destinationTaken, objectChanges, recordOf } from './object-changes.js';
import { planTable, selectionOf, sourceName, tableName, type PlanProblem, type TablePlan } from './plan.js';
import { deleteRowsOf, fetchRow } from './reload.js';
import { onSource, type SourceRetry } from './source-retry.js';
import type { TableChanges, TableRecord, TaskStore } from './store.js';
import { StreamTables } from './stream-tables.js';
import { XaBranches } from './xa-branches.js';

export interface FollowingOptions {
  /** Its selection changes by change(). */
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
  /** Settles when no request of an earlier run can be carried out any more. */
  earlierOver: () => Promise<void>;
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
  private readonly roomWanted: (() => void)[] = [];
  private paused = false;
  private waits = 0;
  private draining = 0;
  private readonly work = new Set<Promise<void>>();
  /** Of requests from outside that are not through: told when the run ends before. */
  private readonly unanswered = new Set<() => void>();
  private over = false;
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
      uncounted: (figure, times) => this.uncount(figure as Figure, times),
      rejected: (change, error, transaction) => this.rejected(change, error, transaction),
    });
    this.tables = new StreamTables(task, store, prepared.etl, prepared.facts.lowerCaseTableNames !== 0, {
      reload: (name, why) => this.blocking(() => this.rejoin(name, why)),
      deleteRows: (table) => this.blocking(() => deleteRowsOf(options, table)),
      changed: () => this.handler.forget(),
      log: (text) => options.log.warn(text),
    });
    const records = store.tables();
    const starting = new Set(records.filter(({ from }) => from).map(({ source }) => source));
    this.handler = new StreamHandler(
      this.context({
        tracker: this.tracker,
        branches: new XaBranches(store, {
          keeps: (source) =>
            !starting.has(source) && ![...this.joins].some((join) => join.sources.has(source)),
          marks: () => [''],
          absent: () => this.tables.absent(),
        }),
        find: (database, name) => this.tables.find(database, name),
        follows: (source) => this.tables.follows(source),
        unknownRows: (source, xid, at) => this.unknownRows(source, xid, at),
        isOver: () => this.ended !== null || options.signal.aborted,
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
    this.tellRoom();
    void this.stream?.stop();
    for (const join of this.joins) join.stop();
  }

  /** There is room in the writer again. */
  resume(): void {
    this.queueFull = false;
    this.tellRoom();
    this.goOn();
  }

  private tellRoom(): void {
    for (const tell of this.roomWanted.splice(0)) tell();
  }

  private room(): Promise<void> {
    if (!this.queueFull || this.ended !== null || this.options.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.roomWanted.push(resolve));
  }

  private unknownRows(source: string, xid: string, at: SourcePosition): void {
    if (source !== '') {
      const definition = this.tables.follows(source)?.plan.definition;
      if (!definition) return;
      const name = { database: definition.database, table: definition.name };
      this.blocking(() => this.rejoin(name, mayHaveBranchRows));
      return;
    }
    const { begun } = this.options.prepared.progress;
    if (begun && hasReached(begun, at)) return;
    throw new RowferryError(
      'ROW-S109',
      `The source committed the XA transaction ${xid}, whose rows lie before the place where this task began.`,
      { remedy: 'Load the tables anew: rowferry reset, then run.' },
    );
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

  private readonly blockage = new Blockage(
    () => this.handler.isInside,
    (error) => this.options.fail(error),
  );

  private get standsStill(): boolean {
    return this.paused || this.queueFull || this.waits > 0;
  }

  private goOn(): void {
    if (!this.standsStill) this.stream?.resume();
    for (const join of this.joins) join.steer();
  }

  /** Tables that are on their way into this stream, and those that are in it with rows still on their way. */
  private readonly joins = new Set<Joining>();
  private readonly joined: Joined[] = [];

  /** Tables that are loaded beside the stream just now. */
  get joining(): ReadonlySet<string> {
    return new Set([...this.joins].flatMap((join) => [...join.sources]));
  }

  recordOf(source: string): TableRecord | undefined {
    return this.tables.records.find((record) => record.source === source);
  }

  /**
   * Takes another selection of tables (object-changes.ts), without stopping those that stay. Settles when what is new
   * has begun. Throws ROW-T106 when it cannot be carried out, ROW-E109 when the run ends before.
   */
  change(task: ResolvedTask): Promise<void> {
    return this.asked(() => this.changeNow(task));
  }

  /**
   * Work that is asked for from outside, between two events, when whatever is queued has gone out: a table is not read
   * while older rows of it are on their way (correctness rule 11).
   */
  private async asked(work: () => Promise<void>): Promise<void> {
    const notRunning = () =>
      new RowferryError('ROW-E109', `${this.options.task.name} has stopped meanwhile.`);
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

  private async changeNow(task: ResolvedTask): Promise<void> {
    const { options } = this;
    const { store, prepared, log } = options;
    const noted = await noteTables({ ...options, task }, selectorsOf(task));
    const changes = objectChanges(task, store.tables(), noted.definitions);
    const [problem] = changes.problems;
    if (problem !== undefined) throw new RowferryError('ROW-T106', problem);
    options.task = task;
    this.tables.retask(task);
    for (const { source, destination } of changes.removed) {
      await this.dismiss(source);
      this.tables.remove(source);
      prepared.forget(source);
      store.removeTable(source);
      log.info(`${source} is not followed any more; ${destination} stays as it is`);
    }
    await this.enter([...changes.added, ...changes.changed.map((one) => one.plan)], noted);
  }

  /**
   * Loads a table anew that was asked for, into a destination table that is made anew when `remake` says so, while the
   * others go on. Settles when that has begun. Throws ROW-E109 when the run ends before.
   */
  reload(name: TableName, remake: boolean): Promise<void> {
    return this.asked(() => this.rejoin(name, 'was asked for', remake));
  }

  /** A table whose definition or rows changed under it is loaded anew, while the others go on. */
  private async rejoin(name: TableName, why: string, remake = false): Promise<void> {
    const { options } = this;
    const noted = await noteTables(options, [{ database: name.database, table: name.table }]);
    const selection = selectionOf(options.task, name.database, name.table);
    const [definition] = noted.definitions;
    if (!selection) return;
    if (!definition) {
      // A statement behind this one took it away; whoever asked by name is told.
      const source = sourceName({ database: name.database, name: name.table });
      if (this.recordOf(source)?.phase === 'stopped') return;
      this.tables.stop(
        source,
        new RowferryError('ROW-S108', `${source} does not exist at the source any more.`),
      );
      return;
    }
    const problems: PlanProblem[] = [];
    const plan = planTable(options.task, definition, selection.mapping, problems);
    try {
      if (!plan) throw planError(problems);
      const taken = destinationTaken(options.task, plan, options.store.tables());
      if (taken) throw taken;
      if (plan.filter !== null) compileFilter(plan.filter, plan.definition);
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      await this.refuse(definition, error);
      return;
    }
    options.log.info(`${plan.source} ${why}: it is loaded anew`);
    await this.enter([plan], noted, remake);
  }

  /** It cannot be mapped as it is: it stops alone, and can be loaded when it is mended. */
  private async refuse(definition: TableDefinition, problem: RowferryError): Promise<void> {
    const { task, prepared, log } = this.options;
    const source = sourceName(definition);
    await this.dismiss(source);
    const mapping = selectionOf(task, definition.database, definition.name)?.mapping;
    const destination = tableName(definition.name, mapping, task);
    const known = this.recordOf(source) ?? recordOf(task, { source, definition, destination });
    const { from: _from, definedAt: _definedAt, ...rest } = known;
    const stopped: TableRecord = { ...rest, phase: 'stopped', problem: problem.toPlain() };
    prepared.save(stopped);
    this.tables.add(stopped);
    log.warn(`${source} stopped: ${problem.message}`);
  }

  private async enter(
    plans: readonly TablePlan[],
    noted: Pick<NotedTables, 'from' | 'definedAt'>,
    remake = false,
  ): Promise<void> {
    if (plans.length === 0) return;
    for (const { source } of plans) await this.dismiss(source);
    await this.drained();
    const { options } = this;
    const { prepared } = options;
    await onSource(options, (connection) =>
      prepared.charsets.load(
        (sql) => connection.query(sql),
        charsetsOf(plans.flatMap((plan) => plan.definition.columns)),
      ),
    );
    const records = enterTables(options.task, options.store, plans, noted, remake);
    prepared.enter(records, plans);
    for (const record of records) this.tables.add(record, 'joining');
    this.begin(records);
  }

  /** Nothing more is read or written of a table that was joining. */
  private async dismiss(source: string): Promise<void> {
    // What it has joined by speaks for it no more: its record is that of another beginning.
    for (const one of this.joined) one.sources = one.sources.filter((name) => name !== source);
    await Promise.all([...this.joins].map((join) => join.leave(source)));
  }

  /** Everything queued is at the destination. The main stream stands still; those of joining tables do meanwhile. */
  private async drained(): Promise<void> {
    this.draining++;
    this.goOn();
    try {
      await this.options.writer.drain();
      await this.options.earlierOver();
    } finally {
      this.draining--;
      this.goOn();
    }
  }

  /** All with the same place of their own. */
  private begin(records: readonly TableRecord[]): void {
    // Noted already: the next run begins them.
    if (this.ended !== null) return;
    const join = new Joining(this.host, records);
    this.joins.add(join);
    this.caughtUp = false;
    const done = join.run().then(
      () => undefined,
      (error: unknown) => this.options.fail(error),
    );
    this.work.add(done);
    void done.finally(() => {
      this.work.delete(done);
      join.save();
      this.joins.delete(join);
    });
  }

  private readonly host: JoinHost = (() => {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- getters of the object below
    const following = this;
    return {
      get options() {
        return following.options;
      },
      events: {
        written: (change: RowChange) => this.count(change),
        uncounted: (figure: object, times: number) => this.uncount(figure as Figure, times),
        rejected: (change: RowChange, error: { code: string; message: string }, transaction: Transaction) =>
          this.rejected(change, error, transaction),
      },
      context: (feed: Feed) => this.context(feed),
      place: () => ({
        position: this.stream?.position ?? this.streamPosition,
        isInside: this.handler.isInside,
      }),
      join: (records: readonly TableRecord[], from: SourcePosition, tracker: CheckpointTracker) =>
        this.takeIn(records, from, tracker),
      again: (name: TableName, why: string) =>
        new Promise<void>((resolve) =>
          this.handler.holdNext(async () => {
            await this.drained();
            await this.rejoin(name, why);
            resolve();
          }),
        ),
      hold: () => {
        this.waits++;
        this.stream?.pause();
        return () => {
          this.waits--;
          this.goOn();
        };
      },
      standsStill: () => this.paused || this.queueFull || this.draining > 0,
    };
  })();

  private takeIn(records: readonly TableRecord[], from: SourcePosition, tracker: CheckpointTracker): void {
    for (const { from: _from, definedAt: _definedAt, ...record } of records) {
      this.tables.add(record, from);
      this.options.log.info(`${record.source} has joined the stream`);
    }
    if (!this.handler.isInside) this.tables.reached(this.stream?.position ?? this.streamPosition);
    // What these tables have on their way holds the checkpoint like everything else.
    const mark = this.tracker.begin(0, '');
    mark.outstanding = 1;
    mark.abandon();
    this.joined.push({ sources: records.map((record) => record.source), from, tracker, mark });
    this.settleJoined();
  }

  private settleJoined(): void {
    for (const one of this.joined) {
      if (!one.mark || !one.tracker.isIdle) continue;
      one.mark.outstanding = 0;
      one.mark = null;
      this.tracker.advance();
    }
  }

  /** Past their place the checkpoint speaks for these tables, too. */
  private forgetJoined(): void {
    const { store, prepared } = this.options;
    for (const one of [...this.joined]) {
      if (one.mark || !hasReached(this.tracker.position, one.from)) continue;
      this.joined.splice(this.joined.indexOf(one), 1);
      // What they passed after their own stream had ended.
      for (const step of one.tracker.takePassed()) step();
      const sources = new Set(one.sources);
      for (const { from, definedAt: _definedAt, ...record } of store.tables()) {
        if (from && sources.has(record.source)) store.saveTable(record);
      }
      for (const source of sources) {
        const { from: _from, definedAt: _definedAt, ...record } = prepared.record(source);
        prepared.update(record);
      }
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
    const saver = setInterval(() => this.save(), saveMs);
    const poller = this.poll();
    this.heartbeat.start();
    const open = new Map<string, TableRecord[]>();
    for (const record of this.options.store.tables()) {
      if (!record.from) continue;
      const place = JSON.stringify(record.from);
      open.set(place, [...(open.get(place) ?? []), record]);
    }
    for (const records of open.values()) this.begin(records);
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
      this.blockage.close();
      await this.stream?.stop();
      await Promise.all([poller, this.heartbeat.stop()]);
      this.save();
      this.over = true;
      for (const tell of this.unanswered) tell();
    }
  }

  /** Where the source is, once a second: how far we are behind, and whether the goal is reached. */
  private async poll(): Promise<void> {
    const { options } = this;
    const stop = AbortSignal.any([this.finishing.signal, options.signal]);
    while (!stop.aborted) {
      let opened;
      try {
        const connection = (opened = await connectSource(options.task.source));
        let clockAtMs = 0;
        while (!stop.aborted) {
          if (Date.now() - clockAtMs > clockEveryMs) {
            this.clockOffsetMicros = await connection.answering(() => clockOffset(connection), stop);
            clockAtMs = Date.now();
          }
          const askedMicros = this.sourceMicros();
          this.knownEnd = await connection.answering(() => endPosition(connection), stop);
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
        await opened?.close();
      }
    }
  }

  private look(): void {
    this.settleJoined();
    const { position } = this.tracker;
    // Places are compared only in a binlog that is known to be the one that is read: numbers of another mean nothing.
    const isStreaming = this.stream?.isStreaming ?? false;
    this.caughtUp =
      isStreaming &&
      this.knownEnd !== null &&
      hasReached(position, this.knownEnd) &&
      this.tracker.isIdle &&
      this.joins.size === 0;
    if (this.caughtUp) this.caughtUpMicros = this.endAskedMicros;
    const { goal } = this.options;
    const isDone =
      isStreaming &&
      goal !== null &&
      hasReached(position, goal) &&
      this.joins.size + this.joined.length === 0;
    if (isDone && this.ended === null) this.end('reached');
  }

  /** Checkpoint, figures and what belongs to them, in one store transaction. */
  private save(): void {
    const { store, prepared } = this.options;
    const { progress } = prepared;
    const passed = this.tracker.takePassed();
    for (const join of this.joins) join.save();
    this.settleJoined();
    const text = JSON.stringify([this.tracker.position, progress.rows]);
    if (passed.length === 0 && text === this.savedPosition && this.joined.length === 0) return;
    progress.checkpoint = this.tracker.position;
    progress.changes = Object.fromEntries(this.changes);
    store.transaction(() => {
      for (const step of passed) step();
      store.saveProgress(progress);
      this.forgetJoined();
    });
    this.savedPosition = text;
  }

  private readonly figures = new Map<string, Figure>();

  private count(change: RowChange): Figure | null {
    const { rows } = this.options.prepared.progress;
    const source = this.tables.ofChange(change)?.plan.source;
    const field = ([undefined, 'inserted', 'updated', 'deleted'] as const)[
      change.tag === changeKinds.extra ? 0 : change.tag + 1
    ];
    if (source !== undefined && !this.changes.has(source))
      this.changes.set(source, { inserted: 0, updated: 0, deleted: 0 });
    if (!field) return null;
    rows[field]++;
    const changes = source === undefined ? undefined : this.changes.get(source);
    if (changes) changes[field]++;
    const name = `${field} ${source}`;
    let figure = this.figures.get(name);
    if (!figure) this.figures.set(name, (figure = { source, field }));
    return figure;
  }

  private uncount({ source, field }: Figure, times: number): void {
    this.options.prepared.progress.rows[field] -= times;
    const changes = source === undefined ? undefined : this.changes.get(source);
    if (changes) changes[field] -= times;
  }

  private rejected(
    change: RowChange,
    error: { code: string; message: string },
    transaction: Transaction,
  ): void {
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
    const { task, writer, dirty, prepared } = this.options;
    return {
      ...feed,
      task,
      charsets: prepared.charsets,
      dirty,
      enqueue: (change) => {
        if (writer.enqueue(change)) return;
        this.queueFull = true;
        this.stream?.pause();
        for (const join of this.joins) join.steer();
      },
      ask: async (filter, _table, rows) => {
        const answers: boolean[] = [];
        await this.options.retry.retrying(async () => {
          const connection = await connectSource(task.source);
          try {
            const kept = await connection.query<{ kept: number }>(
              filter.askSql(rows as never, atLeast(prepared.facts, 8, 0, 4)),
            );
            answers.push(...kept.map((row) => Number(row.kept) === 1));
          } finally {
            await connection.close();
          }
        });
        return answers;
      },
      blocked: (error) => this.blockage.add(error),
      room: () => this.room(),
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

type Feed = Parameters<JoinHost['context']>[0];

/** What a written change is counted as. */
interface Figure {
  readonly source: string | undefined;
  readonly field: 'inserted' | 'updated' | 'deleted';
}

/** Tables in the stream whose rows from before are still on their way, or whose place is still ahead of it. */
interface Joined {
  sources: string[];
  from: SourcePosition;
  tracker: CheckpointTracker;
  /** Holds the checkpoint; null when what they had on their way is through. */
  mark: Transaction | null;
}
