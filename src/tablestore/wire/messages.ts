import { MessageType, optional, repeated, required } from './codec.js';

/** The messages of the wide-column operations, field for field as the official SDKs declare them. */

export const PrimaryKeyType = { INTEGER: 1, STRING: 2, BINARY: 3 } as const;
export const PrimaryKeyOption = { AUTO_INCREMENT: 1 } as const;
export const DefinedColumnType = { INTEGER: 1, DOUBLE: 2, BOOLEAN: 3, STRING: 4, BLOB: 7 } as const;
export const TableStatus = { ACTIVE: 1, INACTIVE: 2, LOADING: 3, UNLOADING: 4, UPDATING: 5 } as const;
export const RowExistence = { IGNORE: 0, EXPECT_EXIST: 1, EXPECT_NOT_EXIST: 2 } as const;
export const ReturnType = { NONE: 0, PRIMARY_KEY: 1, AFTER_MODIFY: 2 } as const;
export const OperationType = { PUT: 1, UPDATE: 2, DELETE: 3 } as const;
export const Direction = { FORWARD: 0, BACKWARD: 1 } as const;
export const DataBlockType = { PLAIN_BUFFER: 0, SIMPLE_ROW_MATRIX: 1 } as const;

export const ErrorMessage = new MessageType({ code: required(1, 'string'), message: optional(2, 'string') });

export const PrimaryKeySchema = new MessageType({
  name: required(1, 'string'),
  type: required(2, 'int32'),
  option: optional(3, 'int32'),
});

export const DefinedColumnSchema = new MessageType({
  name: required(1, 'string'),
  type: required(2, 'int32'),
});

export const TableOptions = new MessageType({
  timeToLive: optional(1, 'int32'),
  maxVersions: optional(2, 'int32'),
  deviationCellVersionInSec: optional(5, 'int64'),
  allowUpdate: optional(6, 'bool'),
  updateFullRow: optional(7, 'bool'),
});

export const TableMeta = new MessageType({
  tableName: required(1, 'string'),
  primaryKey: repeated(2, PrimaryKeySchema),
  definedColumn: repeated(3, DefinedColumnSchema),
});

export const IndexMeta = new MessageType({ name: required(1, 'string') });

export const Condition = new MessageType({
  rowExistence: required(1, 'int32'),
  columnCondition: optional(2, 'bytes'),
});

export const CapacityUnit = new MessageType({ read: optional(1, 'int32'), write: optional(2, 'int32') });

export const CapacityDataSize = new MessageType({
  readSize: optional(1, 'int64'),
  writeSize: optional(2, 'int64'),
});

export const ConsumedCapacity = new MessageType({
  capacityUnit: required(1, CapacityUnit),
  capacityDataSize: optional(2, CapacityDataSize),
});

export const ReservedThroughput = new MessageType({ capacityUnit: required(1, CapacityUnit) });

export const ReservedThroughputDetails = new MessageType({
  capacityUnit: required(1, CapacityUnit),
  lastIncreaseTime: required(2, 'int64'),
  lastDecreaseTime: optional(3, 'int64'),
});

export const StreamSpecification = new MessageType({
  enableStream: required(1, 'bool'),
  expirationTime: optional(2, 'int32'),
});

export const StreamDetails = new MessageType({ enableStream: required(1, 'bool') });

export const SseSpecification = new MessageType({ enable: required(1, 'bool') });

