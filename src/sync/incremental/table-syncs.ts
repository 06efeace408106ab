import { logStopped } from '../base/task-log.js';
import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import type { TableDefinition } from '../../mysql/model.js';
import { endPosition, hasReached } from '../../mysql/position.js';
import { charsetsOf } from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { BinlogApplier } from '../stream/applier.js';
import type { CheckpointTracker } from '../state/checkpoint.js';
import type { TableName } from '../ddl/cursor.js';
import {
  enterTables,
  hasSameColumns,
  noteTables,
  readableOf,
  recordStopped,
  whyUnseen,
  type EnterOptions,
  type NotedTables,
} from '../tables/snapshot-point.js';
import { HandedOver } from './handed-over.js';
import { TableSync, type BeginAgain, type TableSyncHost } from './table-sync.js';
import { destinationTaken, selectionDiff, replacedBy, unknownDefinition } from '../tables/selection-diff.js';
import { noLongerPart, type OpenTable } from '../online-change/left-out.js';
import { isToolName } from '../online-change/names.js';
import { withoutParts } from '../online-change/parts.js';
import { mayBePart, provenPart, readTraces } from '../online-change/traces.js';
import { sourceName } from '../../shared/source-name.js';
import { isSameTable, planError, planOf, planToLoad, selectionOf, type TablePlan } from '../mapping/plan.js';
import { selectorsOf } from '../tables/prepare.js';
import { drained, type ApplierServices } from '../stream/run-services.js';
import { syncsAtOnce } from '../source/session-count.js';
import type { TableRecord } from '../state/task-store.js';
import { Turns } from '../base/turns.js';
import { aboutTable, withWayBack } from '../tables/table-boundary.js';

/** The run around the main stream, as whoever brings tables into it needs it. */
export interface TableSyncsHost {
  /** The main stream. */
  applier(): BinlogApplier;
  /** Runs work from outside between two events, when everything queued has gone out. Throws ROW-E109 when the run ends before. */
  asked(work: () => Promise<void>): Promise<void>;
  /** The run is to end. */
  isEnding(): boolean;
  /** A table is on its way: the stream is not caught up. */
  begun(): void;
}

type Selection = Pick<ResolvedTask, 'objects'>;

/** How often tables that wait for their proof are looked at, ms. */
const lookMs = 250;

/**
 * Tables that come to the main stream while it runs, go from it, or begin anew, while the others go on (correctness
 * rule 11). How one group of them comes is table-sync.ts.
 */
export class TableSyncs {
  private readonly syncs = new Set<TableSync>();
  readonly handedOver: HandedOver;

  private readonly syncHost: TableSyncHost;
  private looker: NodeJS.Timeout | undefined;
  private askedUnreadableMs = Date.now();
  private readonly looking = new WeakSet<object>();

  /** Each group has sessions of its own at the source: the others wait until one is through. */
  private readonly turns = new Turns(syncsAtOnce);

  constructor(
    private readonly services: ApplierServices,
    private readonly host: TableSyncsHost,
  ) {
    this.handedOver = new HandedOver(() => this.main.tracker, services.prepared.records);
    this.syncHost = {
      main: () => this.main,
      handOver: (records, from, tracker) => this.takeIn(records, from, tracker),
      again: (name, why, how) =>
        new Promise((resolve) =>
          this.main.holdNext(async () => {
            await drained(services);
            await this.restart(name, why, how);
            resolve();
          }),
        ),
    };
  }

  private get main(): BinlogApplier {
    return this.host.applier();
  }

  /** None is on its way, nor may have to come. */
  get isEmpty(): boolean {
    return this.syncs.size === 0 && this.services.prepared.leftOut.isDecided;
  }

  /** None is on its way or has rows from before on theirs. */
  get isSettled(): boolean {
    return this.isEmpty && this.handedOver.isEmpty;
  }

  /** Tables that are loaded beside the stream just now. */
  get sources(): ReadonlySet<string> {
    return new Set([...this.syncs].flatMap((sync) => [...sync.sources]));
  }

  has(source: string): boolean {
    return [...this.syncs].some((sync) => sync.sources.has(source));
  }

  stop(): void {
    clearInterval(this.looker);
    for (const sync of this.syncs) sync.stop();
  }

  save(): void {
    for (const sync of this.syncs) sync.save();
  }

