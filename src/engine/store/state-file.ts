import { closeSync, createReadStream, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { SQLInputValue } from 'node:sqlite';
import { RowferryError } from '../../shared/errors.js';
import type { DestinationRecord, TableRecord } from '../../sync/state/task-store.js';
import { askReload } from './asked-reload.js';
import type { Database } from './database.js';
import { keepDestinations, keepStopKinds, migrations, quoteNames } from './migrations.js';
import { PendingDirty } from './pending-dirty.js';
import { SqliteTaskStore } from './task-store.js';

/** What is kept of one task, table by table, in the order in which it is written and taken in. */
const tables = [
  'task',
  'progress',
  'source_table',
  'chunk',
  'dirty',
  'xa_part',
  'xa_rows',
  'writing',
  'audit',
  'destination_table',
] as const;
type Table = (typeof tables)[number];
/** Given out by the store itself. */
const ownColumns: Partial<Record<Table, readonly string[]>> = { dirty: ['id'] };

interface Header {
  rowferry: 'state';
  /** Of the store's schema. */
  version: number;
  task: string;
  writtenMs: number;
}
interface Line {
  table: Table;
  row: Record<string, string | number | null | { base64: string }>;
}

const keyOf = (table: Table) => (table === 'task' ? 'id' : 'task');

/**
 * Writes what is kept of a task as JSON, one object a line, readable by its owner only: dirty records hold row values.
 * No secret is kept, so none is written. Throws ROW-E113 when the file cannot be written.
 */
export function writeState(database: Database, task: string, file: string, nowMs: number): void {
  PendingDirty.of(database, task).store();
  const partial = `${file}.${process.pid}.tmp`;
  try {
    const out = openSync(partial, 'w', 0o600);
    try {
      const header: Header = { rowferry: 'state', version: migrations.length, task, writtenMs: nowMs };
      writeSync(out, `${JSON.stringify(header)}\n`);
      for (const table of tables) {
        for (const row of database.all<Record<string, SQLInputValue>>(
          `SELECT * FROM ${table} WHERE ${keyOf(table)} = ?`,
          task,
        )) {
          writeSync(out, `${JSON.stringify({ table, row: asJson(row) })}\n`);
        }
      }
    } finally {
      closeSync(out);
    }
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new RowferryError('ROW-E113', `${file} cannot be written: ${(error as Error).message}`, {
      remedy: 'Choose a file in a writable folder.',
      cause: error,
    });
  }
}

function asJson(row: Record<string, SQLInputValue>): Line['row'] {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array
        ? { base64: Buffer.from(value).toString('base64') }
        : typeof value === 'bigint'
          ? Number(value)
          : (value as string | number | null),
    ]),
  );
}

export interface ImportedState {
  readonly id: string;
  /** Tables that the state it replaced had loaded otherwise since: the next run loads them anew. */
  readonly reloaded: string[];
}

/**
 * Takes in what writeState() wrote, all of it or nothing. Throws ROW-E113: no such file, something is kept of the task
 * already and `replace` is not said; ROW-E108: a newer version wrote it.
 */
export async function readState(
  database: Database,
  file: string,
  replace: boolean,
  /** Throws when the task may not be touched now. */
  allow: (task: string) => void,
): Promise<ImportedState> {
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) lines.push(line);
  } catch (error) {
    throw new RowferryError('ROW-E113', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const header = parse(lines[0] ?? '', file) as Partial<Header>;
  if (header.rowferry !== 'state' || typeof header.task !== 'string' || typeof header.version !== 'number')
    throw notState(file);
  if (header.version > migrations.length)
    throw new RowferryError('ROW-E108', `${file} was written by a newer version of Rowferry.`);
  const { task } = header;
  allow(task);
  const store = new SqliteTaskStore(database, task);
  const reloaded = database.transaction(() => {
    if (!replace && database.get('SELECT 1 AS found FROM task WHERE id = ?', task)) {
      throw new RowferryError('ROW-E113', `This state folder already holds state for the task ${task}.`, {
        remedy: 'To replace the state, add --replace.',
      });
    }
    const before = { tables: store.tables(), destinations: store.destinations() };
    removeState(database, task);
    for (const line of lines.slice(1)) {
      if (line !== '') insert(database, task, parse(line, file) as Line, file);
    }
    database.raw.exec(quoteNames);
    database.raw.exec(keepDestinations);
    database.raw.exec(keepStopKinds);
    return reconcile(store, before);
  });
  return { id: task, reloaded };
}

/**
 * What the replaced state knows of the destination holds still. A table that was loaded otherwise since, or whose
 * destination was made since, or taken by another one, has rows there that the older state knows nothing of.
 */
function reconcile(
  store: SqliteTaskStore,
  before: { tables: readonly TableRecord[]; destinations: readonly DestinationRecord[] },
): string[] {
  const known = new Set(store.destinations().map(({ name }) => name));
  for (const one of before.destinations) if (!known.has(one.name)) store.saveDestination(one);
  const tables = store.tables();
  const isTheSame = (one: TableRecord, other: TableRecord) =>
    one.source === other.source &&
    one.life === other.life &&
    // Records of earlier versions tell no lives.
    (one.life !== '' || one.mapping === other.mapping);
  const others = before.tables.filter((other) => !tables.some((table) => isTheSame(table, other)));
  const isTouched = ({ source, destination }: TableRecord) =>
    others.some((other) => other.source === source || other.destination === destination);
  // Begun before its destination table was made: the record would take the task's own table for somebody else's.
  const isBehind = ({ phase, destination }: TableRecord) =>
    phase === 'schema' &&
    before.destinations.some((one) => one.name === destination && (one.created || one.creating));
  const reloaded = tables.filter((one) => isTouched(one) || isBehind(one)).map(({ source }) => source);
  askReload(store, reloaded, false);
  return reloaded;
}

/** Forgets everything that is kept of a task, its history too. */
export function removeState(database: Database, task: string): void {
  PendingDirty.of(database, task).store();
  database.transaction(() => {
    for (const table of tables) database.run(`DELETE FROM ${table} WHERE ${keyOf(table)} = ?`, task);
    for (const table of ['history', 'incident', 'dirty_figure'])
      database.run(`DELETE FROM ${table} WHERE task = ?`, task);
  });
}

function insert(database: Database, task: string, { table, row }: Line, file: string): void {
  if (!tables.includes(table) || typeof row !== 'object' || row === null || row[keyOf(table)] !== task)
    throw notState(file);
  const columns = new Set(
    database.all<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).map((one) => one.name),
  );
  const names = Object.keys(row).filter((name) => !ownColumns[table]?.includes(name));
  if (names.some((name) => !columns.has(name))) throw notState(file);
  const values = names.map((name): SQLInputValue => {
    const value = row[name];
    return typeof value === 'object' && value !== null ? Buffer.from(value.base64, 'base64') : value!;
  });
  try {
    database.run(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...values,
    );
  } catch (error) {
    throw notState(file, error);
  }
}

function parse(line: string, file: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw notState(file, error);
  }
  throw notState(file);
}

function notState(file: string, cause?: unknown): RowferryError {
  return new RowferryError('ROW-E113', `${file} is not a Rowferry state file, or is incomplete.`, {
    cause,
  });
}
