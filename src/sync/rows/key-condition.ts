import { identifier } from '../../mysql/connection.js';
import type { Column } from '../../mysql/model.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { KeyValue } from '../../tablestore/wire/plainbuffer.js';
import type { CellPlan } from '../mapping/plan.js';

/**
 * From a key cell back to the values of a column that give it, as a condition that an index serves. A cell that no
 * value of the column gives has none: it may be anything, and MySQL refuses statements with dates and texts that a
 * column cannot hold.
 */
export interface KeyCondition {
  readonly indexed: string;
  /** Finds what `indexed` may not: reads the whole table. null: `indexed` finds all. */
  readonly converted: string | null;
}

/** null: no value of the column gives this cell. More rows than wanted may meet the condition, by collation. */
export function keyCondition(
  cell: Pick<CellPlan, 'column' | 'unit'>,
  value: KeyValue | undefined,
  charsets: CharsetDecoders,
): KeyCondition | null {
  const { column } = cell;
  if (typeof value === 'string' && isText(column)) return textCondition(column, value, charsets);
  const indexed = exactCondition(cell, value);
  return indexed === null ? null : { indexed, converted: null };
}

function exactCondition(
  { column, unit }: Pick<CellPlan, 'column' | 'unit'>,
  value: KeyValue | undefined,
): string | null {
  const name = identifier(column.name);
  switch (column.dataType) {
    case 'date':
    case 'datetime':
    case 'timestamp':
      if (typeof value === 'bigint') return momentCondition(column, value, unit ?? 'ms');
      return typeof value === 'string' && isMoment(column, value) ? between(column, value, value) : null;
    case 'time':
      if (typeof value === 'bigint') return timeCondition(column, value, unit ?? 'ms');
      return typeof value === 'string' && isTime(column, value) ? `${name} = '${value}'` : null;
    case 'year': {
      const year = typeof value === 'string' && !/^\d{4}$/.test(value) ? NaN : Number(value);
      return year === 0 || (year > 1900 && year < 2156) ? `${name} = ${year}` : null;
    }
    case 'enum':
      return typeof value === 'string' ? enumCondition(column, value) : null;
    case 'set':
      return typeof value === 'string' ? setCondition(column, value) : null;
    case 'bit':
      if (Buffer.isBuffer(value)) return value.length > 8 ? null : `${name} = 0x0${value.toString('hex')}`;
      return numberCondition(name, value);
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'decimal':
      return numberCondition(name, value);
    default:
      if (typeof value === 'string') return `${name} = ${bytes(column, Buffer.from(value, 'utf8'))}`;
      return Buffer.isBuffer(value) ? `${name} = ${bytes(column, value)}` : null;
  }
}

function numberCondition(name: string, value: KeyValue | undefined): string | null {
  if (typeof value === 'bigint') return `${name} = ${value}`;
  return typeof value === 'string' && /^-?\d{1,65}(\.\d{1,30})?$/.test(value) ? `${name} = ${value}` : null;
}

const isText = ({ charset, dataType }: Column) =>
  charset !== null && charset !== 'binary' && dataType !== 'enum' && dataType !== 'set';

/** By the stored bytes: a text has several forms in some charsets, which MySQL does not hold to be equal. */
function textCondition(column: Column, value: string, charsets: CharsetDecoders): KeyCondition | null {
  const { forms, isComplete } = charsets.stored(column.charset!, value);
  const name = identifier(column.name);
  const literals = forms.map((form) => bytes(column, form));
  const converted = isComplete
    ? null
    : `CONVERT(${name} USING utf8mb4) COLLATE utf8mb4_bin = CONVERT(x'${Buffer.from(value, 'utf8').toString('hex')}' USING utf8mb4) COLLATE utf8mb4_bin`;
  if (literals.length === 0) return converted === null ? null : { indexed: 'FALSE', converted };
  const indexed = literals.length === 1 ? `${name} = ${literals[0]}` : `${name} IN (${literals.join(', ')})`;
  return { indexed, converted };
}

/** Stored bytes of a text column in its own collation, so that nothing is converted and its index serves. */
function bytes({ charset, collation }: Column, value: Buffer): string {
  const literal = `x'${value.toString('hex')}'`;
  if (charset === null || charset === 'binary' || collation === null) return literal;
  return `CONVERT(${literal} USING ${charset}) COLLATE ${collation}`;
}

/** Labels by their number, as they are stored. The empty text is also what a value without a label shows. */
function enumCondition({ name, members }: Column, value: string): string | null {
  const numbers = members.flatMap((member, i) => (member === value ? [i + 1] : []));
  if (value === '') numbers.push(0);
  return numbers.length === 0 ? null : `${identifier(name)} IN (${numbers.join(', ')})`;
}

