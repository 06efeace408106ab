import { loadTables as loadDefinitions, type TableSelector } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import { identifier, quotedAccount } from '../../mysql/identifier.js';
import type { TableDefinition } from '../../mysql/model.js';
import { endPosition, safeStartPosition } from '../../mysql/position.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { sourceName, type SourceTable } from '../../shared/source-name.js';
import type { ResolvedTask } from '../../shared/task.js';
import { recordOf, replacedBy } from './selection-diff.js';
import { isSameTable, selectionOf, tableName, type NamedTable, type TablePlan } from '../mapping/plan.js';
import { openBranches } from '../source/open-branches.js';
import type { SourceRetry } from '../source/retry.js';
import type { TableRecords } from '../state/table-records.js';
import type { NewTableRecord, TableRecord, TaskStore } from '../state/task-store.js';

const attempts = 10;

export interface NotedTables {
  /** Before it every transaction is in what is read now. */
  from: SourcePosition | null;
  /** For tables of which nothing is read. */
  end: SourcePosition | null;
  definedAt: SourcePosition | null;
  /** As TableRecord.openBranches; null: not known. */
  openBranches: string[] | null;
  definitions: TableDefinition[];
}

/**
 * A place in the stream and definitions that hold there (correctness rules 1 and 13): no column list changed while
 * the place was noted.
 */
export async function noteTables(
  retry: SourceRetry,
  selectors: readonly TableSelector[],
): Promise<NotedTables & { from: SourcePosition }>;
export async function noteTables(
  retry: SourceRetry,
  selectors: readonly TableSelector[],
  isStreamed: boolean,
): Promise<NotedTables>;
export async function noteTables(retry: SourceRetry, selectors: readonly TableSelector[], isStreamed = true) {
  return retry.onSource(async (connection) => {
    let before = await loadDefinitions(connection, selectors);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const from = isStreamed ? await safeStartPosition(connection) : null;
      const end = from && (await endPosition(connection));
      // A GTID set is exact. The beginning of a file lies before statements that the definitions hold already.
      const definedAt = from?.gtidSet === undefined ? end : null;
      const open = definedAt && (await openBranches(connection));
      const definitions = await loadDefinitions(connection, selectors);
      if (shapes(definitions) === shapes(before))
        return { from, end, definedAt, openBranches: open, definitions };
      before = definitions;
    }
    throw new RowferryError(
      'ROW-S111',
      'The table definitions kept changing while Rowferry recorded their position.',
      { remedy: 'Try again when no table is being altered.' },
    );
  });
}

/** Why the source does not show a table, ready to be thrown: it is not there, or this account may not read it. */
export async function whyUnseen(retry: SourceRetry, table: SourceTable): Promise<RowferryError> {
  const source = sourceName(table);
  return retry.onSource(async (connection) => {
    try {
      await connection.query(`SELECT 1 FROM ${identifier(table.database)}.${identifier(table.name)} LIMIT 0`);
      return new RowferryError('ROW-S108', `${source} is no longer a table: a view has its name.`, {
        remedy: 'Remove it from the task, or restore the table.',
      });
    } catch (error) {
      if (!(error instanceof RowferryError)) throw error;
      if (error.code === 'ROW-S103')
        return new RowferryError('ROW-S103', `${source} cannot be read: ${error.message}`, {
          cause: error,
          remedy: await grantOf(connection, table),
        });
      if (error.code !== 'ROW-S108') throw error;
      return new RowferryError('ROW-S108', `${source} no longer exists at the source.`, {
        remedy: 'Remove it from the task, or create it again.',
      });
    }
  });
}

/** What lets this account read the table, as a person types it, and what comes of that. */
async function grantOf(connection: SourceConnection, table: SourceTable): Promise<string> {
  const [row] = await connection.query<{ me: string }>('SELECT CURRENT_USER() AS me');
  const on = `${identifier(table.database)}.${identifier(table.name)}`;
  return `Run at the source: GRANT SELECT ON ${on} TO ${quotedAccount(row!.me)} (or activate the role that grants it: SET DEFAULT ROLE ALL TO …). A running task then loads the table within about a minute, any other one at its next start. To load it at once: rowferry reload TASK --table ${sourceName(table)}`;
}

