/**
 * Brings the rows of one request to Tablestore, however many tries that takes: exactly the rows that failed and may
 * pass are sent again, and what may still arrive late is watched (correctness rule 10).
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  ContentRows,
  Selection,
  writeRows,
  type BatchMode,
  type RequestRows,
  type RowFailure,
} from './batch.js';
import type { TablestoreClient } from '../client/client.js';
import { keyOnly, matches, type RowContent } from './compose.js';
import { TablestoreError, maybeApplied } from '../client/errors.js';
import { lostTable, mayTellOfTable, reading } from './lost-table.js';
import type { RowCondition } from '../client/model.js';
import { readRows } from '../client/read-rows.js';
import type { Retries } from '../client/retry.js';
import type { Semaphore } from './throttle.js';

export interface Delivery {
  /** Rows that were not written: refused for good, or their condition did not hold. */
  readonly failures: readonly RowFailure[];
  /** The request was refused whole, with these rows in it: one of them is bad, and none was written. */
  readonly refused: { readonly error: TablestoreError; readonly indexes: readonly number[] } | undefined;
  /** Rows of which an earlier try may still be carried out, until `lateUntilMs` (ms since the epoch). */
  readonly doubtful: ReadonlySet<number>;
  readonly lateUntilMs: number;
}

export interface DeliverySettings {
  readonly requestTimeoutMs: number;
  /** How long a request that we gave up may still be carried out by the service. */
  readonly lateWriteMs: number;
}

/** A row whose write may be carried out a second time. */
export interface LateRow extends RowContent {
  readonly key: string;
  readonly condition: RowCondition;
}

/** Rewrites of a row that keeps reading back as something else: past this, someone else writes it. */
const rewrites = 3;

export class BatchSender {
  constructor(
    private readonly client: TablestoreClient,
    private readonly permits: Semaphore,
    private readonly retries: Retries,
    private readonly signal: AbortSignal,
    private readonly settings: DeliverySettings,
  ) {}

  private gate: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  /** Deliveries of which something was sent and that are not at their end. */
  onTheWay = 0;

  /** No new request is sent until open(); those in flight come to their end. */
  pause(): void {
    if (this.gate !== undefined) return;
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    this.gate = { opened, open };
  }

  /** Lets everybody go on, who then see whether the signal is aborted. */
  open(): void {
    const { gate } = this;
    this.gate = undefined;
    gate?.open();
  }

  /**
   * @throws LostTable, which leaves none of the rows where it belongs; RowferryError ROW-D109 past the retry window; the
   *   reason of the signal once it is aborted.
   */
  async deliver(mode: BatchMode, table: string, rows: RequestRows): Promise<Delivery> {
    const run = this.retries.begin();
    let isSent = false;
    const sending = () => {
      if (!isSent) this.onTheWay++;
      isSent = true;
    };
    const failures: RowFailure[] = [];
    const doubtful = new Set<number>();
    let lateUntilMs = 0;
    const doubt = (indexes: Iterable<number>) => {
      lateUntilMs = Date.now() + this.settings.lateWriteMs;
      for (const index of indexes) doubtful.add(index);
    };
    let pending: readonly number[] | undefined;
    try {
      for (;;) {
        const request = pending === undefined ? rows : new Selection(rows, pending);
        let open: TablestoreError;
        try {
          const refused = await this.attempt(mode, table, request, sending);
          this.retries.answered();
          const telling = refused.find(({ code }) => mayTellOfTable(code));
          if (telling) await this.assertTable(table, telling.code, request, telling.index);
          const again: number[] = [];
          let last: RowFailure | undefined;
          for (const failure of refused) {
            const index = pending === undefined ? failure.index : pending[failure.index]!;
            if (failure.kind === 'row' || failure.kind === 'condition') failures.push({ ...failure, index });
            else {
              again.push(index);
              last = failure;
              if (maybeApplied(0, failure.code)) doubt([index]);
            }
          }
          if (last === undefined) return { failures, refused: undefined, doubtful, lateUntilMs };
          pending = again;
          open = TablestoreError.fromService(0, last.code, last.message, 'a row');
        } catch (error) {
          if (!(error instanceof TablestoreError)) throw error;
          if (mayTellOfTable(error.service)) await this.assertTable(table, error.service, request, 0);
          const indexes = pending ?? Array.from({ length: rows.count }, (_, i) => i);
          if (error.maybeApplied) doubt(indexes);
          if (error.kind === 'row' || error.kind === 'condition') {
            return { failures, refused: { error, indexes }, doubtful, lateUntilMs };
          }
          open = error;
        }
        await delay(run.failed(open), undefined, { signal: this.signal });
      }
    } finally {
      run.ended();
      if (isSent) this.onTheWay--;
    }
  }

  /**
   * Waits until no earlier try of these rows can be carried out any more, and sees to it that the destination holds
   * them: what reads back otherwise is written again. Rows with a condition are only waited for.
   */
  async settleLate(mode: BatchMode, table: string, rows: readonly LateRow[], untilMs: number): Promise<void> {
    let open = rows.filter((row) => row.condition === 'ignore');
    let until = untilMs;
    for (let round = 0; ; round++) {
      await delay(Math.max(0, until - Date.now()), undefined, { signal: this.signal });
      const there = await this.readBack(table, open);
      open = open.filter((row, i) => !matches(row.key, row, there[i]!));
      if (open.length === 0 || round === rewrites) return;
      const again = new ContentRows(open);
      until = (await this.deliver(mode, table, again)).lateUntilMs;
    }
  }

  /** The rows as they are now, in order; null where there is none. */
  readBack(table: string, rows: readonly { readonly key: string }[]): Promise<(Buffer | null)[]> {
    return reading(table, () =>
      readRows(
        this.client,
        this.retries.windows,
        table,
        rows.map((row) => keyOnly(row.key)),
        { timeoutMs: this.settings.requestTimeoutMs, signal: this.signal },
      ),
    );
  }

  /** Throws LostTable when that is why row `index` was answered so. */
  private async assertTable(table: string, code: string, rows: RequestRows, index: number): Promise<void> {
    const row = Buffer.allocUnsafe(rows.size(index));
    rows.copy(index, row, 0);
    const { windows } = this.retries;
    const lost = await lostTable(this.client, table, code, row, { windows, signal: this.signal });
    if (lost) throw lost;
  }

  private async attempt(
    mode: BatchMode,
    table: string,
    rows: RequestRows,
    sending: () => void,
  ): Promise<RowFailure[]> {
    if (!(await this.permits.acquire())) this.assertOpen();
    try {
      while (this.gate !== undefined) await this.gate.opened;
      this.signal.throwIfAborted();
      sending();
      return await writeRows(this.client, mode, table, rows, {
        timeoutMs: this.settings.requestTimeoutMs,
        signal: this.signal,
      });
    } finally {
      this.permits.release();
    }
  }

  /** For whoever was turned away: throws why. */
  assertOpen(): never {
    this.signal.throwIfAborted();
    throw new Error('closed');
  }
}
