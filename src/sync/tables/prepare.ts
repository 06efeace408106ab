import { setTimeout as delay } from 'node:timers/promises';
import { loadTables as loadDefinitions, type TableSelector } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import type { ServerFacts } from '../../mysql/server-facts.js';
import { acquireLock, type SourceLock } from '../../mysql/lock.js';
import type { Column, TableDefinition } from '../../mysql/model.js';
import { identified } from '../../mysql/binlog/history.js';
import { askedOf, endPosition, preparedTransactions, safeStartPosition } from '../../mysql/position.js';
import { charsetsOf, loadCharsetDecoders, type CharsetDecoders } from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { ResolvedTask } from '../../shared/task.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import {
  destinationIdentity,
  mustBeSameDestination,
  writtenInstance,
} from '../state/destination-identity.js';
import { textDefaultsOf } from '../ddl/text-defaults.js';
import {
  enterTables,
  hasSameColumns,
  noteTables,
  readableOf,
  recordStopped,
  whyUnseen,
} from './snapshot-point.js';
import { completed, isEmpty, mappingText, selectionDiff, recordOf } from './selection-diff.js';
import { LeftOut } from '../online-change/left-out.js';
import { readParts, withoutParts } from '../online-change/parts.js';
import type { ToolTable } from '../online-change/traces.js';
import type { Timing } from '../base/timing.js';
import { openBranches, untilShown } from '../source/open-branches.js';
import { findStart } from '../source/start-position.js';
import { isSameTable, planError, planOf, planTables, selectionOf, type TablePlan } from '../mapping/plan.js';
import type { SourceRetry } from '../source/retry.js';
import { sourceName } from '../../shared/source-name.js';
import { Destinations } from '../state/destinations.js';
import { TableRecords } from '../state/table-records.js';
import { problemOfTable, withWayBack } from './table-boundary.js';
import type {
  RowsDealtWith,
  NewTableRecord,
  TableRecord,
  TaskProgress,
  TaskStore,
} from '../state/task-store.js';
import { RowTransform } from '../mapping/transform.js';
import { logStopped, type TaskLog } from '../base/task-log.js';

export interface PrepareOptions {
  task: ResolvedTask;
  timing: Pick<Timing, 'lockPatienceMs' | 'unseenCommitMs'>;
  store: TaskStore;
  retry: SourceRetry;
  signal: AbortSignal;
  log: TaskLog;
  onLockLost: (reason: RowferryError) => void;
  /** Another session held the lock until just now: what it sent may still be on its way. */
  onTakenOver: () => void;
}

/** Definitions may change while the position is noted; after so many tries the source is too restless. */
const quietAttempts = 10;
const xaPollMs = 1000;

/** A task ready to run: what is selected, how it is mapped, and from where it goes on. */
export class PreparedTask {
  readonly etl: EtlProgram | null;
  lock: SourceLock | null = null;
  constructor(
    private readonly options: PrepareOptions,
    readonly facts: ServerFacts,
    readonly charsets: CharsetDecoders,
    public plans: TablePlan[],
    readonly records: TableRecords,
    readonly progress: TaskProgress,
    readonly leftOut: LeftOut,
  ) {
    this.etl = compileEtl(options.task.etl);
  }

  /** Throws for a table that is not planned. */
  planOf(source: string): TablePlan {
    const plan = this.plans.find((one) => one.source === source);
    if (!plan) throw new Error(`${source} is not planned`);
    return plan;
  }

  /** Tables that come while the task runs, or begin again. */
  enter(plans: readonly TablePlan[]): void {
    const entering = new Set(plans.map((plan) => plan.source));
    this.plans = [...this.plans.filter((one) => !entering.has(one.source)), ...plans];
  }

  /** The table is not selected any more. */
  forget(source: string): void {
    this.records.remove(source);
    this.unplan(source);
  }

  /** What is known of it goes to another table. */
  unplan(source: string): void {
    this.plans = this.plans.filter((plan) => plan.source !== source);
  }

  transform(plan: TablePlan): RowTransform {
    return new RowTransform(plan, this.etl);
  }

  /** The end of the source's binlog now. */
  endPosition(): Promise<SourcePosition> {
    return this.options.retry.onSource(endPosition);
  }
}

/**
 * Finds where the task is. On a first run the position is noted before anything is read (correctness rule 1), with
 * column lists that hold at that position (rule 13). Throws RowferryError: what is selected cannot be mapped, the
 * source refuses, or another task writes these tables.
 */
