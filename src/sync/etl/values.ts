import { isUtf8 } from 'node:buffer';
import { doubleText } from '../../mysql/types/json.js';

/**
 * Values of the ETL language and what its operators make of them. Numbers stay exact as long as they can:
 * integers are bigint, DECIMAL columns and literals with a point are Decimal, only DOUBLE is floating.
 * As in the log-processing language that DTS follows, a numeric string counts as a number where one is needed.
 */
export type EtlValue = null | boolean | bigint | number | Single | string | Uint8Array | Decimal | DateTime;

/** A failure of evaluation: the row becomes dirty data with this text. */
export class EtlError extends Error {
  override readonly name = 'EtlError';
}

/** Longer texts no cell takes, and each function could double what the one before made. */
const maximumLetters = 16 * 1024 * 1024;

export function assertLetters(count: number): void {
  if (count > maximumLetters) throw new EtlError('a function makes a text that is too long');
}

/** The script reads what the table does not have: that is no trouble of the row. */
export class UnknownColumn extends EtlError {}

/** A FLOAT: it counts as the double that it is, and its text has no more digits than tell it from other FLOATs. */
export class Single {
  constructor(readonly value: number) {}

  toString(): string {
    for (let digits = 1; digits < 9; digits++) {
      const short = Number(this.value.toPrecision(digits));
      if (Math.fround(short) === this.value) return numberText(short);
    }
    return numberText(Number(this.value.toPrecision(9)));
  }
}

/** unscaled × 10^−scale, scale ≥ 0. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  toString(): string {
    if (this.scale === 0) return this.unscaled.toString();
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString().padStart(this.scale + 1, '0');
    return `${negative ? '-' : ''}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }
}

/** A moment without a zone, µs since 1970-01-01 00:00:00, with the fractional digits it is printed with. */
export class DateTime {
  readonly micros: bigint;
  readonly digits: number;

  constructor(micros: bigint, digits: number) {
    this.micros = micros;
    this.digits = digits;
  }

