import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';
import type { SourceConnection } from '../connection.js';
import { GtidSet } from '../gtid.js';
import { endPosition, gtidVariable } from '../position.js';
import { peek } from './peek.js';

/**
 * A question that needs the binlog, to be asked of one server: gives the position with what identifies its history.
 * Throws ROW-S104 when the server's is another.
 */
export type HistoryCheck = (settings: SourceSettings, signal: AbortSignal) => Promise<SourcePosition>;

/**
 * How to see that the server has the very transaction that was applied last, and not another of the same number: after
 * RESET BINARY LOGS AND GTIDS, a restored backup or in a clone numbers begin again, and a set of numbers says nothing.
 * Its commit time at the server where it was committed first tells, to the microsecond, and replicas keep it. A place
 * before which nothing was applied yet is given the newest transaction that the server has before it. null: there is
 * none, or it was purged.
 */
export async function historyCheck(
  connection: SourceConnection,
  position: SourcePosition,
): Promise<HistoryCheck | null> {
  const { last, gtidSet } = position;
  if (gtidSet === undefined) return null;
  const seen = GtidSet.parse(gtidSet);
  const purged = GtidSet.parse(await gtidVariable(connection, 'gtid_purged'));
  const { serverUuid } = await connection.facts();
  const heads = seen.heads.filter((head) => !purged.contains(head));
  const gtid = last?.gtid ?? heads.find((head) => head.startsWith(serverUuid)) ?? heads[0];
  if (gtid === undefined || purged.contains(gtid)) return null;
  const one = new GtidSet();
  one.add(gtid);
  const before = { gtidSet: seen.minus(one).toString() };
  const end = await endPosition(connection);
  const { address } = connection;
  return async (settings, signal) => {
    let found: { gtid?: string; commitMicros: number } | undefined;
    // Its head is enough: of its rows none is decoded.
    const look = (enough: () => void) => ({
      transaction: (begun: { gtid?: string; commitMicros: number }) => {
        found = begun;
        enough();
      },
    });
    await peek(settings, before, end, look, signal);
    if (found?.gtid !== gtid) return position;
    const { commitMicros } = found;
    if (last === undefined) return { ...position, last: { gtid, commitMicros } };
    if (commitMicros === last.commitMicros) return position;
    throw new RowferryError(
      'ROW-S104',
      `The binlog of ${address} is another one than the task has followed: it holds ${gtid}, committed at ${time(commitMicros)}, where the task applied one committed at ${time(last.commitMicros)}. It was reset, or the data restored or cloned.`,
      { remedy: 'Load the tables anew: rowferry reset, then run.' },
    );
  };
}

const time = (micros: number): string => new Date(micros / 1000).toISOString();
