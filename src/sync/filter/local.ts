import type { Column } from '../../mysql/model.js';
import type { Token } from '../sql/lexer.js';

/**
 * The part of SQL conditions that means here exactly what it means at the source, proven by a test that
 * compares it with a real server over random rows and conditions: comparisons of whole numbers, exact decimals
 * and dates with constants of the same kind, equality of plain ASCII text under the common collations, IS NULL,
 * IN, BETWEEN and three-valued logic. Everything else answers 'ask': the source decides (correctness rule 18).
 */
export type Answer = boolean | null | 'ask';

/** The value of a source column: bigint for whole numbers, number for DOUBLE, text as MySQL prints it for the rest. */
export type FilterValue = bigint | number | string | boolean | Buffer | null;
export type ColumnReader = (column: string) => FilterValue;
export type Evaluate = (read: ColumnReader) => Answer;

type Literal =
  { kind: 'null' } | { kind: 'number'; unscaled: bigint; scale: number } | { kind: 'string'; text: string };

/** Printable ASCII: each character has a weight of its own, case apart, in all of these collations. */
const plain = /^[\x20-\x7e]*$/;
/** Collation → how plain ASCII text compares for equality. Padding collations ignore spaces at the end. */
const collations = new Map<string, { fold: boolean; pad: boolean }>([
  ['utf8mb4_0900_ai_ci', { fold: true, pad: false }],
  ['utf8mb4_0900_as_ci', { fold: true, pad: false }],
  ['utf8mb4_0900_as_cs', { fold: false, pad: false }],
  ['utf8mb4_0900_bin', { fold: false, pad: false }],
  ['utf8mb4_general_ci', { fold: true, pad: true }],
  ['utf8mb4_unicode_ci', { fold: true, pad: true }],
  ['utf8mb4_bin', { fold: false, pad: true }],
  ['utf8mb3_general_ci', { fold: true, pad: true }],
  ['utf8mb3_bin', { fold: false, pad: true }],
  ['latin1_swedish_ci', { fold: true, pad: true }],
  ['latin1_bin', { fold: false, pad: true }],
  ['ascii_general_ci', { fold: true, pad: true }],
  ['ascii_bin', { fold: false, pad: true }],
]);
/** A BIT is a number where it meets one. */
const integers = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'bit']);
const texts = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum']);
const dates = new Set(['date', 'datetime', 'timestamp']);

class OutsideTheSubset extends Error {}

/** The evaluator of a checked filter, or null when nothing of it can be decided here. */
export function compileLocally(tokens: readonly Token[], columns: readonly Column[]): Evaluate | null {
  try {
    return new Parser(tokens, columns).condition();
  } catch (error) {
    if (error instanceof OutsideTheSubset) return null;
    throw error;
  }
}

/** Recursive descent by MySQL's precedence: OR, XOR, AND, NOT, comparison. */
class Parser {
  private at = 0;
  private readonly byName: Map<string, Column>;

  constructor(
    private readonly tokens: readonly Token[],
    columns: readonly Column[],
  ) {
    this.byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  }

  condition(): Evaluate {
    const result = this.disjunction();
    if (this.at < this.tokens.length) throw new OutsideTheSubset();
    return result;
  }

  private disjunction(): Evaluate {
    const parts = [this.exclusive()];
    while (this.take('OR') || this.take('||')) parts.push(this.exclusive());
    return parts.length === 1 ? parts[0]! : (read) => decide(parts, read, true);
  }

  private exclusive(): Evaluate {
    let left = this.conjunction();
    while (this.take('XOR')) {
      const [a, b] = [left, this.conjunction()];
      left = (read) => {
        const [x, y] = [a(read), b(read)];
        if (x === null || y === null) return null;
        return x === 'ask' || y === 'ask' ? 'ask' : x !== y;
      };
    }
    return left;
  }

  private conjunction(): Evaluate {
    const parts = [this.negation()];
    while (this.take('AND') || this.take('&&')) parts.push(this.negation());
    return parts.length === 1 ? parts[0]! : (read) => decide(parts, read, false);
  }

  private negation(): Evaluate {
    if (!this.take('NOT')) return this.predicate();
    return invert(this.negation());
  }

