import type { StatementContext } from '../../mysql/model.js';
import type { Token } from '../sql/lexer.js';

/** The statement is beyond what this reader knows; the tables it names must not be trusted any more. */
export class UnreadableDdl extends Error {}

/** Walks over the words of one statement. Keywords compare without case; a name in backquotes is never a keyword. */
export class Cursor {
  at = 0;

  constructor(
    readonly tokens: readonly Token[],
    /** What the statement is read under. */
    readonly context: StatementContext,
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
        `${words.join(' ')} expected, "${this.tokens[this.at]?.text ?? 'the end'}" found`,
      );
  }

  name(): string {
    const token = this.tokens[this.at++];
    if (token?.kind === 'name' || token?.kind === 'word') return token.text;
    throw new UnreadableDdl(`a name expected, "${token?.text ?? 'the end'}" found`);
  }

  string(): string {
    const token = this.tokens[this.at++];
    if (token?.kind !== 'string')
      throw new UnreadableDdl(`a string expected, "${token?.text ?? 'the end'}" found`);
    return token.text;
  }

  number(): number {
    const token = this.tokens[this.at++];
    const value = token?.kind === 'number' ? Number(token.text) : NaN;
    if (!Number.isInteger(value))
      throw new UnreadableDdl(`a number expected, "${token?.text ?? 'the end'}" found`);
    return value;
  }

  /** `[=] value`, as options of tables have it: a name, a string or a number. */
  optionValue(): string {
    this.take('=');
    const token = this.tokens[this.at++];
    if (!token || token.kind === 'other') throw new UnreadableDdl('a value expected');
    return token.text;
  }

  /** `db.table` or `table`. */
  tableName(database: string): TableName {
    const first = this.name();
    return this.take('.') ? { database: first, table: this.name() } : { database, table: first };
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
