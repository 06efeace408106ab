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
const timeParts = 'hour minute second microsecond'.split(' ');
const dateParts = 'year month day dayofmonth quarter to_days weekday dayofweek dayofyear'.split(' ');
/** The same, and each gives a date or time, or takes two. */
const ofDates = 'date datetime last_day datediff'.split(' ');
const temporalWords = new Set([...timeParts, ...dateParts, ...ofDates, 'time']);
const steadyCharset = /^_?(utf8mb4|utf8mb3|utf8|latin1|ascii|binary)(_[a-z0-9_]+)?$/;
const token =
  /\s+|`((?:[^`]|``)+)`|\\?'([^'\\]*)\\?'|(\d+(?:\.\d+)?(?:e[+-]?\d+)?|0x[0-9a-f]+|[a-z_][a-z0-9_]*|[()]|[-+*=<>!&|^~,%]+)/iy;
/** Texts and numbers that every sql_mode makes the same date or time, or none. */
const plainText =
  /^\D*$|^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])( ([01]\d|2[0-3])(:[0-5]\d){2})?$|^\d{1,3}(:[0-5]\d){1,2}$/;
const plainNumber = /^[\w.]{1,4}$|^(?!0000)\d{4}(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])$/;

export interface Operand {
  readonly name: string;
  readonly dataType: string;
  readonly unsigned: boolean;
  /** Digits of a fraction of a second, or of a number. */
  readonly decimals: number;
}

/**
 * The expression with a space between its parts, in lower case, a column as `<type,decimals>` or `<type,decimals,unsigned>`
 * and a text as 'plain' or 'odd'. null: it has something that is not known, or a column that is not among `columns`.
 */
function shapeOf(expression: string, columns: readonly Operand[]): string | null {
  const shape: string[] = [];
  for (token.lastIndex = 0; token.lastIndex < expression.length;) {
    const found = token.exec(expression);
    if (!found) return null;
    const [, name, text, other] = found;
    if (name !== undefined) {
      const wanted = name.replaceAll('``', '`').toLowerCase();
      const column = columns.find((one) => one.name.toLowerCase() === wanted);
      if (!column) return null;
      shape.push(`<${column.dataType},${column.decimals}${column.unsigned ? ',unsigned' : ''}>`);
    } else if (text !== undefined) shape.push(plainText.test(text) ? "'plain'" : "'odd'");
    else if (other !== undefined) shape.push(other.toLowerCase());
  }
  return shape.join(' ');
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
  const shape = shapeOf(expression, columns);
  if (shape === null || !wordsOf(shape).every(isKnown)) return true;
  // CHAR(n): what is no text of its charset is NULL or not.
  if (/(?<!\bas )\bchar \(/.test(shape)) return true;
  // Shown in the session's time zone, or taken as of it; padded where sql_mode has PAD_CHAR_TO_FULL_LENGTH.
  if (/<(timestamp|char),/.test(shape) || own.dataType === 'timestamp') return true;
  // NO_UNSIGNED_SUBTRACTION decides what a difference may be of which one side has no sign.
  if (shape.includes('-') && withoutSign.test(shape)) return true;
  // Without a text of a column the collation is that of literals: default_collation_for_utf8mb4.
  if (!textual.test(shape) && comparesTexts.test(shape.replaceAll(columnMeets, '0'))) return true;
  // A date may have zeros, or be none: what it is made of is read as it stands, what it is stored or cast as is not.
  if (/\bas date(time)?\b|\bdate \(/.test(shape)) return true;
  if (/^date/.test(own.dataType) && !wholeDate.test(shape)) return true;
  return makesTemporal(plainOf(shape), own);
}

const comparesTexts =
  /[=<>] _utf8mb4 '|' [^ \w']*[=<>](?!\w)|\b(locate|instr|position|nullif|field|greatest|least|between|in|replace|substring_index|case (?!when)).* _utf8mb4 '/;
/** A column that is no text makes a number or a date of a literal beside it. */
const columnMeets =
  /<\w[^>]*> ([=<>]+ _\w+ '\w+'|between _\w+ '\w+' and _\w+ '\w+'|in \( _\w+ '\w+'( , _\w+ '\w+')* \))/g;
/** NULL where the date has zeros or is none. */
const wholeDate =
  /^(last_day \( <date(time)?,\d> \)|\( <date(time)?,\d> [-+] interval (\d+|<\w*int,\d+>) \w+ \))$/;
const withoutSign = /\bunsigned\b|<(bit|year),|\b(crc32|inet_aton|year) \(|\b0x|\b\d{19}|[&|^~]|<<|>>/;
const wordsOf = (shape: string) => shape.replaceAll(/<\w[^>]*>|'\w+'|\b\d\S*/g, '').match(/\w+/g) ?? [];
const isKnown = (word: string) =>
  steadyWords.has(word) || temporalWords.has(word) || steadyCharset.test(word);

/** What converts nothing is what it gives: a number, or a date. */
function plainOf(shape: string): string {
  return shape
    .replaceAll(/<\w[^>]*> is (not )?null/g, '0')
    .replaceAll(/last_day \( <date(time)?,\d> \)/g, '<date,0>')
    .replaceAll(partOf, '0');
}

const partOf = new RegExp(
  `\\b((${timeParts.join('|')}) \\( <(time|date|datetime),\\d> \\)|(${dateParts.join('|')}) \\( <date(time)?,\\d> \\))`,
  'g',
);

/**
 * Something may become a date or time, or lose digits of its seconds, as sql_mode has it (ALLOW_INVALID_DATES,
 * NO_ZERO_DATE, NO_ZERO_IN_DATE, TIME_TRUNCATE_FRACTIONAL), or take the date of the day.
 */
function makesTemporal(shape: string, own: Pick<Operand, 'dataType' | 'decimals'>): boolean {
  const words = wordsOf(shape);
  // What stands behind INTERVAL is a number.
  const operands = [...shape.matchAll(/(?<!\binterval )<(\w+),(\d+)/g)];
  const dates = operands.filter(([, type]) => temporal.test(type!));
  const converts = temporal.test(own.dataType) || words.some((word) => temporalWords.has(word));
  if (!converts && dates.length === 0) return false;

  // A TIME that meets a date, or is made one.
  const isOfDate =
    /^date/.test(own.dataType) || words.some((word) => dateParts.includes(word) || ofDates.includes(word));
  const times = dates.filter(([, type]) => type === 'time');
  if (times.length > 0 && (isOfDate || times.length < dates.length)) return true;

  const digits = Math.max(
    addsFraction.test(shape) ? 6 : 0,
    ...dates.map(([, , decimals]) => Number(decimals)),
  );
  if (digits > 0 && integral.test(own.dataType)) return true;
  if (temporal.test(own.dataType) && own.decimals < digits) return true;
  const casts = [...shape.matchAll(/\bas (?:time|datetime)\b(?: \( (\d) \))?/g)];
  if (casts.some(([, kept = '0']) => Number(kept) < digits)) return true;

  if (!converts && !compares.test(shape)) return false;
  // What makes a text makes one of a date, too, that becomes a date again.
  if (!words.every((word) => passing.has(word) || steadyCharset.test(word))) return true;
  if (operands.some(([, type]) => textual.test(type!))) return true;
  // What arithmetic gives is a number, too, and is made a date or time.
  if (converts && dates.length < operands.length) return true;
  if (converts && dates.length > 0 && arithmetic.test(shape)) return true;
  if (shape.includes("'odd'")) return true;
  return [...shape.matchAll(looseNumber)].some(([number]) => !plainNumber.test(number));
}

/** Words that give one of their operands as it is, a number, or a date. */
const passing = new Set([
  ...'and or xor not is null true false if ifnull coalesce nullif case when then else end'.split(' '),
  ...'in between greatest least interval datediff'.split(' '),
  ...timeParts,
  ...dateParts,
]);
const temporal = /^(date|time|datetime|timestamp)$/;
const textual = /char|text|enum|set|json|binary|blob/;
const integral = /int$|^(bit|year)$/;
/** With a date or time on one side, the other is made one. `case` only where it has a value to compare. */
const compares =
  /(^| )[^ \w']*[=<>](?!\w)|\b(between|in|greatest|least|nullif|field|interval)\b|\bcase (?!when)/;
/** `+` and `-` of an interval keep a date a date. */
const arithmetic = /[*%]|\b(div|mod)\b|[-+](?! interval)/;
/** Not beside an operator of arithmetic, where it stays a number. */
const looseNumber = /(?<!(?:[-+*%]|\bdiv|\bmod|\binterval) |[\w.,])\d[\w.]*/g;
const addsFraction = /\bmicrosecond\b|\b\d+\.\d|\binterval (?!\d+ |<(\w*int|bit|year),)/;
