import type { NewTableRecord, RowsDealtWith, TableRecord, TableStore, XaStore } from './task-store.js';
import type { Destinations } from './destinations.js';
import { stepOf, type TableStep } from './table-state.js';

/**
 * The records of a task's tables while it runs: the one owner of what is stored of them. Everybody reads them here, and
 * changes them by steps on what they are now, never by saving a copy: a copy that is saved late brings back what is over.
 */
export class TableRecords {
  private readonly known = new Map<string, TableRecord>();
  private closed = false;

  /** `destinations`: null for steps that have nothing to do with these. */
  constructor(
    private readonly store: TableStore & Pick<XaStore, 'transaction'>,
    private readonly destinations: Destinations | null = null,
  ) {
    for (const record of store.tables()) this.known.set(record.source, record);
  }

  get all(): TableRecord[] {
    return [...this.known.values()];
  }

  /** undefined: the table is gone. */
  find(source: string): TableRecord | undefined {
    return this.known.get(source);
  }

  /** As find(), of a table that is surely there. */
  get(source: string): TableRecord {
    const record = this.known.get(source);
    if (!record) throw new Error(`${source} has no record`);
    return record;
  }

  /** The table begins, or begins anew: no step that was meant for it before means it any more. */
  begin(record: NewTableRecord): TableRecord {
    return this.store.transaction(() => this.know(this.store.beginTable(record)));
  }

  /**
   * A step of the table's life, of that one when `life` is given: false when that life is over, the table is gone, or
   * the step comes too late, or after close(). Throws when the step has no place there, or somebody else changed the record meanwhile.
   */
  step(source: string, step: TableStep, life?: string): boolean {
    const record = this.known.get(source);
    if (this.closed || !record || (life !== undefined && record.life !== life)) return false;
    const changes = stepOf(record, step);
    if (!changes) return false;
    const { rows, kept, droppedRows } = record;
    this.store.transaction(() =>
      this.know(this.store.changeTable(record, { ...changes, rows, kept, droppedRows })),
    );
    return true;
  }

  /** Rows that the load dealt with, in memory: they are stored with the next step. */
  count(source: string, { rows, kept, dropped }: RowsDealtWith): void {
    const record = this.known.get(source);
    // It may have been taken out of the task meanwhile.
    if (!record) return;
    const { droppedRows = 0 } = record;
    this.recount(source, {
      rows: record.rows + rows,
      kept: record.kept + kept,
      dropped: droppedRows + dropped,
    });
  }

  /** As count(), from the start. */
  recount(source: string, { rows, kept, dropped }: RowsDealtWith): void {
    this.known.set(source, { ...this.get(source), rows, kept, droppedRows: dropped });
  }

  /** Rows that the loads of the tables have written, each in its present life. */
  get loadedRows(): number {
    let sum = 0;
    for (const { rows } of this.known.values()) sum += rows;
    return sum;
  }

  /** The run is over, and the next may begin: whatever of this one comes late changes nothing. */
  close(): void {
    this.closed = true;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  remove(source: string): void {
    this.store.removeTable(source);
    this.known.delete(source);
  }

  /** What a table that comes to this destination has from those before it. */
  inherited(destination: string): ReturnType<Destinations['inherited']> {
    return this.destinations?.inherited(destination) ?? { created: false };
  }

  private know(record: TableRecord): TableRecord {
    this.destinations?.learn(record);
    this.known.set(record.source, record);
    return record;
  }
}
