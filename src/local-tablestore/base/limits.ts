import { invalid } from './errors.js';

/** Limits of the service (docs/tablestore.md §3). Sizes in bytes. */
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
  partitions: 10,
  splitPointBytes: 64,
  nameBytes: 255,
  filters: 32,
  /** No request of allowed content comes near; more is answered 413 before it is read. */
  bodyBytes: 16 * 1024 * 1024,
  minTimeToLive: 86400,
} as const;

/** Throws when a value of a column, or one that it is compared with, is too long. */
export function checkValueLength(name: string, bytes: number): void {
  if (bytes <= limits.attributeValueBytes) return;
  throw invalid(
    `The length of attribute column: '${name}' exceeds the MaxLength:${limits.attributeValueBytes} with CurrentLength:${bytes}.`,
  );
}

/** Names of tables and of key columns: 1–255 bytes, a letter or underscore first, then also digits. */
export function isValidName(name: string): boolean {
  return name.length <= limits.nameBytes && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

const HASH = 0x23;

/**
 * Names of columns in rows and queries, as UTF-8: the service takes nearly everything here, spaces and Chinese
 * too, though its documentation says otherwise; only a '#' at the beginning is refused.
 */
export function isValidColumnName(bytes: Buffer, start: number, end: number): boolean {
  return end > start && end - start <= limits.nameBytes && bytes[start] !== HASH;
}
