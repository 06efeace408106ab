import type { BinlogTable, StatementEvent } from '../../mysql/model.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { Operation } from '../../shared/task.js';
import type { RowChange } from '../../tablestore/client/model.js';
import type { CheckpointTracker, Transaction } from '../state/checkpoint.js';
import type { BlockedByDirtyData, DirtyData } from '../dirty/dirty.js';
import type { FilterAnswer } from '../filter/answers.js';
import type { ColumnReader, Filter } from '../filter/index.js';
import type { RowLocator } from '../mapping/locator.js';
import type { TablePlan } from '../mapping/plan.js';
import type { TaskSettings } from '../base/task-settings.js';
import type { RowTransform } from '../mapping/transform.js';
import type { XaBranches } from './xa-branches.js';

/** A table of the stream, as it is at the present place of the stream. */
export interface StreamTable {
  plan: TablePlan;
  transform: RowTransform;
  filter: Filter | null;
}

/** What the handler needs of the run around it. */
export interface StreamContext {
  readonly settings: Pick<TaskSettings, 'task'>;
  /** Aborted when the run ends at once. */
  readonly signal: AbortSignal;
  readonly tracker: CheckpointTracker;
  readonly charsets: CharsetDecoders;
  /** Asks the source for a charset that was not needed before. */
  loadCharset(charset: string): Promise<void>;
  readonly dirty: DirtyData;
  /** The table, when it is selected and not stopped. */
  find(database: string, name: string): StreamTable | undefined;
  /** Rows follow of a table that find() does not give. */
  passedOver(table: BinlogTable): void;
  /**
   * The table as the TABLE_MAP before its rows describes it, inside `transaction`: another one where it differs from what
   * is believed; undefined where it stops for that, or is loaded anew. Throws CharsetNotLoaded, with nothing done.
   */
  asDescribed(table: StreamTable, map: BinlogTable, transaction: Transaction): StreamTable | undefined;
  /** The rows of this table can no longer be read or written: it stops, the others go on. */
  stopTable(source: string, problem: RowferryError): void;
  enqueue(change: RowChange): void;
  /** A statement in the stream, inside `transaction`. Throws CharsetNotLoaded, with nothing done. */
  statement(event: StatementEvent, transaction: Transaction): void;
  /** The table, by `database.table`: as find(). */
  follows(source: string): StreamTable | undefined;
  /** Rows of XA branches that are not decided yet (correctness rule 2). */
  readonly branches: XaBranches;
  /**
   * A branch is committed just before `position` whose rows of this table are not kept; '' when nothing is known of
   * the branch. Throws ROW-S109 when that cannot be mended.
   */
  unknownRows(source: string, xid: string, position: SourcePosition): void;
  /** Settles when the writer takes more, or the run is over. */
  room(): Promise<void>;
  /** Nothing more is to be written: what is not passed comes again with the next run. */
  isOver(): boolean;
  /** A transaction ended just before `position`. */
  sealed(position: SourcePosition): void;
  /**
   * An event that cannot be applied at once: the stream stands still until `work` is through, and what arrives
   * meanwhile waits behind it.
   */
  wait(work: () => Promise<void>): void;
  /** Asks the source whether rows pass the filter. */
  ask(filter: Filter, rows: readonly ColumnReader[]): Promise<FilterAnswer[]>;
  /** A dirty row of the stream waits for a decision: the run ends when what is read already is looked through. */
  blocked(error: BlockedByDirtyData): void;
  /** A row as it is at the source now, written while its key is held (correctness rule 11). */
  refetch(row: RefetchedRow, transaction: Transaction): Promise<void>;
}

/** A row of the stream that is written as it is at the source now. */
export interface RefetchedRow {
  readonly table: StreamTable;
  readonly locator: RowLocator;
  readonly operation: Operation;
  readonly identity: string;
  /** The row keeps its key, so that the destination has it already. */
  readonly isThere: boolean;
  /** Deletes the row that the event is about: sent when the source no longer gives it. */
  readonly deletion: RowChange | null;
}
