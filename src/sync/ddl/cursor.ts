import { isAscii } from 'node:buffer';
import type { StatementContext } from '../../mysql/model.js';
import { unknownCharacter } from '../../mysql/statement.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { Token } from '../sql/lexer.js';

/** The statement is beyond what this reader knows; the tables it names must not be trusted any more. */
export class UnreadableDdl extends Error {}

/** What is asked of charsets to know which label a column holds. */
export type LabelCharsets = Pick<CharsetDecoders, 'charsetOf' | 'stored'>;

/** Walks over the words of one statement. Keywords compare without case; a name in backquotes is never a keyword. */
export class Cursor {
  at = 0;

  constructor(
    readonly tokens: readonly Token[],
    /** What the statement is read under. */
    readonly context: StatementContext,
    /** null: labels are taken as they are written. */
    readonly charsets: LabelCharsets | null = null,
    /** The name that the server keeps a table under which a statement writes so. */
    private readonly kept: (written: TableName) => TableName = (written) => written,
  ) {}

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  /** The word or sign ahead in upper case; '' at the end; a quoted name or a string is never equal to a keyword. */
  peek(ahead = 0): string {
    const token = this.tokens[this.at + ahead];
    if (!token) return '';
    return token.kind === 'word' || token.kind === 'other'
      ? token.text.toUpperCase()
      : token.kind === 'name'
        ? '`name`'
        : `'${token.kind}'`;
  }

  /** Passes over these words when they all stand here in this order. */
  take(...words: string[]): boolean {
    if (!words.every((word, i) => this.peek(i) === word)) return false;
    this.at += words.length;
    return true;
  }

  takeAny(...words: string[]): string | undefined {
    const word = this.peek();
    if (!words.includes(word)) return undefined;
    this.at++;
    return word;
  }

  expect(...words: string[]): void {
    if (!this.take(...words))
      throw new UnreadableDdl(
        `expected ${words.join(' ')}, found "${this.tokens[this.at]?.text ?? 'the end'}"`,
      );
  }

  name(): string {
    const token = this.tokens[this.at++];
    if (token?.kind === 'name' || token?.kind === 'word') {
      if (token.text.includes(unknownCharacter))
        throw new UnreadableDdl('a name contains an unreadable character');
      return token.text;
    }
    throw new UnreadableDdl(`expected a name, found "${token?.text ?? 'the end'}"`);
  }

  string(): string {
    const token = this.tokens[this.at++];
    if (token?.kind !== 'string')
      throw new UnreadableDdl(`expected a string, found "${token?.text ?? 'the end'}"`);
    return token.text;
  }

  /** A label of an ENUM or SET: a string, or its bytes in hex. */
  label(): string {
    const token = this.tokens[this.at];
    let hex = token?.kind === 'other' ? /^0x((?:[0-9a-f]{2})+)$/i.exec(token.text)?.[1] : undefined;
    if (this.peek() === 'X' && this.peek(1) === "'string'") {
      this.at++;
      hex = this.tokens[this.at]!.text;
    }
    if (hex === undefined) return this.string();
    this.at++;
    const bytes = Buffer.from(hex, 'hex');
    if (!isAscii(bytes)) throw new UnreadableDdl('a label is written as bytes');
    return bytes.toString('latin1');
  }

  number(): number {
    const token = this.tokens[this.at++];
    const value = token?.kind === 'number' ? Number(token.text) : NaN;
    if (!Number.isInteger(value))
      throw new UnreadableDdl(`expected a number, found "${token?.text ?? 'the end'}"`);
    return value;
  }

  /** `[=] value`, as options of tables have it: a name, a string or a number. */
  optionValue(): string {
    this.take('=');
    const token = this.tokens[this.at++];
    if (!token || token.kind === 'other') throw new UnreadableDdl('expected a value');
    return token.text;
  }

  /** `db.table` or `table`. */
  tableName(database: string): TableName {
    const first = this.name();
    return this.kept(this.take('.') ? { database: first, table: this.name() } : { database, table: first });
  }

  /** From an opening parenthesis past its closing one. */
  skipParentheses(): void {
    this.expect('(');
    for (let depth = 1; depth > 0; this.at++) {
      if (this.done) throw new UnreadableDdl('a ")" is missing');
      if (this.peek() === '(') depth++;
      else if (this.peek() === ')') depth--;
    }
  }

  /** To the next comma outside of parentheses, or the end. */
  /** CHARACTER SET, and its shorter forms. */
  takeCharset(): boolean {
    return this.take('CHARACTER', 'SET') || this.take('CHAR', 'SET') || this.take('CHARSET');
  }

  /** What stands behind REFERENCES. True: rows change by it (CASCADE, SET NULL, SET DEFAULT). */
  reference(): boolean {
    this.tableName('');
    if (this.peek() === '(') this.skipParentheses();
    if (this.take('MATCH')) this.name();
    let changesRows = false;
    while (this.take('ON')) {
      this.name();
      if (this.take('SET', 'NULL') || this.take('SET', 'DEFAULT') || this.take('CASCADE')) changesRows = true;
      else if (!this.take('NO', 'ACTION')) this.name();
    }
    return changesRows;
  }

  skipToComma(): void {
    while (!this.done && this.peek() !== ',') {
      if (this.peek() === '(') this.skipParentheses();
      else if (this.peek() === ')') return;
      else this.at++;
    }
  }
}

export interface TableName {
  readonly database: string;
  readonly table: string;
}