  /** As MySQL prints a DATETIME(digits). */
  toString(): string {
    const { year, month, day, hour, minute, second, micro } = calendar(this);
    const fraction = this.digits > 0 ? '.' + pad(micro, 6).slice(0, this.digits) : '';
    return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)} ${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}`;
  }
}

export interface Calendar {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micro: number;
}

export function calendar(value: DateTime): Calendar {
  const millis = floorDiv(value.micros, 1000n);
  const date = new Date(Number(millis));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    micro: date.getUTCMilliseconds() * 1000 + Number(value.micros - millis * 1000n),
  };
}

/** Throws EtlError when the parts are no date of the calendar (month 13, 30 February, year 0). */
export function fromCalendar(parts: Calendar, digits: number): DateTime {
  const date = new Date(0);
  date.setUTCFullYear(parts.year, parts.month - 1, parts.day);
  date.setUTCHours(parts.hour, parts.minute, parts.second, 0);
  const real =
    parts.year >= 1 &&
    date.getUTCMonth() === parts.month - 1 &&
    date.getUTCDate() === parts.day &&
    parts.hour < 24 &&
    parts.minute < 60 &&
    parts.second < 60;
  if (!real) throw new EtlError('the date does not exist in the calendar');
  return new DateTime(BigInt(date.getTime()) * 1000n + BigInt(parts.micro), digits);
}

/** Reads `YYYY-MM-DD`, with a time and up to six fractional digits where given. null: not of that form. */
export function parseDateTime(text: string): DateTime | null {
  const m = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?$/.exec(
    text.trim(),
  );
  if (!m) return null;
  const fraction = m[7] ?? '';
  return fromCalendar(
    {
      year: Number(m[1]),
      month: Number(m[2]),
      day: Number(m[3]),
      hour: Number(m[4] ?? 0),
      minute: Number(m[5] ?? 0),
      second: Number(m[6] ?? 0),
      micro: Number(fraction.padEnd(6, '0')),
    },
    fraction.length,
  );
}

/** Any value as the text that MySQL would print; null stays null. */
export function toText(value: EtlValue): string | null {
  if (value === null) return null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Uint8Array) {
    if (!isUtf8(value)) throw new EtlError('binary data that is not UTF-8 is used as text');
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  }
  if (typeof value === 'number') return numberText(value);
  return value.toString();
}

const numberText = (value: number) => doubleText(value).replace(/\.0$/, '');

type Numeric = bigint | number | Decimal;

/** A number, or a string that is one. Throws EtlError for anything else; null stays null. */
export function toNumeric(value: EtlValue): Numeric | null {
  if (value === null || typeof value === 'bigint' || typeof value === 'number' || value instanceof Decimal)
    return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value instanceof Single) return value.value;
  if (typeof value === 'string') {
    const number = parseNumeric(value);
    if (number !== null) return number;
  }
  throw new EtlError(`${describe(value)} is not a number`);
}

function parseNumeric(text: string): Numeric | null {
  const m = /^\s*([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?\s*$/.exec(text);
  if (!m || (!m[2] && !m[3])) return null;
  if (m[4]) return Number(text);
  const unscaled = BigInt(`${m[2]}${m[3] ?? ''}`) * (m[1] === '-' ? -1n : 1n);
  return m[3] ? new Decimal(unscaled, m[3].length) : unscaled;
}

/** Throws EtlError unless the value is a whole number. */
export function toInteger(value: EtlValue): bigint | null {
  const number = toNumeric(value);
  if (number === null || typeof number === 'bigint') return number;
  if (typeof number === 'number') {
    if (!Number.isInteger(number)) throw new EtlError(`${number} is not a whole number`);
    return BigInt(number);
  }
  const unit = 10n ** BigInt(number.scale);
  if (number.unscaled % unit !== 0n) throw new EtlError(`${number} is not a whole number`);
  return number.unscaled / unit;
}

export function toDouble(value: EtlValue): number | null {
  const number = toNumeric(value);
  return number === null ? null : Number(typeof number === 'object' ? number.toString() : number);
}

export function toDateTime(value: EtlValue): DateTime | null {
  if (value === null || value instanceof DateTime) return value;
  const parsed = typeof value === 'string' ? parseDateTime(value) : null;
  if (!parsed) throw new EtlError(`${describe(value)} is not a date`);
  return parsed;
}

/**
 * Order of two values, neither null: a date against a string reads the string as a date, a number against a
 * string reads the string as a number, two strings compare by code unit, bytes by byte.
 */
export function compare(a: EtlValue, b: EtlValue): number {
  if (a instanceof DateTime || b instanceof DateTime)
    return order(toDateTime(a)!.micros, toDateTime(b)!.micros);
  if (a instanceof Uint8Array || b instanceof Uint8Array) return Buffer.compare(toBytes(a), toBytes(b));
  if (typeof a === 'string' && typeof b === 'string') return order(a, b);
  const [x, y] = [toNumeric(a)!, toNumeric(b)!];
  if (typeof x === 'number' || typeof y === 'number') return order(toDouble(x)!, toDouble(y)!);
  const [p, q] = align(x, y);
  return order(p.unscaled, q.unscaled);
}

export type Arithmetic = 'sum' | 'sub' | 'mul' | 'mod';

/** Exact unless a DOUBLE takes part; null when either is null. Throws EtlError on a remainder by zero. */
export function arithmetic(operator: Arithmetic, a: EtlValue, b: EtlValue): Numeric | null {
  const x = toNumeric(a);
  const y = toNumeric(b);
  if (x === null || y === null) return null;
  if (typeof x === 'number' || typeof y === 'number') return doubles(operator, toDouble(x)!, toDouble(y)!);
  if (operator === 'mul') {
    const [p, q] = [asDecimal(x), asDecimal(y)];
    return narrow(new Decimal(p.unscaled * q.unscaled, p.scale + q.scale));
  }
  const [p, q] = align(x, y);
  if (operator === 'sum') return narrow(new Decimal(p.unscaled + q.unscaled, p.scale));
  if (operator === 'sub') return narrow(new Decimal(p.unscaled - q.unscaled, p.scale));
  if (q.unscaled === 0n) throw new EtlError('remainder of a division by zero');
  return narrow(new Decimal(p.unscaled % q.unscaled, p.scale));
}

/** True division, always a double; null when either is null. Throws EtlError on a division by zero. */
export function divide(a: EtlValue, b: EtlValue): number | null {
  const x = toDouble(a);
  const y = toDouble(b);
  if (x === null || y === null) return null;
  if (y === 0) throw new EtlError('division by zero');
  return x / y;
}

/** For messages: what kind of value it is, never the value itself (messages reach logs, values must not). */
export function describe(value: EtlValue): string {
  if (value === null) return 'NULL';
  if (value instanceof DateTime) return 'a date';
  if (value instanceof Decimal || value instanceof Single) return 'a number';
  if (typeof value === 'bigint' || typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return 'a boolean';
  return typeof value === 'string' ? 'a string' : 'binary data';
}

export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

export const pad = (value: number, width: number) => String(value).padStart(width, '0');

function doubles(operator: Arithmetic, x: number, y: number): number {
  if (operator === 'sum') return x + y;
  if (operator === 'sub') return x - y;
  if (operator === 'mul') return x * y;
  if (y === 0) throw new EtlError('remainder of a division by zero');
  return x % y;
}

const order = <T extends bigint | number | string>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);
const asDecimal = (value: bigint | Decimal) => (typeof value === 'bigint' ? new Decimal(value, 0) : value);
const narrow = (value: Decimal) => (value.scale === 0 ? value.unscaled : value);

function align(a: bigint | Decimal, b: bigint | Decimal): [Decimal, Decimal] {
  const [x, y] = [asDecimal(a), asDecimal(b)];
  const scale = Math.max(x.scale, y.scale);
  const widen = (v: Decimal) => new Decimal(v.unscaled * 10n ** BigInt(scale - v.scale), scale);
  return [widen(x), widen(y)];
}

function toBytes(value: EtlValue): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(toText(value) ?? '', 'utf8');
}
