import { RowferryError } from '../../shared/errors.js';

/** MySQL's own number of what a query failed with; 0 when it was not the server that spoke. */
export function mysqlErrorNumber(error: unknown): number {
  if (!(error instanceof RowferryError)) return 0;
  return (error.cause as { errno?: number } | undefined)?.errno ?? 0;
}
