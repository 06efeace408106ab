import type { PlainError } from './errors.js';
import type { VerifyCell, VerifyDifference } from './verify-report.js';
import type { CellType, DestinationSettings, ResolvedTask, SourceSettings } from './task.js';

/** A table of the source as trees, forms and completions show it. */
export interface CatalogTable {
  database: string;
  name: string;
  estimatedRows: number;
  /** Average row length in bytes from the server's statistics. */
  averageRowBytes: number;
  engine: string;
  columns: CatalogColumn[];
  keys: CatalogKey[];
}
export interface CatalogColumn {
  name: string;
  /** Full type as MySQL prints it. */
  type: string;
  /** Type word in lower case without length. */
  dataType: string;
  nullable: boolean;
  generated: boolean;
  invisible: boolean;
  /** Type in Tablestore when the task says nothing. */
  cellType: CellType;
  /** Why it cannot be part of a Tablestore key; null when it can. */
  keyProblem: string | null;
}
export interface CatalogKey {
  name: string;
  primary: boolean;
  unique: boolean;
  columns: string[];
}

/** A table of the destination. */
export interface DestinationTable {
  name: string;
  primaryKey: { name: string; type: string }[];
}
/** Values as text, binary as 0x…; null: the row has no such column. */
export interface DestinationRows {
  columns: string[];
  rows: (string | null)[][];
  /** How many of the columns make the key: the first ones. */
  keyColumns: number;
  /** Of each row, what compareRow() finds it by; absent: the engine is older. */
  keys?: string[];
  /** Where the next page begins; null at the end. */
  next: string | null;
}

/** Which rows of a source table. `from`: the `next` of the page before; else `startAt`: values of the first key columns. */
export interface SourcePage {
  limit: number;
  from?: string;
  startAt?: string[];
  /** A condition as filters of tasks have them. */
  filter?: string;
}
/** Rows in the order of the key, values as text, binary as 0x…; dates and times are in UTC; null: NULL. */
export interface SourceRows {
  /** As the table has them; types as MySQL prints them. */
  columns: { name: string; type: string }[];
  /** The columns by which rows are ordered and found, in order; empty: no key can do that. */
  key: string[];
  rows: (string | null)[][];
  /** Of each row, what compareRow() finds it by; null: nothing does. */
  keys: (string | null)[];
  /** Where the next page begins; null: it cannot be said, or there is none. */
  next: string | null;
  /** There are more rows, and no page that has them: without a key the first ten thousand can be seen. */
  isCut: boolean;
  /** Of the whole table, by the server's statistics. */
  estimatedRows: number;
}

/** A row of a table that a task maps, by either side. */
export interface RowOfTask {
  side: 'source' | 'destination';
  /** `database.table`, or the table in Tablestore. */
  table: string;
  /** Of `keys` in the rows of that side. */
  key: string;
}
/** Both sides of one row: as the source's would be written by the task, and as the destination's is. */
export interface RowComparison {
  source: string;
  destination: string;
  /** `name=value, …` in Tablestore; null: the row would have none. */
  key: string | null;
  /** As a verification says it. 'equal' when neither side has such a row, too. */
  verdict: 'equal' | 'dirty' | 'kept' | 'notComparable' | VerifyDifference['kind'];
  cells: VerifyCell[];
  /** The destination has the row. */
  isThere: boolean;
  /** Why the source gives no row to write; null: it gives one. */
  reason: 'none' | 'filtered' | 'dropped' | 'unwritable' | null;
  /** Why it cannot be written. */
  problem?: PlainError;
  /** Rows of the source that become this one, of a duplicate. */
  rows?: string[];
}

/** The first rows of a table as they would land. */
export interface PreviewTable {
  source: string;
  destination: string;
  columns: { name: string; source: string; type: CellType; key: boolean }[];
  rows: PreviewRow[];
  /** The columns of `before`; only when it was asked for. */
  sourceColumns?: string[];
}
export interface PreviewRow {
  cells: (string | null)[];
  problem?: PlainError;
  /** The row at the source, as `sourceColumns`; only when it was asked for, and then dropped rows come too. */
  before?: (string | null)[];
  /** The transformation drops it. */
  dropped?: true;
}

