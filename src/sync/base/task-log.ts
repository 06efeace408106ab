import type { RowferryError } from '../../shared/errors.js';

/** What a message is about beside the task. */
interface LogTopic {
  /** `database.table` at the source. */
  readonly table?: string;
  /** Code of the error that it tells of. */
  readonly code?: string;
}

/** The log of one task. It is given neither secrets nor values of rows: both would go into support bundles. */
export interface TaskLog {
  info(message: string, about?: LogTopic): void;
  warn(message: string, about?: LogTopic): void;
}

/** A table stops alone, for this reason. */
export function logStopped(log: TaskLog, table: string, { code, message }: RowferryError): void {
  log.warn(`${table} stopped: ${message}`, { table, code });
}
