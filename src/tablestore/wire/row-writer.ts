/**
 * Writes PlainBuffer rows (docs/tablestore.md §2) straight from value bytes, without an object per cell or row.
 *
 *     const id = prepareName('id'), note = prepareName('note');       // once per table
 *     writer.beginRow();
 *     writer.key(id).integer(7);                                      // any CellSink method, once per cell
 *     writer.attribute(note).utf8(bytes, start, end);
 *     writer.endRow();
 *     const error = checkRow(writer);                                 // client/limits.ts
 *     if (error) writer.rollback();                                   // the row was never there
 *     else change.row = writer.copyRow(), change.key = writer.rowKey(), change.dataBytes = writer.dataBytes;
 *     writer.reset();                                                 // or go on, and takeBatch() many rows at once
 *
 * A decoder that throws in the middle of a row leaves a half-written cell: call rollback() and go on.
 */
import type { CellSink } from '../../shared/cell-sink.js';
import { CRC8_TABLE, crc8, crc8Byte, crc8Int32 } from './crc8.js';
import { crc8Copy, crc8Wide, crc8Words } from './crc8-wide.js';
import { CellOp, Tag, Variant } from './plainbuffer.js';

/** A column name made ready for writing: made once per column and table, never per row. */
export interface CellName {
  readonly name: string;
  /** UTF-8 length, which counts in the data size. */
  readonly length: number;
  /** Everything of a cell up to its name, name included, as little-endian words filled up with zeros. */
  readonly head: Int32Array;
  /** CRC-8 of the name, with which the checksum of each such cell begins. */
  readonly crc: number;
}

/**
 * Rows for one table in one piece of memory: row i is buffer[ends[i - 1] ?? 0, ends[i]). Each row has its own
 * PlainBuffer header.
 */
export interface RowBatch {
  readonly buffer: Buffer;
  readonly ends: Int32Array;
  readonly count: number;
  /** Data size of each row as Tablestore counts it (docs/tablestore.md §3). */
  readonly dataBytes: Int32Array;
}

export function prepareName(name: string): CellName {
  const bytes = Buffer.from(name, 'utf8');
  const cell = Buffer.alloc(Math.ceil((HEAD + bytes.length) / 4) * 4);
  cell[0] = Tag.CELL;
  cell[1] = Tag.CELL_NAME;
  cell.writeUInt32LE(bytes.length, 2);
  bytes.copy(cell, HEAD);
  const head = Int32Array.from({ length: cell.length / 4 }, (_, i) => cell.readInt32LE(i * 4));
  return { name, length: bytes.length, head, crc: crc8(0, bytes, 0, bytes.length) };
}

/** Up to this many characters a loop is faster than a call into native code. */
const SHORT = 32;
/** Before a name: two tags and its length. */
const HEAD = 6;
/** Before a value: its tag, length and type; before the bytes of a block, their length again. */
const PREFIX = 6;
const BLOCK_PREFIX = PREFIX + 4;
/**
 * What a cell needs at most beside its name and the bytes of a block: prefix, eight bytes of value, operation,
 * checksum, and the words of a name that reach beyond it. head() makes room for it once for the whole cell.
 */
const FIXED = 32;

const NO_NAME = prepareName('');
const NO_BYTES = Buffer.alloc(0);
const SCRATCH = new DataView(new ArrayBuffer(8));

export class RowWriter implements CellSink {
  buffer: Buffer;
  /** End of what was written. */
  length = 0;
  rowStart = 0;
  /** The key cells of the row: buffer[keyStart, keyEnd), the identity of the row (correctness rule 7). */
  keyStart = 0;
  keyEnd = 0;
  /** Data size of the row as Tablestore counts it: names and values. */
  dataBytes = 0;
  /** Attribute cells of the row. */
  columns = 0;
  /** The longest key value and the longest attribute value of the row, bytes, for checkRow(). */
  longestKey = 0;
  longestKeyName: CellName = NO_NAME;
  longestValue = 0;
  longestValueName: CellName = NO_NAME;

  /** The same memory as `buffer`. */
  private view: DataView;
  /** The buffer that values came from last, as a rule a packet with many of them. */
  private source: Buffer = NO_BYTES;
  private sourceView = viewOf(NO_BYTES);
  private name: CellName = NO_NAME;
  private inKey = true;
  private rowCrc = 0;
  private count = 0;
  private ends = new Int32Array(256);
  private sizes = new Int32Array(256);

