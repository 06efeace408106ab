/**
 * Table operations and reads of one instance: one try each, TablestoreError when refused.
 *
 *     const tables = await listTables(client);
 *     await createTable(client, { name, keys: [{ name: 'id', type: 'INTEGER' }], … });
 *     const page = await getRange(client, { table, start, end, limit });   // rows as PlainBuffer bytes
 *     decodeRows(page.rows)                                                // wire/plainbuffer.ts, or a scanner
 *
 * Keys go in as PlainBuffer bytes with header and key cells, as RowWriter writes them; keyBounds() makes those of
 * a whole table.
 */
import { TablestoreError } from './errors.js';
import { readError, type CallOptions, type TablestoreClient } from './client.js';
import { ProtobufReader, ProtobufWriter, WireFormatError } from '../wire/protobuf.js';
import { checkedRows } from '../wire/plainbuffer.js';
import { RowWriter, prepareName } from '../wire/row-writer.js';

export type KeyType = 'INTEGER' | 'STRING' | 'BINARY';
const keyTypes: readonly KeyType[] = ['INTEGER', 'STRING', 'BINARY'];

export interface TableSpecification {
  name: string;
  keys: readonly { name: string; type: KeyType }[];
  /** Seconds, or -1 for ever. */
  timeToLive: number;
  maxVersions: number;
  reservedRead: number;
  reservedWrite: number;
}

export type TableStatus = 'active' | 'inactive' | 'loading' | 'unloading' | 'updating';
const statuses: readonly TableStatus[] = ['active', 'inactive', 'loading', 'unloading', 'updating'];

export interface TableDescription extends TableSpecification {
  status: TableStatus;
}

export interface RangeRequest {
  table: string;
  /** Included; PlainBuffer key. */
  start: Buffer;
  /** Not included; PlainBuffer key. */
  end: Buffer;
  /** Rows at most; the service stops at 5,000 rows or 4 MB by itself. */
  limit?: number;
  /** Attribute columns to give back; all when missing. Key columns always come. */
  columns?: readonly string[];
}

export interface RangePage {
  /** One PlainBuffer header, then the rows; empty when there are none. */
  rows: Buffer;
  /** Where the next page begins; null after the last. */
  next: Buffer | null;
}

const nothing = Buffer.alloc(0);

export async function listTables(client: TablestoreClient, options?: CallOptions): Promise<string[]> {
  const names: string[] = [];
  await request(client, 'ListTable', nothing, options, (reader) => {
    while (reader.next()) {
      if (reader.field === 1) names.push(reader.string());
      else reader.skip();
    }
  });
  return names;
}

export async function createTable(
  client: TablestoreClient,
  table: TableSpecification,
  options?: CallOptions,
): Promise<void> {
  const writer = new ProtobufWriter();
  writer.message(1, (meta) => {
    meta.string(1, table.name);
    for (const key of table.keys) {
      meta.message(2, (column) => {
        column.string(1, key.name);
        column.integer(2, keyTypes.indexOf(key.type) + 1);
      });
    }
  });
  writer.message(2, (throughput) => {
    throughput.message(1, (unit) => {
      unit.integer(1, table.reservedRead);
      unit.integer(2, table.reservedWrite);
    });
  });
  writer.message(3, (tableOptions) => {
    tableOptions.integer(1, table.timeToLive);
    tableOptions.integer(2, table.maxVersions);
  });
  await client.call('CreateTable', writer.finish(), options);
}

/** null when the table does not exist. */
export async function describeTable(
  client: TablestoreClient,
  name: string,
  options?: CallOptions,
): Promise<TableDescription | null> {
  const description: TableDescription = {
    name,
    keys: [],
    timeToLive: -1,
    maxVersions: 1,
    reservedRead: 0,
    reservedWrite: 0,
    status: 'active',
  };
  try {
    await request(client, 'DescribeTable', nameRequest(name), options, (reader) =>
      readDescription(reader, description),
    );
  } catch (error) {
    if (error instanceof TablestoreError && error.service === 'OTSObjectNotExist') return null;
    throw error;
  }
  return description;
}

export async function deleteTable(
  client: TablestoreClient,
  name: string,
  options?: CallOptions,
): Promise<void> {
  await client.call('DeleteTable', nameRequest(name), options);
}

/** The row as PlainBuffer bytes, or null. */
export async function getRow(
  client: TablestoreClient,
  table: string,
  key: Buffer,
  options?: CallOptions,
): Promise<Buffer | null> {
  const writer = new ProtobufWriter();
  writer.string(1, table);
  writer.block(2, key);
  writer.integer(5, 1);
  let row: Buffer | null = null;
  await request(client, 'GetRow', writer.finish(), options, (reader) => {
    while (reader.next()) {
      if (reader.field === 2) row = filled(checkedRows(reader.block()));
      else reader.skip();
    }
  });
  return row;
}

