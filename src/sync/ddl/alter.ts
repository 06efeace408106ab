import { readColumn } from './column.js';
import { UnreadableDdl, type Cursor, type TableName } from './cursor.js';
import { inlineKey, keyPart, readKey } from './key.js';
import type { AlterAction, DefaultsOf } from './statement.js';
import { canonicalCharset, canonicalCollation, collationOf, type TextDefaults } from './text-defaults.js';
import { readTextDefaults } from './text-option.js';

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

/** The parts of an ALTER TABLE, from behind its table on. Throws UnreadableDdl. */
export class AlterReader {
  constructor(
    private readonly cursor: Cursor,
    private readonly database: string,
    private readonly defaultsOf: DefaultsOf,
  ) {}

  /**
   * Of a statement that is not understood and gives the table another name, that name is all that counts. Throws
   * UnreadableDdl where it gives none.
   */
  actions(table: TableName): AlterAction[] {
    const start = this.cursor.at;
    try {
      return this.understood(table);
    } catch (error) {
      if (!(error instanceof UnreadableDdl)) throw error;
      this.cursor.at = start;
      const renamed = this.renamed();
      if (renamed.length === 0) throw error;
      return [...renamed, { do: 'other', what: error.message, value: '' }];
    }
  }

  /** RENAME is a reserved word: outside of parentheses it begins a part. */
  private renamed(): AlterAction[] {
    const c = this.cursor;
    const found: AlterAction[] = [];
    while (!c.done) {
      if (c.peek() === '(') c.skipParentheses();
      else if (c.take('RENAME')) found.push(...this.renameAction());
      else c.at++;
    }
    return found.filter((action) => action.do === 'rename-table');
  }

  /** `DEFAULT CHARSET x` anywhere among them holds for the columns that the same statement adds. */
  private understood(table: TableName): AlterAction[] {
    const start = this.cursor.at;
    const actions = this.actionsBy(table, this.defaultsOf(table));
    const own = actions.findLast((action) => action.do === 'text-defaults');
    if (!own) return actions;
    this.cursor.at = start;
    return this.actionsBy(table, own.defaults);
  }

  private actionsBy(table: TableName, defaults: TextDefaults): AlterAction[] {
    const c = this.cursor;
    const actions: AlterAction[] = [];
    do {
      if (!c.done && c.peek() !== ',') actions.push(...this.action(table, defaults));
    } while (c.take(',') || (!c.done && this.startsOption()));
    if (!c.done) throw new UnreadableDdl(`"${c.tokens[c.at]!.text}" is not understood`);
    return actions;
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
    const text = readTextDefaults(c);
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
    const key = readKey(c);
    if (key) return keyPart(key);
    c.take('COLUMN');
    const actions: AlterAction[] = [];
    const column = () => {
      const definition = readColumn(c, defaults);
      actions.push({ do: 'add', definition }, ...inlineKey(definition));
    };
    if (c.take('(')) {
      do {
        const inner = readKey(c);
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
    if (c.takeAny('INDEX', 'KEY')) return [droppedKey(c.name())];
    if (c.take('CONSTRAINT')) return [droppedKey(c.name())];
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
}

export function droppedKey(name: string): AlterAction {
  return name.toUpperCase() === 'PRIMARY' ? { do: 'drop-primary-key' } : { do: 'drop-key', name };
}

function other(what: string, value = ''): AlterAction[] {
  return [{ do: 'other', what, value }];
}