export async function prepareTask(options: PrepareOptions): Promise<PreparedTask> {
  const { task, store } = options;
  const known = store.progress();
  mustBeSameDestination(known?.destination, task);
  const destinations = new Destinations(store, task.destination);
  const records = new TableRecords(store, destinations);
  const stored = records.all;
  const first = known === null;
  const facts = await options.retry.onSource((connection) => connection.facts());
  const leftOut = new LeftOut(
    known?.start ? (known.leftOut ?? []) : [],
    facts.lowerCaseTableNames !== 0,
    (text) => options.log.info(text),
  );
  let beginning: NewTableRecord[] = [];
  let progress = known ?? {
    start: null,
    checkpoint: null,
    loadedAt: null,
    rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
  };
  if (first) {
    const noted = await noteStart(options, facts);
    progress = {
      ...progress,
      start: noted.start,
      checkpoint: noted.start,
      ...(noted.start === null && { sourceUuid: facts.serverUuid }),
      ...(noted.begun && { begun: noted.begun }),
      ...(noted.definedAt && { definedAt: noted.definedAt }),
    };
    leftOut.retask(task, noted.proven);
    // What an earlier life of the task left there is swept.
    beginning = plansOf(task, noted.tables).map((plan) => ({
      ...recordOf(task, plan),
      ...records.inherited(plan.destination),
    }));
  } else {
    if (usesBinlog(task, records.all)) await mustBeSameSource(options, progress);
    await reselect(options, records, progress, leftOut);
    for (const record of records.all) countAgain(store, records, record);
    progress.rows.full = records.loadedRows;
  }
  const tables = first ? beginning : records.all;
  const unfit = new Map<string, RowferryError>();
  const { plans, charsets } = await fit(options, tables, unfit);
  progress.leftOut = leftOut.all;
  progress.destination = destinationIdentity(task.destination);
  const prepared = new PreparedTask(options, facts, charsets, plans, records, progress, leftOut);
  prepared.lock = await options.retry.retrying(() => lockDestinations(options, tables));
  if (first) {
    store.transaction(() => {
      for (const { source } of stored) records.remove(source);
      store.clear();
      destinations.forgetOthers();
      store.saveProgress(progress);
      for (const record of beginning) records.begin(record);
    });
  }
  for (const [source, problem] of unfit) {
    records.step(source, { step: 'stopped', problem: problem.toPlain() });
    logStopped(options.log, source, problem);
  }
  return prepared;
}

/**
 * Before anything is read of a source with which a task goes on: it has the very transactions that the task knows, whoever the
 * file names by now (correctness rule 1). Throws as the stream does.
 */
async function mustBeSameSource(
  { task, retry, signal }: PrepareOptions,
  { checkpoint, start, sourceUuid }: TaskProgress,
): Promise<void> {
  const position = checkpoint ?? start;
  await retry.onSource(async (connection) => {
    const facts = await connection.facts();
    if (position !== null) await identified(task.source, connection, askedOf(facts, position), signal);
    else mustBeSameServer(task.source, sourceUuid, connection.address, facts);
  });
}

/** Without a binlog there is only the server to be known by. Of several hosts it may be another one now. */
function mustBeSameServer(
  { hosts }: ResolvedTask['source'],
  known: string | undefined,
  address: string,
  { serverUuid }: ServerFacts,
): void {
  if (hosts.length > 0 || known === undefined || known === serverUuid) return;
  throw new RowferryError(
    'ROW-S104',
    `${address} is not the server that the task loads its tables from (server_uuid ${known}).`,
    { remedy: 'Change the source back, or reset the task; the next start loads everything again.' },
  );
}

/** A load that has begun comes to its end, even if the file asks for none any more: the stream brings only what changes. */
export function hasBegunToLoad(records: readonly TableRecord[]): boolean {
  return records.some(
    ({ phase, from, sweep }) => !from && (phase === 'full' || (phase === 'loaded' && sweep === true)),
  );
}

/** What only makes tables reads nothing that a position would be needed for. */
const usesBinlog = (
  { synchronization: { full, incremental } }: ResolvedTask,
  records: readonly TableRecord[],
) => full || incremental || hasBegunToLoad(records);

/** The plans of the tables, and the charsets of their columns. Why one cannot have them goes to `unfit`. */
async function fit(
  options: PrepareOptions,
  tables: readonly (NewTableRecord | TableRecord)[],
  unfit: Map<string, RowferryError>,
): Promise<{ plans: TablePlan[]; charsets: CharsetDecoders }> {
  return options.retry.onSource(async (connection) => {
    const query = <T>(sql: string) => connection.query<T>(sql);
    const charsets = await loadCharsetDecoders(query, []);
    const plans: TablePlan[] = [];
    for (const { source, phase, definition } of tables) {
      if (phase === 'stopped') continue;
      try {
        const plan = planOf(options.task, definition);
        await charsets.load(query, charsetsOf(definition.columns));
        plans.push(plan);
      } catch (error) {
        const problem = problemOfTable(error, source, options.signal);
        if (!problem) throw error;
        unfit.set(source, problem);
      }
    }
    return { plans, charsets };
  });
}

