/**
 * Writes changes to Tablestore so that every key sees its own in order (correctness.md, rules 7–11).
 *
 *     const writer = new TablestoreWriter(client, settings, { onDrain, onRetry, onFailed });
 *
 *     // Incremental: queued in bucket by key, composed, sent in batches; each change's owner is told.
 *     if (!writer.enqueue(change)) pauseUntil(onDrain);   // the change is taken either way
 *
 *     // A row that is read and then written (repair, dirty retry, partial image): nothing overtakes it.
 *     const hold = await writer.hold(table, key);         // earlier changes of the key are at the destination
 *     hold.release(changeFromTheRowReadNow);              // or release() to write nothing
 *
 *     // Full load: whole batches past the buckets, with the same retries and shared concurrency.
 *     const { written, kept, rejected } = await writer.writeBatch(table, rowWriter.takeBatch());
 *
 *     writer.retune(changedSettings);                     // takes effect at once
 *     writer.pause(); … writer.resume();                  // a person asked for it
 *     await writer.drain();                               // everything queued is acknowledged or rejected
 *     writer.close();                                     // or abort(): leave what is in flight
 *
 * Failures that may pass are retried here (client/retry.ts); past the window onFailed is called, and from then on nothing
 * is sent and no owner is told any more. Rows of a table that is lost (lost-table.ts) are rejected with that, all of them:
 * the other tables go on. Memory is bounded by `queueBytes` as long as the producer stops when
 * enqueue() gives false.
 */
import { ContentRows, type BatchMode } from './batch.js';
import type { Entry } from './bucket.js';
import { Bucket, Hold, HoldRequest, Holds, bucketOf, type QueueItem } from './bucket.js';
import type { TablestoreClient } from '../client/client.js';
import { BatchSender, type Delivery, type LateRow } from './sender.js';
import { BulkWriter, type BatchOptions, type BatchResult } from './bulk-writer.js';
import type { RowError } from '../client/limits.js';
import { LostTable } from './lost-table.js';
import type { KeyHold, RowChange } from '../client/model.js';
import { Retries } from '../client/retry.js';
import { RateLimiter, Semaphore } from './throttle.js';
import type { RowBatch } from '../wire/row-writer.js';
import {
  standardWriterSettings,
  type WriterEvents,
  type WriterSettings,
  type WriterStats,
} from './settings.js';

export type { BatchOptions, BatchResult, WriterEvents, WriterSettings, WriterStats };
export { standardWriterSettings };

interface Watch {
  readonly table: string;
  readonly keys: ReadonlySet<string>;
  readonly touched: (key: string) => void;
}

/** What a queued change takes besides its bytes, roughly. */
const changeOverhead = 200;

export class TablestoreWriter {
  private readonly settings: WriterSettings;
  private readonly permits: Semaphore;
  private readonly retries: Retries;
  private readonly sender: BatchSender;
  private readonly bulk: BulkWriter;
  private readonly incrementalLimiter: RateLimiter;
  private readonly fullLimiter: RateLimiter;
  private readonly stop = new AbortController();
  private readonly holds = new Holds();
  private readonly alone = new Set<RowChange>();
  private readonly waitingHolds = new Set<(error: unknown) => void>();
  private readonly drains: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private readonly watches = new Set<Watch>();
  private buckets: Bucket[];
  private rehashing = false;
  private pumpQueued = false;
  private full = false;
  private cutOff = false;
  /** Items in buckets and changes in flight: what drain() waits for. Parked items wait for someone else. */
  private active = 0;
  /** Batches whose keys are held because an earlier try may still be carried out. */
  private late = 0;
  private bytes = 0;
  private acknowledgedRows = 0;
  private acknowledgedBytes = 0;

  constructor(
    client: TablestoreClient,
    settings: Partial<WriterSettings> = {},
    private readonly events: WriterEvents = {},
  ) {
    this.settings = { ...standardWriterSettings, ...settings };
    this.permits = new Semaphore(this.settings.concurrency);
    this.retries = new Retries(this.settings.windows, events.onRetry);
    this.sender = new BatchSender(client, this.permits, this.retries, this.stop.signal, this.settings);
    this.incrementalLimiter = new RateLimiter(this.settings.incrementalRate);
    this.fullLimiter = new RateLimiter(this.settings.fullRate);
    this.bulk = new BulkWriter(this.sender, this.fullLimiter, (table, late) =>
      this.watchLate(late.mode, table, late.rows, late.untilMs),
    );
    this.buckets = makeBuckets(this.settings.buckets);
  }

