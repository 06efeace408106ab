import { createHash } from 'node:crypto';
import {
  BatchGetRowRequest,
  BatchResponse,
  BulkExportRequest,
  BulkExportResponse,
  ComputeSplitPointsBySizeRequest,
  ComputeSplitPointsBySizeResponse,
  DataBlockType,
  Direction,
  GetRangeRequest,
  GetRangeResponse,
  GetRowRequest,
  GetRowResponse,
} from '../../tablestore/wire/messages.js';
import type { Message } from '../../tablestore/wire/codec.js';
import type { RowInBatchResponse } from '../../tablestore/wire/messages.js';
import { PlainBufferScanner } from '../../tablestore/wire/plainbuffer.js';
import { ByteWriter } from '../base/byte-writer.js';
import { invalid, OtsError } from '../base/errors.js';
import { encodeKey, type EncodedKey } from '../storage/key-codec.js';
import { limits } from '../base/limits.js';
import type { RowAccess } from '../storage/local-transactions.js';
import { liveRow, readQuery, selectCells, type ReadQuery } from './reads.js';
import { RowMatrix } from './row-matrix.js';
import { writeHeader, writeRow } from './row-output.js';
import { checkTableName } from '../storage/schema.js';
import type { Service } from './service.js';
import type { Table } from '../storage/store.js';
import type { StoredCell } from '../storage/stored-row.js';
import { checkRowCount } from './write-operations.js';
import { capacityUnits } from './writes.js';

const EMPTY = Buffer.alloc(0);

export function getRow(service: Service, body: Buffer): Buffer {
  const request = GetRowRequest.decode(body);
  checkTableName(request.tableName);
  const query = readQuery(request);
  const nowMs = service.now();
  const table = service.table(request.tableName);
  const { key, error } = parseKey(service, request.primaryKey, table, 'read');
  if (error) throw error;
  const access = service.transactions.access(request.transactionId, nowMs);
  const { row, units } = readRow(table, access, key, query, nowMs);
  return GetRowResponse.encode({ consumed: { capacityUnit: { read: units, write: 0 } }, row });
}

export function batchGetRow(service: Service, body: Buffer): Buffer {
  const request = BatchGetRowRequest.decode(body);
  if (request.tables.length === 0) throw invalid('No row specified in the request of BatchGetRow.');
  const names = new Set<string>();
  for (const { tableName } of request.tables) {
    checkTableName(tableName);
    if (names.has(tableName)) throw invalid(`Duplicated table name: '${tableName}'.`);
    names.add(tableName);
  }
  checkRowCount(
    request.tables.reduce((sum, { primaryKey }) => sum + primaryKey.length, 0),
    limits.batchGetRows,
  );
  const nowMs = service.now();
  const access = service.transactions.access(undefined, nowMs);
  const tables = request.tables.map((part) => {
    const query = readQuery(part, 'No version condition is specified while querying row.');
    const table = service.store.tables.get(part.tableName);
    // Every key is read before any row, because some faults of a key refuse the whole request.
    const keys = part.primaryKey.map((bytes) => parseKey(service, bytes, table, 'read'));
    return { tableName: part.tableName, query, keys };
  });
  return BatchResponse.encode({
    tables: tables.map(({ tableName, query, keys }) => ({
      tableName,
      rows: keys.map(({ key, error }): Message<typeof RowInBatchResponse> => {
        try {
          if (error) throw error;
          const fault = service.faults.forRow('BatchGetRow');
          if (fault) throw fault;
          const { row, units } = readRow(service.table(tableName), access, key, query, nowMs);
          return { isOk: true, consumed: { capacityUnit: { read: units, write: 0 } }, row };
        } catch (failure) {
          if (!(failure instanceof OtsError)) throw failure;
          return { isOk: false, error: { code: failure.code, message: failure.message } };
        }
      }),
    })),
  });
}

