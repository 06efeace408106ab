/**
 * Whether the value of a generated column depends on the session that computes it: on its time zone, language, sql_mode
 * or precision. The server prints the expression without saying so; what is not known to be free of them is not.
 */

/** Functions, operators and words of expressions whose value is the same in every session. */
const steadyWords = new Set(
  `and or xor not is null true false unknown in between case when then else end div mod
   if ifnull nullif coalesce isnull greatest least interval elt field
   concat concat_ws lower lcase upper ucase length octet_length char_length character_length left right substr substring mid
   substring_index trim ltrim rtrim replace reverse lpad rpad repeat instr locate position insert ascii ord
   abs ceiling ceil floor sign round truncate bit_count crc32 md5 sha sha1 sha2 hex unhex to_base64 from_base64
   json_extract json_unquote json_value json_length json_depth json_type json_keys json_valid json_contains
   json_contains_path json_overlaps json_search json_object json_array json_quote
   inet_aton inet_ntoa inet6_aton inet6_ntoa uuid_to_bin bin_to_uuid is_uuid
   cast convert as signed unsigned decimal char binary charset using json array`.split(/\s+/),
);
/** The same of a date or time, and each gives a number. What is none is made one first, by the session's sql_mode. */
const timeParts = new Set('hour minute second microsecond'.split(' '));
const parts = new Set([
  ...timeParts,
  ...'year month day dayofmonth quarter to_days weekday dayofweek dayofyear'.split(' '),
]);
/** The same, and each gives a date or time, or takes two. */
const temporalWords = new Set('date time datetime last_day datediff'.split(' '));
/** With a date or time on one side, the other is made one. `case` only where it has a value to compare. */
const comparing = new Set('between in greatest least nullif field interval case'.split(' '));
/** These give numbers without a sign. */
const unsignedWords = new Set('unsigned crc32 inet_aton year'.split(' '));
const temporal = /^(date|time|datetime|timestamp)$/;
const textual = /char|text|enum|set|json|binary|blob/;
const integral = /int$|^(bit|year)$/;
const steadyCharset = /^_?(utf8mb4|utf8mb3|utf8|latin1|ascii|binary)(_[a-z0-9_]+)?$/;
const pattern =
  /\s+|`((?:[^`]|``)+)`|\\?'([^'\\]*)\\?'|(\d+(?:\.\d+)?(?:e[+-]?\d+)?|0x[0-9a-f]+)|([a-z_][a-z0-9_]*)|([()]|[-+*=<>!&|^~,%]+)/iy;
/** Dates and times that every sql_mode takes, and as they are. */
const plainDate = /^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])( ([01]\d|2[0-3])(:[0-5]\d){2})?$/;
const plainTime = /^\d{1,3}(:[0-5]\d){1,2}$/;
const plainNumber = /^(?!0000)\d{4}(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])$/;

export interface Operand {
  readonly name: string;
  readonly dataType: string;
  readonly unsigned: boolean;
  /** Digits of a fraction of a second, or of a number. */
  readonly decimals: number;
}

type Token =
  { kind: 'column'; column: Operand } | { kind: 'text' | 'number' | 'word' | 'sign'; text: string };

/** null: it has something that is not known, or a column that is not among `columns`. */
function tokensOf(expression: string, columns: readonly Operand[]): Token[] | null {
  const tokens: Token[] = [];
  for (pattern.lastIndex = 0; pattern.lastIndex < expression.length;) {
    const found = pattern.exec(expression);
    if (!found) return null;
    const [, name, text, number, word, sign] = found;
    if (name !== undefined) {
      const wanted = name.replaceAll('``', '`').toLowerCase();
      const column = columns.find((one) => one.name.toLowerCase() === wanted);
      if (!column) return null;
      tokens.push({ kind: 'column', column });
    } else if (text !== undefined) tokens.push({ kind: 'text', text });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase() });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
  }
  return tokens;
}

/**
 * Of a generated column `own`, whose `expression` is as GENERATION_EXPRESSION prints it. `columns` are those of the table
 * that are no volatile generated ones themselves.
 */
