import { RowferryError } from '../../shared/errors.js';
import { decimalText } from './numbers.js';

/** How a document is written down: what each of its parts becomes. */
export interface JsonForm {
  readonly brackets: {
    readonly object: readonly [open: string, close: string];
    readonly array: readonly [open: string, close: string];
  };
  /** Between a key and its value. */
  readonly colon: string;
  literal(text: 'null' | 'true' | 'false'): string;
  signed(text: string): string;
  unsigned(text: string): string;
  double(value: number): string;
  string(text: string): string;
  /** A value of a type that JSON itself has not: the code of its MySQL type, and its bytes. */
  opaque(type: number, bytes: Buffer, from: number, length: number): string;
}

const asText: JsonForm = {
  brackets: { object: ['{', '}'], array: ['[', ']'] },
  colon: ': ',
  literal: (text) => text,
  signed: (text) => text,
  unsigned: (text) => text,
  double: doubleText,
  string: quoted,
  opaque: opaqueText,
};

/**
 * MySQL's binary JSON as the text that MySQL prints, byte for byte: `{"a": 1}`, doubles with a point or an
 * exponent, decimals with their zeros. Source: sql-common/json_binary.h and json_dom.cc of MySQL.
 */
export function jsonText(bytes: Buffer, start: number, end: number): string {
  return jsonAs(asText, bytes, start, end);
}

/** MySQL's binary JSON in any form. Throws ROW-V101 when it cannot be read. */
export function jsonAs(form: JsonForm, bytes: Buffer, start: number, end: number): string {
  // A JSON column that ALTER TABLE added as NOT NULL holds no bytes in old rows; MySQL reads null.
  if (end === start) return form.literal('null');
  const out = new Output(end - start);
  try {
    value(form, bytes[start]!, bytes, start + 1, end, out, 0);
  } catch (error) {
    // An offset behind the end of all bytes.
    throw error instanceof RangeError ? malformed() : error;
  }
  return out.text;
}

/**
 * No part of a document is written twice, so it has no more parts and letters than bytes. One whose parts refer to the
 * same bytes again and again would have more than anybody can write down.
 */
class Output {
  readonly #parts: string[] = [];
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  push(part: string): void {
    this.#parts.push(part);
  }

  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw malformed();
  }

  get text(): string {
    return this.#parts.join('');
  }
}

/** MySQL stores no deeper documents. */
const deepest = 100;

function value(
  form: JsonForm,
  type: number,
  bytes: Buffer,
  at: number,
  end: number,
  out: Output,
  depth: number,
): void {
  if (at > end || depth > deepest + 1) throw malformed();
  out.spend(1);
  switch (type) {
    case 0:
    case 1:
      object(form, bytes, at, end, type === 1 ? 4 : 2, out, depth);
      return;
    case 2:
    case 3:
      array(form, bytes, at, end, type === 3 ? 4 : 2, out, depth);
      return;
    case 4:
      out.push(form.literal(bytes[at] === 0 ? 'null' : bytes[at] === 1 ? 'true' : 'false'));
      return;
    case 5:
      out.push(form.signed(String(bytes.readInt16LE(at))));
      return;
    case 6:
      out.push(form.unsigned(String(bytes.readUInt16LE(at))));
      return;
    case 7:
      out.push(form.signed(String(bytes.readInt32LE(at))));
      return;
    case 8:
      out.push(form.unsigned(String(bytes.readUInt32LE(at))));
      return;
    case 9:
      out.push(form.signed(String(bytes.readBigInt64LE(at))));
      return;
    case 10:
      out.push(form.unsigned(String(bytes.readBigUInt64LE(at))));
      return;
    case 11: {
      const value = bytes.readDoubleLE(at);
      // JSON has no NaN and no infinity.
      if (!Number.isFinite(value)) throw malformed();
      out.push(form.double(value));
      return;
    }
    case 12: {
      const [length, from] = variableLength(bytes, at);
      if (from + length > end) throw malformed();
      out.spend(length);
      out.push(form.string(bytes.toString('utf8', from, from + length)));
      return;
    }
    case 15: {
      const [length, from] = variableLength(bytes, at + 1);
      if (from + length > end) throw malformed();
      out.spend(length);
      out.push(form.opaque(bytes[at]!, bytes, from, length));
      return;
    }
    default:
      throw malformed();
  }
}

function object(
  form: JsonForm,
  bytes: Buffer,
  base: number,
  end: number,
  width: 2 | 4,
  out: Output,
  depth: number,
): void {
  const count = bytes.readUIntLE(base, width);
  const keys = base + 2 * width;
  const values = keys + count * (width + 2);
  if (values + count * (1 + width) > end) throw malformed();
  out.push(form.brackets.object[0]);
  for (let i = 0; i < count; i++) {
    const entry = keys + i * (width + 2);
    const from = base + bytes.readUIntLE(entry, width);
    const length = bytes.readUInt16LE(entry + width);
    if (from + length > end) throw malformed();
    out.spend(length);
    if (i > 0) out.push(', ');
    out.push(form.string(bytes.toString('utf8', from, from + length)));
    out.push(form.colon);
    member(form, bytes, base, values + i * (1 + width), end, width, out, depth);
  }
  out.push(form.brackets.object[1]);
}

