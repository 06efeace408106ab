import {
  ABSENT_VALUE,
  CHANGED_VALUE,
  type BinlogHandler,
  type BinlogTable,
  type RowImage,
  type RowKind,
} from '../model.js';
import { ColumnType, EventType, Reader, unreadable } from './format.js';
import { applyJsonDiffs } from './json-diff.js';
import { RowSplitter, countBits, takeUnchanged } from './row-splitter.js';
import { parseTableMap } from './table-map.js';
import { sourceName } from '../../shared/source-name.js';

/** Table descriptions kept by content before they are dropped, all at once; bounds on memory, not tuning knobs. */
const maximumKeptTables = 20_000;
const maximumKeptBytes = 32 * 1024 * 1024;
/** Ids of tables before the older ones are dropped: far more than one statement has. */
const maximumIds = 50_000;

/** What a table id of the stream stands for. */
export interface MappedTable {
  /** TABLE_MAP behind table id and flags. */
  readonly raw: Buffer;
  readonly table: BinlogTable;
  wanted: boolean;
  splitter: RowSplitter | null;
}

/**
 * Table ids of the stream. The same TABLE_MAP bytes always give the same BinlogTable object, so that a handler
 * may key what it has compiled by identity.
 */
export class TableMaps {
  readonly #handler: BinlogHandler;
  #ids = new Map<number, MappedTable>();
  /** Those before the last ones: a statement may have begun there. */
  #olderIds = new Map<number, MappedTable>();
  #idBytes = 0;
  readonly #contents = new Map<string, MappedTable>();
  #keptBytes = 0;

  constructor(handler: BinlogHandler) {
    this.#handler = handler;
  }

  /** TABLE_MAP from behind the event header. */
  map(bytes: Buffer, start: number, end: number): void {
    const reader = new Reader(bytes, start, end);
    const id = reader.uint(6);
    reader.skip(2);
    const known = this.#ids.get(id);
    const isSame = known !== undefined && known.raw.compare(bytes, reader.at, end) === 0;
    const mapped = isSame ? known : this.#find(reader);
    if (!isSame) this.#remember(id, mapped);
    mapped.wanted = this.#handler.wants(mapped.table);
    if (mapped.wanted) mapped.splitter ??= new RowSplitter(mapped.table);
  }

  #find(reader: Reader): MappedTable {
    const raw = Buffer.from(reader.bytes.subarray(reader.at, reader.end));
    const content = raw.toString('latin1');
    const known = this.#contents.get(content);
    if (known !== undefined) return known;
    const mapped: MappedTable = {
      raw,
      table: parseTableMap(new Reader(raw, 0, raw.length)),
      wanted: false,
      splitter: null,
    };
    if (this.#contents.size >= maximumKeptTables || this.#keptBytes > maximumKeptBytes) {
      this.#contents.clear();
      this.#keptBytes = 0;
    }
    this.#keptBytes += sizeOf(mapped);
    this.#contents.set(content, mapped);
    return mapped;
  }

  #remember(id: number, mapped: MappedTable): void {
    const size = sizeOf(mapped);
    this.#idBytes += size;
    if (this.#ids.size >= maximumIds || this.#idBytes > maximumKeptBytes) {
      this.#olderIds = this.#ids;
      this.#ids = new Map();
      this.#idBytes = size;
    }
    this.#ids.set(id, mapped);
  }

  /** Throws ROW-S109 for an id without its TABLE_MAP: its rows must never be skipped in silence. */
  get(id: number): MappedTable {
    const mapped = this.#ids.get(id) ?? this.#olderIds.get(id);
    if (mapped === undefined) throw unreadable('rows arrive without a description of their table');
    return mapped;
  }

  /** Ids begin anew with each file. */
  forgetIds(): void {
    this.#ids.clear();
    this.#olderIds.clear();
    this.#idBytes = 0;
  }
}

/** About what a description takes, its splitter with two images included. */
const sizeOf = ({ raw, table }: MappedTable): number => 512 + 2 * raw.length + 24 * table.columnCount;

/** Stands for "no table" in an event that only ends a statement. */
const noTable = 0xffffff;

export function isRowsEvent(type: number): boolean {
  return (
    (type >= EventType.writeRowsV1 && type <= EventType.deleteRowsV1) ||
    (type >= EventType.writeRows && type <= EventType.deleteRows) ||
    type === EventType.partialUpdateRows
  );
}

export function rowKind(type: number): RowKind {
  switch (type) {
    case EventType.writeRows:
    case EventType.writeRowsV1:
      return 'insert';
    case EventType.deleteRows:
    case EventType.deleteRowsV1:
      return 'delete';
    default:
      return 'update';
  }
}

/** Row events from version 2 on carry a block of extra data behind their flags. */
export function hasExtraData(type: number): boolean {
  return type >= EventType.writeRows;
}

/** null stands for "all columns". */
export function presentColumns(bitmap: Buffer, columns: number): Uint8Array | null {
  return countBits(bitmap, columns) === columns ? null : Buffer.from(bitmap);
}

