import { ByteWriter } from '../base/byte-writer.js';
import { noSuchTable, OtsError } from '../base/errors.js';
import { Faults } from '../base/faults.js';
import { LocalTransactions } from '../storage/local-transactions.js';
import type { Store, Table } from '../storage/store.js';

/** Behaviour of the service that costs time or refuses requests; everything is off unless asked for. */
export interface ServiceLimits {
  /** Tables an instance may have (64 in the service). */
  tables?: number;
  /** Table operations a second (10 in the service). */
  tableOperationsPerSecond?: number;
  /** For how long a new table answers OTSTableNotReady. */
  tableNotReadyMs?: number;
  /** Seconds between two changes of a table's reserved throughput (120 in the service). */
  throughputChangeSeconds?: number;
  /** Rows a second and table that are written; more fail with OTSNotEnoughCapacityUnit. */
  rowsPerSecond?: number;
  /** Two changes of one key in a BatchWriteRow: refused unless 'allow', since what the service does is not certain. */
  repeatedKeys?: 'reject' | 'allow';
}

/** The switches as the service has them (docs/tablestore.md §3). */
export const serviceLimits: ServiceLimits = {
  tables: 64,
  tableOperationsPerSecond: 10,
  tableNotReadyMs: 3000,
  throughputChangeSeconds: 120,
};

/** What the handlers of the operations share. */
export class Service {
  readonly transactions: LocalTransactions;
  /** Memory for encoded keys and rows of the request at hand. */
  readonly arena = new ByteWriter(1 << 20);
  /** False once the store is closed: what was to be applied late is dropped. */
  open = true;
  private readonly readyAtMs = new Map<Table, number>();
  private readonly recentTableOperations: number[] = [];
  private readonly rowBudget = new Map<Table, { tokens: number; atMs: number }>();

  constructor(
    readonly store: Store,
    /** The switches in force; replaced as a whole. */
    public limits: ServiceLimits,
    readonly discard: boolean,
    readonly faults: Faults = new Faults([]),
    readonly now: () => number = Date.now,
  ) {
    this.transactions = new LocalTransactions(store);
  }

  /** Makes the memory of the last request free for the next one. */
  beginRequest(): void {
    this.arena.reset();
  }

  /** @throws OtsError when there is no such table, or it is not ready yet. */
  table(name: string): Table {
    const table = this.store.tables.get(name);
    if (!table) throw noSuchTable();
    const readyAt = this.readyAtMs.get(table);
    if (readyAt !== undefined) {
      if (this.now() < readyAt) throw new OtsError('OTSTableNotReady', 'The table is not ready.');
      this.readyAtMs.delete(table);
    }
    return table;
  }

  created(table: Table): void {
    const { tableNotReadyMs } = this.limits;
    if (tableNotReadyMs) this.readyAtMs.set(table, this.now() + tableNotReadyMs);
  }

  /** Counts a table operation. @throws OtsError when there were too many within the last second. */
  countTableOperation(): void {
    const { tableOperationsPerSecond } = this.limits;
    if (!tableOperationsPerSecond) return;
    const now = this.now();
    const recent = this.recentTableOperations;
    while (recent.length > 0 && recent[0]! <= now - 1000) recent.shift();
    if (recent.length >= tableOperationsPerSecond) {
      throw new OtsError('OTSQuotaExhausted', 'Too frequent table operations.');
    }
    recent.push(now);
  }

  /** Takes one row out of the table's budget. @throws OtsError when this second's rows are used up. */
  countRow(table: Table): void {
    const { rowsPerSecond } = this.limits;
    if (!rowsPerSecond) return;
    const now = this.now();
    let budget = this.rowBudget.get(table);
    if (!budget) this.rowBudget.set(table, (budget = { tokens: rowsPerSecond, atMs: now }));
    budget.tokens = Math.min(rowsPerSecond, budget.tokens + ((now - budget.atMs) / 1000) * rowsPerSecond);
    budget.atMs = now;
    if (budget.tokens < 1) {
      throw new OtsError('OTSNotEnoughCapacityUnit', 'Remaining capacity unit is not enough.');
    }
    budget.tokens--;
  }
}