  constructor(private readonly capacity = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.view = viewOf(this.buffer);
  }

  /** Finished rows since the last reset() or takeBatch(). */
  get rows(): number {
    return this.count;
  }

  beginRow(): void {
    this.need(8);
    const { buffer } = this;
    let at = (this.rowStart = this.length);
    buffer[at++] = 0x75;
    buffer[at++] = 0;
    buffer[at++] = 0;
    buffer[at++] = 0;
    buffer[at++] = Tag.ROW_PK;
    this.length = this.keyStart = this.keyEnd = at;
    this.inKey = true;
    this.rowCrc = 0;
    this.dataBytes = this.columns = this.longestKey = this.longestValue = 0;
  }

  /** Begins a key cell; the value follows by one CellSink call. Key cells come in key order, before all others. */
  key(name: CellName): this {
    this.head(name);
    return this;
  }

  /** Begins an attribute cell; the value follows by one CellSink call. */
  attribute(name: CellName): this {
    if (this.inKey) this.beginAttributes();
    this.columns++;
    this.head(name);
    return this;
  }

  /** A whole cell of an update: every version of the column goes. */
  deleteAllVersions(name: CellName): void {
    this.attribute(name);
    const { buffer } = this;
    buffer[this.length++] = Tag.CELL_OP;
    buffer[this.length++] = CellOp.DELETE_ALL_VERSIONS;
    this.endCell(crc8Byte(name.crc, CellOp.DELETE_ALL_VERSIONS));
  }

  /** Ends the row. `deleted` writes the delete marker, which a row of op 'delete' has. */
  endRow(deleted = false): void {
    if (this.inKey) this.keyEnd = this.length;
    this.need(3);
    const { buffer } = this;
    if (deleted) buffer[this.length++] = Tag.DELETE_MARKER;
    buffer[this.length++] = Tag.ROW_CHECKSUM;
    buffer[this.length++] = crc8Byte(this.rowCrc, deleted ? 1 : 0);
    if (this.count === this.ends.length) this.growIndex();
    this.ends[this.count] = this.length;
    this.sizes[this.count] = this.dataBytes;
    this.count++;
  }

  /** Forgets the row that was begun last, finished or not. */
  rollback(): void {
    if (this.count > 0 && this.ends[this.count - 1]! > this.rowStart) this.count--;
    this.length = this.rowStart;
  }

  /** The last row, copied: what RowChange.row takes. */
  copyRow(): Buffer {
    return Buffer.from(this.buffer.subarray(this.rowStart, this.length));
  }

  /** The key of the last row as RowChange.key has it. */
  rowKey(): string {
    return this.buffer.toString('latin1', this.keyStart, this.keyEnd);
  }

  /** Starts over in the same memory. */
  reset(): void {
    this.length = this.rowStart = this.count = 0;
    this.source = NO_BYTES;
  }

  /** Hands over all finished rows with their memory, and starts over in new memory. */
  takeBatch(): RowBatch {
    const { buffer, ends, sizes, count } = this;
    const used = count === 0 ? 0 : ends[count - 1]!;
    const batch = {
      buffer: buffer.subarray(0, used),
      ends: ends.slice(0, count),
      count,
      dataBytes: sizes.slice(0, count),
    };
    this.buffer = Buffer.allocUnsafeSlow(Math.max(this.capacity, Math.min(buffer.length, used * 2)));
    this.view = viewOf(this.buffer);
    this.reset();
    return batch;
  }

  integer(value: number): void {
    this.eightBytes(Variant.INTEGER, value >>> 0, Math.floor(value / 0x100000000));
  }

  bigInteger(value: bigint): void {
    SCRATCH.setBigInt64(0, value, true);
    this.eightBytes(Variant.INTEGER, SCRATCH.getInt32(0, true), SCRATCH.getInt32(4, true));
  }

  double(value: number): void {
    SCRATCH.setFloat64(0, value, true);
    this.eightBytes(Variant.DOUBLE, SCRATCH.getInt32(0, true), SCRATCH.getInt32(4, true));
  }

  boolean(value: boolean): void {
    const at = this.fixed(Variant.BOOLEAN, 1);
    const byte = value ? 1 : 0;
    this.buffer[at] = byte;
    this.length = at + 1;
    this.dataBytes += 1;
    this.endCell(crc8Byte(crc8Byte(this.name.crc, Variant.BOOLEAN), byte));
  }

