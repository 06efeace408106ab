import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RowferryError } from '../../shared/errors.js';
import { makeFolder } from '../base/make-folder.js';
import { OtsError } from '../base/errors.js';
import { keyColumns, type KeyColumn } from './key-codec.js';
import { definedColumnVariant, type TableSchema } from './schema.js';

/** Marks the file as ours ("RFTS"), so that a foreign database is never written to. */
const APPLICATION_ID = 0x52465453;
const FORMAT_VERSION = 1;
/** Rows in one INSERT: the calls into SQLite cost as much as its work on a row in key order. */
const PUTS_AT_ONCE = 20;

export interface RowEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A table: its schema, and its rows in the order of their encoded keys. */
export class Table {
  readonly keyColumns: readonly KeyColumn[];
  /** Type byte by name of a defined column; names as their bytes are, one character a byte. */
  definedTypes!: ReadonlyMap<string, number>;
  private readonly getRow: StatementSync;
  private readonly putRow: StatementSync;
  private readonly putRows: StatementSync;
  /** Keys and values, in turn, of rows that are put but not yet given to SQLite. */
  private readonly pending: Buffer[] = [];
  private readonly deleteRow: StatementSync;
  private readonly scans: { readonly forward: StatementSync; readonly backward: StatementSync };
  private readonly countRows: StatementSync;
  private lastAutoIncrement = 0n;

  constructor(
    database: DatabaseSync,
    readonly id: number,
    readonly schema: TableSchema,
  ) {
    this.keyColumns = keyColumns(schema);
    this.schemaChanged();
    const rows = `rows_${id}`;
    this.getRow = database.prepare(`SELECT v FROM ${rows} WHERE k = ?`);
    const put = (count: number): StatementSync =>
      database.prepare(
        `INSERT INTO ${rows} (k, v) VALUES ${Array(count).fill('(?, ?)').join(', ')} ON CONFLICT (k) DO UPDATE SET v = excluded.v`,
      );
    this.putRow = put(1);
    this.putRows = put(PUTS_AT_ONCE);
    this.deleteRow = database.prepare(`DELETE FROM ${rows} WHERE k = ?`);
    this.countRows = database.prepare(`SELECT count(*) AS n FROM ${rows}`);
    this.scans = {
      forward: database.prepare(`SELECT k, v FROM ${rows} WHERE k >= ? AND k < ? ORDER BY k`),
      backward: database.prepare(`SELECT k, v FROM ${rows} WHERE k <= ? AND k > ? ORDER BY k DESC`),
    };
  }

  /** To be called after a change of `schema`. */
  schemaChanged(): void {
    this.definedTypes = new Map(
      this.schema.definedColumns.map(({ name, type }) => [
        Buffer.from(name).toString('latin1'),
        definedColumnVariant[type]!,
      ]),
    );
  }

  get(key: Buffer): Buffer | undefined {
    this.flush();
    const row = this.getRow.get(key) as { v: Uint8Array } | undefined;
    return row && asBuffer(row.v);
  }

  /** Key and value must stay as they are until flush() or the end of the transaction. */
  put(key: Buffer, value: Buffer): void {
    this.pending.push(key, value);
    if (this.pending.length === 2 * PUTS_AT_ONCE) {
      this.putRows.run(...this.pending);
      this.pending.length = 0;
    }
  }

  delete(key: Buffer): void {
    this.flush();
    this.deleteRow.run(key);
  }

  /** Gives SQLite what put() has kept back. */
  flush(): void {
    const { pending } = this;
    for (let at = 0; at < pending.length; at += 2) this.putRow.run(pending[at]!, pending[at + 1]!);
    pending.length = 0;
  }

  /** Drops what put() has kept back. */
  forget(): void {
    this.pending.length = 0;
  }

  /** Rows from `start` (inclusive) to `end` (exclusive), descending when `backward`. */
  *scan(start: Buffer, end: Buffer, backward = false): Generator<RowEntry, void, undefined> {
    this.flush();
    const statement = backward ? this.scans.backward : this.scans.forward;
    for (const row of statement.iterate(start, end)) {
      const { k, v } = row as unknown as { k: Uint8Array; v: Uint8Array };
      yield { key: asBuffer(k), value: asBuffer(v) };
    }
  }

