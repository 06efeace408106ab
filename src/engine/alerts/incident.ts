import type { Alert } from '../../shared/alert.js';

/** What tells incidents apart. */
export type Incident = Pick<Alert, 'kind' | 'table'>;

/** One of a kind at a time, but one for each table that has stopped. */
export function incidentKey({ kind, table }: Incident): string {
  return table === undefined ? kind : `${kind} ${table.source}`;
}
