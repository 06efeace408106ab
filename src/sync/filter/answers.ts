import { RowferryError } from '../../shared/errors.js';
import { UnwritableRow } from '../base/unwritable-row.js';
import type { Filter } from './index.js';
import type { ColumnReader } from './local.js';

/** Is the row in? Or why the filter has no answer for it: that is the row's trouble, and it is dirty. */
export type FilterAnswer = boolean | UnwritableRow;

/**
 * MySQL's numbers of what is wrong with the server, the account or the statement, whatever the row is. Everything else
 * that it answers to a filter is about the values that it was asked about: out of range, no regular expression, no
 * JSON, charsets that do not mix.
 */
const notOfTheRow = new Set([
  1021, 1028, 1030, 1037, 1038, 1041, 1064, 1105, 1114, 1135, 1180, 1205, 1206, 1213, 1290, 1305, 1370, 1436,
  1614, 1836, 1969, 2013, 3024, 3058, 3100, 3572, 3989,
]);

/** Is it the answer of a server that is well, about the values that the statement holds? */
export function isOfValues(error: unknown): error is RowferryError {
  if (!(error instanceof RowferryError) || error.code !== 'ROW-S111') return false;
  const number = (error.cause as { errno?: number } | undefined)?.errno ?? 0;
  return number > 0 && !notOfTheRow.has(number);
}

/**
 * Asks the source whether rows pass the filter. One row that MySQL cannot evaluate it on fails the whole statement:
 * then its halves are asked about by themselves. Throws what `query` throws when it is not about a row.
 */
export async function askSource(
  filter: Filter,
  rows: readonly ColumnReader[],
  hasJsonTable: boolean,
  query: (sql: string) => Promise<{ kept: number | string }[]>,
): Promise<FilterAnswer[]> {
  try {
    const kept = new Set((await query(filter.askSql(rows, hasJsonTable))).map((row) => Number(row.kept)));
    return rows.map((_, i) => kept.has(i + 1));
  } catch (error) {
    if (!isOfValues(error)) throw error;
    if (rows.length === 1) return [unanswered(error)];
  }
  const half = Math.ceil(rows.length / 2);
  const first = await askSource(filter, rows.slice(0, half), hasJsonTable, query);
  return [...first, ...(await askSource(filter, rows.slice(half), hasJsonTable, query))];
}

export function unanswered(error: RowferryError): UnwritableRow {
  const said = (error.cause as { message?: string } | undefined)?.message ?? error.message;
  return new UnwritableRow('ROW-V107', `The filter cannot be evaluated for this row: ${said}`);
}
