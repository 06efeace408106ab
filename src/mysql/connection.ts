import tls from 'node:tls';
import type mysql from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import type { SourceSettings } from '../shared/task.js';
import { connectionOptions, sourceAddresses, type SourceAddress } from './connection-options.js';
import { sourceError } from './errors.js';
import { logIn } from './login.js';
import { isProven, socketOf } from './password.js';
import { readFacts, type ServerFacts } from './server-facts.js';
import { prepareSession } from './session-variables.js';
import { isLoopback, resolvesToThisMachine } from './this-machine.js';

export { identifier } from './identifier.js';

/**
 * query: everything that reads names and facts. snapshot: rows of tables, whose text arrives as the bytes that
 * are stored (character_set_results = NULL), so that one decoder serves both phases.
 */
export type SessionPurpose = 'query' | 'snapshot';

/** A light question that is not answered for so long means a dead link, which TCP itself takes a quarter of an hour to see. */
const answerTimeoutMillis = 15_000;
/** An answer that is under way may come yet when nobody needs it any more, so that its session ends in order. */
const patienceMillis = 1000;

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