export async function getRange(
  client: TablestoreClient,
  range: RangeRequest,
  options?: CallOptions,
): Promise<RangePage> {
  const writer = new ProtobufWriter(512);
  writer.string(1, range.table);
  writer.integer(2, 0);
  for (const column of range.columns ?? []) writer.string(3, column);
  writer.integer(5, 1);
  if (range.limit !== undefined) writer.integer(6, range.limit);
  writer.block(7, range.start);
  writer.block(8, range.end);
  const page: RangePage = { rows: nothing, next: null };
  await request(client, 'GetRange', writer.finish(), options, (reader) => {
    while (reader.next()) {
      if (reader.field === 2) page.rows = checkedRows(reader.block());
      else if (reader.field === 3) page.next = filled(checkedRows(reader.block()));
      else reader.skip();
    }
    // It would be asked for without end.
    if (page.next?.equals(range.start)) throw new WireFormatError('the next page is the same page');
  });
  return page;
}

/** What became of one key of batchGetRow: the row, null when there is none, or why it could not be read. */
export type ReadResult = Buffer | null | TablestoreError;

/** Up to 100 keys of one table; the answers are in the order of the keys. */
export async function batchGetRow(
  client: TablestoreClient,
  table: string,
  keys: readonly Buffer[],
  options?: CallOptions,
): Promise<ReadResult[]> {
  if (keys.length === 0) return [];
  const writer = new ProtobufWriter(4096);
  writer.message(1, (message) => {
    message.string(1, table);
    // Field 3, the token, has to be there for each key.
    for (const key of keys) {
      message.block(2, key);
      message.block(3, nothing);
    }
    message.integer(6, 1);
  });
  const results: ReadResult[] = [];
  await request(client, 'BatchGetRow', writer.finish(), options, (reader) => {
    while (reader.next()) {
      if (reader.field !== 1) {
        reader.skip();
        continue;
      }
      const ofTable = reader.message();
      while (ofTable.next()) {
        if (ofTable.field === 2) results.push(readResult(ofTable.message()));
        else ofTable.skip();
      }
    }
  });
  if (results.length !== keys.length) {
    throw TablestoreError.connection(
      'Malformed',
      'Tablestore returned the wrong number of rows for BatchGetRow',
    );
  }
  return results;
}

/** The keys below and above every row of a table, for getRange. */
export function keyBounds(keyColumns: readonly string[]): { start: Buffer; end: Buffer } {
  const bound = (which: 'minimum' | 'maximum') => {
    const writer = new RowWriter(256);
    writer.beginRow();
    for (const name of keyColumns) writer.keyBound(prepareName(name), which);
    writer.endRow();
    return writer.copyRow();
  };
  return { start: bound('minimum'), end: bound('maximum') };
}

function readResult(reader: ProtobufReader): ReadResult {
  let ok = true;
  let error = { code: '', message: '' };
  let row: Buffer | null = null;
  while (reader.next()) {
    if (reader.field === 1) ok = reader.bool();
    else if (reader.field === 2) error = readError(reader.message());
    else if (reader.field === 4) row = filled(checkedRows(reader.block()));
    else reader.skip();
  }
  return ok ? row : TablestoreError.fromService(0, error.code, error.message, 'BatchGetRow');
}

function readDescription(reader: ProtobufReader, into: TableDescription): void {
  const keys: { name: string; type: KeyType }[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const meta = reader.message();
      while (meta.next()) {
        if (meta.field === 1) into.name = meta.string();
        else if (meta.field === 2) keys.push(readKey(meta.message()));
        else meta.skip();
      }
    } else if (reader.field === 2) {
      readThroughput(reader.message(), into);
    } else if (reader.field === 3) {
      const options = reader.message();
      while (options.next()) {
        if (options.field === 1) into.timeToLive = options.int32();
        else if (options.field === 2) into.maxVersions = options.int32();
        else options.skip();
      }
    } else if (reader.field === 4) {
      into.status = statuses[reader.int32() - 1] ?? 'active';
    } else {
      reader.skip();
    }
  }
  into.keys = keys;
}

function readKey(reader: ProtobufReader): { name: string; type: KeyType } {
  const key: { name: string; type: KeyType } = { name: '', type: 'STRING' };
  while (reader.next()) {
    if (reader.field === 1) key.name = reader.string();
    else if (reader.field === 2) key.type = keyTypes[reader.int32() - 1] ?? 'STRING';
    else reader.skip();
  }
  return key;
}

function readThroughput(reader: ProtobufReader, into: TableDescription): void {
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const unit = reader.message();
    while (unit.next()) {
      if (unit.field === 1) into.reservedRead = unit.int32();
      else if (unit.field === 2) into.reservedWrite = unit.int32();
      else unit.skip();
    }
  }
}

function nameRequest(name: string): Buffer {
  const writer = new ProtobufWriter(64);
  writer.string(1, name);
  return writer.finish();
}

function filled(bytes: Buffer): Buffer | null {
  return bytes.length === 0 ? null : bytes;
}

async function request(
  client: TablestoreClient,
  operation: string,
  body: Uint8Array,
  options: CallOptions | undefined,
  read: (reader: ProtobufReader) => void,
): Promise<void> {
  const answer = await client.call(operation, body, options);
  try {
    read(new ProtobufReader(answer));
  } catch (error) {
    if (!(error instanceof WireFormatError)) throw error;
    throw TablestoreError.connection(
      'Malformed',
      `The response to ${operation} is not valid: ${error.message}`,
      error,
    );
  }
}
