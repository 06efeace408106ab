import {
  ABSENT_VALUE,
  CHANGED_VALUE,
  NULL_VALUE,
  OVERSIZE_VALUE,
  type BinlogTable,
  type Column,
  type RowFormat,
  type RowImage,
} from '../../mysql/model.js';
import { UnwritableRow } from '../base/unwritable-row.js';
import {
  allowedCellTypes,
  compileDecoder,
  defaultCellType,
  keyType,
  type CharsetDecoders,
  type Decode,
} from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { CellType, WriteSettings } from '../../shared/task.js';
import { checkRow } from '../../tablestore/client/limits.js';
import { prepareName, RowWriter, type CellName } from '../../tablestore/wire/row-writer.js';
import { ValueSink, writeValue, type CellValue } from './cell-value.js';
import { EtlError } from '../etl/values.js';
import { locatorType, type LocatorPart, type RowLocator } from './locator.js';
import { mergeColumn, type CellPlan, type TablePlan } from './plan.js';

/** A column of a row image on its way to a cell. */
interface CellEncoder {
  readonly cell: CellPlan;
  readonly name: CellName;
  /** Place in the row image. */
  readonly index: number;
  readonly decode: Decode;
}

/** Values that a transformation put in the place of the row's own, by source column; others are new attributes. */
export type Overrides = ReadonlyMap<string, CellValue>;

/** Code and message of the dirty record that an error of one row makes; null: the error is no row's. */
export function dirtyReason(error: unknown): { code: string; message: string } | null {
  if (error instanceof EtlError) return { code: 'ROW-V106', message: error.message };
  const isOfRow =
    error instanceof UnwritableRow || (error instanceof RowferryError && error.code.startsWith('ROW-V'));
  return isOfRow ? { code: error.code, message: error.message } : null;
}

/** The row event does not hold all that has to be written: the row must be read from the source. */
export class IncompleteRow extends Error {}

/**
 * Encodes the rows of one table as its columns are now, from one wire format: value bytes go straight to
 * PlainBuffer cells. Both formats of a row give the same bytes (architecture, decision 7).
 */
export class TableEncoder {
  private readonly key: readonly CellEncoder[];
  private readonly attributes: readonly CellEncoder[];
  private readonly mergeName = prepareName(mergeColumn);
  private readonly readers = new Map<string, { index: number; decode: Decode; isWide: boolean }>();
  private readonly sink = new ValueSink();

  /** `columns`: what a row image holds, in order. */
  constructor(
    readonly plan: TablePlan,
    private readonly columns: readonly Column[],
    private readonly format: RowFormat,
    private readonly charsets: CharsetDecoders,
    private readonly binlog?: BinlogTable,
  ) {
    const encoder = (cell: CellPlan): CellEncoder => {
      const index = columns.findIndex((column) => column.name === cell.column.name);
      if (index < 0) throw new Error(`no column ${cell.column.name} in the rows of ${plan.source}`);
      return {
        cell,
        name: prepareName(cell.name),
        index,
        decode: this.decoder(columns[index]!, index, cell),
      };
    };
    this.key = plan.key.map(encoder);
    this.attributes = plan.attributes.map(encoder);
  }

  private decoder(column: Column, index: number, target: Pick<CellPlan, 'type' | 'unit'>): Decode {
    const binlogType = this.binlog?.columnTypes[index];
    return compileDecoder(column, this.format, target, {
      charsets: this.charsets,
      ...(binlogType !== undefined && { binlogType }),
    });
  }

  /**
   * The row as Tablestore shall hold it. 'put': cells of all columns that are not NULL. 'update': besides, deletions
   * of those that are; columns absent from the image stay as they are. 'delete': the key alone. The finished row is
   * the last of `writer`. Throws UnwritableRow, with nothing written; IncompleteRow for a put of a partial image.
   */
  encode(image: RowImage, op: 'put' | 'update' | 'delete', writer: RowWriter, overrides?: Overrides): void {
    writer.beginRow();
    try {
      this.writeKey(image, writer, overrides);
      if (op !== 'delete') this.writeAttributes(image, op, writer, overrides);
      writer.endRow(op === 'delete');
    } catch (error) {
      writer.rollback();
      throw error;
    }
    const problem = checkRow(writer);
    if (problem) {
      writer.rollback();
      throw new UnwritableRow(problem.code === 'OTSInvalidPK' ? 'ROW-V104' : 'ROW-V102', problem.message);
    }
  }

  private writeKey(image: RowImage, writer: RowWriter, overrides: Overrides | undefined): void {
    for (const { cell, name, index, decode } of this.key) {
      const start = image.starts[index]!;
      if (overrides?.has(cell.column.name)) {
        const value = overrides.get(cell.column.name)!;
        if (value === null) throw new UnwritableRow('ROW-V104', `The key column ${cell.name} would be NULL.`);
        this.guard(cell, () => writeValue(writer.key(name), cell.type, value));
        continue;
      }
      if (start < 0) this.refuse(start, cell, true);
      writer.key(name);
      this.guard(cell, () => decode(image.bytes, start, image.ends[index]!, writer));
    }
    if (this.plan.mergeSource !== null) writer.key(this.mergeName).text(this.plan.mergeSource);
  }