export const CreateTableRequest = new MessageType({
  tableMeta: required(1, TableMeta),
  reservedThroughput: required(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  partitions: repeated(4, new MessageType({ begin: required(1, 'bytes'), end: required(2, 'bytes') })),
  streamSpec: optional(5, StreamSpecification),
  sseSpec: optional(6, SseSpecification),
  indexMetas: repeated(7, IndexMeta),
  enableLocalTxn: optional(8, 'bool'),
});

export const UpdateTableRequest = new MessageType({
  tableName: required(1, 'string'),
  reservedThroughput: optional(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  streamSpec: optional(4, StreamSpecification),
});

export const UpdateTableResponse = new MessageType({
  reservedThroughputDetails: required(1, ReservedThroughputDetails),
  tableOptions: required(2, TableOptions),
  streamDetails: optional(3, StreamDetails),
});

export const TableNameRequest = new MessageType({ tableName: required(1, 'string') });

export const DescribeTableResponse = new MessageType({
  tableMeta: required(1, TableMeta),
  reservedThroughputDetails: required(2, ReservedThroughputDetails),
  tableOptions: required(3, TableOptions),
  tableStatus: required(4, 'int32'),
  streamDetails: optional(5, StreamDetails),
  shardSplits: repeated(6, 'bytes'),
  creationTime: optional(9, 'int64'),
});

export const ListTableResponse = new MessageType({ tableNames: repeated(1, 'string') });

export const AddDefinedColumnRequest = new MessageType({
  tableName: required(1, 'string'),
  columns: repeated(2, DefinedColumnSchema),
});

export const DeleteDefinedColumnRequest = new MessageType({
  tableName: required(1, 'string'),
  columns: repeated(2, 'string'),
});

export const TimeRange = new MessageType({
  startTime: optional(1, 'int64'),
  endTime: optional(2, 'int64'),
  specificTime: optional(3, 'int64'),
});

export const ReturnContent = new MessageType({
  returnType: optional(1, 'int32'),
  returnColumnNames: repeated(2, 'string'),
});

export const GetRowRequest = new MessageType({
  tableName: required(1, 'string'),
  primaryKey: required(2, 'bytes'),
  columnsToGet: repeated(3, 'string'),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, 'int32'),
  filter: optional(7, 'bytes'),
  startColumn: optional(8, 'string'),
  endColumn: optional(9, 'string'),
  token: optional(10, 'bytes'),
  transactionId: optional(11, 'string'),
});

export const GetRowResponse = new MessageType({
  consumed: required(1, ConsumedCapacity),
  row: required(2, 'bytes'),
  nextToken: optional(3, 'bytes'),
});

/** UpdateRow and DeleteRow have the fields of PutRow under other names. */
export const PutRowRequest = new MessageType({
  tableName: required(1, 'string'),
  row: required(2, 'bytes'),
  condition: required(3, Condition),
  returnContent: optional(4, ReturnContent),
  transactionId: optional(5, 'string'),
});

/** PutRow, UpdateRow and DeleteRow answer alike. */
export const WriteRowResponse = new MessageType({
  consumed: required(1, ConsumedCapacity),
  row: optional(2, 'bytes'),
});

export const TableInBatchGetRow = new MessageType({
  tableName: required(1, 'string'),
  primaryKey: repeated(2, 'bytes'),
  token: repeated(3, 'bytes'),
  columnsToGet: repeated(4, 'string'),
  timeRange: optional(5, TimeRange),
  maxVersions: optional(6, 'int32'),
  filter: optional(8, 'bytes'),
  startColumn: optional(9, 'string'),
  endColumn: optional(10, 'string'),
});

export const BatchGetRowRequest = new MessageType({ tables: repeated(1, TableInBatchGetRow) });

export const RowInBatchResponse = new MessageType({
  isOk: required(1, 'bool'),
  error: optional(2, ErrorMessage),
  consumed: optional(3, ConsumedCapacity),
  row: optional(4, 'bytes'),
  nextToken: optional(5, 'bytes'),
});

export const TableInBatchResponse = new MessageType({
  tableName: required(1, 'string'),
  rows: repeated(2, RowInBatchResponse),
});

/** BatchGetRow and BatchWriteRow answer alike. */
export const BatchResponse = new MessageType({ tables: repeated(1, TableInBatchResponse) });

export const RowInBatchWriteRow = new MessageType({
  type: required(1, 'int32'),
  rowChange: required(2, 'bytes'),
  condition: required(3, Condition),
  returnContent: optional(4, ReturnContent),
});

export const TableInBatchWriteRow = new MessageType({
  tableName: required(1, 'string'),
  rows: repeated(2, RowInBatchWriteRow),
});

export const BatchWriteRowRequest = new MessageType({
  tables: repeated(1, TableInBatchWriteRow),
  transactionId: optional(2, 'string'),
  isAtomic: optional(3, 'bool'),
});

export const GetRangeRequest = new MessageType({
  tableName: required(1, 'string'),
  direction: required(2, 'int32'),
  columnsToGet: repeated(3, 'string'),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, 'int32'),
  limit: optional(6, 'int32'),
  inclusiveStartPrimaryKey: required(7, 'bytes'),
  exclusiveEndPrimaryKey: required(8, 'bytes'),
  filter: optional(10, 'bytes'),
  startColumn: optional(11, 'string'),
  endColumn: optional(12, 'string'),
  token: optional(13, 'bytes'),
  transactionId: optional(14, 'string'),
  dataBlockTypeHint: optional(15, 'int32'),
  returnEntirePrimaryKeys: optional(16, 'bool'),
});

