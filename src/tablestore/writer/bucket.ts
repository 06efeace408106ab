/**
 * The queues behind the writer: changes wait in buckets by hash of table and key, batches are formed from them with
 * one entry per key, and keys that are held keep their changes waiting.
 */
import { rowOverheadBytes } from './batch.js';
import { compose, normalised, type RowContent } from './compose.js';
import { maximumBodyBytes } from '../client/limits.js';
import type { KeyHold, RowChange, RowCondition } from '../client/model.js';

/** Stands in a queue where someone asked to hold a key: what came before goes first, what comes after waits. */
export class HoldRequest {
  constructor(
    readonly table: string,
    readonly key: string,
    readonly granted: () => void,
  ) {}
}

export type QueueItem = RowChange | HoldRequest;

/** One row of a batch: a change, or several of one key composed. */
export class Entry implements RowContent {
  op: RowChange['op'];
  row: Buffer;
  dataBytes: number;
  /** Changes composed onto the first, in order. */
  more: RowChange[] | undefined;

  constructor(readonly first: RowChange) {
    const content = normalised(first);
    this.op = content.op;
    this.row = content.row;
    this.dataBytes = content.dataBytes;
  }

  get key(): string {
    return this.first.key;
  }

  get condition(): RowCondition {
    const changes = this.more;
    return (changes === undefined ? this.first : changes[changes.length - 1]!).condition ?? 'ignore';
  }

  get changes(): readonly RowChange[] {
    return this.more === undefined ? [this.first] : [this.first, ...this.more];
  }

  /** Takes a later change in; false when it has to be sent by itself. */
  absorb(change: RowChange, spareBytes: number): boolean {
    const later = normalised(change);
    // A condition asks about the row that the earlier change leaves; only what replaces the row whole can do without.
    const conditional = (change.condition ?? 'ignore') !== 'ignore' || this.condition !== 'ignore';
    if (conditional && (later.op === 'update' || (change.condition ?? 'ignore') !== 'ignore')) return false;
    const composed = compose(this.key, this, later);
    if (composed === undefined || composed.dataBytes - this.dataBytes > spareBytes) return false;
    this.op = composed.op;
    this.row = composed.row;
    this.dataBytes = composed.dataBytes;
    (this.more ??= []).push(change);
    return true;
  }
}

/** First in, first out; takes items back at the front. */
class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): void {
    this.items[this.head++] = undefined;
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }

  unshift(items: readonly T[]): void {
    this.items = [...items, ...this.items.slice(this.head)];
    this.head = 0;
  }

  takeAll(): T[] {
    const all = this.items.slice(this.head) as T[];
    this.items = [];
    this.head = 0;
    return all;
  }
}

/** A held key. Its later changes are parked here, in order, as batches are formed. */
export class Hold implements KeyHold {
  readonly parked: QueueItem[] = [];

  constructor(
    readonly table: string,
    readonly key: string,
    private readonly released: (hold: Hold, change: RowChange | undefined) => void,
  ) {}

  release(change?: RowChange): void {
    this.released(this, change);
  }
}

/** The keys that are held now: at most one hold a key, further ones wait in its queue. */
export class Holds {
  private readonly byKey = new Map<string, Hold>();

  get size(): number {
    return this.byKey.size;
  }

  get(table: string, key: string): Hold | undefined {
    return this.byKey.get(`${table}\0${key}`);
  }

  add(hold: Hold): void {
    this.byKey.set(`${hold.table}\0${hold.key}`, hold);
  }

  /** false when the hold had ended already. */
  remove(hold: Hold): boolean {
    return this.get(hold.table, hold.key) === hold && this.byKey.delete(`${hold.table}\0${hold.key}`);
  }
}

export interface BatchLimits {
  rows: number;
  dataBytes: number;
}

/** What a bucket tells the writer while it forms a batch. */
export interface BatchContext {
  readonly holds: Holds;
  /** Changes that are sent in a request of their own, because a request with them in it was refused. */
  readonly alone: Set<RowChange>;
  /** An item was parked under a hold. */
  parked(item: QueueItem): void;
}

export class Bucket {
  /** A batch of this bucket is on its way: nothing else of it may be sent (correctness rule 9). */
  busy = false;
  /** Changes waiting. */
  rows = 0;
  private readonly queues = new Map<string, Fifo<QueueItem>>();

  push(item: QueueItem): void {
    this.queue(item.table).push(item);
    if (!(item instanceof HoldRequest)) this.rows++;
  }

  /** Puts items of one table before everything else of that table. */
  unshift(items: readonly QueueItem[]): void {
    if (items.length === 0) return;
    this.queue(items[0]!.table).unshift(items);
    for (const item of items) if (!(item instanceof HoldRequest)) this.rows++;
  }

  takeAll(): QueueItem[] {
    this.rows = 0;
    const items = [...this.queues.values()].flatMap((queue) => queue.takeAll());
    this.queues.clear();
    return items;
  }

  /** The next batch, of one table; tables take turns. undefined when nothing can be sent. */
  takeBatch(max: BatchLimits, context: BatchContext): Entry[] | undefined {
    for (const [table, queue] of [...this.queues]) {
      const entries = this.fill(queue, max, context);
      this.queues.delete(table);
      if (queue.length > 0) this.queues.set(table, queue);
      if (entries.length > 0) return entries;
    }
    return undefined;
  }

  private fill(queue: Fifo<QueueItem>, max: BatchLimits, context: BatchContext): Entry[] {
    const { holds, alone } = context;
    const byKey = new Map<string, Entry>();
    let dataBytes = 0;
    let bodyBytes = 0;
    for (let item = queue.peek(); item !== undefined; item = queue.peek()) {
      const hold = holds.size === 0 ? undefined : holds.get(item.table, item.key);
      if (hold !== undefined) {
        this.shift(queue, item);
        hold.parked.push(item);
        context.parked(item);
        continue;
      }
      const entry = byKey.get(item.key);
      if (item instanceof HoldRequest) {
        if (entry !== undefined) break;
        this.shift(queue, item);
        item.granted();
        continue;
      }
      const single = alone.has(item);
      if (single && byKey.size > 0) break;
      if (entry === undefined) {
        const body = item.row.length + rowOverheadBytes;
        const full =
          byKey.size >= max.rows ||
          dataBytes + item.dataBytes > max.dataBytes ||
          bodyBytes + body > maximumBodyBytes;
        if (full && byKey.size > 0) break;
        byKey.set(item.key, new Entry(item));
        dataBytes += item.dataBytes;
        bodyBytes += body;
      } else {
        const before = entry.dataBytes;
        const beforeBody = entry.row.length;
        if (!entry.absorb(item, max.dataBytes - dataBytes)) break;
        dataBytes += entry.dataBytes - before;
        bodyBytes += entry.row.length - beforeBody;
      }
      this.shift(queue, item);
      if (single) {
        alone.delete(item);
        break;
      }
    }
    return [...byKey.values()];
  }

  private shift(queue: Fifo<QueueItem>, item: QueueItem): void {
    queue.shift();
    if (!(item instanceof HoldRequest)) this.rows--;
  }

  private queue(table: string): Fifo<QueueItem> {
    let queue = this.queues.get(table);
    if (queue === undefined) this.queues.set(table, (queue = new Fifo()));
    return queue;
  }
}

/** Which of `buckets` a key belongs to: FNV-1a over table and key bytes. */
export function bucketOf(table: string, key: string, buckets: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < table.length; i++) hash = Math.imul(hash ^ table.charCodeAt(i), 0x01000193);
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % buckets;
}
