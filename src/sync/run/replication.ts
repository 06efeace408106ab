import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { lockLost } from '../../mysql/lock.js';
import type { ChangePlan } from '../../shared/change-plan.js';
import type { RunOutcome, StartOptions } from '../../shared/engine-api.js';
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
import type { LoadContext } from '../load/full-load.js';
import { loadKeepsRows } from '../tables/kept-rows.js';
import { changePlan, selectionDiff } from '../tables/selection-diff.js';
import { hasBegunToLoad, prepareTask, selectorsOf, type PreparedTask } from '../tables/prepare.js';
import { withoutParts } from '../online-change/parts.js';
import { LoadPhase } from './load-phase.js';
import { RateMeter } from './rates.js';
import { SchemaPhase, stopTable } from './schema-phase.js';
import { limitsInForce, loadedWords, tableViews, type ReplicationView } from './replication-view.js';
import { assertKey } from '../tables/destination-table.js';
import { SessionCache } from '../source/session-cache.js';
import type { RunServices } from '../stream/run-services.js';
import { SourceRetry, type SourceRetryState } from '../source/retry.js';
import { LoadThrottle } from '../source/load-throttle.js';
import { streamSessionsOf, readersOf } from '../source/session-count.js';
import type { TaskProgress, TaskStore } from '../state/task-store.js';
import { InFlightMarker } from '../state/in-flight-marker.js';
import { isThrottled, writerSettings } from '../base/settings.js';
import type { TaskLog } from '../base/task-log.js';
import { TaskSettings } from '../base/task-settings.js';
import type { Timing } from '../base/timing.js';

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
    const services = this.services(prepared);
    this.phase = 'schema';
    const schema = new SchemaPhase(services, this.loadThrottle, (state) =>
      this.retrying('destination', state),
    );
    await schema.run();
    const isLoading = task.synchronization.full || hasBegunToLoad(prepared.records.all);
    if (isLoading) {
      this.phase = 'full';
      await new LoadPhase(services, schema).run();
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
    const ended = await this.follow(services, goal);
    if (ended === 'stopped') return { state: 'stopped', reached: false };
    return { state: replayOnly ? 'completed' : 'stopped', reached: true };
  }

  private earlierOver(): Promise<void> {
    return this.unclean.over(this.stopping.signal, (text) => this.log.info(text));
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

  private loadContext(prepared: PreparedTask): LoadContext {
    return {
      settings: this.task.source,
      chunk: this.settings.timing.chunk,
      known: () => this.known,
      store: this.store,
      writer: this.writer,
      charsets: prepared.charsets,
      dirty: this.dirty,
      whole: prepared.progress.start === null,
      signal: this.stopping.signal,
      ending: this.stopping.signal,
      readers: () => readersOf(this.task),
      query: (work) => this.loadThrottle.query(work),
      retrying: (work) => this.sourceRetry.retrying(work),
      events: {
        progress: (source, dealt) => {
          prepared.records.count(source, dealt);
          prepared.progress.rows.full = prepared.records.loadedRows;
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
          this.log.info(`${source} loaded: ${loadedWords(record, this.store.dirtyCounts().get(source))}`, {
            table: source,
          });
        },
        begunAgain: (source) => {
          prepared.records.step(source, { step: 'loading-again' });
        },
        lost: (source, problem) => stopTable({ prepared, log: this.log }, source, problem),
      },
    };
  }

  private services(prepared: PreparedTask): RunServices {
    const known = () => this.known;
    return {
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
      loadTable: (plan) => ({
        plan,
        transform: prepared.transform(plan),
        keepsRows: loadKeepsRows(this.task, prepared.records.get(plan.source)),
      }),
    };
  }

  private async follow(services: RunServices, goal: SourcePosition | null): Promise<'reached' | 'stopped'> {
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
    const dirty = this.store.dirtyCounts();
    const tables = tableViews(prepared?.records.all ?? [], this.phase, incremental, dirty);
    // Where the stream is says nothing of tables that have all stopped.
    const kept = isEveryTableStopped({ tables }) ? null : incremental;
    return {
      state: this.outcome?.state ?? this.activity(),
      phase: this.phase,
      tables,
      ...(prepared && { leftOut: prepared.leftOut.views() }),
      rows: { ...rows, ...(prepared && { full: prepared.records.loadedRows }) },
      ...rates,
      latencyMs: kept?.latencyMs() ?? null,
      lagTransactions: kept?.lagTransactions() ?? null,
      ...limitsInForce(this.phase, stats, this.task.throttle.full.queriesPerSecond),
      position: incremental?.position ?? this.progress?.checkpoint ?? this.progress?.start ?? null,
      caughtUp: kept?.caughtUp ?? false,
      dirty: [...dirty.values()].reduce((sum, open) => sum + open, 0),
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
