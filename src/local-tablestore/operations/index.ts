import { batchGetRow, bulkExport, computeSplitPointsBySize, getRange, getRow } from './read-operations.js';
import { unsupported } from '../storage/schema.js';
import type { Service } from './service.js';
import {
  addDefinedColumn,
  createTable,
  deleteDefinedColumn,
  deleteTable,
  describeTable,
  listNothing,
  listTable,
  updateTable,
} from './table-operations.js';
import { abortTransaction, commitTransaction, startLocalTransaction } from './transaction-operations.js';
import { batchWriteRow, bulkImport, writeRow } from './write-operations.js';

type Handler = (service: Service, body: Buffer) => Buffer;

/** The operations that work; docs/local-tablestore.md says how completely. */
const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['CreateTable', createTable],
  ['ListTable', listTable],
  ['ListStream', listNothing],
  ['ListSearchIndex', listNothing],
  ['ListTimeseriesTable', listNothing],
  ['DescribeTable', describeTable],
  ['UpdateTable', updateTable],
  ['DeleteTable', deleteTable],
  ['AddDefinedColumn', addDefinedColumn],
  ['DeleteDefinedColumn', deleteDefinedColumn],
  ['ComputeSplitPointsBySize', computeSplitPointsBySize],
  ['GetRow', getRow],
  ['PutRow', (service, body) => writeRow(service, 'PutRow', body)],
  ['UpdateRow', (service, body) => writeRow(service, 'UpdateRow', body)],
  ['DeleteRow', (service, body) => writeRow(service, 'DeleteRow', body)],
  ['BatchGetRow', batchGetRow],
  ['BatchWriteRow', batchWriteRow],
  ['GetRange', getRange],
  ['BulkImport', bulkImport],
  ['BulkExport', bulkExport],
  ['StartLocalTransaction', startLocalTransaction],
  ['CommitTransaction', commitTransaction],
  ['AbortTransaction', abortTransaction],
]);

/** What is answered at all, for the table in docs/local-tablestore.md. */
export const operationNames: readonly string[] = [...handlers.keys()];

/** They share a commit; every other operation sees what they wrote only once it is kept. */
const sharing: ReadonlySet<string> = new Set([
  'PutRow',
  'UpdateRow',
  'DeleteRow',
  'BatchWriteRow',
  'BulkImport',
]);

/**
 * Runs one operation. The answer may be sent once `service.store.committed` has settled.
 * @param body its protobuf message. @returns the protobuf message of the answer.
 * @throws OtsError what the service would answer; WireFormatError when `body` is malformed.
 */
export function runOperation(service: Service, operation: string, body: Buffer): Buffer {
  const handler = handlers.get(operation);
  if (!handler) throw unsupported(`The operation ${operation}`);
  if (!sharing.has(operation)) service.store.commitShared();
  service.beginRequest();
  return handler(service, body);
}
