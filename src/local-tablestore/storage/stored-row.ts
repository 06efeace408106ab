import { crc8, crc8Byte, crc8Int32 } from '../../tablestore/wire/crc8.js';
import { CellOp, PlainBufferScanner, Tag, Variant } from '../../tablestore/wire/plainbuffer.js';
import type { ByteWriter } from '../base/byte-writer.js';
import { invalid } from '../base/errors.js';

/**
 * A row as it is stored: one byte of format, the row's timestamp (LE64 ms), then its cells as PlainBuffer has
 * them, checksums included but not looked at again. A cell without a timestamp has the row's. In format RAW the
 * cells lie as the client sent them; in format SORTED by name, newest version first, each with its timestamp.
 */
const Format = { RAW: 1, SORTED: 2 } as const;
const HEADER_BYTES = 9;

export interface StoredCell {
  /** The bytes of the name, one character a byte: compares as the bytes do. */
  readonly name: string;
  readonly type: number;
  /** The value: source[start, end). */
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
  readonly timestamp: bigint;
}

export interface StoredRow {
  /** When the row was last written. */
  readonly timestamp: bigint;
  /** By name, newest version first; no two of the same name and timestamp. */
  readonly cells: StoredCell[];
}

/** Starts a stored row in format RAW; the caller appends the cells. */
export function beginStored(writer: ByteWriter, nowMs: number): void {
  writer.byte(Format.RAW);
  writer.uint32(nowMs >>> 0);
  writer.uint32(Math.floor(nowMs / 0x100000000));
}

export function decodeStored(value: Buffer): StoredRow {
  const timestamp = value.readBigInt64LE(1);
  const scanner = new PlainBufferScanner(value, HEADER_BYTES, value.length, false);
  const cells: StoredCell[] = [];
  while (scanner.cell()) cells.push(cellOf(scanner, timestamp));
  if (value[0] === Format.RAW) return { timestamp, cells: normalise(cells) };
  return { timestamp, cells };
}

export function encodeStored(row: StoredRow, writer: ByteWriter): Buffer {
  const start = writer.length;
  writer.byte(Format.SORTED);
  writer.int64(row.timestamp);
  for (const cell of row.cells) writeCell(cell, writer);
  return writer.slice(start);
}

/**
 * Applies the cells of an UpdateRow in the order they came.
 * @param old the row before, or undefined.
 * @param cells cells as the client sent them.
 * @throws OtsError when a column to increment is not an integer.
 */
export function applyUpdate(
  old: StoredRow | undefined,
  cells: Buffer,
  nowMs: number,
  maxVersions: number,
): StoredRow {
  const now = BigInt(nowMs);
  const columns = new Map<string, StoredCell[]>();
  for (const cell of old?.cells ?? []) {
    const versions = columns.get(cell.name);
    // Versions beyond the table's number are gone, whether they were ever taken out of the stored bytes or not.
    if (versions && versions.length < maxVersions) versions.push(cell);
    else if (!versions) columns.set(cell.name, [cell]);
  }
  const scanner = new PlainBufferScanner(cells, 0, cells.length, false);
  while (scanner.cell()) {
    let cell = cellOf(scanner, now);
    const versions = columns.get(cell.name) ?? [];
    switch (scanner.op) {
      case CellOp.DELETE_ALL_VERSIONS:
        columns.delete(cell.name);
        continue;
      case CellOp.DELETE_ONE_VERSION:
        columns.set(
          cell.name,
          versions.filter((version) => version.timestamp !== cell.timestamp),
        );
        continue;
      case CellOp.INCREMENT:
        cell = increment(cell, versions[0]);
        break;
    }
    const kept = versions.filter((version) => version.timestamp !== cell.timestamp);
    const at = kept.findIndex((version) => version.timestamp < cell.timestamp);
    kept.splice(at < 0 ? kept.length : at, 0, cell);
    if (kept.length > maxVersions) kept.length = maxVersions;
    columns.set(cell.name, kept);
  }
  const names = [...columns.keys()].sort(compareNames);
  return { timestamp: now, cells: names.flatMap((name) => columns.get(name)!) };
}

/** Writes a cell with its timestamp. @returns its checksum. */
export function writeCell(cell: StoredCell, writer: ByteWriter): number {
  const { name, type, source, start, end } = cell;
  const size = end - start;
  const prefixed = type === Variant.STRING || type === Variant.BINARY;
  writer.byte(Tag.CELL);
  writer.byte(Tag.CELL_NAME);
  writer.uint32(name.length);
  const nameStart = writer.length;
  for (let at = 0; at < name.length; at++) writer.byte(name.charCodeAt(at));
  let crc = crc8(0, writer.buffer, nameStart, writer.length);
  writer.byte(Tag.CELL_VALUE);
  writer.uint32(1 + size + (prefixed ? 4 : 0));
  writer.byte(type);
  crc = crc8Byte(crc, type);
  if (prefixed) {
    writer.uint32(size);
    crc = crc8Int32(crc, size);
  }
  writer.range(source, start, end);
  crc = crc8(crc, source, start, end);
  writer.byte(Tag.CELL_TIMESTAMP);
  writer.int64(cell.timestamp);
  crc = crc8(crc, writer.buffer, writer.length - 8, writer.length);
  writer.byte(Tag.CELL_CHECKSUM);
  writer.byte(crc);
  return crc;
}

function cellOf(scanner: PlainBufferScanner, timestamp: bigint): StoredCell {
  return {
    name: scanner.bytes.toString('latin1', scanner.nameStart, scanner.nameEnd),
    type: scanner.type,
    source: scanner.bytes,
    start: scanner.valueStart,
    end: scanner.valueEnd,
    timestamp: scanner.timestampAt === -1 ? timestamp : scanner.timestamp(),
  };
}

function increment(delta: StoredCell, current: StoredCell | undefined): StoredCell {
  if (current && current.type !== Variant.INTEGER) {
    throw invalid(`Column ${delta.name} is not an integer and can not be incremented.`);
  }
  const before = current ? current.source.readBigInt64LE(current.start) : 0n;
  const source = Buffer.allocUnsafe(8);
  source.writeBigInt64LE(BigInt.asIntN(64, before + delta.source.readBigInt64LE(delta.start)));
  return { ...delta, source, start: 0, end: 8 };
}

/** Sorts cells as they came; of the same name and timestamp the last one counts. */
function normalise(cells: StoredCell[]): StoredCell[] {
  let sorted = true;
  for (let at = 1; at < cells.length && sorted; at++) sorted = compareCells(cells[at - 1]!, cells[at]!) < 0;
  if (sorted) return cells;
  const order = cells.toSorted(compareCells);
  return order.filter((cell, at) => {
    const next = order[at + 1];
    return !next || compareCells(cell, next) !== 0;
  });
}

function compareCells(a: StoredCell, b: StoredCell): number {
  return compareNames(a.name, b.name) || (a.timestamp > b.timestamp ? -1 : a.timestamp < b.timestamp ? 1 : 0);
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
