import { randomInt, randomUUID } from 'node:crypto';
import { RowferryError } from '../../shared/errors.js';
import { said } from '../../shared/said.js';
import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';
import { connectTo, type SourceConnection } from '../connection.js';
import { connectionOptions, sourceAddresses, type SourceAddress } from '../connection-options.js';
import { sourceError } from '../errors.js';
import type { BinlogHandler } from '../model.js';
import { assertAvailable, askedOf } from '../position.js';
import { BinlogDecoder } from './decoder.js';
import { BinlogDump } from './dump.js';
import { PacketFramer, type ServerError } from './framer.js';

/**
 * A question that needs the binlog, to be asked of the one server that `settings` name: gives the position with what
 * identifies the history before it. Throws ROW-S104 when the server's is another.
 */
export type HistoryCheck = (settings: SourceSettings, signal: AbortSignal) => Promise<SourcePosition>;

export interface BinlogStreamOptions {
  readonly position: SourcePosition;
  /** Seconds between the source's signs of life while nothing happens. */
  readonly heartbeatSeconds?: number;
  /**
   * How the source's history is compared with that of the position (history.ts); the check that it gives needs the
   * place of the connection. null: it is not compared.
   */
  readonly history:
    ((connection: SourceConnection, position: SourcePosition) => Promise<HistoryCheck | null>) | null;
}

const standardHeartbeatSeconds = 5;
/** A dead link is seen after this many missed heartbeats: 20 s, inside the 30 s that are promised. */
const missedHeartbeats = 4;
const watchMillis = 1000;
const serverIdAttempts = 3;
/** ER_SOURCE_FATAL_ERROR_READING_BINLOG: the answer to everything that is wrong with a dump. */
const dumpRefused = 1236;

/**
 * The source's change stream from a position on, delivered to a handler. One object is one attempt: after an
 * error, a new stream from `position` delivers a broken-off transaction again from its beginning.
 */
export class BinlogStream {
  readonly #settings: SourceSettings;
  readonly #options: BinlogStreamOptions;
  readonly #handler: BinlogHandler;
  #position: SourcePosition;
  #decoder: BinlogDecoder | null = null;
  #framer: PacketFramer | null = null;
  #dump: BinlogDump | null = null;
  #paused = false;
  #stopped = false;
  /** The server has said why it ends the dump; that it then closes the link says nothing more. */
  #isRefused = false;
  readonly #stopping = new AbortController();
  #lastHeardAt = Date.now();
  #lastWatchAt = 0;
  #end: ((error: Error | null) => void) | null = null;
  #pumpPending = false;

  constructor(settings: SourceSettings, options: BinlogStreamOptions, handler: BinlogHandler) {
    this.#settings = settings;
    this.#options = options;
    this.#handler = handler;
    this.#position = options.position;
  }

  /** Behind the last committed transaction that the handler got. */
  get position(): SourcePosition {
    return this.#decoder?.position ?? this.#position;
  }

  /** The source was found to have the position, and sends what is behind it. */
  get isStreaming(): boolean {
    return this.#end !== null && (this.#decoder?.hasBegun ?? false);
  }

