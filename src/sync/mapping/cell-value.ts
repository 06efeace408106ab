import type { CellSink } from '../../shared/cell-sink.js';
import { RowferryError } from '../../shared/errors.js';
import type { CellType } from '../../shared/task.js';

/** A value taken out of its bytes: whole numbers are bigint, text is string, binary a Buffer of its own. */
export type CellValue = bigint | number | string | boolean | Buffer | null;

/** Catches the one value that a decoder writes. */
export class ValueSink implements CellSink {
  private value: CellValue = null;

  take(): CellValue {
    const { value } = this;
    this.value = null;
    return value;
  }
  integer(value: number): void {
    this.value = BigInt(value);
  }
  bigInteger(value: bigint): void {
    this.value = value;
  }
  double(value: number): void {
    this.value = value;
  }
  boolean(value: boolean): void {
    this.value = value;
  }
  utf8(bytes: Buffer, start: number, end: number): void {
    this.value = bytes.toString('utf8', start, end);
  }
  text(value: string): void {
    this.value = value;
  }
  binary(bytes: Buffer, start: number, end: number): void {
    this.value = Buffer.from(bytes.subarray(start, end));
  }
}

/**
 * Writes a value as a cell of `type`, or of the type that is its own when undefined. Throws ROW-V101 when it does
 * not fit.
 */
export function writeValue(sink: CellSink, type: CellType | undefined, value: NonNullable<CellValue>): void {
  switch (type ?? ownType(value)) {
    case 'STRING':
      sink.text(
        Buffer.isBuffer(value)
          ? value.toString('utf8')
          : typeof value === 'boolean'
            ? value
              ? '1'
              : '0'
            : String(value),
      );
      return;
    case 'INTEGER':
      sink.bigInteger(toInteger(value));
      return;
    case 'DOUBLE': {
      const number = Number(Buffer.isBuffer(value) ? NaN : value);
      if (Number.isNaN(number)) throw new RowferryError('ROW-V101', 'The value is not a number.');
      sink.double(number);
      return;
    }
    case 'BOOLEAN':
      sink.boolean(typeof value === 'boolean' ? value : toInteger(value) !== 0n);
      return;
    case 'BINARY': {
      const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'utf8');
      sink.binary(bytes, 0, bytes.length);
    }
  }
}

function ownType(value: NonNullable<CellValue>): CellType {
  if (typeof value === 'bigint') return 'INTEGER';
  if (typeof value === 'number') return 'DOUBLE';
  if (typeof value === 'boolean') return 'BOOLEAN';
  return Buffer.isBuffer(value) ? 'BINARY' : 'STRING';
}

function toInteger(value: NonNullable<CellValue>): bigint {
  const integer =
    typeof value === 'bigint'
      ? value
      : typeof value === 'boolean'
        ? value
          ? 1n
          : 0n
        : typeof value === 'number' && Number.isInteger(value)
          ? BigInt(value)
          : typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)
            ? BigInt(value.trim().replace(/^\+/, ''))
            : undefined;
  if (integer === undefined) throw new RowferryError('ROW-V101', 'The value is not a whole number.');
  if (integer > 9223372036854775807n || integer < -9223372036854775808n) {
    throw new RowferryError('ROW-V101', 'The number is outside the 64-bit range of INTEGER.');
  }
  return integer;
}
