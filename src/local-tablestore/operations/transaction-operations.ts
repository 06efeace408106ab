import { StartLocalTransactionRequest, TransactionMessage } from '../../tablestore/wire/messages.js';
import { decodeRows, PlainBufferScanner } from '../../tablestore/wire/plainbuffer.js';
import { WireFormatError } from '../../tablestore/wire/protobuf.js';
import { invalid } from '../base/errors.js';
import { encodeKey } from '../storage/key-codec.js';
import { checkTableName } from '../storage/schema.js';
import type { Service } from './service.js';

export function startLocalTransaction(service: Service, body: Buffer): Buffer {
  const request = StartLocalTransactionRequest.decode(body);
  checkTableName(request.tableName);
  const row = decodeRows(request.key)[0];
  if (!row) throw new WireFormatError('the key of the transaction is empty');
  if (row.primaryKey.length !== 1) throw invalid('StartLocalTransaction support only one primary key.');
  const table = service.table(request.tableName);
  if (table.schema.localTransactions === false) {
    throw invalid('Try to call method using explicit transaction on explicit-transaction-disabled table.');
  }
  const scanner = new PlainBufferScanner(request.key);
  scanner.header();
  const { key, error } = encodeKey(scanner, table.keyColumns.slice(0, 1), service.arena, 'read');
  if (error) throw error;
  return TransactionMessage.encode({ transactionId: service.transactions.start(table, key, service.now()) });
}

/** Answers with the transaction id: the JavaScript SDK takes an abort without it for malformed, the others ignore it. */
export function commitTransaction(service: Service, body: Buffer): Buffer {
  const { transactionId } = TransactionMessage.decode(body);
  service.transactions.commit(transactionId, service.now());
  return TransactionMessage.encode({ transactionId });
}

export function abortTransaction(service: Service, body: Buffer): Buffer {
  const { transactionId } = TransactionMessage.decode(body);
  service.transactions.abort(transactionId, service.now());
  return TransactionMessage.encode({ transactionId });
}