/**
 * The tables of a task that goes on, after its file may have changed: what is not selected any more is forgotten, what
 * is new or mapped otherwise joins from a place of its own (table-sync.ts). Without a binlog it is loaded like the rest.
 */
async function reselect(
  options: PrepareOptions,
  records: TableRecords,
  progress: TaskProgress,
  leftOut: LeftOut,
): Promise<void> {
  const { task, store, log } = options;
  const selectors = selectorsOf(task);
  const now = await options.retry.onSource((connection) => loadDefinitions(connection, selectors));
  await stopUnseen(options, records, now);
  await askAgain(options, records);
  let changes = selectionDiff(task, records.all, await replicated(options, records, progress, leftOut, now), {
    stopsRunning: true,
  });
  if (isEmpty(changes) && changes.problems.length === 0) {
    upgrade({ task, records, log }, now);
    return;
  }
  const noted = await noteTables(options.retry, selectors, progress.start !== null);
  const tables = await replicated(options, records, progress, leftOut, noted.definitions);
  changes = selectionDiff(task, records.all, tables, { stopsRunning: true });
  const [problem] = changes.problems;
  if (problem !== undefined) throw new RowferryError('ROW-T106', problem);
  for (const { source, destination } of changes.removed) {
    records.remove(source);
    log.info(`${source} is no longer replicated; ${destination} stays unchanged`, { table: source });
  }
  for (const { definition, problem } of changes.unfit) {
    const source = sourceName(definition);
    const why =
      problem.kind === 'missing' ? await whyUnseen(options.retry, definition) : planError([problem]);
    const reason = withWayBack(why, source);
    recordStopped(task, records, definition, reason);
    logStopped(log, source, reason);
  }
  const plans = [...changes.added, ...changes.changed.map((one) => one.plan)];
  for (const plan of plans)
    log.info(`loading ${plan.source}: it is new, mapped differently or marked for reload`, {
      table: plan.source,
    });
  enterTables(task, records, store, plans, noted);
  upgrade({ task, records, log }, noted.definitions);
}

/** Tables that the account was not to read, and may read by now, are loaded as if somebody had asked for it. */
async function askAgain({ task, retry }: PrepareOptions, records: TableRecords): Promise<void> {
  const closed = records.all.filter(
    ({ phase, stoppedBy, definition }) =>
      phase === 'stopped' && stoppedBy === 'unreadable' && selectionOf(task, definition) !== null,
  );
  if (closed.length === 0) return;
  const readable = await retry.onSource((connection) =>
    readableOf(
      connection,
      closed.map(({ definition }) => definition),
    ),
  );
  for (const { source, definition } of closed)
    if (readable.some((one) => isSameTable(definition, one)))
      records.step(source, { step: 'reload-asked', remake: false });
}

/** A table that is to be loaded anew, and that the source does not show. */
async function stopUnseen(
  options: PrepareOptions,
  records: TableRecords,
  now: readonly TableDefinition[],
): Promise<void> {
  const seen = new Set(now.map(sourceName));
  for (const { source, definition, reload } of records.all) {
    if (!reload || seen.has(source) || !selectionOf(options.task, definition)) continue;
    const reason = withWayBack(await whyUnseen(options.retry, definition), source);
    records.step(source, { step: 'stopped', problem: reason.toPlain() });
    logStopped(options.log, source, reason);
  }
}

/**
 * These tables without what belongs to an online schema change. What may belong to one, and is not replicated yet, waits
 * for what the stream shows.
 */
