/**
 * Words of MySQL's SQL, as far as it takes to know what a filter or a DDL statement says. A filter is read under
 * sql_mode='' (double quotes hold strings, backslash escapes), a statement under what its session had set. An own lexer and not node-sql-parser: that one takes 1e3 for a
 * column, refuses <=>, charset introducers and much DDL, and both uses must be read exactly or not at all.
 * Source: MySQL manual, “Language Structure”.
 */
export type Token =
  | { kind: 'word'; text: string; at: number }
  | { kind: 'name'; text: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'other'; text: string; at: number };

/** What of sql_mode changes where words begin and end. */
export interface LexicalModes {
  readonly ansiQuotes: boolean;
  readonly noBackslashEscapes: boolean;
  /** 90704 is 9.7.4: what stands in executable comments of later versions was passed over. */
  readonly serverVersion: number;
}
const plainModes: LexicalModes = { ansiQuotes: false, noBackslashEscapes: false, serverVersion: 0 };

export class LexicalError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', '0': '\0', Z: '\x1a' };
const operators = ['<=>', '->>', '<=', '>=', '<>', '!=', '||', '&&', '<<', '>>', ':=', '->'];

/**
 * `at` of a token counts UTF-16 units from 0. Throws LexicalError for an open quote, and for a comment with
 * comments 'refuse' (in a filter it could hide code). With 'read' comments are passed over, but what stands in
 * executable ones (`/*!50100 … *\/`) of the server's version or before counts, as it does for the server.
 */
export function lex(sql: string, comments: 'refuse' | 'read', modes: LexicalModes = plainModes): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let executable = false;
  while (at < sql.length) {
    const char = sql[at]!;
    const rest = sql.slice(at, at + 64);
    if (comments === 'read' && char > '\x7f' && /\s/.test(char)) {
      // A letter in UTF-8, a space in some other charsets.
      throw new LexicalError(at, 'a character is ambiguous: it may be a space or a letter');
    } else if (/\s/.test(char)) {
      at++;
    } else if (char === '#' || rest.startsWith('/*') || /^--([\s\0-\x1f]|$)/.test(rest)) {
      if (comments === 'refuse') throw new LexicalError(at, 'comments are not allowed');
      const isExecutable = rest.startsWith('/*!');
      const version = /^\/\*!(\d{5,6})/.exec(rest)?.[1];
      if (isExecutable && Number(version ?? 0) <= modes.serverVersion) {
        executable = true;
        at += 3 + (version?.length ?? 0);
      } else at = endOfComment(sql, at, isExecutable);
    } else if (executable && rest.startsWith('*/')) {
      executable = false;
      at += 2;
    } else if (char === "'" || (char === '"' && !modes.ansiQuotes)) {
      const { text, end } = quoted(sql, at, !modes.noBackslashEscapes);
      tokens.push({ kind: 'string', text, at });
      at = end;
    } else if (char === '`' || char === '"') {
      const { text, end } = quoted(sql, at, false);
      tokens.push({ kind: 'name', text, at });
      at = end;
    } else if (isAfterName(sql, at, tokens)) {
      // Behind a name and a dot stands a name, even one of digits.
      const text = /^[\w$\u0080-\uffff]+/.exec(sql.slice(at + 1, at + 257))![0];
      tokens.push({ kind: 'other', text: '.', at }, { kind: 'name', text, at: at + 1 });
      at += 1 + text.length;
    } else {
      const number = /^(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![\w$\u0080-\uffff])/.exec(rest);
      const word = /^[A-Za-z_$\u0080-\uffff0-9][\w$\u0080-\uffff]*/.exec(sql.slice(at, at + 256));
      const text =
        number?.[0] ?? word?.[0] ?? operators.find((operator) => rest.startsWith(operator)) ?? char;
      // A hexadecimal or bit literal (0x41, x'41') has no place in the evaluated subset: 'other' keeps it out.
      const kind = number
        ? 'number'
        : !word
          ? 'other'
          : /^\d/.test(text) && /^0[xb]/i.test(text)
            ? 'other'
            : 'word';
      tokens.push({ kind, text, at });
      at += text.length;
    }
  }
  return tokens;
}

/** A comment of a later version may hold others, one deep. */
function endOfComment(sql: string, from: number, mayNest: boolean): number {
  if (!sql.startsWith('/*', from)) {
    const end = sql.indexOf('\n', from);
    return end < 0 ? sql.length : end + 1;
  }
  for (let at = from + 2, depth = 1; ; at += 2) {
    const end = sql.indexOf('*/', at);
    if (end < 0) throw new LexicalError(from, 'a comment is not closed');
    const inner = mayNest && depth === 1 ? sql.indexOf('/*', at) : -1;
    if (inner >= 0 && inner < end) [at, depth] = [inner, 2];
    else if (depth === 1) return end + 2;
    else [at, depth] = [end, 1];
  }
}

/** Is this the dot of `table.12` or `table.1e5`, which is no number? */
function isAfterName(sql: string, at: number, tokens: readonly Token[]): boolean {
  const before = tokens.at(-1);
  return (
    sql[at] === '.' &&
    (before?.kind === 'name' || before?.kind === 'word') &&
    /^\d/.test(sql.slice(at + 1, at + 2))
  );
}

function quoted(sql: string, from: number, backslash: boolean): { text: string; end: number } {
  const quote = sql[from]!;
  let text = '';
  for (let at = from + 1; at < sql.length; at++) {
    const char = sql[at]!;
    if (char === quote) {
      if (sql[at + 1] !== quote) return { text, end: at + 1 };
      text += quote;
      at++;
    } else if (char === '\\' && backslash) {
      const next = sql[++at];
      if (next === undefined) break;
      // \% and \_ keep their backslash outside of patterns.
      text += escapes[next] ?? (next === '%' || next === '_' ? `\\${next}` : next);
    } else text += char;
  }
  throw new LexicalError(from, `${quote} is not closed`);
}
