import type { BinlogHandler, BinlogTable, RowImage, RowKind, TransactionStart } from '../mysql/model.js';
import type { CharsetDecoders } from '../mysql/types/index.js';
import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { Operation, ResolvedTask } from '../shared/task.js';
import type { RowChange } from '../tablestore/model.js';
import { RowWriter } from '../tablestore/wire/row-writer.js';
import { changeKinds, type CheckpointTracker, type Transaction } from './checkpoint.js';
import { BlockedByDirtyData, digest, keyLine, type DirtyData } from './dirty.js';
import { dirtyReason, IncompleteRow, operationOf, TableEncoder, type Overrides } from './encoder.js';
import type { Filter } from './filter/index.js';
import type { RowLocator } from './locator.js';
import type { TablePlan } from './plan.js';
import type { DecidedDirty } from './store.js';
import { isFetch, type DecidedBranch, type SpooledFetch, type XaBranches } from './xa-branches.js';
import type { RowTransform } from './transform.js';

/** A table of the stream, as it is at the present place of the stream. */
export interface StreamTable {
  plan: TablePlan;
  transform: RowTransform;
  filter: Filter | null;
}

/** What the handler needs of the run around it. */
export interface StreamContext {
  readonly task: ResolvedTask;
  readonly tracker: CheckpointTracker;
  readonly charsets: CharsetDecoders;
  readonly dirty: DirtyData;
  /** The table, when it is selected and not stopped. */
  find(database: string, name: string): StreamTable | undefined;
  /** The rows of this table can no longer be read or written: it stops, the others go on. */
  stopTable(source: string, problem: RowferryError): void;
  enqueue(change: RowChange): void;
  /** A statement in the stream, inside `transaction`. */
  statement(event: { database: string; sql: string }, transaction: Transaction): void;
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
  ask(filter: Filter, table: TablePlan, rows: readonly ((column: string) => unknown)[]): Promise<boolean[]>;
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

/**
 * Turns the binlog into changes, in stream order. A key change is a delete of the old key and a put of the new one,
 * each in its own bucket, without a barrier (correctness rule 7).
 */
export class StreamHandler implements BinlogHandler {
  private readonly writer = new RowWriter();
  private readonly encoders = new Map<BinlogTable, { table: StreamTable; encoder: TableEncoder } | null>();
  private transactionNow: Transaction | null = null;
  /** Events that wait behind one that has to be asked about, oldest first. */
  private readonly backlog: (() => void)[] = [];
  private waiting = false;
  private readonly held: (() => Promise<void>)[] = [];

  constructor(private readonly context: StreamContext) {}

  /** After DDL the tables have other columns: everything compiled is forgotten. */
  forget(): void {
    this.encoders.clear();
  }

  transaction(start: TransactionStart): void {
    this.inOrder(() => {
      this.transactionNow = this.context.tracker.begin(start.commitMicros, start.gtid ?? start.place);
      if (start.xid !== undefined) this.context.branches.begin(start.xid, start.gtid ?? start.place);
    });
  }

  /** Runs `then` once everything up to the end of the transaction that is being read is at the destination. */
  whenThrough(then: () => void): void {
    this.inOrder(() => (this.current().onThrough = then));
  }

  wants(table: BinlogTable): boolean {
    return this.context.find(table.database, table.name) !== undefined;
  }

  row(table: BinlogTable, kind: RowKind, before: RowImage | null, after: RowImage | null): void {
    if (this.waiting) {
      const [old, now] = [before && copyOf(before), after && copyOf(after)];
      this.backlog.push(() => this.apply(table, kind, old, now));
      return;
    }
    this.apply(table, kind, before, after);
  }

  commit(position: SourcePosition): void {
    this.inOrder(() => {
      const transaction = this.current();
      const { branches } = this.context;
      if (branches.isOpen) this.bring(branches.endInOnePhase(), transaction, position);
      else this.end(transaction, position);
    });
  }

  xaPrepare(_xid: string, position: SourcePosition): void {
    this.inOrder(() => {
      const transaction = this.current();
      transaction.onPassed.push(this.context.branches.prepare());
      this.end(transaction, position);
    });
  }

  xaCommit(xid: string, position: SourcePosition): void {
    this.inOrder(() => {
      const branch = this.context.branches.decided(xid);
      for (const source of branch.unknown) this.context.unknownRows(source, xid, position);
      this.bring(branch, this.current(), position);
    });
  }

  xaRollback(xid: string, position: SourcePosition): void {
    this.inOrder(() => {
      const transaction = this.current();
      const branch = this.context.branches.decided(xid);
      transaction.onPassed.push(() => branch.forget());
      this.end(transaction, position);
    });
  }

