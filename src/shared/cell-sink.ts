/**
 * Where a decoded MySQL value goes, one call a value.
 *
 * The source (mysql/) calls it, the destination (tablestore/wire/row-writer) implements it, so that value
 * bytes pass from one wire format to the other without an object or a string in between and neither floor
 * knows the other. Exactly one method is called for each value that is not NULL; NULL never reaches a sink.
 */
export interface CellSink {
  /** A whole number that a double holds exactly (|value| ≤ 2^53 − 1). */
  integer(value: number): void;
  /** A whole number in the signed 64-bit range; the caller has checked the range. */
  bigInteger(value: bigint): void;
  double(value: number): void;
  boolean(value: boolean): void;
  /** UTF-8 text that already lies in a buffer. */
  utf8(bytes: Buffer, start: number, end: number): void;
  /** Text that a decoder had to build: numbers, dates, JSON. Any JS string. */
  text(value: string): void;
  binary(bytes: Buffer, start: number, end: number): void;
}
