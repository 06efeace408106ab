/** The bytes are not what the format allows: truncated, a bad tag, a length beyond the end. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}

export const WireType = { VARINT: 0, FIXED64: 1, BYTES: 2, FIXED32: 5 } as const;

const EMPTY = Buffer.alloc(0);

/**
 * Reads protobuf fields out of bytes[start, end). Every read is bounds-checked and throws WireFormatError;
 * bytes() and sub() give views, not copies.
 *
 *     while (reader.next()) switch (reader.field) { case 1: … reader.string() …; default: reader.skip(); }
 */
export class ProtobufReader {
  /** Field number of the field that next() found. */
  field = 0;
  wireType = 0;

  constructor(
    readonly bytes: Buffer,
    public position = 0,
    readonly end = bytes.length,
  ) {}

  /** Reads the next tag; false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const tag = this.varint();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0 || tag > 0xffffffff) throw new WireFormatError('field number out of range');
    return true;
  }

  /** A varint that fits a double's 53 bits, unsigned. */
  varint(): number {
    const { bytes } = this;
    let at = this.position;
    let value = 0;
    let scale = 1;
    for (let n = 0; n < 8; n++) {
      if (at >= this.end) throw new WireFormatError('truncated varint');
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new WireFormatError('varint out of range');
        this.position = at;
        return value;
      }
      scale *= 128;
    }
    throw new WireFormatError('varint out of range');
  }

  /** int64: any varint as a signed 64-bit number. */
  int64(): bigint {
    this.expect(WireType.VARINT);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) throw new WireFormatError('truncated varint');
      const byte = this.bytes[this.position++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new WireFormatError('varint longer than ten bytes');
  }

  /** int32 and enums; a negative one travels as ten bytes. */
  int32(): number {
    const small = this.smallVarint();
    if (small >= 0) return small;
    return Number(BigInt.asIntN(32, this.int64()));
  }

  bool(): boolean {
    const small = this.smallVarint();
    return small >= 0 ? small !== 0 : this.int64() !== 0n;
  }

  double(): number {
    this.expect(WireType.FIXED64);
    if (this.end - this.position < 8) throw new WireFormatError('truncated double');
    this.position += 8;
    return this.bytes.readDoubleLE(this.position - 8);
  }

  /** The value of a length-delimited field, as a view on the message's own memory. */
  block(): Buffer {
    const length = this.blockLength();
    if (length === 0) return EMPTY;
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  string(): string {
    const length = this.blockLength();
    this.position += length;
    return this.bytes.toString('utf8', this.position - length, this.position);
  }

  /** A reader over the embedded message; this reader goes on behind it. */
  message(): ProtobufReader {
    const length = this.blockLength();
    this.position += length;
    return new ProtobufReader(this.bytes, this.position - length, this.position);
  }

  /** Passes over the value of the current field, whatever it is. */
  skip(): void {
    switch (this.wireType) {
      case WireType.VARINT:
        this.int64();
        return;
      case WireType.FIXED64:
        return this.advance(8);
      case WireType.FIXED32:
        return this.advance(4);
      case WireType.BYTES:
        return this.advance(this.blockLength());
      default:
        throw new WireFormatError('wire type not allowed');
    }
  }

  /** The value of a varint of one byte, which nearly all are, or -1 with nothing read. */
  private smallVarint(): number {
    this.expect(WireType.VARINT);
    if (this.position >= this.end) throw new WireFormatError('truncated varint');
    const byte = this.bytes[this.position]!;
    if (byte >= 0x80) return -1;
    this.position++;
    return byte;
  }

  private blockLength(): number {
    this.expect(WireType.BYTES);
    const length = this.varint();
    if (length > this.end - this.position) throw new WireFormatError('length beyond the end of the message');
    return length;
  }

  private advance(count: number): void {
    if (count > this.end - this.position) throw new WireFormatError('truncated field');
    this.position += count;
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) throw new WireFormatError('field of another wire type');
  }
}

/** Bytes that `value` (0 … 2^53 − 1) takes as a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (; value >= 128; value = Math.floor(value / 128)) length++;
  return length;
}

/** Builds a protobuf message in a buffer that grows; finish() gives a view of it. */
export class ProtobufWriter {
  length = 0;
  private buffer: Buffer;

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** A view of what was written: valid until the next write or reset(). */
  finish(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Starts over in the same memory. */
  reset(): void {
    this.length = 0;
  }

  /** Field of type int32, uint32, enum or int64 from a number; negative ones take ten bytes. */
  integer(field: number, value: number | bigint): void {
    this.reserve(20);
    this.rawVarint((field << 3) | WireType.VARINT);
    if (typeof value === 'number' && value >= 0) this.rawVarint(value);
    else this.rawVarint64(BigInt.asUintN(64, BigInt(value)));
  }

  bool(field: number, value: boolean): void {
    this.reserve(11);
    this.rawVarint((field << 3) | WireType.VARINT);
    this.buffer[this.length++] = value ? 1 : 0;
  }

  double(field: number, value: number): void {
    this.reserve(18);
    this.rawVarint((field << 3) | WireType.FIXED64);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  string(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.blockHeader(field, length);
    this.buffer.write(value, this.length, length, 'utf8');
    this.length += length;
  }

  block(field: number, value: Uint8Array): void {
    this.blockHeader(field, value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** Tag and length of a length-delimited field whose `length` bytes the caller writes next with raw(). */
  blockHeader(field: number, length: number): void {
    this.reserve(20 + length);
    this.rawVarint((field << 3) | WireType.BYTES);
    this.rawVarint(length);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** An embedded message: `fill` writes its fields into this writer. */
  message(field: number, fill: (writer: this) => void): void {
    this.reserve(20);
    this.rawVarint((field << 3) | WireType.BYTES);
    // One byte is kept for the length; a longer length moves the content, which only big messages pay for.
    const start = ++this.length;
    fill(this);
    const size = this.length - start;
    const extra = varintLength(size) - 1;
    if (extra > 0) {
      this.reserve(extra);
      this.buffer.copyWithin(start + extra, start, this.length);
    }
    this.length = start - 1;
    this.rawVarint(size);
    this.length += size;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  private rawVarint(value: number): void {
    const { buffer } = this;
    let at = this.length;
    for (; value >= 128; value = Math.floor(value / 128)) buffer[at++] = (value % 128) | 0x80;
    buffer[at++] = value;
    this.length = at;
  }

  private rawVarint64(value: bigint): void {
    for (; value >= 128n; value >>= 7n) this.buffer[this.length++] = Number(value & 0x7fn) | 0x80;
    this.buffer[this.length++] = Number(value);
  }
}
