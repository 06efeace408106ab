import type { Message } from '../../tablestore/wire/codec.js';
import type { TimeRange } from '../../tablestore/wire/messages.js';
import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { compileFilter, type ColumnLookup, type CompiledFilter } from './filter.js';
import type { FilterValue } from '../base/filter-value.js';
import { checkColumnName } from '../storage/schema.js';
import { invalid } from '../base/errors.js';
import { keyValues } from '../storage/key-codec.js';
import { limits } from '../base/limits.js';
import type { Table } from '../storage/store.js';
import { decodeStored, type StoredCell, type StoredRow } from '../storage/stored-row.js';

/** What a read asks of every row. */
export interface ReadQuery {
  /** Names as `StoredCell.name` has them; undefined: every column. */
  readonly columns: ReadonlySet<string> | undefined;
  readonly startColumn: string | undefined;
  readonly endColumn: string | undefined;
  /** Versions in [minTimestamp, maxTimestamp). */
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly maxVersions: number;
  readonly filter: CompiledFilter | undefined;
}

const MAX_INT64 = 9223372036854775807n;

interface QueryFields {
  columnsToGet: string[];
  timeRange?: Message<typeof TimeRange>;
  maxVersions?: number;
  filter?: Buffer;
  startColumn?: string;
  endColumn?: string;
}

/**
 * Checks the common fields of GetRow, BatchGetRow and GetRange. Throws OtsError.
 * @param noVersions what the service says when neither versions nor a time range are asked for.
 */
export function readQuery(
  request: QueryFields,
  noVersions = 'No version condition is specified.',
): ReadQuery {
  const { columnsToGet, timeRange, maxVersions, filter, startColumn, endColumn } = request;
  if (columnsToGet.length > limits.columnsToGet) {
    throw invalid(
      `The number of columns from the request exceeds the limit, limit count: ${limits.columnsToGet}, column count: ${columnsToGet.length}.`,
    );
  }
  for (const name of columnsToGet) checkColumnName(name);
  const compiled = filter === undefined || filter.length === 0 ? undefined : compileFilter(filter);
  if (timeRange === undefined && maxVersions === undefined) throw invalid(noVersions);
  if (maxVersions !== undefined && maxVersions <= 0)
    throw invalid('The max versions must be greater than 0.');
  if (maxVersions !== undefined && timeRange?.specificTime !== undefined) {
    throw invalid('The max versions and the specific time can not be set both.');
  }
  const [minTimestamp, maxTimestamp] = timeWindow(timeRange);
  return {
    columns: columnsToGet.length === 0 ? undefined : new Set(columnsToGet.map(nameOf)),
    startColumn: startColumn === undefined ? undefined : nameOf(startColumn),
    endColumn: endColumn === undefined ? undefined : nameOf(endColumn),
    minTimestamp,
    maxTimestamp,
    maxVersions: maxVersions ?? Infinity,
    filter: compiled,
  };
}

/** The newest version of every column: what a condition is checked against. */
export const latestQuery: ReadQuery = {
  columns: undefined,
  startColumn: undefined,
  endColumn: undefined,
  minTimestamp: 0n,
  maxTimestamp: MAX_INT64,
  maxVersions: Infinity,
  filter: undefined,
};

/** A stored row, unless time to live has taken all of it. */
export function liveRow(value: Buffer | undefined, table: Table, nowMs: number): StoredRow | undefined {
  if (value === undefined) return undefined;
  const row = decodeStored(value);
  const oldest = oldestLive(table, nowMs);
  if (row.timestamp >= oldest || row.cells.some((cell) => cell.timestamp >= oldest)) return row;
  return undefined;
}

/**
 * The cells of a row that the query returns.
 * @returns undefined when the row is not part of the answer.
 */
