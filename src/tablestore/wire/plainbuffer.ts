import { crc8Byte, crc8Int32 } from './crc8.js';
import { crc8Wide } from './crc8-wide.js';
import { WireFormatError } from './protobuf.js';

/** First four bytes of every PlainBuffer, little-endian. */
export const HEADER = 0x75;

export const Tag = {
  ROW_PK: 0x01,
  ROW_DATA: 0x02,
  CELL: 0x03,
  CELL_NAME: 0x04,
  CELL_VALUE: 0x05,
  CELL_OP: 0x06,
  CELL_TIMESTAMP: 0x07,
  DELETE_MARKER: 0x08,
  ROW_CHECKSUM: 0x09,
  CELL_CHECKSUM: 0x0a,
} as const;

/** Type byte of a value. */
export const Variant = {
  INTEGER: 0,
  DOUBLE: 1,
  BOOLEAN: 2,
  STRING: 3,
  NULL: 6,
  BINARY: 7,
  INF_MIN: 9,
  INF_MAX: 10,
  AUTO_INCREMENT: 11,
} as const;

export const CellOp = { DELETE_ALL_VERSIONS: 1, DELETE_ONE_VERSION: 3, INCREMENT: 4 } as const;

/** Values that only keys have. */
export const INF_MIN = Symbol('INF_MIN');
export const INF_MAX = Symbol('INF_MAX');
export const AUTO_INCREMENT = Symbol('AUTO_INCREMENT');

export type CellValue = bigint | number | boolean | string | Buffer;
export type KeyValue = bigint | string | Buffer | typeof INF_MIN | typeof INF_MAX | typeof AUTO_INCREMENT;

export interface Cell {
  name: string;
  /** Absent in a deletion. INTEGER is a bigint, DOUBLE a number, BINARY a view on the decoded bytes. */
  value?: CellValue;
  /** Version, milliseconds since 1970. */
  timestamp?: bigint;
  /** One of CellOp; absent for a plain put. */
  op?: number;
}

export interface DecodedRow {
  primaryKey: [name: string, value: KeyValue][];
  cells: Cell[];
  deleteMarker: boolean;
}

/**
 * Walks through PlainBuffer bytes cell by cell, making no objects: the fields say where the parts of the
 * current cell lie. Throws WireFormatError for anything the format does not allow; with `verify`, also for
 * a wrong cell or row checksum.
 */
export class PlainBufferScanner {
  position: number;
  nameStart = 0;
  nameEnd = 0;
  /** One of Variant, or -1 when the cell has no value. */
  type = -1;
  /** The value without type byte and without length prefix. */
  valueStart = 0;
  valueEnd = 0;
  /** Where the eight bytes of the timestamp are, or -1. */
  timestampAt = -1;
  /** One of CellOp, or 0. */
  op = 0;
  /** First byte of the cell (its tag) and the one behind it, checksum included. */
  cellStart = 0;
  cellEnd = 0;
  private rowChecksum = 0;
  private readonly view: DataView;

