import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { SourceConnection } from './connection.js';
import { atLeast, type ServerFacts } from './server-facts.js';
import { GtidSet } from './gtid.js';

interface BinlogStatus {
  readonly file: string;
  readonly offset: number;
}

/** Where the server writes its binlog now. Throws ROW-S105 when it writes none, ROW-S103 without the privilege. */
async function binlogStatus(connection: SourceConnection): Promise<BinlogStatus> {
  const facts = await connection.facts();
  // SHOW MASTER STATUS is gone since 8.4, its successor came with 8.2.
  const statement =
    !facts.isMariaDb && atLeast(facts, 8, 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
  const rows = await connection.query<{ File: string; Position: number | string }>(statement);
  const row = rows[0];
  if (!row?.File) throw new RowferryError('ROW-S105', 'The source does not write a binlog (log_bin is OFF).');
  return { file: row.File, offset: Number(row.Position) };
}

/**
 * Waits until the server's own reads show these transactions, which it sends before its engine commits them. false: not
 * within `seconds` (manual, WAIT_FOR_EXECUTED_GTID_SET).
 */
export async function areCommitted(
  connection: SourceConnection,
  gtids: string,
  seconds: number,
): Promise<boolean> {
  const [row] = await connection.query<{ isOver: number | null }>(
    'SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS isOver',
    [gtids, seconds],
  );
  return Number(row?.isOver) === 0 && row?.isOver !== null;
}

/** A variable that is a GTID set. Throws ROW-S111 when the server gives something else. */
export async function gtids(
  connection: SourceConnection,
  name: 'gtid_executed' | 'gtid_purged' | 'gtid_owned',
): Promise<GtidSet> {
  const [row] = await connection.query<{ value: string }>(`SELECT @@GLOBAL.${name} AS value`);
  const text = row?.value ?? '';
  try {
    return GtidSet.parse(name === 'gtid_owned' ? withoutThreads(text) : text);
  } catch (error) {
    throw new RowferryError('ROW-S111', `MySQL returned a value of ${name} that is not a GTID set.`, {
      cause: error,
    });
  }
}

/** `uuid:number#thread:number#thread`, and nothing between one UUID and the next. */
function withoutThreads(owned: string): string {
  return owned.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, ',$&').replace(/#\d+/g, '');
}

/**
 * A position before which every transaction is visible to a read that begins now (correctness rule 1):
 * gtid_executed with gtid_mode=ON, otherwise the beginning of the current binlog file, because a rotation
 * waits for every prepared transaction. The end offset that the server reports is never safe: it already counts
 * commits that no read sees. Throws ROW-S105, ROW-S103.
 */
export async function safeStartPosition(connection: SourceConnection): Promise<SourcePosition> {
  const facts = await connection.facts();
  if (facts.gtidMode === 'ON') {
    const gtidSet = String(await gtids(connection, 'gtid_executed'));
    await binlogStatus(connection);
    return { gtidSet, serverUuid: facts.serverUuid };
  }
  const { file } = await binlogStatus(connection);
  return { file, offset: firstEventOffset, serverUuid: facts.serverUuid };
}

/** The first event of a binlog file stands behind its four magic bytes. */
export const firstEventOffset = 4;

/** The end of the binlog now: a goal to wait for with hasReached(), never a place to start from. */
export async function endPosition(connection: SourceConnection): Promise<SourcePosition> {
  const facts = await connection.facts();
  const status = await binlogStatus(connection);
  return {
    ...status,
    serverUuid: facts.serverUuid,
    ...(facts.gtidMode === 'ON' ? { gtidSet: String(await gtids(connection, 'gtid_executed')) } : {}),
  };
}

/** Binlog files are numbered; numbers pass 999999, so the text does not order them. */
export function compareFiles(a: string, b: string): number {
  const number = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
  return number(a) - number(b);
}

/** Has a stream at `position` passed everything before `goal`? By GTID where both have one, else by file and offset. */
export function hasReached(position: SourcePosition, goal: SourcePosition): boolean {
  if (position.gtidSet !== undefined && goal.gtidSet !== undefined) {
    return GtidSet.parse(position.gtidSet).containsSet(GtidSet.parse(goal.gtidSet));
  }
  if (position.file === undefined || goal.file === undefined) return false;
  const files = compareFiles(position.file, goal.file);
  return files !== 0 ? files > 0 : (position.offset ?? 0) >= (goal.offset ?? 0);
}

/** Transactions before `goal` that a stream at `position` has not passed; null when they are not known by GTID. */
export function transactionsBetween(position: SourcePosition, goal: SourcePosition): number | null {
  if (position.gtidSet === undefined || goal.gtidSet === undefined) return null;
  return GtidSet.parse(goal.gtidSet).minus(GtidSet.parse(position.gtidSet)).size;
}

function gone(message: string): RowferryError {
  return new RowferryError('ROW-S104', message);
}

/**
 * The position as a server is asked for it: by GTID where gtid_mode is ON. Where it no longer is, the file and offset
 * that the stream came to say the same on the server that they are from, and are all that is known of what follows.
 */
export function askedOf(facts: ServerFacts, position: SourcePosition): SourcePosition {
  const { gtidSet, ...byFile } = position;
  const isOfFile = position.file !== undefined && position.serverUuid === facts.serverUuid;
  return gtidSet !== undefined && facts.gtidMode !== 'ON' && isOfFile ? byFile : position;
}

/**
 * Can the server still send everything behind `position`? Throws ROW-S104 with the reason: purged, numbering
 * reset, another server's binlog; ROW-S107 when a replica has not yet got what was already seen, which mends itself.
 */
export async function assertAvailable(connection: SourceConnection, position: SourcePosition): Promise<void> {
  const facts = await connection.facts();
  if (position.gtidSet !== undefined) await assertGtidAvailable(connection, facts, position.gtidSet);
  else await assertFileAvailable(connection, facts, position);
}

async function assertGtidAvailable(
  connection: SourceConnection,
  facts: ServerFacts,
  gtidSet: string,
): Promise<void> {
  if (facts.gtidMode !== 'ON') {
    throw gone(`The task uses GTIDs, but gtid_mode is now ${facts.gtidMode} on ${connection.address}.`);
  }
  const purged = await gtids(connection, 'gtid_purged');
  const missing = purged.minus(GtidSet.parse(gtidSet));
  if (!missing.isEmpty) {
    throw gone(
      `The source has purged binlogs that Rowferry has not read yet: transactions ${String(missing)}.`,
    );
  }
  await assertExecuted(connection, gtidSet);
}

/**
 * Throws ROW-S104 when the server had some of these transactions and has them no more, or has none of them at all;
 * ROW-S107 when it has yet to get some, or to commit what it has sent.
 */
export async function assertExecuted(connection: SourceConnection, gtidSet: string): Promise<void> {
  const { serverUuid } = await connection.facts();
  // What sessions of the server are at, which it may have sent already; first: what is committed in between is executed then.
  const owned = await gtids(connection, 'gtid_owned');
  const executed = await gtids(connection, 'gtid_executed');
  const seen = GtidSet.parse(gtidSet);
  const ahead = seen.minus(executed);
  if (ahead.isEmpty) return;
  if (!ahead.ofServer(serverUuid).minus(owned).isEmpty) {
    throw gone(
      `The source no longer has transactions that Rowferry already read (${String(ahead)}): its binlog was reset, or its data was restored.`,
    );
  }
  if (ahead.minus(owned).isEmpty) {
    throw new RowferryError(
      'ROW-S107',
      `${connection.address} has not yet committed transactions that it already sent (${String(ahead)}).`,
      {
        remedy:
          'Try again when they are committed. A commit may wait for a replica (semi-synchronous replication).',
      },
    );
  }
  if (seen.minus(ahead).isEmpty) {
    throw gone(
      `${connection.address} has none of the transactions that Rowferry already read (${String(ahead)}): it is another server, its binlog was reset, or its data was restored.`,
    );
  }
  throw new RowferryError(
    'ROW-S107',
    `${connection.address} does not have transactions that Rowferry already read (${String(ahead)}): it lags behind, or lost them in a switchover.`,
    {
      remedy:
        'The task continues when the server has caught up. If it lost them, reset the task; the next start loads everything again.',
    },
  );
}

/**
 * Do reads of this server show everything before `position`? A file and offset say something of their own server only,
 * whose reads show what it has sent but for commits under way. Throws ROW-S104 when that can never be told.
 */
export async function showsAll(connection: SourceConnection, position: SourcePosition): Promise<boolean> {
  const { gtidSet, serverUuid } = position;
  if (gtidSet !== undefined) {
    const [row] = await connection.query<{ isExecuted: number }>(
      'SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed) AS isExecuted',
      [gtidSet],
    );
    if (Number(row?.isExecuted) === 1) return true;
  }
  const facts = await connection.facts();
  if (gtidSet !== undefined && facts.gtidMode === 'ON') return false;
  if (serverUuid === undefined || serverUuid === facts.serverUuid) return true;
  throw gone(
    `Rowferry cannot tell whether ${connection.address} has everything that was read from another server: that takes gtid_mode=ON on both.`,
  );
}

/** The binlog files that the server has, oldest first. */
export async function binlogFiles(connection: SourceConnection): Promise<{ name: string; bytes: number }[]> {
  const files = await connection.query<{ Log_name: string; File_size: number | string }>('SHOW BINARY LOGS');
  return files.map(({ Log_name, File_size }) => ({ name: Log_name, bytes: Number(File_size) }));
}

async function assertFileAvailable(
  connection: SourceConnection,
  facts: ServerFacts,
  position: SourcePosition,
): Promise<void> {
  if (position.file === undefined) throw gone('The task has no position in the binlog.');
  if (position.serverUuid !== undefined && position.serverUuid !== facts.serverUuid) {
    throw gone(
      `The position ${position.file} belongs to another server and is not valid on ${connection.address}.`,
    );
  }
  const files = await binlogFiles(connection);
  const file = files.find(({ name }) => name === position.file);
  if (!file) {
    const oldest = files[0]?.name;
    throw gone(
      oldest !== undefined && compareFiles(position.file, oldest) < 0
        ? `The binlog file ${position.file} was purged; the oldest is ${oldest}.`
        : `The binlog file ${position.file} does not exist: the file numbering was reset.`,
    );
  }
  if (file.bytes < (position.offset ?? 0)) {
    throw gone(
      `The binlog file ${position.file} ends before offset ${position.offset}: the file numbering was reset.`,
    );
  }
}

/**
 * Transactions in the PREPARED state now, as BinlogHandler names them. Their rows may lie before a start
 * position, so a start waits until they are decided (correctness rule 2). Throws ROW-S103 without XA_RECOVER_ADMIN.
 */
export async function preparedTransactions(connection: SourceConnection): Promise<string[]> {
  const rows = await connection.query<{
    formatID: number | string;
    gtrid_length: number;
    bqual_length: number;
    data: string;
  }>('XA RECOVER CONVERT XID');
  return rows.map(({ formatID, gtrid_length, data }) => {
    const hex = data.replace(/^0x/i, '').toLowerCase();
    return xidText(formatID, hex.slice(0, gtrid_length * 2), hex.slice(gtrid_length * 2));
  });
}

/** One spelling of an XID for the whole product: `format:gtrid:bqual`, the parts in lower-case hex. */
export function xidText(format: number | string, gtridHex: string, bqualHex: string): string {
  return `${format}:${gtridHex}:${bqualHex}`;
}

/**
 * The last of the binlog files of which `isBefore` holds, asked of few of them: where it does not hold of one, it holds of
 * none behind. The first, which is not asked, when it holds of no other.
 */
export async function lastFile(
  files: readonly string[],
  isBefore: (file: string) => Promise<boolean>,
): Promise<string> {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await isBefore(files[middle]!)) low = middle;
    else high = middle - 1;
  }
  return files[low]!;
}

/** What had been executed when the file began; null when the server does not say. */
export async function previousGtids(connection: SourceConnection, file: string): Promise<GtidSet | null> {
  const events = await connection.query<{ Event_type: string; Info: string }>(
    'SHOW BINLOG EVENTS IN ? LIMIT 3',
    [file],
  );
  const info = events.find((event) => event.Event_type === 'Previous_gtids')?.Info;
  return info === undefined ? null : GtidSet.parse(info.replaceAll('\n', ''));
}
