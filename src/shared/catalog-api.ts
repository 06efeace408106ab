import type { PlainError } from './errors.js';
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
  /** Where the next page begins; null at the end. */
  next: string | null;
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
   * Makes the database of the sample; the one call that writes to a source, after a person confirmed it. Throws
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
}