/** A small shop on the source to try things on. */
export interface SampleInfo {
  database: string;
  rows: number;
  /** False: it was there already. */
  made: boolean;
}
export interface SampleChanges {
  inserted: number;
  updated: number;
  deleted: number;
}

/**
 * What trees and forms ask of a source or a destination, beyond EngineApi. An engine lists in hello().methods the calls
 * that it answers; a client shows no control for the others. Sources and destinations come resolved, secrets included.
 */
export interface CatalogApi {
  /** Connects, asks for the version, closes. Throws ROW-S1xx. */
  testSource(source: SourceSettings): Promise<{ version: string }>;
  /** Lists the tables. Throws ROW-D1xx. */
  testDestination(destination: DestinationSettings): Promise<{ tables: number }>;
  /** Databases without the server's own, by name. */
  databases(source: SourceSettings): Promise<string[]>;
  /** Tables with columns and keys, by name. */
  catalog(source: SourceSettings, database: string): Promise<CatalogTable[]>;
  /** Rows that a filter keeps; ROW-S111 with the server's words when the filter does not parse. */
  countRows(
    source: SourceSettings,
    table: { database: string; name: string; filter?: string },
  ): Promise<number>;
  /**
   * A page of the rows of a table; it ends early when its values are big. Reads only, for 15 s at most: ROW-S111 then,
   * and when MySQL does not accept the filter; ROW-T102 when no task would, ROW-T104 for a key that is none, ROW-S108.
   */
  sourceRows(
    source: SourceSettings,
    table: { database: string; name: string },
    page: SourcePage,
  ): Promise<SourceRows>;
  /**
   * Makes the database of the sample; it writes to a source, as runProposal() does, after a person confirmed it. Throws
   * ROW-T104 when a database of that name is not the sample.
   */
  makeSample(source: SourceSettings): Promise<SampleInfo>;
  /** Some inserts, updates and deletes in the sample. Throws ROW-S108 when it is not there. */
  changeSample(source: SourceSettings): Promise<SampleChanges>;
  /** How the Local Tablestore of this engine is reached, keys included; null while it does not run. */
  localTablestore(): Promise<DestinationSettings | null>;
  /**
   * Starts it unless it runs, on a port (0: any) and a folder for its data. Throws ROW-E103 (port in use), ROW-E110
   * (folder), ROW-E101 (the folder is served already). It ends with the engine.
   */
  startLocalTablestore(options: { port: number; data: string }): Promise<DestinationSettings>;
  stopLocalTablestore(): Promise<void>;
  /**
   * Starts the trial MySQL that was put into this folder, unless it runs. Returns its port: the wanted one (0: any), or
   * another when that is taken. Throws ROW-E118. It ends with the engine.
   */
  startTrialMysql(options: { folder: string; port: number }): Promise<number>;
  stopTrialMysql(): Promise<void>;
  destinationTables(destination: DestinationSettings): Promise<string[]>;
  destinationTable(destination: DestinationSettings, table: string): Promise<DestinationTable>;
  destinationRows(
    destination: DestinationSettings,
    table: string,
    /** `from`: the `next` of the page before. Else `startAt`: values of the first key columns, as text. */
    page: { limit: number; from?: string; startAt?: string[] },
  ): Promise<DestinationRows>;
  /**
   * Writes nothing. `table`: `database.table`; absent: every selected one. With 0 rows only what would be made is
   * told; `before` adds the rows of the source, dropped ones included.
   */
  preview(
    task: ResolvedTask,
    options: { table?: string; rows: number; before?: boolean },
  ): Promise<PreviewTable[]>;
  /**
   * Both sides of one row. Reads only, for 15 s at most: ROW-S111 then; ROW-S108 when the task does not replicate the
   * table, ROW-T104 for a key that is none.
   */
  compareRow(task: ResolvedTask, row: RowOfTask): Promise<RowComparison>;
}
