import { crc8Byte } from '../../tablestore/wire/crc8.js';
import { HEADER, Tag } from '../../tablestore/wire/plainbuffer.js';
import type { ByteWriter } from '../base/byte-writer.js';
import { writeKeyCells, type KeyColumn } from '../storage/key-codec.js';
import { writeCell, type StoredCell } from '../storage/stored-row.js';

export function writeHeader(writer: ByteWriter): void {
  writer.uint32(HEADER);
}

/**
 * Writes one PlainBuffer row without the header.
 * @returns the size the service counts: names and values of key and cells.
 */
export function writeRow(
  writer: ByteWriter,
  key: Buffer,
  columns: readonly KeyColumn[],
  cells: readonly StoredCell[],
): number {
  writer.byte(Tag.ROW_PK);
  let { checksum, dataBytes } = writeKeyCells(key, columns, writer);
  if (cells.length > 0) {
    writer.byte(Tag.ROW_DATA);
    for (const cell of cells) {
      checksum = crc8Byte(checksum, writeCell(cell, writer));
      dataBytes += cell.name.length + cell.end - cell.start;
    }
  }
  writer.byte(Tag.ROW_CHECKSUM);
  writer.byte(crc8Byte(checksum, 0));
  return dataBytes;
}
