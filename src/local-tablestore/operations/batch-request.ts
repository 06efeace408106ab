import { Condition, ReturnContent } from '../../tablestore/wire/messages.js';
import { ProtobufReader, WireFormatError } from '../../tablestore/wire/protobuf.js';
import { noTerms, writeTerms, type WriteTerms } from './writes.js';

export interface BatchRowRequest {
  readonly type: number;
  readonly rowChange: Buffer;
  readonly terms: WriteTerms;
}

export interface BatchRequest {
  readonly tables: { readonly tableName: string; readonly rows: BatchRowRequest[] }[];
  readonly transactionId: string | undefined;
  readonly isAtomic: boolean;
}

/**
 * Decodes a BatchWriteRow request by hand: the hot path makes one object a row, and none for the usual condition.
 * Throws WireFormatError, or OtsError for a condition that is not allowed.
 */
export function decodeBatchRequest(body: Buffer): BatchRequest {
  const tables: BatchRequest['tables'] = [];
  let transactionId: string | undefined;
  let isAtomic = false;
  const reader = new ProtobufReader(body);
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        tables.push(decodeTable(reader.message()));
        break;
      case 2:
        transactionId = reader.string();
        break;
      case 3:
        isAtomic = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return { tables, transactionId, isAtomic };
}

/** Decodes the rows of a BulkImport request, which have no terms. */
export function decodeBulkRequest(body: Buffer): { tableName: string; rows: BatchRowRequest[] } {
  return decodeTable(new ProtobufReader(body), false);
}

function decodeTable(
  reader: ProtobufReader,
  withTerms = true,
): { tableName: string; rows: BatchRowRequest[] } {
  let tableName: string | undefined;
  const rows: BatchRowRequest[] = [];
  while (reader.next()) {
    if (reader.field === 1) tableName = reader.string();
    else if (reader.field === 2) rows.push(decodeRow(reader.message(), withTerms));
    else reader.skip();
  }
  if (tableName === undefined) throw new WireFormatError('required field tableName is missing');
  return { tableName, rows };
}

function decodeRow(reader: ProtobufReader, withTerms: boolean): BatchRowRequest {
  let type = 0;
  let rowChange: Buffer | undefined;
  let condition: Buffer | undefined;
  let returnContent: Buffer | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        type = reader.int32();
        break;
      case 2:
        rowChange = reader.block();
        break;
      case 3:
        condition = reader.block();
        break;
      case 4:
        returnContent = reader.block();
        break;
      default:
        reader.skip();
    }
  }
  if (type === 0 || !rowChange) throw new WireFormatError('a row change has no type or no row');
  if (!withTerms) return { type, rowChange, terms: noTerms };
  if (!condition) throw new WireFormatError('required field condition is missing');
  // Field 1 as the varint 0: IGNORE, and no column condition.
  const ignored = condition.length === 2 && condition[0] === 0x08 && condition[1] === 0;
  if (ignored && !returnContent) return { type, rowChange, terms: noTerms };
  return {
    type,
    rowChange,
    terms: writeTerms(Condition.decode(condition), returnContent && ReturnContent.decode(returnContent)),
  };
}
