import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { endPosition } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { Said } from './altered-by.js';
import { hasSameColumns } from '../tables/snapshot-point.js';
import { lastStatements } from './last-statements.js';
import { isSameTable } from '../mapping/plan.js';
import type { RunServices } from './run-services.js';
import type { TableRecord } from '../state/task-store.js';

type Services = Pick<RunServices, 'settings' | 'prepared' | 'retry'>;

/**
 * A person has moved the checkpoint from `before` to `position`, and the definitions are those of `before` (correctness
 * rule 13). What statements between the two say of each table, by source; one of which that cannot be told is `altered`.
 */
export async function statementsBetween(
  services: Services,
  records: readonly TableRecord[],
  before: SourcePosition,
  position: SourcePosition,
  signal: AbortSignal,
): Promise<Map<string, ReadonlySet<Said>>> {
  const found = new Map<string, Set<Said>>();
  const add = (source: string, said: Iterable<Said>) =>
    found.set(source, new Set([...(found.get(source) ?? []), ...said]));
  const scan = async (from: SourcePosition, to: SourcePosition) => {
    for (const [source, { said }] of await lastStatements(services, records, from, to, signal))
      add(source, said);
  };
  if (isComparable(before, position)) {
    try {
      // Of two GTID sets neither may hold the other.
      await scan(position, before);
      await scan(before, position);
      return found;
    } catch (error) {
      if (!(error instanceof RowferryError && error.code === 'ROW-S104')) throw error;
    }
  }
  // Purged, or of two kinds: a table of which nothing is said from here on, and that is what it was before, was so here.
  const { now, end } = await services.retry.onSource(async (connection) => ({
    now: await loadDefinitions(
      connection,
      records.map(({ definition: { database, name } }) => ({ database, table: name })),
    ),
    end: await endPosition(connection),
  }));
  for (const { source, definition } of records)
    if (!now.some((one) => isSameTable(one, definition) && hasSameColumns(one, definition)))
      add(source, ['altered']);
  await scan(position, end);
  return found;
}

/** Both by GTID, or both by file: a load that has applied nothing yet has a GTID set alone. */
function isComparable(a: SourcePosition, b: SourcePosition): boolean {
  const has = (key: 'gtidSet' | 'file') => a[key] !== undefined && b[key] !== undefined;
  return has('gtidSet') || has('file');
}
