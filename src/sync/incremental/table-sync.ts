import { logStopped } from '../base/task-log.js';
import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { hasReached } from '../../mysql/position.js';
import type { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { BinlogApplier } from '../stream/applier.js';
import { CheckpointTracker } from '../state/checkpoint.js';
import type { TableName } from '../ddl/cursor.js';
import { loadTables } from '../load/full-load.js';
import { hasSameColumns } from '../tables/snapshot-point.js';
import { lastStatements } from '../stream/last-statements.js';
import { lockedName } from '../tables/prepare.js';
import { mayHandOver } from './meeting.js';
import { untilShown } from '../source/open-branches.js';
import { foundAt, prepareTable } from '../tables/destination-table.js';
import type { ApplierServices } from '../stream/run-services.js';
import { mostSyncReaders } from '../source/session-count.js';
import type { TableRecord } from '../state/task-store.js';
import { sweepTable } from '../load/sweep.js';
import { aboutTable } from '../tables/table-boundary.js';

/** Whoever takes tables into the main stream, as those that come need it. */
export interface TableSyncHost {
  /** The main stream. */
  main(): BinlogApplier;
  /** From `from` on the main stream brings these tables on; what came before it is on its way by `tracker`. */
  handOver(records: readonly TableRecord[], from: SourcePosition, tracker: CheckpointTracker): void;
  /** The table's definition changed, or it came anew: it begins again from a new place. */
  again(name: TableName, why: string, how?: BeginAgain): Promise<void>;
}

/** What is known of a table that begins again. */
export interface BeginAgain {
  /** It was altered by a statement that is not in the binlog. */
  readonly isUnseen?: boolean | undefined;
  /** As TableRecord.branchesShown. */
  readonly branchesShown?: SourcePosition;
}

/** Why a table is loaded anew at the COMMIT of a branch whose rows of it are not kept. */
export const mayHaveBranchRows = 'may have rows in an XA transaction that was open when its load began';

const saveMs = 500;
const lookMs = 200;
/** The main stream is only stopped for a stream that is as close as this, after it has had time to come by itself. */
const closeMicros = 10_000_000;
const patienceMs = 3_000;

/**
 * Tables that come to a stream that runs (correctness rule 11): they are created, loaded and swept with a place of
 * their own in the stream, replayed from there by a stream of their own, and handed over at a boundary between
 * transactions, while the others go on. What is reached is stored, so that a killed run goes on from there.
 */
export class TableSync {
  readonly sources: Set<string>;
  private records: TableRecord[];
  /** From the end of the load on. */
  private applier: BinlogApplier | null = null;
  private readonly stopping = new AbortController();
  private readonly signal: AbortSignal;
  private isHandedOver = false;
  /** Reading of rows under way; begun again, with what is left, when a table leaves. */
  private round: { readonly abort: AbortController; readonly over: Promise<void> } | null = null;
  /** The destination table that is being made just now. */
  private creating: { readonly source: string; readonly over: Promise<void> } | null = null;
  private saved = '';
  /** Of tables that left, and begin again when the source shows a COMMIT. */
  private readonly waits = new Set<Promise<void>>();
  private readonly ending = new AbortController();

  /** All with the same `from` and `definedAt`. */
  constructor(
    private readonly services: ApplierServices,
    private readonly host: TableSyncHost,
    records: readonly TableRecord[],
  ) {
    this.records = [...records];
    this.sources = new Set(records.map((record) => record.source));
    this.signal = AbortSignal.any([services.signal, this.stopping.signal]);
  }

  stop(): void {
    this.ending.abort(new Error('the run ends'));
    this.finish();
  }

  private finish(): void {
    this.stopping.abort(new Error('the table sync was ended'));
    void this.applier?.stop();
  }

  /** A table is not selected any more, or begins again. Settles when nothing more of it is read here. */
  async leave(source: string): Promise<void> {
    if (!this.sources.has(source)) return;
    this.drop(source);
    const { round, creating } = this;
    // Its destination table is not deleted or made any more when it begins again.
    if (creating?.source === source) await creating.over;
    round?.abort.abort(new Error('one of the tables left'));
    await round?.over;
  }

  private drop(source: string): void {
    this.sources.delete(source);
    this.records = this.records.filter((record) => record.source !== source);
    if (this.records.length === 0) this.finish();
  }

  /** Settles when the tables are handed over, or it was stopped. Throws what ends the run. */
  async run(): Promise<void> {
    try {
      this.signal.throwIfAborted();
      await this.create();
      const begun = this.mine().filter(({ phase, source }) => phase === 'full' && this.isBegun(source));
      await this.restartAltered(begun);
      const loaded = this.mine().filter(({ phase }) => phase === 'full');
      while (!(await this.rounds())) this.signal.throwIfAborted();
      await this.restartAltered(loaded);
      await this.replay();
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    } finally {
      this.applier?.close();
      await Promise.all(this.waits);
    }
  }

  private mine(): TableRecord[] {
    const { records } = this.services.prepared;
    return this.records.flatMap(({ source, life }) => {
      const record = records.find(source);
      return record?.life === life ? [record] : [];
    });
  }

  private async create(): Promise<void> {
    for (const record of this.mine()) {
      if (record.phase !== 'schema' || !this.sources.has(record.source)) continue;
      const over = this.createOne(record);
      this.creating = { source: record.source, over: over.catch(() => undefined) };
      await over;
      this.creating = null;
    }
    this.services.log.info(`${[...this.sources].join(', ')}: catching up before joining the main stream`);
  }

  private createOne(record: TableRecord): Promise<void> {
    return this.about(record.source, async () => {
      const { settings, client, prepared } = this.services;
      const { task, windows } = settings;
      const plan = prepared.planOf(record.source);
      await prepared.lock?.extend([lockedName(task, plan.destination)]);
      const { records } = prepared;
      if (record.remake) await this.services.earlierOver();
      const options = { signal: this.signal, onRetry: () => undefined, windows };
      const created = await prepareTable(client, plan, task, {
        mayExist: record.creating === true || record.sweep === true || task.merge,
        remake: record.remake === true,
        creating: () => void records.step(record.source, { step: 'creating' }, record.life),
        options,
      });
      const isOwn = created || record.created || record.creating === true;
      const isRead = task.synchronization.full || record.loads === true;
      const step = {
        step: 'created',
        isOwn,
        ...foundAt(client, record, isOwn),
        // A table made just now holds nothing to be swept.
        sweep: record.sweep === true && !created && isRead,
        isLoaded: !isRead,
      } as const;
      // It may have begun anew meanwhile.
      records.step(record.source, step, record.life);
    });
  }

  /** A table of ours that cannot come is refused. */
  private async about(source: string, work: () => Promise<void>): Promise<void> {
    await aboutTable({ source, signal: this.signal }, work, (problem) => this.lose(source, problem));
  }

  /** Its rows are not brought any more; it is handed over as stopped. */
  stopTable(source: string, problem: RowferryError): void {
    if (!this.isHandedOver && this.sources.has(source)) this.applier?.tables.stop(source, problem);
  }

  /** This table cannot come; the others do. */
  private refuse(record: TableRecord, problem: RowferryError): void {
    const { prepared, log } = this.services;
    prepared.records.step(record.source, { step: 'stopped', problem: problem.toPlain() }, record.life);
    logStopped(log, record.source, problem);
    this.host.handOver(
      [prepared.records.get(record.source)],
      record.from!,
      this.applier?.tracker ?? new CheckpointTracker(record.from!, this.services.events),
    );
    this.drop(record.source);
  }

  private lose(source: string, problem: RowferryError): void {
    const record = this.records.find((one) => one.source === source);
    if (record && this.sources.has(source)) this.refuse(record, problem);
  }

  private isBegun(source: string): boolean {
    return this.services.store.chunks(source).length > 0;
  }

  /** What is read over some time, or two runs, must be of the same columns all through (rule 13). True: not all were. */
  private async restartAltered(records: readonly TableRecord[]): Promise<boolean> {
    let wereAltered = false;
    for (const record of records) {
      if (!this.sources.has(record.source) || (await this.isUnchanged(record))) continue;
      wereAltered = true;
      const { database, name } = record.definition;
      await this.leave(record.source);
      await this.host.again({ database, table: name }, 'was altered during its load');
    }
    return wereAltered;
  }

  /** Loads and sweeps; false when a table left meanwhile. */
  private async rounds(): Promise<boolean> {
    const abort = new AbortController();
    const work = this.read(AbortSignal.any([this.signal, abort.signal]));
    this.round = {
      abort,
      over: work.then(
        () => undefined,
        () => undefined,
      ),
    };
    try {
      const unreadable = await work;
      this.round = null;
      if (abort.signal.aborted) return false;
      await this.restartAltered(this.mine().filter(({ source }) => unreadable.has(source)));
      for (const [source, problem] of unreadable) this.lose(source, problem);
      return true;
    } catch (error) {
      this.round = null;
      if (abort.signal.aborted) return false;
      this.signal.throwIfAborted();
      // What was altered cannot be read as it was, neither by the load nor by the sweep.
      const read = this.mine().filter(({ phase, sweep }) => phase === 'full' || sweep === true);
      if (await this.restartAltered(read)) return false;
      throw error;
    } finally {
      this.round = null;
    }
  }

  /** Gives the tables that could not be read. */
  private async read(signal: AbortSignal): Promise<ReadonlyMap<string, RowferryError>> {
    const { services } = this;
    const { prepared } = services;
    const tables = this.mine()
      .filter((record) => record.phase === 'full')
      .map((record) => services.loadTable(prepared.planOf(record.source)));
    const context = services.loadContext();
    const known = () => this.records[0]?.from ?? null;
    await services.earlierOver();
    const unreadable = new Map<string, RowferryError>();
    if (tables.length > 0) {
      const failed = await loadTables(
        {
          ...context,
          known,
          signal,
          readers: () => Math.min(mostSyncReaders, context.readers()),
          events: { ...context.events, lost: (source, problem) => this.lose(source, problem) },
        },
        tables,
      );
      for (const [source, problem] of failed) unreadable.set(source, problem);
    }
    for (const record of this.mine()) {
      if (!record.sweep || record.phase !== 'loaded') continue;
      const { source, life } = record;
      const sweep = async () => {
        await sweepTable({ ...services, known, signal }, prepared.planOf(source));
        prepared.records.step(source, { step: 'swept' }, life);
      };
      await aboutTable({ source, signal }, sweep, (problem) => void unreadable.set(source, problem));
    }
    return unreadable;
  }

  private async isUnchanged(record: TableRecord): Promise<boolean> {
    const { database, name } = record.definition;
    const [now] = await this.services.retry.onSource((connection) =>
      loadDefinitions(connection, [{ database, table: name }]),
    );
    return now !== undefined && hasSameColumns(now, record.definition);
  }

  /** From the tables' own place to where the main stream is. */
  private async replay(): Promise<void> {
    const records = this.mine().filter((record) => record.phase === 'loaded');
    if (records.length === 0) return;
    const from = records[0]!.from!;
    const { definedAt } = records[0]!;
    this.definedAt = definedAt;
    const defined = definedAt
      ? await lastStatements(this.services, records, from, definedAt, this.signal)
      : null;
    if (this.signal.aborted) return;
    const applier = (this.applier = new BinlogApplier(this.services, {
      from,
      signal: this.signal,
      isOver: () => this.isHandedOver || this.signal.aborted,
      applies: (source) => this.applies(source),
      branches: { keeps: (source) => this.sources.has(source), marks: () => this.sources },
      unknownRows: (source, xid, at) => this.unknownRows(source, xid, at),
      ddl: {
        reload: (name, why, isUnseen) => this.begin(name, why, isUnseen),
        leaveOut: () => undefined,
        deleteRows: ({ plan: { definition } }) =>
          this.begin({ database: definition.database, table: definition.name }, 'was truncated'),
      },
      leftOut: null,
      sealed: (at) => this.meet(at),
    }));
    for (const record of records) applier.tables.add(record, defined?.get(record.source)?.at);
    const saver = setInterval(() => this.save(), saveMs);
    const began = Date.now();
    let release: (() => void) | undefined;
    const looker = setInterval(() => {
      if (Date.now() - began > patienceMs && !release && this.isClose(applier))
        release = this.host.main().gate.hold('a table catches up');
      const { position, isInside } = applier.place;
      if (isInside) return;
      this.meet(position);
      // Heartbeats bring the tracker on where no transaction does.
      if (applier.tracker.isIdle) this.meet(applier.tracker.position);
    }, lookMs);
    try {
      await applier.run();
    } finally {
      clearInterval(saver);
      clearInterval(looker);
      release?.();
      await applier.stop();
      this.save();
    }
    if (!this.isHandedOver) this.signal.throwIfAborted();
  }

  /** Up to there the loaded rows hold what the stream brings. */
  private definedAt: SourcePosition | undefined;

  /**
   * A branch was prepared before our place, and is committed here. Where that was shown when the load began, its rows are in
   * the load. Else the table is loaded once more, when it is: the COMMIT may wait for a replica, and a load before that
   * misses the rows as well.
   */
  private unknownRows(source: string, xid: string, at: SourcePosition): void {
    const record = this.records.find((one) => one.source === source);
    if (!record || !this.applies(source) || !this.applier!.tables.follows(source)) return;
    if (wasShown(record, xid, at)) return;
    void this.leave(source);
    const wait = this.beginWhenShown(record, xid, at).catch((error: unknown) => {
      if (!this.ending.signal.aborted) this.services.fail(error);
    });
    this.waits.add(wait);
    void wait.then(() => this.waits.delete(wait));
  }

  private async beginWhenShown(record: TableRecord, xid: string, at: SourcePosition): Promise<void> {
    const { retry, settings, log, prepared, signal } = this.services;
    const { source, life, definition } = record;
    await untilShown(xid, {
      ask: (work) => retry.onSource(work),
      unseenCommitMs: settings.timing.unseenCommitMs,
      signal: AbortSignal.any([signal, this.ending.signal]),
      waits: () =>
        log.info(`${source} waits for the COMMIT of the XA transaction ${xid} to take effect at the source`, {
          table: source,
        }),
    });
    // It may have been stopped, or have begun anew, meanwhile.
    const now = prepared.records.find(source);
    if (this.ending.signal.aborted || now?.life !== life || now.phase === 'stopped') return;
    const name = { database: definition.database, table: definition.name };
    await this.host.again(name, mayHaveBranchRows, { branchesShown: at });
  }

  /** It is ours to bring on. */
  private applies(source: string): boolean {
    return !this.isHandedOver && this.sources.has(source);
  }

  /** A DDL asks for the table's rows anew: it leaves this group and begins again from a later place. */
  private begin(name: TableName, why: string, isUnseen = false): void {
    const record = this.applier?.tables.recordNamed(name);
    if (!record || !this.applies(record.source)) return;
    void this.leave(record.source);
    this.host.again(name, why, { isUnseen }).catch((error: unknown) => this.services.fail(error));
  }

  /** At a boundary of this stream, where the main one may take the tables over. */
  private meet(at: SourcePosition): void {
    const { definedAt } = this;
    if (this.isHandedOver || this.signal.aborted) return;
    if (!mayHandOver(at, this.host.main().place, definedAt)) return;
    this.isHandedOver = true;
    const { tables, tracker } = this.applier!;
    const records = tables.records.filter((record) => this.sources.has(record.source));
    this.host.handOver(records, at, tracker);
    void this.applier?.stop();
  }

  private isClose({ place, tracker }: BinlogApplier): boolean {
    const main = this.host.main().place.position.commitMicros ?? 0;
    return (place.position.commitMicros ?? tracker.position.commitMicros ?? 0) > main - closeMicros;
  }

  /** Where these tables are, with what belongs to it; also after they are handed over, until all of it is through. */
  save(): void {
    const tracker = this.applier?.tracker;
    const { store, prepared } = this.services;
    if (!tracker || this.sources.size === 0 || prepared.records.isClosed) return;
    const text = JSON.stringify(tracker.position);
    if (text === this.saved) return;
    this.saved = text;
    const passed = tracker.takePassed();
    store.transaction(() => {
      for (const step of passed) step();
      const from = tracker.position;
      for (const { source, life } of this.records)
        prepared.records.step(source, { step: 'moved', from }, life);
    });
  }
}

/** Was the COMMIT at `at`, of a branch whose rows are not in our stream, in what the load read? */
function wasShown(
  { definedAt, openBranches, branchesShown }: TableRecord,
  xid: string,
  at: SourcePosition,
): boolean {
  if (!definedAt || !hasReached(definedAt, at)) return false;
  if (branchesShown && hasReached(branchesShown, at)) return true;
  return openBranches !== undefined && !openBranches.includes(xid);
}
