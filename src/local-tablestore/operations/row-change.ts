import { OperationType } from '../../tablestore/wire/messages.js';
import { CellOp, PlainBufferScanner, Tag, Variant } from '../../tablestore/wire/plainbuffer.js';
import type { ByteWriter } from '../base/byte-writer.js';
import { invalid, type OtsError } from '../base/errors.js';
import { encodeKey } from '../storage/key-codec.js';
import { checkValueLength, isValidColumnName, limits } from '../base/limits.js';
import { variantName } from '../storage/schema.js';
import { beginStored } from '../storage/stored-row.js';
import type { Table } from '../storage/store.js';

/** One row change of a request, checked, its key encoded. */
export interface RowChange {
  readonly type: number;
  readonly key: Buffer;
  /** The partition key: the leading bytes of `key`. */
  readonly autoIncrementAt: number;
  /** PUT: the whole row as it is stored. UPDATE without deletions and increments: the same, for a new row. */
  readonly value: Buffer | undefined;
  /** UPDATE: its cells as they came. */
  readonly cells: Buffer | undefined;
  /** UPDATE: nothing but deletions, so that a missing row stays missing. */
  readonly deletionsOnly: boolean;
  readonly keyBytes: number;
  /** What the 4 MB limits count: key, names, values, and 8 for each timestamp given. */
  readonly dataBytes: number;
  /** What the service bills: without the timestamps. */
  readonly billedBytes: number;
  /** An error of this row alone; the rest of the request goes on. */
  readonly error: OtsError | undefined;
}

/** Timestamps the service accepts: [0, INT64_MAX / 1000). */
const TIMESTAMP_END = 9223372036854775807n / 1000n;

/**
 * Reads one PlainBuffer row of a write. Throws OtsError for what makes the service refuse the whole request,
 * WireFormatError for malformed bytes; what concerns the row alone comes back in `error`.
 * @param table undefined when it does not exist: the row is then only checked for request errors.
 * @param arena takes the encoded key and row; the change holds views of it.
 */
export function parseRowChange(
  bytes: Buffer,
  type: number,
  table: Table | undefined,
  arena: ByteWriter,
  nowMs: number,
): RowChange {
  const scanner = new PlainBufferScanner(bytes);
  scanner.header();
  const {
    key,
    dataBytes: keyBytes,
    autoIncrementAt,
    error: keyError,
  } = encodeKey(scanner, table?.keyColumns, arena, type === OperationType.DELETE ? 'read' : 'write');
  let error = keyError;
  let dataBytes = keyBytes;
  let timestamps = 0;
  let count = 0;
  let deletions = 0;
  let increments = 0;
  const cellsStart = scanner.position + 1;
  let cellsEnd = cellsStart;
  if (scanner.accept(Tag.ROW_DATA)) {
    if (type === OperationType.DELETE) throw invalid('DeleteRow must not have attribute columns.');
    while (scanner.cell()) {
      count++;
      const { nameStart, nameEnd, valueStart, valueEnd } = scanner;
      if (!isValidColumnName(bytes, nameStart, nameEnd))
        throw invalid(`Invalid column name: '${scanner.name()}'.`);
      const size = valueEnd - valueStart;
      if (size > limits.attributeValueBytes) checkValueLength(scanner.name(), size);
      dataBytes += nameEnd - nameStart + size;
      if (scanner.op === 0) {
        checkValueType(scanner);
      } else {
        checkOperation(scanner, type);
        if (scanner.op === CellOp.INCREMENT) increments++;
        else deletions++;
      }
      if (scanner.timestampAt !== -1) {
        timestamps++;
        error ??= checkTimestamp(scanner.timestamp(), table, nowMs);
      }
      if (table && table.definedTypes.size > 0 && scanner.type !== -1)
        error ??= checkDefinedType(scanner, table);
    }
    cellsEnd = scanner.position;
  }
  scanner.endRow();
  if (!scanner.onlyPaddingLeft()) throw invalid('More than one row in a row change.');
  if (count > limits.attributeColumns) {
    throw invalid(
      `The number of attribute columns exceeds the limit, limit count: ${limits.attributeColumns}, column count: ${count}.`,
    );
  }
  const update = type === OperationType.UPDATE;
  if (update && count === 0) throw invalid('Invalid update row request: missing cells in request.');
  let value: Buffer | undefined;
  if (type === OperationType.PUT || (update && deletions + increments === 0)) {
    const start = arena.length;
    beginStored(arena, nowMs);
    arena.range(bytes, cellsStart, cellsEnd);
    value = arena.slice(start);
  }
  return {
    type,
    key,
    autoIncrementAt,
    value,
    cells: update ? bytes.subarray(cellsStart, cellsEnd) : undefined,
    deletionsOnly: update && deletions === count,
    keyBytes,
    dataBytes: dataBytes + 8 * timestamps,
    billedBytes: dataBytes,
    error,
  };
}

function checkValueType(scanner: PlainBufferScanner): void {
  switch (scanner.type) {
    case Variant.INTEGER:
    case Variant.DOUBLE:
    case Variant.BOOLEAN:
    case Variant.STRING:
    case Variant.BINARY:
      return;
    case -1:
      throw invalid(`The value of attribute column is missing: '${scanner.name()}'.`);
    default:
      throw invalid(`${variantName(scanner.type)} is an invalid type for the attribute column.`);
  }
}

function checkOperation(scanner: PlainBufferScanner, type: number): void {
  if (type !== OperationType.UPDATE) throw invalid('A cell operation is only allowed in UpdateRow.');
  switch (scanner.op) {
    case CellOp.DELETE_ALL_VERSIONS:
      if (scanner.type !== -1) throw invalid(`A deletion has a value: '${scanner.name()}'.`);
      return;
    case CellOp.DELETE_ONE_VERSION:
      if (scanner.type !== -1) throw invalid(`A deletion has a value: '${scanner.name()}'.`);
      if (scanner.timestampAt === -1) {
        throw invalid(`Timestamp must be set when deleting one version: '${scanner.name()}'.`);
      }
      return;
    case CellOp.INCREMENT:
      if (scanner.type !== Variant.INTEGER) {
        throw invalid(`Increment needs an integer: '${scanner.name()}'.`);
      }
      return;
    default:
      throw invalid(`Invalid cell operation: ${scanner.op}.`);
  }
}

/** The window around the server's clock holds only for a row: [now − deviation, now + deviation). */
function checkTimestamp(timestamp: bigint, table: Table | undefined, nowMs: number): OtsError | undefined {
  if (timestamp < 0n || timestamp >= TIMESTAMP_END) {
    throw invalid('Timestamp must be in range [0, INT64_MAX/1000).');
  }
  if (!table) return undefined;
  const { deviationSeconds, timeToLiveSeconds } = table.schema;
  const at = Number(timestamp);
  const span = deviationSeconds * 1000;
  const oldest =
    timeToLiveSeconds > 0 ? Math.max(nowMs - span, nowMs - timeToLiveSeconds * 1000) : nowMs - span;
  if (at >= oldest && at < nowMs + span) return undefined;
  return invalid(`Timestamp is out of range: ${timestamp}. It must be in [${oldest}, ${nowMs + span}).`);
}

function checkDefinedType(scanner: PlainBufferScanner, table: Table): OtsError | undefined {
  const name = scanner.bytes.toString('latin1', scanner.nameStart, scanner.nameEnd);
  const expected = table.definedTypes.get(name);
  if (expected === undefined || expected === scanner.type) return undefined;
  return invalid(
    `Invalid column type for column ${name} expect ${variantName(expected)} actual ${variantName(scanner.type)}`,
  );
}
