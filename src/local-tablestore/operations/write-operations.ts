import {
  OperationType,
  PutRowRequest,
  RowInBatchResponse,
  WriteRowResponse,
} from '../../tablestore/wire/messages.js';
import { ProtobufReader, ProtobufWriter, WireFormatError } from '../../tablestore/wire/protobuf.js';
import { decodeBatchRequest, decodeBulkRequest, type BatchRequest } from './batch-request.js';
import { invalid, OtsError } from '../base/errors.js';
import { keyValues, partitionLength } from '../storage/key-codec.js';
import { limits } from '../base/limits.js';
import type { RowAccess } from '../storage/local-transactions.js';
import { parseRowChange, type RowChange } from './row-change.js';
import { checkTableName } from '../storage/schema.js';
import type { Service } from './service.js';
import type { Table } from '../storage/store.js';
import { applyChange, noTerms, writeTerms, type WriteResult, type WriteTerms } from './writes.js';

type SingleRowOperation = 'PutRow' | 'UpdateRow' | 'DeleteRow';

const typeOf = {
  PutRow: OperationType.PUT,
  UpdateRow: OperationType.UPDATE,
  DeleteRow: OperationType.DELETE,
} as const;

/** PutRow, UpdateRow and DeleteRow: they differ in the type of the change alone. */
export function writeRow(service: Service, operation: SingleRowOperation, body: Buffer): Buffer {
  const request = PutRowRequest.decode(body);
  checkTableName(request.tableName);
  if (service.discard) return WriteRowResponse.encode({ consumed: { capacityUnit: { read: 0, write: 1 } } });
  const terms = writeTerms(request.condition, request.returnContent);
  const nowMs = service.now();
  const table = tableOrError(service, request.tableName);
  // What is wrong with the request itself is said first, even when there is no such table.
  const known = table instanceof OtsError ? undefined : table;
  const change = parseRowChange(request.row, typeOf[operation], known, service.arena, nowMs);
  checkTotal(operation, change.dataBytes);
  if (table instanceof OtsError) throw table;
  if (change.error) throw change.error;
  const access = service.transactions.access(request.transactionId, nowMs);
  const result = service.store.shared(() => applyRow(service, table, access, change, terms, nowMs));
  return WriteRowResponse.encode({
    consumed: { capacityUnit: { read: result.readUnits, write: result.writeUnits } },
    ...(result.row ? { row: result.row } : {}),
  });
}

interface BatchRow {
  readonly change: RowChange;
  readonly terms: WriteTerms;
}

type Outcome = WriteResult | OtsError;

export function batchWriteRow(service: Service, body: Buffer): Buffer {
  if (service.discard) return discardBatch(body);
  const request = decodeBatchRequest(body);
  checkBatch(request);
  const nowMs = service.now();
  const access = service.transactions.access(request.transactionId, nowMs);
  let total = 0;
  const tables = request.tables.map(({ tableName, rows }) => {
    const table = tableOrError(service, tableName);
    const parsed = rows.map(({ type, rowChange, terms }): BatchRow => {
      checkOperationType(type);
      const known = table instanceof OtsError ? undefined : table;
      const change = parseRowChange(rowChange, type, known, service.arena, nowMs);
      total += change.dataBytes;
      return { change, terms };
    });
    if (!(table instanceof OtsError) && !request.isAtomic) checkRepeatedKeys(service, tableName, parsed);
    return { tableName, table, rows: parsed };
  });
  checkTotal('BatchWriteRow', total);
  const response = new ProtobufWriter(4096);
  service.store.shared(() => {
    for (const { tableName, table, rows } of tables) {
      let outcomes: Outcome[];
      if (table instanceof OtsError) outcomes = rows.map(() => table);
      else if (request.isAtomic) outcomes = applyAtomically(service, table, access, rows, nowMs);
      else outcomes = rows.map((row) => attempt(service, 'BatchWriteRow', table, access, row, nowMs));
      response.message(1, () => {
        response.string(1, tableName);
        for (const outcome of outcomes) response.block(2, batchRowResponse(outcome));
      });
    }
  });
  return response.finish();
}

