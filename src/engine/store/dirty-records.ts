import type { DirtyFilter, DirtyPage, DirtyRecord } from '../../shared/task-control-api.js';
import { errorCodes, type ErrorCode } from '../../shared/errors.js';
import type { RowLocator } from '../../sync/mapping/locator.js';
import type { RetriedOutcome } from '../../sync/dirty/retry.js';
import type { DirtyDecision } from '../../sync/state/task-store.js';
import type { Database } from './database.js';
import { PendingDirty } from './pending-dirty.js';

/** A record as a retry takes it up. */
export interface DirtyRowRecord {
  id: number;
  source: string;
  operation: DirtyRecord['operation'];
  position: DirtyRecord['position'];
  locator: RowLocator | null;
  /** The checkpoint waits for a decision on it. */
  holds: boolean;
}

/** Neither out of sight for good nor written. */
export const isOpen = "discarded = 0 AND decision IS NOT 'retry'";

interface Row {
  id: number;
  source: string;
  destination: string;
  operation: DirtyRecord['operation'];
  key: string;
  code: string;
  message: string;
  position: string | null;
  source_row: string;
  cells: string;
  at_ms: number;
}

/**
 * Dirty records as people look at them and decide on them. One whose row was written is none any more, though it is kept
 * for as long as the checkpoint stands before it.
 */
export class DirtyRecords {
  readonly #pending: PendingDirty;

  constructor(
    private readonly stored: Database,
    private readonly task: string,
  ) {
    this.#pending = PendingDirty.of(stored, task);
  }

  /** With all records of the task in it. */
  private get database(): Database {
    this.#pending.store();
    return this.stored;
  }

  page(filter: DirtyFilter, page: { offset: number; limit: number }): DirtyPage {
    const { where, values } = this.#where(filter);
    const total = this.count(filter);
    const records = this.database
      .all<Row>(
        // What is passed over is passed over in the index: the records themselves are wide.
        `SELECT * FROM dirty WHERE id IN (SELECT id FROM dirty WHERE ${where} ORDER BY id LIMIT ? OFFSET ?) ORDER BY id`,
        ...values,
        page.limit,
        page.offset,
      )
      .map(toRecord);
    const codes = this.database
      .all<{ code: string }>(
        'SELECT DISTINCT code FROM dirty_figure WHERE task = ? AND open > 0 ORDER BY code',
        this.task,
      )
      .map(({ code }) => code);
    return { total, codes, records };
  }

  count(filter: DirtyFilter): number {
    const { source, code, sinceMs, untilMs, ids } = filter;
    if (sinceMs === undefined && untilMs === undefined && ids === undefined) {
      // Triggers keep count of these.
      const row = this.database.get<{ n: number | null }>(
        'SELECT SUM(open) AS n FROM dirty_figure WHERE task = ? AND source = coalesce(?, source) AND code = coalesce(?, code)',
        this.task,
        source ?? null,
        code ?? null,
      );
      return row?.n ?? 0;
    }
    const { where, values } = this.#where(filter);
    return this.database.get<{ n: number }>(`SELECT COUNT(*) AS n FROM dirty WHERE ${where}`, ...values)!.n;
  }

  /** What a retry needs of the records, oldest first, at most `limit` behind the id `after`. */
  rows(filter: DirtyFilter, after: number, limit: number): DirtyRowRecord[] {
    const { where, values } = this.#where(filter);
    return this.database
      .all<Pick<Row, 'id' | 'source' | 'operation' | 'position'> & { locator: string | null; holds: number }>(
        `SELECT id, source, operation, position, locator, holds FROM dirty WHERE ${where} AND id > ? ORDER BY id LIMIT ?`,
        ...values,
        after,
        limit,
      )
      .map((row) => ({
        id: row.id,
        source: row.source,
        operation: row.operation,
        position: row.position === null ? null : (JSON.parse(row.position) as DirtyRecord['position']),
        locator: row.locator === null ? null : (JSON.parse(row.locator) as DirtyRowRecord['locator']),
        holds: row.holds === 1,
      }));
  }