  statement(event: { database: string; sql: string; commitMicros: number }): void {
    this.inOrder(() => {
      this.transactionNow ??= this.context.tracker.begin(event.commitMicros, '');
      this.context.statement(event, this.transactionNow);
    });
  }

  heartbeat(position: SourcePosition): void {
    this.inOrder(() => {
      if (this.transactionNow === null) this.context.tracker.heartbeat(position);
    });
  }

  private current(): Transaction {
    return (this.transactionNow ??= this.context.tracker.begin(0, ''));
  }

  private end(transaction: Transaction, position: SourcePosition): void {
    this.transactionNow = null;
    transaction.seal(position);
    this.context.sealed(position);
  }

  /** Rows that were kept go out, as fast as the writer takes them; the stream stands still meanwhile. */
  private bring(branch: DecidedBranch, transaction: Transaction, position: SourcePosition): void {
    transaction.onPassed.push(() => branch.forget());
    if (branch.parts.length === 0) {
      this.end(transaction, position);
      return;
    }
    this.hold(async () => {
      for (const { source, pieces } of branch.parts) {
        if (!this.context.follows(source)) continue;
        for (const rows of pieces()) {
          for (const row of rows) {
            // A table that begins anew or was stopped since has these rows otherwise, or not at all.
            const table = this.context.follows(source);
            if (!table) break;
            if (isFetch(row)) await this.fetch(table, row, transaction);
            else this.send({ ...row, owner: transaction }, transaction);
          }
          await this.context.room();
          if (this.context.isOver()) {
            this.transactionNow = null;
            return;
          }
        }
      }
      this.end(transaction, position);
    });
  }

  /**
   * The link broke: what was given of an unfinished transaction comes again, so it no longer counts. Returns the
   * position from which to stream again, which is behind every event that still waits here.
   */
  restart(position: SourcePosition): SourcePosition {
    const abandon = () => {
      this.transactionNow?.abandon();
      this.transactionNow = null;
      this.context.branches.abandon();
    };
    this.inOrder(abandon);
    return position;
  }

  /** As hold(), behind whatever already waits. */
  holdNext(work: () => Promise<void>): void {
    this.inOrder(() => this.hold(work));
  }

  /** Not at a boundary between transactions, or with events that still wait here. */
  get isInside(): boolean {
    return this.transactionNow !== null || this.waiting || this.backlog.length > 0;
  }

  private inOrder(event: () => void): void {
    if (this.waiting) this.backlog.push(event);
    else event();
  }

  /** Holds the stream back until `work` is through, then goes on with what arrived meanwhile. */
  hold(work: () => Promise<void>): void {
    this.held.push(work);
    // One event may ask for several: all of it comes before what waits behind.
    if (this.waiting) return;
    this.waiting = true;
    this.context.wait(async () => {
      for (let next = this.held.shift(); next; next = this.held.shift()) await next();
      this.waiting = false;
      while (!this.waiting) {
        const next = this.backlog.shift();
        if (!next) break;
        next();
      }
    });
  }

  private apply(
    binlogTable: BinlogTable,
    kind: RowKind,
    before: RowImage | null,
    after: RowImage | null,
  ): void {
    const compiled = this.compiled(binlogTable);
    if (!compiled) return;
    const { table, encoder } = compiled;
    const transaction = this.current();
    const identity = `${table.plan.source} ${transaction.name} ${transaction.nextRow(table.plan.source)}`;
    const event: RowEvent = { table, encoder, kind, before, after, transaction, identity };
    const { filter } = table;
    if (!filter) {
      this.change(event, before !== null, after !== null);
      return;
    }
    let wasIn: boolean | 'ask';
    let isIn: boolean | 'ask';
    try {
      wasIn = before !== null && (filter.decide((column) => encoder.read(before, column) ?? null) ?? false);
      isIn = after !== null && (filter.decide((column) => encoder.read(after, column) ?? null) ?? false);
    } catch (error) {
      this.failed(event, error);
      return;
    }
    if (wasIn !== 'ask' && isIn !== 'ask') {
      this.change(event, wasIn, isIn);
      return;
    }
    const [old, now] = [before && copyOf(before), after && copyOf(after)];
    const unknown = [wasIn === 'ask' ? old : null, isIn === 'ask' ? now : null].filter(
      (image) => image !== null,
    );
    this.hold(async () => {
      const readers = unknown.map((image) => (column: string) => encoder.read(image, column) ?? null);
      const answers = await this.context.ask(filter, table.plan, readers);
      const was = wasIn === 'ask' ? answers.shift()! : wasIn;
      const is = isIn === 'ask' ? answers.shift()! : isIn;
      this.change({ ...event, before: old, after: now }, was, is);
    });
  }