  /** Goes on with those that a stop or a kill met on their way. */
  start(): void {
    this.looker = setInterval(() => this.look(), lookMs);
    this.beginAll(this.services.prepared.records.all);
  }

  private beginAll(all: readonly TableRecord[]): void {
    const open = new Map<string, TableRecord[]>();
    for (const record of all) {
      if (!record.from) continue;
      const place = JSON.stringify([record.from, record.definedAt]);
      open.set(place, [...(open.get(place) ?? []), record]);
    }
    for (const records of open.values()) this.begin(records);
  }

  /**
   * A statement of the stream says that a table came, or came back. One of a whole database that a schema change may have
   * made waits until that shows: the tools make a table before they make what proves it.
   */
  async came(name: TableName, why: string, isUnseen?: boolean): Promise<void> {
    const { leftOut } = this.services.prepared;
    const table = { database: name.database, name: name.table };
    if (this.mayBeLeftOut(name)) {
      const { traces, until } = await this.services.retry.onSource(async (connection) => ({
        traces: await readTraces(connection, [table.database]),
        until: await endPosition(connection),
      }));
      const part = provenPart(table, traces);
      if (part) {
        leftOut.add(part);
        await this.leaveOut(name);
        return;
      }
      if (mayBePart(table, traces)) {
        leftOut.wait({ ...table, why, sinceMs: Date.now(), until });
        this.host.begun();
        return;
      }
    }
    leftOut.remove(table);
    await this.restart(name, why, { isUnseen });
  }

  /** Only of a whole database, and no table that is replicated. */
  private mayBeLeftOut(name: TableName): boolean {
    if (!isToolName(name.table) || this.selectionOf(name)?.isWhole !== true) return false;
    return (this.recordOf(name)?.phase ?? 'stopped') === 'stopped';
  }

  private recordOf(name: TableName): TableRecord | undefined {
    return this.main.tables.recordNamed(name);
  }

  private selectionOf({ database, table: name }: TableName) {
    const { settings, prepared } = this.services;
    return selectionOf(settings.task, {
      database,
      name,
      caseSensitive: prepared.facts.lowerCaseTableNames === 0,
    });
  }

  private look(): void {
    const isPassed = (until: SourcePosition) =>
      hasReached(this.main.place.position, until) || hasReached(this.main.tracker.position, until);
    this.lookAtDoubtful(isPassed);
    this.lookAtOpen(isPassed);
    this.lookAtUnreadable();
  }

  /** What the account was not to read, and may read by now, is taken in without anybody's help. */
  private lookAtUnreadable(): void {
    if (Date.now() - this.askedUnreadableMs < this.services.settings.timing.definitionsMs) return;
    const closed = this.main.tables.records.filter(isUnreadable);
    if (closed.length === 0) return;
    // Not again before this question has its answer.
    this.askedUnreadableMs = Infinity;
    const definitions = closed.map(({ definition }) => definition);
    void this.services.retry
      .onSource((connection) => readableOf(connection, definitions))
      .then(
        (readable) => {
          for (const { database, name } of readable) {
            const table = { database, table: name };
            this.main.holdNext(async () => {
              const record = this.recordOf(table);
              if (this.host.isEnding() || !record || !isUnreadable(record)) return;
              await drained(this.services);
              await this.restart(table, 'can be read by now');
            });
          }
        },
        // A source that is away is for the stream to tell.
        () => undefined,
      )
      .finally(() => (this.askedUnreadableMs = Date.now()));
  }

  /** What proved them was taken away outside of the stream, or what the stream has of it was passed over. */
  private lookAtDoubtful(isPassed: (until: SourcePosition) => boolean): void {
    const { leftOut } = this.services.prepared;
    for (const doubt of leftOut.doubtful) {
      if (this.looking.has(doubt) || !isPassed(doubt.until)) continue;
      this.looking.add(doubt);
      this.main.holdNext(async () => {
        const { table } = doubt;
        if (this.host.isEnding() || leftOut.find(table) !== table) return;
        await drained(this.services);
        if (table.as !== 'copy') leftOut.remove(table);
        else await this.came({ database: table.database, table: table.name }, noLongerPart);
        leftOut.resolve(doubt);
      });
    }
  }