export function bulkImport(service: Service, body: Buffer): Buffer {
  if (service.discard) return discardBulk(body);
  const { tableName, rows } = decodeBulkRequest(body);
  checkTableName(tableName);
  if (rows.length === 0) throw invalid(`No operation is specified for table: '${tableName}'.`);
  checkRowCount(rows.length, limits.batchWriteRows);
  const nowMs = service.now();
  const table = tableOrError(service, tableName);
  let total = 0;
  const changes = rows.map(({ type, rowChange }) => {
    checkOperationType(type);
    const known = table instanceof OtsError ? undefined : table;
    const change = parseRowChange(rowChange, type, known, service.arena, nowMs);
    total += change.dataBytes;
    return change;
  });
  checkTotal('BulkImport', total);
  const response = new ProtobufWriter(4096);
  response.string(1, tableName);
  const access = service.transactions.access(undefined, nowMs);
  service.store.shared(() => {
    for (const change of changes) {
      const outcome =
        table instanceof OtsError
          ? table
          : attempt(service, 'BulkImport', table, access, { change, terms: noTerms }, nowMs);
      response.block(2, bulkRowResponse(outcome, change.billedBytes));
    }
  });
  return response.finish();
}

/** One row of a batch: what goes wrong with it is its own affair. */
function attempt(
  service: Service,
  operation: string,
  table: Table,
  access: RowAccess,
  { change, terms }: BatchRow,
  nowMs: number,
): Outcome {
  if (change.error) return change.error;
  try {
    const fault = service.faults.forRow(operation);
    return fault ?? applyRow(service, table, access, change, terms, nowMs);
  } catch (error) {
    if (error instanceof OtsError) return error;
    throw error;
  }
}

function applyRow(
  service: Service,
  table: Table,
  access: RowAccess,
  change: RowChange,
  terms: WriteTerms,
  nowMs: number,
): WriteResult {
  service.countRow(table);
  service.transactions.checkFree(table, change.key, access, nowMs);
  return applyChange(table, access, change, terms, nowMs, service.arena);
}

/** All rows of one partition key, or none of them. */
function applyAtomically(
  service: Service,
  table: Table,
  access: RowAccess,
  rows: readonly BatchRow[],
  nowMs: number,
): Outcome[] {
  const refuse = (error: OtsError): Outcome[] => rows.map(() => error);
  const wrong = rows.find(({ change }) => change.error);
  if (wrong) return refuse(wrong.change.error!);
  const partition = (row: BatchRow): Buffer =>
    row.change.key.subarray(0, partitionLength(row.change.key, table.keyColumns));
  const first = rows[0]!;
  const other = rows.find((row) => !partition(row).equals(partition(first)));
  if (other) {
    const [mine, theirs] = [first, other].map((row) =>
      String(keyValues(row.change.key, table.keyColumns)[0]),
    );
    return refuse(
      new OtsError(
        'OTSDataOutOfRange',
        `Data out of scope of atomic. Atomic PartKey:${mine}. Data PartKey:${theirs}`,
      ),
    );
  }
  const { database } = service.store;
  table.flush();
  database.exec('SAVEPOINT atomic');
  try {
    const outcomes = rows.map((row) => attempt(service, 'BatchWriteRow', table, access, row, nowMs));
    const failed = outcomes.find((outcome) => outcome instanceof OtsError);
    if (!failed) {
      table.flush();
      return outcomes;
    }
    table.forget();
    database.exec('ROLLBACK TO atomic');
    return refuse(failed as OtsError);
  } finally {
    database.exec('RELEASE atomic');
  }
}

function checkBatch(request: BatchRequest): void {
  if (request.tables.length === 0) throw invalid('No row is specified in BatchWriteRow.');
  const names = new Set<string>();
  let count = 0;
  for (const { tableName, rows } of request.tables) {
    checkTableName(tableName);
    if (names.has(tableName)) throw invalid(`Duplicated table name: '${tableName}'.`);
    names.add(tableName);
    if (rows.length === 0) throw invalid(`No operation is specified for table: '${tableName}'.`);
    count += rows.length;
  }
  checkRowCount(count, limits.batchWriteRows);
}

/**
 * What the service does with two changes of one key is not certain (its documentation refuses them, its SDKs'
 * suites see them pass), so they are refused here unless a switch allows them. In an atomic batch, whose rows are
 * applied in order or not at all, they are allowed, as every suite expects.
 */
