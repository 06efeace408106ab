import type { ColumnDefinition } from './column.js';
import type { TableName } from './cursor.js';
import type { TextDefaults } from './text-defaults.js';

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
  /** There was none of this name, so none of the tables that it had is there any more. */
  | { kind: 'create-database'; database: string }
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
