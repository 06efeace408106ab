/** Rows of the audit that are read at once: about a fifth of a second's, so that the rate is even. */
export function lotRows(rowsPerSecond: number): number {
  return Math.max(1, Math.min(500, Math.round(rowsPerSecond / 5)));
}

/** What Tablestore counts as one read unit, bytes. */
const unitBytes = 4096;

export interface AuditCost {
  /** Of one pass through all rows, both ways. */
  days: number;
  /** Capacity units of reading for one pass. */
  readUnits: number;
  /** The same spread over a day, at the rate. */
  readUnitsPerDay: number;
}

/**
 * What an audit of so many rows costs at a rate. A pass reads each row of the source and looks it up at the destination
 * (one unit for each begun 4 KB), then reads the keys of the destination and looks them up at the source.
 */
export function auditCost(rows: number, averageRowBytes: number, rowsPerSecond: number): AuditCost {
  const days = (2 * rows) / rowsPerSecond / 86_400;
  const keyBytes = 64;
  const readUnits =
    rows * Math.max(1, Math.ceil(averageRowBytes / unitBytes)) + Math.ceil((rows * keyBytes) / unitBytes);
  return { days, readUnits, readUnitsPerDay: days === 0 ? 0 : readUnits / days };
}
