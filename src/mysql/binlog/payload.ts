import { constants, createZstdDecompress, zstdDecompressSync, type ZstdDecompress } from 'node:zlib';
import { Reader, checksumBytes, headerBytes, unreadable } from './format.js';
import { parsePayloadHeader, type PayloadHeader } from './control-events.js';
import { EventAssembler, type EventSink } from './framer.js';

/** What decompresses to no more than this is decompressed at once; more is streamed. */
const atOnceBytes = 1024 * 1024;
/** A TRANSACTION_PAYLOAD event longer than this is taken in pieces from the socket. */
export const piecesAboveBytes = 256 * 1024;

/** The fields before the data: four small numbers. */
const maximumHeadBytes = 4096;

const zstd = 0;
const uncompressed = 255;

/**
 * The events inside one TRANSACTION_PAYLOAD, in order. A payload of any size passes in bounded memory: compressed
 * bytes are taken in pieces, decompressed 64 KB at a time, and both stop while the gate is closed.
 */
export class PayloadReader {
  readonly #assembler: EventAssembler;
  readonly #isOpen: () => boolean;
  readonly #onProgress: (error: Error | null) => void;
  readonly #checksummed: boolean;
  /** The beginning of the event, until the fields before the data are complete. */
  #head: Buffer | null = Buffer.alloc(0);
  /** The last bytes of a checksummed event, which may be its checksum. */
  #tail = Buffer.alloc(0);
  #header: PayloadHeader | null = null;
  #stream: ZstdDecompress | null = null;
  /** Decompressed bytes that are not cut yet. */
  #output: Buffer[] = [];
  #inputEnded = false;
  #streamEnded = false;
  #writing = false;
  #failed = false;

  /**
   * `isOpen` says whether events may be delivered now; `onProgress` is called when the reader has become idle or
   * done by itself, or has failed.
   */
  constructor(
    sink: EventSink,
    checksummed: boolean,
    isOpen: () => boolean,
    onProgress: (error: Error | null) => void,
  ) {
    this.#assembler = new EventAssembler(sink, isOpen);
    this.#checksummed = checksummed;
    this.#isOpen = isOpen;
    this.#onProgress = onProgress;
  }

  /** Is every event of the payload delivered? */
  get isDone(): boolean {
    return this.#inputEnded && this.#output.length === 0 && (this.#stream === null || this.#streamEnded);
  }

  /** May the next piece come? Not while the decompressor is at work on the last one. */
  get wantsPiece(): boolean {
    return !this.#inputEnded && !this.#writing && this.#output.length === 0;
  }

  /** A piece of the event, its header included. */
  take(bytes: Buffer, last: boolean): void {
    let input = bytes;
    if (this.#head !== null) {
      this.#head = Buffer.concat([this.#head, bytes]);
      const reader = new Reader(this.#head, 0, this.#head.length);
      if (this.#head.length > headerBytes) {
        reader.skip(headerBytes);
        this.#header = parsePayloadHeader(reader);
      }
      if (this.#header === null) {
        if (last || this.#head.length > maximumHeadBytes)
          throw unreadable('a transaction payload has no data');
        return;
      }
      input = this.#head.subarray(headerBytes + this.#header.headerBytes);
      this.#head = null;
    }
    if (this.#checksummed) input = this.#holdTail(input);
    if (last) this.#inputEnded = true;
    this.#decompress(input, last);
    this.advance();
  }

  #holdTail(input: Buffer): Buffer {
    const all = this.#tail.length > 0 ? Buffer.concat([this.#tail, input]) : input;
    const keep = Math.min(checksumBytes, all.length);
    this.#tail = Buffer.from(all.subarray(all.length - keep));
    return all.subarray(0, all.length - keep);
  }

  #decompress(input: Buffer, last: boolean): void {
    const { compression, uncompressedBytes } = this.#header!;
    if (compression === uncompressed) {
      if (input.length > 0) this.#output.push(Buffer.from(input));
      return;
    }
    if (compression !== zstd) throw unreadable(`a transaction uses an unknown compression (${compression})`);
    if (this.#stream === null && last && uncompressedBytes <= atOnceBytes) {
      this.#output.push(decompressed(input));
      return;
    }
    const stream = (this.#stream ??= this.#open());
    this.#writing = true;
    // The bytes lie in a chunk of the socket that nobody else changes, so they are not copied.
    stream.write(input, () => {
      this.#writing = false;
      if (last) stream.end();
      else this.#progress();
    });
  }

  #open(): ZstdDecompress {
    const stream = createZstdDecompress({
      chunkSize: 64 * 1024,
      params: { [constants.ZSTD_d_windowLogMax]: 27 },
    });
    stream.on('data', (chunk: Buffer) => {
      this.#output.push(chunk);
      this.#progress();
    });
    stream.on('end', () => {
      this.#streamEnded = true;
      this.#progress();
    });
    stream.on('error', (error) => this.#fail(damaged(error)));
    return stream;
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onProgress(error);
  }

  #progress(): void {
    if (this.#failed) return;
    try {
      this.advance();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#onProgress(null);
  }

  /** Delivers what is decompressed, as far as the gate is open; the decompressor waits while it is closed. */
  advance(): void {
    while (this.#output.length > 0 && this.#isOpen()) {
      const chunk = this.#output[0]!;
      const consumed = this.#assembler.take(chunk, 0, chunk.length);
      if (consumed < chunk.length) this.#output[0] = chunk.subarray(consumed);
      else this.#output.shift();
    }
    if (this.#output.length > 0) this.#stream?.pause();
    else if (this.#stream?.isPaused()) this.#stream.resume();
    if (this.isDone && !this.#assembler.isIdle)
      throw unreadable('a transaction payload ends inside an event');
  }

  /** Frees the decompressor; nothing is delivered afterwards. */
  destroy(): void {
    this.#failed = true;
    this.#stream?.destroy();
  }
}

function decompressed(input: Buffer): Buffer {
  try {
    return zstdDecompressSync(input, { maxOutputLength: atOnceBytes });
  } catch (error) {
    throw damaged(error);
  }
}

const damaged = (cause: unknown) =>
  unreadable(`a compressed transaction is damaged: ${(cause as Error).message}`);
