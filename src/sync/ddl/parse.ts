import type { StatementEvent } from '../../mysql/model.js';
import { lex, LexicalError, type Token } from '../sql/lexer.js';
import { AlterReader, droppedKey } from './alter.js';
import { readColumn, type ColumnDefinition } from './column.js';
import { Cursor, UnreadableDdl, type LabelCharsets, type TableName } from './cursor.js';
import { readKey, readKeyColumns, type AddKey } from './key.js';
import type { CreateBody, DdlStatement, DefaultsOf } from './statement.js';
import { readTextDefaults } from './text-option.js';

/** A statement, and what it is read under. */
export type WrittenStatement = Pick<StatementEvent, 'sql' | 'database' | 'context'> & {
  readonly usesTemporary?: boolean;
  readonly isAtomicDdl?: boolean;
};

/**
 * What cannot be read comes back as such. With `charsets` the labels of ENUM and SET are what the columns hold;
 * without, as they are written. `kept` gives the name that the server keeps a table under which is written so. Throws
 * CharsetNotLoaded, nothing else.
 */
export function parseDdl(
  written: WrittenStatement,
  defaultsOf: DefaultsOf,
  charsets: LabelCharsets | null = null,
  kept?: (written: TableName) => TableName,
): DdlStatement {
  const statement = parse(written, defaultsOf, charsets, kept);
  // In a session of statement format these are logged for temporary tables too, without saying so.
  const isMarked = written.isAtomicDdl === true && statement.kind !== 'truncate';
  const tables = written.usesTemporary && !isMarked ? onlyTables(statement) : null;
  return tables
    ? {
        kind: 'unreadable',
        tables,
        isWhole: true,
        mayBeTemporary: true,
        reason: 'it may be about a temporary table of the same name',
      }
    : statement;
}

/** The tables that a statement is about which says nothing of being temporary; null where it is another statement. */
function onlyTables(statement: DdlStatement): TableName[] | null {
  switch (statement.kind) {
    case 'alter':
    case 'truncate':
      return [statement.table];
    case 'maintain':
      return statement.tables;
    case 'unreadable':
      return statement.isWhole ? statement.tables : null;
    default:
      return null;
  }
}

function parse(
  { sql, database, context }: WrittenStatement,
  defaultsOf: DefaultsOf,
  charsets: LabelCharsets | null,
  kept?: (written: TableName) => TableName,
): DdlStatement {
  const subject: TableName[] = [];
  const read = (tokens: readonly Token[]) =>
    new Statement(new Cursor(tokens, context, charsets, kept), database, defaultsOf, subject).read(sql);
  const unreadable = ({ message }: Error): DdlStatement => ({
    kind: 'unreadable',
    tables: subject,
    // The others name several tables, and were not read to their end.
    isWhole: subject.length > 0 && /^\s*(ALTER|CREATE|TRUNCATE)\b/i.test(sql),
    reason: message,
  });
  try {
    return read(lex(sql, 'read', context));
  } catch (error) {
    if (error instanceof UnreadableDdl) return unreadable(error);
    if (!(error instanceof LexicalError)) throw error;
    // What stands before it may be enough: the rest of a view or a routine says nothing of tables.
    try {
      const tokens = lex(sql.slice(0, error.at), 'read', context);
      const statement = read(tokens);
      const isNone = isOfNoTable(statement) && tokens.length >= wordsThatSayWhat;
      return isNone || statement.kind === 'rows' ? statement : unreadable(error);
    } catch (inner) {
      if (inner instanceof UnreadableDdl || inner instanceof LexicalError) return unreadable(error);
      throw inner;
    }
  }
}

function isOfNoTable({ kind }: DdlStatement): boolean {
  return kind === 'none' || kind === 'create-trigger' || kind === 'drop-trigger';
}

/** CREATE UNIQUE INDEX: after so many words it is known what a statement is about. */
const wordsThatSayWhat = 3;

