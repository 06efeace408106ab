import type { RowFormat } from '../../shared/pages.js';
import { rowJson, type ShownRow } from '../../shared/shown-row.js';
import { csvLine } from './csv.js';

/**
 * Rows as lines of a file. In CSV a column without a value is empty, and a line of names stands in front; rows of
 * Tablestore, which have columns of their own each, are for JSON Lines alone.
 */
export function rowLines(
  format: RowFormat,
  columns: readonly string[],
  rows: readonly ShownRow[],
  { isFirst, isSparse }: { isFirst: boolean; isSparse: boolean },
): string {
  if (format === 'jsonl') return rows.map((row) => `${rowJson(columns, row, isSparse)}\n`).join('');
  const lines = rows.map((row) => csvLine(columns.map((_, i) => row[i] ?? '')));
  // A byte order mark, so that spreadsheets read UTF-8.
  return (isFirst ? [`\ufeff${csvLine(columns)}`, ...lines] : lines).join('');
}
