/**
 * Two changes of one key made into one (correctness rule 8), on PlainBuffer bytes: cells are picked by name and
 * copied whole, their checksums with them; only the checksum of the row is new.
 */
import { limits } from '../client/limits.js';
import type { RowChange } from '../client/model.js';
import { crc8Byte } from '../wire/crc8.js';
import { CellOp, HEADER, PlainBufferScanner, Tag, Variant } from '../wire/plainbuffer.js';

/** The part of a RowChange that is sent. */
export interface RowContent {
  op: RowChange['op'];
  row: Buffer;
  dataBytes: number;
}

const HEADER_AND_PK_TAG = 5;

/** Does the row of this key carry attribute cells? */
export function hasCells(key: string, row: Buffer): boolean {
  return row[HEADER_AND_PK_TAG + key.length] === Tag.ROW_DATA;
}

/** The key of a row, as RowChange.key has it. */
export function keyOf(row: Buffer): string {
  const scanner = new PlainBufferScanner(row, HEADER_AND_PK_TAG, row.length, false);
  while (scanner.cell());
  return row.toString('latin1', HEADER_AND_PK_TAG, scanner.position);
}

/** A row that is nothing but this key, as reads ask for it. */
export function keyOnly(key: string): Buffer {
  const row = Buffer.allocUnsafe(HEADER_AND_PK_TAG + key.length + 2);
  row.writeUInt32LE(HEADER, 0);
  row[4] = Tag.ROW_PK;
  row.write(key, HEADER_AND_PK_TAG, 'latin1');
  const end = HEADER_AND_PK_TAG + key.length;
  const scanner = new PlainBufferScanner(row, HEADER_AND_PK_TAG, end, false);
  let checksum = 0;
  while (scanner.cell()) checksum = crc8Byte(checksum, row[scanner.cellEnd - 1]!);
  row[end] = Tag.ROW_CHECKSUM;
  row[end + 1] = crc8Byte(checksum, 0);
  return row;
}

/** What is sent for a change by itself: an update without cells is a put of the key alone. */
export function normalised(change: RowChange): RowContent {
  const { op, row, dataBytes, key } = change;
  return { op: op === 'update' && !hasCells(key, row) ? 'put' : op, row, dataBytes };
}

/**
 * `later` applied after `earlier`, both of `key` and both normalised. undefined when the result would pass a limit
 * that each of the two keeps: then they have to be sent one after the other.
 */
export function compose(key: string, earlier: RowContent, later: RowContent): RowContent | undefined {
  if (later.op !== 'update') return later;
  const asPut = earlier.op !== 'update';
  if (earlier.op === 'delete') return pick(key, [], cellsOf(key, later.row), true, later.row);
  const cells = cellsOf(key, later.row);
  const changed = new Set(cells.map((cell) => cell.name));
  const kept = cellsOf(key, earlier.row).filter((cell) => !changed.has(cell.name));
  return pick(key, kept, cells, asPut, later.row);
}

interface CellBytes {
  readonly name: string;
  readonly bytes: Buffer;
  readonly checksum: number;
  readonly deletes: boolean;
  readonly dataBytes: number;
}

function cellsOf(key: string, row: Buffer): CellBytes[] {
  const cells: CellBytes[] = [];
  const scanner = new PlainBufferScanner(row, HEADER_AND_PK_TAG + key.length, row.length, false);
  if (!scanner.accept(Tag.ROW_DATA)) return cells;
  while (scanner.cell()) {
    cells.push({
      name: row.toString('latin1', scanner.nameStart, scanner.nameEnd),
      bytes: row.subarray(scanner.cellStart, scanner.cellEnd),
      checksum: row[scanner.cellEnd - 1]!,
      deletes: scanner.op === CellOp.DELETE_ALL_VERSIONS,
      dataBytes:
        scanner.nameEnd -
        scanner.nameStart +
        (scanner.type === -1 ? 0 : scanner.valueEnd - scanner.valueStart),
    });
  }
  return cells;
}

/** A row of `key`, whose header and key cells are taken from `pattern`, with these cells. */
function pick(
  key: string,
  kept: CellBytes[],
  newer: CellBytes[],
  asPut: boolean,
  pattern: Buffer,
): RowContent | undefined {
  let cells = kept.concat(newer);
  if (asPut) cells = cells.filter((cell) => !cell.deletes);
  if (cells.length > limits.attributeColumns) return undefined;
  const keyEnd = HEADER_AND_PK_TAG + key.length;
  const scanner = new PlainBufferScanner(pattern, HEADER_AND_PK_TAG, keyEnd, false);
  let checksum = 0;
  let dataBytes = 0;
  while (scanner.cell()) {
    checksum = crc8Byte(checksum, pattern[scanner.cellEnd - 1]!);
    dataBytes += scanner.nameEnd - scanner.nameStart + scanner.valueEnd - scanner.valueStart;
  }
  const parts = [pattern.subarray(0, keyEnd)];
  if (cells.length > 0) parts.push(Buffer.of(Tag.ROW_DATA));
  for (const cell of cells) {
    parts.push(cell.bytes);
    checksum = crc8Byte(checksum, cell.checksum);
    dataBytes += cell.dataBytes;
  }
  if (dataBytes > limits.rowBytes) return undefined;
  parts.push(Buffer.of(Tag.ROW_CHECKSUM, crc8Byte(checksum, 0)));
  return { op: asPut ? 'put' : 'update', row: Buffer.concat(parts), dataBytes };
}

/**
 * Does a row read back hold what a write of `content` leaves? `row` is what was read, null when there is none.
 * A put has to match cell for cell, an update in the cells it names.
 */
export function matches(key: string, content: RowContent, row: Buffer | null): boolean {
  if (content.op === 'delete') return row === null;
  if (row === null) return false;
  const found = new Map<string, Buffer>();
  const scanner = new PlainBufferScanner(row, 0, row.length, false);
  scanner.header();
  scanner.beginRow();
  while (scanner.cell());
  if (scanner.accept(Tag.ROW_DATA)) {
    while (scanner.cell())
      found.set(row.toString('latin1', scanner.nameStart, scanner.nameEnd), value(scanner));
  }
  const wanted = new PlainBufferScanner(
    content.row,
    HEADER_AND_PK_TAG + key.length,
    content.row.length,
    false,
  );
  let puts = 0;
  if (wanted.accept(Tag.ROW_DATA)) {
    while (wanted.cell()) {
      const there = found.get(content.row.toString('latin1', wanted.nameStart, wanted.nameEnd));
      if (wanted.op === CellOp.DELETE_ALL_VERSIONS) {
        if (there !== undefined) return false;
      } else {
        if (there === undefined || !there.equals(value(wanted))) return false;
        puts++;
      }
    }
  }
  return content.op === 'update' || puts === found.size;
}

/** Type and payload of the current cell, without the version that a read adds. */
function value(scanner: PlainBufferScanner): Buffer {
  const prefixed = scanner.type === Variant.STRING || scanner.type === Variant.BINARY;
  return scanner.bytes.subarray(scanner.valueStart - (prefixed ? 5 : 1), scanner.valueEnd);
}
