/** A row that cannot be written: code and message of the dirty record. */
export class UnwritableRow extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    const limit = Error.stackTraceLimit;
    // There may be one for every row of a table, and nobody asks where it was made.
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
  }
}