  /** One row event, after the filter: what stays, comes, goes or changes at the destination. */
  private change(event: RowEvent, wasIn: boolean, isIn: boolean): void {
    const { table, encoder, kind, before, after, transaction } = event;
    const operation = kind.toUpperCase() as Operation;
    if (!this.context.task.synchronization.operations.includes(operation)) return;
    const decided = this.context.dirty.hasDecisions ? this.decision(event) : undefined;
    if (decided) {
      transaction.onPassed.push(() => this.context.dirty.settle(decided));
      if (decided.decision === 'retry') {
        // A record with a masked key does not tell where its row is; the event does.
        const locator = decided.locator ?? encoder.locate(after ?? before!);
        if (locator) {
          this.refetch(event, locator);
          return;
        }
      }
    }
    const { transform } = table;
    let oldKey: Encoded | null = null;
    try {
      const old =
        before && wasIn ? this.transformedOld(transform, encoder, before, operation, transaction) : null;
      // A transformation may drop a DELETE, which leaves the row (dts-behaviour, ETL).
      oldKey = old === null ? null : this.encodeOld(encoder, before!, old, kind);
      const now = after && isIn ? this.transformed(transform, encoder, after, operation, transaction) : null;
      if (now === null) {
        if (oldKey)
          this.emit(oldKey, table, transaction, kind === 'delete' ? changeKinds.delete : changeKinds.update);
        return;
      }
      let change = this.encodeNew(encoder, after!, now, wasIn && old !== null ? kind : 'insert');
      if (oldKey && oldKey.key !== change.key) {
        // Under its new key the row is new: all of it has to be written, also what the event does not hold.
        if (change.op === 'update') change = this.encodeNew(encoder, after!, now, 'insert');
        this.emit(oldKey, table, transaction, changeKinds.extra);
      }
      if (decided?.decision === 'skip') return;
      this.emit(change, table, transaction, kind === 'insert' ? changeKinds.insert : changeKinds.update);
    } catch (error) {
      this.failed(event, error, oldKey);
    }
  }

  /** What was decided on this row, whether it could not be encoded or was refused. */
  private decision({
    encoder,
    before,
    after,
    identity,
    table,
    transaction,
  }: RowEvent): DecidedDirty | undefined {
    const { dirty } = this.context;
    const known = dirty.decision(identity);
    if (known) return known;
    try {
      const { key } = this.encoded(encoder, after ?? before!, 'delete', noOverrides);
      return dirty.decision(refusedIdentity(table.plan.source, transaction, key));
    } catch {
      return undefined;
    }
  }

  /** The event cannot be applied as it is: a partial image is completed, a dirty row recorded. */
  private failed(event: RowEvent, error: unknown, oldKey: Encoded | null = null): void {
    const { table, encoder, kind, before, after, transaction, identity } = event;
    const image = after ?? before!;
    if (error instanceof IncompleteRow) {
      const locator = encoder.locate(image) ?? (before && encoder.locate(before));
      if (locator) this.refetch(event, locator);
      else {
        this.context.stopTable(
          table.plan.source,
          new RowferryError(
            'ROW-S109',
            `A row event of ${table.plan.source} does not hold the key columns (binlog_row_image is not FULL in a session).`,
          ),
        );
      }
      return;
    }
    const reason = dirtyReason(error);
    if (!reason) throw error;
    // Whatever else is wrong with a row that is gone: its key is deleted, when it has one.
    if (kind === 'delete') {
      const old = oldKey ?? this.encodeOld(encoder, before!, noOverrides, kind);
      if (old) this.emit(old, table, transaction, changeKinds.delete);
      return;
    }
    const sourceRow = encoder.describe(image);
    try {
      this.context.dirty.record({
        plan: table.plan,
        identity,
        operation: kind.toUpperCase() as Operation,
        ...reason,
        position: transaction.begins,
        sourceRow,
        key: keyLine(
          Object.fromEntries(
            table.plan.key.map(({ name, column }) => [name, sourceRow[column.name] ?? null]),
          ),
        ),
        locator: encoder.locate(image),
      });
    } catch (blocked) {
      if (!(blocked instanceof BlockedByDirtyData)) throw blocked;
      // The rows behind it are looked through, too: what is written of them is written again by the replay.
      transaction.freeze();
      this.context.blocked(blocked);
      return;
    }
    // Passed over: but under its old key the row is no longer at the source.
    if (oldKey && oldKey.key !== this.keyOf(encoder, image))
      this.emit(oldKey, table, transaction, changeKinds.extra);
  }

