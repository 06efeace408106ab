import { assertAvailable, endPosition, hasReached } from '../../mysql/position.js';
import { peek, type Look } from '../../mysql/binlog/peek.js';
import type { SourceConnection } from '../../mysql/connection.js';
import { connectSource } from '../../mysql/connection.js';
import { GtidSet } from '../../mysql/gtid.js';
import { beginningWithin } from '../../mysql/gtid-order.js';
import { mayTouch, readStatement, type StatementEvent } from '../../mysql/statement.js';
import { CharsetNotLoaded, loadCharsetDecoders } from '../../mysql/types/index.js';
import { parseTime, positionAtTime } from '../../mysql/position-time.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { ResolvedTask, Task } from '../../shared/task.js';
import type { NamedPosition, PositionChange, TransactionSummary } from '../../shared/task-control-api.js';
import { parseDdl } from '../ddl/parse.js';
import type { TableName } from '../ddl/cursor.js';
import type { DdlStatement } from '../ddl/statement.js';
import { unknownTextDefaults } from '../ddl/text-defaults.js';
import type { ToolTable } from '../online-change/traces.js';
import { isSameTable, isSameName, selectionOf } from '../mapping/plan.js';
import { sourceName } from '../../shared/source-name.js';

/** Where a start position is in the binlog. Throws ROW-T102 (no GTID set, or none in the binlog's order; no time), ROW-S104 (not there any more). */
export async function findStart(
  task: Pick<ResolvedTask, 'source'>,
  connection: SourceConnection,
  wanted: NonNullable<Task['startPosition']>,
  signal?: AbortSignal,
): Promise<SourcePosition> {
  const { serverUuid } = await connection.facts();
  if (wanted === 'now') return endPosition(connection);
  if ('gtid' in wanted) {
    const set = gtidSet(wanted.gtid);
    await assertInOrder(task, connection, set, signal);
    return { gtidSet: set.toString(), serverUuid };
  }
  if ('file' in wanted) return { file: wanted.file, offset: wanted.position, serverUuid };
  const at = parseTime(wanted.time);
  if (at === null)
    throw new RowferryError('ROW-T102', `"${wanted.time}" is not a valid time.`, {
      remedy: 'Use the form 2026-01-31T08:00:00Z; without a time zone, UTC applies.',
    });
  if (at > Date.now()) throw new RowferryError('ROW-T102', `${wanted.time} is in the future.`);
  return positionAtTime(task.source, connection, at, signal);
}

/** Throws ROW-T102: going on from there would apply earlier changes after later ones, and leave rows as they were. */
async function assertInOrder(
  task: Pick<ResolvedTask, 'source'>,
  connection: SourceConnection,
  set: GtidSet,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Without GTIDs the source cannot be asked for a set at all, which is said when it is.
  if ((await connection.facts()).gtidMode !== 'ON') return;
  const beginning = await beginningWithin(task.source, connection, set, signal);
  if (beginning === null) return;
  throw new RowferryError(
    'ROW-T102',
    'The GTID set leaves out transactions that the source committed before others in the set. They would be applied after later changes and leave old values in rows.',
    {
      remedy: beginning.isEmpty
        ? 'Use a set that the source had at one moment, such as the gtid_executed of a backup.'
        : `Use a set that the source had at one moment. The longest one within yours is ${beginning.toString()}.`,
    },
  );
}

function gtidSet(text: string): GtidSet {
  try {
    return GtidSet.parse(text);
  } catch {
    throw new RowferryError('ROW-T102', `"${text}" is not a GTID set.`, {
      remedy: 'Use the form 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77.',
    });
  }
}

/** What going on from `chosen` means for a task whose checkpoint is `now`, and that does not replicate `leftOut`. */
export async function planStart(
  task: ResolvedTask,
  now: SourcePosition | null,
  chosen: NamedPosition,
  leftOut: readonly ToolTable[] = [],
): Promise<PositionChange> {
  const connection = await connectSource(task.source);
  try {
    if (chosen === 'skip') return await planSkip(task, connection, now, leftOut);
    const then = await findStart(task, connection, chosen);
    await assertAvailable(connection, then);
    const end = await endPosition(connection);
    if (isAhead(then, end))
      throw new RowferryError('ROW-S104', "This position is past the end of the source's binlog.");
    return { now, then, direction: now === null ? 'unknown' : directionOf(now, then) };
  } finally {
    await connection.close();
  }
}

