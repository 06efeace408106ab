import { isOfServer } from '../../mysql/errors.js';
import { RowferryError, type ErrorCode } from '../../shared/errors.js';
import { TablestoreError } from '../../tablestore/client/errors.js';
import { LostTable } from '../../tablestore/writer/lost-table.js';
import { UnknownColumn } from '../etl/values.js';

/**
 * The line between what is wrong with one table and what is wrong with a whole side, with the run or with this process.
 * All work on one table (its plan, its destination table, its load and sweep, what a statement asks for, rows that are
 * read again) runs inside of it: what concerns that table alone stops it with the reason and the way back, and the
 * others go on.
 */

/** Codes that speak of the table that was worked on. Those that may also speak of more are looked at closer. */
const ofTable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ROW-S103', // the account may not read it
  'ROW-S106',
  'ROW-S108',
  'ROW-S109',
  'ROW-S111',
  'ROW-S113',
  'ROW-D104', // an account may be confined to tables
  'ROW-D105',
  'ROW-D106',
  'ROW-D107',
  'ROW-D108',
  'ROW-D109', // the window of one request; the one of the connection is common to all
  'ROW-D110',
  'ROW-T102', // its mapping
  'ROW-T106',
  'ROW-E101', // another task writes its destination table
]);

/**
 * Why a table stops on which work failed so, with what brings it back. null: the error is not about this table, and ends
 * the run as it always did. `signal`: that of the run; once it is aborted every error only tells of that.
 */
export function problemOfTable(error: unknown, source: string, signal: AbortSignal): RowferryError | null {
  if (signal.aborted) return null;
  if (error instanceof UnknownColumn) {
    const remedy = 'Correct the script of the task, or restore the column.';
    return withWayBack(new RowferryError('ROW-T102', error.message, { remedy }), source);
  }
  if (!(error instanceof RowferryError) || !ofTable.has(error.code)) return null;
  if (isOfServer(error)) return null;
  if (error.cause instanceof TablestoreError && error.cause.kind === 'connection') return null;
  return error instanceof LostTable ? error.of(source) : withWayBack(error, source);
}

/** A stopped table comes back when it is loaded anew; what has to be put right before is said by the error. */
export function withWayBack(error: RowferryError, source: string): RowferryError {
  const { code, message, cause } = error;
  const remedy = error.remedy.replace('DB.TABLE', source);
  const way = `rowferry reload TASK --table ${source}`;
  return new RowferryError(code, message, {
    cause,
    remedy: remedy.includes('rowferry reload') ? remedy : `${remedy} Then reload the table: ${way}`,
  });
}

/** Does work on one table; what is wrong with it alone is handed to `stop`. Throws everything else. True: it was done. */
export async function aboutTable(
  { source, signal }: { readonly source: string; readonly signal: AbortSignal },
  work: () => Promise<void>,
  stop: (problem: RowferryError) => void | Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const problem = problemOfTable(error, source, signal);
    if (!problem) throw error;
    await stop(problem);
    return false;
  }
}