export function dependsOnSession(
  expression: string,
  columns: readonly Operand[],
  own: Pick<Operand, 'dataType' | 'decimals'>,
): boolean {
  const tokens = tokensOf(expression, columns);
  if (!tokens) return true;
  const words = tokens.flatMap((token) => (token.kind === 'word' ? [token.text] : []));
  if (!words.every(isKnown)) return true;
  // CHAR(n): what is no text of its charset is NULL or not.
  if (
    tokens.some(
      (token, at) =>
        textOf(token) === 'char' && textOf(tokens[at - 1]) !== 'as' && textOf(tokens[at + 1]) === '(',
    )
  )
    return true;
  const operands = tokens.flatMap((token) => (token.kind === 'column' ? [token.column] : []));
  // Shown in the session's time zone; padded where sql_mode has PAD_CHAR_TO_FULL_LENGTH.
  if (operands.some(({ dataType }) => dataType === 'timestamp' || dataType === 'char')) return true;
  // Taken as one of the session's time zone.
  if (own.dataType === 'timestamp') return true;
  if (subtractsUnsigned(tokens)) return true;
  return makesTemporal(tokens, own);
}

/** NO_UNSIGNED_SUBTRACTION decides what a difference may be of which one side has no sign. */
function subtractsUnsigned(tokens: readonly Token[]): boolean {
  if (!tokens.some((token) => token.kind === 'sign' && token.text.includes('-'))) return false;
  return tokens.some((token) => {
    if (token.kind === 'column') return token.column.unsigned || /^(bit|year)$/.test(token.column.dataType);
    if (token.kind === 'word') return unsignedWords.has(token.text);
    if (token.kind === 'number') return /^0x/i.test(token.text) || token.text.length > 18;
    return token.kind === 'sign' && /[&|^~]|<<|>>/.test(token.text);
  });
}

const isKnown = (word: string) =>
  steadyWords.has(word) || parts.has(word) || temporalWords.has(word) || steadyCharset.test(word);

/**
 * Something may become a date or time, or lose digits of its seconds, as sql_mode has it (ALLOW_INVALID_DATES,
 * NO_ZERO_DATE, NO_ZERO_IN_DATE, TIME_TRUNCATE_FRACTIONAL).
 */
function makesTemporal(expression: readonly Token[], own: Pick<Operand, 'dataType' | 'decimals'>): boolean {
  const tokens = withoutPlain(expression);
  const is = (at: number, ...texts: string[]) => texts.includes(textOf(tokens[at]));
  const operands = tokens.flatMap((token, at) =>
    token.kind === 'column' && !is(at - 1, 'interval') ? [token.column] : [],
  );
  const dates = operands.filter(isTemporal);
  if (datesOfDay(tokens, dates, own)) return true;
  const digits = Math.max(0, ...dates.map(({ decimals }) => decimals), addedDigits(tokens));
  const isRounded = integral.test(own.dataType) || (isTemporal(own) && own.decimals < digits);
  if (digits > 0 && isRounded) return true;
  const isCut = (at: number) =>
    is(at, 'as') && is(at + 1, 'time', 'datetime') && digitsOf(tokens, at + 2) < digits;
  if (tokens.some((_, at) => isCut(at))) return true;
  const converts =
    isTemporal(own) ||
    tokens.some((token) => token.kind === 'word' && (parts.has(token.text) || temporalWords.has(token.text)));
  const compares = tokens.some(
    (token, at) =>
      (token.kind === 'sign' && /[=<>]/.test(token.text)) ||
      (token.kind === 'word' && comparing.has(token.text) && !(token.text === 'case' && is(at + 1, 'when'))),
  );
  if (!converts && !(compares && dates.length > 0)) return false;
  if (operands.some(({ dataType }) => textual.test(dataType))) return true;
  if (converts && dates.length < operands.length) return true;
  // What arithmetic gives is a number, which is made a date or time.
  if (converts && dates.length > 0 && tokens.some((_, at) => isArithmetic(tokens, at))) return true;
  return tokens.some((token, at) => {
    if (token.kind === 'text')
      return /\d/.test(token.text) && !plainDate.test(token.text) && !plainTime.test(token.text);
    // A number beside an operator of arithmetic stays one.
    if (token.kind !== 'number' || is(at - 1, '*', '+', '-', '%', 'div', 'mod', 'interval')) return false;
    return token.text.length > 4 && !plainNumber.test(token.text);
  });
}

