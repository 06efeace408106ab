import type { SourcePosition } from '../../shared/position.js';
import type { ChangeOwner, KeyHold, RowChange } from '../../tablestore/client/model.js';

/** What a change does at the source, told by RowChange.tag, for counting. `extra` is the delete half of a key change. */
export const changeKinds = { insert: 0, update: 1, delete: 2, extra: 3 } as const;

export interface CheckpointEvents {
  /** A change was written; its kind is change.tag. Gives what it counts as, if anything. */
  written(change: RowChange, transaction: Transaction): Counted | null;
  /** So many that were counted come again. */
  uncounted(what: Counted, times: number): void;
  /** Refused for good by the destination. */
  rejected(change: RowChange, error: { code: string; message: string }, transaction: Transaction): void;
}

/** One figure of one table, the same object each time. */
export type Counted = object;

/** The rows of one transaction on their way; it is through when it is sealed and none is outstanding. */
export class Transaction implements ChangeOwner {
  private outstanding = 0;
  /** Just behind it, once it is complete. */
  position: SourcePosition | null = null;
  /** Rows of each table so far: the number of a row is part of its identity, whatever else is selected. */
  private readonly rows = new Map<string, number>();
  /** It was not given to its end; the whole of it comes again. */
  private abandoned = false;
  private readonly counted = new Map<Counted, number>();
  /** Runs in the store transaction of the checkpoint that passes this transaction. */
  readonly onPassed: (() => void)[] = [];
  /** Rows of it were dirty when they were read. */
  hasDirty = false;
  /** It commits an XA branch, whose dirty rows were recorded under this name when it was prepared. */
  branch: string | null = null;
  /** Runs at once when it and everything before it is through. */
  onThrough: (() => void) | undefined;

  constructor(
    private readonly tracker: CheckpointTracker,
    readonly commitMicros: number,
    /** The same whenever it is read again: its GTID, or where it stands in the binlog. */
    readonly name: string,
    /** The place just before it, as far as the stream knows. */
    readonly begins: SourcePosition | null = null,
  ) {}

  /** The number of the next row of a table. */
  nextRow(source: string): number {
    const number = this.rows.get(source) ?? 0;
    this.rows.set(source, number + 1);
    return number;
  }

  /** A row of it is on its way: it is not through before settled() is called for it, or its change has an answer. */
  expect(): void {
    this.outstanding++;
  }

  /** A row that was expected is at its end, with no change sent for it. */
  settled(): void {
    this.outstanding--;
    this.tracker.advance();
  }

  acknowledged(change: RowChange): void {
    // What comes again is counted then (correctness rule 15).
    if (!this.abandoned) {
      const what = this.tracker.events.written(change, this);
      if (what) this.counted.set(what, (this.counted.get(what) ?? 0) + 1);
    }
    this.settled();
  }

  rejected(change: RowChange, error: { code: string; message: string }, _hold: () => KeyHold): void {
    this.tracker.events.rejected(change, error, this);
    this.settled();
  }

  abandon(): void {
    this.abandoned = true;
    for (const [what, times] of this.counted) this.tracker.events.uncounted(what, times);
    this.counted.clear();
    this.tracker.advance();
  }

  /** Neither it nor anything behind it may be passed any more. */
  freeze(): void {
    this.tracker.freeze();
  }

  /** Nothing of it is on its way any more, and nothing more will come. */
  get isThrough(): boolean {
    return this.outstanding === 0 && (this.abandoned || this.position !== null);
  }

  /** The transaction is complete; `position` is just behind it. */
  seal(position: SourcePosition): void {
    this.position = position;
    this.tracker.sealed = position;
    this.tracker.advance();
  }
}

/**
 * The checkpoint is the lowest position whose every earlier row is acknowledged or recorded (architecture,
 * decision 5). Transactions are kept in stream order; only complete ones at the head move it. A huge transaction
 * streams through: it is a counter, not a list of rows.
 */
export class CheckpointTracker {
  private queue: Transaction[] = [];
  private head = 0;
  private passed: (() => void)[] = [];
  /** Set when a row was refused in block mode: nothing at or behind that row may be passed any more. */
  private frozen = false;
  /** End of the last transaction that the stream gave. */
  sealed: SourcePosition;

  constructor(
    public position: SourcePosition,
    readonly events: CheckpointEvents,
  ) {
    this.sealed = position;
  }

  begin(commitMicros: number, name: string): Transaction {
    const transaction = new Transaction(this, commitMicros, name, this.sealed);
    this.queue.push(transaction);
    return transaction;
  }

  /** Nothing happened up to `position`: it counts when everything before it is through. */
  heartbeat(position: SourcePosition): void {
    const mark = new Transaction(this, 0, '');
    this.queue.push(mark);
    mark.seal(position);
  }

  freeze(): void {
    this.frozen = true;
  }

  /** Nothing that comes from now on is passed before the function that it gives is called. */
  barrier(): () => void {
    const mark = this.begin(0, '');
    mark.expect();
    mark.abandon();
    return () => mark.settled();
  }

  /** Commit time of the oldest transaction that is not through, µs; null when all are. */
  get oldestMicros(): number | null {
    for (let i = this.head; i < this.queue.length; i++) {
      if (this.queue[i]!.commitMicros > 0) return this.queue[i]!.commitMicros;
    }
    return null;
  }

  get isIdle(): boolean {
    return this.head === this.queue.length;
  }

  advance(): void {
    if (this.frozen) return;
    let moved = false;
    for (; this.head < this.queue.length; this.head++, moved = true) {
      const first = this.queue[this.head]!;
      if (!first.isThrough) break;
      if (first.position === null) continue;
      this.position = {
        ...first.position,
        ...(first.commitMicros > 0
          ? { commitMicros: first.commitMicros }
          : this.position.commitMicros !== undefined && { commitMicros: this.position.commitMicros }),
      };
      this.passed.push(...first.onPassed);
      first.onThrough?.();
    }
    if (moved && (this.head > 1024 || this.head === this.queue.length)) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }

  /** What must be stored together with the present position, handed over once. */
  takePassed(): (() => void)[] {
    return this.passed.splice(0);
  }
}
