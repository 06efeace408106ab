import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { RowferryError } from '../../shared/errors.js';

/** What SQLite says of its files: SQLITE_PERM, READONLY, IOERR, FULL and CANTOPEN. */
const ofTheFolder: ReadonlySet<number> = new Set([3, 8, 10, 13, 14]);

/** Each entry brings the schema one version on; entries are only ever added. user_version counts them. */
export type Migrations = readonly string[];

/**
 * A store file: WAL, so that a killed process leaves the last committed transaction; readable by its owner only,
 * because dirty records hold people's data. Throws ROW-E105 when it cannot be opened, read or written (a full disk, say),
 * ROW-E108 when a newer program wrote it.
 */
export class Database {
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  private constructor(
    readonly raw: DatabaseSync,
    private readonly file: string,
  ) {}

  static open(file: string, migrations: Migrations): Database {
    let raw: DatabaseSync | undefined;
    try {
      raw = new DatabaseSync(file);
      if (process.platform !== 'win32') chmodSync(file, 0o600);
      // The option `timeout` is ignored by the oldest Node that we run on.
      raw.exec(
        'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
      );
      const version = Number(
        (raw.prepare('PRAGMA user_version').get() as { user_version: number }).user_version,
      );
      if (version > migrations.length) {
        throw new RowferryError('ROW-E108', `${file} was written by a newer version of Rowferry.`);
      }
      for (let next = version; next < migrations.length; next++) {
        raw.exec(`BEGIN; ${migrations[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
      }
      for (const suffix of ['-wal', '-shm']) {
        if (process.platform !== 'win32' && existsSync(file + suffix)) chmodSync(file + suffix, 0o600);
      }
      return new Database(raw, file);
    } catch (error) {
      raw?.close();
      if (error instanceof RowferryError) throw error;
      throw new RowferryError('ROW-E105', `The store ${file} cannot be opened: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number } {
    return this.#storing(() => ({ changes: Number(this.#statement(sql).run(...values).changes) }));
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#storing(() => this.#statement(sql).get(...values) as T | undefined);
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#storing(() => this.#statement(sql).all(...values) as T[]);
  }

  /** All or nothing; inner calls join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#storing(() => this.raw.exec('BEGIN IMMEDIATE'));
    this.#depth++;
    try {
      const result = work();
      this.#storing(() => this.raw.exec('COMMIT'));
      return result;
    } catch (error) {
      try {
        this.raw.exec('ROLLBACK');
      } catch {
        // When the disk is full SQLite has rolled back by itself; what happened is told, not that.
      }
      throw error;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    this.#statements.clear();
    this.raw.close();
  }

  /** Throws ROW-E105 for what the folder is to blame for. */
  #storing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = (error as { errcode?: unknown }).errcode;
      if (typeof code !== 'number' || !ofTheFolder.has(code & 0xff)) throw error;
      throw new RowferryError(
        'ROW-E105',
        `The store ${this.file} cannot be used: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.raw.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