  private writeAttributes(
    image: RowImage,
    op: 'put' | 'update',
    writer: RowWriter,
    overrides: Overrides | undefined,
  ): void {
    let isEmpty = true;
    let isPartial = false;
    for (const attribute of this.attributes) {
      const { cell, name, index, decode } = attribute;
      const start = image.starts[index]!;
      if (start === ABSENT_VALUE && op === 'update' && !overrides?.has(cell.column.name)) {
        isPartial = true;
        continue;
      }
      isEmpty = false;
      if (overrides?.has(cell.column.name)) {
        this.writeOverride(cell.name, name, cell, overrides.get(cell.column.name)!, op, writer);
        continue;
      }
      if (start >= 0) {
        writer.attribute(name);
        try {
          decode(image.bytes, start, image.ends[index]!, writer);
        } catch (error) {
          throw this.unwritable(cell, error);
        }
      } else if (start === NULL_VALUE) {
        if (op === 'update') writer.deleteAllVersions(name);
      } else this.refuse(start, cell, false);
    }
    // Without cells it would be sent as a put of the key alone, which takes away what the image does not hold.
    if (isEmpty && isPartial) throw new IncompleteRow();
    if (!overrides) return;
    for (const [column, value] of overrides) {
      if (this.columns.some((one) => one.name === column)) continue;
      this.writeOverride(column, prepareName(column), undefined, value, op, writer);
    }
  }

  private writeOverride(
    shown: string,
    name: CellName,
    cell: CellPlan | undefined,
    value: CellValue,
    op: 'put' | 'update',
    writer: RowWriter,
  ): void {
    if (value === null) {
      if (op === 'update') writer.deleteAllVersions(name);
      return;
    }
    const target = cell ?? { name: shown };
    this.guard(target, () => writeValue(writer.attribute(name), cell?.type, value));
  }

  private guard(cell: { name: string }, work: () => void): void {
    try {
      work();
    } catch (error) {
      throw this.unwritable(cell, error);
    }
  }

  private unwritable(cell: { name: string }, error: unknown): Error {
    if (!(error instanceof RowferryError)) return error as Error;
    return new UnwritableRow(error.code, `Column ${cell.name}: ${error.message}`);
  }

  private refuse(start: number, cell: CellPlan, isKey: boolean): never {
    if (start === OVERSIZE_VALUE) {
      throw new UnwritableRow('ROW-V102', `Column ${cell.name}: the value is longer than 16 MB.`);
    }
    if (isKey && start === NULL_VALUE)
      throw new UnwritableRow('ROW-V104', `The key column ${cell.name} is NULL.`);
    if (start === ABSENT_VALUE || start === CHANGED_VALUE) throw new IncompleteRow();
    throw new UnwritableRow('ROW-V104', `Column ${cell.name}: the value cannot be written.`);
  }

  /** The key as RowChange has it, of a row of which the rest may not be encoded; undefined when it cannot be either. */
  keyOf(image: RowImage): string | undefined {
    const writer = new RowWriter();
    try {
      this.encode(image, 'delete', writer);
    } catch (error) {
      if (error instanceof IncompleteRow || dirtyReason(error)) return undefined;
      throw error;
    }
    return writer.rowKey();
  }

  /** Does the image hold every column that a put needs? Otherwise the row has to be read from the source. */
  isComplete(image: RowImage): boolean {
    const isThere = ({ index }: CellEncoder) =>
      image.starts[index] !== ABSENT_VALUE && image.starts[index] !== CHANGED_VALUE;
    return this.key.every(isThere) && this.attributes.every(isThere);
  }

  /** A column's own value, for filters and transformations; undefined when the table has no such column. */
  read(image: RowImage, column: string): CellValue | undefined {
    let reader = this.readers.get(column);
    if (!reader) {
      const index = this.columns.findIndex((one) => one.name.toLowerCase() === column.toLowerCase());
      if (index < 0) return undefined;
      const source = this.columns[index]!;
      // Whole numbers past 2^63 fit no INTEGER cell, but they are values like any other.
      const isWide =
        (source.dataType === 'bigint' && source.unsigned) ||
        (source.dataType === 'bit' && source.length === 64);
      const decode = this.decoder(source, index, { type: isWide ? 'STRING' : defaultCellType(source) });
      reader = { index, decode, isWide };
      this.readers.set(column, reader);
    }
    const start = image.starts[reader.index]!;
    if (start === NULL_VALUE) return null;
    if (start < 0) throw new IncompleteRow();
    reader.decode(image.bytes, start, image.ends[reader.index]!, this.sink);
    const value = this.sink.take();
    return reader.isWide ? BigInt(value as string) : value;
  }

