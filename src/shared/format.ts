import type { TableProgress, TaskSnapshot } from './snapshot.js';
import { stoppedTables } from './stopped-tables.js';

/** Numbers, durations and progress in words, the same in tree, status bar and panels. Pure; the locale is the reader's. */

/** Looks up a sentence in the reader's language and fills in {0}, {1} …; vscode.l10n.t and @vscode/l10n's t fit. */
export type Translate = (message: string, ...values: (string | number)[]) => string;

/** Sentences as they stand, for where no language is loaded. */
export const plainWords: Translate = (message, ...values) =>
  message.replace(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)] ?? ''));

export function formatCount(value: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** Three digits at most: 950, 12.3K, 4.56M. */
export function formatShort(value: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

export function formatBytes(bytes: number, locale?: string): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 });
  return `${text.format(value)} ${units[unit]}`;
}

/** Milliseconds in the unit that people would use. */
export function formatDuration(ms: number, t: Translate, locale?: string): string {
  const number = (value: number, digits: number) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  if (ms < 1000) return t('{0} ms', number(ms, 0));
  if (ms < 60_000) return t('{0} s', number(ms / 1000, ms < 10_000 ? 1 : 0));
  if (ms < 3_600_000) return t('{0} min', number(ms / 60_000, ms < 600_000 ? 1 : 0));
  if (ms < 86_400_000) return t('{0} h', number(ms / 3_600_000, 1));
  return t('{0} d', number(ms / 86_400_000, 1));
}

/** Rows of a table that its load is done with, whatever became of them: what progress is told by. */
export function rowsDealtWith({
  rows,
  kept = 0,
  dropped = 0,
  dirty = 0,
}: Pick<TableProgress, 'rows' | 'kept' | 'dropped' | 'dirty'>): number {
  return rows + kept + dropped + dirty;
}

/** Whole percent of its load that a table is through; null while its size is unknown. Estimates lie: never 100. */
export function tablePercent(table: TableProgress): number | null {
  const { estimatedRows } = table;
  return estimatedRows ? Math.min(99, Math.floor((rowsDealtWith(table) * 100) / estimatedRows)) : null;
}

/**
 * Whole percent of the full load, null while the source's estimate is unknown or there is no load. Estimates lie,
 * so that 100 is only said once every table is through; those that have stopped are waited for by nobody.
 */
export function loadPercent(snapshot: Pick<TaskSnapshot, 'tables' | 'phase'>): number | null {
  if (snapshot.phase !== 'full') return null;
  const stopped = new Set(stoppedTables(snapshot));
  if (stopped.size > 0 && stopped.size === snapshot.tables.length) return null;
  let rows = 0;
  let expected = 0;
  let through = true;
  for (const table of snapshot.tables) {
    if (stopped.has(table)) continue;
    const done = table.phase === 'incremental' || table.phase === 'done';
    if (!done) through = false;
    if (table.estimatedRows === null && !done) return null;
    const dealt = rowsDealtWith(table);
    rows += dealt;
    expected += done ? dealt : Math.max(dealt, table.estimatedRows ?? 0);
  }
  if (through && snapshot.tables.length > 0) return 100;
  return expected === 0 ? 0 : Math.min(99, Math.floor((rows * 100) / expected));
}
