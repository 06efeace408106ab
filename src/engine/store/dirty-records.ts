import type { DirtyFilter, DirtyPage, DirtyRecord } from '../../shared/workbench-api.js';
import { errorCodes, type ErrorCode } from '../../shared/errors.js';
import type { DirtyDecision } from '../../sync/store.js';
import type { Database } from './database.js';

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

/** Dirty records as people look at them and decide on them. */
export class DirtyRecords {
  constructor(
    private readonly database: Database,
    private readonly task: string,
  ) {}

  page(filter: DirtyFilter, page: { offset: number; limit: number }): DirtyPage {
    const { where, values } = this.#where(filter);
    const total =
      this.database.get<{ n: number }>(`SELECT COUNT(*) AS n FROM dirty WHERE ${where}`, ...values)?.n ?? 0;
    const records = this.database
      .all<Row>(
        `SELECT * FROM dirty WHERE ${where} ORDER BY id LIMIT ? OFFSET ?`,
        ...values,
        page.limit,
        page.offset,
      )
      .map(toRecord);
    return { total, records };
  }

  /** Kept with the record's identity, and applied when the row comes again. Number of records. */
  decide(filter: DirtyFilter, decision: DirtyDecision): number {
    const { where, values } = this.#where(filter);
    return this.database.run(`UPDATE dirty SET decision = ? WHERE ${where}`, decision, ...values).changes;
  }

  /** Out of sight for good; the decision stays for a replay that meets the row again. Number of records. */
  discard(filter: DirtyFilter): number {
    const { where, values } = this.#where(filter);
    return this.database.run(
      `UPDATE dirty SET decision = 'skip', discarded = 1, source_row = '{}', cells = '{}' WHERE ${where}`,
      ...values,
    ).changes;
  }

  /** As if they had never been made: the next run tries these rows again. Number of records. */
  remove(filter: DirtyFilter): number {
    const { where, values } = this.#where(filter);
    return this.database.run(`DELETE FROM dirty WHERE ${where}`, ...values).changes;
  }

  /** Records of "skip" that are too old, or too many: the oldest go first. Those that hold a checkpoint stay. */
  prune(limits: { keepDays: number; maxMegabytes: number }, nowMs: number): number {
    return this.database.transaction(() => {
      let removed = this.database.run(
        'DELETE FROM dirty WHERE task = ? AND at_ms < ?',
        this.task,
        nowMs - limits.keepDays * 86_400_000,
      ).changes;
      const size = () =>
        this.database.get<{ n: number | null }>(
          'SELECT SUM(LENGTH(source_row) + LENGTH(cells) + LENGTH(key) + LENGTH(message) + 200) AS n FROM dirty WHERE task = ?',
          this.task,
        )?.n ?? 0;
      while (size() > limits.maxMegabytes * 1_000_000) {
        const { changes } = this.database.run(
          'DELETE FROM dirty WHERE id IN (SELECT id FROM dirty WHERE task = ? ORDER BY id LIMIT 100)',
          this.task,
        );
        if (changes === 0) break;
        removed += changes;
      }
      return removed;
    });
  }

  #where(filter: DirtyFilter): { where: string; values: (string | number)[] } {
    const parts = ['task = ?', 'discarded = 0'];
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
      add(`id IN (${filter.ids.map(() => '?').join(', ') || 'NULL'})`, ...filter.ids.map(Number));
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