  /** What has waited long enough, with nothing in the stream to prove it, is looked at once more and taken in. */
  private lookAtOpen(isPassed: (until: SourcePosition) => boolean): void {
    const { settings, prepared } = this.services;
    const { leftOut } = prepared;
    for (const open of leftOut.opened) {
      if (this.looking.has(open) || !isPassed(open.until)) continue;
      if (Date.now() - open.sinceMs < settings.timing.toolTableMs) continue;
      this.looking.add(open);
      this.main.holdNext(async () => {
        if (this.host.isEnding()) return;
        await drained(this.services);
        if (leftOut.opened.includes(open)) await this.decide(open);
      });
    }
  }

  private async decide(open: OpenTable): Promise<void> {
    const { retry, prepared } = this.services;
    const { leftOut } = prepared;
    const traces = await retry.onSource((connection) => readTraces(connection, [open.database]));
    const part = provenPart(open, traces);
    if (part) leftOut.add(part);
    else {
      await this.restart({ database: open.database, table: open.name }, open.why);
      leftOut.remove(open);
    }
  }

  /** The table turned out to be part of a schema change; what was sent of it stays. */
  async leaveOut(name: TableName): Promise<void> {
    const record = this.recordOf(name);
    if (!record) return;
    await this.letGo(record);
  }

  private async letGo({ source, destination, definition }: TableRecord): Promise<void> {
    await this.dismiss(source);
    this.main.tables.remove(source);
    this.services.prepared.forget(source);
    const left = definition.columns.length > 0 ? `; ${destination} stays unchanged` : '';
    this.services.log.info(`${source} is no longer replicated${left}`, { table: source });
  }

  /**
   * Takes another selection of tables (selection-diff.ts), without stopping those that stay. Settles when what is new
   * has begun. Throws ROW-T106 when it cannot be carried out, ROW-E109 when the run ends before.
   */
  change(selection: Selection): Promise<void> {
    return this.host.asked(() => this.changeNow(selection));
  }

  private async changeNow(selection: Selection): Promise<void> {
    const { prepared, settings, retry } = this.services;
    const task = settings.selecting(selection);
    const noted = await noteTables(retry, selectorsOf(task));
    const { tables, proven } = await retry.onSource((connection) =>
      withoutParts(connection, task, noted.definitions, prepared.leftOut.all),
    );
    const changes = selectionDiff(task, prepared.records.all, tables);
    const [problem] = changes.problems;
    if (problem !== undefined) throw new RowferryError('ROW-T106', problem);
    settings.select(selection);
    this.main.tables.reselected();
    prepared.leftOut.retask(task, proven);
    for (const record of changes.removed) await this.letGo(record);
    for (const record of changes.replaced) await this.replace(record);
    for (const { definition, problem } of changes.unfit)
      await this.refuse(definition, withWayBack(planError([problem]), problem.source));
    await this.enter([...changes.added, ...changes.changed.map((one) => one.plan)], noted);
  }

  /**
   * Loads a table anew that was asked for, into a destination table that is made anew when `remake` says so, while the
   * others go on. Settles when that has begun. Throws ROW-E109 when the run ends before.
   */
  reload(name: TableName, remake: boolean): Promise<void> {
    return this.host.asked(() => this.restart(name, 'was requested', { remake }));
  }

  /** A table whose definition or rows changed under it is loaded anew, while the others go on; if it cannot, it stops. */
  async restart(
    name: TableName,
    why: string,
    { remake = false, isUnseen = false, branchesShown }: BeginAgain & { readonly remake?: boolean } = {},
  ): Promise<void> {
    const { prepared, signal, settings, retry, log } = this.services;
    const { task } = settings;
    const { records } = prepared;
    const caseSensitive = prepared.facts.lowerCaseTableNames === 0;
    const wanted = { database: name.database, name: name.table, caseSensitive };
    if (!selectionOf(task, wanted)) return;
    const known =
      this.recordOf(name) ?? records.all.find(({ definition }) => isSameTable(wanted, definition));
    const source = known?.source ?? sourceName(wanted);
    let definition = known?.definition ?? unknownDefinition(wanted);
    const enter = async () => {
      const noted = await noteTables(retry, [{ database: name.database, table: name.table }]);
      if (!noted.definitions[0]) {
        const reason = await whyUnseen(retry, wanted);
        // A statement took it away, and it says so already, or this one is behind that.
        if (known?.phase === 'stopped' && reason.code === 'ROW-S108') return;
        if (known) throw reason;
        // What the stream names and the account does not see is missing at the destination, and says so.
        if (reason.code === 'ROW-S103') throw reason;
        return;
      }
      definition = noted.definitions[0];
      if (isUnseen && known && hasSameColumns(definition, known.definition)) {
        // Loaded anew it would be what it is, and be loaded again and again.
        throw new RowferryError(
          'ROW-S113',
          `${source} stopped: ${why}, but its definition at the source has not changed.`,
          {
            remedy: `Reload the table: rowferry reload TASK --table ${source}`,
          },
        );
      }
      const plan = planOf(task, definition, planToLoad);
      const replaced = replacedBy(task, records.all, plan);
      if (replaced && (await this.isGone(replaced))) await this.replace(replaced);
      const others = records.all.filter((one) => this.main.tables.recordOf(one.source));
      const taken = destinationTaken(task, plan, others);
      if (taken) throw taken;
      log.info(`reloading ${plan.source} (${why})`, { table: plan.source });
      await this.enter([plan], noted, { remake, isMade: true, branchesShown });
    };
    await aboutTable({ source, signal }, enter, (problem) => this.refuse(definition, problem));
  }

