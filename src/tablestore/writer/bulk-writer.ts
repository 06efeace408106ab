/**
 * Writes row batches: the rows of a full load, which need no queue because nothing else writes their keys.
 * The way in is TablestoreWriter.writeBatch.
 */
import {
  BatchSlice,
  Selection,
  operationTypes,
  rowOverheadBytes,
  type BatchMode,
  type RequestRows,
} from './batch.js';
import { keyOf, matches } from './compose.js';
import type { BatchSender, LateRow } from './sender.js';
import { maximumBodyBytes, type RowError } from '../client/limits.js';
import type { RowChange, RowCondition } from '../client/model.js';
import type { RateLimiter } from './throttle.js';
import type { RowBatch } from '../wire/row-writer.js';

export interface BatchOptions {
  op?: RowChange['op'];
  /** 'not-exist' keeps rows that are there (conflict "ignore"); sent by BatchWriteRow, as BulkImport has no condition. */
  condition?: RowCondition;
  /** Told as parts of the batch come through, before the whole of it has. */
  progress?: (written: number, kept: number) => void;
}

export interface BatchResult {
  written: number;
  /** Data bytes of the rows written. */
  bytes: number;
  /** Rows whose condition did not hold: the destination keeps its own. */
  kept: number;
  /** Rows refused for good, by their place in the batch. */
  rejected: { index: number; error: RowError }[];
}

/** Rows that were written, but of which an earlier try may still be carried out. */
export interface LateRows {
  readonly mode: BatchMode;
  readonly rows: readonly LateRow[];
  readonly untilMs: number;
}

export class BulkWriter {
  /** Batches go one behind the other, so that under a throttle each comes to its end as early as can be. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly sender: BatchSender,
    private readonly limiter: RateLimiter,
    private readonly late: (table: string, rows: LateRows) => void,
  ) {}

  /** Throws what BatchSender.deliver throws. */
  async write(
    preferred: BatchMode,
    table: string,
    rows: RowBatch,
    options: BatchOptions = {},
  ): Promise<BatchResult> {
    const { op = 'put', condition = 'ignore', progress } = options;
    const mode = condition === 'ignore' ? preferred : 'batch-write';
    const before = this.turn;
    let passOn!: () => void;
    this.turn = new Promise((resolve) => (passOn = resolve));
    await before;
    const writing: Promise<BatchResult>[] = [];
    try {
      for (let from = 0; from < rows.count;) {
        let to = from;
        const granted = await this.limiter.take(() => {
          const cut = this.cut(rows, from);
          to = cut.to;
          return { rows: to - from, bytes: cut.dataBytes };
        });
        if (!granted) this.sender.assertOpen();
        if (to === from) continue;
        const slice = this.writeSlice(
          new SliceWrite(this.sender, mode, table, rows, from, to, op, condition),
          progress,
        );
        // It may fail while the next one still waits for its turn.
        slice.catch(() => undefined);
        writing.push(slice);
        from = to;
      }
    } finally {
      passOn();
    }
    const parts = await Promise.all(writing);
    return {
      written: parts.reduce((sum, part) => sum + part.written, 0),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      kept: parts.reduce((sum, part) => sum + part.kept, 0),
      rejected: parts.flatMap((part) => part.rejected),
    };
  }

  private async writeSlice(slice: SliceWrite, progress: BatchOptions['progress']): Promise<BatchResult> {
    const part = await slice.run();
    progress?.(part.written, part.kept);
    const late = slice.late();
    if (late !== undefined) this.late(slice.table, late);
    return part;
  }