export function getRange(service: Service, body: Buffer): Buffer {
  const request = GetRangeRequest.decode(body);
  checkTableName(request.tableName);
  const { direction, limit } = request;
  if (direction !== Direction.FORWARD && direction !== Direction.BACKWARD)
    throw invalid('Invalid direction.');
  if (limit !== undefined && limit <= 0) throw invalid('The limit must be greater than 0.');
  const query = readQuery(request);
  const matrix = request.dataBlockTypeHint === DataBlockType.SIMPLE_ROW_MATRIX;
  const entireKeys = request.returnEntirePrimaryKeys ?? true;
  const result = scanRange(service, {
    request,
    query,
    backward: direction === Direction.BACKWARD,
    limit: limit ?? Infinity,
    matrix: matrix ? { columns: request.columnsToGet, entireKeys } : undefined,
  });
  return GetRangeResponse.encode({
    consumed: { capacityUnit: { read: capacityUnits(result.bytes), write: 0 } },
    rows: result.rows,
    ...(result.next ? { nextStartPrimaryKey: result.next } : {}),
    ...(matrix ? { dataBlockType: DataBlockType.SIMPLE_ROW_MATRIX } : {}),
  });
}

export function bulkExport(service: Service, body: Buffer): Buffer {
  const request = BulkExportRequest.decode(body);
  checkTableName(request.tableName);
  const dataBlockType = request.dataBlockTypeHint ?? DataBlockType.SIMPLE_ROW_MATRIX;
  const { filter, columnsToGet } = request;
  const query = readQuery({ columnsToGet, maxVersions: 1, ...(filter ? { filter } : {}) });
  const result = scanRange(service, {
    request,
    query,
    backward: false,
    limit: Infinity,
    matrix:
      dataBlockType === DataBlockType.SIMPLE_ROW_MATRIX
        ? { columns: columnsToGet, entireKeys: false }
        : undefined,
  });
  return BulkExportResponse.encode({
    consumed: {
      capacityUnit: { read: 0, write: 0 },
      capacityDataSize: { readSize: BigInt(result.bytes), writeSize: 0n },
    },
    rows: result.rows,
    ...(result.next ? { nextStartPrimaryKey: result.next } : {}),
    dataBlockType,
  });
}

const SPLIT_UNIT_BYTES = 100n * 1024n * 1024n;
const MIN_SPLIT_UNIT_BYTES = 1024n * 1024n;

export function computeSplitPointsBySize(service: Service, body: Buffer): Buffer {
  const request = ComputeSplitPointsBySizeRequest.decode(body);
  checkTableName(request.tableName);
  const { splitSize, splitSizeUnitInByte: unit = SPLIT_UNIT_BYTES, splitPointLimit = Infinity } = request;
  if (splitSize <= 0n) throw invalid('The split_size should be greater than 0.');
  if (unit < MIN_SPLIT_UNIT_BYTES) {
    throw invalid(`The split_size_unit_in_byte should be greater equal than: ${MIN_SPLIT_UNIT_BYTES}`);
  }
  if (splitPointLimit <= 0) throw invalid('The split_point_limit should be greater than 0.');
  const table = service.table(request.tableName);
  const points: Buffer[] = [];
  let bytes = 0;
  for (const { key, value } of table.scan(Buffer.from([0]), Buffer.from([0xff]))) {
    if (bytes >= Number(splitSize * unit)) {
      points.push(keyRow(key, table));
      bytes = 0;
      if (points.length >= splitPointLimit) break;
    }
    bytes += key.length + value.length;
  }
  const location = createHash('md5').update(request.tableName).digest('hex');
  return ComputeSplitPointsBySizeResponse.encode({
    consumed: { capacityUnit: { read: 1, write: 0 } },
    schema: [...table.schema.primaryKey],
    splitPoints: points,
    locations: [{ location, repeat: BigInt(points.length + 1) }],
  });
}

interface Scan {
  readonly request: {
    tableName: string;
    inclusiveStartPrimaryKey: Buffer;
    exclusiveEndPrimaryKey: Buffer;
    transactionId?: string;
  };
  readonly query: ReadQuery;
  readonly backward: boolean;
  readonly limit: number;
  /** Set when the rows are wanted as a matrix. */
  readonly matrix: { columns: readonly string[]; entireKeys: boolean } | undefined;
}

/**
 * Reads rows of a key range up to the limits of the service.
 * @returns the encoded rows, the key to go on with (PlainBuffer), and the size that was read.
 */