function setCondition({ name, members }: Column, value: string): string | null {
  let bits = 0n;
  for (const label of value === '' ? [] : value.split(',')) {
    const place = members.indexOf(label);
    if (place < 0) return null;
    bits |= 1n << BigInt(place);
  }
  // The 64th member makes it a negative number, to MySQL.
  const numbers = [BigInt.asIntN(64, bits)];
  // An empty label in front of the others shows nothing: the value may have it or not.
  const empty = members.indexOf('');
  const others = empty < 0 ? 0n : bits & ((1n << BigInt(empty)) - 1n);
  if (empty >= 0 && others === 0n) numbers.push(BigInt.asIntN(64, bits ^ (1n << BigInt(empty))));
  return `${identifier(name)} IN (${numbers.join(', ')})`;
}

const digitsOf = (column: Column) => (column.decimals === 0 ? '' : `\\.\\d{${column.decimals}}`);

function isMoment(column: Column, text: string): boolean {
  const time = `([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d${digitsOf(column)}`;
  const tail = column.dataType === 'date' ? '' : ` ${time}`;
  return new RegExp(`^\\d{4}-(0\\d|1[0-2])-([0-2]\\d|3[01])${tail}$`).test(text);
}

function isTime(column: Column, text: string): boolean {
  const found = new RegExp(`^-?(\\d{2,3}):[0-5]\\d:[0-5]\\d${digitsOf(column)}$`).exec(text);
  return found !== null && Number(found[1]) <= 838;
}

/** Days that ALLOW_INVALID_DATES lets in have no literal. To MySQL the year 0000 has no 29 February. */
function hasLiteral(date: string): boolean {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  if (month === 0 || day <= 28) return true;
  return (
    day <= (year === 0 && month === 2 ? 28 : new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate())
  );
}

/** Both on the same day. */
function between(column: Column, from: string, to: string): string | null {
  const name = identifier(column.name);
  const within = (operand: string) =>
    from === to ? `${operand} = '${from}'` : `${operand} >= '${from}' AND ${operand} <= '${to}'`;
  const date = from.slice(0, 10);
  if (hasLiteral(date)) return `(${within(name)})`;
  if (column.dataType === 'timestamp') return null;
  const nextMonth = String(Number(date.slice(5, 7)) + 1).padStart(2, '0');
  return `(${name} >= '${date.slice(0, 8)}28' AND ${name} < '${date.slice(0, 5)}${nextMonth}-01' AND ${within(`CAST(${name} AS CHAR)`)})`;
}

/** First and last µs that a column of these fractional digits can hold for the cell. */
function microsOf(value: bigint, unit: 'ms' | 'us', digits: number): [bigint, bigint] | null {
  const from = unit === 'ms' ? value * 1000n : value;
  const step = 10n ** BigInt(6 - digits);
  const to = unit === 'ms' && step < 1000n ? from + 1000n - step : from;
  return from % step === 0n ? [from, to] : null;
}

const fraction = (micros: bigint, digits: number) =>
  digits === 0 ? '' : `.${String(micros).padStart(6, '0').slice(0, digits)}`;

/** The cell counts days as the calendar does, MySQL's functions do not in the year 0000: so the text is compared. */
function momentCondition(column: Column, value: bigint, unit: 'ms' | 'us'): string | null {
  const span = microsOf(value, unit, column.decimals);
  if (!span) return null;
  const texts: string[] = [];
  for (const micros of span) {
    const part = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
    const date = new Date(Number((micros - part) / 1000n));
    if (!(date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999)) return null;
    const text = date.toISOString().slice(0, 19).replace('T', ' ');
    if (column.dataType !== 'date') texts.push(text + fraction(part, column.decimals));
    else if (text.endsWith(' 00:00:00')) texts.push(text.slice(0, 10));
    else return null;
  }
  return between(column, texts[0]!, texts[1]!);
}

function timeCondition(column: Column, value: bigint, unit: 'ms' | 'us'): string | null {
  const span = microsOf(value, unit, column.decimals);
  if (!span) return null;
  const [from, to] = span.map((micros) => {
    const size = micros < 0n ? -micros : micros;
    const seconds = Number(size / 1_000_000n);
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const pad = (part: number) => String(part).padStart(2, '0');
    return `${micros < 0n ? '-' : ''}${pad(hours)}:${pad(minutes)}:${pad(seconds % 60)}${fraction(size % 1_000_000n, column.decimals)}`;
  });
  if (!isTime(column, from!) || !isTime(column, to!)) return null;
  const name = identifier(column.name);
  return from === to ? `${name} = '${from}'` : `(${name} >= '${from}' AND ${name} <= '${to}')`;
}
