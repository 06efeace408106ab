import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { lockLost } from '../../mysql/lock.js';
import type { ChangePlan } from '../../shared/change-plan.js';
import type { RunOutcome, StartOptions } from '../../shared/engine-api.js';
import { charsetsOf } from '../../mysql/types/index.js';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { isEveryTableStopped } from '../../shared/stopped-tables.js';
import type { ResolvedTask } from '../../shared/task.js';
import { tuningOf, type Tunable } from '../../shared/tuning.js';
import { TablestoreClient } from '../../tablestore/client/client.js';
import type { Lease } from '../../tablestore/client/lease.js';
import { describeTable } from '../../tablestore/client/operations.js';
import type { RetryState, RetryWindows } from '../../tablestore/client/retry.js';
import { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { BlockedByDirtyData, DirtyData } from '../dirty/dirty.js';
import { IncrementalPhase } from '../incremental/incremental.js';
import { loadTables, type LoadContext, type LoadTable } from '../load/full-load.js';
import { changePlan, selectionDiff } from '../tables/selection-diff.js';
import { hasBegunToLoad, prepareTask, selectorsOf, type PreparedTask } from '../tables/prepare.js';
import { sourceName } from '../../shared/source-name.js';
import { withoutParts } from '../online-change/parts.js';
import { planOf, planToLoad, type TablePlan } from '../mapping/plan.js';
import { enterTables, hasSameColumns, noteTables, whyUnseen } from '../tables/snapshot-point.js';
import { RateMeter } from './rates.js';
import { limitsInForce, tableViews, type ReplicationView } from './replication-view.js';
import { assertKey, foundAt, prepareTable } from '../tables/destination-table.js';
import { SessionCache } from '../source/session-cache.js';
import type { RunServices } from '../stream/run-services.js';
import { SourceRetry, type SourceRetryState } from '../source/retry.js';
import { LoadThrottle } from '../source/load-throttle.js';
import { streamSessionsOf, readersOf } from '../source/session-count.js';
import type { TaskProgress, TaskStore } from '../state/task-store.js';
import { sweepTable } from '../load/sweep.js';
import { aboutTable } from '../tables/table-boundary.js';
import { InFlightMarker } from '../state/in-flight-marker.js';
import { isThrottled, writerSettings } from '../base/settings.js';
import { logStopped, type TaskLog } from '../base/task-log.js';
import { TaskSettings } from '../base/task-settings.js';
import type { Timing } from '../base/timing.js';
import { watchRetention } from '../source/retention-watch.js';

/** A destination that does not answer must not keep a stop waiting; what is not acknowledged is sent again later. */
const drainMs = 15_000;
/** Under a throttle the queue would take its time. */
const throttledDrainMs = 2_000;

type Retry = NonNullable<ReplicationView['retry']>;

/** What stop() aborts with: not a failure. */
const stopAsked = new Error('stop was requested');

/**
 * One run of a task, from where the store says it is: schema, full load, incremental (architecture, “Data goes one
 * way”). run() once; stop() at any time.
 */
export class Replication {
  private readonly stopping = new AbortController();
  private readonly client: TablestoreClient;
  private readonly writer: TablestoreWriter;
  private readonly unclean: InFlightMarker;
  private readonly dirty: DirtyData;
  private readonly sourceRetry: SourceRetry;
  private readonly meter = new RateMeter();
  private prepared: PreparedTask | null = null;
  private incremental: IncrementalPhase | null = null;
  private phase: ReplicationView['phase'] = 'none';
  private readonly retries: { source?: Retry; destination?: Retry } = {};
  private saidRetry = '';
  private outcome: RunOutcome | null = null;
  over = false;
  private progress: TaskProgress | null;
  private finished: Promise<RunOutcome> | undefined;
  private readonly loadThrottle: LoadThrottle;
  paused = false;
  /** Another selection, from the incremental on. */
  private wanted: Pick<ResolvedTask, 'objects'> | undefined;
  private readonly settings: TaskSettings;

  constructor(
    task: ResolvedTask,
    private readonly store: TaskStore,
    private readonly options: StartOptions,
    private readonly log: TaskLog,
    timing: Timing,
  ) {
    this.settings = new TaskSettings(task, timing);
    const { windows } = this.settings;
    // Nothing is written before the lock is held, nor when it is not certain any more (correctness rule 12).
    const lease: Lease = {
      isFresh: () => this.prepared?.lock?.isFresh() ?? false,
      confirmed: () => this.prepared?.lock?.confirmed() ?? Promise.reject(lockLost()),
    };
    this.client = new TablestoreClient(task.destination, { lease });
    const settings = writerSettings(task, timing);
    this.unclean = new InFlightMarker(store, settings.lateWriteMs);
    const { untilMs: earlierUntilMs } = this.unclean;
    this.writer = new TablestoreWriter(
      this.client,
      { ...settings, windows, earlierUntilMs },
      {
        onDrain: () => this.incremental?.hasRoom(),
        onRetry: (state) => this.retrying('destination', state),
        onFailed: (error) => this.stopping.abort(error),
      },
    );
    this.dirty = new DirtyData(store, task, log);
    this.sourceRetry = new SourceRetry(
      task.source,
      () => this.known,
      windows,
      this.stopping.signal,
      (state) => this.retrying('source', state),
    );
    this.progress = store.progress();
    this.loadThrottle = new LoadThrottle(task.source, task.throttle.full, this.stopping.signal, log);
  }

  private get task(): ResolvedTask {
    return this.settings.task;
  }

  /**
   * For whatever else writes rows of this task while it runs: order per key is kept by this one writer. null before the
   * lock on the source is held, and when the run is over.
   */
  get runningWriter(): TablestoreWriter | null {
    return this.prepared && !this.over ? this.writer : null;
  }

  /**
   * What the run has seen of its source: all that its stream has read, or where that will begin. Whoever reads rows of
   * the task reads none that are older. null: nothing yet, or there is no binlog.
   */
  get known(): SourcePosition | null {
    return this.incremental?.known ?? this.progress?.checkpoint ?? this.progress?.start ?? null;
  }

  /** As IncrementalPhase.settled(), for whoever reads rows in order to write them; at once before it has begun. */
  async settled(): Promise<void> {
    await this.incremental?.settled();
  }

  run(): Promise<RunOutcome> {
    return (this.finished ??= this.work());
  }

  /** Nothing is read and nothing written until resume(); what is in flight comes to its end. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.log.info('paused');
    this.writer.pause();
    this.loadThrottle.pause();
    this.incremental?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.log.info('resumed');
    this.writer.resume();
    this.loadThrottle.resume();
    this.incremental?.unpause();
  }

  tune(tunable: Tunable): void {
    this.settings.tune(tunable);
    const {
      windows: _windows,
      earlierUntilMs: _until,
      ...settings
    } = writerSettings(this.task, this.settings.timing);
    this.writer.retune(settings);
    this.loadThrottle.tune(this.task.throttle.full);
    if (this.task.audit) this.incremental?.audit?.tune(this.task.audit.rowsPerSecond);
  }

  /** How long failures are tried again from now on. */
  retryWithin(windows: RetryWindows): void {
    this.settings.retryWithin(windows);
  }

  /** What another selection would mean; nothing is changed. */
  async planChanges(task: ResolvedTask): Promise<Omit<ChangePlan, 'atNextStart'>> {
    const known = this.prepared?.leftOut.all ?? this.progress?.leftOut;
    const { tables } = await this.sourceRetry.onSource(async (connection) =>
      withoutParts(connection, task, await loadDefinitions(connection, selectorsOf(task)), known),
    );
    const records = this.prepared?.records.all ?? this.store.tables();
    // What change() takes over; the rest of the file holds from the next start.
    const changes = selectionDiff({ ...this.task, objects: task.objects }, records, tables);
    const later = selectionDiff(task, records, tables, { stopsRunning: true });
    for (const { plan } of changes.changed) {
      const existing = await describeTable(this.client, plan.destination);
      try {
        if (existing) assertKey(plan, existing);
      } catch (error) {
        if (!(error instanceof RowferryError)) throw error;
        changes.problems.push(`${error.message} Choose another destination table name.`);
      }
    }
    const isNow = (source: string) => changes.changed.some(({ record }) => record.source === source);
    const reloaded = later.changed.flatMap(({ record: { source, reload }, what }) =>
      (what.length > 0 || !reload) && !isNow(source) ? [source] : [],
    );
    return { ...changePlan(changes), ...(reloaded.length > 0 && { reloadedAtNextStart: reloaded }) };
  }

  /**
   * Takes another selection while the tables that stay go on; before the incremental begins it is kept until then.
   * Throws ROW-T106.
   */
  async change(selection: Pick<ResolvedTask, 'objects'>): Promise<void> {
    if (this.paused)
      throw new RowferryError('ROW-T106', `${this.task.name} is paused.`, {
        remedy: 'Resume the task, then apply the changes.',
      });
    if (this.incremental) await this.incremental.change(selection);
    else this.wanted = selection;
  }

  /** Drains what is queued, saves the checkpoint; settles when the run is over. A paused one writes nothing more. */
  async stop(): Promise<void> {
    if (this.incremental && !this.paused) this.incremental.end();
    else this.stopping.abort(stopAsked);
    await this.finished?.catch(() => undefined);
  }

  private async work(): Promise<RunOutcome> {
    try {
      this.outcome = await this.phases();
    } catch (error) {
      const cause: unknown = this.stopping.signal.aborted ? this.stopping.signal.reason : error;
      if (cause === stopAsked) this.outcome = { state: 'stopped' };
      else if (cause instanceof BlockedByDirtyData)
        this.outcome = { state: 'blocked', error: cause.waiting(this.store.undecidedDirty()).toPlain() };
      else if (cause instanceof RowferryError) this.outcome = { state: 'failed', error: cause.toPlain() };
      else throw cause;
    } finally {
      this.over = true;
      // Nothing is written any more when another may begin.
      this.writer.close();
      this.prepared?.records.close();
      if (this.writer.leftNothing) this.unclean.end();
      await this.prepared?.lock?.release().catch(() => undefined);
      this.client.close();
    }
    return this.outcome;
  }

  private async phases(): Promise<RunOutcome> {
    const { task, options } = this;
    const prepared = (this.prepared = await prepareTask({
      task,
      timing: this.settings.timing,
      store: this.store,
      retry: this.sourceRetry,
      signal: this.stopping.signal,
      log: this.log,
      onLockLost: (reason) => this.stopping.abort(reason),
      onTakenOver: () => {
        this.unclean.takenOver();
        this.writer.retune({ earlierUntilMs: this.unclean.untilMs });
      },
    }));
    this.progress = prepared.progress;
    this.unclean.begin();
    this.phase = 'schema';
    await this.schema(prepared);
    const isLoading = task.synchronization.full || hasBegunToLoad(prepared.records.all);
    if (isLoading) {
      this.phase = 'full';
      await this.load(prepared);
    }
    // Tables that are loaded again, or came later, load beside the stream.
    const loadsLater = prepared.records.all.some(({ from }) => from !== undefined);
    if (options.until === 'full' && !loadsLater) return { state: 'stopped', reached: true };
    const replayOnly = !task.synchronization.incremental;
    if (this.progress.start === null) return { state: 'completed', reached: true };
    if (replayOnly && !isLoading) return { state: 'completed', reached: true };
    this.phase = 'incremental';
    const goal = replayOnly
      ? this.progress.loadedAt
      : options.until !== undefined
        ? await prepared.endPosition()
        : null;
    const ended = await this.follow(prepared, goal);
    if (ended === 'stopped') return { state: 'stopped', reached: false };
    return { state: replayOnly ? 'completed' : 'stopped', reached: true };
  }

  private async schema(prepared: PreparedTask): Promise<void> {
    const { task, store } = this;
    const { windows } = this.settings;
    const options = {
      signal: this.stopping.signal,
      onRetry: (state: RetryState | null) => this.retrying('destination', state),
      windows,
    };
    const made = new Set<string>();
    const prepare = async (plan: TablePlan) => {
      const { records } = prepared;
      const record = records.get(plan.source);
      await this.loadThrottle.opened();
      // What an earlier run had sent must not arrive in the new table.
      if (record.remake) await this.earlierOver();
      const isOurs = record.created || record.creating === true;
      const created = await prepareTable(this.client, plan, task, {
        mayExist: isOurs || record.sweep === true || (task.merge && made.has(plan.destination)),
        remake: record.remake === true,
        creating: () => void records.step(plan.source, { step: 'creating' }),
        options,
      });
      if (created) made.add(plan.destination);
      records.step(plan.source, {
        step: 'created',
        isOwn: created || isOurs,
        ...foundAt(this.client, record, created || isOurs),
        sweep: record.sweep === true && !created && task.synchronization.full,
        isLoaded: !task.synchronization.full,
      });
      this.log.info(`${plan.destination} ${created ? 'created' : 'is there'} for ${plan.source}`, {
        table: plan.source,
      });
    };
    const refused = new Map<string, RowferryError>();
    for (const plan of prepared.plans) {
      const { source } = plan;
      const { phase, from } = prepared.records.get(source);
      if (phase !== 'schema' || from) continue;
      await this.about(
        source,
        () => prepare(plan),
        (problem) => void refused.set(source, problem),
      );
    }
    const [first] = refused.values();
    // Nothing is left to be done: that is told, and tried again by the next run.
    if (first && refused.size === prepared.records.all.length) throw first;
    for (const [source, problem] of refused) this.lost(prepared, source, problem);
    store.saveProgress(prepared.progress);
  }

  private async load(prepared: PreparedTask): Promise<void> {
    const { start } = prepared.progress;
    if (prepared.records.all.some(({ phase, sweep }) => phase === 'full' || sweep)) await this.earlierOver();
    const over = new AbortController();
    if (start !== null) {
      const until = AbortSignal.any([over.signal, this.stopping.signal]);
      const { startWatchMs } = this.settings.timing;
      void watchRetention(
        this.task.source,
        start,
        (error) => this.stopping.abort(error),
        until,
        startWatchMs,
      );
    }
    try {
      await this.loadAll(prepared);
    } finally {
      over.abort();
    }
  }

  private earlierOver(): Promise<void> {
    return this.unclean.over(this.stopping.signal, (text) => this.log.info(text));
  }

  private async loadAll(prepared: PreparedTask): Promise<void> {
    for (let tables = this.toLoad(prepared); tables.length > 0; tables = this.toLoad(prepared)) {
      let failure: { error: unknown } | null = null;
      let failed: ReadonlyMap<string, RowferryError> = new Map();
      try {
        failed = await loadTables(this.loadContext(prepared), tables);
      } catch (error) {
        this.stopping.signal.throwIfAborted();
        failure = { error };
      }
      // What was altered cannot be read as it was; the others go on where they are.
      const altered = await this.restartAltered(prepared, tables);
      if (failure && altered.size === 0) throw failure.error;
      for (const [source, problem] of failed) if (!altered.has(source)) this.lost(prepared, source, problem);
    }
    for (const record of prepared.records.all) {
      const { source } = record;
      if (!record.sweep || record.from || record.phase !== 'loaded') continue;
      const sweep = async () => {
        await sweepTable(this.sweeping(prepared), prepared.planOf(source));
        prepared.records.step(source, { step: 'swept' });
      };
      await this.about(source, sweep, (problem) => this.lost(prepared, source, problem));
    }
    if (prepared.progress.loadedAt === null && prepared.progress.start !== null) {
      prepared.progress.loadedAt = await prepared.endPosition();
      this.store.saveProgress(prepared.progress);
    }
  }

  private lost(prepared: PreparedTask, source: string, problem: RowferryError): void {
    prepared.records.step(source, { step: 'stopped', problem: problem.toPlain() });
    logStopped(this.log, source, problem);
  }

  private toLoad(prepared: PreparedTask): LoadTable[] {
    return prepared.plans
      .filter(({ source }) => {
        const { phase, from } = prepared.records.get(source);
        return phase === 'full' && !from;
      })
      .map((plan) => ({
        plan,
        transform: prepared.transform(plan),
        existed: !prepared.records.get(plan.source).created,
      }));
  }

  private about(
    source: string,
    work: () => Promise<void>,
    stop: (problem: RowferryError) => void,
  ): Promise<boolean> {
    return aboutTable({ source, signal: this.stopping.signal }, work, stop);
  }

  /**
   * A table that was altered between the start and the end of its load is loaded anew: from a place of its own, beside
   * the stream, or here when there is none (correctness rule 13). Gives those.
   */
  private async restartAltered(
    prepared: PreparedTask,
    tables: readonly LoadTable[],
  ): Promise<ReadonlySet<string>> {
    const retry = this.sourceRetry;
    const selectors = tables.map(({ plan: { definition } }) => ({
      database: definition.database,
      table: definition.name,
    }));
    const noted = await noteTables(retry, selectors, prepared.progress.start !== null);
    const now = new Map(noted.definitions.map((definition) => [sourceName(definition), definition]));
    const altered = new Set<string>();
    for (const { plan } of tables) {
      const { source } = plan;
      if (prepared.records.get(source).phase === 'stopped') continue;
      const definition = now.get(source);
      if (definition && hasSameColumns(definition, plan.definition)) continue;
      altered.add(source);
      const enter = async () => {
        if (!definition) throw await whyUnseen(retry, plan.definition);
        this.log.warn(`${source} was altered before its load finished: reloading it`, { table: source });
        const fresh = planOf(this.task, definition, planToLoad);
        await retry.onSource((connection) =>
          prepared.charsets.load((sql) => connection.query(sql), charsetsOf(definition.columns)),
        );
        enterTables(this.task, prepared.records, this.store, [fresh], noted);
        prepared.enter([fresh]);
      };
      await this.about(source, enter, (problem) => this.lost(prepared, source, problem));
    }
    if (altered.size > 0 && prepared.progress.start === null) await this.schema(prepared);
    return altered;
  }

  /**
   * Loads tables anew while the task runs, and settles when that has begun. Throws ROW-E101 while the full load is not
   * through, or the task is paused.
   */
  async reload(sources: readonly string[], remake: boolean): Promise<void> {
    const { prepared, incremental } = this;
    if (!prepared || !incremental || this.paused) {
      throw new RowferryError('ROW-E101', 'The task is not replicating changes.', {
        remedy: 'Reload tables after the full load while the task is not paused, or stop the task first.',
      });
    }
    for (const source of sources) {
      const { database, name } = prepared.records.get(source).definition;
      await incremental.reload({ database, table: name }, remake);
    }
  }

  private sweeping(prepared: PreparedTask): Parameters<typeof sweepTable>[0] {
    const { settings, client, writer, sourceRetry: retry, stopping, log } = this;
    return {
      settings,
      known: () => this.known,
      client,
      writer,
      retry,
      signal: stopping.signal,
      log,
      prepared,
    };
  }

  private loadContext(prepared: PreparedTask): LoadContext {
    return {
      settings: this.task.source,
      chunk: this.settings.timing.chunk,
      known: () => this.known,
      store: this.store,
      writer: this.writer,
      charsets: prepared.charsets,
      dirty: this.dirty,
      ignoreConflicts: this.task.conflict === 'ignore',
      whole: prepared.progress.start === null,
      signal: this.stopping.signal,
      ending: this.stopping.signal,
      readers: () => readersOf(this.task),
      query: (work) => this.loadThrottle.query(work),
      retrying: (work) => this.sourceRetry.retrying(work),
      events: {
        progress: (source, written, kept) => {
          // It may have been taken out of the task meanwhile.
          prepared.records.count(source, written, kept);
          prepared.progress.rows.full += written;
        },
        tableDone: (source) => {
          const record = prepared.records.find(source);
          if (!record) return;
          this.store.transaction(() => {
            prepared.records.step(source, { step: 'loaded' });
            this.store.clearChunks(source);
            this.store.settleLoaded(source);
            this.store.saveProgress(prepared.progress);
          });
          this.log.info(`${source} loaded: ${record.rows} rows`, { table: source });
        },
        begunAgain: (source) => {
          prepared.records.step(source, { step: 'loading-again' });
        },
        lost: (source, problem) => this.lost(prepared, source, problem),
      },
    };
  }

  private async follow(prepared: PreparedTask, goal: SourcePosition | null): Promise<'reached' | 'stopped'> {
    const known = () => this.known;
    const services: RunServices = {
      settings: this.settings,
      store: this.store,
      writer: this.writer,
      client: this.client,
      dirty: this.dirty,
      retry: this.sourceRetry,
      known,
      sessions: new SessionCache(this.task.source, streamSessionsOf(this.task), known),
      signal: this.stopping.signal,
      log: this.log,
      prepared,
      fail: (error) => this.stopping.abort(error),
      earlierOver: () => this.earlierOver(),
      loadContext: () => this.loadContext(prepared),
    };
    const incremental = new IncrementalPhase(services, {
      goal,
      drainMs: () => (isThrottled(this.task) ? throttledDrainMs : drainMs),
    });
    this.incremental = incremental;
    if (this.paused) incremental.pause();
    if (this.wanted) incremental.change(this.wanted).catch((error: unknown) => this.stopping.abort(error));
    return incremental.run();
  }

  private retrying(side: 'source' | 'destination', state: RetryState | SourceRetryState | null): void {
    if (state === null) delete this.retries[side];
    else {
      const { error, attempt, untilMs } = state;
      this.retries[side] = { error: error.toPlain(), attempt, untilMs };
    }
    const now = this.retry?.error;
    const said = now ? `${now.message} ${now.remedy}` : '';
    if (said === this.saidRetry) return;
    this.saidRetry = said;
    if (now) this.log.warn(`retrying: ${said}`, { code: now.code });
    else this.log.info('continuing after a retry');
  }

  private get retry(): Retry | undefined {
    return this.retries.source ?? this.retries.destination;
  }

  view(): ReplicationView {
    const { prepared, incremental } = this;
    const stats = this.writer.stats();
    const rates = this.meter.measure(stats.rows, stats.bytes);
    const rows = this.progress?.rows ?? { full: 0, inserted: 0, updated: 0, deleted: 0 };
    const error: PlainError | undefined = this.outcome?.error;
    const tables = tableViews(prepared?.records.all ?? [], this.phase, incremental);
    // Where the stream is says nothing of tables that have all stopped.
    const kept = isEveryTableStopped({ tables }) ? null : incremental;
    return {
      state: this.outcome?.state ?? this.activity(),
      phase: this.phase,
      tables,
      ...(prepared && { leftOut: prepared.leftOut.views() }),
      rows: { ...rows },
      ...rates,
      latencyMs: kept?.latencyMs() ?? null,
      lagTransactions: kept?.lagTransactions() ?? null,
      ...limitsInForce(this.phase, stats, this.task.throttle.full.queriesPerSecond),
      position: incremental?.position ?? this.progress?.checkpoint ?? this.progress?.start ?? null,
      caughtUp: kept?.caughtUp ?? false,
      dirty: this.store.dirtyCount(),
      ...(this.retry && { retry: this.retry }),
      ...(error && { error }),
      tuning: tuningOf(this.task),
      ...(this.loadThrottle.strain && { strain: this.loadThrottle.strain }),
      ...(incremental?.audit && { audit: incremental.audit.view() }),
    };
  }

  private activity(): ReplicationView['state'] {
    if (this.paused) return 'paused';
    if (this.retry) return 'retrying';
    // What the source refuses is not said to run in between.
    if (this.phase === 'incremental' && !this.incremental?.hasBegun()) return 'starting';
    return this.prepared ? 'running' : 'starting';
  }
}