  constructor(
    readonly bytes: Buffer,
    start = 0,
    readonly end = bytes.length,
    private readonly verify = true,
  ) {
    this.position = start;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  header(): void {
    this.need(4);
    if (this.bytes.readUInt32LE(this.position) !== HEADER)
      throw new WireFormatError('PlainBuffer header is wrong');
    this.position += 4;
  }

  atEnd(): boolean {
    return this.position >= this.end;
  }

  /** At the end but for zero bytes: the JavaScript SDK sends some where it reckons a row's size too high. */
  onlyPaddingLeft(): boolean {
    for (let at = this.position; at < this.end; at++) if (this.bytes[at] !== 0) return false;
    return true;
  }

  /** The next tag without passing it, 0 at the end. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : 0;
  }

  /** Passes `tag` if it is next. */
  accept(tag: number): boolean {
    if (this.peek() !== tag) return false;
    this.position++;
    return true;
  }

  beginRow(): void {
    this.rowChecksum = 0;
    if (!this.accept(Tag.ROW_PK)) throw new WireFormatError('PlainBuffer row has no key');
  }

  /** Reads the next cell of the current part; false when the part has ended. */
  cell(): boolean {
    const { bytes, view, end } = this;
    let at = this.position;
    if (at >= end || bytes[at] !== Tag.CELL) return false;
    this.cellStart = at;
    if (end - at < 6 || bytes[at + 1] !== Tag.CELL_NAME)
      throw new WireFormatError('PlainBuffer cell has no name');
    const nameLength = view.getUint32(at + 2, true);
    at += 6;
    if (nameLength > end - at) throw new WireFormatError('PlainBuffer is truncated');
    this.nameStart = at;
    at = this.nameEnd = at + nameLength;
    this.type = -1;
    this.timestampAt = -1;
    this.op = 0;
    this.valueStart = this.valueEnd = at;
    let prefixed = false;
    if (at < end && bytes[at] === Tag.CELL_VALUE) {
      if (end - at < 6) throw new WireFormatError('PlainBuffer is truncated');
      const length = view.getUint32(at + 1, true);
      const type = (this.type = bytes[at + 5]!);
      at += 6;
      if (length < 1 || length - 1 > end - at) throw new WireFormatError('PlainBuffer is truncated');
      const payload = length - 1;
      prefixed = type === Variant.STRING || type === Variant.BINARY;
      if (prefixed) {
        if (payload < 4 || view.getUint32(at, true) !== payload - 4) {
          throw new WireFormatError('PlainBuffer value length is wrong');
        }
        this.valueStart = at + 4;
      } else {
        if (payload !== fixedLength(type)) throw new WireFormatError('PlainBuffer value length is wrong');
        this.valueStart = at;
      }
      at = this.valueEnd = at + payload;
    }
    if (at < end && bytes[at] === Tag.CELL_OP) {
      if (end - at < 2) throw new WireFormatError('PlainBuffer is truncated');
      this.op = bytes[at + 1]!;
      at += 2;
    }
    if (at < end && bytes[at] === Tag.CELL_TIMESTAMP) {
      if (end - at < 9) throw new WireFormatError('PlainBuffer is truncated');
      this.timestampAt = at + 1;
      at += 9;
    }
    if (end - at < 2 || bytes[at] !== Tag.CELL_CHECKSUM)
      throw new WireFormatError('PlainBuffer cell has no checksum');
    if (this.verify) {
      const checksum = this.cellChecksum(prefixed);
      if (checksum !== bytes[at + 1]) throw new WireFormatError('PlainBuffer cell checksum is wrong');
      this.rowChecksum = crc8Byte(this.rowChecksum, checksum);
    }
    this.position = this.cellEnd = at + 2;
    return true;
  }

  /** Passes the end of a row; true when it carries the delete marker. */
  endRow(): boolean {
    const marker = this.accept(Tag.DELETE_MARKER);
    this.need(2);
    if (this.bytes[this.position] !== Tag.ROW_CHECKSUM)
      throw new WireFormatError('PlainBuffer row has no checksum');
    if (this.verify && crc8Byte(this.rowChecksum, marker ? 1 : 0) !== this.bytes[this.position + 1]) {
      throw new WireFormatError('PlainBuffer row checksum is wrong');
    }
    this.position += 2;
    return marker;
  }

  name(): string {
    return this.bytes.toString('utf8', this.nameStart, this.nameEnd);
  }

  timestamp(): bigint {
    return this.bytes.readBigInt64LE(this.timestampAt);
  }

  /** The current value as JavaScript has it; BINARY as a view. */
  value(): CellValue {
    const { bytes, valueStart, valueEnd } = this;
    switch (this.type) {
      case Variant.INTEGER:
        return bytes.readBigInt64LE(valueStart);
      case Variant.DOUBLE:
        return bytes.readDoubleLE(valueStart);
      case Variant.BOOLEAN:
        return bytes[valueStart] !== 0;
      case Variant.STRING:
        return bytes.toString('utf8', valueStart, valueEnd);
      case Variant.BINARY:
        return bytes.subarray(valueStart, valueEnd);
      default:
        throw notAllowed(this.type, 'here');
    }
  }

  keyValue(): KeyValue {
    switch (this.type) {
      case Variant.INF_MIN:
        return INF_MIN;
      case Variant.INF_MAX:
        return INF_MAX;
      case Variant.AUTO_INCREMENT:
        return AUTO_INCREMENT;
      case Variant.INTEGER:
      case Variant.STRING:
      case Variant.BINARY:
        return this.value() as KeyValue;
      default:
        throw notAllowed(this.type, 'in a key');
    }
  }

  private cellChecksum(prefixed: boolean): number {
    const { view } = this;
    let crc = crc8Wide(0, view, this.nameStart, this.nameEnd);
    if (this.type !== -1) {
      crc = crc8Byte(crc, this.type);
      if (prefixed) crc = crc8Int32(crc, this.valueEnd - this.valueStart);
      crc = crc8Wide(crc, view, this.valueStart, this.valueEnd);
    }
    // The checksum takes the timestamp before the operation, although on the wire the operation comes first.
    if (this.timestampAt !== -1) crc = crc8Wide(crc, view, this.timestampAt, this.timestampAt + 8);
    if (this.op !== 0) crc = crc8Byte(crc, this.op);
    return crc;
  }

  private need(count: number): void {
    if (this.end - this.position < count) throw new WireFormatError('PlainBuffer is truncated');
  }
}

/** What keyValue() and value() read; -1: a cell that only names what is deleted has no value. */
const cellTypes = new Set<number>([
  -1,
  Variant.INTEGER,
  Variant.DOUBLE,
  Variant.BOOLEAN,
  Variant.STRING,
  Variant.BINARY,
]);
const keyTypes = new Set<number>([
  ...[Variant.INTEGER, Variant.STRING, Variant.BINARY],
  ...[Variant.INF_MIN, Variant.INF_MAX, Variant.AUTO_INCREMENT],
]);

const notAllowed = (type: number, where: string) =>
  new WireFormatError(`PlainBuffer value type ${type} is not allowed ${where}`);

function fixedLength(type: number): number {
  switch (type) {
    case Variant.INTEGER:
    case Variant.DOUBLE:
      return 8;
    case Variant.BOOLEAN:
      return 1;
    case Variant.NULL:
    case Variant.INF_MIN:
    case Variant.INF_MAX:
    case Variant.AUTO_INCREMENT:
      return 0;
    default:
      throw new WireFormatError(`PlainBuffer value type ${type} is unknown`);
  }
}

/**
 * Decodes the rows behind one PlainBuffer header (the `row` of GetRow, the `rows` of GetRange); an empty
 * buffer has no rows. Throws WireFormatError for malformed bytes and wrong checksums.
 */
export function decodeRows(bytes: Buffer): DecodedRow[] {
  if (bytes.length === 0) return [];
  const scanner = new PlainBufferScanner(bytes);
  scanner.header();
  const rows: DecodedRow[] = [];
  while (!scanner.atEnd()) {
    const row: DecodedRow = { primaryKey: [], cells: [], deleteMarker: false };
    scanner.beginRow();
    while (scanner.cell()) row.primaryKey.push([scanner.name(), scanner.keyValue()]);
    if (scanner.accept(Tag.ROW_DATA)) while (scanner.cell()) row.cells.push(decodeCell(scanner));
    row.deleteMarker = scanner.endRow();
    rows.push(row);
  }
  return rows;
}

/** The same bytes, once it is sure that they are rows: whoever reads them later finds no error. Throws WireFormatError. */
export function checkedRows(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const scanner = new PlainBufferScanner(bytes);
  scanner.header();
  while (!scanner.atEnd()) {
    scanner.beginRow();
    while (scanner.cell()) if (!keyTypes.has(scanner.type)) throw notAllowed(scanner.type, 'in a key');
    if (scanner.accept(Tag.ROW_DATA))
      while (scanner.cell()) if (!cellTypes.has(scanner.type)) throw notAllowed(scanner.type, 'here');
    scanner.endRow();
  }
  return bytes;
}

function decodeCell(scanner: PlainBufferScanner): Cell {
  const cell: Cell = { name: scanner.name() };
  if (scanner.type !== -1) cell.value = scanner.value();
  if (scanner.timestampAt !== -1) cell.timestamp = scanner.timestamp();
  if (scanner.op !== 0) cell.op = scanner.op;
  return cell;
}
