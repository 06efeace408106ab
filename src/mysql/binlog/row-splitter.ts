import { valueLength } from './value-length.js';
import { ABSENT_VALUE, NULL_VALUE, type BinlogTable, type RowImage } from '../model.js';
import { unreadable } from './format.js';
import { sourceName } from '../../shared/source-name.js';

/**
 * Cuts the rows of one table into columns without decoding a value. Made once for a TABLE_MAP; the two images
 * are used again for every row.
 */
export class RowSplitter {
  readonly table: BinlogTable;
  readonly before: RowImage;
  readonly after: RowImage;
  /** Bytes of a fixed-length value, or minus the bytes of its length prefix. */
  readonly widths: Int32Array;

  /** Throws ROW-S109 on a type whose length is not known. */
  constructor(table: BinlogTable) {
    this.table = table;
    this.widths = Int32Array.from(table.columnTypes, (type, i) => {
      const length = valueLength(type, table.columnMeta[i]!);
      if (length === undefined)
        throw unreadable(`column ${i + 1} of ${sourceName(table)} has the unknown type ${type}`);
      return length;
    });
    this.before = newImage(table.columnCount);
    this.after = newImage(table.columnCount);
  }

  /**
   * Cuts one row image that begins at `at`, its NULL bitmap first, and gives the offset behind it. `present` is
   * the bitmap of the columns that the image holds, or null when it holds all.
   */
  split(image: RowImage, bytes: Buffer, at: number, end: number, present: Uint8Array | null): number {
    const next =
      present === null ? this.#splitFull(image, bytes, at) : this.#splitPartial(image, bytes, at, present);
    // Behind the end of the bytes every length is NaN.
    if (!(next <= end))
      throw unreadable(`a row of ${sourceName(this.table)} extends past the end of its event`);
    return next;
  }

  #splitFull(image: RowImage, bytes: Buffer, at: number): number {
    const widths = this.widths;
    const count = widths.length;
    const { starts, ends } = image;
    image.bytes = bytes;
    let offset = at + ((count + 7) >> 3);
    let nulls = 0;
    for (let i = 0; i < count; i++) {
      if ((i & 7) === 0) nulls = bytes[at + (i >> 3)]!;
      if (nulls & (1 << (i & 7))) {
        starts[i] = NULL_VALUE;
        continue;
      }
      const width = widths[i]!;
      if (width >= 0) {
        starts[i] = offset;
        offset += width;
      } else {
        starts[i] = offset - width;
        offset += prefixedLength(bytes, offset, -width) - width;
      }
      ends[i] = offset;
    }
    return offset;
  }

  /** The NULL bitmap counts only the columns that are present. */
  #splitPartial(image: RowImage, bytes: Buffer, at: number, present: Uint8Array): number {
    const widths = this.widths;
    const { starts, ends } = image;
    image.bytes = bytes;
    let offset = at + ((countBits(present, widths.length) + 7) >> 3);
    let bit = 0;
    for (let i = 0; i < widths.length; i++) {
      if ((present[i >> 3]! & (1 << (i & 7))) === 0) {
        starts[i] = ABSENT_VALUE;
        continue;
      }
      const isNull = bytes[at + (bit >> 3)]! & (1 << (bit & 7));
      bit++;
      if (isNull) {
        starts[i] = NULL_VALUE;
        continue;
      }
      const width = widths[i]!;
      if (width >= 0) {
        starts[i] = offset;
        offset += width;
      } else {
        starts[i] = offset - width;
        offset += prefixedLength(bytes, offset, -width) - width;
      }
      ends[i] = offset;
    }
    return offset;
  }
}

export function newImage(columns: number): RowImage {
  return { bytes: Buffer.alloc(0), starts: new Int32Array(columns), ends: new Int32Array(columns) };
}

/**
 * A column that the after-image of an update does not hold is as it was: it takes the value of the before-image, where
 * there is one. Without that a row of which half of the key changed had no key any more.
 */
export function takeUnchanged(before: RowImage, after: RowImage): void {
  const isShared = before.bytes === after.bytes;
  const parts: Buffer[] = [after.bytes];
  let size = after.bytes.length;
  for (let i = 0; i < after.starts.length; i++) {
    if (after.starts[i] !== ABSENT_VALUE) continue;
    const start = before.starts[i]!;
    const end = before.ends[i]!;
    after.starts[i] = start;
    after.ends[i] = end;
    if (isShared || start < 0) continue;
    parts.push(before.bytes.subarray(start, end));
    after.starts[i] = size;
    size += end - start;
    after.ends[i] = size;
  }
  if (parts.length > 1) after.bytes = Buffer.concat(parts, size);
}

/** Little-endian length of 1 to 4 bytes; reading past the buffer gives a length that the caller's bound check refuses. */
export function prefixedLength(bytes: Uint8Array, at: number, width: number): number {
  switch (width) {
    case 1:
      return bytes[at]!;
    case 2:
      return bytes[at]! | (bytes[at + 1]! << 8);
    case 3:
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    default:
      return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + bytes[at + 3]! * 0x1000000;
  }
}

export function countBits(bitmap: Uint8Array, columns: number): number {
  let count = 0;
  for (let i = 0; i < columns; i++) if (bitmap[i >> 3]! & (1 << (i & 7))) count++;
  return count;
}
