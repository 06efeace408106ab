/** A row that cannot be written: code and message of the dirty record. */
export class UnwritableRow extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
