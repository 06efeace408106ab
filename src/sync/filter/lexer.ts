/**
 * Words of a MySQL condition under sql_mode='' (double quotes hold strings, backslash escapes), as far as it
 * takes to know what a filter says. An own lexer and not node-sql-parser: that one takes 1e3 for a column,
 * refuses <=> and charset introducers, and a filter may be trusted only when it is read exactly.
 * Source: MySQL manual, “Language Structure”.
 */
export type Token =
  | { kind: 'word'; text: string; at: number }
  | { kind: 'name'; text: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'other'; text: string; at: number };

export class LexicalError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', '0': '\0', Z: '\x1a' };
const operators = ['<=>', '->>', '<=', '>=', '<>', '!=', '||', '&&', '<<', '>>', ':=', '->'];

/** `at` counts UTF-16 units from 0. Throws LexicalError for an open quote and for comments, which could hide code. */
export function lex(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const char = sql[at]!;
    const rest = sql.slice(at, at + 64);
    if (/\s/.test(char)) {
      at++;
    } else if (char === '#' || rest.startsWith('/*') || /^--(\s|$)/.test(rest)) {
      throw new LexicalError(at, 'comments are not allowed');
    } else if (char === "'" || char === '"') {
      const { text, end } = quoted(sql, at, true);
      tokens.push({ kind: 'string', text, at });
      at = end;
    } else if (char === '`') {
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
