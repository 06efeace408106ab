import type { Socket } from 'node:net';
import type mysql from 'mysql2';
import ZongJi from 'zongji';
import type { SourcePosition } from '../../shared/position.js';
import { boundAnswers } from '../answer-bounds.js';
import { firstEventOffset } from '../position.js';

/** The parts of zongji, and of mysql2 below it, that are used here beside their documented ones (both are pinned). */
interface DriverConnection extends NodeJS.EventEmitter {
  readonly stream: Socket;
  packetParser: { execute(chunk: Buffer): void };
  query(sql: string, callback: (error: Error | null) => void): void;
  writePacket(packet: { readonly buffer: Buffer }): void;
}
interface DumpCommand {
  start(packet: unknown, connection: DriverConnection): unknown;
}
interface Internals {
  readonly BinlogClass: { readonly prototype: DumpCommand };
  readonly connection: DriverConnection;
  readonly ctrlConnection: DriverConnection;
}

export interface DumpOptions {
  readonly connection: mysql.ConnectionOptions;
  /** Statements that prepare the session, before the dump begins. */
  readonly session: readonly string[];
  readonly position: SourcePosition;
  readonly serverId: number;
  /** Takes the socket's chunks from the dump command on. */
  readonly onChunk: (chunk: Buffer) => void;
  readonly onError: (error: unknown) => void;
}

const commandOffset = 4;
const dumpGtid = 0x1e;
/** In the dump command: heartbeats may be of version 2, whose offsets do not end at 4 GiB. Older servers ignore it. */
const heartbeatV2Flag = 0x02;
/** COM_BINLOG_DUMP has 32 bits for the offset. */
const maximumStartOffset = 0xffffffff;

/**
 * A binlog dump. zongji connects, agrees on checksums, sends the dump command and ends the server's thread when
 * stopped; the bytes that follow the command go to `onChunk`, past its decoder and the driver's packet queue.
 */
export class BinlogDump {
  readonly #zongji: ZongJi;
  #stopped = false;
  #socket: Socket | null = null;

  constructor(options: DumpOptions) {
    this.#zongji = new ZongJi(options.connection);
    this.#zongji.on('error', (error: unknown) => {
      if (!this.#stopped) options.onError(error);
    });
    this.#zongji.on('ready', () => this.#prepare(options));
    const { gtidSet, file, offset } = options.position;
    const start = offset ?? firstEventOffset;
    this.#zongji.start({
      serverId: options.serverId,
      ...(gtidSet !== undefined
        ? { gtidSet }
        : { filename: file ?? '', position: start > maximumStartOffset ? firstEventOffset : start }),
    });
    const { connection, ctrlConnection } = this.#zongji as unknown as Internals;
    for (const one of [connection, ctrlConnection]) boundAnswers(one);
  }

  /** zongji queues its dump command right behind what is queued here. */
  #prepare(options: DumpOptions): void {
    const { connection, ctrlConnection, BinlogClass } = this.#zongji as unknown as Internals;
    for (const sql of options.session) {
      connection.query(sql, (error) => {
        if (error && !this.#stopped) options.onError(error);
      });
    }
    // It waits, perhaps for months, for the moment when it must end the dump.
    ctrlConnection.query('SET SESSION wait_timeout = 31536000', () => undefined);
    const command = BinlogClass.prototype;
    const { start } = command;
    command.start = function (packet, driver) {
      const { writePacket } = driver;
      driver.writePacket = (sent) => {
        const flags = sent.buffer[commandOffset] === dumpGtid ? commandOffset + 1 : commandOffset + 5;
        sent.buffer[flags]! |= heartbeatV2Flag;
        writePacket.call(driver, sent);
      };
      const next = start.call(this, packet, driver);
      driver.writePacket = writePacket;
      driver.packetParser = { execute: options.onChunk };
      return next;
    };
    this.#socket = connection.stream;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#stopped) this.#socket?.resume();
  }

  /** Ends the connection and the server's dump thread; never throws, and waits no longer than zongji's own limit. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await new Promise<void>((resolve) => {
      this.#zongji.once('stopped', resolve);
      this.#zongji.stop();
    });
  }
}