/** First words of statements that change no row of a table, beside those that are read here. */
const rowless = new Set(
  `BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE XA GRANT REVOKE FLUSH ANALYZE CHECK INSTALL UNINSTALL
   USE LOCK UNLOCK KILL PURGE RESET CHANGE SHUTDOWN RESTART CLONE CACHE`.split(/\s+/),
);
/** What may follow a DEFINER. */
const objects = new Set(['TRIGGER', 'VIEW', 'SQL', 'PROCEDURE', 'FUNCTION', 'EVENT', 'AGGREGATE']);

class Statement {
  constructor(
    private readonly cursor: Cursor,
    private readonly database: string,
    private readonly defaultsOf: DefaultsOf,
    /** Filled with the tables named before reading can fail. */
    private readonly subject: TableName[],
  ) {}

  read(sql: string): DdlStatement {
    const c = this.cursor;
    if (c.take('TRUNCATE')) {
      c.take('TABLE');
      return { kind: 'truncate', table: this.table() };
    }
    if (c.take('RENAME')) return c.takeAny('TABLE', 'TABLES') ? this.rename() : { kind: 'none' };
    if (c.take('DROP')) return this.drop();
    const maintained = c.takeAny('OPTIMIZE', 'REPAIR');
    if (maintained) return this.maintain(maintained);
    if (c.take('CREATE')) return this.createTrigger(sql) ?? this.create();
    if (c.take('ALTER')) {
      c.takeAny('ONLINE', 'OFFLINE');
      const ignores = c.take('IGNORE');
      if (!c.take('TABLE')) return { kind: 'none' };
      const table = this.table();
      const actions = new AlterReader(c, this.database, this.defaultsOf).actions(table);
      // Before MySQL 5.7: rows that a new unique key forbids are deleted, values that do not fit are made to fit.
      if (ignores) actions.push({ do: 'other', what: 'IGNORE', value: '' });
      return { kind: 'alter', table, actions };
    }
    // SET with anything else may call a function that writes.
    const isAccount = c.peek() === 'SET' && ['PASSWORD', 'DEFAULT', 'ROLE', 'RESOURCE'].includes(c.peek(1));
    return c.done || isAccount || rowless.has(c.peek()) ? { kind: 'none' } : { kind: 'rows', sql };
  }

  private table(): TableName {
    const name = this.cursor.tableName(this.database);
    this.subject.push(name);
    return name;
  }

  private maintain(verb: string): DdlStatement {
    this.cursor.takeAny('NO_WRITE_TO_BINLOG', 'LOCAL');
    if (!this.cursor.takeAny('TABLE', 'TABLES')) return { kind: 'none' };
    const tables = [this.table()];
    while (this.cursor.take(',')) tables.push(this.table());
    return { kind: 'maintain', tables, what: `${verb} TABLE` };
  }

  private rename(): DdlStatement {
    const pairs: { from: TableName; to: TableName }[] = [];
    do {
      const from = this.table();
      this.cursor.expect('TO');
      pairs.push({ from, to: this.table() });
    } while (this.cursor.take(','));
    return { kind: 'rename', pairs };
  }

  private drop(): DdlStatement {
    const c = this.cursor;
    if (c.takeAny('DATABASE', 'SCHEMA')) {
      c.take('IF', 'EXISTS');
      return { kind: 'drop-database', database: c.name() };
    }
    if (c.take('INDEX')) {
      const name = c.name();
      c.expect('ON');
      return { kind: 'alter', table: this.table(), actions: [droppedKey(name)] };
    }
    if (c.take('TEMPORARY')) return { kind: 'none' };
    if (c.take('TRIGGER')) {
      c.take('IF', 'EXISTS');
      return this.ofTrigger(() => ({ kind: 'drop-trigger', trigger: c.tableName(this.database) }));
    }
    if (!c.takeAny('TABLE', 'TABLES')) return { kind: 'none' };
    c.take('IF', 'EXISTS');
    const tables = [this.table()];
    while (c.take(',')) tables.push(this.table());
    return { kind: 'drop', tables };
  }

