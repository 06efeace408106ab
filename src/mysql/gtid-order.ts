import type { SourceSettings } from '../shared/task.js';
import { peek } from './binlog/peek.js';
import type { SourceConnection } from './connection.js';
import { GtidSet } from './gtid.js';
import { binlogFiles, endPosition, firstEventOffset, gtids, lastFile, previousGtids } from './position.js';

/**
 * The longest beginning of the source's binlog of which every transaction is in `set`; null: `set` is such a beginning
 * itself, or the binlog does not reach back so far. A stream that goes on from any other set gets what the set leaves out,
 * and so earlier changes behind later ones that count as applied. Found by halving the list of files, then by reading one
 * of them. Throws ROW-S105, ROW-S103, and what peek() throws.
 */
export async function beginningWithin(
  settings: SourceSettings,
  connection: SourceConnection,
  set: GtidSet,
  signal?: AbortSignal,
): Promise<GtidSet | null> {
  const end = await endPosition(connection);
  const executed = await gtids(connection, 'gtid_executed');
  const files = (await binlogFiles(connection)).map(({ name }) => name);
  const before = async (file: string) => (await previousGtids(connection, file)) ?? new GtidSet();
  if (!set.containsSet(await before(files[0]!))) return null;
  // The first transaction that is not in the set must be in the last file before which everything is.
  const file = await lastFile(files, async (one) => set.containsSet(await before(one)));
  const beginning = await before(file);
  const { serverUuid } = await connection.facts();
  const from = { file, offset: firstEventOffset, serverUuid };
  const look = (enough: () => void) => ({
    transaction: ({ gtid }: { gtid?: string }) => {
      if (gtid === undefined) return;
      if (set.contains(gtid)) beginning.add(gtid);
      else enough();
    },
  });
  await peek(settings, from, end, look, signal);
  const beyond = set.minus(beginning);
  // What the server does not have at all is for others to say.
  const isBehind = !beyond.minus(beyond.minus(executed)).isEmpty;
  return isBehind ? beginning : null;
}
