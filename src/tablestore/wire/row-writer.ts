/**
 * Writes PlainBuffer rows (tablestore.md §2) straight from value bytes, without an object per cell or row.
 *
 *     const id = prepareName('id'), note = prepareName('note');       // once per table
 *     writer.beginRow();
 *     writer.key(id).integer(7);                                      // any CellSink method, once per cell
 *     writer.attribute(note).utf8(bytes, start, end);
 *     writer.endRow();
 *     const error = checkRow(writer);                                 // limits.ts
 *     if (error) writer.rollback();                                   // the row was never there
 *     else change.row = writer.copyRow(), change.key = writer.rowKey(), change.dataBytes = writer.dataBytes;
 *     writer.reset();                                                 // or go on, and takeBatch() many rows at once
 *
 * A decoder that throws in the middle of a row leaves a half-written cell: call rollback() and go on.
 */
import type { CellSink } from '../../shared/cell-sink.js';
import { CRC8_TABLE, crc8, crc8Byte, crc8Int32 } from './crc8.js';
import { crc8Wide } from './crc8-wide.js';
import { CellOp, Tag, Variant } from './plainbuffer.js';

/** A column name made ready for writing: made once per column and table, never per row. */
export interface CellName {
  readonly name: string;
  /** UTF-8 length, which counts in the data size. */
  readonly length: number;
  /** Everything of a cell up to its name, name included. */
  readonly head: Buffer;
  /** CRC-8 of the name, with which the checksum of each such cell begins. */
  readonly crc: number;
}

/**
 * Rows for one table in one piece of memory: row i is buffer[ends[i - 1] ?? 0, ends[i]). Each row has its own
 * PlainBuffer header.
 */
export interface DenseRows {
  readonly buffer: Buffer;
  readonly ends: Int32Array;
  readonly count: number;
  /** Data size of each row as Tablestore counts it (tablestore.md §3). */
  readonly dataBytes: Int32Array;
}

export function prepareName(name: string): CellName {
  const bytes = Buffer.from(name, 'utf8');
  const head = Buffer.allocUnsafe(6 + bytes.length);
  head[0] = Tag.CELL;
  head[1] = Tag.CELL_NAME;
  head.writeUInt32LE(bytes.length, 2);
  bytes.copy(head, 6);
  return { name, length: bytes.length, head, crc: crc8(0, bytes, 0, bytes.length) };
}

const NO_NAME = prepareName('');
/** Below this a loop copies faster than a call into native code. */
const SHORT = 32;
const PREFIX = 6;
const CELL_TAIL = 2;

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
    this.need(4);
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
  }

  /** Hands over all finished rows with their memory, and starts over in new memory. */
  takeBatch(): DenseRows {
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
    this.need(16 + CELL_TAIL);
    const at = this.fixed(Variant.INTEGER, 8);
    this.view.setInt32(at, value >>> 0, true);
    this.view.setInt32(at + 4, Math.floor(value / 0x100000000), true);
    this.endFixed(Variant.INTEGER, at);
  }

  bigInteger(value: bigint): void {
    this.need(16 + CELL_TAIL);
    const at = this.fixed(Variant.INTEGER, 8);
    this.view.setBigInt64(at, value, true);
    this.endFixed(Variant.INTEGER, at);
  }

  double(value: number): void {
    this.need(16 + CELL_TAIL);
    const at = this.fixed(Variant.DOUBLE, 8);
    this.view.setFloat64(at, value, true);
    this.endFixed(Variant.DOUBLE, at);
  }

  boolean(value: boolean): void {
    this.need(8 + CELL_TAIL);
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
    this.need(PREFIX + 4 + units * 3 + CELL_TAIL);
    const start = this.length + PREFIX + 4;
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
    this.endBlock(Variant.STRING, at - start);
  }

  /** A key cell of a range bound that is below or above every value; only GetRange takes it. */
  keyBound(name: CellName, bound: 'minimum' | 'maximum'): void {
    const type = bound === 'minimum' ? Variant.INF_MIN : Variant.INF_MAX;
    this.head(name);
    this.need(8 + CELL_TAIL);
    this.length = this.fixed(type, 0);
    this.endCell(crc8Byte(name.crc, type));
  }

  private block(type: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.need(PREFIX + 4 + size + CELL_TAIL);
    const at = this.length + PREFIX + 4;
    if (size <= SHORT) {
      const { buffer } = this;
      for (let i = 0; i < size; i++) buffer[at + i] = bytes[start + i]!;
    } else {
      bytes.copy(this.buffer, at, start, end);
    }
    this.endBlock(type, size);
  }

  /** The value of `size` bytes lies in place already: writes what stands around it. */
  private endBlock(type: number, size: number): void {
    const { buffer, view } = this;
    let at = this.length;
    buffer[at] = Tag.CELL_VALUE;
    view.setUint32(at + 1, size + 5, true);
    buffer[at + 5] = type;
    view.setUint32(at + 6, size, true);
    at += PREFIX + 4;
    this.length = at + size;
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
    const crc = crc8Int32(CRC8_TABLE[this.name.crc ^ type]!, size);
    this.endCell(crc8Wide(crc, view, at, at + size));
  }

  private endFixed(type: number, at: number): void {
    this.length = at + 8;
    this.dataBytes += 8;
    this.endCell(crc8Wide(CRC8_TABLE[this.name.crc ^ type]!, this.view, at, at + 8));
  }

  /** Tag, length and type of a value of fixed size; returns where the payload goes. */
  private fixed(type: number, payload: number): number {
    const { buffer } = this;
    const at = this.length;
    buffer[at] = Tag.CELL_VALUE;
    this.view.setUint32(at + 1, payload + 1, true);
    buffer[at + 5] = type;
    return at + PREFIX;
  }

  private head(name: CellName): void {
    const { head } = name;
    const size = head.length;
    this.need(size);
    const at = this.length;
    if (size <= SHORT) {
      const { buffer } = this;
      for (let i = 0; i < size; i++) buffer[at + i] = head[i]!;
    } else {
      head.copy(this.buffer, at);
    }
    this.length = at + size;
    this.dataBytes += name.length;
    this.name = name;
  }

  private endCell(crc: number): void {
    const { buffer } = this;
    const at = this.length;
    buffer[at] = Tag.CELL_CHECKSUM;
    buffer[at + 1] = crc;
    this.length = at + CELL_TAIL;
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