  count(): number {
    this.flush();
    return (this.countRows.get() as { n: number }).n;
  }

  /** A value greater than every one before: microseconds of the clock, or one more than the last. */
  nextAutoIncrement(nowMs: number): bigint {
    const now = BigInt(nowMs) * 1000n;
    this.lastAutoIncrement = now > this.lastAutoIncrement ? now : this.lastAutoIncrement + 1n;
    return this.lastAutoIncrement;
  }
}

/** A commit that several requests wait for. */
class SharedCommit {
  resolve!: () => void;
  reject!: (reason: unknown) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    // A write whose client has gone away has nobody who waits for it.
    this.promise.catch(() => undefined);
  }
}

/**
 * Tables and rows of one instance in one SQLite file (or in memory).
 *
 * WAL with synchronous=NORMAL: what was committed survives the death of the process at any moment, because it
 * is then in the operating system's hands; a loss of power may take the last commits, never the file.
 */
export class Store {
  readonly tables = new Map<string, Table>();
  private depth = 0;
  private group: SharedCommit | undefined;

  private constructor(
    readonly database: DatabaseSync,
    private readonly lock: DatabaseSync | undefined,
  ) {
    const rows = database.prepare('SELECT id, schema FROM tables ORDER BY id').all();
    for (const row of rows as unknown as { id: number; schema: string }[]) {
      const schema = JSON.parse(row.schema) as TableSchema;
      this.tables.set(schema.name, new Table(database, row.id, schema));
    }
  }

