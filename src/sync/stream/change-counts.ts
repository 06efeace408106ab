import type { RowChange } from '../../tablestore/client/model.js';
import { changeKinds } from '../state/checkpoint.js';
import type { TableChanges, TaskProgress } from '../state/task-store.js';

const none: TableChanges = { inserted: 0, updated: 0, deleted: 0 };

/** What a written change is counted as. */
export interface Figure {
  readonly source: string | undefined;
  readonly field: keyof TableChanges;
}

/** Rows of the incremental that are at the destination, in all and by table. */
export class ChangeCounts {
  private readonly byTable: Map<string, TableChanges>;
  private readonly figures = new Map<string, Figure>();

  constructor(private readonly progress: TaskProgress) {
    this.byTable = new Map(Object.entries(progress.changes ?? {}));
  }

  of(source: string): TableChanges {
    return this.byTable.get(source) ?? none;
  }

  all(): Record<string, TableChanges> {
    return Object.fromEntries(this.byTable);
  }

  /** `source`: the table, where it is known still. null: nothing of its own, as the delete half of a key change. */
  add(change: RowChange, source: string | undefined): Figure | null {
    const field = ([undefined, 'inserted', 'updated', 'deleted'] as const)[
      change.tag === changeKinds.extra ? 0 : change.tag + 1
    ];
    if (source !== undefined && !this.byTable.has(source)) this.byTable.set(source, { ...none });
    if (!field) return null;
    this.progress.rows[field]++;
    const changes = source === undefined ? undefined : this.byTable.get(source);
    if (changes) changes[field]++;
    const name = `${field} ${source}`;
    let figure = this.figures.get(name);
    if (!figure) this.figures.set(name, (figure = { source, field }));
    return figure;
  }

  take({ source, field }: Figure, times: number): void {
    this.progress.rows[field] -= times;
    const changes = source === undefined ? undefined : this.byTable.get(source);
    if (changes) changes[field] -= times;
  }
}
