import { randomBytes } from 'node:crypto';
import { invalid, OtsError, rowConflict } from '../base/errors.js';
import { partitionLength } from './key-codec.js';
import type { RowEntry, Store, Table } from './store.js';

/** Reads and writes rows: the store itself, or a local transaction on top of it. */
export interface RowAccess {
  get(table: Table, key: Buffer): Buffer | undefined;
  put(table: Table, key: Buffer, value: Buffer): void;
  delete(table: Table, key: Buffer): void;
  scan(table: Table, start: Buffer, end: Buffer, backward: boolean): Iterable<RowEntry>;
}

/** A local transaction ends by itself after this long, as the service ends it. */
const LIFETIME_MS = 60_000;

/**
 * A local transaction: the partition key it has locked, and its writes, seen by itself alone until the commit.
 */
class LocalTransaction implements RowAccess {
  readonly id = randomBytes(16).toString('hex');
  /** Encoded key, one character a byte → row, or null for a deletion. */
  private readonly changes = new Map<string, Buffer | null>();

  constructor(
    readonly table: Table,
    readonly partition: Buffer,
    readonly expiresMs: number,
  ) {}

  get(table: Table, key: Buffer): Buffer | undefined {
    this.check(table, key);
    const changed = this.changes.get(key.toString('latin1'));
    return changed === undefined ? table.get(key) : (changed ?? undefined);
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.check(table, key);
    this.changes.set(key.toString('latin1'), Buffer.from(value));
  }

  delete(table: Table, key: Buffer): void {
    this.check(table, key);
    this.changes.set(key.toString('latin1'), null);
  }

  *scan(table: Table, start: Buffer, end: Buffer, backward: boolean): Generator<RowEntry, void, undefined> {
    if (table !== this.table) throw outOfScope();
    const mine = this.changesBetween(start, end, backward);
    let next = mine.shift();
    const before = (a: Buffer, b: Buffer): boolean => (backward ? a.compare(b) > 0 : a.compare(b) < 0);
    for (const stored of table.scan(start, end, backward)) {
      while (next && before(next.key, stored.key)) {
        if (next.value) yield { key: next.key, value: next.value };
        next = mine.shift();
      }
      if (next?.key.equals(stored.key)) {
        if (next.value) yield { key: next.key, value: next.value };
        next = mine.shift();
      } else {
        yield stored;
      }
    }
    for (; next; next = mine.shift()) if (next.value) yield { key: next.key, value: next.value };
  }

  apply(store: Store): void {
    store.transaction(() => {
      for (const [text, value] of this.changes) {
        const key = Buffer.from(text, 'latin1');
        if (value) this.table.put(key, value);
        else this.table.delete(key);
      }
    });
  }

  private changesBetween(
    start: Buffer,
    end: Buffer,
    backward: boolean,
  ): { key: Buffer; value: Buffer | null }[] {
    return [...this.changes]
      .map(([text, value]) => ({ key: Buffer.from(text, 'latin1'), value }))
      .filter(({ key }) =>
        backward
          ? key.compare(start) <= 0 && key.compare(end) > 0
          : key.compare(start) >= 0 && key.compare(end) < 0,
      )
      .sort((a, b) => (backward ? b.key.compare(a.key) : a.key.compare(b.key)));
  }

  private check(table: Table, key: Buffer): void {
    if (table !== this.table || !startsWith(key, this.partition)) throw outOfScope();
  }
}

/** The local transactions that are open, and the partition keys they lock. */
export class LocalTransactions {
  private readonly open = new Map<string, LocalTransaction>();

  constructor(private readonly store: Store) {}

  /**
   * @param partition encoded partition key.
   * @returns the transaction's id.
   * @throws OtsError OTSRowOperationConflict when another transaction holds the partition key.
   */
  start(table: Table, partition: Buffer, nowMs: number): string {
    if (this.holder(table, partition, nowMs)) throw rowConflict();
    const transaction = new LocalTransaction(table, Buffer.from(partition), nowMs + LIFETIME_MS);
    this.open.set(transaction.id, transaction);
    return transaction.id;
  }

  commit(id: string, nowMs: number): void {
    const transaction = this.find(id, nowMs);
    transaction.apply(this.store);
    this.open.delete(id);
  }

  abort(id: string, nowMs: number): void {
    this.find(id, nowMs);
    this.open.delete(id);
  }

  /** The rows as a request sees them: inside the transaction it names, or the store's. */
  access(id: string | undefined, nowMs: number): RowAccess {
    return id ? this.find(id, nowMs) : direct;
  }

  /** Throws when a transaction other than `access` holds the partition of `key`. */
  checkFree(table: Table, key: Buffer, access: RowAccess, nowMs: number): void {
    if (this.open.size === 0) return;
    const holder = this.holder(table, key.subarray(0, partitionLength(key, table.keyColumns)), nowMs);
    if (holder && holder !== access) throw rowConflict();
  }

  /** Forgets the transactions on a table that is dropped. */
  dropTable(table: Table): void {
    for (const [id, transaction] of this.open) if (transaction.table === table) this.open.delete(id);
  }

  private find(id: string, nowMs: number): LocalTransaction {
    if (!/^[0-9a-f]{32}$/.test(id)) throw invalid('TransactionID is invalid.');
    this.expire(nowMs);
    const transaction = this.open.get(id);
    if (!transaction) throw new OtsError('OTSSessionNotExist', 'Session not exist or may be timeout.');
    return transaction;
  }

  private holder(table: Table, partition: Buffer, nowMs: number): LocalTransaction | undefined {
    this.expire(nowMs);
    for (const transaction of this.open.values()) {
      if (transaction.table === table && transaction.partition.equals(partition)) return transaction;
    }
    return undefined;
  }

  private expire(nowMs: number): void {
    for (const [id, transaction] of this.open) if (transaction.expiresMs <= nowMs) this.open.delete(id);
  }
}

const direct: RowAccess = {
  get: (table, key) => table.get(key),
  put: (table, key, value) => table.put(key, value),
  delete: (table, key) => table.delete(key),
  scan: (table, start, end, backward) => table.scan(start, end, backward),
};

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

function outOfScope(): OtsError {
  return new OtsError('OTSDataOutOfRange', 'Data out of scope of transaction.');
}
