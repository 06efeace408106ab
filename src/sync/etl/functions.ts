import { boundedTest } from './bounded-regexp.js';
import { formatDateTime, parseByPattern, shift } from './datetime.js';
import {
  arithmetic,
  assertLetters,
  compare,
  DateTime,
  divide,
  EtlError,
  floorDiv,
  parseDateTime,
  toDateTime,
  Single,
  toDouble,
  toInteger,
  toText,
  type Arithmetic,
  type EtlValue,
} from './values.js';

/**
 * The value functions, one row each. A function gets its evaluated arguments; `named` lists the arguments that
 * are given by name. NULL in gives NULL out unless the row says otherwise; conditions are three-valued as in
 * SQL, and an unknown condition counts as not met.
 */
export interface ValueFunction {
  /** How many arguments by position. */
  readonly arity: readonly [least: number, most: number];
  readonly named?: readonly string[];
  /** Gets NULL arguments too; without it one NULL makes the result NULL. */
  readonly takesNull?: boolean;
  /** The result differs from one evaluation to the next: columns set from it cannot be verified. */
  readonly unstable?: boolean;
  run(args: EtlValue[], named: Record<string, EtlValue>): EtlValue;
}

const text = (value: EtlValue) => toText(value) ?? '';
const index = (value: EtlValue) => Number(toInteger(value) ?? 0n);
const letters = (value: EtlValue) => Array.from(text(value));

const comparison = (meets: (order: number) => boolean): ValueFunction => ({
  arity: [2, 2],
  run: ([a, b]) => meets(compare(a!, b!)),
});
const math = (operator: Arithmetic, most = 2): ValueFunction => ({
  arity: [2, most],
  run: (args) => args.slice(1).reduce((sum, value) => arithmetic(operator, sum, value), args[0]!),
});
const onText = (least: number, most: number, run: (args: EtlValue[]) => EtlValue): ValueFunction => ({
  arity: [least, most],
  run,
});

const patterns = new Map<string, RegExp>();
function pattern(source: string): RegExp {
  let compiled = patterns.get(source);
  if (!compiled) {
    try {
      compiled = new RegExp(source, 'u');
    } catch (error) {
      throw new EtlError('the regular expression is not valid', { cause: error });
    }
    if (patterns.size >= 100) patterns.clear();
    patterns.set(source, compiled);
  }
  return compiled;
}

function strip(value: string, chars: string | null): string {
  if (chars === null) return value.trim();
  const set = new Set(chars);
  const units = Array.from(value);
  let from = 0;
  let to = units.length;
  while (from < to && set.has(units[from]!)) from++;
  while (to > from && set.has(units[to - 1]!)) to--;
  return units.slice(from, to).join('');
}

function count(value: string, part: string): bigint {
  return part === '' ? 0n : BigInt(value.split(part).length - 1);
}

function format(args: EtlValue[]): string {
  let next = 1;
  return text(args[0]!).replace(/\{\{|\}\}|\{(\d*)\}/g, (whole, number: string | undefined) => {
    if (whole === '{{') return '{';
    if (whole === '}}') return '}';
    const at = number ? Number(number) + 1 : next++;
    if (at >= args.length) throw new EtlError('str_format has more placeholders than values');
    return toText(args[at]!) ?? 'NULL';
  });
}

/** Letters from start to end, both counted from 0 and both masked, as in the documented phone number example. */
function mask(value: EtlValue, start: EtlValue, end: EtlValue, char: EtlValue): string {
  const [from, to, sign] = [index(start), index(end), text(char)];
  return letters(value)
    .map((letter, at) => (at >= from && at <= to ? sign : letter))
    .join('');
}

const micros = (value: EtlValue, unit: bigint) => floorDiv(toDateTime(value)!.micros, unit);
const wholeNumber = (value: EtlValue) => {
  const number = toInteger(value);
  return number === null ? 0 : Number(number);
};

