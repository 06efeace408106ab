import { tablePercent } from '../../src/shared/format.js';
import type { TableProgress } from '../../src/shared/snapshot.js';

export type SortKey = 'source' | 'phase' | 'rows' | 'percent' | 'changes';
export interface Sorting {
  key: SortKey;
  descending: boolean;
}

/** 0…100; null while nothing is known of how many rows there are. */
export function percentOf(table: TableProgress): number | null {
  const { phase } = table;
  if (phase === 'incremental' || phase === 'done') return 100;
  if (phase === 'waiting' || phase === 'schema') return 0;
  return tablePercent(table);
}

/** Rows of the incremental, whatever was done to them. */
export function changesOf({ changes }: TableProgress): number {
  return changes ? changes.inserted + changes.updated + changes.deleted : 0;
}

/** The tables whose names hold the words searched for, in the order asked for; equal ones by name. */
export function shownTables(
  tables: readonly TableProgress[],
  search: string,
  sorting: Sorting,
): TableProgress[] {
  const wanted = search.trim().toLowerCase();
  const value = (table: TableProgress): string | number => {
    if (sorting.key === 'percent') return percentOf(table) ?? -1;
    if (sorting.key === 'changes') return changesOf(table);
    return table[sorting.key];
  };
  return tables
    .filter(({ source, destination }) => `${source} ${destination}`.toLowerCase().includes(wanted))
    .sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const order =
        typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
      return (sorting.descending ? -order : order) || a.source.localeCompare(b.source);
    });
}
