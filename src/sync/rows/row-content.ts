import { PlainBufferScanner, Tag } from '../../tablestore/wire/plainbuffer.js';

/** A row taken apart for comparison: equal rows have equal texts, whatever the order and versions of their cells. */
export interface RowContent {
  /** The key cells as RowChange.key has them. */
  readonly key: string;
  /** Name, type and value of every attribute, in order of name. */
  readonly cells: string;
}

/**
 * The rows behind one PlainBuffer header (a page of GetRange, or one row). Attributes in `ignored` do not count.
 * Throws WireFormatError.
 */
export function contentsOf(bytes: Buffer, ignored: ReadonlySet<string>): RowContent[] {
  const rows: RowContent[] = [];
  if (bytes.length === 0) return rows;
  const scanner = new PlainBufferScanner(bytes, 0, bytes.length, false);
  scanner.header();
  while (!scanner.atEnd()) {
    scanner.beginRow();
    const keyStart = scanner.position;
    while (scanner.cell());
    const key = bytes.toString('latin1', keyStart, scanner.position);
    const cells: string[] = [];
    if (scanner.accept(Tag.ROW_DATA)) {
      while (scanner.cell()) {
        if (ignored.size > 0 && ignored.has(scanner.name())) continue;
        const name = bytes.toString('latin1', scanner.nameStart, scanner.nameEnd);
        const value = bytes.toString('latin1', scanner.valueStart, scanner.valueEnd);
        cells.push(`${name}\0${scanner.type}\0${value.length}\0${value}`);
      }
    }
    scanner.endRow();
    rows.push({ key, cells: cells.sort().join('') });
  }
  return rows;
}
