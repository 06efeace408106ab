import { CHANGED_VALUE, type BinlogTable, type RowImage, type RowKind } from '../../mysql/model.js';
import { CharsetNotLoaded } from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { Operation } from '../../shared/task.js';
import type { RowChange } from '../../tablestore/client/model.js';
import { RowWriter } from '../../tablestore/wire/row-writer.js';
import { changeKinds, type Transaction } from '../state/checkpoint.js';
import { BlockedByDirtyData, refusedIdentity } from '../dirty/dirty.js';
import { dirtyReason, IncompleteRow, operationOf, TableEncoder, type Overrides } from '../mapping/encoder.js';
import type { UnwritableRow } from '../base/unwritable-row.js';
import { UnknownColumn } from '../etl/values.js';
import type { FilterAnswer } from '../filter/answers.js';
import type { FilterValue } from '../filter/index.js';
import type { RowLocator } from '../mapping/locator.js';
import { copyOf } from '../rows/row-copy.js';
import type { DecidedDirty } from '../state/task-store.js';
import type { StreamContext, StreamTable } from './stream-context.js';
import { problemOfTable } from '../tables/table-boundary.js';
import type { RowTransform } from '../mapping/transform.js';
import type { SpooledFetch } from './xa-branches.js';

/** The stream that the rows come from. */
export interface RowStream {
  /** The transaction that is being read. */
  current(): Transaction;
  /** As StreamHandler.hold(). */
  hold(work: () => Promise<void>): void;
}

/**
 * Turns rows of the binlog into changes. A key change is a delete of the old key and a put of the new one, each in its
 * own bucket, without a barrier (correctness rule 7).
 */
export class RowEvents {
  private readonly writer = new RowWriter();
  private readonly encoders = new Map<BinlogTable, Compiled | null>();

  constructor(
    private readonly context: StreamContext,
    private readonly stream: RowStream,
  ) {}

  /** After DDL the tables have other columns: everything compiled is forgotten. */
  forget(): void {
    this.encoders.clear();
  }

