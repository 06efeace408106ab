import type { Message } from '../../tablestore/wire/codec.js';
import {
  DefinedColumnType,
  PrimaryKeyOption,
  PrimaryKeyType,
  type CreateTableRequest,
  type UpdateTableRequest,
} from '../../tablestore/wire/messages.js';
import { Variant } from '../../tablestore/wire/plainbuffer.js';
import { invalid, OtsError } from '../base/errors.js';
import { compareValues, parseVariant, type FilterValue } from '../base/filter-value.js';
import { isValidColumnName, isValidName, limits } from '../base/limits.js';

/** What is kept of a table beside its rows; stored as JSON. Times in the unit of their name. */
export interface TableSchema {
  readonly name: string;
  readonly primaryKey: readonly { name: string; type: number; option?: number }[];
  definedColumns: { name: string; type: number }[];
  timeToLiveSeconds: number;
  maxVersions: number;
  deviationSeconds: number;
  allowUpdate: boolean;
  /** Kept and shown; it changes nothing here. */
  updateFullRow: boolean;
  readUnits: number;
  writeUnits: number;
  readonly createdMs: number;
  /** Values of the partition key at which CreateTable split the table: variants in hex. Shown, without effect. */
  readonly splitPoints?: readonly string[];
  lastIncreaseSeconds: number;
  lastDecreaseSeconds: number;
  /** Absent when the creator did not say: local transactions are then allowed. */
  readonly localTransactions?: boolean;
}

/** Type byte of PlainBuffer by key type of the schema, and what the service calls it. */
export const keyVariant: { readonly [type: number]: number } = {
  [PrimaryKeyType.INTEGER]: Variant.INTEGER,
  [PrimaryKeyType.STRING]: Variant.STRING,
  [PrimaryKeyType.BINARY]: Variant.BINARY,
};

export const definedColumnVariant: { readonly [type: number]: number } = {
  [DefinedColumnType.INTEGER]: Variant.INTEGER,
  [DefinedColumnType.DOUBLE]: Variant.DOUBLE,
  [DefinedColumnType.BOOLEAN]: Variant.BOOLEAN,
  [DefinedColumnType.STRING]: Variant.STRING,
  [DefinedColumnType.BLOB]: Variant.BINARY,
};

const variantNames: { readonly [variant: number]: string } = {
  [Variant.INTEGER]: 'VT_INTEGER',
  [Variant.DOUBLE]: 'VT_DOUBLE',
  [Variant.BOOLEAN]: 'VT_BOOLEAN',
  [Variant.STRING]: 'VT_STRING',
  [Variant.NULL]: 'VT_NULL',
  [Variant.BINARY]: 'VT_BLOB',
  [Variant.INF_MIN]: 'VT_INF_MIN',
  [Variant.INF_MAX]: 'VT_INF_MAX',
  [Variant.AUTO_INCREMENT]: 'VT_AUTO_INCREMENT',
};

export const variantName = (variant: number): string => variantNames[variant] ?? `VT_${variant}`;

const DEFAULT_DEVIATION_SECONDS = 86400;

