import type { BeginsAt, SourcePosition } from '../shared/position.js';
import type { RawStatement } from './statement.js';

export type { RawStatement, StatementContext, StatementEvent } from './statement.js';

/** A column as INFORMATION_SCHEMA describes it, normalised. */
export interface Column {
  readonly name: string;
  /** Type word in lower case without length: 'bigint', 'varchar', 'enum', 'bit', 'point' … (DATA_TYPE). */
  readonly dataType: string;
  /** Full type as MySQL prints it, e.g. `bigint unsigned`, `enum('a','b')` (COLUMN_TYPE). */
  readonly columnType: string;
  readonly nullable: boolean;
  readonly unsigned: boolean;
  /** Characters for text, bytes for binary, bits for BIT; 0 where it has no meaning. */
  readonly length: number;
  /** NUMERIC_PRECISION for DECIMAL. */
  readonly precision: number;
  /** Scale for DECIMAL, fractional digits for temporal types. */
  readonly decimals: number;
  readonly charset: string | null;
  readonly collation: string | null;
  /** Labels of ENUM and SET in order. */
  readonly members: readonly string[];
  readonly generated: boolean;
  /** Generated, and another session may compute another value (generated.ts). */
  readonly volatile?: 'virtual' | 'stored';
  readonly invisible: boolean;
  readonly autoIncrement?: true;
}

export interface Key {
  readonly name: string;
  readonly primary: boolean;
  readonly unique: boolean;
  /** Column names in key order; a key with an expression or a prefix is not listed at all. */
  readonly columns: readonly string[];
  /** Given by a statement that did not name it: the server may have had to choose another. */
  readonly isNameGuessed?: true;
}

export interface TableDefinition {
  /** The server holds names in another case to be other tables (lower_case_table_names is 0). */
  readonly caseSensitive?: true;
  readonly database: string;
  readonly name: string;
  readonly engine: string;
  /** Default collation, which columns get that name none; missing where an earlier version stored the table. */
  readonly collation?: string | null;
  readonly columns: readonly Column[];
  readonly keys: readonly Key[];
  /** A foreign key changes its rows by itself, and the source does not log that. */
  readonly cascades?: true;
  readonly estimatedRows: number;
  /** Average row length in bytes from the server's statistics. */
  readonly averageRowBytes: number;
}

/** In RowImage.starts: the value is SQL NULL. */
export const NULL_VALUE = -1;
/**
 * In RowImage.starts: the event does not hold this column (partial image): unchanged, not NULL. The after-image of an
 * update holds what its before-image does.
 */
export const ABSENT_VALUE = -2;
/**
 * In RowImage.starts: the column changed, but the event carries neither its value nor enough to build it
 * (a JSON diff against a value that is not in the event). The row must be read from the source.
 */
export const CHANGED_VALUE = -3;
/** In RowImage.starts: the value is longer than maximumValueBytes and was not kept. The row is dirty. */
export const OVERSIZE_VALUE = -4;
/** Above this a value would break the bound on memory. */
export const maximumValueBytes = 16 * 1024 * 1024;

/**
 * One row as it lies in a network packet: no value is copied or decoded. Column i is bytes[starts[i], ends[i]),
 * or starts[i] is NULL_VALUE or ABSENT_VALUE. The image is only good until the callback that got it returns:
 * the arrays are used again for the next row.
 */
