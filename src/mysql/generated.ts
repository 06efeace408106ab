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
   year month day dayofmonth hour minute second microsecond quarter
   inet_aton inet_ntoa inet6_aton inet6_ntoa uuid_to_bin bin_to_uuid is_uuid
   cast convert as signed unsigned decimal char binary charset using json array`.split(/\s+/),
);
/** The same, too, of what is a date or a time already: a text is made one by the session's sql_mode. */
const temporalWords = new Set(
  'date time datetime to_days weekday dayofweek dayofyear last_day datediff'.split(' '),
);
const textual = /char|text|enum|set|json|binary|blob/;
const steadyCharset = /^_?(utf8mb4|utf8mb3|utf8|latin1|ascii|binary)(_[a-z0-9_]+)?$/;
const token =
  /\s+|`((?:[^`]|``)+)`|\\?'[^'\\]*\\?'|\d+(?:\.\d+)?(?:e[+-]?\d+)?|0x[0-9a-f]+|([a-z_][a-z0-9_]*)|([-+*=<>!&|^~(),%]+)/iy;

export interface Operand {
  readonly name: string;
  readonly dataType: string;
  readonly unsigned: boolean;
}

/**
 * `expression` as GENERATION_EXPRESSION prints it. `columns` are those of the table that are no volatile generated ones
 * themselves.
 */
export function dependsOnSession(expression: string, columns: readonly Operand[]): boolean {
  const operands: Operand[] = [];
  let isUnsigned = false;
  let subtracts = false;
  let isTemporal = false;
  for (token.lastIndex = 0; token.lastIndex < expression.length;) {
    const found = token.exec(expression);
    if (!found) return true;
    const [, name, word, operator] = found;
    if (name !== undefined) {
      const column = columns.find(
        (one) => one.name.toLowerCase() === name.replaceAll('``', '`').toLowerCase(),
      );
      if (!column) return true;
      operands.push(column);
    } else if (word !== undefined) {
      const lower = word.toLowerCase();
      if (temporalWords.has(lower)) isTemporal = true;
      else if (!steadyWords.has(lower) && !steadyCharset.test(lower)) return true;
      if (lower === 'unsigned') isUnsigned = true;
    } else if (operator?.includes('-')) subtracts = true;
  }
  // Shown in the session's time zone; padded where sql_mode has PAD_CHAR_TO_FULL_LENGTH.
  if (operands.some(({ dataType }) => dataType === 'timestamp' || dataType === 'char')) return true;
  if (isTemporal && operands.some(({ dataType }) => textual.test(dataType))) return true;
  // NO_UNSIGNED_SUBTRACTION.
  return subtracts && (isUnsigned || operands.some(({ unsigned }) => unsigned));
}