  /** The end of a request that begins at `from` and keeps every limit of the service and of the throttle. */
  private cut(rows: RowBatch, from: number): { to: number; dataBytes: number } {
    const { batchRows, batchBytes } = this.limiter;
    let dataBytes = 0;
    let body = 0;
    let to = from;
    for (; to < rows.count && to - from < batchRows; to++) {
      const rowBody = rows.ends[to]! - (to === 0 ? 0 : rows.ends[to - 1]!) + rowOverheadBytes;
      const rowData = rows.dataBytes[to]!;
      const isFull = dataBytes + rowData > batchBytes || body + rowBody > maximumBodyBytes;
      if (isFull && to > from) break;
      dataBytes += rowData;
      body += rowBody;
    }
    return { to, dataBytes };
  }
}

/** One request's worth of rows on its way. */
class SliceWrite {
  private readonly slice: BatchSlice;
  /** Rows not written, by their place in the slice. */
  private readonly rejected = new Map<number, RowError>();
  private readonly unmet = new Set<number>();
  private readonly doubtful = new Set<number>();
  private lateUntilMs = 0;

  constructor(
    private readonly sender: BatchSender,
    private readonly mode: BatchMode,
    readonly table: string,
    private readonly rows: RowBatch,
    private readonly from: number,
    to: number,
    private readonly op: RowChange['op'],
    private readonly condition: RowCondition,
  ) {
    this.slice = new BatchSlice(rows, from, to, operationTypes[op], condition);
  }

  async run(): Promise<BatchResult> {
    await this.deliver(this.slice, (i) => i);
    await this.checkUnmet();
    let bytes = 0;
    for (let i = 0; i < this.slice.count; i++) {
      if (!this.rejected.has(i) && !this.unmet.has(i)) bytes += this.dataBytes(i);
    }
    return {
      written: this.slice.count - this.rejected.size - this.unmet.size,
      bytes,
      kept: this.unmet.size,
      rejected: [...this.rejected].map(([i, error]) => ({ index: this.from + i, error })),
    };
  }

  private async deliver(rows: RequestRows, place: (index: number) => number): Promise<void> {
    const delivery = await this.sender.deliver(this.mode, this.table, rows);
    this.lateUntilMs = Math.max(this.lateUntilMs, delivery.lateUntilMs);
    for (const index of delivery.doubtful) this.doubtful.add(place(index));
    for (const { index, kind, code, message } of delivery.failures) {
      if (kind === 'condition') this.unmet.add(place(index));
      else this.rejected.set(place(index), { code, message });
    }
    if (delivery.refused === undefined) return;
    const { error, indexes } = delivery.refused;
    if (indexes.length === 1) {
      this.rejected.set(place(indexes[0]!), { code: error.service, message: error.message });
      return;
    }
    // One of several is bad: each is sent alone, so that only the bad one is refused.
    for (const index of indexes) {
      await this.deliver(new Selection(rows, [index]), () => place(index));
    }
  }

  /** What rule 10 is to watch. */
  late(): LateRows | undefined {
    const rows = [...this.doubtful].filter((i) => !this.rejected.has(i) && !this.unmet.has(i));
    if (rows.length === 0) return undefined;
    return { mode: this.mode, rows: rows.map((i) => this.lateRow(i)), untilMs: this.lateUntilMs };
  }

  /** A condition that failed on the second try may have been met by the first: then the row there is ours. */
  private async checkUnmet(): Promise<void> {
    const unmet = [...this.unmet].filter((i) => this.doubtful.has(i));
    if (unmet.length === 0) return;
    const rows = unmet.map((i) => this.lateRow(i));
    const there = await this.sender.readBack(this.table, rows);
    unmet.forEach((i, n) => {
      if (matches(rows[n]!.key, rows[n]!, there[n]!)) this.unmet.delete(i);
    });
  }

  private lateRow(i: number): LateRow {
    const row = Buffer.allocUnsafe(this.slice.size(i));
    this.slice.copy(i, row, 0);
    return { key: keyOf(row), op: this.op, row, dataBytes: this.dataBytes(i), condition: this.condition };
  }

  private dataBytes(i: number): number {
    return this.rows.dataBytes[this.from + i]!;
  }
}