  private predicate(): Evaluate {
    if (this.take('(')) {
      const inner = this.disjunction();
      this.expect(')');
      // `(a = 1) = 1` and the like would need the value of a condition.
      if (this.at < this.tokens.length && !/^(\)|AND|&&|OR|\|\||XOR)$/i.test(this.tokens[this.at]!.text))
        throw new OutsideTheSubset();
      return inner;
    }
    const column = this.column();
    if (!column) return this.reversed();
    if (this.take('IS')) {
      const negated = this.take('NOT');
      this.expect('NULL');
      return (read) => (read(column.name) === null) !== negated;
    }
    const negated = this.take('NOT');
    if (this.take('IN')) {
      this.expect('(');
      const list = [this.literal()];
      while (this.take(',')) list.push(this.literal());
      this.expect(')');
      if (!isOfOneKind(list)) throw new OutsideTheSubset();
      const tests = list.map((literal) => comparison(column, '=', literal));
      const within: Evaluate = (read) => decide(tests, read, true);
      return negated ? invert(within) : within;
    }
    if (this.take('BETWEEN')) {
      const lower = comparison(column, '>=', this.literal());
      this.expect('AND');
      const upper = comparison(column, '<=', this.literal());
      const within: Evaluate = (read) => decide([lower, upper], read, false);
      return negated ? invert(within) : within;
    }
    if (negated) throw new OutsideTheSubset();
    const operator = this.operator();
    if (!operator) {
      if (!integers.has(column.dataType)) throw new OutsideTheSubset();
      return comparison(column, '<>', { kind: 'number', unscaled: 0n, scale: 0 });
    }
    const other = this.column();
    return other ? ofColumns(column, operator, other) : comparison(column, operator, this.literal());
  }

  /** `5 < a`: the constant first. */
  private reversed(): Evaluate {
    const literal = this.literal();
    const operator = this.operator();
    const column = operator && this.column();
    if (!operator || !column) throw new OutsideTheSubset();
    const mirror: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
    return comparison(column, mirror[operator] ?? operator, literal);
  }

  private column(): Column | undefined {
    let at = this.at;
    while (this.tokens[at + 1]?.text === '.' && this.tokens[at + 1]?.kind === 'other') at += 2;
    const token = this.tokens[at];
    if (!token || (token.kind !== 'word' && token.kind !== 'name') || this.tokens[at + 1]?.text === '(')
      return undefined;
    const column = this.byName.get(token.text.toLowerCase());
    if (column) this.at = at + 1;
    return column;
  }

  private operator(): string | undefined {
    const token = this.tokens[this.at];
    if (token?.kind !== 'other' || !['=', '<>', '!=', '<', '<=', '>', '>=', '<=>'].includes(token.text))
      return undefined;
    this.at++;
    return token.text === '!=' ? '<>' : token.text;
  }

  private literal(): Literal {
    const negative = this.take('-');
    const token = this.tokens[this.at++];
    if (token?.kind === 'number') {
      const m = /^(\d*)(?:\.(\d*))?$/.exec(token.text);
      if (!m) throw new OutsideTheSubset();
      const unscaled = BigInt(`${m[1]}${m[2] ?? ''}`);
      return { kind: 'number', unscaled: negative ? -unscaled : unscaled, scale: m[2]?.length ?? 0 };
    }
    if (negative) throw new OutsideTheSubset();
    if (token?.kind === 'string' && this.tokens[this.at]?.kind !== 'string')
      return { kind: 'string', text: token.text };
    if (token?.kind === 'word' && !this.byName.has(token.text.toLowerCase())) {
      const upper = token.text.toUpperCase();
      if (upper === 'NULL') return { kind: 'null' };
      if (upper === 'TRUE') return { kind: 'number', unscaled: 1n, scale: 0 };
      if (upper === 'FALSE') return { kind: 'number', unscaled: 0n, scale: 0 };
    }
    throw new OutsideTheSubset();
  }

  private take(text: string): boolean {
    const token = this.tokens[this.at];
    const found =
      token && (token.kind === 'other' || token.kind === 'word') && token.text.toUpperCase() === text;
    if (found) this.at++;
    return Boolean(found);
  }

  private expect(text: string): void {
    if (!this.take(text)) throw new OutsideTheSubset();
  }
}

/**
 * MySQL looks for a value in a list by other rules where the list mixes kinds of numbers (a NULL is one), or has
 * numbers past 2^63: 18446744073709551615 is -1 in some of them.
 */
function isOfOneKind(list: readonly Literal[]): boolean {
  const values = list.filter(({ kind }) => kind !== 'null');
  const least = values.length === list.length ? -(2n ** 63n) : 0n;
  return values.every(
    (literal) =>
      literal.kind === values[0]!.kind &&
      (literal.kind !== 'number' ||
        (literal.scale === 0 && literal.unscaled < 2n ** 63n && literal.unscaled >= least)),
  );
}

