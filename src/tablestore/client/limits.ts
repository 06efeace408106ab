/**
 * Limits of Tablestore (docs/tablestore.md §3), checked before anything is sent, so that one bad row never costs its
 * batch. Sizes in bytes.
 */
import type { RowWriter } from '../wire/row-writer.js';

export const limits = {
  keyColumns: 4,
  keyValueBytes: 1024,
  attributeValueBytes: 2 * 1024 * 1024,
  attributeColumns: 1024,
  rowBytes: 4 * 1024 * 1024,
  batchBytes: 4 * 1024 * 1024,
  batchRows: 200,
  batchGetRows: 100,
  nameBytes: 255,
  columnsToGet: 128,
} as const;

/**
 * Body of one request. The service counts data; the body has tags and lengths besides, and an older document
 * names 5 MB for it. One row alone may pass it.
 */
export const maximumBodyBytes = 4_800_000;

/** What is wrong with a row, in the service's own codes, so that a record reads the same whoever found it. */
export interface RowError {
  readonly code: string;
  readonly message: string;
}

/** Checks the row that `writer` ended last; undefined when Tablestore will take it as far as sizes go. */
export function checkRow(writer: RowWriter): RowError | undefined {
  if (writer.longestKey > limits.keyValueBytes) {
    return {
      code: 'OTSInvalidPK',
      message: `The key column ${writer.longestKeyName.name} has ${writer.longestKey} bytes; the limit is ${limits.keyValueBytes}.`,
    };
  }
  if (writer.longestValue > limits.attributeValueBytes) {
    return {
      code: 'OTSParameterInvalid',
      message: `The column ${writer.longestValueName.name} has ${writer.longestValue} bytes; the limit is ${limits.attributeValueBytes}.`,
    };
  }
  if (writer.columns > limits.attributeColumns) {
    return {
      code: 'OTSOutOfColumnCountLimit',
      message: `The row has ${writer.columns} attribute columns; the limit is ${limits.attributeColumns}.`,
    };
  }
  if (writer.dataBytes > limits.rowBytes) {
    return {
      code: 'OTSOutOfRowSizeLimit',
      message: `The row has ${writer.dataBytes} bytes; the limit is ${limits.rowBytes}.`,
    };
  }
  return undefined;
}

/** A name of a table or a column that Tablestore takes: 1–255 letters, digits, underscores, first no digit. */
export function isValidName(name: string): boolean {
  return name.length <= limits.nameBytes && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** A name that Tablestore takes, made of another; one that is taken gets a number, and this one is then taken. */
export function validName(name: string, taken: Set<string>): string {
  const letters = name.replaceAll(/[^A-Za-z0-9_]+/g, '_').replace(/^(?=\d|$)/, '_');
  const base = letters.slice(0, limits.nameBytes - 8);
  for (let number = 1; ; number++) {
    const one = number === 1 ? base : `${base}_${number}`;
    if (!isValidName(one) || taken.has(one)) continue;
    taken.add(one);
    return one;
  }
}
