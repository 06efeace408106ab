import type { Translate } from './format.js';

/** The words of the transformation language for people who write a script: completion, hovers, highlighting. Pure. */

export interface EtlWord {
  name: string;
  /** How it is called. */
  signature: string;
  help: string;
}

export function etlFunctions(t: Translate): EtlWord[] {
  const word = (signature: string, help: string): EtlWord => ({
    name: signature.slice(0, signature.indexOf('(')),
    signature,
    help,
  });
  return [
    word('e_if(condition, action)', t('Runs the action if the condition is met.')),
    word(
      'e_if_else(condition, action, otherwise)',
      t('Runs the first action if the condition is met, otherwise the second.'),
    ),
    word(
      'e_switch(condition, action, …, default=action)',
      t('Runs the action of the first condition that is met.'),
    ),
    word('e_compose(action, action, …)', t('Runs the actions in order.')),
    word('e_drop()', t('Drops the record without writing it.')),
    word('e_keep(condition)', t('Drops the record unless the condition is met.')),
    word('e_set(`column`, value)', t('Sets a column, and adds it if the source does not have it.')),
    word('op_eq(a, b)', t('a equals b')),
    word('op_ne(a, b)', t('a differs from b')),
    word('op_gt(a, b)', t('a is greater than b')),
    word('op_lt(a, b)', t('a is less than b')),
    word('op_ge(a, b)', t('a is at least b')),
    word('op_le(a, b)', t('a is at most b')),
    word('op_and(a, b, …)', t('every condition is met')),
    word('op_or(a, b, …)', t('one of the conditions is met')),
    word('op_not(a)', t('the condition is not met')),
    word('op_in(a, b, …)', t('a equals one of the other values')),
    word('op_is_null(a)', t('a is NULL')),
    word('op_is_not_null(a)', t('a is not NULL')),
    word('op_sum(a, b, …)', t('Adds numbers.')),
    word('op_sub(a, b)', t('a minus b')),
    word('op_mul(a, b, …)', t('Multiplies numbers.')),
    word('op_div_true(a, b)', t('a divided by b, with decimals')),
    word('op_mod(a, b)', t('Returns the remainder of a divided by b.')),
    word('op_add(a, b, …)', t('Joins texts.')),
    word('str_format(form, a, …)', t('Replaces each {} in the text with the next value.')),
    word('str_replace(text, from, to)', t('Replaces every occurrence.')),
    word('str_strip(text, letters)', t('Removes spaces, or the given characters, from both ends.')),
    word('str_lower(text)', t('Converts text to lower case.')),
    word('str_upper(text)', t('Converts text to upper case.')),
    word('str_count(text, part)', t('Counts the occurrences of a text.')),
    word('str_find(text, part)', t('Returns the position of a text, counted from 0; -1 if not found.')),
    word('str_contains(text, part)', t('the text contains the given text')),
    word('str_isalpha(text)', t('the text contains only letters')),
    word('str_isdigit(text)', t('the text contains only digits')),
    word('regex_match(text, pattern)', t('the text matches the regular expression')),
    word(
      'str_mask(text, start, end, sign)',
      t('Replaces the characters from start to end (counted from 0) with the given character.'),
    ),
    word('substring(text, start, end)', t('Returns the characters from start up to end (counted from 0).')),
    word('cast_string_to_long(a)', t('Converts a value to a whole number.')),
    word('cast_long_to_string(a)', t('Converts a value to text.')),
    word('cast_string_to_double(a)', t('Converts a value to a decimal number.')),
    word('cast_double_to_string(a)', t('Converts a value to text.')),
    word("DATETIME('2021-01-01 10:10:01')", t('A fixed date and time.')),
    word('dt_now()', t('The current time in whole seconds. It differs for each row, so verify ignores it.')),
    word(
      'dt_now_millis()',
      t('The current time in milliseconds. It differs for each row, so verify ignores it.'),
    ),
    word('dt_fromtimestamp(seconds)', t('Converts seconds since 1970 UTC to a date.')),
    word('dt_parsetimestamp(date)', t('Converts a date to seconds since 1970 UTC.')),
    word("dt_str(date, '%Y-%m-%d')", t('Converts a date to text.')),
    word("dt_strptime(text, '%Y-%m-%d')", t('Converts text to a date.')),
    word('dt_add(date, days=1)', t('Shifts a date by years, months, days, hours, minutes or seconds.')),
  ];
}

