/** Limits of the service (tablestore.md §3). Sizes in bytes. */
export const limits = {
  primaryKeyColumns: 4,
  primaryKeyValueBytes: 1024,
  attributeValueBytes: 2 * 1024 * 1024,
  attributeColumns: 1024,
  columnsToGet: 1024,
  writeBytes: 4 * 1024 * 1024,
  batchWriteRows: 200,
  batchGetRows: 100,
  rangeRows: 5000,
  rangeBytes: 4 * 1024 * 1024,
  definedColumns: 32,
  nameBytes: 255,
  filters: 32,
  /** No request of allowed content comes near; more is answered 413 before it is read. */
  bodyBytes: 16 * 1024 * 1024,
  minTimeToLive: 86400,
} as const;

/** Table names, column names: 1–255 bytes, a letter or underscore first, then also digits. */
export function isValidName(name: string): boolean {
  return name.length <= limits.nameBytes && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** The same rule on UTF-8 bytes, for the hot path. */
export function isValidNameBytes(bytes: Buffer, start: number, end: number): boolean {
  if (end === start || end - start > limits.nameBytes) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const letter = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
    if (!letter && (at === start || byte < 0x30 || byte > 0x39)) return false;
  }
  return true;
}
