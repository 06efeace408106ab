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
}
const plainModes: LexicalModes = { ansiQuotes: false, noBackslashEscapes: false };

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
 * executable ones (`/*!50100 … *\/`) counts, as it does for the server.
 */
export function lex(sql: string, comments: 'refuse' | 'read', modes: LexicalModes = plainModes): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let executable = false;
  while (at < sql.length) {
    const char = sql[at]!;
    const rest = sql.slice(at, at + 64);
    if (/\s/.test(char)) {
      at++;
    } else if (char === '#' || rest.startsWith('/*') || /^--(\s|$)/.test(rest)) {
      if (comments === 'refuse') throw new LexicalError(at, 'comments are not allowed');
      const executed = /^\/\*!\d*/.exec(rest);
      const end = executed ? at + executed[0].length : sql.indexOf(rest.startsWith('/*') ? '*/' : '\n', at);
      if (executed) executable = true;
      if (end < 0 && rest.startsWith('/*')) throw new LexicalError(at, 'a comment is not closed');
      at = end < 0 ? sql.length : end + (executed ? 0 : rest.startsWith('/*') ? 2 : 1);
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