export function etlVariables(t: Translate): EtlWord[] {
  return [
    { name: '__TB__', help: t('Name of the table.') },
    { name: '__DB__', help: t('Name of the database.') },
    { name: '__OPERATION__', help: t('The operation on the row. In the full load, __OP_INSERT__.') },
    { name: '__OP_INSERT__', help: t('The row was inserted.') },
    { name: '__OP_UPDATE__', help: t('The row was updated.') },
    { name: '__OP_DELETE__', help: t('The row was deleted.') },
    { name: '__COMMIT_TIMESTAMP__', help: t('The commit time of the change. In the full load, NULL.') },
  ].map((word) => ({ ...word, signature: word.name }));
}

export type EtlTokenKind = 'function' | 'unknown' | 'column' | 'variable' | 'string' | 'number' | 'other';
export interface EtlToken {
  kind: EtlTokenKind;
  text: string;
  at: number;
}

const pattern =
  /(?<column>`[^`]*`?)|(?<string>'(?:\\[^]|[^'\\])*'?|"(?:\\[^]|[^"\\])*"?|“[^”]*”?|‘[^’]*’?)|(?<variable>__\w+__)|(?<word>[A-Za-z_]\w*)|(?<number>\d+(?:\.\d+)?)/g;
const names = new Set(etlFunctions((text) => text).map(({ name }) => name));

/** The script cut into coloured pieces; joined they are the script. */
export function etlTokens(script: string): EtlToken[] {
  const tokens: EtlToken[] = [];
  let at = 0;
  for (const match of script.matchAll(pattern)) {
    if (match.index > at) tokens.push({ kind: 'other', text: script.slice(at, match.index), at });
    const [text] = match;
    const { column, string, variable, number } = match.groups!;
    let kind: EtlTokenKind;
    if (column !== undefined) kind = 'column';
    else if (string !== undefined) kind = 'string';
    else if (variable !== undefined) kind = 'variable';
    else if (number !== undefined) kind = 'number';
    else if (names.has(text)) kind = 'function';
    else kind = /^\s*\(/.test(script.slice(match.index + text.length)) ? 'unknown' : 'other';
    tokens.push({ kind, text, at: match.index });
    at = match.index + text.length;
  }
  if (at < script.length) tokens.push({ kind: 'other', text: script.slice(at), at });
  return tokens;
}

export interface EtlCompletions {
  /** The stretch that a chosen word replaces. */
  from: number;
  to: number;
  items: (EtlWord & { kind: 'function' | 'variable' | 'column'; insert: string; caret: number })[];
}

/** What may stand at the caret: columns after a backquote, else functions and variables. `columns`: those known. */
export function completeEtl(
  script: string,
  caret: number,
  columns: readonly { name: string; type: string }[],
  t: Translate,
): EtlCompletions {
  const inside = etlTokens(script).find(({ at, text }) => at < caret && caret <= at + text.length);
  const before = script.slice(0, caret);
  if (inside?.kind === 'string' && !(caret === inside.at + inside.text.length && closed(inside.text)))
    return { from: caret, to: caret, items: [] };
  const columnItems = columns.map(({ name, type }) => ({
    name,
    signature: `\`${name}\``,
    help: type,
    kind: 'column' as const,
    insert: `\`${name}\``,
    caret: name.length + 2,
  }));
  if (inside?.kind === 'column' && !(caret === inside.at + inside.text.length && closed(inside.text))) {
    const typed = script.slice(inside.at + 1, caret).toLowerCase();
    return {
      from: inside.at,
      // An open backquote runs to the end of the script: only its own word is replaced.
      to: closed(inside.text) ? inside.at + inside.text.length : caret,
      items: columnItems.filter(({ name }) => name.toLowerCase().startsWith(typed)),
    };
  }
  const typed = /\w*$/.exec(before)![0].toLowerCase();
  const from = caret - typed.length;
  const words = [
    ...etlFunctions(t).map((word) => ({
      ...word,
      kind: 'function' as const,
      insert: `${word.name}()`,
      caret: word.name.length + (word.signature.endsWith('()') ? 2 : 1),
    })),
    ...etlVariables(t).map((word) => ({
      ...word,
      kind: 'variable' as const,
      insert: word.name,
      caret: word.name.length,
    })),
  ];
  const items = [...words, ...columnItems].filter(({ name }) => name.toLowerCase().includes(typed));
  const rank = (name: string) => (name.toLowerCase().startsWith(typed) ? 0 : 1);
  return { from, to: caret, items: items.sort((a, b) => rank(a.name) - rank(b.name)) };
}

function closed(text: string): boolean {
  const ends: Record<string, string> = { '`': '`', "'": "'", '"': '"', '“': '”', '‘': '’' };
  return text.length > 1 && text.endsWith(ends[text[0]!]!);
}

/** Offset of a line and column, both from 1, in UTF-16 units. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', start);
    if (next < 0) break;
    start = next + 1;
  }
  return Math.min(text.length, start + column - 1);
}