function checkRepeatedKeys(service: Service, tableName: string, rows: readonly BatchRow[]): void {
  const allowed = service.limits.repeatedKeys === 'allow';
  const seen = new Set<string>();
  for (const { change } of rows) {
    if (change.error || change.autoIncrementAt >= 0) continue;
    const key = change.key.toString('latin1');
    if (seen.has(key)) {
      if (!allowed) throw invalid(`Duplicated rows in table: '${tableName}'.`);
      if (rows.some(({ terms }) => terms.existence !== 0 || terms.condition)) {
        throw invalid('Repeated rows do not support row exist expectation check in BatchModify.');
      }
    }
    seen.add(key);
  }
}

export function checkRowCount(count: number, limit: number): void {
  if (count > limit) throw invalid(`Rows count exceeds the upper limit: ${limit}.`);
}

function checkTotal(operation: string, bytes: number): void {
  if (bytes > limits.writeBytes) {
    throw invalid(
      `The total data size of ${operation} request exceeds the limit, limit size: ${limits.writeBytes}, data size: ${bytes}.`,
    );
  }
}

function checkOperationType(type: number): void {
  if (type < OperationType.PUT || type > OperationType.DELETE)
    throw new WireFormatError('unknown operation type');
}

function tableOrError(service: Service, name: string): Table | OtsError {
  try {
    return service.table(name);
  } catch (error) {
    if (error instanceof OtsError) return error;
    throw error;
  }
}

function batchRowResponse(outcome: Outcome): Buffer {
  if (outcome instanceof OtsError) return errorRowResponse(outcome);
  const { readUnits, writeUnits, row } = outcome;
  const encode = (): Buffer =>
    RowInBatchResponse.encode({
      isOk: true,
      consumed: { capacityUnit: { read: readUnits, write: writeUnits } },
      ...(row ? { row } : {}),
    });
  return row ? encode() : cached(batchResponses, readUnits * 65536 + writeUnits, encode);
}

/** BulkImport is billed by bytes: capacity units are 0 and the data size says it. */
function bulkRowResponse(outcome: Outcome, billedBytes: number): Buffer {
  if (outcome instanceof OtsError) return errorRowResponse(outcome);
  return cached(bulkResponses, billedBytes, () =>
    RowInBatchResponse.encode({
      isOk: true,
      consumed: {
        capacityUnit: { read: 0, write: 0 },
        capacityDataSize: { readSize: 0n, writeSize: BigInt(billedBytes) },
      },
    }),
  );
}

function errorRowResponse({ code, message }: OtsError): Buffer {
  return RowInBatchResponse.encode({ isOk: false, error: { code, message } });
}

/** Answers of rows that went well are few different ones: made once, up to a bound. */
const batchResponses = new Map<number, Buffer>();
const bulkResponses = new Map<number, Buffer>();
const CACHED_RESPONSES = 4096;

function cached(cache: Map<number, Buffer>, key: number, encode: () => Buffer): Buffer {
  const found = cache.get(key);
  if (found) return found;
  const made = Buffer.from(encode());
  if (cache.size < CACHED_RESPONSES) cache.set(key, made);
  return made;
}

/** `--discard`: only the envelope is read, so that a benchmark measures the writer and not this server. */
function discardBatch(body: Buffer): Buffer {
  const reader = new ProtobufReader(body);
  const response = new ProtobufWriter(4096);
  const ok = batchRowResponse({ readUnits: 0, writeUnits: 1, row: undefined });
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const table = reader.message();
    response.message(1, () => discardRows(table, response, ok));
  }
  return response.finish();
}

function discardBulk(body: Buffer): Buffer {
  const response = new ProtobufWriter(4096);
  discardRows(
    new ProtobufReader(body),
    response,
    bulkRowResponse({ readUnits: 0, writeUnits: 0, row: undefined }, 0),
  );
  return response.finish();
}

/** Field 1 is the table's name and field 2 a row, in both kinds of request. */
function discardRows(reader: ProtobufReader, response: ProtobufWriter, ok: Buffer): void {
  while (reader.next()) {
    if (reader.field === 1) {
      response.string(1, reader.string());
      continue;
    }
    if (reader.field === 2) response.block(2, ok);
    reader.skip();
  }
}
