import { crc32 } from 'node:zlib';
import { RowferryError } from '../../shared/errors.js';
import type { BeginsAt, SourcePosition } from '../../shared/position.js';
import { GtidSet } from '../gtid.js';
import { maximumValueBytes, type BinlogHandler } from '../model.js';
import { compareFiles } from '../position.js';
import {
  fileName,
  parseGtid,
  parseHeartbeatV2,
  parseRotate,
  parseTaggedGtid,
  parseXaPrepare,
  parseXaStatement,
  type GtidEvent,
} from './control-events.js';
import {
  EventType,
  Reader,
  artificialFlag,
  threadSpecificFlag,
  checksumBytes,
  headerBytes,
  ignorableFlag,
  ignoredEvents,
  unreadable,
} from './format.js';
import type { EventSink } from './framer.js';
import { PayloadReader, piecesAboveBytes } from './payload.js';
import { parseQuery, type QueryEvent } from './query-event.js';
import { RowsInPieces } from './rows-in-pieces.js';
import { TableMaps, decodeRows, isRowsEvent } from './rows.js';

/** An XID in hex is the longest. */
const controlBytes = 512;
const offsetsPerWrap = 0x1_0000_0000;
/** A row event longer than this holds a row that is too big to keep. */
const rowsInPiecesAbove = maximumValueBytes + 64 * 1024;

/** Events that speak of the file or the link, not of a place in it. */
const standingEvents = new Set<number>([
  EventType.format,
  EventType.rotate,
  EventType.heartbeat,
  EventType.heartbeatV2,
]);

/** What a transaction begins with; servers that have neither GTIDs nor anonymous ones begin it with a statement. */
const beginningEvents = new Set<number>([
  EventType.gtid,
  EventType.anonymousGtid,
  EventType.gtidTagged,
  EventType.query,
  EventType.executeLoadQuery,
]);

/**
 * Reads binlog events in order, keeps the position and calls the handler. One decoder serves one connection:
 * after an error a new one starts at `position`, which only committed transactions advance, so that a transaction
 * that broke off is delivered again, whole.
 */
export class BinlogDecoder implements EventSink {
  readonly #handler: BinlogHandler;
  readonly #isOpen: () => boolean;
  readonly #onProgress: (error: Error | null) => void;
  readonly #maps: TableMaps;
  readonly #gtids: GtidSet | null;
  readonly #serverUuid: string | undefined;
  #position: SourcePosition;
  #file: string;
  #offset: number;
  /** Creation of the binlog file, seconds: another value under the same name means that numbering was reset. */
  #fileCreated: number | undefined;
  #hasBegun = false;
  /** Events up to here were delivered before (a start past 4 GiB, where the protocol cannot begin). */
  readonly #skipUntil: number;
  readonly #skipFile: string | undefined;
  #checksummed = false;
  /** Of the server that wrote the file. */
  #serverVersion = 0;
  #gtid: GtidEvent | null = null;
  /** Of the transaction that has begun. */
  #begins: BeginsAt | null = null;
  /** transaction() was called and its end is still to come. */
  #open = false;
  /** Between BEGIN or XA START and the end. */
  #begun = false;
  #rowsDelivered = false;
  #eventSeconds = 0;
  #commitMicros = 0;
  #last: SourcePosition['last'];
  #payload: PayloadReader | null = null;
  #pieces: RowsInPieces | null = null;
  readonly #inner: EventSink;