  /** The key of a row of which no more can be encoded; null when not even that. */
  private keyOf(encoder: TableEncoder, image: RowImage): string | null {
    try {
      return this.encoded(encoder, image, 'delete', noOverrides).key;
    } catch (error) {
      if (dirtyReason(error) || error instanceof IncompleteRow) return null;
      throw error;
    }
  }

  private transformed(
    transform: RowTransform,
    encoder: TableEncoder,
    image: RowImage,
    operation: Operation,
    transaction: Transaction,
  ): Overrides | null {
    return transform.active
      ? transform.run(encoder, image, operation, transaction.commitMicros || null)
      : noOverrides;
  }

  /** A row that could not be transformed was never written; what counts is what it has become. */
  private transformedOld(...args: Parameters<StreamHandler['transformed']>): Overrides | null {
    try {
      return this.transformed(...args);
    } catch (error) {
      if (dirtyReason(error)) return noOverrides;
      throw error;
    }
  }

  private encodeOld(
    encoder: TableEncoder,
    before: RowImage,
    overrides: Overrides,
    kind: RowKind,
  ): Encoded | null {
    try {
      return this.encoded(encoder, before, 'delete', overrides);
    } catch (error) {
      // A key that never could be written left no row behind: there is nothing to delete (correctness rule 21).
      if (dirtyReason(error) && kind !== 'insert') return null;
      throw error;
    }
  }

  private encodeNew(encoder: TableEncoder, after: RowImage, overrides: Overrides, kind: RowKind): Encoded {
    const mode = operationOf(this.context.task.write.mode);
    // The first write of a row replaces whatever was there under its key.
    return this.encoded(encoder, after, kind === 'insert' ? 'put' : mode, overrides);
  }

  private encoded(
    encoder: TableEncoder,
    image: RowImage,
    op: RowChange['op'],
    overrides: Overrides,
  ): Encoded {
    const { writer } = this;
    writer.reset();
    encoder.encode(image, op, writer, overrides.size > 0 ? overrides : undefined);
    return { op, key: writer.rowKey(), row: writer.copyRow(), dataBytes: writer.dataBytes };
  }

  private emit(encoded: Encoded, table: StreamTable, transaction: Transaction, tag: number): void {
    const onlyExisting =
      encoded.op !== 'delete' &&
      tag === changeKinds.update &&
      !this.context.task.synchronization.operations.includes('INSERT');
    const change: RowChange = {
      ...encoded,
      table: table.plan.destination,
      owner: transaction,
      tag,
      ...(onlyExisting && { condition: 'exist' as const }),
    };
    if (this.context.branches.isOpen) {
      const { owner: _owner, ...kept } = change;
      this.context.branches.add(table.plan.source, kept);
    } else this.send(change, transaction);
  }

  private send(change: RowChange, transaction: Transaction): void {
    transaction.outstanding++;
    this.context.enqueue(change);
  }

  /** The row is read from the source as it is now, while its key is held; the stream stands still meanwhile. */
  private refetch(event: RowEvent, locator: RowLocator): void {
    const { table, encoder, kind, before, after, transaction, identity } = event;
    const encodeKey = (image: RowImage | null): Encoded | null => {
      if (!image) return null;
      try {
        return this.encoded(encoder, image, 'delete', noOverrides);
      } catch (error) {
        if (dirtyReason(error) || error instanceof IncompleteRow) return null;
        throw error;
      }
    };
    const old = encodeKey(before);
    const now = encodeKey(after) ?? old;
    if (old && now && old.key !== now.key) this.emit(old, table, transaction, changeKinds.extra);
    const row: SpooledFetch = {
      locator,
      operation: kind.toUpperCase() as Operation,
      identity,
      isThere: kind === 'update' && old !== null && old.key === now?.key,
      deletion: now,
    };
    // Until its branch is committed the source shows the row as it was.
    if (this.context.branches.isOpen) this.context.branches.add(table.plan.source, row);
    else {
      transaction.outstanding++;
      this.hold(() => this.fetch(table, row, transaction, true));
    }
  }

  private async fetch(
    table: StreamTable,
    { deletion, ...row }: SpooledFetch,
    transaction: Transaction,
    isCounted = false,
  ): Promise<void> {
    if (!isCounted) transaction.outstanding++;
    const { destination, source } = table.plan;
    try {
      await this.context.refetch(
        {
          ...row,
          table,
          deletion: deletion && {
            ...deletion,
            table: destination,
            owner: transaction,
            tag: changeKinds.update,
          },
        },
        transaction,
      );
    } catch (error) {
      // The source has moved on by DDL that comes later in the stream: its rows cannot be read by these columns.
      if (!(error instanceof RowferryError && error.code === 'ROW-S108')) throw error;
      transaction.outstanding--;
      this.context.stopTable(
        source,
        new RowferryError(
          'ROW-S113',
          `${source} stopped: a row that its event does not hold whole has to be read from the source, whose columns have changed since (${error.message})`,
          {
            remedy:
              'Set binlog_row_image=FULL for every session, then load the table anew: rowferry reload TASK --table DATABASE.TABLE',
          },
        ),
      );
    }
  }

