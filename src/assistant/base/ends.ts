import { sourceName } from '../../shared/source-name.js';
import type { ResolvedTask } from '../../shared/task.js';

/** Where a task reads and writes, as a person has to know it before they agree: hosts, never a secret. */

export const sourceOf = ({ source }: ResolvedTask): string => `${source.host}:${source.port}`;

export const destinationOf = ({ destination }: ResolvedTask): string =>
  `${destination.instance} (${hostOf(destination.endpoint)})`;

/** null: alerts go nowhere. */
export function webhookOf({ alerts }: ResolvedTask): string | null {
  return alerts.webhook === null || alerts.webhook === undefined ? null : hostOf(alerts.webhook);
}

/** `shop.items (n > 1)` for each table of which only some rows are replicated. */
export function filtersOf({ objects }: ResolvedTask): string[] {
  return objects.flatMap(({ database, tables = [] }) =>
    tables.flatMap(({ name, filter }) =>
      filter === undefined || filter.trim() === '' ? [] : [`${sourceName({ database, name })} (${filter})`],
    ),
  );
}

/** The path of an address may be what keeps it private. */
function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : '?';
}