  /** undefined: it makes something else. */
  private createTrigger(sql: string): DdlStatement | undefined {
    const c = this.cursor;
    const start = c.at;
    // DEFINER = user; a quoted name is never equal to the word.
    if (c.peek() === 'DEFINER') while (!c.done && !objects.has(c.peek())) c.at++;
    if (c.take('TRIGGER')) {
      return this.ofTrigger(() => {
        c.take('IF', 'NOT', 'EXISTS');
        const trigger = c.tableName(this.database);
        c.takeAny('BEFORE', 'AFTER');
        c.takeAny('INSERT', 'UPDATE', 'DELETE');
        c.expect('ON');
        const table = c.tableName(this.database);
        c.expect('FOR', 'EACH', 'ROW');
        return { kind: 'create-trigger', trigger, table, body: sql.slice(c.tokens[c.at]?.at ?? sql.length) };
      });
    }
    c.at = start;
    return undefined;
  }

  /** One that cannot be read is none of those that are looked for. */
  private ofTrigger(read: () => DdlStatement): DdlStatement {
    try {
      return read();
    } catch (error) {
      if (error instanceof UnreadableDdl) return { kind: 'none' };
      throw error;
    }
  }

  private create(): DdlStatement {
    const c = this.cursor;
    if (c.take('TEMPORARY')) return { kind: 'none' };
    const indexKind = c.takeAny('UNIQUE', 'FULLTEXT', 'SPATIAL');
    if (c.take('INDEX')) {
      const name = c.name();
      if (c.take('USING')) c.name();
      c.expect('ON');
      const table = this.table();
      return {
        kind: 'alter',
        table,
        actions: [
          { do: 'add-key', name, primary: false, unique: indexKind === 'UNIQUE', ...readKeyColumns(c) },
        ],
      };
    }
    if (c.takeAny('DATABASE', 'SCHEMA'))
      return c.take('IF', 'NOT', 'EXISTS')
        ? { kind: 'none' }
        : { kind: 'create-database', database: c.name() };
    if (!c.take('TABLE')) return { kind: 'none' };
    const mayExist = c.take('IF', 'NOT', 'EXISTS');
    const table = this.table();
    return { kind: 'create', table, body: this.readableBody(table), ...(mayExist && { mayExist }) };
  }

  /** What it holds is looked up at the source in any case: a body that is not understood hides no table. */
  private readableBody(table: TableName): CreateBody {
    try {
      return this.createBody(table);
    } catch (error) {
      if (error instanceof UnreadableDdl) return { as: 'unknown' };
      throw error;
    }
  }

  private createBody(table: TableName): CreateBody {
    const c = this.cursor;
    if (c.take('LIKE') || c.take('(', 'LIKE')) return { as: 'like', table: c.tableName(this.database) };
    if (c.peek() !== '(') return { as: 'unknown' };
    const start = c.at;
    c.skipParentheses();
    let defaults = this.defaultsOf(table);
    while (!c.done) {
      const found = readTextDefaults(c);
      if (found) defaults = found;
      else if (['SELECT', 'AS', 'IGNORE', 'REPLACE', '(', 'TABLE', 'VALUES', 'WITH'].includes(c.peek()))
        return { as: 'unknown' };
      else if (c.peek() === 'PARTITION') break;
      else if (!c.take(',')) c.at++;
    }
    c.at = start;
    c.expect('(');
    const definitions: ColumnDefinition[] = [];
    const keys: AddKey[] = [];
    do {
      const key = readKey(c);
      if (key === null) definitions.push(readColumn(c, defaults));
      else if (typeof key !== 'string') keys.push(key);
      if (c.peek() !== ',' && c.peek() !== ')') throw new UnreadableDdl(`"${c.peek()}" is not understood`);
    } while (c.take(','));
    return { as: 'columns', definitions, keys, defaults };
  }
}
