import type { Socket } from 'node:net';

/** The parts of mysql2 that are used here beside its documented ones (it is pinned). */
interface DriverConnection {
  readonly stream: Socket;
  packetParser: { execute(chunk: Buffer): void };
  resume(): void;
  /** What is being answered; null between two answers. */
  readonly _command: { readonly _fieldCount?: unknown } | null;
  _handleFatalError(error: Error): void;
}

/** All of a login: greeting, public key and whatever is asked on top. */
const maximumLoginBytes = 64 * 1024;
/**
 * A packet: a row of a chunk, whose long values are at most maximumValueBytes together (snapshot.ts), and hundreds of
 * TEXT and BLOB values of 64 KiB beside them.
 */
const maximumPacketBytes = 48 * 1024 * 1024;
/** MySQL manual, "Limits on Table Column Count"; one more says that a row is too long. */
const maximumColumns = 4096 + 1;
/** What the objects of one answer may take. The catalog of ten thousand tables takes half of it. */
const maximumAnswerBytes = 128 * 1024 * 1024;
/** What a row takes as an object, beside the bytes of its values, and what each of its values does. */
const rowBytes = 128;
const valueBytes = 32;

const headerBytes = 4;
const fullPacket = 0xffffff;

/** Commands whose rows nobody keeps. */
const passing = new WeakSet<object>();

/** The rows of this query are not kept: there may be any number of them. */
export function keepsNoRows(query: object): void {
  passing.add(query);
}

/**
 * Holds a server to what a MySQL sends. The driver believes every length and keeps whatever comes, so that whoever
 * answers at the address of a source could take all memory of the process, and every task in it. A connection that
 * goes beyond the bounds, or sends what the driver cannot read, ends with an error like a connection that is lost.
 */
export function boundAnswers(connection: NodeJS.EventEmitter): void {
  const driver = connection as unknown as DriverConnection;
  const parser = driver.packetParser;
  let isLoggedIn = false;
  let hasEnded = false;
  let received = 0;
  /** Bytes of the header that have come, and what they say; bytes that are left of the packet's payload. */
  let headerLength = 0;
  let length = 0;
  let left = 0;
  /** Of a packet with its continuations. */
  let whole = 0;
  let continues = false;
  let answered: object | null = null;
  /** Nobody keeps the rows of that. */
  let isPassing = false;
  let kept = 0;

  const begin = (): void => {
    whole = continues ? whole + length : length;
    continues = length === fullPacket;
    left = length;
    if (whole > maximumPacketBytes) throw beyond('a packet', maximumPacketBytes);
    if (!isLoggedIn || isPassing) return;
    kept += length + rowBytes + valueBytes * columns(driver);
    if (kept > maximumAnswerBytes) throw beyond('an answer', maximumAnswerBytes);
  };
  const measure = (chunk: Buffer): void => {
    received += chunk.length;
    if (!isLoggedIn && received > maximumLoginBytes) throw beyond('a login', maximumLoginBytes);
    if (driver._command !== answered) {
      answered = driver._command;
      isPassing = answered !== null && passing.has(answered);
      kept = 0;
    }
    for (let at = 0; at < chunk.length;) {
      if (left > 0) {
        const skipped = Math.min(left, chunk.length - at);
        left -= skipped;
        at += skipped;
        continue;
      }
      if (headerLength === 0 && at + headerBytes <= chunk.length) {
        length = chunk[at]! | (chunk[at + 1]! << 8) | (chunk[at + 2]! << 16);
        at += headerBytes;
        begin();
        continue;
      }
      // The header comes in pieces.
      if (headerLength < 3) length = (headerLength === 0 ? 0 : length) | (chunk[at]! << (8 * headerLength));
      at++;
      if (++headerLength < headerBytes) continue;
      headerLength = 0;
      begin();
    }
  };
  const guarded = (work: () => void): void => {
    if (hasEnded) return;
    try {
      work();
    } catch (error) {
      hasEnded = true;
      driver._handleFatalError(error as Error);
      driver.stream.destroy();
    }
  };
  driver.packetParser = {
    execute: (chunk) =>
      guarded(() => {
        measure(chunk);
        parser.execute(chunk);
        if (columns(driver) > maximumColumns) throw new Error('the server sent too many columns');
      }),
  };
  // What came while it was paused is read here.
  const { resume } = driver;
  driver.resume = () => guarded(() => resume.call(driver));
  connection.once('connect', () => (isLoggedIn = true));
  // The driver would go on, and write a line for each such packet.
  connection.on('warn', () => {
    throw new Error('the server sent packets out of order');
  });
  // What comes when nobody listens must not end the process; a later query fails.
  connection.on('error', () => undefined);
}

/** Of the answer that is coming; Infinity for a number that is none. */
function columns({ _command: command }: DriverConnection): number {
  const count = command?._fieldCount ?? 0;
  return typeof count === 'number' ? count : Infinity;
}

function beyond(what: string, bytes: number): Error {
  const size = bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / (1024 * 1024)} MiB`;
  return new Error(`the server sent ${what} of more than ${size}`);
}