function isAhead(position: SourcePosition, end: SourcePosition): boolean {
  return directionOf(end, position) === 'forward';
}

function directionOf(from: SourcePosition, to: SourcePosition): PositionChange['direction'] {
  const comparable =
    (from.gtidSet !== undefined && to.gtidSet !== undefined) ||
    (from.file !== undefined && to.file !== undefined);
  if (!comparable) return 'unknown';
  const isForward = hasReached(to, from);
  const isBack = hasReached(from, to);
  if (isForward && isBack) return 'same';
  return isForward ? 'forward' : isBack ? 'back' : 'unknown';
}

/** Behind the next transaction that says something of a selected table. */
async function planSkip(
  task: ResolvedTask,
  connection: SourceConnection,
  now: SourcePosition | null,
  leftOut: readonly ToolTable[],
): Promise<PositionChange> {
  if (now === null) throw new RowferryError('ROW-E109', `${task.name} has no binlog position yet.`);
  await assertAvailable(connection, now);
  const end = await endPosition(connection);
  const caseSensitive = (await connection.facts()).lowerCaseTableNames === 0;
  const isSelected = (database: string, name: string) =>
    selectionOf(task, { database, name, caseSensitive }) !== null &&
    !leftOut.some((one) => isSameTable(one, { database, name, ...(caseSensitive && { caseSensitive }) }));
  let summary: TransactionSummary = { gtid: null, commitMicros: 0, tables: [], statements: [] };
  let then: SourcePosition | null = null;
  const query = <T>(sql: string) => connection.query<T>(sql);
  const charsets = await loadCharsetDecoders(query, []);
  const look = (enough: () => void): Look => {
    const ended = (at: SourcePosition) => {
      if (summary.tables.length + summary.statements.length === 0) return;
      then = at;
      enough();
    };
    return {
      transaction: ({ gtid, commitMicros }) => {
        summary = { gtid: gtid ?? null, commitMicros, tables: [], statements: [] };
      },
      wants: ({ database, name }) => isSelected(database, name),
      row: ({ database, name }, kind) => {
        const source = sourceName({ database, name });
        let counts = summary.tables.find((one) => one.source === source);
        if (!counts) summary.tables.push((counts = { source, inserted: 0, updated: 0, deleted: 0 }));
        counts[({ insert: 'inserted', update: 'updated', delete: 'deleted' } as const)[kind]]++;
      },
      statement: (raw) => {
        const event = readStatement(raw, charsets);
        const { sql } = event;
        const statement = parseDdl(event, () => unknownTextDefaults);
        if (tablesOf(statement).some((one) => isSelected(one.database, one.table)))
          summary.statements.push(sql);
        else if (concernsAll(task, statement, event, caseSensitive)) summary.statements.push(sql);
      },
      commit: ended,
      xaPrepare: (_xid, at) => ended(at),
      xaCommit: (_xid, at) => ended(at),
    };
  };
  for (let isRead = false; !isRead;) {
    try {
      await peek(task.source, now, end, look);
      isRead = true;
    } catch (error) {
      if (!(error instanceof CharsetNotLoaded)) throw error;
      await charsets.load(query, [error.charset]);
    }
  }
  if (then === null)
    throw new RowferryError('ROW-E109', 'There is no transaction to skip: everything is applied.');
  return { now, then, direction: 'forward', skipped: summary };
}

function tablesOf(statement: DdlStatement): readonly TableName[] {
  switch (statement.kind) {
    case 'alter':
      return [
        statement.table,
        ...statement.actions.flatMap((action) => (action.do === 'rename-table' ? [action.to] : [])),
      ];
    case 'create':
    case 'truncate':
      return [statement.table];
    case 'drop':
    case 'unreadable':
      return statement.tables;
    case 'rename':
      return statement.pairs.flatMap(({ from, to }) => [from, to]);
    default:
      return [];
  }
}

/** Statements that name no table, but may be about selected ones. */
function concernsAll(
  task: ResolvedTask,
  statement: DdlStatement,
  event: StatementEvent,
  caseSensitive: boolean,
): boolean {
  const isSelected = (name: string) =>
    task.objects.some((object) => isSameName(object.database, name, caseSensitive));
  switch (statement.kind) {
    case 'drop-database':
      return isSelected(statement.database);
    case 'rows':
      return mayTouch(event, isSelected);
    case 'unreadable':
      return !statement.isWhole && mayTouch(event, isSelected);
    default:
      return false;
  }
}
