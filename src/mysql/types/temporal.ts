import type { CellType } from '../../shared/task.js';
import type { Column } from '../model.js';
import { misfit, writeInteger, type Decode } from './decode.js';

/**
 * DATE, TIME, DATETIME, TIMESTAMP: text exactly as MySQL prints it in a session at UTC, with the column's
 * fractional digits; or a number of ms or µs since 1970 (TIME: of its length).
 * Layout in the binlog: MySQL source, sql-common/my_time.cc (my_datetime_packed_to_binary and its kin).
 */

/** Codes of the formats before MySQL 5.6.4, which old tables still have. */
const oldTypes = { timestamp: 7, time: 11, datetime: 12 } as const;

const twoDigits = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));
const pad2 = (value: number) => twoDigits[value] ?? String(value);
const pad4 = (value: number) => (value > 999 ? String(value) : String(value).padStart(4, '0'));

/** `.123` for digits 3; the stored bytes hold hundredths, ten-thousandths or millionths. */
function fraction(bytes: Buffer, at: number, digits: number): string {
  if (digits === 0) return '';
  const size = (digits + 1) >> 1;
  return fractionText(bytes.readUIntBE(at, size), size, digits);
}
const fractionText = (value: number, size: number, digits: number) =>
  `.${String(value)
    .padStart(size * 2, '0')
    .slice(0, digits)}`;

export function dateText(bytes: Buffer, start: number): string {
  const packed = bytes.readUIntLE(start, 3);
  return `${pad4(packed >> 9)}-${pad2((packed >> 5) & 15)}-${pad2(packed & 31)}`;
}

function datetimeText(bytes: Buffer, start: number, digits: number): string {
  // 1 sign bit, 17 bits year*13+month, 5 day, 5 hour, 6 minute, 6 second; the sign is always set.
  const high = bytes.readUIntBE(start, 3) & 0x7fffff;
  const low = bytes.readUInt16BE(start + 3);
  const yearMonth = high >> 6;
  const day = (high >> 1) & 31;
  const hour = ((high & 1) << 4) | (low >> 12);
  const date = `${pad4(Math.floor(yearMonth / 13))}-${pad2(yearMonth % 13)}-${pad2(day)}`;
  return `${date} ${pad2(hour)}:${pad2((low >> 6) & 63)}:${pad2(low & 63)}${fraction(bytes, start + 5, digits)}`;
}

function oldDatetimeText(bytes: Buffer, start: number): string {
  const digits = bytes.readBigUInt64LE(start).toString().padStart(14, '0');
  return digits.replace(/^(\d{4})(..)(..)(..)(..)(..)$/, '$1-$2-$3 $4:$5:$6');
}

const secondsOfDay = 86_400;
/** The day that was printed last: most rows of a stream are of the same one. */
let lastDay = { number: 0, text: '1970-01-01' };

/** Seconds since 1970; 0 is the zero date. */
function secondsText(seconds: number): string {
  if (seconds === 0) return '0000-00-00 00:00:00';
  const number = Math.floor(seconds / secondsOfDay);
  if (number !== lastDay.number)
    lastDay = { number, text: new Date(number * secondsOfDay * 1000).toISOString().slice(0, 10) };
  const second = seconds - number * secondsOfDay;
  const minute = Math.floor(second / 60);
  return `${lastDay.text} ${pad2(Math.floor(minute / 60))}:${pad2(minute % 60)}:${pad2(second % 60)}`;
}

function timestampText(bytes: Buffer, start: number, digits: number): string {
  return secondsText(bytes.readUInt32BE(start)) + fraction(bytes, start + 4, digits);
}

function timeText(bytes: Buffer, start: number, digits: number): string {
  // Big-endian with an offset of the sign bit; a negative time has its whole value, fraction included, negated.
  const size = (digits + 1) >> 1;
  const total = BigInt(bytes.readUIntBE(start, 3 + size)) - (0x800000n << BigInt(8 * size));
  const negative = total < 0n;
  const value = negative ? -total : total;
  const units = 1n << BigInt(8 * size);
  const packed = Number(value / units);
  const part = digits === 0 ? '' : fractionText(Number(value % units), size, digits);
  return `${negative ? '-' : ''}${pad2((packed >> 12) & 0x3ff)}:${pad2((packed >> 6) & 63)}:${pad2(packed & 63)}${part}`;
}

function oldTimeText(bytes: Buffer, start: number): string {
  const packed = bytes.readIntLE(start, 3);
  const value = Math.abs(packed);
  return `${packed < 0 ? '-' : ''}${pad2(Math.floor(value / 10000))}:${pad2(Math.floor(value / 100) % 100)}:${pad2(value % 100)}`;
}

function binlogText(column: Column, type: number | undefined): (bytes: Buffer, start: number) => string {
  const digits = column.decimals;
  switch (column.dataType) {
    case 'date':
      return dateText;
    case 'datetime':
      return type === oldTypes.datetime
        ? oldDatetimeText
        : (bytes, start) => datetimeText(bytes, start, digits);
    case 'timestamp':
      return type === oldTypes.timestamp
        ? (bytes, start) => secondsText(bytes.readUInt32LE(start))
        : (bytes, start) => timestampText(bytes, start, digits);
    default:
      return type === oldTypes.time ? oldTimeText : (bytes, start) => timeText(bytes, start, digits);
  }
}

/** µs of a TIME, or since 1970 for the rest. Throws ROW-V101 for a zero date, which is no moment. */
export function temporalMicros(text: string, isTime: boolean): bigint {
  const [, seconds = '', digits = ''] = /^(.*?)(?:\.(\d+))?$/.exec(text)!;
  const micros = BigInt(digits.padEnd(6, '0').slice(0, 6) || '0');
  if (isTime) {
    const negative = seconds.startsWith('-');
    const [hour, minute, second] = seconds.replace('-', '').split(':');
    const total = BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1_000_000n + micros;
    return negative ? -total : total;
  }
  const [year, month, day, hour = 0, minute = 0, second = 0] = seconds.split(/[- :]/).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month! - 1 || date.getUTCDate() !== day) {
    throw misfit(
      'The date has a zero part or does not exist in the calendar, so it is not a valid point in time.',
    );
  }
  return BigInt(date.getTime()) * 1000n + micros;
}

export function temporalDecoders(
  column: Column,
  target: CellType,
  unit: 'ms' | 'us',
  binlogType: number | undefined,
): { text: Decode; binlog: Decode } {
  const fromBinlog = binlogText(column, binlogType);
  if (target === 'STRING') {
    return {
      text: (bytes, start, end, sink) => sink.utf8(bytes, start, end),
      binlog: (bytes, start, _end, sink) => sink.text(fromBinlog(bytes, start)),
    };
  }
  const isTime = column.dataType === 'time';
  const write = (text: string, sink: Parameters<Decode>[3]) => {
    const micros = temporalMicros(text, isTime);
    // Toward the past, so that the order of moments is kept.
    const millis = micros >= 0n ? micros / 1000n : (micros - 999n) / 1000n;
    writeInteger(unit === 'us' ? micros : millis, sink);
  };
  return {
    text: (bytes, start, end, sink) => write(bytes.toString('latin1', start, end), sink),
    binlog: (bytes, start, _end, sink) => write(fromBinlog(bytes, start), sink),
  };
}
