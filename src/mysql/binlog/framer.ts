import { headerBytes, unreadable } from './format.js';

/** An error packet of the server, in the middle of the stream. */
export interface ServerError {
  readonly errno: number;
  readonly message: string;
}

/** Takes the stream apart. Every call returns before the next comes; `bytes` is only good until then. */
export interface EventSink {
  /** A whole event, header and checksum included. */
  event(bytes: Buffer, start: number, end: number): void;
  /** Is an event of this type and length to be taken in pieces, because holding it would break the memory bound? */
  inPieces(type: number, length: number): boolean;
  /** A piece of such an event, in order; the first holds at least the header; `last` with the final one. */
  piece(bytes: Buffer, start: number, end: number, last: boolean): void;
}

export interface PacketSink extends EventSink {
  serverError(error: ServerError): void;
  /** The server ended the stream. */
  endOfStream(): void;
}

const typeOffset = 4;
const sizeOffset = 9;
/** An event that is held whole: a statement is at most as long as max_allowed_packet, 64 MiB as MySQL sets it. */
const maximumEventBytes = 65 * 1024 * 1024;
/**
 * Cuts a run of bytes into binlog events by the length in their headers. Stops between two events when `isOpen`
 * says no; take() tells how far it came.
 */
export class EventAssembler {
  readonly #sink: EventSink;
  readonly #isOpen: () => boolean;
  #head = Buffer.alloc(headerBytes);
  #headLength = 0;
  /** The event that is being put together, when it did not come in one run. */
  #whole: Buffer | null = null;
  #filled = 0;
  /** Bytes still to come of an event that is taken in pieces; −1: none is. */
  #piecesLeft = -1;

  constructor(sink: EventSink, isOpen: () => boolean) {
    this.#sink = sink;
    this.#isOpen = isOpen;
  }

  /** Is it between two events? */
  get isIdle(): boolean {
    return this.#headLength === 0 && this.#whole === null && this.#piecesLeft === -1;
  }

