import type { PlainError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { Operation } from '../../shared/task.js';
import type { Chunk } from '../../mysql/snapshot.js';
import type { TableDefinition } from '../../mysql/model.js';
import type { TextDefaults } from '../ddl/text-defaults.js';
import type { RowLocator } from '../mapping/locator.js';
import type { ToolTable } from '../online-change/traces.js';

/**
 * What replication keeps of one task between runs. Everything is synchronous: a checkpoint and what belongs to it
 * go into the store in one transaction. Implemented over SQLite by the engine, in memory by tests.
 */
export interface TaskStore extends XaStore, AuditStore, TableStore, DestinationStore {
  progress(): TaskProgress | null;
  saveProgress(progress: TaskProgress): void;

  /** Chunks of a table's load, by index. */
  chunks(source: string): ChunkRecord[];
  saveChunk(source: string, chunk: ChunkRecord): void;
  clearChunks(source: string): void;

  /**
   * Keeps a dirty record, or renews the one of the same identity that a replay meets again, and gives its decision.
   * A decision to try again is used up by that: the row was tried, and is dirty still.
   */
  recordDirty(record: NewDirtyRecord): { id: string; decision: DirtyDecision | null };
  /**
   * The same where no decision is asked for. It is stored soon, before whatever else is stored of the task, and seen by
   * all that read records. Gives how many are not stored yet.
   */
  addDirty(record: NewDirtyRecord): number;
  /** Stores the oldest of those, so many at most, and gives how many are left. */
  storeDirty(most: number): number;
  /** What was decided on records that hold the checkpoint, by identity: a replay applies it (correctness rule 22). */
  dirtyDecisions(): Map<string, DecidedDirty>;
  /** The row of a decided record was passed: one to be tried again is forgotten, one to be skipped holds nothing more. */
  settleDirty(id: string): void;
  /** A table's load is through: its decided records are dealt with. */
  settleLoaded(source: string): void;
  /** The table is loaded anew: what is dirty then will be met again. */
  clearDirty(source: string): void;
  /** Was just this row refused: the same key, and holding the same? Of both by digest (dirty.ts). */
  isDirty(source: string, keyHash: string, rowHash: string): boolean;
  /** Tables with records that hold nothing. */
  dirtySources(): string[];
  hasOpenDirty(source: string): boolean;
  /** Of those, the ones of these keys. */
  openDirty(source: string, keyHashes: readonly string[]): OpenDirty[];
  /** Ids of those of a table that a transaction made, by its name, and that nothing waits for. */
  dirtyOfTransaction(source: string, name: string): string[];
  /** All of a table that nothing waits for. */
  removeOpenDirty(source: string): void;
  removeDirty(ids: readonly string[]): void;
  dirtyCount(): number;
  /** The same by table, of those that have any. Takes no time, whatever their number. */
  dirtyCounts(): Map<string, number>;
  /** Records that hold the checkpoint and wait for a decision. */
  undecidedDirty(): number;
  /** Where the rows of a table are that may be missing at the destination because they are dirty; null: not known. */
  dirtyRowsOf(source: string): (RowLocator | null)[];
  /**
   * Forgets the oldest records past the limits, save those that hold the checkpoint. Returns how many. `keepDays`: null
   * where only their size is looked at, which takes no time.
   */
  pruneDirty(
    limits: { keepDays: number | null; maxMegabytes: number },
    nowMs: number,
  ): { expired: number; tooMany: number };

  /** A run has sent something that did not come to its end; kept over clear() and reset() (in-flight-marker.ts). */
  isWriting(): boolean;
  setWriting(writing: boolean): void;

  /** Forgets all of it but the destinations: the task starts anew. */
  clear(): void;
  /** Forgets all but which destination tables the task made: the next run loads everything and sweeps. */
  reset(): void;
}

/** What the task knows of its destination tables; changed through Destinations alone. */
export interface DestinationStore {
  destinations(): DestinationRecord[];
  /** In place of whatever was stored of that name. */
  saveDestination(record: DestinationRecord): void;
  removeDestination(name: string): void;
}

/** A destination table that the task made, or found and began to fill; kept for its life in that instance. */
export interface DestinationRecord {
  readonly name: string;
  /** As TaskProgress.destination; '' where an earlier version stored none. */
  readonly instance: string;
  /** As of a table's record: it was made by the task, is about to be, or was found then. */
  readonly created: boolean;
  readonly creating: boolean;
  readonly foundAtMs: number | null;
}

/** How far the audit of each table is (verify/audit-record.ts). */
export interface AuditStore {
  audits(): AuditRecord[];
  saveAudit(record: AuditRecord): void;
}

/** Records of tables. While a task runs they are changed through TableRecords alone. */
export interface TableStore {
  tables(): TableRecord[];
  /** One of them; undefined: there is none of this name. */
  table(source: string): TableRecord | undefined;
  /** In place of whatever was stored of the table. Gives it with the life that begins. */
  beginTable(table: NewTableRecord): TableRecord;
  /**
   * Changes these fields of a record as it was read (`undefined` takes one away), and gives it as it is then. Throws
   * StaleRecord when the stored one is another by now.
   */
  changeTable(
    read: Pick<TableRecord, 'source' | 'version' | 'life'>,
    changes: { [K in keyof TableRecord]?: TableRecord[K] | undefined },
  ): TableRecord;
  removeTable(source: string): void;
}

/** A table's record was about to be changed by somebody who had not read the newest one: a defect. */
export class StaleRecord extends Error {}

/** Rows of prepared XA branches (xa-branches.ts). */
export interface XaStore {
  /** Runs `work` in one transaction; a throw undoes all of it. Calls may be nested. */
  transaction<T>(work: () => T): T;

  xaParts(): XaPart[];
  saveXa(part: XaPart): void;
  /** With its pieces. */
  removeXa(part: XaPartKey): void;
  appendXa(part: XaPartKey, number: number, piece: Uint8Array): void;
  xaPiece(part: XaPartKey, number: number): Uint8Array | null;
  /** The table begins anew: of branches that are prepared now its rows are not to be had any more. */
  loseXa(source: string): void;
}

export interface XaPartKey {
  readonly xid: string;
  /** Where the branch begins in the binlog, or its GTID: an XID may be used again. */
  readonly place: string;
  /** `database.table`; '' is the branch itself. */
  readonly source: string;
}

/** What is kept of the rows that a table has in an XA branch. */
export interface XaPart extends XaPartKey {
  /** `open`: the checkpoint has not passed its PREPARE. `lost`: it may have rows that are not kept. */
  readonly state: 'open' | 'prepared' | 'lost';
}

export interface TaskProgress {
  /** Noted before the load; the stream begins here. null when there is no stream (log_bin is OFF). */
  start: SourcePosition | null;
  /** Without a start: the server that is loaded from. Missing where an earlier version stored none. */
  sourceUuid?: string;
  /**
   * Where the binlog was when the load began: XA branches that were prepared before `start` are decided by then, and
   * what was committed of them is in the loaded rows (correctness rule 2).
   */
  begun?: SourcePosition;
  /** As of a record, of all tables with which the task began. */
  definedAt?: SourcePosition;
  /** Everything before it is at the destination, or recorded as dirty (architecture, decision 5). */
  checkpoint: SourcePosition | null;
  /** A person has moved the checkpoint since the last run: the definitions are those of the place where it was. */
  movedFrom?: SourcePosition;
  /** End of the binlog when the load ended: from there on the destination is a copy. */
  loadedAt: SourcePosition | null;
  rows: { full: number; inserted: number; updated: number; deleted: number };
  /** The instance that all this is in (destination-identity.ts); missing where an earlier version stored it. */
  destination?: string;
  /** Tables that belong to an online schema change, as the stream has them (online-change/left-out.ts). */
  leftOut?: ToolTable[];
  /** Rows of the incremental, by table (`database.table`). */
  changes?: Record<string, TableChanges>;
}

export interface TableChanges {
  inserted: number;
  updated: number;
  deleted: number;
}

/** A table that begins, without what the store adds. */
export type NewTableRecord = Omit<TableRecord, 'version' | 'life' | 'revision'>;

/** Why a table stopped, as far as the source brought it about; what else may stop one has none. */
export type StopKind =
  /** The source has it no more under this name. */
  | 'dropped'
  | 'renamed'
  /** It was dropped, and another one has its name since, which the task was not to load by itself. */
  | 'recreated'
  | 'truncated'
  | 'altered'
  /** A statement that is not in row format, or cannot be read, may have changed it. */
  | 'statement'
  /** The account may not read it: the source is asked about it again and again. */
  | 'unreadable';

/** A selected table and how far it is. `definition` holds from the checkpoint on (correctness rule 13). */
export interface TableRecord {
  /** Counts the changes of the record: one that was read before is known by it. */
  readonly version: number;
  /** Another one each time the table begins anew. '' in records of earlier versions of the product. */
  readonly life: string;
  /** Statements of this life that `definition` holds. */
  revision?: number;
  /** `database.table` */
  source: string;
  destination: string;
  phase: 'schema' | 'full' | 'loaded' | 'stopped';
  /** The task made the destination table itself. */
  created: boolean;
  /** It was not there, and was about to be made when this was stored. */
  creating?: boolean;
  /**
   * When the destination table was found, before the task wrote to it, ms by the clock of the service: what is older is
   * not the task's (conflict "ignore").
   */
  foundAtMs?: number;
  /** Its destination table is deleted, with all that is in it, and made anew before it is loaded. */
  remake?: boolean;
  definition: TableDefinition;
  textDefaults: TextDefaults;
  /** Of the load: written, there already and left (conflict "ignore"), dropped by the transformation. */
  rows: number;
  kept: number;
  droppedRows?: number;
  problem?: PlainError;
  /** Of a stopped table, with `problem`. */
  stoppedBy?: StopKind;
  /** Attributes whose columns were dropped since it was loaded: rows still have them (correctness rule 14). */
  dropped?: readonly string[];
  /** What the task said of it when it was loaded; another word means that it is loaded anew (selection-diff.ts). */
  mapping?: string;
  /**
   * A place of its own in the stream: it is loaded beside the others and has not joined them yet (correctness rule
   * 11). What comes before it in the stream is in its rows.
   */
  from?: SourcePosition;
  /**
   * Where the binlog ended when `definition` was looked up, for a `from` of file and offset, which lies before that:
   * statements up to there are in the definition already (rule 13).
   */
  definedAt?: SourcePosition;
  /**
   * XIDs that were prepared just after `definedAt` was noted: a COMMIT up to there, of any other branch, is in what the load
   * reads (rule 2). Missing: not known.
   */
  openBranches?: readonly string[];
  /** Every COMMIT of a branch up to there is in what the load reads, since that was waited for. */
  branchesShown?: SourcePosition;
  /** Its rows from before were not loaded, because the task loaded nothing at its start. */
  unread?: true;
  /** It began anew, and is loaded although the task loads nothing at its start. */
  loads?: true;
  /** It was asked for: the next run loads it anew, whatever it was before. */
  reload?: true;
  /** Its destination table may hold rows that it does not give any more (correctness rule 5). */
  sweep?: boolean;
}

export interface ChunkRecord {
  chunk: Chunk;
  done: boolean;
  /** Written. */
  rows: number;
  /** There already, and left as they were (conflict "ignore"). */
  kept: number;
  /** By the transformation. */
  dropped: number;
}

/** What became of rows that were read in the load. */
export type RowsDealtWith = Pick<ChunkRecord, 'rows' | 'kept' | 'dropped'>;

/** The audit of one table: where its walk is, and what it found. */
export interface AuditRecord {
  /** As TableRecord.source. */
  readonly source: string;
  /** What the places below are places of: another definition or mapping begins anew. */
  shape: string;
  /** The walk through the source is behind this chunk; null: at its beginning. */
  after: Chunk | null;
  /** The walk through the destination goes on at this key (PlainBuffer, base64); null: it has not begun. */
  from: string | null;
  /** When this pass began; null: between two passes. */
  begunMs: number | null;
  /** Rows of this pass so far. */
  passRows: number;
  pass: AuditPass | null;
  /** Of all passes. */
  rows: number;
  repaired: number;
  lastFoundMs: number | null;
  /** Differences that stand, by key as RowChange has it; more than are kept are only counted. */
  found: AuditedDifference[];
}
/** The last complete pass through a table, both ways. */
export interface AuditPass {
  finishedMs: number;
  tookMs: number;
  rows: number;
}
export interface AuditedDifference {
  key: string;
  kind: 'missing' | 'extra' | 'different' | 'duplicate';
  /** As people read it, without what is masked. */
  text: string;
  /** Of a duplicate: its rows at the source. */
  rows?: string[];
  sinceMs: number;
}

export type DirtyDecision = 'skip' | 'retry';

export interface DecidedDirty {
  id: string;
  decision: DirtyDecision;
  locator: RowLocator | null;
}

/** A record that nothing waits for. */
export interface OpenDirty extends Pick<NewDirtyRecord, 'identity' | 'keyHash' | 'position' | 'locator'> {
  readonly id: string;
}

export interface NewDirtyRecord {
  /** Same row of the same event, whenever it is read: what a decision is stored by (correctness rule 22). */
  identity: string;
  /** `database.table` */
  source: string;
  destination: string;
  operation: Operation;
  /** The key as people read it; masked columns hold '***'. */
  key: string;
  /** SHA-256 of the key before masking. */
  keyHash: string;
  /** Digest of a row that could be encoded and was refused; null: it could not be, or was a deletion. */
  rowHash: string | null;
  /** Where the row is found at the source; null when its key cannot be read, or must not be kept. */
  locator: RowLocator | null;
  /** Nothing behind it is passed until somebody decides. */
  holds: boolean;
  code: string;
  message: string;
  position: SourcePosition | null;
  /** Values as text; null is NULL. Masked columns hold '***'. */
  sourceRow: ReadonlyMap<string, string | null>;
  cells: ReadonlyMap<string, string | null>;
  atMs: number;
}
