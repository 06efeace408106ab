import type {
  BinlogHandler,
  BinlogTable,
  RawStatement,
  RowImage,
  RowKind,
  TransactionStart,
} from '../../mysql/model.js';
import { readStatement } from '../../mysql/statement.js';
import { CharsetNotLoaded } from '../../mysql/types/index.js';
import type { SourcePosition } from '../../shared/position.js';
import type { Transaction } from '../state/checkpoint.js';
import { copyOf } from '../rows/row-copy.js';
import { RowEvents } from './row-events.js';
import type { StreamContext } from './stream-context.js';
import { isFetch, type DecidedBranch } from './xa-branches.js';

/**
 * The binlog in stream order: its transactions, and what has to wait for something behind which everything else waits
 * too. Rows become changes in row-events.ts.
 */
export class StreamHandler implements BinlogHandler {
  private readonly events: RowEvents;
  private transactionNow: Transaction | null = null;
  /** Events that wait behind one that has to be asked about, oldest first. */
  private readonly backlog: (() => void)[] = [];
  private waiting = false;
  private readonly held: (() => Promise<void>)[] = [];
  /** Whose rows are passed over until a table changes. */
  private notApplied = new WeakSet<BinlogTable>();

  constructor(private readonly context: StreamContext) {
    this.events = new RowEvents(context, {
      current: () => this.current(),
      hold: (work) => this.hold(work),
    });
  }

  /** After DDL the tables have other columns: everything compiled is forgotten. */
  forget(): void {
    this.events.forget();
    this.notApplied = new WeakSet();
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
    if (this.notApplied.has(table)) return false;
    if (this.context.find(table.database, table.name)) return true;
    this.notApplied.add(table);
    this.inOrder(() => this.context.passedOver(table));
    return false;
  }

  row(table: BinlogTable, kind: RowKind, before: RowImage | null, after: RowImage | null): void {
    if (this.waiting) {
      const [old, now] = [before && copyOf(before), after && copyOf(after)];
      this.backlog.push(() => this.events.apply(table, kind, old, now));
      return;
    }
    this.events.apply(table, kind, before, after);
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
      transaction.onPassed.push(() => {
        branch.forget();
        if (branch.place !== null) this.context.dirty.rolledBack(branch.place);
      });
      this.end(transaction, position);
    });
  }

  statement(event: RawStatement): void {
    this.inOrder(() => {
      this.transactionNow ??= this.context.tracker.begin(event.commitMicros, '');
      this.readStatement(event, this.transactionNow);
    });
  }

  /** Again with each charset that turns out to be needed. */
  private readStatement(event: RawStatement, transaction: Transaction): void {
    try {
      this.context.statement(readStatement(event, this.context.charsets), transaction);
    } catch (error) {
      if (!(error instanceof CharsetNotLoaded)) throw error;
      this.hold(async () => {
        await this.context.loadCharset(error.charset);
        this.readStatement(event, transaction);
      });
    }
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
    transaction.branch = branch.place;
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
            if (isFetch(row)) await this.events.fetch(table, row, transaction);
            else this.events.send({ ...row, owner: transaction }, transaction);
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
}
