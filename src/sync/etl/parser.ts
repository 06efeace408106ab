import { RowferryError } from '../../shared/errors.js';

/**
 * Syntax of the ETL language of DTS: one expression of nested calls. Strings stand
 * in single, double or full-width quotes; columns in backquotes; `script:` may lead.
 */
export interface SourceLocation {
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
}

export type Node =
  | { kind: 'integer'; value: bigint; at: SourceLocation }
  | { kind: 'decimal'; digits: string; at: SourceLocation }
  | { kind: 'double'; value: number; at: SourceLocation }
  | { kind: 'string'; value: string; at: SourceLocation }
  | { kind: 'boolean'; value: boolean; at: SourceLocation }
  | { kind: 'null'; at: SourceLocation }
  | { kind: 'column'; name: string; at: SourceLocation }
  | { kind: 'variable'; name: string; at: SourceLocation }
  | { kind: 'choice'; condition: Node; whenTrue: Node; whenFalse: Node; at: SourceLocation }
  | { kind: 'call'; name: string; positional: Node[]; named: Map<string, Node>; at: SourceLocation };

/** The script cannot be used; the message begins with its place. */
export class EtlSyntaxError extends RowferryError {
  readonly at: SourceLocation;
  /** Why, without the place. */
  readonly reason: string;

  constructor(at: SourceLocation, message: string) {
    super('ROW-T102', `etl, line ${at.line}, column ${at.column}: ${message}`, {
      remedy: 'Correct the ETL script at this position.',
    });
    this.at = at;
    this.reason = message;
  }
}

const closing: Record<string, string> = { "'": "'", '"': '"', '“': '”', '‘': '’', '＂': '＂', '＇': '＇' };
const deepest = 200;

/** The script without its layout: where two are the same so, they are one program. It need not be one that parses. */
export function withoutLayout(script: string): string {
  const quoted =
    /'(?:\\[^]|[^'\\])*'|"(?:\\[^]|[^"\\])*"|“(?:\\[^]|[^”\\])*”|‘(?:\\[^]|[^’\\])*’|＂(?:\\[^]|[^＂\\])*＂|＇(?:\\[^]|[^＇\\])*＇|`[^`]*`|\s+/g;
  return script.replace(quoted, (text) => (/^\s/.test(text) ? '' : text));
}

/** Throws EtlSyntaxError with line and column. */
export function parse(script: string): Node {
  let at = 0;
  let depth = 0;

  const location = (offset = at): SourceLocation => {
    const before = script.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { line: before.split('\n').length, column: offset - lineStart + 1 };
  };
  const fail = (message: string, offset = at): never => {
    throw new EtlSyntaxError(location(offset), message);
  };
  const skipSpace = () => {
    while (at < script.length && /\s/.test(script[at]!)) at++;
  };
  const peek = () => {
    skipSpace();
    return script[at] ?? '';
  };
  const expect = (char: string) => {
    if (peek() !== char)
      fail(
        at < script.length
          ? `expected "${char}", found "${script[at]}"`
          : `expected "${char}", found the end of the script`,
      );
    at++;
  };

  const string = (open: string): Node => {
    const from = at++;
    let value = '';
    for (; ; at++) {
      if (at >= script.length) fail('the string is not closed', from);
      const char = script[at]!;
      if (char === closing[open]) break;
      if (char !== '\\') {
        value += char;
        continue;
      }
      const next = script[++at];
      if (next === 'n') value += '\n';
      else if (next === 't') value += '\t';
      else if (next === 'r') value += '\r';
      else if (next === '\\' || next === open || next === closing[open]) value += next;
      else value += `\\${next ?? ''}`;
    }
    at++;
    return { kind: 'string', value, at: location(from) };
  };

  const number = (): Node => {
    const from = at;
    const m = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(script.slice(at));
    if (!m) return fail('expected a number after the sign');
    at += m[0].length;
    if (m[2]) return { kind: 'double', value: Number(m[0]), at: location(from) };
    if (m[1]) return { kind: 'decimal', digits: m[0], at: location(from) };
    return { kind: 'integer', value: BigInt(m[0].replace(/^\+/, '')), at: location(from) };
  };

  const column = (): Node => {
    const from = at;
    const end = script.indexOf('`', at + 1);
    if (end < 0) return fail('the column name has no closing backquote');
    at = end + 1;
    return { kind: 'column', name: script.slice(from + 1, end), at: location(from) };
  };

  const call = (name: string, from: number): Node => {
    const positional: Node[] = [];
    const named = new Map<string, Node>();
    at++;
    while (peek() !== ')') {
      const argumentAt = at;
      const m = /^([A-Za-z_]\w*)\s*=(?!=)/.exec(script.slice(at));
      if (m) {
        at += m[0].length;
        if (named.has(m[1]!)) fail(`${m[1]} is given twice`, argumentAt);
        named.set(m[1]!, expression());
      } else {
        if (named.size > 0) fail('a positional argument cannot follow a named one', argumentAt);
        positional.push(expression());
      }
      if (peek() === ',') {
        at++;
        if (peek() === ')') fail('an argument is missing after the comma');
      } else if (peek() !== ')')
        fail(
          at < script.length
            ? `expected "," or ")", found "${script[at]}"`
            : 'expected ")", found the end of the script',
        );
    }
    at++;
    return { kind: 'call', name, positional, named, at: location(from) };
  };

  const word = (): Node => {
    const from = at;
    const m = /^[A-Za-z_]\w*/.exec(script.slice(at));
    if (!m) return fail(`"${script[at]}" is not allowed here`);
    const name = m[0];
    at += name.length;
    if (peek() === '(') return call(name, from);
    if (/^(true|false)$/i.test(name))
      return { kind: 'boolean', value: name.toLowerCase() === 'true', at: location(from) };
    if (/^(null|none)$/i.test(name)) return { kind: 'null', at: location(from) };
    return { kind: 'variable', name, at: location(from) };
  };

  function expression(): Node {
    const char = peek();
    const from = at;
    if (++depth > deepest) fail(`nested more than ${deepest} deep`);
    try {
      if (char === '') return fail('expected an expression, found the end of the script');
      if (closing[char]) return string(char);
      if (char === '`') return column();
      if (/[\d+-]/.test(char)) return number();
      if (char !== '(') return word();
      at++;
      const inner = expression();
      if (peek() !== '?') {
        expect(')');
        return inner;
      }
      at++;
      const whenTrue = expression();
      expect(':');
      const whenFalse = expression();
      expect(')');
      return { kind: 'choice', condition: inner, whenTrue, whenFalse, at: location(from) };
    } finally {
      depth--;
    }
  }

  const lead = /^\s*script\s*:/.exec(script);
  if (lead) at = lead[0].length;
  const root = expression();
  if (peek() !== '') fail('a script has one expression; combine several with e_compose(…, …)');
  return root;
}