/** Checks a CreateTable request and gives the schema to keep. Throws OtsError. */
export function schemaFromRequest(request: Message<typeof CreateTableRequest>, nowMs: number): TableSchema {
  const { tableMeta: meta, reservedThroughput, tableOptions } = request;
  checkTableName(meta.tableName);
  refuseUnsupported(request);
  const count = meta.primaryKey.length;
  if (count < 1 || count > limits.primaryKeyColumns) {
    throw invalid(`The number of primary key columns must be in range: [1, ${limits.primaryKeyColumns}].`);
  }
  const names = new Set<string>();
  meta.primaryKey.forEach((column, index) => {
    if (!isValidName(column.name)) throw invalid(`Invalid column name: '${column.name}'.`);
    if (names.has(column.name)) throw invalid(`Duplicated primary key name: '${column.name}'.`);
    names.add(column.name);
    if (keyVariant[column.type] === undefined) {
      throw invalid(`${column.type} is an invalid type for the primary key.`);
    }
    if (column.option === undefined) return;
    if (column.option !== PrimaryKeyOption.AUTO_INCREMENT) throw invalid('Invalid primary key option.');
    if (index === 0) throw invalid('The first primary key column can not be auto increment.');
    if (column.type !== PrimaryKeyType.INTEGER) {
      throw invalid(`The auto increment primary key column must be integer: '${column.name}'.`);
    }
  });
  if (meta.primaryKey.filter((column) => column.option !== undefined).length > 1) {
    throw invalid('The number of auto increment primary key columns must not be greater than 1.');
  }
  const schema: TableSchema = {
    name: meta.tableName,
    primaryKey: meta.primaryKey,
    definedColumns: [],
    timeToLiveSeconds: -1,
    maxVersions: 1,
    deviationSeconds: DEFAULT_DEVIATION_SECONDS,
    allowUpdate: true,
    updateFullRow: false,
    readUnits: 0,
    writeUnits: 0,
    createdMs: nowMs,
    lastIncreaseSeconds: Math.floor(nowMs / 1000),
    lastDecreaseSeconds: 0,
    ...(request.partitions.length > 1 ? { splitPoints: splitPoints(request) } : {}),
    ...(request.enableLocalTxn === undefined ? {} : { localTransactions: request.enableLocalTxn }),
  };
  addDefinedColumns(schema, meta.definedColumn);
  applyOptions(schema, tableOptions);
  const { read = 0, write = 0 } = reservedThroughput.capacityUnit;
  checkUnits(read, write);
  schema.readUnits = read;
  schema.writeUnits = write;
  return schema;
}

/** Applies an UpdateTable request to `schema`. Throws OtsError. */
export function updateSchema(
  schema: TableSchema,
  request: Message<typeof UpdateTableRequest>,
  nowMs: number,
): void {
  if (request.streamSpec?.enableStream) throw unsupported('Stream');
  if (request.tableOptions?.updateFullRow !== undefined) {
    throw invalid('The table options of UpdateTable can not contain updateFullRow.');
  }
  if (!request.reservedThroughput && !request.tableOptions && !request.streamSpec) {
    throw invalid('No attribute is specified for UpdateTable.');
  }
  applyOptions(schema, request.tableOptions);
  const unit = request.reservedThroughput?.capacityUnit;
  if (!unit) return;
  const { read = schema.readUnits, write = schema.writeUnits } = unit;
  checkUnits(read, write);
  const now = Math.floor(nowMs / 1000);
  if (read > schema.readUnits || write > schema.writeUnits) schema.lastIncreaseSeconds = now;
  if (read < schema.readUnits || write < schema.writeUnits) schema.lastDecreaseSeconds = now;
  schema.readUnits = read;
  schema.writeUnits = write;
}

/** Adds columns to the schema. Throws OtsError when one is there already, or the limit is passed. */
export function addDefinedColumns(
  schema: TableSchema,
  columns: readonly { name: string; type: number }[],
): void {
  if (schema.definedColumns.length + columns.length > limits.definedColumns) {
    throw invalid(`The number of defined columns must be in range: [0, ${limits.definedColumns}].`);
  }
  for (const { name, type } of columns) {
    checkColumnName(name);
    if (schema.primaryKey.some((column) => column.name === name)) {
      throw invalid(`Duplicated attribute column name with primary key column: '${name}'.`);
    }
    if (schema.definedColumns.some((column) => column.name === name)) {
      throw invalid(`Duplicated defined column name: '${name}'.`);
    }
    if (definedColumnVariant[type] === undefined) throw invalid(`Invalid type of defined column: '${name}'.`);
    schema.definedColumns.push({ name, type });
  }
}

/** Takes columns out of the schema; the cells of rows stay. Throws OtsError for a column that is not defined. */
export function deleteDefinedColumns(schema: TableSchema, names: readonly string[]): void {
  for (const name of names) {
    const index = schema.definedColumns.findIndex((column) => column.name === name);
    if (index < 0) throw invalid(`Defined column does not exist: '${name}'.`);
    schema.definedColumns.splice(index, 1);
  }
}