export function selectCells(
  row: StoredRow,
  key: Buffer,
  table: Table,
  query: ReadQuery,
  nowMs: number,
): StoredCell[] | undefined {
  const selected = project(row, table, query, nowMs);
  const restricted =
    query.columns !== undefined || query.startColumn !== undefined || query.endColumn !== undefined;
  const { filter } = query;
  if (filter && !filter.matches(columnLookup(selected, key, table))) return undefined;
  // A time range that leaves no cell shows the key still; a choice of columns that leaves none shows no row.
  if (restricted && selected.length === 0) {
    // Asking for a key column shows that the row exists, whatever else it has.
    if (!table.keyColumns.some((column) => query.columns?.has(column.name))) return undefined;
  }
  return filter?.pagination ? page(selected, filter.pagination) : selected;
}

export function columnLookup(cells: readonly StoredCell[], key: Buffer, table: Table): ColumnLookup {
  return (name) => {
    const found = cells.filter((cell) => cell.name === name);
    return found.length > 0 ? found : keyLookup(name, key, table);
  };
}

function project(row: StoredRow, table: Table, query: ReadQuery, nowMs: number): StoredCell[] {
  const oldest = oldestLive(table, nowMs);
  const { columns, startColumn, endColumn, minTimestamp, maxTimestamp, maxVersions } = query;
  const kept = table.schema.maxVersions;
  const selected: StoredCell[] = [];
  let name: string | undefined;
  let versions = 0;
  let returned = 0;
  let wanted = true;
  for (const cell of row.cells) {
    if (cell.name !== name) {
      name = cell.name;
      versions = returned = 0;
      wanted =
        (!columns || columns.has(name)) &&
        (startColumn === undefined || name >= startColumn) &&
        (endColumn === undefined || name < endColumn);
    }
    if (!wanted || cell.timestamp < oldest || ++versions > kept) continue;
    if (cell.timestamp < minTimestamp || cell.timestamp >= maxTimestamp || returned >= maxVersions) continue;
    returned++;
    selected.push(cell);
  }
  return selected;
}

function page(
  cells: readonly StoredCell[],
  { offset, limit }: { offset: number; limit: number },
): StoredCell[] {
  const names = [...new Set(cells.map((cell) => cell.name))].slice(offset, offset + limit);
  const wanted = new Set(names);
  return cells.filter((cell) => wanted.has(cell.name));
}

function keyLookup(name: string, key: Buffer, table: Table): FilterValue[] {
  const index = table.keyColumns.findIndex((column) => column.name === name);
  if (index < 0) return [];
  const { variant } = table.keyColumns[index]!;
  const value = keyValues(key, table.keyColumns)[index]!;
  if (typeof value === 'bigint') {
    const source = Buffer.alloc(8);
    source.writeBigInt64LE(value);
    return [{ type: Variant.INTEGER, source, start: 0, end: 8 }];
  }
  const source = typeof value === 'string' ? Buffer.from(value) : value;
  return [{ type: variant, source, start: 0, end: source.length }];
}

function oldestLive(table: Table, nowMs: number): bigint {
  const { timeToLiveSeconds } = table.schema;
  return timeToLiveSeconds > 0 ? BigInt(nowMs - timeToLiveSeconds * 1000) : -1n;
}

function timeWindow(range: Message<typeof TimeRange> | undefined): [bigint, bigint] {
  if (!range) return [0n, MAX_INT64];
  const { specificTime, startTime, endTime } = range;
  if (specificTime !== undefined) {
    if (startTime !== undefined || endTime !== undefined) {
      throw invalid('The specific time and the time range can not be set both.');
    }
    checkTime(specificTime);
    return [specificTime, specificTime + 1n];
  }
  const from = startTime ?? 0n;
  const to = endTime ?? MAX_INT64;
  checkTime(from);
  if (to < from) throw invalid('The begin time must be less than the end time.');
  return [from, to];
}

function checkTime(time: bigint): void {
  if (time < 0n) throw invalid('Timestamp must be in range [0, INT64_MAX/1000).');
}

const nameOf = (name: string): string => Buffer.from(name).toString('latin1');
