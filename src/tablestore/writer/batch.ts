/**
 * One write request for rows of one table, as BulkImport or as BatchWriteRow (docs/tablestore.md §2), and its answer.
 *
 *     const failures = await writeRows(client, 'batch-write', 'orders', rows);   // [] when every row was written
 *
 * Rows come as RequestRows: from queued changes (writer.ts), or a batch from one buffer (BatchSlice, the full load).
 */
import { TablestoreError, failureKind, type FailureKind } from '../client/errors.js';
import { readError, type CallOptions, type TablestoreClient } from '../client/client.js';
import type { RowChange, RowCondition } from '../client/model.js';
import { ProtobufReader, WireFormatError, varintLength } from '../wire/protobuf.js';
import type { RowBatch } from '../wire/row-writer.js';

export type BatchMode = 'bulk-import' | 'batch-write';

/** OperationType of the protocol. */
export const operationTypes = { put: 1, update: 2, delete: 3 } as const;
const conditionTypes = { ignore: 0, exist: 1, 'not-exist': 2 } as const;

export interface RequestRows {
  readonly count: number;
  /** Bytes of row i with its PlainBuffer header. */
  size(i: number): number;
  copy(i: number, target: Buffer, at: number): void;
  /** One of operationTypes. */
  operation(i: number): number;
  condition(i: number): RowCondition;
}

/** Rows [from, to) of a batch, all with the same operation and condition. */
export class BatchSlice implements RequestRows {
  readonly count: number;

  constructor(
    readonly rows: RowBatch,
    readonly from: number,
    readonly to: number,
    private readonly type: number,
    private readonly rowCondition: RowCondition,
  ) {
    this.count = to - from;
  }

  size(i: number): number {
    return this.rows.ends[this.from + i]! - this.start(i);
  }

  copy(i: number, target: Buffer, at: number): void {
    this.rows.buffer.copy(target, at, this.start(i), this.rows.ends[this.from + i]!);
  }

  operation(): number {
    return this.type;
  }

  condition(): RowCondition {
    return this.rowCondition;
  }

  private start(i: number): number {
    const row = this.from + i;
    return row === 0 ? 0 : this.rows.ends[row - 1]!;
  }
}

/** Rows that are objects, each with its own operation and condition. */
export class ContentRows implements RequestRows {
  constructor(
    private readonly rows: readonly {
      readonly op: RowChange['op'];
      readonly row: Buffer;
      readonly condition: RowCondition;
    }[],
  ) {}

  get count(): number {
    return this.rows.length;
  }

  size(i: number): number {
    return this.rows[i]!.row.length;
  }

  copy(i: number, target: Buffer, at: number): void {
    this.rows[i]!.row.copy(target, at);
  }

  operation(i: number): number {
    return operationTypes[this.rows[i]!.op];
  }

  condition(i: number): RowCondition {
    return this.rows[i]!.condition;
  }
}

/** Some rows of another request. */
export class Selection implements RequestRows {
  constructor(
    private readonly rows: RequestRows,
    private readonly indexes: readonly number[],
  ) {}

  get count(): number {
    return this.indexes.length;
  }

  size(i: number): number {
    return this.rows.size(this.indexes[i]!);
  }

  copy(i: number, target: Buffer, at: number): void {
    this.rows.copy(this.indexes[i]!, target, at);
  }

  operation(i: number): number {
    return this.rows.operation(this.indexes[i]!);
  }

  condition(i: number): RowCondition {
    return this.rows.condition(this.indexes[i]!);
  }
}

/** A row of a request that was not written. */
export interface RowFailure {
  /** Place in the request. */
  readonly index: number;
  readonly kind: FailureKind;
  readonly code: string;
  readonly message: string;
}

/**
 * Sends the rows and gives back those that were not written, in order of index.
 * @throws TablestoreError when the request as a whole was refused or its answer was lost.
 */
export async function writeRows(
  client: TablestoreClient,
  mode: BatchMode,
  table: string,
  rows: RequestRows,
  options?: CallOptions,
): Promise<RowFailure[]> {
  const bulk = mode === 'bulk-import';
  const operation = bulk ? 'BulkImport' : 'BatchWriteRow';
  const answer = await client.call(operation, encodeRequest(mode, table, rows), options);
  try {
    const failures: RowFailure[] = [];
    const reader = new ProtobufReader(answer);
    let count = 0;
    if (bulk) {
      count = readRows(reader, failures, 0);
    } else {
      while (reader.next()) {
        if (reader.field === 1) count = readRows(reader.message(), failures, count);
        else reader.skip();
      }
    }
    if (count === rows.count) return failures;
  } catch (error) {
    if (!(error instanceof WireFormatError)) throw error;
  }
  throw TablestoreError.connection(
    'Malformed',
    `The response to ${operation} is not valid: it lacks the result of some rows`,
  );
}

/** The protobuf message of one request. */
export function encodeRequest(mode: BatchMode, table: string, rows: RequestRows): Buffer {
  const bulk = mode === 'bulk-import';
  const name = Buffer.from(table, 'utf8');
  let size = 1 + varintLength(name.length) + name.length;
  for (let i = 0; i < rows.count; i++) {
    const inner = rowMessageSize(rows.size(i), bulk);
    size += 1 + varintLength(inner) + inner;
  }
  const body = Buffer.allocUnsafeSlow(bulk ? size : size + 1 + varintLength(size));
  let at = 0;
  if (!bulk) {
    body[at++] = 0x0a;
    at = putVarint(body, at, size);
  }
  body[at++] = 0x0a;
  at = putVarint(body, at, name.length);
  at += name.copy(body, at);
  for (let i = 0; i < rows.count; i++) {
    const rowSize = rows.size(i);
    body[at++] = 0x12;
    at = putVarint(body, at, rowMessageSize(rowSize, bulk));
    body[at++] = 0x08;
    body[at++] = rows.operation(i);
    body[at++] = 0x12;
    at = putVarint(body, at, rowSize);
    rows.copy(i, body, at);
    at += rowSize;
    if (!bulk) {
      body[at++] = 0x1a;
      body[at++] = 2;
      body[at++] = 0x08;
      body[at++] = conditionTypes[rows.condition(i)];
    }
  }
  return body;
}

/** What a row adds to a request beside its own bytes, at most. */
export const rowOverheadBytes = 20;

function rowMessageSize(row: number, bulk: boolean): number {
  return 3 + varintLength(row) + row + (bulk ? 0 : 4);
}

function putVarint(body: Buffer, at: number, value: number): number {
  for (; value >= 0x80; value >>>= 7) body[at++] = (value & 0x7f) | 0x80;
  body[at++] = value;
  return at;
}

/** The rows of one table in an answer; both kinds have them in field 2, each with is_ok = 1 and error = 2. */
function readRows(reader: ProtobufReader, failures: RowFailure[], first: number): number {
  let index = first;
  while (reader.next()) {
    if (reader.field !== 2) {
      reader.skip();
      continue;
    }
    const row = reader.message();
    let ok = false;
    let error = { code: '', message: '' };
    while (row.next()) {
      if (row.field === 1) ok = row.varint() !== 0;
      else if (row.field === 2) error = readError(row.message());
      else row.skip();
    }
    if (!ok) failures.push({ index, kind: failureKind(error.code, 0, error.message), ...error });
    index++;
  }
  return index;
}