  private compiled(binlogTable: BinlogTable): { table: StreamTable; encoder: TableEncoder } | null {
    const known = this.encoders.get(binlogTable);
    const table = this.context.find(binlogTable.database, binlogTable.name);
    if (known !== undefined && (known === null || known.table === table)) return known;
    const compiled = table ? this.compile(table, binlogTable) : null;
    this.encoders.set(binlogTable, compiled);
    return compiled;
  }

  /** Throws nothing: a table whose rows do not fit its known columns is stopped, for they would be misread. */
  private compile(
    table: StreamTable,
    binlogTable: BinlogTable,
  ): { table: StreamTable; encoder: TableEncoder } | null {
    const { plan } = table;
    const { columns } = plan.definition;
    const drift = driftOf(plan, binlogTable);
    if (drift) {
      this.context.stopTable(
        plan.source,
        new RowferryError(
          'ROW-S109',
          `The rows of ${plan.source} in the binlog do not fit its known columns: ${drift}.`,
          {
            remedy: 'Load this table anew.',
          },
        ),
      );
      return null;
    }
    return { table, encoder: new TableEncoder(plan, columns, 'binlog', this.context.charsets, binlogTable) };
  }
}

interface RowEvent {
  readonly table: StreamTable;
  readonly encoder: TableEncoder;
  readonly kind: RowKind;
  readonly before: RowImage | null;
  readonly after: RowImage | null;
  readonly transaction: Transaction;
  readonly identity: string;
}

/** A row that the destination refused is known by its key within the transaction. */
export function refusedIdentity(source: string, transaction: Transaction, key: string): string {
  return `${source} ${transaction.name} ${digest(Buffer.from(key, 'latin1'))}`;
}

type Encoded = Pick<RowChange, 'op' | 'key' | 'row' | 'dataBytes'>;
const noOverrides: Overrides = new Map();

/** Row events carry no names: count and kinds of the columns must at least be those of the known list (rule 13). */
function driftOf(plan: TablePlan, binlogTable: BinlogTable): string | null {
  const { columns } = plan.definition;
  if (columns.length !== binlogTable.columnCount)
    return `${binlogTable.columnCount} columns instead of ${columns.length}`;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const name = binlogTable.columnNames?.[i];
    if (name !== undefined && name !== column.name) return `column ${i + 1} is ${name}, not ${column.name}`;
    const family = families[column.dataType];
    if (family && !family.includes(binlogTable.columnTypes[i]!))
      return `column ${column.name} is not of type ${column.dataType}`;
    const unsigned = binlogTable.columnUnsigned?.[i];
    if (unsigned !== undefined && signs.has(column.dataType) && unsigned !== column.unsigned)
      return `column ${column.name} is ${unsigned ? '' : 'not '}unsigned`;
  }
  return null;
}

const signs = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
/** Type codes of TABLE_MAP events that a column of each type may have (MySQL source, field_types.h). */
const families: Record<string, readonly number[]> = {
  tinyint: [1],
  smallint: [2],
  mediumint: [9],
  int: [3],
  bigint: [8],
  float: [4],
  double: [5],
  decimal: [0, 246],
  date: [10, 14],
  time: [11, 19],
  datetime: [12, 18],
  timestamp: [7, 17],
  year: [13],
  bit: [16],
  json: [245],
  enum: [247],
  set: [248],
  varchar: [15, 253],
  varbinary: [15, 253],
  char: [254],
  binary: [254],
};

/** The image is only good until the callback returns; what waits has a copy of its own. */
function copyOf(image: RowImage): RowImage {
  let from = Infinity;
  let to = 0;
  for (let i = 0; i < image.starts.length; i++) {
    if (image.starts[i]! < 0) continue;
    from = Math.min(from, image.starts[i]!);
    to = Math.max(to, image.ends[i]!);
  }
  if (to === 0) from = 0;
  const shift = (value: number) => (value < 0 ? value : value - from);
  return {
    bytes: Buffer.from(image.bytes.subarray(from, to)),
    starts: image.starts.map(shift),
    ends: image.ends.map((end) => end - from),
  };
}