  apply(binlogTable: BinlogTable, kind: RowKind, before: RowImage | null, after: RowImage | null): void {
    let compiled: ReturnType<RowEvents['compiled']>;
    try {
      compiled = this.compiled(binlogTable);
    } catch (error) {
      if (!(error instanceof CharsetNotLoaded)) throw error;
      const [old, now] = [before && copyOf(before), after && copyOf(after)];
      this.stream.hold(async () => {
        try {
          await this.context.loadCharset(error.charset);
        } catch (failure) {
          const source = this.context.find(binlogTable.database, binlogTable.name)?.plan.source ?? '';
          this.stopOrThrow(source, failure);
        }
        this.apply(binlogTable, kind, old, now);
      });
      return;
    }
    if (!compiled) return;
    const { table, encoder } = compiled;
    for (const index of compiled.volatile) {
      if (before) before.starts[index] = CHANGED_VALUE;
      if (after) after.starts[index] = CHANGED_VALUE;
    }
    const transaction = this.stream.current();
    const identity = `${table.plan.source} ${transaction.name} ${transaction.nextRow(table.plan.source)}`;
    if (!this.context.settings.task.synchronization.operations.includes(kind.toUpperCase() as Operation))
      return;
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
      this.unfiltered(event, error);
      return;
    }
    if (wasIn !== 'ask' && isIn !== 'ask') {
      this.change(event, wasIn, isIn);
      return;
    }
    const [old, now] = [before && copyOf(before), after && copyOf(after)];
    let rows: ReadonlyMap<string, FilterValue>[];
    try {
      // What the source is asked about has to be in the event.
      rows = [wasIn === 'ask' ? old : null, isIn === 'ask' ? now : null]
        .filter((image) => image !== null)
        .map((image) => {
          const value = (column: string) => encoder.readForSource(image, column) ?? null;
          return new Map([...filter.columns].map((column) => [column, value(column)]));
        });
    } catch (error) {
      this.unfiltered(event, error);
      return;
    }
    this.stream.hold(async () => {
      const readers = rows.map((row) => (column: string) => row.get(column) ?? null);
      let answers: FilterAnswer[];
      try {
        answers = await this.context.ask(filter, readers);
      } catch (error) {
        this.stopOrThrow(table.plan.source, error);
        return;
      }
      const was = wasIn === 'ask' ? answers.shift()! : wasIn;
      const is = isIn === 'ask' ? answers.shift()! : isIn;
      this.change({ ...event, before: old, after: now }, was, is);
    });
  }

  /** The filter could not be asked: what the event does not hold is read from the source, else the row is dirty. */
  private unfiltered(event: RowEvent, error: unknown): void {
    if (event.kind === 'delete' && dirtyReason(error)) this.change(event, error as UnwritableRow, false);
    else this.failed(event, error);
  }

  /**
   * One row event, after the filter: what stays, comes, goes or changes at the destination. A row of which the filter
   * has no answer was never written in that form, and cannot be.
   */
  private change(event: RowEvent, wasIn: FilterAnswer, isIn: FilterAnswer): void {
    const { table, encoder, kind, before, after, transaction } = event;
    const operation = kind.toUpperCase() as Operation;
    const decided = this.context.dirty.hasDecisions ? this.decision(event) : undefined;
    if (decided) {
      transaction.onPassed.push(() => this.context.dirty.settle(decided, table.plan.source));
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
        before && wasIn !== false
          ? this.transformedOld(transform, encoder, before, operation, transaction)
          : null;
      // A transformation may drop a DELETE: the row stays.
      oldKey = old === null ? null : this.encodeOld(encoder, before!, old.overrides, kind);
      if (old !== null && oldKey === null && !this.context.branches.isOpen)
        this.context.dirty.left(table.plan, () => encoder.describe(before!), transaction);
      if (typeof isIn !== 'boolean') throw isIn;
      const now = after && isIn ? this.transformed(transform, encoder, after, operation, transaction) : null;
      if (now === null) {
        if (oldKey)
          this.emit(oldKey, table, transaction, kind === 'delete' ? changeKinds.delete : changeKinds.update);
        return;
      }
      const wasWritten = wasIn === true && old !== null && old.isWritable;
      let change = this.encodeNew(encoder, after!, now, wasWritten ? kind : 'insert');
      const isThere = wasWritten && oldKey?.key === change.key;
      // Under its new key the row is new: all of it has to be written, also what the event does not hold.
      if (!isThere && change.op === 'update') change = this.encodeNew(encoder, after!, now, 'insert');
      if (oldKey && oldKey.key !== change.key) this.emit(oldKey, table, transaction, changeKinds.extra);
      if (decided?.decision === 'skip') return;
      const tag = kind === 'insert' ? changeKinds.insert : changeKinds.update;
      this.emit(change, table, transaction, tag, isThere);
    } catch (error) {
      this.failed(event, error, oldKey);
    }
  }

  /** What was decided on this row, whether it could not be encoded or was refused. */
  private decision(event: RowEvent): DecidedDirty | undefined {
    const { before, after, identity, table, transaction } = event;
    const { dirty } = this.context;
    const known = dirty.decision(identity);
    if (known) return known;
    try {
      const alone = this.keyAlone(event, after ?? before!);
      return alone ? dirty.decision(refusedIdentity(table.plan.source, transaction, alone.key)) : undefined;
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
      else this.stopWithoutKey(table);
      return;
    }
    const reason = dirtyReason(error);
    if (!reason || error instanceof UnknownColumn) {
      this.stopOrThrow(table.plan.source, error);
      return;
    }
    // Whatever else is wrong with a row that is gone: its key is deleted, when it has one.
    if (kind === 'delete') {
      const old = oldKey ?? this.keyAlone(event, before!);
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
        key: this.keyAlone(event, image)?.key,
        locator: encoder.locate(image),
      });
      transaction.hasDirty = true;
      const { room } = this.context.dirty;
      if (room) this.stream.hold(() => room);
    } catch (blocked) {
      if (!(blocked instanceof BlockedByDirtyData)) throw blocked;
      // The rows behind it are looked through, too: what is written of them is written again by the replay.
      transaction.freeze();
      this.context.blocked(blocked);
      return;
    }
    // Passed over: but under its old key the row is no longer at the source.
    if (oldKey && oldKey.key !== this.keyAlone(event, image)?.key)
      this.emit(oldKey, table, transaction, changeKinds.extra);
  }

  /**
   * The key of a row of which no more can be encoded, as a deletion; null when not even that. Throws IncompleteRow with
   * `mustTell` when the event does not hold what it is made of.
   */
  private keyAlone(event: RowEvent, image: RowImage, mustTell = false): Encoded | null {
    const { table, encoder, kind, transaction } = event;
    const { transform } = table;
    try {
      const overrides = transform.makesKey
        ? this.transformed(transform, encoder, image, kind.toUpperCase() as Operation, transaction)
        : noOverrides;
      return overrides && this.encoded(encoder, image, 'delete', overrides);
    } catch (error) {
      if (dirtyReason(error) || (error instanceof IncompleteRow && !mustTell)) return null;
      throw error;
    }
  }

  /** What is wrong with the table stops it. Throws everything else. */
  private stopOrThrow(source: string, error: unknown): void {
    const problem = problemOfTable(error, source, this.context.signal);
    if (!problem) throw error;
    this.context.stopTable(source, problem);
  }

  private stopWithoutKey({ plan }: StreamTable): void {
    this.context.stopTable(
      plan.source,
      new RowferryError(
        'ROW-S109',
        `A row event of ${plan.source} does not contain its key columns (binlog_row_image is not FULL in a session).`,
      ),
    );
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

  /**
   * The row as it was; null: it is not at the destination. One that could not be transformed was never written in this
   * form. Where the transformation makes the keys it had none: what lies under its raw key is another row's.
   */
  private transformedOld(
    ...args: Parameters<RowEvents['transformed']>
  ): { overrides: Overrides; isWritable: boolean } | null {
    try {
      const overrides = this.transformed(...args);
      return overrides && { overrides, isWritable: true };
    } catch (error) {
      if (!dirtyReason(error)) throw error;
      return args[0].makesKey ? null : { overrides: noOverrides, isWritable: false };
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
    const mode = operationOf(this.context.settings.task.write.mode);
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

  /**
   * `isThere`: the row was written before under this key, if its INSERT was. Without INSERT among the operations such an
   * update must not make a row that was never brought; a row that comes by an UPDATE (into the filter, under another
   * key) belongs to the UPDATE and is written (correctness rule 19).
   */
  private emit(
    encoded: Encoded,
    table: StreamTable,
    transaction: Transaction,
    tag: number,
    isThere = false,
  ): void {
    const onlyExisting = isThere && !this.context.settings.task.synchronization.operations.includes('INSERT');
    const change: RowChange = {
      ...encoded,
      table: table.plan.destination,
      owner: transaction,
      tag,
      ...(onlyExisting && { condition: 'exist' as const }),
    };
    if (transaction.hasDirty) this.context.dirty.overtakes(table.plan, change, transaction);
    if (this.context.branches.isOpen) {
      const { owner: _owner, ...kept } = change;
      this.context.branches.add(table.plan.source, kept);
    } else this.send(change, transaction);
  }

  send(change: RowChange, transaction: Transaction): void {
    transaction.expect();
    this.context.enqueue(change);
  }

  /** The row is read from the source as it is now, while its key is held; the stream stands still meanwhile. */
  private refetch(event: RowEvent, locator: RowLocator): void {
    const { table, kind, before, after, transaction, identity } = event;
    let old: Encoded | null;
    let now: Encoded | null;
    try {
      // Without the key that it had, the row would stay under it when it gets another one.
      old = before && this.keyAlone(event, before, true);
      now = (after && this.keyAlone(event, after, table.transform.makesKey)) ?? old;
    } catch (error) {
      if (!(error instanceof IncompleteRow)) throw error;
      this.stopWithoutKey(table);
      return;
    }
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
      transaction.expect();
      this.stream.hold(() => this.fetchExpected(table, row, transaction));
    }
  }

  /** Writes a row of a decided branch as it is at the source now. */
  fetch(table: StreamTable, row: SpooledFetch, transaction: Transaction): Promise<void> {
    transaction.expect();
    return this.fetchExpected(table, row, transaction);
  }

  private async fetchExpected(
    table: StreamTable,
    { deletion, ...row }: SpooledFetch,
    transaction: Transaction,
  ): Promise<void> {
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
      const problem = problemOfTable(error, source, this.context.signal);
      if (!problem) throw error;
      transaction.settled();
      this.context.stopTable(source, problem.code === 'ROW-S108' ? movedOn(source, problem) : problem);
    }
  }

  private compiled(binlogTable: BinlogTable): Compiled | null {
    const known = this.encoders.get(binlogTable);
    const table = this.context.find(binlogTable.database, binlogTable.name);
    if (known !== undefined && (known === null || known.table === table)) return known;
    const compiled = table ? this.compile(table, binlogTable) : null;
    this.encoders.set(binlogTable, compiled);
    return compiled;
  }

  /** null: its rows do not fit what is known of it. Throws CharsetNotLoaded. */
  private compile(believed: StreamTable, map: BinlogTable): Compiled | null {
    const table = this.context.asDescribed(believed, map, this.stream.current());
    if (!table) return null;
    const { plan } = table;
    const { columns } = plan.definition;
    const volatile = columns.flatMap((column, i) => (column.volatile === 'virtual' ? [i] : []));
    return {
      table,
      encoder: new TableEncoder(plan, columns, 'binlog', this.context.charsets, map),
      volatile,
    };
  }
}

interface Compiled {
  readonly table: StreamTable;
  readonly encoder: TableEncoder;
  /** Places of columns that the event holds as the session that wrote it saw them: they are read at the source. */
  readonly volatile: readonly number[];
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

/** By DDL that comes later in the stream: rows of the source cannot be read by the columns of the table any more. */
function movedOn(source: string, { message }: RowferryError): RowferryError {
  return new RowferryError(
    'ROW-S113',
    `${source} stopped: the event of a row is incomplete, and the row cannot be read from the source because the columns have changed since (${message})`,
    {
      remedy: `Set binlog_row_image=FULL in every session, then reload the table: rowferry reload TASK --table ${source}`,
    },
  );
}

type Encoded = Pick<RowChange, 'op' | 'key' | 'row' | 'dataBytes'>;
const noOverrides: Overrides = new Map();