  /** `isOpen`: may the handler be called now? `onProgress`: something went on without a chunk from the socket. */
  constructor(
    handler: BinlogHandler,
    start: SourcePosition,
    options: { serverUuid: string; isOpen: () => boolean; onProgress: (error: Error | null) => void },
  ) {
    this.#handler = handler;
    this.#isOpen = options.isOpen;
    this.#onProgress = options.onProgress;
    this.#maps = new TableMaps(handler);
    this.#gtids = start.gtidSet === undefined ? null : GtidSet.parse(start.gtidSet);
    this.#serverUuid = options.serverUuid || undefined;
    this.#position = start;
    this.#last = start.last;
    // Where it stands in the binlog of another server says nothing of this one's.
    if (start.last?.begins && start.serverUuid !== this.#serverUuid) {
      const { begins: _elsewhere, ...last } = start.last;
      this.#last = last;
    }
    this.#file = start.file ?? '';
    this.#offset = start.offset ?? 0;
    this.#skipFile = this.#gtids === null ? start.file : undefined;
    this.#skipUntil = this.#gtids === null ? (start.offset ?? 0) : 0;
    this.#inner = {
      event: (bytes, from, to) => this.#event(bytes, from, to, true),
      // Each event is asked about before it comes, whole or in pieces.
      inPieces: (type, length) => {
        if (type === EventType.transactionPayload) throw nested();
        return this.inPieces(type, length);
      },
      piece: (bytes, from, to, last) => this.#rowsPiece(bytes, from, to, last, 0),
    };
  }

  /** Behind the last transaction that was delivered whole. */
  get position(): SourcePosition {
    return this.#position;
  }

  /** The source sends from the position: it has that place, and it is the binlog that it was. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** May the next event come from the socket? Not while a payload is being taken apart. */
  get isReady(): boolean {
    return this.#payload === null || this.#payload.wantsPiece;
  }

  /** Goes on with a payload that a closed gate had stopped. */
  advance(): void {
    this.#payload?.advance();
    this.#closePayloadIfDone();
  }

  destroy(): void {
    this.#payload?.destroy();
  }

  inPieces(type: number, length: number): boolean {
    if (type === EventType.transactionPayload) return length > piecesAboveBytes;
    return isRowsEvent(type) && length > rowsInPiecesAbove;
  }

  piece(bytes: Buffer, start: number, end: number, last: boolean): void {
    if (
      this.#pieces === null &&
      (this.#payload !== null || bytes[start + 4] === EventType.transactionPayload)
    ) {
      this.#payload ??= this.#openPayload(bytes, start);
      this.#payload.take(bytes.subarray(start, end), last);
      this.#closePayloadIfDone();
    } else this.#rowsPiece(bytes, start, end, last, this.#checksummed ? checksumBytes : 0);
  }

  event(bytes: Buffer, start: number, end: number): void {
    this.#event(bytes, start, end, false);
  }

  #event(bytes: Buffer, start: number, end: number, inner: boolean): void {
    if (end - start < headerBytes) throw unreadable('an event is shorter than its header');
    const type = bytes[start + 4]!;
    const flags = bytes.readUInt16LE(start + 17);
    const bodyEnd = inner ? end : this.#cutChecksum(bytes, start, end, type);
    const artificial = (flags & artificialFlag) !== 0;
    if (!inner) {
      if (!artificial && type !== EventType.heartbeat && type !== EventType.heartbeatV2) {
        this.#moveTo(bytes.readUInt32LE(start + 13));
      }
      if (this.#isSkipped(type)) return;
      if (this.#begins === null && beginningEvents.has(type)) {
        const crc = bodyEnd < end ? bytes.readUInt32LE(bodyEnd) : crc32(bytes.subarray(start, end));
        this.#begins = { file: this.#file, offset: this.#offset - (end - start), crc };
      }
    }
    this.#eventSeconds = bytes.readUInt32LE(start);
    const body = start + headerBytes;
    if (isRowsEvent(type)) {
      this.#begin(undefined);
      this.#rowsDelivered =
        decodeRows(this.#maps, this.#handler, type, bytes, body, bodyEnd) || this.#rowsDelivered;
      return;
    }
    if (type === EventType.tableMap) {
      this.#begin(undefined);
      this.#maps.map(bytes, body, bodyEnd);
      return;
    }
    this.#control(type, flags, new Reader(bytes, body, bodyEnd));
  }

  #control(type: number, flags: number, reader: Reader): void {
    switch (type) {
      case EventType.gtid:
        return this.#startGroup(parseGtid(reader, false));
      case EventType.anonymousGtid:
        return this.#startGroup(parseGtid(reader, true));
      case EventType.gtidTagged:
        return this.#startGroup(parseTaggedGtid(reader));
      case EventType.query:
        return this.#query(parseQuery(reader, 0), flags);
      case EventType.executeLoadQuery:
        return this.#query(parseQuery(reader, 13), flags);
      case EventType.xid:
        return this.#commit();
      case EventType.xaPrepare: {
        const { xid, onePhase } = parseXaPrepare(reader);
        if (onePhase) return this.#commit();
        this.#end();
        return this.#handler.xaPrepare(xid, this.#position);
      }
      case EventType.transactionPayload: {
        const start = reader.at - headerBytes;
        this.#payload = this.#openPayload(reader.bytes, start, false);
        this.#payload.take(reader.bytes.subarray(start, reader.end), true);
        return this.#closePayloadIfDone();
      }
      case EventType.rotate:
        return this.#rotate(parseRotate(reader));
      case EventType.format:
        return this.#format(reader);
      case EventType.heartbeat: {
        const offset = this.#unwrap(reader.bytes.readUInt32LE(reader.at - headerBytes + 13));
        return this.#heartbeat({ file: fileName(reader, reader.remaining), offset });
      }
      case EventType.heartbeatV2:
        return this.#heartbeat(parseHeartbeatV2(reader));
      case EventType.previousGtids:
        return;
      case EventType.incident:
        throw unreadable('the source reports lost events (INCIDENT); run a new full load');
      default:
        if (ignoredEvents.has(type) || (flags & ignorableFlag) !== 0) return;
        throw unreadable(`it contains an event of the unknown type ${type}`);
    }
  }

  /**
   * FORMAT always has a checksum field, and says for the file that follows whether its events have one. A ROTATE
   * may be made up by the server before we know the file, so its checksum is recognised by being right.
   */
  #cutChecksum(bytes: Buffer, start: number, end: number, type: number): number {
    const cut = end - checksumBytes;
    if (type === EventType.format) return cut;
    if (type === EventType.rotate) return isChecksumRight(bytes, start, end) ? cut : end;
    if (!this.#checksummed) return end;
    if (!isChecksumRight(bytes, start, end)) throw unreadable('an event does not match its checksum');
    return cut;
  }

  #unwrap(low: number): number {
    const base = this.#offset - (this.#offset % offsetsPerWrap);
    return base + low < this.#offset ? base + offsetsPerWrap + low : base + low;
  }

  /** log_pos has 32 bits: in a file past 4 GiB it begins again. */
  #moveTo(low: number): void {
    if (low !== 0) this.#offset = this.#unwrap(low);
  }

  #isSkipped(type: number): boolean {
    if (this.#file !== this.#skipFile || this.#offset > this.#skipUntil) return false;
    return !standingEvents.has(type);
  }

  #rotate({ file, offset }: { file: string; offset: number }): void {
    this.#assertEnded();
    this.#maps.forgetIds();
    if (file !== this.#file) this.#fileCreated = undefined;
    this.#file = file;
    // A start past 4 GiB begins at the file's first event, and skips.
    this.#offset = offset;
  }

  #format(reader: Reader): void {
    this.#assertEnded();
    this.#checksummed = reader.bytes[reader.end - 1] === 1;
    this.#serverVersion = versionNumber(reader.bytes.toString('latin1', reader.at + 2, reader.at + 52));
    const created = this.#eventSeconds;
    const { fileCreated, file } = this.#position;
    if (fileCreated !== undefined && file === this.#file && fileCreated !== created && this.#gtids === null) {
      throw new RowferryError(
        'ROW-S104',
        `The binlog file ${file} is not the same file as before: the file numbering was reset.`,
      );
    }
    this.#fileCreated = created;
    this.#hasBegun = true;
    this.#handler.file?.(this.#file, created);
  }

  #heartbeat(at: { file: string; offset: number }): void {
    if (this.#open || this.#begun || this.#gtid !== null) return;
    const files = compareFiles(at.file, this.#file);
    if (files === 0 && at.offset > this.#offset) this.#offset = at.offset;
    this.#handler.heartbeat(this.#place());
  }

  #startGroup(event: GtidEvent): void {
    this.#assertEnded();
    this.#gtid = event;
  }

  #assertEnded(): void {
    if (this.#open || this.#begun) throw unreadable('a transaction has no end');
  }

  #begin(xid: string | undefined): void {
    if (this.#open) return;
    this.#open = true;
    this.#commitMicros = this.#gtid?.commitMicros ?? this.#eventSeconds * 1_000_000;
    this.#handler.transaction({
      commitMicros: this.#commitMicros,
      place: `${this.#file}:${this.#offset}`,
      begins: this.#begins,
      ...(this.#gtid?.gtid === undefined ? {} : { gtid: this.#gtid.gtid }),
      ...(xid === undefined ? {} : { xid }),
    });
  }

  #query(event: QueryEvent, flags: number): void {
    // What speaks of transactions is written by the server, and the same in each charset.
    const sql = event.statement.toString('latin1', 0, controlBytes);
    if (sql === 'BEGIN') {
      this.#begun = true;
      return this.#begin(undefined);
    }
    if (sql === 'COMMIT') return this.#commit();
    if (/^ROLLBACK\b/i.test(sql)) {
      // Written only where a statement mixed transactional and other tables: some of the rows count, some do not.
      if (this.#rowsDelivered)
        throw unreadable('a transaction that changed selected tables was rolled back in part');
      if (/^ROLLBACK\s+TO\b/i.test(sql)) return;
      return this.#commit();
    }
    if (/^SAVEPOINT\s/i.test(sql)) return;
    const xa = parseXaStatement(sql);
    if (xa !== null) return this.#xa(xa.verb, xa.xid);
    this.#begin(undefined);
    this.#handler.statement({
      ...event,
      usesTemporary: (flags & threadSpecificFlag) !== 0,
      context: { ...event.context, serverVersion: this.#serverVersion },
      // The packet does not stay what it is.
      statement: Buffer.from(event.statement),
      commitMicros: this.#commitMicros,
      place: `${this.#file}:${this.#offset}`,
    });
    if (!this.#begun) this.#commit();
  }

  #xa(verb: string, xid: string): void {
    switch (verb) {
      case 'start':
        this.#begun = true;
        return this.#begin(xid);
      case 'commit':
      case 'rollback':
        this.#begin(undefined);
        this.#end();
        if (verb === 'commit') this.#handler.xaCommit(xid, this.#position);
        else this.#handler.xaRollback(xid, this.#position);
    }
  }

  #commit(): void {
    this.#begin(undefined);
    this.#end();
    this.#handler.commit(this.#position);
  }

  /** Only here does the position go forward. */
  #end(): void {
    const { gtid, commitMicros } = this.#gtid ?? {};
    if (gtid !== undefined) this.#gtids?.add(gtid);
    this.#last = {
      ...(gtid !== undefined && { gtid }),
      ...(commitMicros !== undefined && { commitMicros }),
      ...(this.#begins !== null && { begins: this.#begins }),
    };
    this.#gtid = null;
    this.#begins = null;
    this.#open = false;
    this.#begun = false;
    this.#rowsDelivered = false;
    this.#position = this.#place();
  }

  #place(): SourcePosition {
    return {
      file: this.#file,
      offset: this.#offset,
      ...(this.#gtids === null ? {} : { gtidSet: this.#gtids.toString() }),
      ...(this.#serverUuid === undefined ? {} : { serverUuid: this.#serverUuid }),
      ...(this.#fileCreated === undefined ? {} : { fileCreated: this.#fileCreated }),
      ...(this.#commitMicros === 0 ? {} : { commitMicros: this.#commitMicros }),
      ...(this.#last === undefined ? {} : { last: this.#last }),
    };
  }

  #openPayload(bytes: Buffer, start: number, checksummed = this.#checksummed): PayloadReader {
    // The events inside have no position of their own; the payload's end is that of the transaction.
    this.#moveTo(bytes.readUInt32LE(start + 13));
    return new PayloadReader(this.#inner, checksummed, this.#isOpen, (error) => {
      if (error === null) this.#closePayloadIfDone();
      this.#onProgress(error);
    });
  }

  #closePayloadIfDone(): void {
    if (this.#payload?.isDone === true) this.#payload = null;
  }

  #rowsPiece(bytes: Buffer, start: number, end: number, last: boolean, checksum: number): void {
    if (this.#pieces === null) {
      this.#eventSeconds = bytes.readUInt32LE(start);
      if (checksum > 0 || this.#payload === null) this.#moveTo(bytes.readUInt32LE(start + 13));
      this.#begin(undefined);
      this.#pieces = new RowsInPieces(this.#maps, this.#handler, checksum);
    }
    this.#pieces.take(bytes, start, end);
    if (!last) return;
    this.#rowsDelivered = this.#pieces.finish() || this.#rowsDelivered;
    this.#pieces = null;
  }
}

const nested = () => unreadable('a compressed transaction holds another one');

/** '9.7.4-log' is 90704; 0 when it is none. */
function versionNumber(text: string): number {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major ?? 0) * 10_000 + Number(minor ?? 0) * 100 + Number(patch ?? 0);
}

function isChecksumRight(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < headerBytes + checksumBytes) return false;
  const stored = bytes.readUInt32LE(end - checksumBytes);
  return crc32(bytes.subarray(start, end - checksumBytes)) === stored;
}