/**
 * Those of the tables that the account may read by now, all of their columns. Throws what has nothing to do with one of
 * them.
 */
export async function readableOf(
  connection: SourceConnection,
  tables: readonly NamedTable[],
): Promise<TableDefinition[]> {
  const shown = await loadDefinitions(
    connection,
    tables.map(({ database, name }) => ({ database, table: name })),
  );
  const readable: TableDefinition[] = [];
  for (const definition of shown) {
    const { database, name, columns } = definition;
    // The catalog leaves out columns that the account has no privilege on, and the star leaves out invisible ones.
    const list = ['*', ...columns.map((column) => identifier(column.name))].join(', ');
    try {
      await connection.query(`SELECT ${list} FROM ${identifier(database)}.${identifier(name)} LIMIT 0`);
      readable.push(definition);
    } catch (error) {
      if (!(error instanceof RowferryError && (error.code === 'ROW-S103' || error.code === 'ROW-S108')))
        throw error;
    }
  }
  return readable;
}

export function hasSameColumns(a: TableDefinition, b: TableDefinition): boolean {
  return shapes([a]) === shapes([b]);
}

/** Column lists and keys; statistics change all the time. */
function shapes(definitions: readonly TableDefinition[]): string {
  return JSON.stringify(definitions.map(({ columns, keys }) => [columns, keys]));
}

/** Stores that a table stopped, one that was not known as well, and gives its record. */
export function recordStopped(
  task: ResolvedTask,
  records: TableRecords,
  definition: TableDefinition,
  problem: RowferryError,
): TableRecord {
  const source = sourceName(definition);
  const destination = tableName(definition.name, selectionOf(task, definition)?.mapping, task);
  if (!records.find(source)) records.begin(recordOf(task, { source, definition, destination }));
  records.step(source, { step: 'stopped', problem: problem.toPlain() });
  return records.get(source);
}

export interface EnterOptions {
  readonly remake?: boolean;
  /** Not chosen now: its rows are read even without a full load. */
  readonly isMade?: boolean;
  /** As TableRecord.branchesShown. */
  readonly branchesShown?: SourcePosition | undefined;
}

/**
 * Stores tables that are to be loaded, from a place of their own where there is a stream, in the state in which that
 * begins. Without a full load only a table that is chosen now is not read; what begins anew, or was made in a database that
 * is followed whole, has rows that no stream brings any more.
 */
export function enterTables(
  task: ResolvedTask,
  tables: TableRecords,
  store: TaskStore,
  plans: readonly TablePlan[],
  { from, end, definedAt, openBranches: open }: Omit<NotedTables, 'definitions'>,
  { remake = false, isMade = false, branchesShown }: EnterOptions = {},
): TableRecord[] {
  const stored = tables.all;
  const isFollowed = ({ definition }: TablePlan) =>
    selectionOf(task, definition)?.isWhole === true &&
    stored.some((one) =>
      isSameTable({ database: one.definition.database, name: definition.name }, definition),
    );
  const replaced: TableRecord[] = [];
  const records = plans.map((plan): NewTableRecord => {
    const own = tables.find(plan.source);
    const before = own ?? replacedBy(task, stored, plan);
    if (before && !own) replaced.push(before);
    const isSame = before?.destination === plan.destination;
    const isRead = task.synchronization.full || isMade || before !== undefined || isFollowed(plan);
    const place = isRead ? from : end;
    return {
      ...recordOf(task, plan),
      // Whatever of the task's tables wrote there before: in a merge this one, perhaps, under keys of its own.
      ...tables.inherited(plan.destination),
      ...(place && { from: place }),
      ...(definedAt && { definedAt }),
      ...(open && { openBranches: open }),
      ...(branchesShown && { branchesShown }),
      ...(isRead && !task.synchronization.full && { loads: true }),
      ...(isSame && (remake || before.remake) && { remake: true }),
    };
  });
  return store.transaction(() => {
    for (const { source } of replaced) tables.remove(source);
    return records.map((record) => {
      store.clearChunks(record.source);
      store.clearDirty(record.source);
      store.loseXa(record.source);
      return tables.begin(record);
    });
  });
}