export function checkTableName(name: string): void {
  if (!isValidName(name)) throw invalid(`Invalid table name: '${name}'.`);
}

export function checkColumnName(name: string): void {
  const bytes = Buffer.from(name);
  if (!isValidColumnName(bytes, 0, bytes.length)) throw invalid(`Invalid column name: '${name}'.`);
}

export function unsupported(what: string): OtsError {
  return new OtsError('OTSUnsupportOperation', `${what} is not supported by the embedded Tablestore.`);
}

/** The ends of all partitions but the last; they must follow each other upwards in the partition key's type. */
function splitPoints(request: Message<typeof CreateTableRequest>): string[] {
  if (request.partitions.length > limits.partitions) {
    throw invalid(`The count of partitions cannot be greater than ${limits.partitions}`);
  }
  const expected = keyVariant[request.tableMeta.primaryKey[0]!.type];
  const points = request.partitions.slice(0, -1).map(({ end }) => {
    const point = parseVariant(end);
    if (point.type !== expected) {
      throw invalid('The value type of partition does not match with primary key.');
    }
    checkSplitPoint(point);
    return { end, point };
  });
  points.forEach(({ point }, index) => {
    if (index > 0 && compareValues(points[index - 1]!.point, point) >= 0) {
      throw invalid('The range of partitions must be continuous and in ascending order.');
    }
  });
  return points.map(({ end }) => end.toString('hex'));
}

function checkSplitPoint({ type, source, start, end }: FilterValue): void {
  if (type === Variant.INTEGER) {
    const value = source.readBigInt64LE(start);
    if (value === BigInt.asIntN(64, 1n << 63n) || value === (1n << 63n) - 1n) {
      throw invalid('The value of partition range can not be INT64_MIN or INT64_MAX.');
    }
  } else if (start === end) {
    const kind = type === Variant.STRING ? 'string' : 'binary';
    throw invalid(`The value of partition range can not be empty ${kind}.`);
  } else if (end - start > limits.splitPointBytes) {
    throw invalid(
      `The value of partition range exceeds the MaxLength:${limits.splitPointBytes} with CurrentLength:${end - start}.`,
    );
  }
}

function refuseUnsupported(request: Message<typeof CreateTableRequest>): void {
  if (request.indexMetas.length > 0) throw unsupported('A secondary index');
  if (request.streamSpec?.enableStream) throw unsupported('Stream');
  if (request.sseSpec?.enable) throw unsupported('Server-side encryption');
}

function applyOptions(
  schema: TableSchema,
  options: Message<typeof CreateTableRequest>['tableOptions'] | undefined,
): void {
  if (!options) return;
  const { timeToLive, maxVersions, deviationCellVersionInSec, allowUpdate, updateFullRow } = options;
  if (timeToLive !== undefined && timeToLive !== -1 && timeToLive < limits.minTimeToLive) {
    throw invalid(`Invalid time to live: ${timeToLive}. It must be -1 or at least ${limits.minTimeToLive}.`);
  }
  if (maxVersions !== undefined && maxVersions <= 0) throw invalid(`Invalid max versions: ${maxVersions}.`);
  if (deviationCellVersionInSec !== undefined && deviationCellVersionInSec <= 0n) {
    throw invalid(`Invalid deviation of cell version: ${deviationCellVersionInSec}.`);
  }
  if (timeToLive !== undefined) schema.timeToLiveSeconds = timeToLive;
  if (maxVersions !== undefined) schema.maxVersions = maxVersions;
  if (deviationCellVersionInSec !== undefined) schema.deviationSeconds = Number(deviationCellVersionInSec);
  if (allowUpdate !== undefined) schema.allowUpdate = allowUpdate;
  if (updateFullRow !== undefined) schema.updateFullRow = updateFullRow;
}

function checkUnits(read: number, write: number): void {
  if (read < 0 || write < 0)
    throw invalid('The value of read capacity unit or write capacity unit is invalid.');
}