  /** Takes the change; false when the caller should wait for onDrain before the next one. */
  enqueue(change: RowChange): boolean {
    this.stop.signal.throwIfAborted();
    if (this.watches.size > 0) this.touch(change);
    const bucket = this.bucketFor(change);
    bucket.push(change);
    this.active++;
    this.bytes += cost(change);
    this.schedule();
    if (bucket.rows >= this.settings.queueSize || this.bytes >= this.settings.queueBytes) this.full = true;
    return !this.full;
  }

  /**
   * Keeps a key to the caller. Granted once every change of it that was queued before is at the destination; changes
   * queued later wait until release(). Ask in stream order; the source is read after it is granted (rule 11).
   */
  hold(table: string, key: string): Promise<KeyHold> {
    return new Promise((resolve, reject) => {
      if (this.stop.signal.aborted) return reject(this.stop.signal.reason as Error);
      this.touch({ table, key });
      this.waitingHolds.add(reject);
      const request = new HoldRequest(table, key, () => {
        this.waitingHolds.delete(reject);
        this.active--;
        resolve(this.addHold(table, key));
        this.settle();
      });
      this.bucketFor(request).push(request);
      this.active++;
      this.schedule();
    });
  }

  /** Tells of each of these keys that is changed or held from now on, until the function that it gives is called. */
  watch(table: string, keys: ReadonlySet<string>, touched: (key: string) => void): () => void {
    const watch = { table, keys, touched };
    this.watches.add(watch);
    return () => void this.watches.delete(watch);
  }

  /**
   * Writes rows of one table, each key at most once, past the buckets: no queued change may be of the same keys.
   * Takes any number of rows; resolves when each is written, kept or refused for good.
   * @throws LostTable for this table alone; RowferryError ROW-D109 past the retry window (the writer then fails as a
   *   whole).
   */
  async writeBatch(table: string, rows: RowBatch, options?: BatchOptions): Promise<BatchResult> {
    this.stop.signal.throwIfAborted();
    try {
      const result = await this.bulk.write(this.settings.batch, table, rows, options);
      this.acknowledgedRows += result.written;
      this.acknowledgedBytes += result.bytes;
      return result;
    } catch (error) {
      if (!(error instanceof LostTable)) this.fail(error);
      throw error;
    }
  }

  /** Changes settings while everything runs. Buckets change once their batches in flight have ended. */
  retune(changes: Partial<WriterSettings>): void {
    const { settings } = this;
    const { buckets } = settings;
    Object.assign(settings, changes);
    this.permits.setLimit(settings.concurrency);
    this.retries.windows = settings.windows;
    this.incrementalLimiter.setRate(settings.incrementalRate);
    this.fullLimiter.setRate(settings.fullRate);
    if (settings.buckets !== buckets) {
      this.rehashing = true;
      // A bucket that only waits for the throttle must not keep the others waiting for it.
      this.incrementalLimiter.passOver();
    }
    this.schedule();
    this.relieve();
  }

  /**
   * Sends nothing more until resume(). Changes are taken as before, until the queue is full. Whether this writer may
   * write at all is the client's lease (client/lease.ts).
   */
  pause(): void {
    this.sender.pause();
  }

  resume(): void {
    this.sender.open();
  }

  stats(): WriterStats {
    return {
      rows: this.acknowledgedRows,
      bytes: this.acknowledgedBytes,
      requestsInFlight: this.permits.inUse,
      queuedRows: this.buckets.reduce((sum, bucket) => sum + bucket.rows, 0),
      queueBytes: this.bytes,
      heldKeys: this.holds.size,
      incrementalRate: this.settings.incrementalRate,
      fullRate: this.settings.fullRate,
    };
  }