export const valueFunctions: Record<string, ValueFunction> = {
  op_eq: comparison((order) => order === 0),
  op_ne: comparison((order) => order !== 0),
  op_gt: comparison((order) => order > 0),
  op_lt: comparison((order) => order < 0),
  op_ge: comparison((order) => order >= 0),
  op_le: comparison((order) => order <= 0),
  op_is_null: { arity: [1, 1], takesNull: true, run: ([a]) => a === null },
  op_is_not_null: { arity: [1, 1], takesNull: true, run: ([a]) => a !== null },
  op_in: {
    arity: [2, Infinity],
    takesNull: true,
    run: ([a, ...list]) => {
      if (a === null) return null;
      if (list.some((b) => b !== null && compare(a!, b) === 0)) return true;
      return list.includes(null) ? null : false;
    },
  },

  op_sum: math('sum', Infinity),
  op_sub: math('sub'),
  op_mul: math('mul', Infinity),
  op_mod: math('mod'),
  op_div_true: { arity: [2, 2], run: ([a, b]) => divide(a!, b!) },

  op_add: onText(2, Infinity, (args) => args.map(text).join('')),
  str_format: { arity: [1, Infinity], takesNull: true, run: format },
  str_replace: onText(3, 3, ([s, from, to]) => {
    if (text(from!) === '') return text(s!);
    const parts = text(s!).split(text(from!));
    assertLetters((parts.length - 1) * text(to!).length);
    return parts.join(text(to!));
  }),
  str_strip: onText(1, 2, ([s, chars]) => strip(text(s!), chars === undefined ? null : text(chars))),
  str_lower: onText(1, 1, ([s]) => text(s!).toLowerCase()),
  str_upper: onText(1, 1, ([s]) => text(s!).toUpperCase()),
  str_count: onText(2, 2, ([s, part]) => count(text(s!), text(part!))),
  str_find: onText(2, 2, ([s, part]) => {
    const at = text(s!).indexOf(text(part!));
    return at < 0 ? -1n : BigInt(Array.from(text(s!).slice(0, at)).length);
  }),
  str_contains: onText(2, 2, ([s, part]) => text(s!).includes(text(part!))),
  str_isalpha: onText(1, 1, ([s]) => /^\p{L}+$/u.test(text(s!))),
  str_isdigit: onText(1, 1, ([s]) => /^\p{Nd}+$/u.test(text(s!))),
  regex_match: onText(2, 2, ([s, source]) => boundedTest(pattern(text(source!)), text(s!))),
  str_mask: onText(4, 4, ([s, start, end, char]) => mask(s!, start!, end!, char!)),
  substring: onText(2, 3, ([s, start, end]) =>
    letters(s!)
      .slice(Math.max(0, index(start!)), end === undefined ? undefined : Math.max(0, index(end)))
      .join(''),
  ),

  cast_string_to_long: { arity: [1, 1], run: ([a]) => toInteger(a!) },
  cast_long_to_string: { arity: [1, 1], run: ([a]) => toText(toInteger(a!)) },
  cast_string_to_double: { arity: [1, 1], run: ([a]) => toDouble(a!) },
  cast_double_to_string: { arity: [1, 1], run: ([a]) => toText(a instanceof Single ? a : toDouble(a!)) },

  DATETIME: {
    arity: [1, 1],
    run: ([a]) => {
      const parsed = parseDateTime(text(a!));
      if (!parsed) throw new EtlError("DATETIME takes a text like '2021-01-01 10:10:01'");
      return parsed;
    },
  },
  dt_now: {
    arity: [0, 0],
    unstable: true,
    run: () => new DateTime(BigInt(Math.floor(Date.now() / 1000)) * 1_000_000n, 0),
  },
  dt_now_millis: { arity: [0, 0], unstable: true, run: () => new DateTime(BigInt(Date.now()) * 1000n, 3) },
  dt_fromtimestamp: { arity: [1, 1], run: ([seconds]) => new DateTime(toInteger(seconds!)! * 1_000_000n, 0) },
  dt_parsetimestamp: { arity: [1, 1], run: ([date]) => micros(date!, 1_000_000n) },
  dt_str: {
    arity: [1, 2],
    run: ([date, form]) =>
      form === undefined ? text(toDateTime(date!)) : formatDateTime(toDateTime(date!)!, text(form)),
  },
  dt_strptime: { arity: [2, 2], run: ([source, form]) => parseByPattern(text(source!), text(form!)) },
  dt_add: {
    arity: [1, 1],
    named: ['years', 'months', 'days', 'hours', 'minutes', 'seconds'],
    run: ([date], named) =>
      shift(toDateTime(date!)!, {
        years: wholeNumber(named.years ?? null),
        months: wholeNumber(named.months ?? null),
        days: wholeNumber(named.days ?? null),
        hours: wholeNumber(named.hours ?? null),
        minutes: wholeNumber(named.minutes ?? null),
        seconds: wholeNumber(named.seconds ?? null),
      }),
  },
};

// op_and, op_or and op_not evaluate lazily and three-valued: they are written in compile.ts, as are the actions.
export const lazyFunctions = ['op_and', 'op_or', 'op_not'] as const;
export const actionFunctions = [
  'e_if',
  'e_if_else',
  'e_switch',
  'e_compose',
  'e_drop',
  'e_keep',
  'e_set',
] as const;
