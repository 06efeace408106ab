import type { Column, TableDefinition } from '../../mysql/model.js';
import type { TableName } from './cursor.js';
import type { TextDefaults } from './text-defaults.js';

/** A table after a statement, and what the statement means for rows that are already replicated. */
export interface AppliedDdl {
  readonly definition: TableDefinition;
  readonly defaults: TextDefaults;
  readonly added: readonly Column[];
  /** Added columns that have a value in rows for which no event came (correctness rule 14). */
  readonly backfill: readonly Column[];
  readonly dropped: readonly string[];
  readonly renamed: readonly { from: string; to: string }[];
  /** The stored values may have changed, or mean something else now. */
  readonly retyped: readonly { before: Column; after: Column }[];
  /** Those, and others of which a filter or a generated column may make something else now. */
  readonly touched: readonly { before: Column; after: Column }[];
  /** A key went whose name is not known, or may be another's. */
  readonly dropsUnknownKey: boolean;
  /** Where its rows were copied, dates with zeros went (“Server SQL Modes”). */
  readonly clearsZeroDates?: true;
  /** Rows may have changed without events, and by what. */
  readonly lostRows?: string;
  /** Rows were written anew as they are, and by what. */
  readonly rebuilt?: string;
  /** Tables that gave or got rows with this one. */
  readonly exchangedWith: readonly TableName[];
}
