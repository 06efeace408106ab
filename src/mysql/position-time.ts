import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { SourceSettings } from '../shared/task.js';
import { peek } from './binlog/peek.js';
import type { SourceConnection } from './connection.js';
import { binlogFiles, endPosition, firstEventOffset, lastFile, previousGtids } from './position.js';

/**
 * A time as people write it, in ms since the epoch: ISO 8601, or `2026-01-31 08:00:00`; UTC where no zone is given.
 * null: it is none.
 */
export function parseTime(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?))?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(
    text.trim(),
  );
  if (!match) return null;
  const at = Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}${match[3] ?? 'Z'}`);
  return Number.isNaN(at) ? null : at;
}

/**
 * The place just before the first transaction that was committed at `atMs` or later; the end of the binlog when there
 * is none. Found by halving the list of files, then by reading one of them. Throws ROW-S104 when the binlog does not
 * reach back so far, ROW-S105, ROW-S103.
 */
export async function positionAtTime(
  settings: SourceSettings,
  connection: SourceConnection,
  atMs: number,
  signal?: AbortSignal,
): Promise<SourcePosition> {
  const end = await endPosition(connection);
  const files = (await binlogFiles(connection)).map(({ name }) => name);
  const atMicros = atMs * 1000;
  const { serverUuid } = await connection.facts();
  const start = (file: string): SourcePosition => ({ file, offset: firstEventOffset, serverUuid });

  // The last file whose first transaction is earlier: the place is in it, or at the beginning of the next.
  const isEarlier = async (file: string) =>
    (await firstCommit(settings, start(file), end, signal)) < atMicros;
  if (!(await isEarlier(files[0]!))) {
    const isWhole = (await previousGtids(connection, files[0]!))?.isEmpty ?? /\.0*1$/.test(files[0]!);
    if (!isWhole) {
      throw new RowferryError(
        'ROW-S104',
        `The binlog of the source does not go back to ${new Date(atMs).toISOString()}: its oldest file is ${files[0]}.`,
      );
    }
  }
  const file = await lastFile(files, isEarlier);
  const from = start(file);
  const gtids = end.gtidSet === undefined ? null : await previousGtids(connection, file);
  let place: SourcePosition = from;
  let gtid: string | undefined;
  const isFound = await peek(
    settings,
    from,
    end,
    (enough) => {
      const passed = (position: SourcePosition) => {
        if (gtid !== undefined) gtids?.add(gtid);
        place = position;
      };
      return {
        transaction: (begun) => {
          gtid = begun.gtid;
          if (begun.commitMicros >= atMicros) enough();
        },
        commit: passed,
        xaPrepare: (_xid, position) => passed(position),
        xaCommit: (_xid, position) => passed(position),
        xaRollback: (_xid, position) => passed(position),
      };
    },
    signal,
  );
  if (!isFound) return end;
  return { ...place, ...(gtids && { gtidSet: gtids.toString() }) };
}

/** Commit time of the first transaction from there on, µs; Infinity when there is none. */
async function firstCommit(
  settings: SourceSettings,
  from: SourcePosition,
  end: SourcePosition,
  signal: AbortSignal | undefined,
): Promise<number> {
  let first = Infinity;
  const look = (enough: () => void) => ({
    transaction: ({ commitMicros }: { commitMicros: number }) => {
      first = commitMicros;
      enough();
    },
  });
  await peek(settings, from, end, look, signal);
  return first;
}
