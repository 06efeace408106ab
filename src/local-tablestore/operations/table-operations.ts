import type { Message } from '../../tablestore/wire/codec.js';
import {
  AddDefinedColumnRequest,
  CreateTableRequest,
  DeleteDefinedColumnRequest,
  DescribeTableResponse,
  ListTableResponse,
  TableNameRequest,
  TableStatus,
  UpdateTableRequest,
  UpdateTableResponse,
  type ReservedThroughputDetails,
  type TableOptions,
} from '../../tablestore/wire/messages.js';
import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { ByteWriter } from '../base/byte-writer.js';
import { noSuchTable, OtsError } from '../base/errors.js';
import { parseVariant } from '../base/filter-value.js';
import { encodeKeyValues } from '../storage/key-codec.js';
import { writeHeader, writeRow } from './row-output.js';
import type { Service } from './service.js';
import {
  addDefinedColumns,
  checkTableName,
  deleteDefinedColumns,
  schemaFromRequest,
  updateSchema,
  type TableSchema,
} from '../storage/schema.js';
import type { Table } from '../storage/store.js';

const EMPTY = Buffer.alloc(0);

export function createTable(service: Service, body: Buffer): Buffer {
  const schema = schemaFromRequest(CreateTableRequest.decode(body), service.now());
  service.countTableOperation();
  const { tables } = service.limits;
  if (tables !== undefined && service.store.tables.size >= tables && !service.store.tables.has(schema.name)) {
    throw new OtsError('OTSQuotaExhausted', `Number of tables exceeds the quota:${tables}.`);
  }
  service.created(service.store.createTable(schema));
  return EMPTY;
}

export function listTable(service: Service): Buffer {
  return ListTableResponse.encode({ tableNames: [...service.store.tables.keys()].sort() });
}

/** ListStream, ListSearchIndex, ListTimeseriesTable: none can be made, so there are none. SDKs ask before they clean up. */
export function listNothing(): Buffer {
  return EMPTY;
}

export function deleteTable(service: Service, body: Buffer): Buffer {
  const table = named(service, body);
  service.countTableOperation();
  service.transactions.dropTable(table);
  service.store.dropTable(table);
  return EMPTY;
}

export function describeTable(service: Service, body: Buffer): Buffer {
  const table = named(service, body);
  const { schema } = table;
  return DescribeTableResponse.encode({
    tableMeta: {
      tableName: schema.name,
      primaryKey: [...schema.primaryKey],
      definedColumn: schema.definedColumns,
    },
    reservedThroughputDetails: throughput(schema),
    tableOptions: options(schema),
    tableStatus: TableStatus.ACTIVE,
    streamDetails: { enableStream: false },
    shardSplits: (schema.splitPoints ?? []).map((point) => splitKey(table, point)),
    creationTime: BigInt(schema.createdMs) * 1000n,
  });
}

export function updateTable(service: Service, body: Buffer): Buffer {
  const request = UpdateTableRequest.decode(body);
  checkTableName(request.tableName);
  const table = existing(service, request.tableName);
  service.countTableOperation();
  const changed = structuredClone(table.schema);
  updateSchema(changed, request, service.now());
  const { throughputChangeSeconds } = service.limits;
  if (throughputChangeSeconds && request.reservedThroughput) {
    const last = Math.max(table.schema.lastIncreaseSeconds, table.schema.lastDecreaseSeconds);
    if (service.now() / 1000 - last < throughputChangeSeconds) {
      throw new OtsError(
        'OTSTooFrequentReservedThroughputAdjustment',
        'Reserved throughput adjustment is too frequent.',
      );
    }
  }
  save(service, table, changed);
  return UpdateTableResponse.encode({
    reservedThroughputDetails: throughput(changed),
    tableOptions: options(changed),
  });
}

export function addDefinedColumn(service: Service, body: Buffer): Buffer {
  const { tableName, columns } = AddDefinedColumnRequest.decode(body);
  const table = existing(service, tableName);
  const changed = structuredClone(table.schema);
  addDefinedColumns(changed, columns);
  save(service, table, changed);
  return EMPTY;
}

export function deleteDefinedColumn(service: Service, body: Buffer): Buffer {
  const { tableName, columns } = DeleteDefinedColumnRequest.decode(body);
  const table = existing(service, tableName);
  const changed = structuredClone(table.schema);
  deleteDefinedColumns(changed, columns);
  save(service, table, changed);
  return EMPTY;
}

/** All of a change to the schema, or nothing: it is made on a copy and taken over here. */
function save(service: Service, table: Table, changed: TableSchema): void {
  Object.assign(table.schema, changed);
  service.store.saveSchema(table);
}

function named(service: Service, body: Buffer): Table {
  const { tableName } = TableNameRequest.decode(body);
  checkTableName(tableName);
  return existing(service, tableName);
}

/** Table operations see a table at once, even while it is not ready for rows. */
function existing(service: Service, name: string): Table {
  const table = service.store.tables.get(name);
  if (!table) throw noSuchTable();
  return table;
}

function throughput(schema: TableSchema): Message<typeof ReservedThroughputDetails> {
  return {
    capacityUnit: { read: schema.readUnits, write: schema.writeUnits },
    lastIncreaseTime: BigInt(schema.lastIncreaseSeconds),
    lastDecreaseTime: BigInt(schema.lastDecreaseSeconds),
  };
}

/** A split point as a PlainBuffer row with the partition key alone. */
function splitKey(table: Table, point: string): Buffer {
  const { source, start, end } = parseVariant(Buffer.from(point, 'hex'));
  const columns = table.keyColumns.slice(0, 1);
  const value =
    columns[0]!.variant === Variant.INTEGER ? source.readBigInt64LE(start) : source.subarray(start, end);
  const writer = new ByteWriter(64);
  writeHeader(writer);
  writeRow(writer, encodeKeyValues(columns, [value]), columns, []);
  return writer.slice();
}

function options(schema: TableSchema): Message<typeof TableOptions> {
  return {
    timeToLive: schema.timeToLiveSeconds,
    maxVersions: schema.maxVersions,
    deviationCellVersionInSec: BigInt(Math.trunc(schema.deviationSeconds)),
    allowUpdate: schema.allowUpdate,
    updateFullRow: schema.updateFullRow,
  };
}