function scanRange(service: Service, scan: Scan): { rows: Buffer; next: Buffer | undefined; bytes: number } {
  const { request, query, backward, limit } = scan;
  const nowMs = service.now();
  const table = service.table(request.tableName);
  const start = bound(service, request.inclusiveStartPrimaryKey, table);
  const end = bound(service, request.exclusiveEndPrimaryKey, table);
  const order = start.compare(end);
  if (!backward && order >= 0) throw invalid('Begin key must less than end key in FORWARD');
  if (backward && order <= 0) throw invalid('Begin key must more than end key in BACKWARD');
  const output = rowSink(table, scan);
  const access = service.transactions.access(request.transactionId, nowMs);
  let returned = 0;
  let scanned = 0;
  let scannedBytes = 0;
  let bytes = 0;
  let next: Buffer | undefined;
  for (const { key, value } of access.scan(table, start, end, backward)) {
    if (returned >= limit || scanned >= limits.rangeRows || scannedBytes >= limits.rangeBytes) {
      next = keyRow(key, table);
      break;
    }
    scanned++;
    scannedBytes += key.length + value.length;
    const row = liveRow(value, table, nowMs);
    if (!row) continue;
    const cells = selectCells(row, key, table, query, nowMs);
    if (cells) {
      bytes += output.add(key, cells);
      returned++;
    } else if (query.filter) {
      const { filter: _, ...unfiltered } = query;
      const read = selectCells(row, key, table, { ...unfiltered, filter: undefined }, nowMs);
      if (read) bytes += rowBytes(table, key, read);
    }
  }
  return { rows: output.finish(), next, bytes };
}

interface RowSink {
  /** @returns the size the service counts for the row. */
  add(key: Buffer, cells: readonly StoredCell[]): number;
  finish(): Buffer;
}

function rowSink(table: Table, { matrix }: Scan): RowSink {
  if (!matrix) {
    const writer = new ByteWriter(1 << 16);
    writeHeader(writer);
    const empty = writer.length;
    return {
      add: (key, cells) => writeRow(writer, key, table.keyColumns, cells),
      finish: () => (writer.length === empty ? EMPTY : writer.slice()),
    };
  }
  if (matrix.columns.length === 0) throw invalid('DBT_SIMPLE_ROW_MATRIX need at least one column to get.');
  const names = matrix.columns.map((name) => Buffer.from(name).toString('latin1'));
  const keyFields = table.keyColumns
    .map((_, index) => index)
    .filter((index) => matrix.entireKeys || names.includes(table.keyColumns[index]!.name));
  const attributes = names.filter((name) => !table.keyColumns.some((column) => column.name === name)).sort();
  const rows = new RowMatrix(table.keyColumns, keyFields, [...new Set(attributes)]);
  return {
    add(key, cells) {
      rows.add(key, cells);
      return rowBytes(table, key, cells);
    },
    finish: () => rows.finish(),
  };
}

const sizing = new ByteWriter(1 << 12);

function rowBytes(table: Table, key: Buffer, cells: readonly StoredCell[]): number {
  sizing.reset();
  return writeRow(sizing, key, table.keyColumns, cells);
}

function readRow(
  table: Table,
  access: RowAccess,
  key: Buffer,
  query: ReadQuery,
  nowMs: number,
): { row: Buffer; units: number } {
  const row = liveRow(access.get(table, key), table, nowMs);
  const cells = row && selectCells(row, key, table, query, nowMs);
  if (!cells) return { row: EMPTY, units: 1 };
  const writer = new ByteWriter(1024);
  writeHeader(writer);
  const bytes = writeRow(writer, key, table.keyColumns, cells);
  return { row: writer.slice(), units: capacityUnits(bytes) };
}

function parseKey(
  service: Service,
  bytes: Buffer,
  table: Table | undefined,
  use: 'read' | 'bound',
): EncodedKey {
  const scanner = new PlainBufferScanner(bytes);
  scanner.header();
  const key = encodeKey(scanner, table?.keyColumns, service.arena, use);
  scanner.endRow();
  return key;
}

function bound(service: Service, bytes: Buffer, table: Table): Buffer {
  const { key, error } = parseKey(service, bytes, table, 'bound');
  if (error) throw error;
  return key;
}

/** A PlainBuffer with a key alone. */
function keyRow(key: Buffer, table: Table): Buffer {
  const writer = new ByteWriter(256);
  writeHeader(writer);
  writeRow(writer, key, table.keyColumns, []);
  return writer.slice();
}
