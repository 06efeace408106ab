import { crc8 } from '../../tablestore/wire/crc8.js';
import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { ByteWriter } from '../base/byte-writer.js';
import { keyValues, type KeyColumn } from '../storage/key-codec.js';
import type { StoredCell } from '../storage/stored-row.js';

/** "SRM0", little-endian. */
const MAGIC = 0x304d5253;
const Tag = { CHECKSUM: 1, ROW: 2, ROW_COUNT: 3, ENTIRE_PRIMARY_KEYS: 10 } as const;
const FIXED_HEADER_BYTES = 20;

/**
 * The second encoding of scanned rows, "simple row matrix": names once, then the newest value of every field of
 * every row, without versions.
 *
 *   LE32 magic, LE32 offset of the rows, LE32 offset of the options, LE32 key fields, LE32 attribute fields,
 *   names (LE16 length, bytes), rows (tag, then type and payload of each field; NULL where the row has none),
 *   options (entire keys: tag, 0|1; row count: tag, LE32), checksum (tag, CRC-8 of all before it)
 *
 * The options lie behind the names and before the rows, so that readers may run through the rows to the checksum.
 */
export class RowMatrix {
  private readonly rows = new ByteWriter();
  private count = 0;

  /**
   * @param keys key columns of the table; @param keyFields which of them are returned, by index.
   * @param attributes names of the attribute fields.
   */
  constructor(
    private readonly keys: readonly KeyColumn[],
    private readonly keyFields: readonly number[],
    private readonly attributes: readonly string[],
  ) {}

  add(key: Buffer, cells: readonly StoredCell[]): void {
    const { rows } = this;
    rows.byte(Tag.ROW);
    const values = this.keyFields.length > 0 ? keyValues(key, this.keys) : [];
    for (const index of this.keyFields) {
      const value = values[index]!;
      rows.byte(this.keys[index]!.variant);
      if (typeof value === 'bigint') rows.int64(value);
      else this.block(typeof value === 'string' ? Buffer.from(value) : value);
    }
    for (const name of this.attributes) {
      const cell = cells.find((candidate) => candidate.name === name);
      rows.byte(cell?.type ?? Variant.NULL);
      if (!cell) continue;
      if (cell.type === Variant.STRING || cell.type === Variant.BINARY) rows.uint32(cell.end - cell.start);
      rows.range(cell.source, cell.start, cell.end);
    }
    this.count++;
  }

  get byteLength(): number {
    return this.rows.length;
  }

  finish(): Buffer {
    const names = [
      ...this.keyFields.map((index) => this.keys[index]!.nameBytes),
      ...this.attributes.map((name) => Buffer.from(name, 'latin1')),
    ];
    const optionsAt = FIXED_HEADER_BYTES + names.reduce((sum, name) => sum + 2 + name.length, 0);
    const out = new ByteWriter(optionsAt + this.rows.length + 16);
    out.uint32(MAGIC);
    out.uint32(optionsAt + 7);
    out.uint32(optionsAt);
    out.uint32(this.keyFields.length);
    out.uint32(this.attributes.length);
    for (const name of names) {
      out.byte(name.length & 0xff);
      out.byte(name.length >> 8);
      out.bytes(name);
    }
    out.byte(Tag.ENTIRE_PRIMARY_KEYS);
    out.byte(this.keyFields.length === this.keys.length ? 1 : 0);
    out.byte(Tag.ROW_COUNT);
    out.uint32(this.count);
    out.bytes(this.rows.slice());
    out.byte(Tag.CHECKSUM);
    out.byte(crc8(0, out.buffer, 0, out.length));
    return out.slice();
  }

  private block(bytes: Buffer): void {
    this.rows.uint32(bytes.length);
    this.rows.bytes(bytes);
  }
}
