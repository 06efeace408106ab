import type { CellSink } from '../../shared/cell-sink.js';
import { RowferryError } from '../../shared/errors.js';

/**
 * Writes exactly one value, bytes[start, end), to the sink. Throws RowferryError ROW-V101 when the value does not
 * fit its cell type; nothing may have been written to the sink then.
 */
export type Decode = (bytes: Buffer, start: number, end: number, sink: CellSink) => void;

/** A value that its cell cannot hold. The message names no value: it reaches logs. */
export function misfit(what: string): RowferryError {
  return new RowferryError('ROW-V101', what);
}

/** Whole numbers of any size, as the fastest call that is exact. Throws ROW-V101 beyond the signed 64-bit range. */
export function writeInteger(value: bigint, sink: CellSink): void {
  if (value > 9223372036854775807n || value < -9223372036854775808n) {
    throw misfit('The number is outside the 64-bit range of INTEGER.');
  }
  sink.bigInteger(value);
}

/** A double that must equal the whole number exactly. */
export function writeExactDouble(value: bigint, sink: CellSink): void {
  const double = Number(value);
  if (BigInt(double) !== value) throw misfit('DOUBLE cannot represent the number exactly.');
  sink.double(double);
}
