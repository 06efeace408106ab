import type { CellType } from '../../shared/task.js';
import type { Column } from '../model.js';
import { misfit, writeExactDouble, writeInteger, type Decode } from './decode.js';

/** TINYINT to BIGINT, YEAR and BIT. Text: decimal digits (BIT: big-endian bytes). Binlog: little-endian bytes. */

const bytesOf: Record<string, number> = { tinyint: 1, smallint: 2, mediumint: 3, int: 4, bigint: 8 };
const minus = 0x2d;
/** Digits that a double holds exactly. */
const exactDigits = 15;

/** High halves of 64 bits below it are those of numbers that a double holds exactly. */
const exactHigh = 2 ** 21;

type Read = (bytes: Buffer, start: number, end: number) => bigint;

export function integerDecoders(column: Column, target: CellType): { text: Decode; binlog: Decode } {
  const size = bytesOf[column.dataType]!;
  const { unsigned } = column;
  const readBinlog: Read =
    size === 8
      ? (bytes, start) => (unsigned ? bytes.readBigUInt64LE(start) : bytes.readBigInt64LE(start))
      : (bytes, start) => BigInt(unsigned ? bytes.readUIntLE(start, size) : bytes.readIntLE(start, size));
  switch (target) {
    case 'INTEGER':
      return {
        text: integerText,
        binlog:
          size === 8
            ? (bytes, start, end, sink) => {
                const high = unsigned ? bytes.readUInt32LE(start + 4) : bytes.readInt32LE(start + 4);
                if (high > -exactHigh && high < exactHigh)
                  sink.integer(high * 2 ** 32 + bytes.readUInt32LE(start));
                else writeInteger(readBinlog(bytes, start, end), sink);
              }
            : unsigned
              ? (bytes, start, _end, sink) => sink.integer(bytes.readUIntLE(start, size))
              : (bytes, start, _end, sink) => sink.integer(bytes.readIntLE(start, size)),
      };
    case 'STRING': {
      const width = zerofillWidth(column);
      return {
        text: (bytes, start, end, sink) => sink.utf8(bytes, start, end),
        binlog: (bytes, start, end, sink) =>
          sink.text(readBinlog(bytes, start, end).toString().padStart(width, '0')),
      };
    }
    case 'DOUBLE':
      return both(readBinlog, (value, sink) => writeExactDouble(value, sink));
    default:
      return both(readBinlog, (value, sink) => sink.boolean(value !== 0n));
  }
}

function both(
  readBinlog: Read,
  write: (value: bigint, sink: Parameters<Decode>[3]) => void,
): { text: Decode; binlog: Decode } {
  return {
    text: (bytes, start, end, sink) => write(BigInt(bytes.toString('latin1', start, end)), sink),
    binlog: (bytes, start, end, sink) => write(readBinlog(bytes, start, end), sink),
  };
}

/** Digits to a number without a string on the way, as long as a double holds them. */
const integerText: Decode = (bytes, start, end, sink) => {
  if (end - start > exactDigits) {
    writeInteger(BigInt(bytes.toString('latin1', start, end)), sink);
    return;
  }
  const negative = bytes[start] === minus;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at++) value = value * 10 + bytes[at]! - 0x30;
  sink.integer(negative ? 0 - value : value);
};

/** Digits to which a ZEROFILL column is printed; 0 for others. */
function zerofillWidth(column: Column): number {
  if (!/zerofill/i.test(column.columnType)) return 0;
  const standard: Record<string, number> = { tinyint: 3, smallint: 5, mediumint: 8, int: 10, bigint: 20 };
  return Number(/\((\d+)\)/.exec(column.columnType)?.[1] ?? standard[column.dataType]);
}

/** In the binlog a byte counted from 1900, 0 for the year 0000. */
export function yearDecoders(target: CellType): { text: Decode; binlog: Decode } {
  const year = (bytes: Buffer, start: number) => (bytes[start] === 0 ? 0 : 1900 + bytes[start]!);
  if (target === 'STRING') {
    return {
      text: (bytes, start, end, sink) => sink.utf8(bytes, start, end),
      binlog: (bytes, start, _end, sink) => sink.text(String(year(bytes, start)).padStart(4, '0')),
    };
  }
  return { text: integerText, binlog: (bytes, start, _end, sink) => sink.integer(year(bytes, start)) };
}

/** Big-endian bytes in both formats. */
export function bitDecoder(target: CellType): Decode {
  const read = (bytes: Buffer, start: number, end: number): bigint => {
    let value = 0n;
    for (let at = start; at < end; at++) value = (value << 8n) | BigInt(bytes[at]!);
    return value;
  };
  switch (target) {
    case 'BOOLEAN':
      return (bytes, start, end, sink) => sink.boolean(read(bytes, start, end) !== 0n);
    case 'STRING':
      return (bytes, start, end, sink) => sink.text(read(bytes, start, end).toString());
    case 'BINARY':
      return (bytes, start, end, sink) => sink.binary(bytes, start, end);
    default:
      return (bytes, start, end, sink) => {
        const value = read(bytes, start, end);
        if (value > 9223372036854775807n)
          throw misfit('The BIT value is outside the signed 64-bit range of INTEGER.');
        sink.bigInteger(value);
      };
  }
}