async function replicated(
  options: PrepareOptions,
  records: TableRecords,
  { start }: TaskProgress,
  leftOut: LeftOut,
  definitions: readonly TableDefinition[],
): Promise<TableDefinition[]> {
  const { task } = options;
  const isFollowed = (table: TableDefinition) =>
    (records.find(sourceName(table))?.phase ?? 'stopped') !== 'stopped';
  const { proven, remembered, maybe, until } = await options.retry.onSource(async (connection) => ({
    ...(await readParts(connection, task, definitions, leftOut.all)),
    until: start !== null && task.synchronization.incremental ? await endPosition(connection) : null,
  }));
  const parts = definitions.filter((table) => proven.some((one) => isSameTable(one, table)));
  // The stream will come to the statement that made a table of one that is replicated part of a change.
  const out = parts.filter((table) => !isFollowed(table));
  for (const table of out) records.remove(sourceName(table));
  leftOut.retask(
    task,
    proven.filter((one) => out.some((table) => isSameTable(one, table))),
  );
  const isDoubtful = (one: ToolTable) =>
    !definitions.some((table) => isSameTable(one, table)) ||
    // An account may not see triggers.
    (one.as === 'copy' && one.triggers === undefined && remembered.includes(one));
  if (until !== null) leftOut.doubt(leftOut.all.filter(isDoubtful), until);
  const isKnown = (table: TableDefinition) => records.find(sourceName(table)) !== undefined;
  const open = until === null ? [] : maybe.filter((table) => !isKnown(table));
  for (const { database, name } of open)
    if (!leftOut.isOpen({ database, name }))
      leftOut.wait({ database, name, why: 'is new', sinceMs: Date.now(), until: until! });
  return definitions.filter((table) => !out.includes(table) && !open.includes(table));
}

/**
 * What records of an earlier version do not say. How their table was mapped: it was as the task says. Which charset its
 * new columns get, where the source still has the columns of the record: it is the one of now. Which generated columns
 * depend on the session: those that do now, since an expression that has changed in between stops its table in any case.
 */
function upgrade(
  { task, records, log }: Pick<PrepareOptions, 'task' | 'log'> & { records: TableRecords },
  now: readonly TableDefinition[],
): void {
  for (const { source, mapping, definition: known, ...record } of records.all) {
    const whole = completed(mapping, mappingText(task, known));
    if (whole !== mapping) records.step(source, { step: 'mapped', mapping: whole });
    const current = now.find((one) => sourceName(one) === source);
    let definition = withVolatile(known, current);
    if (definition !== known)
      log.warn(
        `An earlier version loaded ${source} without knowing that some of its generated columns depend on the session. Rows it wrote may differ; "rowferry verify" finds them.`,
        { table: source },
      );
    let { textDefaults } = record;
    if (known.collation === undefined) {
      const isSame = current !== undefined && hasSameColumns(current, definition);
      const collation = isSame ? (current.collation ?? null) : null;
      definition = { ...definition, collation };
      textDefaults = textDefaultsOf(collation);
    }
    if (definition !== known) records.step(source, { step: 'settled', definition, textDefaults });
  }
}

/** `known` with those of its generated columns marked that are volatile in `current`; itself where there is none. */
function withVolatile(known: TableDefinition, current: TableDefinition | undefined): TableDefinition {
  const marks = new Map(
    current?.columns.flatMap(({ name, volatile }) => (volatile ? [[name, volatile] as const] : [])),
  );
  const isUnmarked = ({ name, generated, volatile }: Column) =>
    generated && volatile === undefined && marks.has(name);
  if (!known.columns.some(isUnmarked)) return known;
  return {
    ...known,
    columns: known.columns.map((column) =>
      isUnmarked(column) ? { ...column, volatile: marks.get(column.name)! } : column,
    ),
  };
}

/** A load that broke off has the rows of its finished chunks: figures are stored when a table is through. */
function countAgain(store: TaskStore, records: TableRecords, { source, phase }: TableRecord): void {
  if (phase !== 'full') return;
  const done = store.chunks(source).filter((chunk) => chunk.done);
  const sum = (figure: keyof RowsDealtWith) => done.reduce((total, chunk) => total + chunk[figure], 0);
  records.recount(source, { rows: sum('rows'), kept: sum('kept'), dropped: sum('dropped') });
}

/** A run that was killed leaves its lock until the source notices that the connection is gone. */
export async function lockDestinations(
  options: Pick<PrepareOptions, 'task' | 'timing' | 'signal' | 'onLockLost' | 'onTakenOver'>,
  tables: readonly { readonly destination: string }[],
): Promise<SourceLock> {
  const { source, destination } = options.task;
  const target = writtenInstance(destination);
  const names = tables.map((table) => lockedName(options.task, table.destination));
  const until = Date.now() + options.timing.lockPatienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      const lock = await acquireLock(source, target, names, options.onLockLost);
      if (attempt > 0) options.onTakenOver();
      return lock;
    } catch (error) {
      if (!(error instanceof RowferryError && error.code === 'ROW-E101') || Date.now() > until) throw error;
      await delay(500, undefined, { signal: options.signal });
    }
  }
}

