import { crc8, crc8Byte, crc8Int32 } from '../../tablestore/wire/crc8.js';
import { Tag, Variant, type PlainBufferScanner } from '../../tablestore/wire/plainbuffer.js';
import { invalid, invalidKey, type OtsError } from '../base/errors.js';
import { isValidColumnName, limits } from '../base/limits.js';
import { ByteWriter } from '../base/byte-writer.js';
import { keyVariant, variantName, type TableSchema } from './schema.js';

/**
 * Primary keys as bytes whose memcmp order is the order of Tablestore: column by column, INF_MIN first,
 * integers signed, strings and binaries by their bytes, INF_MAX last.
 *
 *   column  = 0x10 (INF_MIN) | 0x20 value | 0x30 (INF_MAX)
 *   integer = eight bytes, big-endian, sign bit flipped
 *   string, binary = bytes with 0x00 written as 0x00 0xff, closed by 0x00 0x01
 */
const Mark = { INF_MIN: 0x10, VALUE: 0x20, INF_MAX: 0x30 } as const;
const ESCAPED = 0xff;
const CLOSED = 0x01;

export interface KeyColumn {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly variant: number;
  readonly autoIncrement: boolean;
  /** PlainBuffer cell up to its name, and the checksum over the name. */
  readonly cellPrefix: Buffer;
  readonly nameChecksum: number;
}

export function keyColumns(schema: TableSchema): KeyColumn[] {
  return schema.primaryKey.map(({ name, type, option }) => {
    const nameBytes = Buffer.from(name);
    const head = Buffer.alloc(6);
    head[0] = Tag.CELL;
    head[1] = Tag.CELL_NAME;
    head.writeUInt32LE(nameBytes.length, 2);
    return {
      name,
      nameBytes,
      variant: keyVariant[type]!,
      autoIncrement: option !== undefined,
      cellPrefix: Buffer.concat([head, nameBytes]),
      nameChecksum: crc8(0, nameBytes, 0, nameBytes.length),
    };
  });
}

export interface EncodedKey {
  key: Buffer;
  /** Bytes the service counts for the key: names and values. */
  dataBytes: number;
  /** Where the eight bytes of an auto-increment column are to be put, or -1. */
  autoIncrementAt: number;
  /** What is wrong with the key for this table: an error of the row, not of the request. */
  error: OtsError | undefined;
}

/**
 * Reads the key cells of a row and encodes them. A size or count that no table allows throws (an error of the
 * request); a mismatch with the schema is given back in `error`.
 * @param columns key columns of the table, or undefined when it does not exist.
 * @param use 'write': concrete values, or AUTO_INCREMENT where the schema has it; 'read': concrete values;
 *   'bound': INF_MIN and INF_MAX too.
 */
export function encodeKey(
  scanner: PlainBufferScanner,
  columns: readonly KeyColumn[] | undefined,
  writer: ByteWriter,
  use: 'write' | 'read' | 'bound',
): EncodedKey {
  const start = writer.length;
  let count = 0;
  let dataBytes = 0;
  let autoIncrementAt = -1;
  let error: OtsError | undefined;
  scanner.beginRow();
  while (scanner.cell()) {
    const column = columns?.[count];
    count++;
    if (!isValidColumnName(scanner.bytes, scanner.nameStart, scanner.nameEnd)) {
      throw invalid(`Invalid column name: '${scanner.name()}'.`);
    }
    const { type, bytes, valueStart, valueEnd } = scanner;
    const size = valueEnd - valueStart;
    dataBytes += scanner.nameEnd - scanner.nameStart + size;
    if (
      column &&
      !error &&
      bytes.compare(column.nameBytes, 0, column.nameBytes.length, scanner.nameStart, scanner.nameEnd) !== 0
    ) {
      error = invalidKey(`Validate PK name fail. Input: ${scanner.name()}, Meta: ${column.name}.`);
    }
    switch (type) {
      case Variant.INTEGER:
        writer.byte(Mark.VALUE);
        writer.reversed(bytes, valueStart);
        break;
      case Variant.STRING:
      case Variant.BINARY:
        if (size > limits.primaryKeyValueBytes) {
          throw invalid(
            `The length of primary key column: '${scanner.name()}' exceeds the MaxLength:${limits.primaryKeyValueBytes} with CurrentLength:${size}.`,
          );
        }
        writer.byte(Mark.VALUE);
        writeEscaped(writer, bytes, valueStart, valueEnd);
        break;
      case Variant.INF_MIN:
      case Variant.INF_MAX:
        if (use !== 'bound') throw invalid(`${variantName(type)} is an invalid type for the primary key.`);
        writer.byte(type === Variant.INF_MIN ? Mark.INF_MIN : Mark.INF_MAX);
        continue;
      case Variant.AUTO_INCREMENT:
        if (use !== 'write') throw invalid('VT_AUTO_INCREMENT is an invalid type for the primary key.');
        writer.byte(Mark.VALUE);
        autoIncrementAt = writer.length - start;
        writer.zeros(8);
        dataBytes += 8;
        if (column && !column.autoIncrement) {
          error ??= invalidKey(`The primary key column is not auto increment: '${column.name}'.`);
        }
        continue;
      default:
        throw invalid(`${variantName(type)} is an invalid type for the primary key.`);
    }
    if (column && !error && type !== column.variant) {
      error = invalidKey(
        `Validate PK type fail. Input: ${variantName(type)}, Meta: ${variantName(column.variant)}.`,
      );
    }
  }
  if (count < 1 || count > limits.primaryKeyColumns) {
    throw invalid(`The number of primary key columns must be in range: [1, ${limits.primaryKeyColumns}].`);
  }
  if (columns && count !== columns.length) {
    error = invalidKey(`Validate PK size fail. Input: ${count}, Meta: ${columns.length}.`);
  }
  return { key: writer.slice(start), dataBytes, autoIncrementAt, error };
}