/** `early` decides at once (true for OR, false for AND); an 'ask' outweighs NULL, since it may decide. */
function decide(parts: readonly Evaluate[], read: ColumnReader, early: boolean): Answer {
  let result: Answer = !early;
  for (const part of parts) {
    const answer = part(read);
    if (answer === early) return early;
    if (answer === 'ask') result = 'ask';
    else if (answer === null && result !== 'ask') result = null;
  }
  return result;
}

function invert(evaluate: Evaluate): Evaluate {
  return (read) => {
    const answer = evaluate(read);
    return typeof answer === 'boolean' ? !answer : answer;
  };
}

function byOrder(operator: string, order: number): boolean {
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '<>':
      return order !== 0;
    default:
      return order === 0;
  }
}

/** Order of a column's value against a constant, or 'ask'. Throws OutsideTheSubset when it never could be told. */
function comparison(column: Column, operator: string, literal: Literal): Evaluate {
  if (literal.kind === 'null') return (read) => (operator === '<=>' ? read(column.name) === null : null);
  const against = ordering(column, operator, literal);
  return (read) => {
    const value = read(column.name);
    if (value === null) return operator === '<=>' ? false : null;
    const order = against(value);
    return order === 'ask' ? 'ask' : byOrder(operator, order);
  };
}

type Order = (value: NonNullable<FilterValue>) => number | 'ask';

function ordering(column: Column, operator: string, literal: Exclude<Literal, { kind: 'null' }>): Order {
  if (literal.kind === 'number') {
    if (integers.has(column.dataType))
      return (value) => decimalOrder(BigInt(value as bigint), 0, literal.unscaled, literal.scale);
    if (column.dataType === 'decimal') {
      return (value) => {
        const [whole, fraction = ''] = String(value).split('.');
        return decimalOrder(BigInt(`${whole}${fraction}`), fraction.length, literal.unscaled, literal.scale);
      };
    }
    const exact = literal.scale === 0 && literal.unscaled <= 2n ** 53n && literal.unscaled >= -(2n ** 53n);
    if ((column.dataType === 'double' || column.dataType === 'float') && exact) {
      const constant = Number(literal.unscaled);
      return (value) => Math.sign(Number(value) - constant);
    }
    throw new OutsideTheSubset();
  }
  if (dates.has(column.dataType)) {
    const constant = fullDate(literal.text);
    if (constant === null) throw new OutsideTheSubset();
    return (value) => {
      const text = fullDate(String(value));
      return text === null ? 'ask' : text < constant ? -1 : text > constant ? 1 : 0;
    };
  }
  const rule = column.collation === null ? undefined : collations.get(column.collation);
  const equality = operator === '=' || operator === '<>' || operator === '<=>';
  if (!texts.has(column.dataType) || !rule || !equality || !plain.test(literal.text))
    throw new OutsideTheSubset();
  const normal = (text: string) => {
    const folded = rule.fold ? text.toLowerCase() : text;
    return rule.pad ? folded.replace(/ +$/, '') : folded;
  };
  const constant = normal(literal.text);
  // A CHAR loses its spaces at the end when it is read, whatever the collation.
  return (value) => {
    const text = String(value);
    return plain.test(text) ? Number(normal(text) !== constant) : 'ask';
  };
}

function ofColumns(a: Column, operator: string, b: Column): Evaluate {
  if (!integers.has(a.dataType) || !integers.has(b.dataType)) throw new OutsideTheSubset();
  return (read) => {
    const [x, y] = [read(a.name), read(b.name)];
    if (x === null || y === null) return operator === '<=>' ? x === y : null;
    return byOrder(operator, decimalOrder(BigInt(x as bigint), 0, BigInt(y as bigint), 0));
  };
}

function decimalOrder(a: bigint, aScale: number, b: bigint, bScale: number): number {
  const scale = Math.max(aScale, bScale);
  const x = a * 10n ** BigInt(scale - aScale);
  const y = b * 10n ** BigInt(scale - bScale);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A real date in MySQL's full form, padded so that text order is time order; null for anything looser. */
function fullDate(text: string): string | null {
  const m = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?)?$/.exec(text);
  if (!m) return null;
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])];
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (Number(m[4] ?? 0) > 23 || Number(m[5] ?? 0) > 59 || Number(m[6] ?? 0) > 59) return null;
  return `${m[1]}-${m[2]}-${m[3]} ${m[4] ?? '00'}:${m[5] ?? '00'}:${m[6] ?? '00'}.${(m[7] ?? '').padEnd(6, '0')}`;
}
