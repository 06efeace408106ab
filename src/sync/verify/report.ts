import { RowferryError, type ErrorCode, type PlainError } from '../../shared/errors.js';
import type { VerifyReport, VerifyTable } from '../../shared/verify-report.js';
import { LostTable } from '../../tablestore/writer/lost-table.js';

/** Nothing was found of it yet. */
export function emptyTable(source: string, destination: string): VerifyTable {
  return {
    source,
    destination,
    compared: 0,
    missing: 0,
    extra: 0,
    different: 0,
    duplicate: 0,
    suspended: 0,
    kept: 0,
    dirty: 0,
    notComparable: 0,
    differences: [],
    repaired: 0,
  };
}

/** Rows and keys of a table that count against it. */
export const differingIn = ({ missing, extra, different, duplicate }: VerifyTable): number =>
  missing + extra + different + duplicate;

/** Sums over all tables. `counts`: rows that each side has. */
export function reportOf(
  tables: VerifyTable[],
  counts: { source: number; destination: number },
): VerifyReport {
  const sum = (figure: (table: VerifyTable) => number) =>
    tables.reduce((all, table) => all + figure(table), 0);
  const differing = sum(differingIn);
  const problems = sum(({ problem }) => (problem ? 1 : 0));
  return {
    tables,
    compared: sum(({ compared }) => compared),
    differing,
    repaired: sum(({ repaired }) => repaired),
    problems,
    equal: differing === 0 && problems === 0,
    sourceRows: counts.source,
    destinationRows: counts.destination,
  };
}

/** What says nothing of one table: the others could not be compared either. */
const ofNoTable = new Set<ErrorCode>([
  'ROW-S101',
  'ROW-S102',
  'ROW-S107',
  'ROW-S110',
  'ROW-S112',
  'ROW-S114',
  'ROW-S115',
  'ROW-D101',
  'ROW-D102',
  'ROW-D103',
  'ROW-D109',
  'ROW-E101',
  'ROW-E105',
  'ROW-E111',
]);

/** The problem of one table, so that the others go on. Throws what concerns all of them. */
export function problemOf(error: unknown, source: string, signal: AbortSignal): PlainError {
  signal.throwIfAborted();
  if (!(error instanceof RowferryError) || ofNoTable.has(error.code)) throw error;
  return (error instanceof LostTable ? error.of(source) : error).toPlain();
}
