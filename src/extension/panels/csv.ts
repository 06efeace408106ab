import type { DirtyRecord } from '../../shared/task-control-api.js';

/** RFC 4180, UTF-8 with a byte order mark so that spreadsheets read it; rows and cells as JSON in one column each. */
export function csv(records: readonly DirtyRecord[]): string {
  const header = [
    'id',
    'time',
    'source',
    'destination',
    'operation',
    'key',
    'code',
    'message',
    'row',
    'cells',
  ];
  const lines = records.map((record) => [
    record.id,
    new Date(record.atMs).toISOString(),
    record.source,
    record.destination,
    record.operation,
    record.key,
    record.error.code,
    record.error.message,
    JSON.stringify(record.sourceRow),
    JSON.stringify(record.cells),
  ]);
  return `\ufeff${[header, ...lines].map(csvLine).join('')}`;
}

/** One line, its end included. */
export function csvLine(values: readonly string[]): string {
  return `${values.map(field).join(',')}\r\n`;
}

/** A leading = + - @ would be a formula to a spreadsheet: values come from a database and are never that. */
function field(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
