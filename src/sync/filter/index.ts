import type { TableDefinition } from '../../mysql/model.js';
import { askSql } from './ask.js';
import { checkFilter } from './check.js';
import { compileLocally, type Answer, type ColumnReader } from './local.js';

export type { Answer, ColumnReader, FilterValue } from './local.js';

/**
 * A row filter with MySQL's own meaning in both phases: pushed down as SQL in the full load; for events decided
 * here where that is provably the same, and asked of the source where it is not.
 */
export interface Filter {
  /** The condition, to stand in parentheses behind WHERE, in a session with sql_mode='' and time_zone='+00:00'. */
  readonly sql: string;
  /** Columns it reads, in the spelling of the source. */
  readonly columns: ReadonlySet<string>;
  /** true: the row is in; false or null: out; 'ask': the source must be asked. */
  decide(read: ColumnReader): Answer;
  /**
   * A statement whose result, `kept`, is the numbers of the rows that pass, from 1. At most a few hundred rows at once;
   * read() may give values as the binlog holds them (askSql). `hasJsonTable`: the source has JSON_TABLE (from MySQL
   * 8.0.4), with which all mixtures of types mean what they do there.
   */
  askSql(rows: readonly ColumnReader[], hasJsonTable: boolean): string;
}

/** Throws RowferryError ROW-T102 with the place when the filter cannot be used on this table. */
export function compileFilter(sql: string, table: TableDefinition): Filter {
  const checked = checkFilter(sql, table);
  const local = compileLocally(checked.tokens, table.columns);
  return {
    sql: checked.sql,
    columns: checked.columns,
    decide: local ?? (() => 'ask'),
    askSql: (rows, hasJsonTable) => askSql(checked, table, rows, hasJsonTable),
  };
}