  /** The newest of those that are there now; 0: there are none. */
  newest(filter: DirtyFilter): number {
    const { where, values } = this.#where(filter);
    return (
      this.database.get<{ id: number | null }>(`SELECT MAX(id) AS id FROM dirty WHERE ${where}`, ...values)
        ?.id ?? 0
    );
  }

  /** The oldest record that the checkpoint waits for, and that nobody has decided on. */
  firstUndecided(): { source: string; message: string } | undefined {
    return this.database.get(
      'SELECT source, message FROM dirty WHERE task = ? AND holds = 1 AND decision IS NULL ORDER BY id LIMIT 1',
      this.task,
    );
  }

  /** Kept with the record's identity, and applied when the row comes again. Number of records. */
  decide(filter: DirtyFilter, decision: DirtyDecision): number {
    const { where, values } = this.#where(filter);
    return this.database.run(`UPDATE dirty SET decision = ? WHERE ${where}`, decision, ...values).changes;
  }

  /** Out of sight for good; where the checkpoint waits, the decision stays for the replay. Number of records. */
  discard(filter: DirtyFilter): number {
    const { where, values } = this.#where(filter);
    return this.database.transaction(() => {
      const held = this.database.run(
        `UPDATE dirty SET decision = 'skip', discarded = 1, source_row = '{}', cells = '{}', locator = NULL
         WHERE ${where} AND holds = 1`,
        ...values,
      ).changes;
      return held + this.database.run(`DELETE FROM dirty WHERE ${where}`, ...values).changes;
    });
  }

  /** What became of records that were tried again, in one transaction. */
  triedAnew(outcomes: readonly RetriedOutcome[]): void {
    const { database, task } = this;
    database.transaction(() => {
      for (const { id, problem } of outcomes) {
        if (problem) {
          const { code, message } = problem;
          database.run(
            'UPDATE dirty SET code = ?, message = ? WHERE task = ? AND id = ?',
            code,
            message,
            task,
            id,
          );
          continue;
        }
        // A record that holds the checkpoint stays until the replay has passed it.
        database.run("UPDATE dirty SET decision = 'retry' WHERE task = ? AND id = ? AND holds = 1", task, id);
        database.run('DELETE FROM dirty WHERE task = ? AND id = ? AND holds = 0', task, id);
      }
    });
  }

  #where(filter: DirtyFilter): { where: string; values: (string | number)[] } {
    const parts = ['task = ?', isOpen];
    const values: (string | number)[] = [this.task];
    const add = (sql: string, ...more: (string | number)[]) => {
      parts.push(sql);
      values.push(...more);
    };
    if (filter.source !== undefined) add('source = ?', filter.source);
    if (filter.code !== undefined) add('code = ?', filter.code);
    if (filter.sinceMs !== undefined) add('at_ms >= ?', filter.sinceMs);
    if (filter.untilMs !== undefined) add('at_ms <= ?', filter.untilMs);
    if (filter.ids !== undefined) {
      // One value, whatever their number: SQLite takes only so many.
      add('id IN (SELECT value FROM json_each(?))', JSON.stringify(filter.ids.map(Number)));
    }
    return { where: parts.join(' AND '), values };
  }
}

function toRecord(row: Row): DirtyRecord {
  const known = Object.hasOwn(errorCodes, row.code) ? errorCodes[row.code as ErrorCode] : undefined;
  return {
    id: String(row.id),
    atMs: row.at_ms,
    source: row.source,
    destination: row.destination,
    operation: row.operation,
    key: row.key,
    error: { code: row.code, message: row.message, remedy: (known ?? errorCodes['ROW-V103']).remedy },
    position: row.position === null ? null : (JSON.parse(row.position) as DirtyRecord['position']),
    sourceRow: JSON.parse(row.source_row) as DirtyRecord['sourceRow'],
    cells: JSON.parse(row.cells) as DirtyRecord['cells'],
  };
}