  utf8(bytes: Buffer, start: number, end: number): void {
    this.block(Variant.STRING, bytes, start, end);
  }

  binary(bytes: Buffer, start: number, end: number): void {
    this.block(Variant.BINARY, bytes, start, end);
  }

  text(value: string): void {
    const units = value.length;
    // A UTF-16 unit never takes more than three bytes of UTF-8.
    this.need(FIXED + units * 3);
    const start = this.length + BLOCK_PREFIX;
    const { buffer } = this;
    let at = start;
    if (units <= SHORT) {
      for (let i = 0; i < units; i++) {
        const unit = value.charCodeAt(i);
        if (unit >= 0x80) {
          at = start + buffer.write(value, start, 'utf8');
          break;
        }
        buffer[at++] = unit;
      }
    } else {
      at += buffer.write(value, start, 'utf8');
    }
    const crc = this.beginBlock(Variant.STRING, at - start);
    this.length = at;
    this.endCell(crc8Wide(crc, this.view, start, at));
  }

  /** A key cell of a range bound that is below or above every value; only GetRange takes it. */
  keyBound(name: CellName, bound: 'minimum' | 'maximum'): void {
    const type = bound === 'minimum' ? Variant.INF_MIN : Variant.INF_MAX;
    this.head(name);
    this.length = this.fixed(type, 0);
    this.endCell(crc8Byte(name.crc, type));
  }

  private block(type: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.need(FIXED + size);
    const crc = this.beginBlock(type, size);
    if (bytes !== this.source) {
      this.source = bytes;
      this.sourceView = viewOf(bytes);
    }
    const at = this.length;
    this.length = at + size;
    this.endCell(crc8Copy(crc, this.sourceView, start, this.view, at, size));
  }

  /** What stands before the bytes of a block; returns the checksum so far. */
  private beginBlock(type: number, size: number): number {
    const { view } = this;
    const at = this.length;
    view.setUint8(at, Tag.CELL_VALUE);
    view.setUint32(at + 1, size + 5, true);
    view.setUint8(at + 5, type);
    view.setUint32(at + PREFIX, size, true);
    this.length = at + BLOCK_PREFIX;
    this.dataBytes += size;
    if (this.inKey) {
      if (size > this.longestKey) {
        this.longestKey = size;
        this.longestKeyName = this.name;
      }
    } else if (size > this.longestValue) {
      this.longestValue = size;
      this.longestValueName = this.name;
    }
    return crc8Int32(CRC8_TABLE[this.name.crc ^ type]!, size);
  }

  private eightBytes(type: number, low: number, high: number): void {
    const at = this.fixed(type, 8);
    const { view } = this;
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
    this.length = at + 8;
    this.dataBytes += 8;
    this.endCell(crc8Words(CRC8_TABLE[this.name.crc ^ type]!, low, high));
  }

  /** Tag, length and type of a value of fixed size; returns where the payload goes. */
  private fixed(type: number, payload: number): number {
    const { view } = this;
    const at = this.length;
    view.setUint8(at, Tag.CELL_VALUE);
    view.setUint32(at + 1, payload + 1, true);
    view.setUint8(at + 5, type);
    return at + PREFIX;
  }

  private head(name: CellName): void {
    const { head, length } = name;
    this.need(HEAD + length + FIXED);
    const { view } = this;
    const at = this.length;
    for (let i = 0; i < head.length; i++) view.setInt32(at + i * 4, head[i]!, true);
    this.length = at + HEAD + length;
    this.dataBytes += length;
    this.name = name;
  }

  private endCell(crc: number): void {
    const { buffer } = this;
    const at = this.length;
    buffer[at] = Tag.CELL_CHECKSUM;
    buffer[at + 1] = crc;
    this.length = at + 2;
    this.rowCrc = CRC8_TABLE[this.rowCrc ^ crc]!;
  }

  private beginAttributes(): void {
    this.inKey = false;
    this.need(1);
    this.keyEnd = this.length;
    this.buffer[this.length++] = Tag.ROW_DATA;
  }

  private need(count: number): void {
    if (this.length + count > this.buffer.length) this.grow(count);
  }

  private grow(count: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + count));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
    this.view = viewOf(grown);
  }

  private growIndex(): void {
    const ends = new Int32Array(this.ends.length * 2);
    const sizes = new Int32Array(ends.length);
    ends.set(this.ends);
    sizes.set(this.sizes);
    this.ends = ends;
    this.sizes = sizes;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
