import type { StatementEvent } from '../../mysql/model.js';
import { lex, LexicalError, type Token } from '../sql/lexer.js';
import { readColumn, type ColumnDefinition } from './column.js';
import {
  canonicalCharset,
  canonicalCollation,
  charsetOfCollation,
  collationOf,
  type TextDefaults,
} from './text-defaults.js';
import { Cursor, UnreadableDdl, type LabelCharsets, type TableName } from './cursor.js';

export type { TableName } from './cursor.js';

/** What a statement from the binlog does to tables, as far as a replica must know. */
export type DdlStatement =
  | { kind: 'alter'; table: TableName; actions: AlterAction[] }
  /** `mayExist`: with IF NOT EXISTS, which the binlog has also where there was nothing to do. */
  | { kind: 'create'; table: TableName; body: CreateBody; mayExist?: true }
  | { kind: 'drop'; tables: TableName[] }
  | { kind: 'rename'; pairs: { from: TableName; to: TableName }[] }
  | { kind: 'truncate'; table: TableName }
  /** OPTIMIZE or REPAIR TABLE, by these words (in-step.ts). */
  | { kind: 'maintain'; tables: TableName[]; what: string }
  | { kind: 'drop-database'; database: string }
  /** Of triggers only those that somebody looks for say something; `body` is what follows FOR EACH ROW. */
  | { kind: 'create-trigger'; trigger: TableName; table: TableName; body: string }
  | { kind: 'drop-trigger'; trigger: TableName }
  /** Rows changed by a statement instead of row events: what it did cannot be known. */
  | { kind: 'rows'; sql: string }
  /** Nothing that a replica of rows must know: accounts, views, triggers, comments … */
  | { kind: 'none' }
  /**
   * About tables, and not understood. `tables` are those that it surely names; without `isWhole` it may be about others
   * of the databases of its event, too.
   */
  | { kind: 'unreadable'; tables: TableName[]; isWhole: boolean; reason: string; mayBeTemporary?: true };

/** null: it has an expression. A prefix as long as its column is none, which whoever knows the column tells. */
export interface KeyColumns {
  columns: string[] | null;
  prefixes?: KeyPrefix[];
}

export interface KeyPrefix {
  column: string;
  length: number;
}

export type AlterAction =
  | { do: 'add'; definition: ColumnDefinition }
  | { do: 'drop'; column: string }
  | { do: 'change'; column: string; definition: ColumnDefinition }
  | { do: 'rename-column'; from: string; to: string }
  | ({ do: 'add-key'; name: string | null; primary: boolean; unique: boolean } & KeyColumns)
  | { do: 'drop-key'; name: string }
  | { do: 'drop-primary-key' }
  | { do: 'rename-key'; from: string; to: string }
  | { do: 'rename-table'; to: TableName }
  | { do: 'visibility'; column: string; invisible: boolean }
  | { do: 'convert'; defaults: TextDefaults }
  | { do: 'text-defaults'; defaults: TextDefaults }
  /** Rows go to another table, and come from it. */
  | { do: 'exchange'; with: TableName }
  /** A foreign key is added that changes rows of this table by itself. */
  | { do: 'cascade' }
  /** Any other part, by the words that say what it does (in-step.ts); `value` is that of an option. */
  | { do: 'other'; what: string; value: string };

export type CreateBody =
  | {
      as: 'columns';
      definitions: ColumnDefinition[];
      keys: (AlterAction & { do: 'add-key' })[];
      defaults: TextDefaults;
    }
  | { as: 'like'; table: TableName }
  /** CREATE … SELECT, or a table of which only the name is understood: look it up. */
  | { as: 'unknown' };

/** What the ALTER or CREATE falls back to for text columns of the table it is about. */
export type DefaultsOf = (table: TableName) => TextDefaults;

/** A statement, and what it is read under. */
export type WrittenStatement = Pick<StatementEvent, 'sql' | 'database' | 'context'> & {
  readonly usesTemporary?: boolean;
  readonly isAtomicDdl?: boolean;
};

/**
 * What cannot be read comes back as such. With `charsets` the labels of ENUM and SET are what the columns hold;
 * without, as they are written. Throws CharsetNotLoaded, nothing else.
 */