  /**
   * @param directory where the file is, made when missing; ':memory:' keeps nothing.
   * @param readOnly for a look at the data beside a running server: no lock is taken, nothing created.
   * @throws RowferryError ROW-E110 when the file is damaged, foreign, newer or missing (read only), ROW-E101
   *   when another process serves it.
   */
  static open(directory: string, instance: string, readOnly = false): Store {
    if (directory === ':memory:') return new Store(prepare(new DatabaseSync(':memory:')), undefined);
    const path = join(directory, `${instance}.tablestore`);
    let lock: DatabaseSync | undefined;
    let database: DatabaseSync | undefined;
    try {
      if (readOnly) {
        database = new DatabaseSync(path, { readOnly: true });
        checkFile(database, path);
        return new Store(database, undefined);
      }
      makeFolder(resolve(directory));
      makePrivate(`${path}-lock`);
      lock = lockFile(`${path}-lock`);
      makePrivate(path);
      database = new DatabaseSync(path);
      checkFile(database, path);
      return new Store(prepare(database), lock);
    } catch (error) {
      if (database?.isOpen) database.close();
      if (lock?.isOpen) lock.close();
      if (error instanceof RowferryError) throw error;
      throw new RowferryError('ROW-E110', `The data file ${path} cannot be used: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }

  /**
   * Runs `work`, which writes rows, in a transaction that it shares with other requests that are at hand: a commit
   * costs as much as hundreds of rows in no order. Nothing of it may be acknowledged before `committed` settles.
   * @throws what `work` throws. An OtsError must come before its first write; after any other error the whole
   *   group is taken back, and `committed` rejects.
   */
  shared<T>(work: () => T): T {
    if (!this.group) {
      this.database.exec('BEGIN IMMEDIATE');
      this.group = new SharedCommit();
      setImmediate(() => this.commitShared());
    }
    this.depth++;
    try {
      const result = work();
      // The next request writes over the memory that these rows lie in.
      for (const table of this.tables.values()) table.flush();
      return result;
    } catch (error) {
      for (const table of this.tables.values()) table.forget();
      if (!(error instanceof OtsError)) this.abandonShared(error);
      throw error;
    } finally {
      this.depth--;
    }
  }

  /** When what shared() has written so far is kept; undefined when nothing waits. */
  get committed(): Promise<void> | undefined {
    return this.group?.promise;
  }

  /** Commits what shared() has written. Whatever reads, or changes tables, comes after it. */
  commitShared(): void {
    const { group } = this;
    if (!group) return;
    try {
      this.database.exec('COMMIT');
      this.group = undefined;
      group.resolve();
    } catch (error) {
      this.abandonShared(error);
    }
  }

  private abandonShared(reason: unknown): void {
    const { group } = this;
    this.group = undefined;
    this.rollback();
    group?.reject(reason);
  }

  /** Runs `work` in one transaction: all of it is kept, or nothing. Nested calls join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work();
    this.commitShared();
    this.database.exec('BEGIN IMMEDIATE');
    this.depth++;
    try {
      const result = work();
      for (const table of this.tables.values()) table.flush();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      for (const table of this.tables.values()) table.forget();
      this.rollback();
      throw error;
    } finally {
      this.depth--;
    }
  }

  createTable(schema: TableSchema): Table {
    if (this.tables.has(schema.name)) {
      throw new OtsError('OTSObjectAlreadyExist', 'Requested table already exists.');
    }
    return this.transaction(() => {
      const inserted = this.database
        .prepare('INSERT INTO tables (schema) VALUES (?)')
        .run(JSON.stringify(schema));
      const id = Number(inserted.lastInsertRowid);
      // With rowids a change in random order touches index pages of small entries, not pages full of rows.
      this.database.exec(`CREATE TABLE rows_${id} (k BLOB PRIMARY KEY NOT NULL, v BLOB NOT NULL)`);
      const table = new Table(this.database, id, schema);
      this.tables.set(schema.name, table);
      return table;
    });
  }

  saveSchema(table: Table): void {
    this.database
      .prepare('UPDATE tables SET schema = ? WHERE id = ?')
      .run(JSON.stringify(table.schema), table.id);
    table.schemaChanged();
  }

  dropTable(table: Table): void {
    this.transaction(() => {
      this.database.exec(`DROP TABLE rows_${table.id}`);
      this.database.prepare('DELETE FROM tables WHERE id = ?').run(table.id);
    });
    this.tables.delete(table.schema.name);
  }

  /** A small setting kept with the data; `initial` is stored and given when it is not there yet. */
  setting(name: string, initial: () => string): string {
    const found = this.database.prepare('SELECT value FROM settings WHERE name = ?').get(name);
    if (found) return (found as { value: string }).value;
    const value = initial();
    this.database.prepare('INSERT INTO settings (name, value) VALUES (?, ?)').run(name, value);
    return value;
  }

  /** SQLite has already rolled back by itself after some errors; a second time is then an error of its own. */
  private rollback(): void {
    try {
      this.database.exec('ROLLBACK');
    } catch {
      // Nothing is open any more, which is what was wanted.
    }
  }

  close(): void {
    this.commitShared();
    this.database.close();
    this.lock?.close();
  }
}

function prepare(database: DatabaseSync): DatabaseSync {
  database.exec('PRAGMA page_size = 8192');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec('PRAGMA cache_size = -65536');
  database.exec('PRAGMA wal_autocheckpoint = 16000');
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${FORMAT_VERSION}`);
  database.exec(
    'CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY AUTOINCREMENT, schema TEXT NOT NULL)',
  );
  database.exec('CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)');
  return database;
}

/** Throws unless the file is empty or ours. */
function checkFile(database: DatabaseSync, path: string): void {
  const pragma = (name: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0]);
  const objects = (database.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number }).n;
  const application = pragma('application_id');
  if (objects > 0 && application !== APPLICATION_ID) {
    throw new RowferryError('ROW-E110', `The file ${path} belongs to another program.`);
  }
  if (pragma('user_version') > FORMAT_VERSION) {
    throw new RowferryError('ROW-E110', `The file ${path} was written by a newer version of this program.`);
  }
}

/** An open exclusive transaction ends with its process, however that dies. */
/** Before SQLite opens it: its journals take their mode from the file, and what lies in them is the same rows. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  for (const suffix of ['-wal', '-shm', '-journal'])
    if (existsSync(path + suffix)) chmodSync(path + suffix, 0o600);
}

function lockFile(path: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw new RowferryError('ROW-E101', 'Another process serves this data folder.', {
      remedy: 'Stop that process, or choose another folder with --data.',
      cause: error,
    });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