/** A TIME becomes a date by that of the day on which it does. */
function datesOfDay(
  tokens: readonly Token[],
  dates: readonly Operand[],
  own: Pick<Operand, 'dataType'>,
): boolean {
  if (!dates.some(({ dataType }) => dataType === 'time')) return false;
  const isOfDate = (word: string) => (parts.has(word) && !timeParts.has(word)) || temporalWords.has(word);
  return (
    /^date/.test(own.dataType) ||
    dates.some(({ dataType }) => dataType !== 'time') ||
    tokens.some((token) => token.kind === 'word' && token.text !== 'time' && isOfDate(token.text))
  );
}

/** Digits of a second that an interval or a literal brings. */
function addedDigits(tokens: readonly Token[]): number {
  const brings = tokens.some((token, at) => {
    if (token.kind === 'number') return token.text.includes('.');
    if (textOf(tokens[at - 1]) !== 'interval') return false;
    return token.kind !== 'column' || !integral.test(token.column.dataType);
  });
  const microseconds = tokens.some((token) => textOf(token) === 'microsecond');
  return brings || microseconds ? 6 : 0;
}

/** `+` and `-` of an interval keep a date a date. */
function isArithmetic(tokens: readonly Token[], at: number): boolean {
  const sign = textOf(tokens[at]);
  if (sign === '+' || sign === '-') return textOf(tokens[at + 1]) !== 'interval';
  return ['*', '%', 'div', 'mod'].includes(sign);
}

const isTemporal = ({ dataType }: Pick<Operand, 'dataType'>) => temporal.test(dataType);
const textOf = (token: Token | undefined) => (!token || token.kind === 'column' ? '' : token.text);
/** Of `(3)` after the type of a CAST. */
const digitsOf = (tokens: readonly Token[], at: number) =>
  textOf(tokens[at]) === '(' ? Number(textOf(tokens[at + 1])) : 0;

/**
 * What converts nothing is what it gives: `x is null` and a part of a date a number, `cast(x as date)` and `last_day(x)` of
 * a date a date.
 */
function withoutPlain(tokens: readonly Token[]): Token[] {
  const done: Token[] = [];
  const number: Token = { kind: 'number', text: '0' };
  for (const token of tokens) {
    done.push(token);
    const text = textOf(token);
    const before = (count: number) => done.at(-1 - count);
    if (text === 'null' && textOf(before(1)) === 'is' && before(2)?.kind === 'column')
      done.splice(-3, 3, number);
    else if (
      text === 'null' &&
      textOf(before(1)) === 'not' &&
      textOf(before(2)) === 'is' &&
      before(3)?.kind === 'column'
    )
      done.splice(-4, 4, number);
    if (text !== ')') continue;
    const isCast = textOf(before(1)) === 'date' && textOf(before(2)) === 'as' && textOf(before(5)) === 'cast';
    const operand = before(isCast ? 3 : 1);
    if (operand?.kind !== 'column' || !isTemporal(operand.column)) continue;
    const word = textOf(before(3));
    // TIME has no date: it takes that of the day.
    const isDate = /^date/.test(operand.column.dataType);
    const date: Token = { kind: 'column', column: { ...operand.column, dataType: 'date', decimals: 0 } };
    if (isCast && isDate) done.splice(-6, 6, date);
    else if (!isCast && (isDate ? parts : timeParts).has(word) && textOf(before(2)) === '(')
      done.splice(-4, 4, number);
    else if (!isCast && word === 'last_day' && isDate) done.splice(-4, 4, date);
  }
  return done;
}