/** Calls the handler for every row of one row event; says whether there were rows of a wanted table. */
export function decodeRows(
  maps: TableMaps,
  handler: BinlogHandler,
  type: number,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  const reader = new Reader(bytes, start, end);
  const id = reader.uint(6);
  reader.skip(2);
  if (id === noTable) return false;
  const { table, wanted, splitter } = maps.get(id);
  if (!wanted || splitter === null) return false;
  if (hasExtraData(type)) reader.skip(reader.uint(2) - 2);
  const columns = reader.packed();
  if (columns !== table.columnCount) {
    throw unreadable(
      `rows of ${sourceName(table)} have ${columns} columns, but its description has ${table.columnCount}`,
    );
  }
  const kind = rowKind(type);
  const bitmapBytes = (columns + 7) >> 3;
  const present = presentColumns(reader.slice(bitmapBytes), columns);
  const presentAfter = kind === 'update' ? presentColumns(reader.slice(bitmapBytes), columns) : present;
  const { before, after } = splitter;
  let at = reader.at;
  if (at >= end) return false;
  if (kind === 'insert') {
    while (at < end) {
      const row = at;
      at = splitter.split(after, bytes, at, end, present);
      assertAdvance(row, at);
      handler.row(table, kind, null, after);
    }
  } else if (kind === 'delete') {
    while (at < end) {
      const row = at;
      at = splitter.split(before, bytes, at, end, present);
      assertAdvance(row, at);
      handler.row(table, kind, before, null);
    }
  } else {
    const isPartial = type === EventType.partialUpdateRows;
    while (at < end) {
      const row = at;
      at = splitter.split(before, bytes, at, end, present);
      at = isPartial
        ? splitPartialJson(splitter, bytes, at, end, presentAfter)
        : splitter.split(after, bytes, at, end, presentAfter);
      assertAdvance(row, at);
      if (presentAfter !== null) takeUnchanged(before, after);
      handler.row(table, kind, before, after);
    }
  }
  return true;
}

/** Rows without a byte would never end. */
export function assertAdvance(from: number, to: number): void {
  if (from === to) throw unreadable('a row event has a row without columns');
}

/** In the options before an after-image: some JSON columns hold diffs in place of their value. */
const partialJsonOption = 1;

/** Indexes of the columns whose after-image is a diff: a bitmap with one bit for each JSON column of the table. */
export function partialColumns(table: BinlogTable, bitmap: Uint8Array): number[] {
  const columns: number[] = [];
  let bit = 0;
  for (let i = 0; i < table.columnCount; i++) {
    if (table.columnTypes[i] !== ColumnType.json) continue;
    if (bitmap[bit >> 3]! & (1 << (bit & 7))) columns.push(i);
    bit++;
  }
  return columns;
}

export function jsonColumnCount(table: BinlogTable): number {
  let count = 0;
  for (const type of table.columnTypes) if (type === ColumnType.json) count++;
  return count;
}

export const hasPartialJson = (options: number): boolean => (options & partialJsonOption) !== 0;

/**
 * The after-image of a PARTIAL_UPDATE_ROWS event, its diffs applied to the values of the before-image. Where that
 * holds no value, the column is CHANGED_VALUE.
 */
function splitPartialJson(
  splitter: RowSplitter,
  bytes: Buffer,
  start: number,
  end: number,
  present: Uint8Array | null,
): number {
  const { table, before, after } = splitter;
  const reader = new Reader(bytes, start, end);
  let partial: number[] = [];
  if (hasPartialJson(reader.packed())) {
    partial = partialColumns(table, reader.slice((jsonColumnCount(table) + 7) >> 3));
  }
  const next = splitter.split(after, bytes, reader.at, end, present);
  if (partial.length > 0) rebuildJson(before, after, partial, reader.at, next);
  return next;
}

/** The bytes of the image become a copy of the row with the rebuilt values behind it. */
function rebuildJson(
  before: RowImage,
  after: RowImage,
  partial: readonly number[],
  start: number,
  end: number,
): void {
  const { bytes, starts, ends } = after;
  const parts: Buffer[] = [bytes.subarray(start, end)];
  let size = end - start;
  for (let i = 0; i < starts.length; i++) {
    if (starts[i]! < 0) continue;
    if (!partial.includes(i)) {
      starts[i] = starts[i]! - start;
      ends[i] = ends[i]! - start;
      continue;
    }
    const diffs = bytes.subarray(starts[i]!, ends[i]!);
    const old = before.starts[i]!;
    if (old < 0) {
      starts[i] = diffs.length === 0 ? ABSENT_VALUE : CHANGED_VALUE;
      continue;
    }
    const unchanged = before.bytes.subarray(old, before.ends[i]);
    const value = diffs.length === 0 ? unchanged : applyJsonDiffs(unchanged, diffs);
    parts.push(value);
    starts[i] = size;
    size += value.length;
    ends[i] = size;
  }
  after.bytes = Buffer.concat(parts, size);
}