  /** Consumes bytes[start, end) up to the end or to the place where the gate was found closed; gives that offset. */
  take(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#piecesLeft >= 0) at = this.#takePiece(bytes, at, end);
      else if (this.#whole !== null) at = this.#fill(bytes, at, end);
      else if (this.#headLength > 0 || end - at < headerBytes) at = this.#takeHead(bytes, at, end);
      else {
        const size = bytes.readUInt32LE(at + sizeOffset);
        const type = bytes[at + typeOffset]!;
        if (this.#sink.inPieces(type, size)) {
          this.#piecesLeft = size;
          continue;
        }
        if (end - at < size || size < headerBytes) {
          this.#begin(size);
          continue;
        }
        this.#sink.event(bytes, at, at + size);
        at += size;
      }
      if (!this.#isOpen()) break;
    }
    return at;
  }

  #begin(size: number): void {
    if (size < headerBytes || size > maximumEventBytes)
      throw unreadable(`an event has the impossible length ${size}`);
    this.#whole = Buffer.allocUnsafe(size);
    this.#filled = 0;
  }

  #fill(bytes: Buffer, at: number, end: number): number {
    const whole = this.#whole!;
    const count = Math.min(end - at, whole.length - this.#filled);
    bytes.copy(whole, this.#filled, at, at + count);
    this.#filled += count;
    if (this.#filled === whole.length) {
      this.#whole = null;
      this.#sink.event(whole, 0, whole.length);
    }
    return at + count;
  }

  #takePiece(bytes: Buffer, at: number, end: number): number {
    const count = Math.min(end - at, this.#piecesLeft);
    this.#piecesLeft -= count;
    const last = this.#piecesLeft === 0;
    if (last) this.#piecesLeft = -1;
    this.#sink.piece(bytes, at, at + count, last);
    return at + count;
  }

  #takeHead(bytes: Buffer, at: number, end: number): number {
    const count = Math.min(end - at, headerBytes - this.#headLength);
    bytes.copy(this.#head, this.#headLength, at, at + count);
    this.#headLength += count;
    if (this.#headLength < headerBytes) return at + count;
    const head = this.#head;
    this.#head = Buffer.alloc(headerBytes);
    this.#headLength = 0;
    const size = head.readUInt32LE(sizeOffset);
    if (this.#sink.inPieces(head[typeOffset]!, size)) {
      this.#piecesLeft = size;
      this.#takePiece(head, 0, headerBytes);
    } else {
      this.#begin(size);
      this.#fill(head, 0, headerBytes);
    }
    return at + count;
  }
}

const packetHeaderBytes = 4;
const fullPacket = 0xffffff;
const okMark = 0x00;
const endMark = 0xfe;
const errorMark = 0xff;
/** What the server says when it ends the stream. */
const maximumErrorBytes = 64 * 1024;

/**
 * Takes the place of mysql2's packet parser on a connection that has sent its dump command: cuts the socket's
 * chunks into packets (joining those that continue a full one) and these into events. Unlike the driver's, it
 * stops in the middle of a chunk when paused, so that nothing is queued or copied, and never holds an event that
 * is taken in pieces.
 */
export class PacketFramer {
  readonly #sink: PacketSink;
  readonly #isOpen: () => boolean;
  readonly #assembler: EventAssembler;
  readonly #header = Buffer.alloc(packetHeaderBytes);
  #headerLength = 0;
  /** Bytes left of the packet's payload; −1: its header comes next. */
  #left = -1;
  #packetIsFull = false;
  /** The packet continues an earlier one, so it has no mark of its own. */
  #continues = false;
  #expectsMark = true;
  /** The payload of an error or end packet, which is no event. */
  #other: Buffer[] | null = null;
  #otherBytes = 0;
  /** What is left of the chunk that was being cut when the gate closed, and chunks that came after. */
  #held: Buffer[] = [];
  #running = false;

  constructor(sink: PacketSink, isOpen: () => boolean) {
    this.#sink = sink;
    this.#isOpen = isOpen;
    this.#assembler = new EventAssembler(sink, isOpen);
  }

  /** The driver's name for a chunk from the socket. */
  execute(chunk: Buffer): void {
    this.#held.push(chunk);
    this.advance();
  }

  /** Goes on with what is held, as far as the gate is open. */
  advance(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#held.length > 0 && this.#isOpen()) {
        const chunk = this.#held[0]!;
        const consumed = this.#take(chunk);
        if (consumed < chunk.length) this.#held[0] = chunk.subarray(consumed);
        else this.#held.shift();
      }
    } finally {
      this.#running = false;
    }
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  #take(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && this.#isOpen()) {
      if (this.#left < 0) {
        at = this.#takeHeader(chunk, at);
        continue;
      }
      if (this.#expectsMark) {
        this.#expectsMark = false;
        if (this.#left > 0) at = this.#takeMark(chunk, at);
      }
      const end = Math.min(chunk.length, at + this.#left);
      let consumed = end;
      if (this.#other) this.#hold(this.#other, chunk.subarray(at, end));
      else consumed = this.#assembler.take(chunk, at, end);
      this.#left -= consumed - at;
      at = consumed;
      if (this.#left === 0) this.#endPacket();
    }
    return at;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    let header = chunk;
    let offset = at;
    if (this.#headerLength > 0 || chunk.length - at < packetHeaderBytes) {
      const count = Math.min(chunk.length - at, packetHeaderBytes - this.#headerLength);
      chunk.copy(this.#header, this.#headerLength, at, at + count);
      this.#headerLength += count;
      if (this.#headerLength < packetHeaderBytes) return at + count;
      header = this.#header;
      offset = 0;
      this.#headerLength = 0;
      at += count;
    } else at += packetHeaderBytes;
    const length = header[offset]! | (header[offset + 1]! << 8) | (header[offset + 2]! << 16);
    this.#packetIsFull = length === fullPacket;
    this.#left = length;
    this.#expectsMark = !this.#continues;
    if (length === 0) this.#endPacket();
    return at;
  }

  #takeMark(chunk: Buffer, at: number): number {
    const mark = chunk[at]!;
    if (mark === okMark) {
      if (!this.#assembler.isIdle) throw unreadable('a packet begins inside an event');
      this.#left--;
      return at + 1;
    }
    if (mark !== endMark && mark !== errorMark) throw unreadable(`a packet begins with ${mark}`);
    this.#other = [];
    this.#otherBytes = 0;
    return at;
  }

  #hold(parts: Buffer[], part: Buffer): void {
    this.#otherBytes += part.length;
    if (this.#otherBytes > maximumErrorBytes) throw unreadable('an error message has an impossible length');
    parts.push(Buffer.from(part));
  }

  #endPacket(): void {
    this.#left = -1;
    this.#continues = this.#packetIsFull;
    if (this.#continues || this.#other === null) return;
    const payload = Buffer.concat(this.#other);
    this.#other = null;
    if (payload[0] === endMark) this.#sink.endOfStream();
    else this.#sink.serverError(parseError(payload));
  }
}

/** ERR packet: 0xff, number, '#' and five letters of SQL state, text. */
function parseError(payload: Buffer): ServerError {
  if (payload.length < 3) throw unreadable('an error has no number');
  const hasState = payload[3] === 0x23;
  return { errno: payload.readUInt16LE(1), message: payload.toString('utf8', hasState ? 9 : 3) };
}