export const GetRangeResponse = new MessageType({
  consumed: required(1, ConsumedCapacity),
  rows: required(2, 'bytes'),
  nextStartPrimaryKey: optional(3, 'bytes'),
  nextToken: optional(4, 'bytes'),
  dataBlockType: optional(5, 'int32'),
});

export const BulkImportRequest = new MessageType({
  tableName: required(1, 'string'),
  rows: repeated(2, new MessageType({ type: required(1, 'int32'), rowChange: required(2, 'bytes') })),
});

export const BulkExportRequest = new MessageType({
  tableName: required(1, 'string'),
  columnsToGet: repeated(2, 'string'),
  inclusiveStartPrimaryKey: required(3, 'bytes'),
  exclusiveEndPrimaryKey: required(4, 'bytes'),
  filter: optional(5, 'bytes'),
  dataBlockTypeHint: optional(6, 'int32'),
});

export const BulkExportResponse = new MessageType({
  consumed: required(1, ConsumedCapacity),
  rows: required(2, 'bytes'),
  nextStartPrimaryKey: optional(3, 'bytes'),
  dataBlockType: optional(4, 'int32'),
});

export const ComputeSplitPointsBySizeRequest = new MessageType({
  tableName: required(1, 'string'),
  splitSize: required(2, 'int64'),
  splitSizeUnitInByte: optional(3, 'int64'),
  splitPointLimit: optional(4, 'int32'),
});

export const ComputeSplitPointsBySizeResponse = new MessageType({
  consumed: required(1, ConsumedCapacity),
  schema: repeated(2, PrimaryKeySchema),
  splitPoints: repeated(3, 'bytes'),
  locations: repeated(4, new MessageType({ location: required(1, 'string'), repeat: required(2, 'sint64') })),
});

export const StartLocalTransactionRequest = new MessageType({
  tableName: required(1, 'string'),
  key: required(2, 'bytes'),
});

export const TransactionMessage = new MessageType({ transactionId: required(1, 'string') });

export const FilterType = {
  SINGLE_COLUMN_VALUE: 1,
  COMPOSITE_COLUMN_VALUE: 2,
  COLUMN_PAGINATION: 3,
} as const;
export const Comparator = {
  EQUAL: 1,
  NOT_EQUAL: 2,
  GREATER_THAN: 3,
  GREATER_EQUAL: 4,
  LESS_THAN: 5,
  LESS_EQUAL: 6,
  EXIST: 7,
  NOT_EXIST: 8,
} as const;
export const LogicalOperator = { NOT: 1, AND: 2, OR: 3 } as const;

export const Filter = new MessageType({ type: required(1, 'int32'), filter: required(2, 'bytes') });

export const SingleColumnValueFilter = new MessageType({
  comparator: required(1, 'int32'),
  columnName: required(2, 'string'),
  columnValue: required(3, 'bytes'),
  filterIfMissing: required(4, 'bool'),
  latestVersionOnly: required(5, 'bool'),
  valueTransRule: optional(
    6,
    new MessageType({ regex: required(1, 'string'), castType: optional(2, 'int32') }),
  ),
});

export const CompositeColumnValueFilter = new MessageType({
  combinator: required(1, 'int32'),
  subFilters: repeated(2, Filter),
});

export const ColumnPaginationFilter = new MessageType({
  offset: required(1, 'int32'),
  limit: required(2, 'int32'),
});