export interface RowImage {
  bytes: Buffer;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Which wire format the bytes of a RowImage are in. */
export type RowFormat = 'text' | 'binlog';

export type RowKind = 'insert' | 'update' | 'delete';

/** What the binlog says of a table in a TABLE_MAP event. */
export interface BinlogTable {
  readonly database: string;
  readonly name: string;
  readonly columnCount: number;
  /** MySQL type codes, real types (ENUM and SET told apart from STRING). */
  readonly columnTypes: Uint8Array;
  /**
   * Metadata of each column: first byte | second byte << 8 in the order of the event, 0 where it has none.
   * So VARCHAR: length in bytes; DECIMAL: precision | scale << 8; BIT: bits mod 8 | whole bytes << 8;
   * ENUM and SET: type code | bytes << 8; CHAR and BINARY: as in the event.
   */
  readonly columnMeta: Uint16Array;
  /** May column i be NULL? */
  readonly isNullable: (i: number) => boolean;
  /** Read when first asked for. Throws ROW-S109 when it does not fit the columns. */
  readonly metadata: () => TableMetadata;
}

/** What TABLE_MAP says of columns from MySQL 8.0.1 on, by their place; missing where it says nothing. */
export interface TableMetadata {
  /** Is it an unsigned number? Missing where no column is a number. */
  readonly unsigned?: readonly boolean[];
  /** Collation ids of character columns; of ENUM and SET only with binlog_row_metadata=FULL. */
  readonly collations?: readonly (number | undefined)[];
  /** This and all that follows only with binlog_row_metadata=FULL. */
  readonly names?: readonly string[];
  /** Of ENUM and SET, in the column's charset. */
  readonly labels?: readonly (readonly Buffer[] | undefined)[];
  /** Of geometry columns (Geometry::wkbType): 0 GEOMETRY, 1 POINT … 7 GEOMCOLLECTION. */
  readonly geometryTypes?: readonly (number | undefined)[];
  /**
   * Parts of the primary key, or of the NOT NULL UNIQUE key that stands for it; missing when there is neither. `prefix`
   * in characters, 0 for the whole column.
   */
  readonly primaryKey?: readonly { readonly column: number; readonly prefix: number }[];
  /** From MySQL 8.0.23. */
  readonly visible?: readonly boolean[];
  /** Of VECTOR columns. */
  readonly dimensions?: readonly (number | undefined)[];
}

/** A transaction as it comes down the stream. */
export interface TransactionStart {
  /** `uuid:number` or `uuid:tag:number`; undefined for an anonymous one. */
  readonly gtid?: string;
  /** Commit time at the original server, µs since the epoch; falls back to the event header's seconds. */
  readonly commitMicros: number;
  /** `file:offset` of its first event: the same whenever it is read again from this server. */
  readonly place: string;
  /** null: the event that it begins with was not seen. */
  readonly begins: BeginsAt | null;
  /**
   * Present when the rows that follow belong to an XA branch. It ends with xaPrepare(), and then its rows count
   * only when xaCommit() comes with the same xid, perhaps much later; or with commit() when it was committed in
   * one phase. `format:gtrid:bqual`, hex.
   */
  readonly xid?: string;
}

/**
 * Receives the binlog in order, synchronously. A handler that cannot take more calls stream.pause() and
 * stream.resume() later; what is already in the current packet still arrives. A throw stops the stream with that error.
 */
export interface BinlogHandler {
  /** The stream is in this binlog file from here on, which was created then, in seconds since the epoch. */
  file?(name: string, created: number): void;
  transaction(start: TransactionStart): void;
  /** Is the table wanted? Asked once per TABLE_MAP; rows of others are skipped undecoded. */
  wants(table: BinlogTable): boolean;
  /** One row. insert: after; delete: before; update: both. */
  row(table: BinlogTable, kind: RowKind, before: RowImage | null, after: RowImage | null): void;
  /** The transaction is complete; `position` is just behind it. */
  commit(position: SourcePosition): void;
  /** The XA branch of transaction().xid is complete and prepared; `position` is just behind it. */
  xaPrepare(xid: string, position: SourcePosition): void;
  /** A prepared branch is committed, or rolled back. Stands between transaction() and nothing: no commit() follows. */
  xaCommit(xid: string, position: SourcePosition): void;
  xaRollback(xid: string, position: SourcePosition): void;
  /** A statement that is not BEGIN/COMMIT: DDL, or DML in statement format. The position just behind it follows by commit(). */
  statement(event: RawStatement): void;
  /** Nothing happened; the source is at `position`. */
  heartbeat(position: SourcePosition): void;
}