  /** When the source was last heard of, ms since the epoch. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  /**
   * Streams until stop(). Throws ROW-S101…S103 or S110 when no server lets us in, S104 when the position is gone,
   * S107 when the link was lost or fell silent, S109 on what cannot be read, and whatever the handler throws.
   */
  async run(): Promise<void> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        await this.#attempt();
      } catch (error) {
        if (this.#stopped) return;
        const again =
          error instanceof DumpRefused && attempt < serverIdAttempts && this.#settings.serverId === null;
        if (again) continue;
        throw error instanceof DumpRefused ? error.reason : error;
      }
    }
  }

  async #attempt(): Promise<void> {
    const { address, connection } = await this.#connect();
    let serverUuid: string;
    try {
      ({ serverUuid } = await connection.answering(() => connection.facts()));
    } finally {
      // The dump has two of its own.
      await connection.close();
    }
    await this.#stream(address, connection, serverUuid);
  }

  /** The first server that answers and still has the position; of several refusals the first is thrown. */
  async #connect(): Promise<{ address: SourceAddress; connection: SourceConnection }> {
    let first: unknown;
    for (const address of sourceAddresses(this.#settings)) {
      let connection: SourceConnection | undefined;
      try {
        const open = (connection = await connectTo(this.#settings, address, 'query'));
        const { history } = this.#options;
        const facts = await open.answering(() => open.facts());
        const position = askedOf(facts, this.#position);
        await open.answering(() => assertAvailable(open, position));
        const check = history ? await open.answering(() => history(open, position)) : null;
        this.#position = position;
        if (check === null) return { address, connection };
        // The check takes the place of this session: no more are needed than later.
        await open.close();
        const { host, port } = address;
        this.#position = await check({ ...this.#settings, host, port, hosts: [] }, this.#stopping.signal);
        connection = await connectTo(this.#settings, address, 'query');
        return { address, connection };
      } catch (error) {
        first ??= error;
        await connection?.close();
      }
    }
    throw first;
  }

  async #stream(address: SourceAddress, connection: SourceConnection, serverUuid: string): Promise<void> {
    const text = connection.address;
    const heartbeat = this.#options.heartbeatSeconds ?? standardHeartbeatSeconds;
    const options = await connectionOptions(this.#settings, address, connection.protection.isEncrypted);
    if (this.#stopped) return;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => {
        this.#end = null;
        if (error) reject(error);
        else resolve();
      };
    });
    ended.catch(() => undefined);
    this.#decoder = new BinlogDecoder(this.#handler, this.#position, {
      serverUuid,
      isOpen: () => this.#isOpen,
      onProgress: (error) => (error ? this.#fail(error) : this.#pump()),
    });
    const decoder = this.#decoder;
    this.#framer = new PacketFramer(
      {
        event: (bytes, start, end) => decoder.event(bytes, start, end),
        inPieces: (type, length) => decoder.inPieces(type, length),
        piece: (bytes, start, end, last) => decoder.piece(bytes, start, end, last),
        serverError: (error) => this.#refuse(error, text),
        endOfStream: () => this.#fail(lost(text, 'the server ended the stream')),
      },
      () => this.#isOpen && decoder.isReady,
    );
    this.#isRefused = false;
    this.#lastHeardAt = this.#lastWatchAt = Date.now();
    this.#dump = new BinlogDump({
      connection: options,
      session: [...connection.preparedBy, ...dumpSession(heartbeat)],
      position: this.#position,
      serverId: this.#settings.serverId ?? randomInt(0x10000000, 0xffffffff),
      onChunk: (chunk) => this.#take(chunk),
      onError: (error) => {
        if (!this.#isRefused) this.#fail(sourceError(error, 'use', text));
      },
    });
    const watch = setInterval(() => this.#watch(text, heartbeat), watchMillis);
    try {
      await ended;
    } finally {
      clearInterval(watch);
      this.#end = null;
      this.#position = decoder.position;
      decoder.destroy();
      await this.#dump.stop();
    }
  }

  get #isOpen(): boolean {
    return !this.#paused && this.#end !== null;
  }

  #take(chunk: Buffer): void {
    this.#lastHeardAt = Date.now();
    if (this.#end === null) return;
    try {
      this.#framer!.execute(chunk);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#steer();
  }

  /** The socket stands still while a chunk of it is not yet taken apart: what waits is one chunk. */
  #steer(): void {
    if (this.#end === null) return;
    if (this.#isOpen && this.#framer!.isEmpty) this.#dump?.resume();
    else this.#dump?.pause();
  }

  #pump(): void {
    if (!this.#isOpen) return;
    try {
      this.#decoder!.advance();
      this.#framer!.advance();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#steer();
  }

  #fail(error: Error): void {
    this.#end?.(error);
  }

  /** The dump command failed, or the server ended it. The number alone does not say why, so the server is asked. */
  #refuse(error: ServerError, address: string): void {
    if (error.errno !== dumpRefused) {
      this.#fail(sourceError({ ...error, code: '' }, 'use', address));
      return;
    }
    const reason = new RowferryError(
      'ROW-S109',
      `MySQL at ${address} ended the binlog stream: ${said(error.message)}`,
    );
    this.#isRefused = true;
    this.#position = this.#decoder!.position;
    this.#connect().then(
      async ({ connection }) => {
        await connection.close();
        // The position is there, so another reader with our server_id is the likely cause.
        this.#fail(new DumpRefused(reason));
      },
      (cause: unknown) => this.#fail(cause as Error),
    );
  }

  #watch(address: string, heartbeatSeconds: number): void {
    const now = Date.now();
    const wasAsleep = now - this.#lastWatchAt > 2 * watchMillis;
    this.#lastWatchAt = now;
    // While the socket stands still on our side, or this process did, silence means nothing.
    if (!this.#isOpen || !this.#framer!.isEmpty || wasAsleep) {
      this.#lastHeardAt = now;
      return;
    }
    const silent = now - this.#lastHeardAt;
    if (silent > heartbeatSeconds * missedHeartbeats * 1000) {
      this.#fail(lost(address, `no data received for ${Math.round(silent / 1000)} s`));
    }
  }

  /** Stops delivery: at once between two rows of different events; the rest of the current event still arrives. */
  pause(): void {
    this.#paused = true;
    this.#dump?.pause();
  }

  /** Goes on where pause() stopped, never from inside this call. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#lastHeardAt = Date.now();
    if (this.#pumpPending) return;
    this.#pumpPending = true;
    setImmediate(() => {
      this.#pumpPending = false;
      this.#pump();
    });
  }

  /** Ends run(); the handler is not called again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.#end?.(null);
    await this.#dump?.stop();
  }
}

/** Thrown inside only: the server refused a dump whose position it has. */
class DumpRefused extends Error {
  readonly reason: RowferryError;

  constructor(reason: RowferryError) {
    super(reason.message);
    this.reason = reason;
  }
}

function lost(address: string, why: string): RowferryError {
  return new RowferryError('ROW-S107', `The binlog stream from ${address} was lost: ${why}.`);
}

/** User variables that the dump thread reads, under their old names and those from 8.0.26. Heartbeats in ns. */
function dumpSession(heartbeatSeconds: number): string[] {
  const period = heartbeatSeconds * 1_000_000_000;
  // A UUID of our own: without one the server ends the dump of any other reader with the same server_id.
  const uuid = randomUUID();
  return [
    `SET @source_binlog_checksum = 'CRC32', @master_binlog_checksum = 'CRC32', @source_heartbeat_period = ${period}, @master_heartbeat_period = ${period}, @replica_uuid = '${uuid}', @slave_uuid = '${uuid}'`,
  ];
}
