import tls from 'node:tls';
import type mysql from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { connectionOptions, sourceAddresses, type SourceAddress } from './connection-options.js';
import { sourceError } from './errors.js';
import { logIn } from './login.js';
import { isProven, socketOf } from './password.js';
import { isLoopback, resolvesToThisMachine } from './this-machine.js';

export { identifier } from './identifier.js';

/**
 * query: everything that reads names and facts. snapshot: rows of tables, whose text arrives as the bytes that
 * are stored (character_set_results = NULL), so that one decoder serves both phases.
 */
export type SessionPurpose = 'query' | 'snapshot';

/** What the rest of the product must know of a server. */
export interface ServerFacts {
  readonly version: string;
  readonly numbers: readonly [major: number, minor: number, patch: number];
  readonly isMariaDb: boolean;
  /** server_uuid; empty on servers that have none. */
  readonly serverUuid: string;
  readonly serverId: number;
  /** 'ON', 'OFF', 'ON_PERMISSIVE', 'OFF_PERMISSIVE'. */
  readonly gtidMode: string;
  readonly logBin: boolean;
  readonly binlogFormat: string;
  readonly binlogRowImage: string;
  readonly binlogRowMetadata: string;
  readonly binlogRowValueOptions: string;
  readonly binlogChecksum: string;
  readonly transactionCompression: boolean;
  readonly logReplicaUpdates: boolean;
  readonly lowerCaseTableNames: number;
  /** What foreign keys with CASCADE, SET NULL or SET DEFAULT do to child rows is in the binlog (9.6). */
  readonly logsCascades: boolean;
  readonly readOnly: boolean;
  /** The source's clock minus ours, µs: added to our clock it gives the source's time. */
  readonly clockOffsetMicros: number;
}

/** A light question that is not answered for so long means a dead link, which TCP itself takes a quarter of an hour to see. */
const answerTimeoutMillis = 15_000;
/** An answer that is under way may come yet when nobody needs it any more, so that its session ends in order. */
const patienceMillis = 1000;

/** Whatever a server or an administrator set globally must not reach our sessions. */
const sessionVariables = [
  `time_zone = '+00:00'`,
  `sql_mode = ''`,
  `net_write_timeout = 3600`,
  `net_read_timeout = 3600`,
  `wait_timeout = 28800`,
  // DEFAULT would be the global value, which is what must not reach us.
  `sql_select_limit = 18446744073709551615`,
  `max_execution_time = 0`,
  `max_join_size = 18446744073709551615`,
  `lock_wait_timeout = 3600`,
  // Without autocommit a session would see one moment for as long as it lives, and keep the tables that it read.
  `autocommit = ON`,
  // A row that is rolled back later must not be read.
  `transaction_isolation = 'REPEATABLE-READ'`,
  `character_set_client = utf8mb4`,
  `character_set_results = utf8mb4`,
  `collation_connection = utf8mb4_general_ci`,
  `information_schema_stats_expiry = 0`,
  `show_gipk_in_create_table_and_information_schema = ON`,
];

const unknownVariable = 1193;
const variableRefused = new Set([unknownVariable, 1227, 1231, 1238]);

/**
 * Sets what every session starts with, at once, or one by one where the server lacks some of it. Gives the
 * statements that worked, for another session on the same server.
 */
async function prepareSession(
  run: (sql: string) => Promise<unknown>,
  extra: readonly string[],
): Promise<string[]> {
  const all = [...sessionVariables, ...extra];
  const together = `SET ${all.map((one) => `SESSION ${one}`).join(', ')}`;
  try {
    await run(together);
    return [together];
  } catch (error) {
    if (!variableRefused.has(errnoOf(error))) throw error;
  }
  const worked: string[] = [];
  for (const one of all) {
    try {
      await run(`SET SESSION ${one}`);
      worked.push(`SET SESSION ${one}`);
    } catch (error) {
      if (!variableRefused.has(errnoOf(error))) throw error;
    }
  }
  return worked;
}

function errnoOf(error: unknown): number {
  const own = (error as { errno?: number } | null)?.errno;
  if (own !== undefined) return own;
  return (error as { cause?: { errno?: number } } | null)?.cause?.errno ?? 0;
}

/** What protects a session. */
export interface Protection {
  /** What is sent does not leave this machine. */
  readonly isOnThisMachine: boolean;
  readonly isEncrypted: boolean;
  /** The server's certificate comes from a known authority and holds for the host. */
  readonly isProven: boolean;
}

