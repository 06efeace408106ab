import type { VerifyReport, VerifyTable } from '../../shared/protocol.js';

/** Sums over all tables. `counts`: rows that each side has. */
export function reportOf(
  tables: VerifyTable[],
  counts: { source: number; destination: number },
): VerifyReport {
  const sum = (figure: (table: VerifyTable) => number) =>
    tables.reduce((all, table) => all + figure(table), 0);
  const differing = sum(({ missing, extra, different }) => missing + extra + different);
  return {
    tables,
    compared: sum(({ compared }) => compared),
    differing,
    equal: differing === 0,
    sourceRows: counts.source,
    destinationRows: counts.destination,
  };
}
