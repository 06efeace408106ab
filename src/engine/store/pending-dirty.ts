import type { NewDirtyRecord, OpenDirty } from '../../sync/state/task-store.js';
import type { Database } from './database.js';

/** After so long they are stored, if nothing else of the task is stored before. */
const soonMs = 100;

const pendingId = 'pending ';

/**
 * Dirty records of a task that are not stored yet: a transaction for each would keep every task of the engine waiting
 * while many rows of one are dirty. Whatever else is stored of the task, the checkpoint above all, is stored after them
 * (correctness rule 22), and nobody reads records without these: every access to either begins with store(), or looks
 * here too. There is one for each task of a database, whoever asks.
 */
export class PendingDirty {
  private readonly records = new Map<string, NewDirtyRecord>();
  /** Identities by source and key. */
  private readonly byKey = new Map<string, Set<string>>();
  private soon: NodeJS.Timeout | undefined;

  private constructor(
    private readonly database: Database,
    private readonly task: string,
  ) {}

  static of(database: Database, task: string): PendingDirty {
    let tasks = known.get(database);
    if (!tasks) known.set(database, (tasks = new Map()));
    let pending = tasks.get(task);
    if (!pending) tasks.set(task, (pending = new PendingDirty(database, task)));
    return pending;
  }

  get size(): number {
    return this.records.size;
  }

  /** In place of one of the same identity, which is the same row met again. */
  add(record: NewDirtyRecord): void {
    const known = this.records.get(record.identity);
    if (known) this.forget(known);
    this.records.set(record.identity, record);
    const key = keyOf(record.source, record.keyHash);
    const identities = this.byKey.get(key);
    if (identities) identities.add(record.identity);
    else this.byKey.set(key, new Set([record.identity]));
    this.soon ??= setTimeout(() => this.atLast(), soonMs).unref();
  }

  /** Stores the oldest of them, all unless `most` is given, in one transaction. What cannot be stored stays. */
  store(most = Infinity): void {
    if (this.records.size === 0) return;
    const some = most >= this.records.size ? [...this.records.values()] : first(this.records.values(), most);
    this.database.transaction(() => {
      for (const record of some) putDirty(this.database, this.task, record);
    });
    for (const record of some) this.forget(record);
    if (this.records.size > 0) return;
    clearTimeout(this.soon);
    this.soon = undefined;
  }

  /** Those of these keys that nothing waits for. */
  open(source: string, keyHashes: readonly string[]): OpenDirty[] {
    if (this.records.size === 0) return [];
    return keyHashes.flatMap((keyHash) =>
      [...(this.byKey.get(keyOf(source, keyHash)) ?? [])].flatMap((identity) => {
        const { holds, position, locator } = this.records.get(identity)!;
        return holds ? [] : [{ id: pendingId + identity, identity, keyHash, position, locator }];
      }),
    );
  }

  /** By ids that open() gave, here or where they were stored since. Gives the other ids. */
  remove(ids: readonly string[]): string[] {
    const others: string[] = [];
    for (const id of ids) {
      if (!id.startsWith(pendingId)) {
        others.push(id);
        continue;
      }
      const identity = id.slice(pendingId.length);
      const record = this.records.get(identity);
      if (record) this.forget(record);
      else
        this.database.run(
          'DELETE FROM dirty WHERE task = ? AND identity = ? AND holds = 0',
          this.task,
          identity,
        );
    }
    return others;
  }

  private forget({ identity, source, keyHash }: NewDirtyRecord): void {
    this.records.delete(identity);
    const key = keyOf(source, keyHash);
    const identities = this.byKey.get(key);
    identities?.delete(identity);
    if (identities?.size === 0) this.byKey.delete(key);
  }

  private atLast(): void {
    this.soon = undefined;
    try {
      this.store();
    } catch {
      // They stay, and whoever stores something next is told: the checkpoint does not pass them.
    }
  }
}

const known = new WeakMap<Database, Map<string, PendingDirty>>();

const keyOf = (source: string, keyHash: string) => `${keyHash} ${source}`;

function first<T>(all: Iterable<T>, most: number): T[] {
  const some: T[] = [];
  for (const one of all) {
    if (some.length >= most) break;
    some.push(one);
  }
  return some;
}

/**
 * Stores a record, or renews the one of the same identity unless its row is to be passed over: under another mapping the
 * row may be dirty for another reason, and a decision to try again is used up.
 */
export function putDirty(database: Database, task: string, record: NewDirtyRecord): void {
  database.run(
    `INSERT INTO dirty (code, message, source_row, cells, locator, holds, row_hash, task, identity, source, destination, operation, key, key_hash, position, at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (task, identity) DO UPDATE SET code = excluded.code, message = excluded.message,
       source_row = excluded.source_row, cells = excluded.cells, locator = excluded.locator, holds = excluded.holds,
       row_hash = excluded.row_hash, decision = NULL
     WHERE decision IS NOT 'skip'`,
    record.code,
    record.message,
    JSON.stringify(Object.fromEntries(record.sourceRow)),
    JSON.stringify(Object.fromEntries(record.cells)),
    record.locator === null ? null : JSON.stringify(record.locator),
    record.holds ? 1 : 0,
    record.rowHash,
    task,
    record.identity,
    record.source,
    record.destination,
    record.operation,
    record.key,
    record.keyHash,
    record.position === null ? null : JSON.stringify(record.position),
    record.atMs,
  );
}