  private async isGone({ definition: { database, name } }: TableRecord): Promise<boolean> {
    const found = await this.services.retry.onSource((connection) =>
      loadDefinitions(connection, [{ database, table: name }]),
    );
    return found.length === 0;
  }

  /** Another table is about to take its destination and what is known of it (enterTables). */
  private async replace({ source }: TableRecord): Promise<void> {
    await this.dismiss(source);
    this.main.tables.remove(source);
    this.services.prepared.unplan(source);
  }

  /** It cannot be mapped as it is: it stops alone, and can be loaded when it is mended. */
  private async refuse(definition: TableDefinition, problem: RowferryError): Promise<void> {
    const { settings, prepared, log } = this.services;
    const source = sourceName(definition);
    await this.dismiss(source);
    this.main.tables.add(recordStopped(settings.task, prepared.records, definition, problem));
    logStopped(log, source, problem);
  }

  private async enter(
    plans: readonly TablePlan[],
    noted: Omit<NotedTables, 'definitions'>,
    how: EnterOptions = {},
  ): Promise<void> {
    if (plans.length === 0) return;
    for (const { source } of plans) await this.dismiss(source);
    await drained(this.services);
    const { prepared, signal, retry, settings, store } = this.services;
    const fit: TablePlan[] = [];
    for (const plan of plans) {
      const { source, definition } = plan;
      const isFit = await aboutTable(
        { source, signal },
        () =>
          retry.onSource((connection) =>
            prepared.charsets.load((sql) => connection.query(sql), charsetsOf(definition.columns)),
          ),
        (problem) => this.refuse(definition, problem),
      );
      if (isFit) fit.push(plan);
    }
    if (fit.length === 0) return;
    const records = enterTables(settings.task, prepared.records, store, fit, noted, how);
    prepared.enter(fit);
    for (const record of records) this.main.tables.add(record, 'joining');
    this.beginAll(records);
  }

  /** Nothing more is read or written of a table that was on its way, nor does what it brought speak for it any more. */
  private async dismiss(source: string): Promise<void> {
    this.handedOver.drop(source);
    await Promise.all([...this.syncs].map((sync) => sync.leave(source)));
  }

  /** All with the same place of their own. */
  private begin(records: readonly TableRecord[]): void {
    // Noted already: the next run begins them.
    if (this.host.isEnding()) return;
    const sync = new TableSync(this.services, this.syncHost, records);
    this.syncs.add(sync);
    this.host.begun();
    const done = this.turns
      .run(() => sync.run())
      .then(
        () => undefined,
        (error: unknown) => this.services.fail(error),
      );
    this.main.keep(done);
    void done.finally(() => {
      sync.save();
      this.syncs.delete(sync);
    });
  }

  /** It stops on its way, too, and is handed over as stopped. */
  stopTable(source: string, problem: RowferryError): void {
    for (const sync of this.syncs) sync.stopTable(source, problem);
  }

  private takeIn(records: readonly TableRecord[], from: SourcePosition, tracker: CheckpointTracker): void {
    for (const record of records) {
      this.main.tables.add(record, from);
      this.services.log.info(`${record.source} has joined the main stream`, {
        table: record.source,
      });
    }
    const { position, isInside } = this.main.place;
    if (!isInside) this.main.tables.reached(position);
    this.handedOver.add(records, from, tracker);
  }
}

const isUnreadable = ({ phase, stoppedBy }: TableRecord) => phase === 'stopped' && stoppedBy === 'unreadable';