  /**
   * Resolves when every change is acknowledged or rejected, save those that wait for a key somebody holds: only the
   * holder can bring those on. Where an earlier try may still be carried out this takes up to `lateWriteMs`, so that
   * whoever writes next finds nothing in flight. Rejects when the writer fails or is aborted.
   */
  drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.stop.signal.aborted) return reject(this.stop.signal.reason as Error);
      this.drains.push({ resolve, reject });
      this.settle();
    });
  }

  /** Ends the writer at once: requests in flight are cut off, no owner is told anything any more. */
  abort(reason: unknown = new Error('the writer was stopped')): void {
    if (this.stop.signal.aborted) return;
    this.cutOff = this.sender.onTheWay > 0 || this.late > 0;
    this.stop.abort(reason);
    this.sender.open();
    this.permits.close();
    this.incrementalLimiter.close();
    this.fullLimiter.close();
    for (const reject of this.waitingHolds) reject(reason);
    for (const { reject } of this.drains.splice(0)) reject(reason);
    this.waitingHolds.clear();
  }

  /** After drain(): the same as abort(), with nothing left to cut off. */
  close(): void {
    this.abort();
  }

  /** Once it has ended: no request was cut off, and none that was given up can be carried out any more. */
  get leftNothing(): boolean {
    return this.stop.signal.aborted && !this.cutOff;
  }

  private touch({ table, key }: { readonly table: string; readonly key: string }): void {
    for (const watch of this.watches) if (watch.table === table && watch.keys.has(key)) watch.touched(key);
  }

  private fail(error: unknown): void {
    if (this.stop.signal.aborted) return;
    this.abort(error);
    this.events.onFailed?.(error);
  }

  private bucketFor(item: QueueItem): Bucket {
    return this.buckets[bucketOf(item.table, item.key, this.buckets.length)]!;
  }

  /** Batches are formed when the caller's packet is through, so that they are not of one row each. */
  private schedule(): void {
    if (this.pumpQueued) return;
    this.pumpQueued = true;
    setImmediate(() => {
      this.pumpQueued = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.stop.signal.aborted) return;
    if (this.rehashing) {
      if (this.buckets.some((bucket) => bucket.busy)) return;
      this.rehash();
    }
    for (const bucket of this.buckets) if (!bucket.busy) void this.run(bucket);
  }

  /** No bucket is busy: their items move over queue by queue, which keeps the order of every key. */
  private rehash(): void {
    const items = this.buckets.flatMap((bucket) => bucket.takeAll());
    this.buckets = makeBuckets(this.settings.buckets);
    for (const item of items) this.bucketFor(item).push(item);
    this.rehashing = false;
  }

  /** One batch after the other until the bucket is empty (correctness rule 9). */
  private async run(bucket: Bucket): Promise<void> {
    bucket.busy = true;
    try {
      while (!this.stop.signal.aborted && !this.rehashing) {
        let entries: Entry[] | undefined;
        let asked = false;
        await this.incrementalLimiter.take(() => {
          asked = true;
          entries = this.takeBatch(bucket);
          const bytes = entries?.reduce((sum, entry) => sum + entry.dataBytes, 0) ?? 0;
          return { rows: entries?.length ?? 0, bytes };
        });
        if (asked && entries === undefined) break;
        if (entries) await this.send(bucket, entries);
      }
    } catch (error) {
      this.fail(error);
    }
    bucket.busy = false;
    if (this.rehashing) this.schedule();
    this.settle();
    this.relieve();
  }

  private takeBatch(bucket: Bucket): Entry[] | undefined {
    if (this.stop.signal.aborted) return undefined;
    const { batchRows, batchBytes } = this.incrementalLimiter;
    return bucket.takeBatch(
      { rows: batchRows, dataBytes: batchBytes },
      { holds: this.holds, alone: this.alone, parked: () => this.active-- },
    );
  }

  private async send(bucket: Bucket, entries: Entry[]): Promise<void> {
    const { table } = entries[0]!.first;
    const { earlierUntilMs } = this.settings;
    const mayBeOvertaken = Date.now() < earlierUntilMs;
    const conditional = entries.some((entry) => entry.condition !== 'ignore');
    const mode = conditional ? 'batch-write' : this.settings.batch;
    let delivery: Delivery;
    try {
      delivery = await this.sender.deliver(mode, table, new ContentRows(entries));
      this.stop.signal.throwIfAborted();
    } catch (error) {
      if (!(error instanceof LostTable)) throw error;
      this.stop.signal.throwIfAborted();
      for (const entry of entries) for (const change of entry.changes) this.reject(change, error);
      this.relieve();
      return;
    }
    const again: RowChange[] = [];
    const { refused } = delivery;
    const failures = new Map<number, RowError & { kind: string }>();
    for (const failure of delivery.failures) failures.set(failure.index, failure);
    for (const index of refused?.indexes ?? []) {
      failures.set(index, { kind: 'row', code: refused!.error.service, message: refused!.error.message });
    }
    const written: Entry[] = [];
    const late: Entry[] = [];
    const isOneOfSeveral = (index: number) =>
      refused !== undefined && refused.indexes.length > 1 && refused.indexes.includes(index);
    entries.forEach((entry, index) => {
      const failure = failures.get(index);
      if (failure === undefined || failure.kind === 'condition') {
        written.push(entry);
        if (mayBeOvertaken || delivery.doubtful.has(index)) late.push(entry);
      } else if (entry.more !== undefined || isOneOfSeveral(index)) again.push(...entry.changes);
      else this.reject(entry.first, { code: failure.code, message: failure.message });
    });
    // One of several is bad: each of them is sent alone, so that only the bad one is dirty.
    for (const change of again) this.alone.add(change);
    bucket.unshift(again);
    const tell = (lost?: LostTable) => {
      for (const entry of written) {
        for (const change of entry.changes) {
          if (lost) this.reject(change, lost);
          else this.acknowledge(change);
        }
      }
    };
    const untilMs = Math.max(delivery.lateUntilMs, mayBeOvertaken ? earlierUntilMs : 0);
    // The checkpoint must not pass what the next run would have to look at.
    if (late.length > 0) this.watchLate(mode, table, late, untilMs, mayBeOvertaken ? tell : undefined);
    if (!mayBeOvertaken) tell();
    this.relieve();
  }

  private acknowledge(change: RowChange): void {
    this.active--;
    this.bytes -= cost(change);
    this.acknowledgedRows++;
    this.acknowledgedBytes += change.dataBytes;
    change.owner.acknowledged(change);
  }

  private reject(change: RowChange, error: RowError): void {
    this.active--;
    this.bytes -= cost(change);
    change.owner.rejected(change, error, () => this.addHold(change.table, change.key));
  }

  private addHold(table: string, key: string): Hold {
    const hold = new Hold(table, key, (released, change) => this.release(released, change));
    this.holds.add(hold);
    return hold;
  }

  private release(hold: Hold, change?: RowChange): void {
    if (this.stop.signal.aborted || !this.holds.remove(hold)) return;
    if (change !== undefined && (change.table !== hold.table || change.key !== hold.key)) {
      throw new Error('a hold can only be released with a change of its own key');
    }
    const items = change === undefined ? hold.parked : [change, ...hold.parked];
    if (change !== undefined) this.bytes += cost(change);
    if (items.length === 0) return;
    this.active += items.length;
    this.bucketFor(items[0]!).unshift(items);
    this.schedule();
  }

  /** Rule 10: the keys wait until the first try cannot come any more, and are read back before they go on. */
  private watchLate(
    mode: BatchMode,
    table: string,
    rows: readonly LateRow[],
    untilMs: number,
    then?: (lost?: LostTable) => void,
  ): void {
    const holds = rows
      .filter((row) => this.holds.get(table, row.key) === undefined)
      .map((row) => this.addHold(table, row.key));
    const bytes = rows.reduce((sum, row) => sum + row.row.length, 0);
    this.late++;
    this.bytes += bytes;
    const settled = (lost?: LostTable) => {
      this.late--;
      this.bytes -= bytes;
      for (const hold of holds) hold.release();
      then?.(lost);
      this.settle();
      this.relieve();
    };
    this.sender.settleLate(mode, table, rows, untilMs).then(
      () => settled(),
      (error: unknown) => {
        if (error instanceof LostTable) settled(error);
        else this.fail(error);
      },
    );
  }

  /** Lets drain() go when nothing is left to wait for. */
  private settle(): void {
    if (this.active > 0 || this.late > 0 || this.stop.signal.aborted) return;
    for (const { resolve } of this.drains.splice(0)) resolve();
  }

  /** Half empty again: the producer may go on. */
  private relieve(): void {
    const { queueSize, queueBytes } = this.settings;
    if (!this.full || this.stop.signal.aborted || this.bytes > queueBytes / 2) return;
    if (this.buckets.some((bucket) => bucket.rows > queueSize / 2)) return;
    this.full = false;
    this.events.onDrain?.();
  }
}

function cost(change: RowChange): number {
  return change.row.length + change.key.length + changeOverhead;
}

function makeBuckets(count: number): Bucket[] {
  return Array.from({ length: count }, () => new Bucket());
}