export function parseDdl(
  written: WrittenStatement,
  defaultsOf: DefaultsOf,
  charsets: LabelCharsets | null = null,
): DdlStatement {
  const statement = parse(written, defaultsOf, charsets);
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
): DdlStatement {
  const subject: TableName[] = [];
  const read = (tokens: readonly Token[]) =>
    new Statement(new Cursor(tokens, context, charsets), database, defaultsOf, subject).read(sql);
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
/** What stands in front of one value. */
const tableOptions = new Set(
  `ENGINE AUTO_INCREMENT AVG_ROW_LENGTH CHECKSUM COMMENT COMPRESSION CONNECTION DELAY_KEY_WRITE ENCRYPTION INSERT_METHOD
   KEY_BLOCK_SIZE MAX_ROWS MIN_ROWS PACK_KEYS PASSWORD ROW_FORMAT STATS_AUTO_RECALC STATS_PERSISTENT STATS_SAMPLE_PAGES
   TABLESPACE AUTOEXTEND_SIZE ENGINE_ATTRIBUTE SECONDARY_ENGINE_ATTRIBUTE SECONDARY_ENGINE ALGORITHM LOCK`.split(
    /\s+/,
  ),
);

/** With what they are about, PARTITION or TABLESPACE, these take the rest of the statement. */
const managed = new Set(
  `DISCARD IMPORT TRUNCATE PARTITION REMOVE COALESCE REORGANIZE REBUILD OPTIMIZE ANALYZE CHECK REPAIR`.split(
    ' ',
  ),
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
      const actions = this.actions(table);
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
      return { kind: 'alter', table: this.table(), actions: [this.droppedKey(name)] };
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
          { do: 'add-key', name, primary: false, unique: indexKind === 'UNIQUE', ...this.keyColumns() },
        ],
      };
    }
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
      const found = this.textDefaults();
      if (found) defaults = found;
      else if (['SELECT', 'AS', 'IGNORE', 'REPLACE', '(', 'TABLE', 'VALUES', 'WITH'].includes(c.peek()))
        return { as: 'unknown' };
      else if (c.peek() === 'PARTITION') break;
      else if (!c.take(',')) c.at++;
    }
    c.at = start;
    c.expect('(');
    const definitions: ColumnDefinition[] = [];
    const keys: (AlterAction & { do: 'add-key' })[] = [];
    do {
      const key = this.key();
      if (key === null) definitions.push(readColumn(c, defaults));
      else if (typeof key !== 'string') keys.push(key);
      if (c.peek() !== ',' && c.peek() !== ')') throw new UnreadableDdl(`"${c.peek()}" is not understood`);
    } while (c.take(','));
    return { as: 'columns', definitions, keys, defaults };
  }

  private actions(table: TableName): AlterAction[] {
    const c = this.cursor;
    const actions: AlterAction[] = [];
    const defaults = this.statementDefaults() ?? this.defaultsOf(table);
    do {
      if (!c.done && c.peek() !== ',') actions.push(...this.action(table, defaults));
    } while (c.take(',') || (!c.done && this.startsOption()));
    if (!c.done) throw new UnreadableDdl(`"${c.tokens[c.at]!.text}" is not understood`);
    return actions;
  }

  /** `DEFAULT CHARSET x` anywhere in an ALTER holds for the columns that the same statement adds. */
  private statementDefaults(): TextDefaults | undefined {
    const c = this.cursor;
    const start = c.at;
    let found: TextDefaults | undefined;
    do {
      found = this.textDefaults() ?? found;
      c.skipToComma();
    } while (c.take(','));
    c.at = start;
    return found;
  }

  /** Options may follow one another without a comma; partitioning always does. */
  private startsOption(): boolean {
    const word = this.cursor.peek();
    return (
      tableOptions.has(word) ||
      ['DEFAULT', 'CHARACTER', 'CHAR', 'CHARSET', 'COLLATE', 'PARTITION', 'REMOVE'].includes(word)
    );
  }

  private action(table: TableName, defaults: TextDefaults): AlterAction[] {
    const c = this.cursor;
    const text = this.textDefaults();
    if (text) return [{ do: 'text-defaults', defaults: text }];
    if (c.take('ADD')) return this.add(defaults);
    if (c.take('DROP')) return this.dropAction();
    if (c.take('MODIFY')) {
      c.take('COLUMN');
      const definition = readColumn(c, defaults);
      return [{ do: 'change', column: definition.column.name, definition }, ...inlineKey(definition)];
    }
    if (c.take('CHANGE')) {
      c.take('COLUMN');
      const column = c.name();
      const definition = readColumn(c, defaults);
      return [{ do: 'change', column, definition }, ...inlineKey(definition)];
    }
    if (c.take('RENAME')) return this.renameAction();
    if (c.take('ALTER')) return this.alterAction();
    if (c.take('CONVERT', 'TO')) {
      if (!c.takeCharset()) c.expect('CHARACTER', 'SET');
      // The one of the session's default database, which the statement does not say.
      if (c.peek() === 'DEFAULT') throw new UnreadableDdl('CONVERT TO CHARACTER SET DEFAULT');
      const charset = canonicalCharset(c.optionValue());
      const collation = c.take('COLLATE')
        ? canonicalCollation(c.optionValue())
        : collationOf(charset, c.context);
      return [{ do: 'convert', defaults: { charset, collation } }];
    }
    if (c.take('ORDER', 'BY')) {
      do {
        c.name();
        c.takeAny('ASC', 'DESC');
      } while (c.peek() === ',' && c.peek(2) !== 'COLUMN' && c.take(','));
      return other('ORDER BY');
    }
    const keys = c.takeAny('ENABLE', 'DISABLE');
    if (keys) {
      c.expect('KEYS');
      return other(`${keys} KEYS`);
    }
    if (c.take('EXCHANGE', 'PARTITION')) {
      c.name();
      c.expect('WITH', 'TABLE');
      const partner = c.tableName(this.database);
      this.rest();
      return [{ do: 'exchange', with: partner }];
    }
    if (c.take('FORCE')) return other('FORCE');
    if (c.take('WITH', 'VALIDATION') || c.take('WITHOUT', 'VALIDATION')) return other('VALIDATION');
    if (c.take('UNION')) {
      c.take('=');
      c.skipParentheses();
      return other('UNION');
    }
    const directory = c.takeAny('INDEX', 'DATA');
    if (directory) {
      c.expect('DIRECTORY');
      return other(`${directory} DIRECTORY`, c.optionValue());
    }
    if (c.take('SECONDARY_LOAD') || c.take('SECONDARY_UNLOAD')) {
      this.rest();
      return other('SECONDARY_LOAD');
    }
    if (managed.has(c.peek())) {
      const [verb, object] = [c.peek(), c.peek(1)];
      this.rest();
      return other(`${verb} ${object}`);
    }
    if (tableOptions.has(c.peek())) {
      const name = c.peek();
      c.at++;
      const value = c.optionValue();
      return name === 'ALGORITHM' && value.toUpperCase() === 'COPY'
        ? other('ALGORITHM COPY')
        : other(name, value);
    }
    throw new UnreadableDdl(`"${c.peek()}" in ALTER TABLE ${table.table} is not understood`);
  }

  /** Nothing but what this part is about follows. */
  private rest(): void {
    this.cursor.at = this.cursor.tokens.length;
  }

  private add(defaults: TextDefaults): AlterAction[] {
    const c = this.cursor;
    if (c.take('PARTITION')) {
      this.rest();
      return other('ADD PARTITION');
    }
    const key = this.key();
    if (key) return keyPart(key);
    c.take('COLUMN');
    const actions: AlterAction[] = [];
    const column = () => {
      const definition = readColumn(c, defaults);
      actions.push({ do: 'add', definition }, ...inlineKey(definition));
    };
    if (c.take('(')) {
      do {
        const inner = this.key();
        if (inner === null) column();
        else actions.push(...keyPart(inner));
      } while (c.take(','));
      c.expect(')');
    } else column();
    return actions;
  }

  private dropAction(): AlterAction[] {
    const c = this.cursor;
    if (c.take('PRIMARY', 'KEY')) return [{ do: 'drop-primary-key' }];
    if (c.takeAny('INDEX', 'KEY')) return [this.droppedKey(c.name())];
    if (c.take('CONSTRAINT')) return [this.droppedKey(c.name())];
    if (c.take('FOREIGN', 'KEY')) {
      c.name();
      return other('DROP FOREIGN KEY');
    }
    if (c.take('CHECK')) {
      c.name();
      return other('DROP CHECK');
    }
    if (c.take('PARTITION')) {
      this.rest();
      return other('DROP PARTITION');
    }
    c.take('COLUMN');
    const column = c.name();
    c.takeAny('RESTRICT', 'CASCADE');
    return [{ do: 'drop', column }];
  }

  private droppedKey(name: string): AlterAction {
    return name.toUpperCase() === 'PRIMARY' ? { do: 'drop-primary-key' } : { do: 'drop-key', name };
  }

  private renameAction(): AlterAction[] {
    const c = this.cursor;
    if (c.take('COLUMN')) {
      const from = c.name();
      c.expect('TO');
      return [{ do: 'rename-column', from, to: c.name() }];
    }
    if (c.takeAny('INDEX', 'KEY')) {
      const from = c.name();
      c.expect('TO');
      return [{ do: 'rename-key', from, to: c.name() }];
    }
    if (!c.take('TO')) if (!c.take('AS')) c.take('=');
    return [{ do: 'rename-table', to: c.tableName(this.database) }];
  }

  private alterAction(): AlterAction[] {
    const c = this.cursor;
    const kind = c.takeAny('INDEX', 'CHECK', 'CONSTRAINT');
    if (kind) {
      c.name();
      c.skipToComma();
      return other(kind === 'INDEX' ? 'ALTER INDEX' : 'ALTER CONSTRAINT');
    }
    c.take('COLUMN');
    const column = c.name();
    if (c.take('SET', 'VISIBLE')) return [{ do: 'visibility', column, invisible: false }];
    if (c.take('SET', 'INVISIBLE')) return [{ do: 'visibility', column, invisible: true }];
    if (!c.take('SET', 'DEFAULT')) c.expect('DROP', 'DEFAULT');
    c.skipToComma();
    return other('SET DEFAULT');
  }

  /** A key or a constraint of a table definition; null when a column stands here. */
  private key(): (AlterAction & { do: 'add-key' }) | 'constraint' | 'cascade' | null {
    const c = this.cursor;
    let name: string | null = null;
    if (c.take('CONSTRAINT') && !['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(c.peek()))
      name = c.name();
    if (c.take('PRIMARY', 'KEY')) return this.keyBody('PRIMARY', true, true);
    if (c.take('UNIQUE')) {
      c.takeAny('INDEX', 'KEY');
      return this.keyBody(name, false, true);
    }
    if (c.takeAny('FULLTEXT', 'SPATIAL')) {
      c.takeAny('INDEX', 'KEY');
      return this.keyBody(null, false, false);
    }
    // A column may be named `key` in backquotes only; the bare word is always a key.
    if (c.takeAny('INDEX', 'KEY')) return this.keyBody(null, false, false);
    if (c.take('FOREIGN', 'KEY')) {
      if (c.peek() !== '(') c.name();
      c.skipParentheses();
      c.expect('REFERENCES');
      return c.reference() ? 'cascade' : 'constraint';
    }
    if (c.peek() === 'CHECK') {
      c.skipToComma();
      return 'constraint';
    }
    return null;
  }

  private keyBody(name: string | null, primary: boolean, unique: boolean): AlterAction & { do: 'add-key' } {
    const c = this.cursor;
    let keyName = name;
    if (c.peek() !== '(' && c.peek() !== 'USING') keyName = c.name();
    if (c.take('USING')) c.name();
    const columns = this.keyColumns();
    c.skipToComma();
    return { do: 'add-key', name: primary ? 'PRIMARY' : keyName, primary, unique, ...columns };
  }

  private keyColumns(): KeyColumns {
    const c = this.cursor;
    let plain = true;
    const columns: string[] = [];
    const prefixes: KeyPrefix[] = [];
    c.expect('(');
    do {
      if (c.peek() === '(') {
        c.skipParentheses();
        plain = false;
      } else columns.push(c.name());
      if (c.take('(')) {
        prefixes.push({ column: columns.at(-1)!, length: c.number() });
        c.expect(')');
      }
      c.takeAny('ASC', 'DESC');
    } while (c.take(','));
    c.expect(')');
    return { columns: plain ? columns : null, ...(prefixes.length > 0 && { prefixes }) };
  }

  /** `[DEFAULT] CHARACTER SET x [COLLATE y]` in any order, or undefined. */
  private textDefaults(): TextDefaults | undefined {
    const c = this.cursor;
    const start = c.at;
    let charset: string | null = null;
    let collation: string | null = null;
    for (;;) {
      const before = c.at;
      c.take('DEFAULT');
      if (c.takeCharset()) charset = c.optionValue().toLowerCase();
      else if (c.take('COLLATE')) collation = c.optionValue();
      else {
        c.at = before;
        break;
      }
    }
    if (c.at === start) return undefined;
    const given = collation === null ? null : canonicalCollation(collation);
    const named = charset === null ? charsetOfCollation(given!) : canonicalCharset(charset);
    return { charset: named, collation: given ?? collationOf(named, c.context) };
  }
}

function other(what: string, value = ''): AlterAction[] {
  return [{ do: 'other', what, value }];
}

function keyPart(key: (AlterAction & { do: 'add-key' }) | 'constraint' | 'cascade'): AlterAction[] {
  if (key === 'cascade') return [{ do: 'cascade' }];
  return key === 'constraint' ? other('ADD CHECK') : [key];
}

/** Keys that a column's definition brings along. */
function inlineKey(definition: ColumnDefinition): AlterAction[] {
  if (definition.cascades) return [{ do: 'cascade' }, ...inlineKey({ ...definition, cascades: false })];
  if (!definition.key) return [];
  const primary = definition.key === 'primary';
  const columns = [definition.column.name];
  return [{ do: 'add-key', name: primary ? 'PRIMARY' : null, primary, unique: true, columns }];
}
