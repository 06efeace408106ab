import type { SessionPurpose, SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { planChunks, readChunk, type Chunk } from '../../mysql/snapshot.js';
import { selectExpression, type CharsetDecoders } from '../../mysql/types/index.js';
import type { RowferryError } from '../../shared/errors.js';
import type { SourceSettings } from '../../shared/task.js';
import { keyOf } from '../../tablestore/writer/compose.js';
import { LostTable } from '../../tablestore/writer/lost-table.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { RowWriter, type RowBatch } from '../../tablestore/wire/row-writer.js';
import { mostBlockedRows } from '../dirty/block-lookahead.js';
import { BlockedByDirtyData, digest, keyDigest, type DirtyData, type DirtyRow } from '../dirty/dirty.js';
import { dirtyReason, TableEncoder } from '../mapping/encoder.js';
import { UnknownColumn } from '../etl/values.js';
import { isOfValues } from '../filter/answers.js';
import { orAborted } from '../base/or-aborted.js';
import { readAsking } from '../rows/filtered-read.js';
import type { Timing } from '../base/timing.js';
import type { TablePlan } from '../mapping/plan.js';
import { connectForRows, type Known } from '../source/row-sessions.js';
import type { ChunkRecord, RowsDealtWith, TaskStore } from '../state/task-store.js';
import { problemOfTable } from '../tables/table-boundary.js';
import type { RowTransform } from '../mapping/transform.js';
import { Turns } from '../base/turns.js';

/** A batch goes to the writer when it has so many bytes or rows; the writer cuts it into requests. */
const batchBytes = 512 * 1024;
const batchRows = 800;
/** How soon a changed number of readers is noticed. */
const lookEveryMs = 500;
/** A chunk with a dirty row that waits for a decision is looked through for so much longer. */
const mostBlockedMs = 10_000;
/** Encoded bytes of one reader that are not acknowledged yet; above it its connection is paused. */
const inFlightBytes = 8 * 1024 * 1024;

export interface LoadTable {
  readonly plan: TablePlan;
  readonly transform: RowTransform;
  /** Rows that are there stay as they are. */
  readonly keepsRows: boolean;
}

export interface LoadEvents {
  /** Rows of the table that were dealt with since the last call; below 0 where they are read once more. */
  progress(source: string, dealt: RowsDealtWith): void;
  tableDone(source: string): void;
  /** A table that is read whole is read once more: what went meanwhile may have been written by the first try. */
  begunAgain(source: string): void;
  /** Its destination table is lost: nothing more of it is read here, and the others go on. */
  lost(source: string, problem: RowferryError): void;
}

/** What the loaders of all tables share. */
export interface LoadContext {
  readonly settings: SourceSettings;
  /** How large its chunks are. */
  readonly chunk: Timing['chunk'];
  /** Where the replay of what is loaded begins: nothing older is read. */
  readonly known: Known;
  readonly store: TaskStore;
  readonly writer: TablestoreWriter;
  readonly charsets: CharsetDecoders;
  readonly dirty: DirtyData;
  /**
   * Nothing is replayed after the load, for there is no binlog: each table is read by one statement, which shows one
   * moment of it. By chunks a row could move out of sight between two of them (correctness rule 3).
   */
  readonly whole: boolean;
  readonly signal: AbortSignal;
  /** The whole run ends, its writer too. */
  readonly ending: AbortSignal;
  readonly events: LoadEvents;
  /** Chunks that are read and encoded side by side, each on a connection of its own; may change any time. */
  readonly readers: () => number;
  /** Runs one query on the source when it may be asked (throttle, pause). */
  readonly query: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs work on a fresh connection, again and again while the source is away. */
  readonly retrying: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Loads tables by key-range chunks, several at once (correctness rules 3 and 4). Chunks that an earlier run finished
 * are not read again. Gives the tables that could not be read, with what is wrong with each. Throws BlockedByDirtyData,
 * RowferryError, or the signal's reason.
 */
export async function loadTables(
  context: LoadContext,
  tables: readonly LoadTable[],
): Promise<ReadonlyMap<string, RowferryError>> {
  const queues = tables.map((table) => new ChunkQueue(context, table));
  const failed = new AbortController();
  const signal = AbortSignal.any([context.signal, failed.signal]);
  const working = new Set<Promise<void>>();
  const results: PromiseSettledResult<void>[] = [];
  let blocked: BlockedByDirtyData | null = null;
  const unreadable = new Map<string, RowferryError>();
  let active = 0;
  let isPlanned = false;
  const wanted = () => Math.max(1, context.readers());
  const alone = new Turns(1);
  const work = async () => {
    for (const queue of queues) {
      for (;;) {
        signal.throwIfAborted();
        // One too many, since the number was changed.
        if (blocked || active > wanted()) return;
        try {
          const next = await queue.next();
          if (!next) break;
          await loadChunk({ ...context, signal, alone }, queue.table, next, queue);
        } catch (error) {
          if (error instanceof LostTable) {
            for (const { plan } of giveUp(queues, error))
              context.events.lost(plan.source, error.of(plan.source));
            break;
          }
          const { source } = queue.table.plan;
          const problem = problemOfTable(error, source, signal);
          if (problem) {
            if (queue.giveUp()) unreadable.set(source, problem);
            break;
          }
          // The chunks that are being read are read to their end: all of their dirty rows are decided on at once.
          if (!(error instanceof BlockedByDirtyData)) throw error;
          blocked ??= error;
        }
      }
    }
    isPlanned = true;
  };
  const start = () => {
    while (!isPlanned && !blocked && !signal.aborted && active < wanted()) {
      active++;
      const worker = work().then(
        () => void active--,
        (error: unknown) => {
          active--;
          failed.abort(error);
          throw error;
        },
      );
      working.add(worker);
      void worker.finally(() => working.delete(worker)).catch(() => undefined);
    }
  };
  const watch = setInterval(start, lookEveryMs);
  // Workers that were one too many leave; the load is over when one has come to the end of it.
  for (start(); working.size > 0; start()) results.push(...(await Promise.allSettled(working)));
  clearInterval(watch);
  await Promise.all(queues.map((queue) => queue.close()));
  // The first failure is the cause; the others were only told to stop.
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  if (blocked) throw blocked as BlockedByDirtyData;
  return unreadable;
}

/** The tables that were given up by this: all that are sent to the lost table, each once. */
function giveUp(queues: readonly ChunkQueue[], { table }: LostTable): LoadTable[] {
  return queues
    .filter((queue) => queue.table.plan.destination === table && queue.giveUp())
    .map((queue) => queue.table);
}

/** The chunks of one table that are still to be read; planned ahead of the readers, one at a time. */
class ChunkQueue {
  private readonly waiting: Chunk[];
  private last: Chunk | undefined;
  private plan: AsyncGenerator<Chunk, void, undefined> | null = null;
  private planner: SourceConnection | null = null;
  private planned = false;
  private isGivenUp = false;
  private turn: Promise<unknown> = Promise.resolve();
  private open = 0;

  constructor(
    private readonly context: LoadContext,
    readonly table: LoadTable,
  ) {
    const records = context.store.chunks(table.plan.source);
    this.waiting = records.filter((record) => !record.done).map((record) => record.chunk);
    this.last = records.at(-1)?.chunk;
    if (context.whole && this.waiting.length > 0) context.events.begunAgain(table.plan.source);
  }

  next(): Promise<Chunk | null> {
    const turn = this.turn.then(() => this.take());
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  /** true: it was not before. */
  giveUp(): boolean {
    const isFirst = !this.isGivenUp;
    this.isGivenUp = true;
    this.turn = this.turn.then(() => this.close());
    return isFirst;
  }

  private async take(): Promise<Chunk | null> {
    if (this.isGivenUp) return null;
    const waiting = this.waiting.shift();
    if (waiting) {
      this.open++;
      return waiting;
    }
    if (this.planned) return null;
    const chunk = await this.context.retrying(() => this.planNext());
    if (!chunk) {
      this.planned = true;
      // Before anything is waited for: the last chunk may be through meanwhile, and says so itself.
      if (this.open === 0) this.finish();
      await this.close();
      return null;
    }
    this.open++;
    this.last = chunk;
    this.context.store.saveChunk(this.table.plan.source, {
      chunk,
      done: false,
      rows: 0,
      kept: 0,
      dropped: 0,
    });
    return chunk;
  }

  private async planNext(): Promise<Chunk | null> {
    if (this.context.whole) return this.last ? null : { index: 0, lower: null, upper: null };
    try {
      if (!this.plan) {
        this.planner = await connect(this.context, 'query');
        const { definition } = this.table.plan;
        const { bytes, leastRows, mostRows } = this.context.chunk;
        const rows = Math.round(bytes / Math.max(definition.averageRowBytes, 1));
        const options = { rows: Math.min(Math.max(rows, leastRows), mostRows) };
        this.plan = planChunks(
          this.planner,
          definition,
          this.last ? { ...options, after: this.last } : options,
        );
      }
      const { plan } = this;
      const { value, done } = await this.context.query(() => plan.next());
      return done ? null : value;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  done(): void {
    this.open--;
    if (this.planned && this.open === 0) this.finish();
  }

  private finish(): void {
    if (this.isGivenUp) return;
    this.context.events.tableDone(this.table.plan.source);
  }

  async close(): Promise<void> {
    this.plan = null;
    const { planner } = this;
    this.planner = null;
    await planner?.close();
  }
}

interface ChunkContext extends LoadContext {
  /** Readers that need a second session take turns. */
  readonly alone: Turns;
}

async function loadChunk(
  context: ChunkContext,
  table: LoadTable,
  chunk: Chunk,
  queue: ChunkQueue,
): Promise<void> {
  let tries = 0;
  let asks = false;
  const load = async (): Promise<RowsDealtWith> => {
    if (context.whole && ++tries > 1) context.events.begunAgain(table.plan.source);
    try {
      return await new ChunkLoader(context, table, chunk).run(asks);
    } catch (error) {
      if (asks || table.plan.filter === null || !isOfValues(error)) throw error;
      // A row that the filter has no answer for: it is found, and the others are loaded.
      asks = true;
      return load();
    }
  };
  const dealt = await context.retrying(load);
  const record: ChunkRecord = { chunk, done: true, ...dealt };
  context.store.saveChunk(table.plan.source, record);
  queue.done();
}

const connect = ({ settings, known, signal }: LoadContext, purpose: SessionPurpose) =>
  connectForRows(settings, purpose, known, signal);

/** One try at one chunk: every row of it is at the destination, kept or recorded when it is through. */
class ChunkLoader {
  private readonly rows = new RowWriter(batchBytes + 64 * 1024);
  private readonly encoder: TableEncoder;
  private readonly batches = new Set<Promise<void>>();
  private connection!: SourceConnection;
  private readonly dealt = { rows: 0, kept: 0, dropped: 0 };
  private inFlight = 0;
  private paused = false;
  private room: Promise<void> | null = null;
  private failure: { error: unknown } | null = null;
  private blocked: { readonly error: BlockedByDirtyData; readonly untilMs: number; rows: number } | null =
    null;
  private readonly stop = new AbortController();

  constructor(
    private readonly context: ChunkContext,
    private readonly table: LoadTable,
    private readonly chunk: Chunk,
  ) {
    const { plan } = table;
    this.encoder = new TableEncoder(plan, plan.definition.columns, 'text', context.charsets);
  }

  /** `asks`: MySQL cannot evaluate the filter on some row of the chunk. */
  async run(asks: boolean): Promise<RowsDealtWith> {
    const { context } = this;
    let isThrough = false;
    this.connection = await connect(context, 'snapshot');
    try {
      await context.query(() => (asks ? this.readAsking() : this.read()));
      this.send();
      await orAborted(Promise.all(this.batches), context.signal);
      this.check();
      if (this.blocked) throw this.blocked.error;
      isThrough = true;
      return this.dealt;
    } finally {
      // Read again, the chunk must find nothing of this try in flight. When the whole run ends, so does its writer.
      if (!context.ending.aborted) await Promise.allSettled(this.batches);
      await this.connection.close();
      // Its rows are counted when they are read again.
      const { rows, kept, dropped } = this.dealt;
      if (!isThrough) this.count({ rows: -rows, kept: -kept, dropped: -dropped });
    }
  }

  private async read(): Promise<void> {
    const { definition, filter } = this.table.plan;
    await readChunk(this.connection, {
      table: definition,
      columns: definition.columns,
      select: selectExpression,
      filter,
      chunk: this.chunk,
      onRow: (image) => this.take(image),
      signal: this.signal,
    });
  }

  private readAsking(): Promise<void> {
    return this.context.alone.run(() => this.readBesideAsker());
  }

  private async readBesideAsker(): Promise<void> {
    const { context, connection, chunk, signal } = this;
    const asker = await connect(context, 'query');
    try {
      await readAsking(connection, asker, this.table.plan, context.charsets, {
        chunk,
        onRow: (image) => this.take(image),
        onUnanswered: (image, why) => this.dirty(image, why),
        signal,
      });
    } finally {
      await asker.close();
    }
  }

  private get signal(): AbortSignal {
    return AbortSignal.any([this.context.signal, this.stop.signal]);
  }

  private take(image: RowImage): boolean {
    this.check();
    const { encoder, rows, table } = this;
    try {
      const changed = table.transform.active ? table.transform.load(encoder, image) : undefined;
      if (changed !== null) encoder.encode(image, 'put', rows, changed);
      else this.count({ rows: 0, kept: 0, dropped: 1 });
    } catch (error) {
      this.dirty(image, error);
    }
    if (rows.rows >= batchRows || rows.length >= batchBytes) this.send();
    this.paused = this.awaitsRoom() || this.inFlight > inFlightBytes;
    return !this.paused;
  }

  /** Reads on when what was read before is off its hands. */
  private goOn(): void {
    if (!this.paused || this.inFlight >= inFlightBytes / 2 || this.awaitsRoom()) return;
    this.paused = false;
    this.connection.resume();
  }

  /** Dirty records are being stored; what waits for that goes on by itself. */
  private awaitsRoom(): boolean {
    const { room } = this.context.dirty;
    if (room === null) return false;
    this.room ??= room.then(
      () => {
        this.room = null;
        this.goOn();
      },
      (error: unknown) => this.fail(error),
    );
    return true;
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.stop.abort(error);
  }

  private dirty(image: RowImage, error: unknown): void {
    const reason = dirtyReason(error);
    if (!reason || error instanceof UnknownColumn) throw error;
    const { plan } = this.table;
    const sourceRow = this.encoder.describe(image);
    this.record({
      plan,
      identity: `load ${plan.source} ${keyDigest(plan, sourceRow)}`,
      operation: 'INSERT',
      ...reason,
      position: null,
      sourceRow,
      key: this.table.transform.makesKey ? undefined : this.encoder.keyOf(image),
      locator: this.encoder.locate(image),
    });
  }

  /** Throws when the row waits for a decision, and enough of the chunk was looked through for others. */
  private record(row: DirtyRow): void {
    try {
      this.context.dirty.record(row);
    } catch (error) {
      if (!(error instanceof BlockedByDirtyData)) throw error;
      this.blocked ??= { error, untilMs: Date.now() + mostBlockedMs, rows: 0 };
      if (++this.blocked.rows >= mostBlockedRows) throw this.blocked.error;
    }
  }

  private count({ rows, kept, dropped }: RowsDealtWith): void {
    this.dealt.rows += rows;
    this.dealt.kept += kept;
    this.dealt.dropped += dropped;
    this.context.events.progress(this.table.plan.source, { rows, kept, dropped });
  }

  private send(): void {
    if (this.rows.rows === 0) return;
    const batch = this.rows.takeBatch();
    const bytes = batch.buffer.length;
    this.inFlight += bytes;
    const sent = this.write(batch).then(
      () => {
        this.inFlight -= bytes;
        this.batches.delete(sent);
        this.goOn();
      },
      (error: unknown) => {
        this.batches.delete(sent);
        this.fail(error);
      },
    );
    this.batches.add(sent);
  }

  private async write(batch: RowBatch): Promise<void> {
    const { context, table } = this;
    const { plan } = table;
    const result = await context.writer.writeBatch(plan.destination, batch, {
      op: 'put',
      condition: table.keepsRows ? 'not-exist' : 'ignore',
      progress: (written, kept) => this.count({ rows: written, kept, dropped: 0 }),
    });
    for (const { index, error } of result.rejected) {
      const row = batch.buffer.subarray(index === 0 ? 0 : batch.ends[index - 1]!, batch.ends[index]!);
      this.record({
        plan,
        identity: `load ${plan.source} ${digest(Buffer.from(keyOf(row), 'latin1'))}`,
        operation: 'INSERT',
        ...error,
        position: null,
        row: Buffer.from(row),
        ...(table.transform.computed && { computed: table.transform.computed }),
      });
    }
  }

  private check(): void {
    if (this.failure) throw this.failure.error;
    if (this.blocked && Date.now() > this.blocked.untilMs) throw this.blocked.error;
  }
}
