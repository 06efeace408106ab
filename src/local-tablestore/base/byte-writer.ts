/** A buffer that grows at its end. Slices stay valid after growth: they keep the memory they were made from. */
export class ByteWriter {
  buffer: Buffer;
  length = 0;

  constructor(capacity = 1024) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** Forgets the content. Slices given out before may be overwritten from then on. */
  reset(): void {
    this.length = 0;
  }

  /** A view of what was written since `start`. */
  slice(start = 0): Buffer {
    return this.buffer.subarray(start, this.length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.length = this.buffer.writeUInt32LE(value, this.length);
  }

  int64(value: bigint): void {
    this.reserve(8);
    this.length = this.buffer.writeBigInt64LE(value, this.length);
  }

  zeros(count: number): void {
    this.reserve(count);
    this.buffer.fill(0, this.length, this.length + count);
    this.length += count;
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  range(source: Buffer, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    if (count > 32) {
      source.copy(this.buffer, this.length, start, end);
    } else {
      for (let at = 0; at < count; at++) this.buffer[this.length + at] = source[start + at]!;
    }
    this.length += count;
  }

  /**
   * Eight bytes of `source` in reverse order with the sign bit flipped: between a little-endian integer and one
   * that sorts by bytes. `fromSortable` says which way.
   */
  reversed(source: Buffer, start: number, fromSortable = false): void {
    this.reserve(8);
    const { buffer, length } = this;
    for (let at = 0; at < 8; at++) buffer[length + at] = source[start + 7 - at]!;
    buffer[fromSortable ? length + 7 : length]! ^= 0x80;
    this.length += 8;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