/** One session on the source. All errors are RowferryErrors. */
export class SourceConnection {
  /** The driver's connection, for the readers of this floor. */
  readonly raw: mysql.Connection;
  /** host:port that answered. */
  readonly address: string;
  /** How it is protected on its way, for people and for further sessions on the same server. */
  readonly protection: Protection;
  /** What prepared the session; another one on the same server may be prepared by the same statements. */
  preparedBy: readonly string[] = [];
  readonly #listeners: ((error: RowferryError) => void)[] = [];
  /** What waits for an answer. The driver forgets its callbacks when we destroy the connection; we must not. */
  readonly #waiting = new Set<(error: RowferryError) => void>();
  #facts: Promise<ServerFacts> | undefined;
  #ended = false;
  #destroyed = false;
  #lost: RowferryError | undefined;

  /** `raw` is logged in. */
  constructor(raw: mysql.Connection, { host, port }: SourceAddress) {
    this.raw = raw;
    // A socket that is closed tells nothing of that any more.
    const socket = socketOf(raw);
    const isEncrypted = socket instanceof tls.TLSSocket;
    this.protection = {
      isOnThisMachine: isLoopback(socket.remoteAddress),
      isEncrypted,
      isProven: isEncrypted && isProven(socket, host),
    };
    this.address = `${host}:${port}`;
    raw.on('error', (error: unknown) => this.#lose(error));
    raw.on('end', () => this.#lose({ code: 'PROTOCOL_CONNECTION_LOST', message: 'the server closed it' }));
  }

  get threadId(): number {
    return this.raw.threadId ?? 0;
  }

  #lose(error: unknown): void {
    if (this.#ended || this.#lost) return;
    this.#lost = sourceError(error, 'use', this.address);
    for (const listener of this.#listeners) listener(this.#lost);
  }

  /** Called once if the connection ends without close() or destroy(). */
  onLost(listener: (error: RowferryError) => void): void {
    if (this.#lost) listener(this.#lost);
    else this.#listeners.push(listener);
  }

  /** Rows as objects. Integers past 2^53, DECIMAL, dates and JSON are strings. Throws RowferryError. */
  query<T = Record<string, unknown>>(sql: string, params: readonly unknown[] = []): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const done = this.await(reject);
      this.raw.query({ sql, values: [...params] }, (error, rows) => {
        done();
        if (error) reject(sourceError(error, 'use', this.address));
        else resolve(rows as unknown as T[]);
      });
    });
  }

  /** Calls `reject` if the connection is destroyed before the function that it gives was called. */
  await(reject: (error: RowferryError) => void): () => void {
    if (this.#destroyed) reject(this.#ownEnd());
    else this.#waiting.add(reject);
    return () => this.#waiting.delete(reject);
  }

  #ownEnd(): RowferryError {
    return new RowferryError('ROW-S107', `Rowferry closed the connection to MySQL at ${this.address}.`);
  }

  /** Read from the server once, then remembered. */
  facts(): Promise<ServerFacts> {
    return (this.#facts ??= readFacts(this));
  }

  pause(): void {
    this.raw.pause();
  }

  resume(): void {
    this.raw.resume();
  }

  /** Says goodbye to the server, which counts the session no longer then; never throws, never waits long. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#lost) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        // The driver tells the end of the socket below TLS alone, which TLS keeps to itself.
        socketOf(this.raw).once('end', () => {
          clearTimeout(timer);
          resolve();
        });
        this.raw.end();
      });
    }
    this.destroy();
  }

  /** Ends at once, in the middle of a result too; what waits for an answer fails with `reason`. */
  destroy(reason = this.#ownEnd()): void {
    if (this.#destroyed) return;
    this.#ended = true;
    this.#destroyed = true;
    this.raw.destroy();
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  /**
   * What `work` gives that asks light questions: when they are not answered in time the connection is ended, with
   * ROW-S107; so it is when `signal` is aborted.
   */
  async answering<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const dead = setTimeout(() => {
      const seconds = answerTimeoutMillis / 1000;
      this.destroy(
        new RowferryError('ROW-S107', `MySQL at ${this.address} has not responded for ${seconds} s.`),
      );
    }, answerTimeoutMillis);
    try {
      return await this.until(signal, work);
    } finally {
      clearTimeout(dead);
    }
  }

  /**
   * What `work` gives; soon after `signal` is aborted the connection is ended, and what still waits for an answer fails.
   */
  async until<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    let ending: NodeJS.Timeout | undefined;
    const end = () => (ending = setTimeout(() => this.destroy(), patienceMillis));
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
    try {
      return await work();
    } finally {
      signal?.removeEventListener('abort', end);
      clearTimeout(ending);
    }
  }
}

/**
 * Connects to the first server that answers and prepares the session (correctness rule 15).
 * Throws ROW-S101, S102, S103, S110, S114 or S115; of several servers the first one's error.
 */
export async function connectSource(
  settings: SourceSettings,
  purpose: SessionPurpose = 'query',
): Promise<SourceConnection> {
  let first: RowferryError | undefined;
  for (const address of sourceAddresses(settings)) {
    try {
      return await connectTo(settings, address, purpose);
    } catch (error) {
      first ??= error as RowferryError;
    }
  }
  throw first!;
}

/** As connectSource(), one server only. */
export async function connectTo(
  settings: SourceSettings,
  address: SourceAddress,
  purpose: SessionPurpose,
): Promise<SourceConnection> {
  const text = `${address.host}:${address.port}`;
  const raw = await logInWithTls(settings, address, text);
  const connection = new SourceConnection(raw, address);
  try {
    connection.preparedBy = await connection.answering(() =>
      prepareSession(
        (sql) => connection.query(sql),
        purpose === 'snapshot' ? ['character_set_results = NULL'] : [],
      ),
    );
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return connection;
}

/**
 * With `preferred` TLS is tried with any server but one of this machine. What a server in the middle can always do, make
 * it fail, must not cost the password: without TLS the rules of passwordPlugins() are stricter, not looser.
 */
async function logInWithTls(
  settings: SourceSettings,
  address: SourceAddress,
  text: string,
): Promise<mysql.Connection> {
  const withTls = async (isEncrypted: boolean) =>
    logIn(await connectionOptions(settings, address, isEncrypted), text);
  if (settings.ssl !== 'preferred') return withTls(settings.ssl !== 'disabled');
  if (await resolvesToThisMachine(address.host)) return withTls(false);
  try {
    return await withTls(true);
  } catch (error) {
    if (!isWithoutTls(error, settings)) throw error;
    return withTls(false);
  }
}

/** The server has no TLS that we could speak, or the one proof of it that the task has is for logins without TLS. */
function isWithoutTls(error: unknown, settings: SourceSettings): boolean {
  if (!(error instanceof RowferryError)) return false;
  const driver = (error.cause as { code?: string } | undefined)?.code ?? '';
  return (
    driver.startsWith('HANDSHAKE_') ||
    (error.code === 'ROW-S115' && settings.serverPublicKeyFile !== undefined)
  );
}

const factVariables = [
  'version',
  'version_comment',
  'server_uuid',
  'server_id',
  'gtid_mode',
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_checksum',
  'binlog_transaction_compression',
  'log_replica_updates',
  'log_slave_updates',
  'lower_case_table_names',
  'innodb_native_foreign_keys',
  'read_only',
];

async function readFacts(connection: SourceConnection): Promise<ServerFacts> {
  // SHOW leaves out what the server does not know, where SELECT @@name would fail.
  const rows = await connection.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (?)`,
    [factVariables],
  );
  const values = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  const value = (name: string, standard = ''): string => values.get(name) ?? standard;
  const on = (name: string): boolean => ['ON', '1'].includes(value(name).toUpperCase());

  const version = value('version');
  const numbers = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  const [major, minor, patch] = [1, 2, 3].map((part) => Number(numbers?.[part] ?? 0)) as [
    number,
    number,
    number,
  ];
  return {
    version,
    numbers: [major, minor, patch],
    isMariaDb: /mariadb/i.test(version) || /mariadb/i.test(value('version_comment')),
    serverUuid: value('server_uuid'),
    serverId: Number(value('server_id', '0')),
    gtidMode: value('gtid_mode', 'OFF').toUpperCase(),
    logBin: on('log_bin'),
    binlogFormat: value('binlog_format', 'ROW').toUpperCase(),
    binlogRowImage: value('binlog_row_image', 'FULL').toUpperCase(),
    binlogRowMetadata: value('binlog_row_metadata', 'MINIMAL').toUpperCase(),
    binlogRowValueOptions: value('binlog_row_value_options').toUpperCase(),
    binlogChecksum: value('binlog_checksum', 'NONE').toUpperCase(),
    transactionCompression: on('binlog_transaction_compression'),
    logReplicaUpdates: on('log_replica_updates') || on('log_slave_updates'),
    lowerCaseTableNames: Number(value('lower_case_table_names', '0')),
    // Since 9.6 the SQL layer runs them, unless it is told to leave them to InnoDB.
    logsCascades: (major > 9 || (major === 9 && minor >= 6)) && !on('innodb_native_foreign_keys'),
    readOnly: on('read_only'),
    clockOffsetMicros: await clockOffset(connection),
  };
}

/** What must be added to our clock to get the source's NOW(6), µs; right to within half of the way there and back. */
export async function clockOffset(connection: SourceConnection): Promise<number> {
  const before = Date.now();
  const clock = await connection.query<{ micros: string | number }>(
    `SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED) AS micros`,
  );
  const ours = ((before + Date.now()) / 2) * 1000;
  return Math.round(Number(clock[0]?.micros ?? ours) - ours);
}

/** version ≥ wanted, by numbers (9.10 comes after 9.9, 26.1 after 9.7). */
export function atLeast(facts: ServerFacts, major: number, minor: number, patch = 0): boolean {
  const [a, b, c] = facts.numbers;
  return a !== major ? a > major : b !== minor ? b > minor : c >= patch;
}
