import type { CellType } from '../../shared/task.js';
import type { Column } from '../model.js';
import { misfit, writeInteger, type Decode } from './decode.js';

/** DECIMAL, FLOAT and DOUBLE. */

const digitBytes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;
const groupDigits = 9;

/**
 * The binlog's packed decimal as text: groups of nine digits in four bytes, big-endian, the first bit of all
 * inverted, every bit of a negative number inverted. Source: strings/decimal.cc of MySQL, decimal2bin().
 */
export function decimalText(bytes: Buffer, start: number, precision: number, scale: number): string {
  const negative = (bytes[start]! & 0x80) === 0;
  const mask = negative ? 0xff : 0;
  let at = start;
  const group = (digits: number): string => {
    const size = digitBytes[digits]!;
    let value = 0;
    for (let i = 0; i < size; i++, at++) {
      const byte = (bytes[at]! ^ mask) & 0xff;
      value = value * 256 + (at === start ? byte ^ 0x80 : byte);
    }
    return String(value).padStart(digits, '0');
  };
  let whole = '';
  const wholeDigits = precision - scale;
  if (wholeDigits % groupDigits) whole += group(wholeDigits % groupDigits);
  for (let i = 0; i < Math.floor(wholeDigits / groupDigits); i++) whole += group(groupDigits);
  let fraction = '';
  for (let i = 0; i < Math.floor(scale / groupDigits); i++) fraction += group(groupDigits);
  if (scale % groupDigits) fraction += group(scale % groupDigits);
  whole = whole.replace(/^0+(?=.)/, '') || '0';
  return `${negative ? '-' : ''}${whole}${scale > 0 ? `.${fraction}` : ''}`;
}

export function decimalDecoders(column: Column, target: CellType): { text: Decode; binlog: Decode } {
  const { precision, decimals } = column;
  const zerofill = /zerofill/i.test(column.columnType) ? precision - decimals : 0;
  const printed = (bytes: Buffer, start: number) => {
    const text = decimalText(bytes, start, precision, decimals);
    if (zerofill === 0) return text;
    const [whole, fraction] = text.split('.');
    return fraction === undefined
      ? whole!.padStart(zerofill, '0')
      : `${whole!.padStart(zerofill, '0')}.${fraction}`;
  };
  switch (target) {
    case 'DOUBLE':
      return {
        text: (bytes, start, end, sink) => sink.double(Number(bytes.toString('latin1', start, end))),
        binlog: (bytes, start, _end, sink) => sink.double(Number(printed(bytes, start))),
      };
    case 'INTEGER':
      return {
        text: (bytes, start, end, sink) => writeInteger(BigInt(bytes.toString('latin1', start, end)), sink),
        binlog: (bytes, start, _end, sink) => writeInteger(BigInt(printed(bytes, start)), sink),
      };
    default:
      return {
        text: (bytes, start, end, sink) => sink.utf8(bytes, start, end),
        binlog: (bytes, start, _end, sink) => sink.text(printed(bytes, start)),
      };
  }
}

/** Text is what `column*1e0` prints: the shortest that reads back to the same double (-0 included). */
export function doubleDecoders(column: Column): { text: Decode; binlog: Decode } {
  const isFloat = column.dataType === 'float';
  return {
    text: (bytes, start, end, sink) => {
      const value = Number(bytes.toString('latin1', start, end));
      if (Number.isNaN(value)) throw misfit('The text is not a number.');
      sink.double(value);
    },
    binlog: isFloat
      ? (bytes, start, _end, sink) => sink.double(bytes.readFloatLE(start))
      : (bytes, start, _end, sink) => sink.double(bytes.readDoubleLE(start)),
  };
}