  /** The same for a question to the source, which loses nothing: in the form that the binlog holds it in (askSql). */
  readForSource(image: RowImage, column: string): CellValue | undefined {
    const index = this.columns.findIndex((one) => one.name.toLowerCase() === column.toLowerCase());
    const start = index < 0 ? NULL_VALUE : image.starts[index]!;
    if (index < 0 || start < 0) return this.read(image, column);
    const { dataType, charset } = this.columns[index]!;
    const end = image.ends[index]!;
    const isBinlog = this.format === 'binlog';
    if (dataType === 'enum' || dataType === 'set') {
      if (!isBinlog) return this.read(image, column);
      let bits = 0n;
      for (let at = end - 1; at >= start; at--) bits = (bits << 8n) | BigInt(image.bytes[at]!);
      return bits;
    }
    const isStored = dataType === 'json' ? isBinlog : charset !== null;
    return isStored ? Buffer.from(image.bytes.subarray(start, end)) : this.read(image, column);
  }

  /** Where the row is found at the source; null when its key cannot be read. */
  locate(image: RowImage): RowLocator | null {
    try {
      return this.plan.key.map(({ column }) => {
        const type = locatorType(column)!;
        const value = this.readAs(image, column.name, { type });
        if (value === undefined || value === null) throw new IncompleteRow();
        return {
          column: column.name,
          type,
          value: Buffer.isBuffer(value) ? value.toString('hex') : String(value),
        };
      });
    } catch (error) {
      if (error instanceof IncompleteRow || error instanceof RowferryError) return null;
      throw error;
    }
  }

  /** Is it the row that `locator` names? By bytes, where the source finds rows by collation. */
  isAt(image: RowImage, locator: RowLocator): boolean {
    return locator.every((part) => this.valueAt(image, part) === part.value);
  }

  /** What names this row in the way in which `locator` names one: the same where isAt() says that it is this row. */
  placeLike(image: RowImage, locator: RowLocator): RowLocator {
    return locator.map((part) => ({ ...part, value: this.valueAt(image, part) }));
  }

  private valueAt(image: RowImage, { column, type, unit }: LocatorPart): string {
    const found = this.readAs(image, column, { type, ...(unit && { unit }) });
    return Buffer.isBuffer(found) ? found.toString('hex') : String(found);
  }

  private readAs(
    image: RowImage,
    column: string,
    target: Pick<CellPlan, 'type' | 'unit'>,
  ): CellValue | undefined {
    const index = this.columns.findIndex((one) => one.name.toLowerCase() === column.toLowerCase());
    if (index < 0) return undefined;
    const start = image.starts[index]!;
    if (start === NULL_VALUE) return null;
    if (start < 0) throw new IncompleteRow();
    this.decoder(this.columns[index]!, index, target)(image.bytes, start, image.ends[index]!, this.sink);
    return this.sink.take();
  }

  /**
   * The row as people read it, by column, for dirty records: whatever can be shown is shown. Key columns are whole, since
   * they tell rows apart.
   */
  describe(image: RowImage, columns: readonly Column[] = this.columns): Map<string, string | null> {
    const row = new Map<string, string | null>();
    const keys = new Set(this.plan.key.map((cell) => cell.column.name));
    for (const column of columns) {
      try {
        const value = this.readAs(image, column.name, { type: textType(column) });
        const toText = keys.has(column.name) ? textOf : showValue;
        row.set(column.name, value === undefined || value === null ? null : toText(value));
      } catch {
        row.set(column.name, '(not readable)');
      }
    }
    return row;
  }
}

/** A value as text, binary as 0x…: other values have other texts. */
export function textOf(value: NonNullable<CellValue>): string {
  return Buffer.isBuffer(value) ? `0x${value.toString('hex')}` : String(value);
}

/** As what a column is read for people. Text where that is possible: it shows values that no other cell holds. */
export function textType(column: Column): CellType {
  const isText = allowedCellTypes(column).includes('STRING') && keyType(column) !== 'BINARY';
  return isText ? 'STRING' : defaultCellType(column);
}

/** Values in records and panels: as textOf(), cut where nobody reads on. */
export function showValue(value: NonNullable<CellValue>): string {
  return cutText(textOf(Buffer.isBuffer(value) ? value.subarray(0, shownBytes) : value));
}

/** Bytes that are shown of a binary value. */
export const shownBytes = 1024;

/** What is shown of a text. */
export function cutText(text: string): string {
  return text.length > 4096 ? `${text.slice(0, 4096)}…` : text;
}

/** What the write mode makes of a row that exists at the source now. */
export function operationOf(mode: WriteSettings['mode']): 'put' | 'update' {
  return mode === 'put-row' ? 'put' : 'update';
}