/** Puts an auto-increment value into a key that encodeKey made. */
export function setAutoIncrement(key: Buffer, at: number, value: bigint): void {
  key.writeBigUInt64BE(BigInt.asUintN(64, value ^ -0x8000000000000000n), at);
}

/**
 * Writes the key as PlainBuffer cells.
 * @returns the row checksum so far, and the size the service counts for the key.
 */
export function writeKeyCells(
  key: Buffer,
  columns: readonly KeyColumn[],
  writer: ByteWriter,
): { checksum: number; dataBytes: number } {
  let checksum = 0;
  let dataBytes = 0;
  let at = 0;
  for (const column of columns) {
    writer.bytes(column.cellPrefix);
    writer.byte(Tag.CELL_VALUE);
    const mark = key[at++];
    let crc = column.nameChecksum;
    dataBytes += column.nameBytes.length;
    if (mark !== Mark.VALUE) {
      const type = mark === Mark.INF_MIN ? Variant.INF_MIN : Variant.INF_MAX;
      writer.uint32(1);
      writer.byte(type);
      crc = crc8Byte(crc, type);
    } else if (column.variant === Variant.INTEGER) {
      writer.uint32(9);
      writer.byte(Variant.INTEGER);
      const start = writer.length;
      writer.reversed(key, at, true);
      crc = crc8(crc8Byte(crc, Variant.INTEGER), writer.buffer, start, start + 8);
      at += 8;
      dataBytes += 8;
    } else {
      const header = writer.length;
      writer.zeros(9);
      const start = writer.length;
      at = writeUnescaped(writer, key, at);
      const size = writer.length - start;
      writer.buffer.writeUInt32LE(size + 5, header);
      writer.buffer[header + 4] = column.variant;
      writer.buffer.writeUInt32LE(size, header + 5);
      crc = crc8(crc8Int32(crc8Byte(crc, column.variant), size), writer.buffer, start, start + size);
      dataBytes += size;
    }
    writer.byte(Tag.CELL_CHECKSUM);
    writer.byte(crc);
    checksum = crc8Byte(checksum, crc);
  }
  return { checksum, dataBytes };
}

/** The values of a key in order: bigint, string or Buffer. Only for concrete keys. */
export function keyValues(key: Buffer, columns: readonly KeyColumn[]): (bigint | string | Buffer)[] {
  let at = 0;
  return columns.map(({ variant }) => {
    at++;
    if (variant === Variant.INTEGER) {
      at += 8;
      return key.readBigInt64BE(at - 8) ^ -0x8000000000000000n;
    }
    const parts: Buffer[] = [];
    for (;;) {
      const zero = key.indexOf(0, at);
      parts.push(key.subarray(at, zero));
      at = zero + 2;
      if (key[zero + 1] === CLOSED) break;
      parts.push(ZERO);
    }
    const value = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return variant === Variant.STRING ? value.toString('utf8') : value;
  });
}

/** Bytes of `key` that encode its first column, the partition key. */
export function partitionLength(key: Buffer, columns: readonly KeyColumn[]): number {
  if (key[0] !== Mark.VALUE) return 1;
  if (columns[0]!.variant === Variant.INTEGER) return 9;
  for (let at = 1; ; at += 2) {
    at = key.indexOf(0, at);
    if (key[at + 1] === CLOSED) return at + 2;
  }
}

const ZERO = Buffer.from([0]);

function writeEscaped(writer: ByteWriter, bytes: Buffer, start: number, end: number): void {
  let from = start;
  for (let at = start; at < end; at++) {
    if (bytes[at] !== 0) continue;
    writer.range(bytes, from, at + 1);
    writer.byte(ESCAPED);
    from = at + 1;
  }
  writer.range(bytes, from, end);
  writer.byte(0);
  writer.byte(CLOSED);
}

/** @returns where in `key` the next column begins. */
function writeUnescaped(writer: ByteWriter, key: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const zero = key.indexOf(0, at);
    writer.range(key, at, zero);
    at = zero + 2;
    if (key[zero + 1] === CLOSED) return at;
    writer.byte(0);
  }
}

/** Encodes concrete key values, as encodeKey does from the wire: bigint for integers, bytes for the others. */
export function encodeKeyValues(columns: readonly KeyColumn[], values: readonly (bigint | Buffer)[]): Buffer {
  const writer = new ByteWriter(64);
  columns.forEach((_, index) => {
    const value = values[index]!;
    writer.byte(Mark.VALUE);
    if (typeof value === 'bigint') {
      const little = Buffer.alloc(8);
      little.writeBigInt64LE(value);
      writer.reversed(little, 0);
    } else {
      writeEscaped(writer, value, 0, value.length);
    }
  });
  return writer.slice();
}