/** In a merge the keys of each task are its own: only the same task must not write them twice. */
export function lockedName({ id, merge }: Pick<ResolvedTask, 'id' | 'merge'>, destination: string): string {
  return merge ? `${destination} of ${id}` : destination;
}

/** What the catalog is asked for. */
export function selectorsOf(task: ResolvedTask): TableSelector[] {
  return task.objects.flatMap((object): TableSelector[] =>
    object.tables
      ? object.tables.map((table) => ({ database: object.database, table: table.name }))
      : [{ database: object.database }],
  );
}

interface NotedStart extends Pick<TaskProgress, 'begun' | 'definedAt'> {
  start: SourcePosition | null;
  tables: TableDefinition[];
  /** Parts of online schema changes, which are not among `tables`. */
  proven: ToolTable[];
}

async function noteStart(options: PrepareOptions, facts: ServerFacts): Promise<NotedStart> {
  const { task } = options;
  const { full, incremental } = task.synchronization;
  const selectors = selectorsOf(task);
  return options.retry.onSource(async (connection) => {
    if (!facts.logBin) {
      if (incremental)
        throw new RowferryError(
          'ROW-S105',
          'The source does not write a binlog (log_bin is OFF), so changes cannot be replicated.',
        );
      options.log.info(
        'the source writes no binlog (log_bin is OFF): each table is consistent in itself, but tables are not read at the same point in time',
      );
      const tables = await loadDefinitions(connection, selectors);
      return { start: null, ...(await withoutParts(connection, task, tables)) };
    }
    if (!full && incremental) await waitForPrepared(options, connection);
    let before = JSON.stringify(shapes(await loadDefinitions(connection, selectors)));
    for (let attempt = 0; attempt < quietAttempts; attempt++) {
      const start = full
        ? await safeStartPosition(connection)
        : await findStart(task, connection, task.startPosition ?? 'now', options.signal);
      // As in noteTables(): the beginning of a file lies before statements that the definitions hold already, and so does
      // a place that was chosen.
      const definedAt = full && start.gtidSet !== undefined ? null : await endPosition(connection);
      const tables = await loadDefinitions(connection, selectors);
      const after = JSON.stringify(shapes(tables));
      if (after === before) {
        const whole = await identified(task.source, connection, start, options.signal);
        const selected = await withoutParts(connection, task, tables);
        if (!full) return { start: whole, ...selected, ...(definedAt && { definedAt }) };
        // Only now are all of them known whose rows lie before the start and are not committed yet.
        const areKnown = await waitForPrepared(options, connection);
        const begun = await endPosition(connection);
        // What was committed of others up to there has to be in what is read from now on.
        if (!areKnown && start.gtidSet === undefined)
          await untilShown(null, {
            ask: (work) => work(connection),
            unseenCommitMs: options.timing.unseenCommitMs,
            signal: options.signal,
          });
        return {
          start: whole,
          ...selected,
          begun,
          ...(definedAt && { definedAt }),
        };
      }
      before = after;
    }
    throw new RowferryError(
      'ROW-S111',
      'The definitions of the selected tables kept changing while Rowferry recorded the start position.',
      {
        remedy: 'Start the task when no table is being altered.',
      },
    );
  });
}

/** Statistics change all the time and say nothing of the columns. */
const shapes = (tables: readonly TableDefinition[]) =>
  tables.map(({ estimatedRows: _rows, averageRowBytes: _bytes, ...shape }) => shape);

/**
 * Rows of prepared XA transactions may lie before the start: those of now are waited out (correctness rule 2). False: this
 * account cannot list them.
 */
async function waitForPrepared(options: PrepareOptions, connection: SourceConnection): Promise<boolean> {
  const first = await openBranches(connection);
  if (!first) {
    options.log.info(
      'cannot list prepared XA transactions (XA_RECOVER_ADMIN is not granted); one that is open now is reported when it commits',
    );
    return false;
  }
  let open = new Set(first);
  let said = false;
  while (open.size > 0) {
    if (!said)
      options.log.warn(
        `waiting for ${open.size} prepared XA transaction(s) at the source to be committed or rolled back`,
      );
    said = true;
    await delay(xaPollMs, undefined, { signal: options.signal });
    const now = new Set(await preparedTransactions(connection));
    open = new Set([...open].filter((xid) => now.has(xid)));
  }
  return true;
}

function plansOf(task: ResolvedTask, tables: readonly TableDefinition[]): TablePlan[] {
  const { plans, problems } = planTables(task, tables);
  if (problems.length > 0) throw planError(problems);
  if (plans.length === 0) throw new RowferryError('ROW-S108', 'The task selects no existing table.');
  return plans;
}
