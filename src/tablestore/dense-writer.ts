/**
 * Writes dense batches: the rows of a full load, which need no queue because nothing else writes their keys.
 * The way in is TablestoreWriter.writeBatch.
 */
import {
  DenseSlice,
  Selection,
  operationTypes,
  rowOverheadBytes,
  type BatchMode,
  type RequestRows,
} from './batch.js';
import { keyOf, matches } from './compose.js';
import type { Courier, LateRow } from './delivery.js';
import { maximumBodyBytes, type RowError } from './limits.js';
import type { RowChange, RowCondition } from './model.js';
import type { RateLimiter } from './throttle.js';
import type { DenseRows } from './wire/row-writer.js';

export interface BatchOptions {
  op?: RowChange['op'];
  /** 'not-exist' keeps rows that are there (conflict "ignore"); sent by BatchWriteRow, as BulkImport has no condition. */
  condition?: RowCondition;
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

export class DenseWriter {
  constructor(
    private readonly courier: Courier,
    private readonly limiter: RateLimiter,
    private readonly late: (table: string, rows: LateRows) => void,
  ) {}

  /** Throws what Courier.deliver throws. */
  async write(
    preferred: BatchMode,
    table: string,
    rows: DenseRows,
    options: BatchOptions = {},
  ): Promise<BatchResult> {
    const { op = 'put', condition = 'ignore' } = options;
    const mode = condition === 'ignore' ? preferred : 'batch-write';
    const parts = await Promise.all(
      this.cut(rows).map(async ([from, to]) => {
        const slice = new SliceWrite(this.courier, mode, table, rows, from, to, op, condition);
        const part = await slice.run(this.limiter);
        const late = slice.late();
        if (late !== undefined) this.late(table, late);
        return part;
      }),
    );
    return {
      written: parts.reduce((sum, part) => sum + part.written, 0),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      kept: parts.reduce((sum, part) => sum + part.kept, 0),
      rejected: parts.flatMap((part) => part.rejected),
    };
  }

  /** Cuts rows into requests that keep every limit of the service and of the throttle. */
  private cut(rows: DenseRows): [from: number, to: number][] {
    const { batchRows, batchBytes } = this.limiter;
    const slices: [number, number][] = [];
    let from = 0;
    let data = 0;
    let body = 0;
    for (let i = 0; i < rows.count; i++) {
      const rowBody = rows.ends[i]! - (i === 0 ? 0 : rows.ends[i - 1]!) + rowOverheadBytes;
      const rowData = rows.dataBytes[i]!;
      const full = i - from >= batchRows || data + rowData > batchBytes || body + rowBody > maximumBodyBytes;
      if (full && i > from) {
        slices.push([from, i]);
        from = i;
        data = body = 0;
      }
      data += rowData;
      body += rowBody;
    }
    if (rows.count > from) slices.push([from, rows.count]);
    return slices;
  }
}

/** One request's worth of rows on its way. */
class SliceWrite {
  private readonly slice: DenseSlice;
  /** Rows not written, by their place in the slice. */
  private readonly rejected = new Map<number, RowError>();
  private readonly unmet = new Set<number>();
  private readonly doubtful = new Set<number>();
  private lateUntilMs = 0;

  constructor(
    private readonly courier: Courier,
    private readonly mode: BatchMode,
    private readonly table: string,
    private readonly rows: DenseRows,
    private readonly from: number,
    to: number,
    private readonly op: RowChange['op'],
    private readonly condition: RowCondition,
  ) {
    this.slice = new DenseSlice(rows, from, to, operationTypes[op], condition);
  }

  async run(limiter: RateLimiter): Promise<BatchResult> {
    await this.deliver(this.slice, (i) => i, limiter);
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

  private async deliver(
    rows: RequestRows,
    place: (index: number) => number,
    limiter: RateLimiter | undefined,
  ): Promise<void> {
    let bytes = 0;
    for (let i = 0; i < rows.count; i++) bytes += this.dataBytes(place(i));
    const delivery = await this.courier.deliver(this.mode, this.table, rows, bytes, limiter);
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
      await this.deliver(new Selection(rows, [index]), () => place(index), undefined);
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
    const there = await this.courier.readBack(this.table, rows);
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
