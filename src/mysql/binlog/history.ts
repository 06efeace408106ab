import { RowferryError } from '../../shared/errors.js';
import type { BeginsAt, LastTransaction, SourcePosition } from '../../shared/position.js';
import type { SourceSettings } from '../../shared/task.js';
import type { SourceConnection } from '../connection.js';
import { sourceAddresses } from '../connection-options.js';
import { GtidSet } from '../gtid.js';
import type { TransactionStart } from '../model.js';
import { assertAvailable, binlogFiles, endPosition, firstEventOffset, gtids } from '../position.js';
import { peek } from './peek.js';
import type { HistoryCheck } from './stream.js';

/**
 * How to see that the server has the very transaction that was applied last, and not another of the same number or in
 * the same place: after RESET BINARY LOGS, a restored backup or in a clone numbers and files begin again, and neither a
 * set of numbers nor an offset says anything. null: there is none to be compared, or it was purged.
 */
export function historyCheck(
  connection: SourceConnection,
  position: SourcePosition,
): Promise<HistoryCheck | null> {
  return position.gtidSet === undefined
    ? fileCheck(connection, position)
    : gtidCheck(connection, position, position.gtidSet);
}

/**
 * A place to begin from, with what identifies the history before it: what comes to the source between now and the first
 * connection of the stream, say during a load of hours, is seen then. Throws as the stream does.
 */
export async function identified(
  settings: SourceSettings,
  connection: SourceConnection,
  position: SourcePosition,
  signal: AbortSignal,
): Promise<SourcePosition> {
  await assertAvailable(connection, position);
  const check = await historyCheck(connection, position);
  const address = sourceAddresses(settings).find(
    ({ host, port }) => `${host}:${port}` === connection.address,
  );
  return check ? check({ ...settings, ...address, hosts: [] }, signal) : position;
}

/**
 * By GTID: the time at which the transaction was committed where it was committed first tells, to the microsecond, and
 * replicas keep it. A place before which nothing was applied yet is given the newest transaction that the server has
 * before it.
 */
async function gtidCheck(
  connection: SourceConnection,
  position: SourcePosition,
  gtidSet: string,
): Promise<HistoryCheck | null> {
  const { last } = position;
  const seen = GtidSet.parse(gtidSet);
  const purged = await gtids(connection, 'gtid_purged');
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
    const found = await first(settings, before, end, signal);
    if (found?.gtid !== gtid) return position;
    const { commitMicros } = found;
    if (last?.gtid === undefined) return { ...position, last: { gtid, commitMicros } };
    if (last.commitMicros === undefined || last.commitMicros === commitMicros) return position;
    throw another(address, `${gtid}${committed(commitMicros)}`, last);
  };
}

/**
 * By file: the event that the transaction begins with stands where it stood, with every bit that it had, the times of
 * its commit among them. A place before which nothing was applied yet is given the creation of its file, which the
 * stream compares (decoder.ts), as it does when that transaction's own file is purged.
 */
async function fileCheck(
  connection: SourceConnection,
  position: SourcePosition,
): Promise<HistoryCheck | null> {
  const { file, serverUuid, fileCreated, last } = position;
  const begins = last?.begins;
  const end = await endPosition(connection);
  if (!begins)
    return fileCreated === undefined ? (settings, signal) => created(settings, position, end, signal) : null;
  const files = await binlogFiles(connection);
  if (!files.some((one) => one.name === begins.file)) return null;
  const { address } = connection;
  const place = `${begins.file}:${begins.offset}`;
  const { gtidMode } = await connection.facts();
  if (gtidMode === (last.gtid === undefined ? 'ON' : 'OFF')) {
    if (await isShown(connection, begins, last.gtid)) return null;
    throw another(address, `something else at ${place}`, last);
  }
  return async (settings, signal) => {
    const from: SourcePosition = {
      file: begins.file,
      offset: begins.offset,
      ...(serverUuid !== undefined && { serverUuid }),
      ...(file === begins.file && fileCreated !== undefined && { fileCreated }),
    };
    let found: TransactionStart | null = null;
    try {
      found = await first(settings, from, end, signal);
    } catch (error) {
      // No event begins there.
      if (!(error instanceof RowferryError && error.code === 'ROW-S109')) throw error;
    }
    if (found?.begins && isSame(found.begins, begins)) return position;
    throw another(
      address,
      found
        ? `a different transaction at ${place}${committed(found.commitMicros)}`
        : `no transaction at ${place}`,
      last,
    );
  };
}

/**
 * After gtid_mode was switched the server sends no transaction of the other kind; what it shows of one must do until
 * the next is applied.
 */
async function isShown(
  connection: SourceConnection,
  { file, offset }: BeginsAt,
  gtid: string | undefined,
): Promise<boolean> {
  try {
    const [event] = await connection.query<{ Event_type: string; Info: string }>(
      'SHOW BINLOG EVENTS IN ? FROM ? LIMIT 1',
      [file, offset],
    );
    return gtid === undefined
      ? event?.Event_type === 'Anonymous_Gtid'
      : (event?.Info.includes(`'${gtid}'`) ?? false);
  } catch (error) {
    // No event begins there.
    if (error instanceof RowferryError && error.code === 'ROW-S111') return false;
    throw error;
  }
}

const isSame = (one: BeginsAt, other: BeginsAt) =>
  one.file === other.file && one.offset === other.offset && one.crc === other.crc;

/** The next transaction from there on. Its head is enough: of its rows none is decoded. */
async function first(
  settings: SourceSettings,
  from: SourcePosition,
  end: SourcePosition,
  signal: AbortSignal,
): Promise<TransactionStart | null> {
  let found: TransactionStart | null = null;
  const look = (enough: () => void) => ({
    transaction: (begun: TransactionStart) => {
      found = begun;
      enough();
    },
  });
  await peek(settings, from, end, look, signal);
  return found;
}

async function created(
  settings: SourceSettings,
  position: SourcePosition,
  end: SourcePosition,
  signal: AbortSignal,
): Promise<SourcePosition> {
  let fileCreated: number | undefined;
  const look = (enough: () => void) => ({
    file: (_name: string, seconds: number) => {
      fileCreated = seconds;
      enough();
    },
  });
  await peek(settings, { ...position, offset: firstEventOffset }, end, look, signal);
  return fileCreated === undefined ? position : { ...position, fileCreated };
}

const time = (micros: number): string => new Date(micros / 1000).toISOString();
const committed = (commitMicros: number | undefined): string =>
  commitMicros === undefined ? '' : `, committed at ${time(commitMicros)}`;

function another(address: string, found: string, last: LastTransaction | undefined): RowferryError {
  return new RowferryError(
    'ROW-S104',
    `The binlog of ${address} is not the one that the task replicated: it has ${found}, where the task applied one${committed(last?.commitMicros)}. The binlog was reset, or the data was restored or cloned.`,
    { remedy: 'Reload all tables: run rowferry reset, then rowferry run.' },
  );
}
