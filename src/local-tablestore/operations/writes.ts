import type { Message } from '../../tablestore/wire/codec.js';
import {
  OperationType,
  ReturnType,
  RowExistence,
  type Condition,
  type ReturnContent,
} from '../../tablestore/wire/messages.js';
import { CellOp, PlainBufferScanner } from '../../tablestore/wire/plainbuffer.js';
import { ByteWriter } from '../base/byte-writer.js';
import { conditionFailed, invalid } from '../base/errors.js';
import { compileFilter, type CompiledFilter } from './filter.js';
import { setAutoIncrement } from '../storage/key-codec.js';
import type { RowAccess } from '../storage/local-transactions.js';
import { columnLookup, latestQuery, liveRow, selectCells } from './reads.js';
import type { RowChange } from './row-change.js';
import { writeHeader, writeRow } from './row-output.js';
import type { Table } from '../storage/store.js';
import {
  applyUpdate,
  decodeStored,
  encodeStored,
  type StoredCell,
  type StoredRow,
} from '../storage/stored-row.js';

/** What a write demands of the row before, and what it wants back. */
export interface WriteTerms {
  readonly existence: number;
  readonly condition: CompiledFilter | undefined;
  readonly returnType: number;
  readonly returnColumns: readonly string[];
}

export interface WriteResult {
  readonly readUnits: number;
  readonly writeUnits: number;
  /** PlainBuffer with header, when return_content asked for it. */
  readonly row: Buffer | undefined;
}

/** No condition, nothing back: BulkImport, and most rows of BatchWriteRow. */
export const noTerms: WriteTerms = {
  existence: RowExistence.IGNORE,
  condition: undefined,
  returnType: ReturnType.NONE,
  returnColumns: [],
};

const CAPACITY_UNIT_BYTES = 4096;

export const capacityUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / CAPACITY_UNIT_BYTES));

/** Throws OtsError or WireFormatError for conditions that are not well-formed. */
export function writeTerms(
  condition: Message<typeof Condition>,
  returnContent: Message<typeof ReturnContent> | undefined,
): WriteTerms {
  const { rowExistence, columnCondition } = condition;
  const plain = rowExistence === RowExistence.IGNORE && !columnCondition?.length;
  const returnType = returnContent?.returnType ?? ReturnType.NONE;
  const returnColumns = returnContent?.returnColumnNames ?? [];
  if (plain && returnType === ReturnType.NONE && returnColumns.length === 0) return noTerms;
  if (rowExistence < RowExistence.IGNORE || rowExistence > RowExistence.EXPECT_NOT_EXIST) {
    throw invalid('Invalid row existence expectation.');
  }
  const compiled = columnCondition?.length ? compileFilter(columnCondition) : undefined;
  if (compiled?.pagination) throw invalid('Column pagination filter is not allowed in a condition.');
  return {
    existence: rowExistence,
    condition: compiled,
    returnType,
    returnColumns,
  };
}

/**
 * Applies one change. The caller has the transaction open, has checked change.error and the partition's lock.
 * @param arena takes the new row; it is kept until the end of the transaction.
 * @throws OtsError when the condition fails or the change does not fit the row.
 */
export function applyChange(
  table: Table,
  access: RowAccess,
  change: RowChange,
  terms: WriteTerms,
  nowMs: number,
  arena: ByteWriter,
): WriteResult {
  const { key, type } = change;
  if (terms.returnColumns.length > 0) checkReturnColumns(change, terms);
  if (change.autoIncrementAt >= 0)
    setAutoIncrement(key, change.autoIncrementAt, table.nextAutoIncrement(nowMs));
  const checked = terms.existence !== RowExistence.IGNORE || terms.condition !== undefined;
  const old =
    checked || type === OperationType.UPDATE ? liveRow(access.get(table, key), table, nowMs) : undefined;
  if (checked) checkCondition(table, key, old, terms, nowMs);
  let after: StoredRow | undefined;
  if (type === OperationType.DELETE) {
    access.delete(table, key);
  } else if (type === OperationType.PUT) {
    access.put(table, key, change.value!);
  } else if (!table.schema.allowUpdate) {
    throw invalid('UpdateRow is not allowed on a table whose allow_update is false.');
  } else if (!old && change.value) {
    access.put(table, key, change.value);
  } else if (old || !change.deletionsOnly) {
    after = applyUpdate(old, change.cells!, nowMs, table.schema.maxVersions);
    access.put(table, key, encodeStored(after, arena));
  }
  return {
    readUnits: checked ? 1 : 0,
    writeUnits: capacityUnits(change.billedBytes),
    row: terms.returnType === ReturnType.NONE ? undefined : returnedRow(table, change, terms, after, nowMs),
  };
}

/** Only what this update increments can be asked back, and nothing but the key where the key is asked for. */
function checkReturnColumns(change: RowChange, terms: WriteTerms): void {
  if (terms.returnType !== ReturnType.AFTER_MODIFY) {
    throw invalid('The return columns can only be set when the return type is RT_AFTER_MODIFY.');
  }
  const incremented = new Set<string>();
  if (change.cells) {
    const scanner = new PlainBufferScanner(change.cells, 0, change.cells.length, false);
    while (scanner.cell()) if (scanner.op === CellOp.INCREMENT) incremented.add(scanner.name());
  }
  for (const name of terms.returnColumns) {
    if (!incremented.has(name)) {
      throw invalid(`The return column must be incremented by the request: '${name}'.`);
    }
  }
}

function checkCondition(
  table: Table,
  key: Buffer,
  row: StoredRow | undefined,
  terms: WriteTerms,
  nowMs: number,
): void {
  if (terms.existence === RowExistence.EXPECT_EXIST && !row) throw conditionFailed();
  if (terms.existence === RowExistence.EXPECT_NOT_EXIST && row) throw conditionFailed();
  if (!terms.condition) return;
  const cells = row ? (selectCells(row, key, table, latestQuery, nowMs) ?? []) : [];
  const lookup = row ? columnLookup(cells, key, table) : () => [];
  if (!terms.condition.matches(lookup)) throw conditionFailed();
}

function returnedRow(
  table: Table,
  change: RowChange,
  terms: WriteTerms,
  after: StoredRow | undefined,
  nowMs: number,
): Buffer {
  const writer = new ByteWriter(256);
  writeHeader(writer);
  let cells: StoredCell[] = [];
  if (terms.returnType === ReturnType.AFTER_MODIFY && change.type !== OperationType.DELETE) {
    const row = after ?? (change.value ? decodeStored(change.value) : undefined);
    const wanted = new Set(terms.returnColumns.map((name) => Buffer.from(name).toString('latin1')));
    const query = { ...latestQuery, maxVersions: 1, columns: wanted };
    cells = row ? (selectCells(row, change.key, table, query, nowMs) ?? []) : [];
  }
  writeRow(writer, change.key, table.keyColumns, cells);
  return writer.slice();
}