function array(
  form: JsonForm,
  bytes: Buffer,
  base: number,
  end: number,
  width: 2 | 4,
  out: Output,
  depth: number,
): void {
  const count = bytes.readUIntLE(base, width);
  if (base + 2 * width + count * (1 + width) > end) throw malformed();
  out.push(form.brackets.array[0]);
  for (let i = 0; i < count; i++) {
    if (i > 0) out.push(', ');
    member(form, bytes, base, base + 2 * width + i * (1 + width), end, width, out, depth);
  }
  out.push(form.brackets.array[1]);
}

/** An entry holds small values itself, and the offset of others. */
function member(
  form: JsonForm,
  bytes: Buffer,
  base: number,
  entry: number,
  end: number,
  width: 2 | 4,
  out: Output,
  depth: number,
): void {
  const type = bytes[entry]!;
  const inline = type === 4 || type === 5 || type === 6 || (width === 4 && (type === 7 || type === 8));
  const at = inline ? entry + 1 : base + bytes.readUIntLE(entry + 1, width);
  value(form, type, bytes, at, end, out, depth + 1);
}

function variableLength(bytes: Buffer, start: number): [length: number, at: number] {
  let length = 0;
  let at = start;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw malformed();
    length += (byte & 0x7f) * factor;
    if (byte < 128) return [length, at];
  }
}

const escapes: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quoted(text: string): string {
  const escaped = text.replace(
    /["\\\x00-\x1f]/g,
    (c) => escapes[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

/**
 * A double as MySQL prints it in JSON: its shortest digits; plain up to 15 digits before the point, more where
 * some stand behind it, and 14 zeros behind it; else with an exponent; a plain whole number ends in `.0`. Source: my_gcvt() of MySQL.
 */
export function doubleText(number: number): string {
  if (number === 0) return Object.is(number, -0) ? '-0.0' : '0.0';
  const [, sign, first, rest = '', exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(
    number.toExponential(),
  )!;
  const digits = first! + rest;
  const point = Number(exponent) + 1;
  if (point < -14 || (point > 15 && point >= digits.length)) {
    return `${sign}${first}${rest ? `.${rest}` : ''}e${point - 1}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits.padEnd(point, '0')}.0`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Field types of opaque values that have a text of their own. */
export const opaqueTypes = { date: 10, time: 11, datetime: 12, timestamp: 7, decimal: 246 } as const;

/** Decimals and times as MySQL prints them, everything else in base64. */
export function opaqueText(type: number, bytes: Buffer, from: number, length: number): string {
  switch (type) {
    case opaqueTypes.decimal:
      return decimalText(bytes, from + 2, bytes[from]!, bytes[from + 1]!);
    case opaqueTypes.date:
    case opaqueTypes.datetime:
    case opaqueTypes.timestamp:
      return `"${packedDatetime(bytes.readBigInt64LE(from), type === opaqueTypes.date)}"`;
    case opaqueTypes.time:
      return `"${packedTime(bytes.readBigInt64LE(from))}"`;
    default: {
      // MySQL's encoder breaks lines after 76 letters, and JSON escapes the break.
      const lines = bytes.toString('base64', from, from + length).match(/.{1,76}/g) ?? [];
      return `"base64:type${type}:${lines.join('\\n')}"`;
    }
  }
}

const pad = (value: bigint, width: number) => value.toString().padStart(width, '0');

/** year*13+month, day, hour, minute, second, then 24 bits of microseconds. */
function packedDatetime(packed: bigint, dateOnly: boolean): string {
  const micros = packed & 0xffffffn;
  const whole = packed >> 24n;
  const days = whole >> 17n;
  const yearMonth = days >> 5n;
  const date = `${pad(yearMonth / 13n, 4)}-${pad(yearMonth % 13n, 2)}-${pad(days & 31n, 2)}`;
  if (dateOnly) return date;
  const clock = whole & 0x1ffffn;
  return `${date} ${pad(clock >> 12n, 2)}:${pad((clock >> 6n) & 63n, 2)}:${pad(clock & 63n, 2)}.${pad(micros, 6)}`;
}

function packedTime(packed: bigint): string {
  const value = packed < 0n ? -packed : packed;
  const clock = value >> 24n;
  const text = `${pad((clock >> 12n) & 0x3ffn, 2)}:${pad((clock >> 6n) & 63n, 2)}:${pad(clock & 63n, 2)}.${pad(value & 0xffffffn, 6)}`;
  return packed < 0n ? `-${text}` : text;
}

function malformed(): RowferryError {
  return new RowferryError('ROW-V101', 'The JSON value cannot be read.');
}
