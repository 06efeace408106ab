import { createHash } from 'node:crypto';
import { RowferryError } from '../shared/errors.js';
import type { SourcePosition } from '../shared/position.js';
import type { Operation, ResolvedTask } from '../shared/task.js';
import { keyOnly } from '../tablestore/writer/compose.js';
import { decodeRows } from '../tablestore/wire/plainbuffer.js';
import { showValue } from './encoder.js';
import { compileEtl } from './etl/compile.js';
import { locatorOfRow, type RowLocator } from './locator.js';
import type { CellPlan, TablePlan } from './plan.js';
import type { DecidedDirty, TaskStore } from './store.js';

/** The task waits for a person: the record is in the store, and nothing behind it was passed. */
export class BlockedByDirtyData extends RowferryError {
  constructor(
    private readonly source: string,
    private readonly reason: string,
  ) {
    super('ROW-V105', `A row of ${source} could not be written: ${reason}`);
  }

  /** As people are told it, with how many rows there are to decide on. */
  waiting(rows: number): RowferryError {
    if (rows <= 1) return this;
    return new RowferryError(
      'ROW-V105',
      `${rows} rows could not be written and are waiting for a decision. The first is from ${this.source}: ${this.reason}`,
    );
  }
}

/** Values of a row as text, by column: in a map, since no name of a column is special to it. */
type Values = ReadonlyMap<string, string | null>;

/** One row that cannot be written, as the places that meet it tell it. */
export interface DirtyRow {
  plan: TablePlan;
  /** What makes it the same row on a replay: transaction and number, or the key in the full load. */
  identity: string;
  operation: Operation;
  code: string;
  message: string;
  position: SourcePosition | null;
  /** Values of the source; without them what the encoded row tells of them. */
  sourceRow?: Values;
  /** The row as it would have been written, if it could be encoded: PlainBuffer. */
  row?: Buffer;
  locator?: RowLocator | null;
  /** Source columns that a transformation sets: an encoded row does not tell their values. */
  computed?: ReadonlySet<string>;
}

const pruneEvery = 200;

/** Part of an identity: short, the same on every replay, and telling nothing of a masked key. */
export function digest(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Keeps dirty rows (correctness rule 22). With policy 'skip' a record is made and the row passed over; with 'block'
 * a record without a decision ends the run, and what was decided is applied when the replay meets the row again.
 */
export class DirtyData {
  /** Decisions are made while the checkpoint stands still, so the run knows them all when it begins. */
  private readonly decided: Map<string, DecidedDirty>;
  private recorded = 0;
  /** Source columns whose values are not the same each time that the row is read. */
  private readonly unstable: ReadonlySet<string>;

  constructor(
    private readonly store: TaskStore,
    private readonly task: Pick<ResolvedTask, 'dirtyData' | 'etl'>,
  ) {
    this.unstable = compileEtl(task.etl)?.notComparable ?? new Set();
    this.decided = store.dirtyDecisions();
    this.prune();
  }

  /** Is there any decision to apply? Asked for every row. */
  get hasDecisions(): boolean {
    return this.decided.size > 0;
  }

  decision(identity: string): DecidedDirty | undefined {
    return this.decided.get(identity);
  }

  /** The row was passed as decided; to be called in the store transaction of the checkpoint that passes it. */
  settle(decided: DecidedDirty): void {
    this.store.settleDirty(decided.id);
  }

  /** Returns when the row is passed over. Throws BlockedByDirtyData when a person has to decide. */
  record(dirty: DirtyRow): void {
    const { plan, code, message } = dirty;
    const mask = new Set(this.task.dirtyData.mask.map((name) => name.toLowerCase()));
    const isMasked = (column: string) => mask.has(column.toLowerCase());
    const masked = (values: Values, columnOf: (name: string) => string) =>
      new Map(
        [...values].map(([name, value]) => [
          name,
          isMasked(columnOf(name)) && value !== null ? '***' : value,
        ]),
      );
    const row: ReadableRow = dirty.row ? readable(dirty.row) : { key: new Map(), cells: new Map() };
    const columnOfCell = (name: string) =>
      [...plan.key, ...plan.attributes].find((cell) => cell.name === name)?.column.name ?? name;
    const key = dirty.row ? [...row.key] : keyOf(plan, dirty.sourceRow ?? new Map());
    const hidesKey = plan.key.some((cell) => isMasked(cell.column.name));
    // A key that a transformation made does not tell where the row is.
    const isMade = plan.key.some(({ column }) => dirty.computed?.has(column.name));
    const locator =
      dirty.locator === undefined && dirty.row && !isMade ? locatorOfRow(plan, dirty.row) : dirty.locator;
    const { decision } = this.store.recordDirty({
      identity: dirty.identity,
      source: plan.source,
      destination: plan.destination,
      operation: dirty.operation,
      key: hidesKey ? maskedKey(plan.key, isMasked, dirty, row.key) : lineOf(key),
      keyHash: digest(exactLine(key)),
      rowHash:
        dirty.row && dirty.operation !== 'DELETE'
          ? rowDigest(dirty.row, new Set([...this.unstable].map((name) => cellOf(plan, name))))
          : null,
      locator: hidesKey ? null : (locator ?? null),
      holds: this.task.dirtyData.policy === 'block',
      code,
      message,
      position: dirty.position,
      sourceRow: masked(dirty.sourceRow ?? asSource(dirty, row), (name) => name),
      cells: masked(row.cells, columnOfCell),
      atMs: Date.now(),
    });
    if (++this.recorded % pruneEvery === 0) this.prune();
    if (this.task.dirtyData.policy === 'skip' || decision === 'skip') return;
    throw new BlockedByDirtyData(plan.source, message);
  }

  private prune(): void {
    this.store.pruneDirty(this.task.dirtyData, Date.now());
  }
}

interface ReadableRow {
  key: ReadonlyMap<string, string>;
  cells: Values;
}

function readable(row: Buffer): ReadableRow {
  const [decoded] = decodeRows(row);
  const key = (decoded?.primaryKey ?? []).map(([name, value]) => [name, showValue(value as never)] as const);
  const cells = (decoded?.cells ?? []).map(
    ({ name, value }) =>
      [name, value === undefined || value === null ? null : showValue(value as never)] as const,
  );
  return { key: new Map(key), cells: new Map(cells) };
}

type Key = readonly (readonly [string, string | null])[];

function keyOf(plan: TablePlan, sourceRow: Values): Key {
  return plan.key.map(({ name, column }) => [name, sourceRow.get(column.name) ?? null]);
}

/** The same for the same key only, from the row's values at the source. */
export function keyDigest(plan: TablePlan, sourceRow: Values): string {
  return digest(exactLine(keyOf(plan, sourceRow)));
}

/** What keyDigest() gives for a row that is known by its key cells, as RowChange.key has them. */
export function keyDigestOf(key: string): string {
  const cells = decodeRows(keyOnly(key))[0]!.primaryKey;
  return digest(exactLine(cells.map(([name, value]) => [name, showValue(value as never)])));
}

/** As lineOf(), but no value can be taken for the end of its cell and the beginning of another. */
function exactLine(key: Key): string {
  const exact = (text: string) => text.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
  return lineOf(key.map(([name, value]) => [exact(name), value === null ? null : exact(value)]));
}

/** The same for rows that hold the same, whatever the order of their cells: `row` in PlainBuffer. */
export function rowDigest(row: Buffer, ignored: ReadonlySet<string>): string {
  const cells = (decodeRows(row)[0]?.cells ?? []).flatMap(({ name, value }) => {
    // An update names the cells that the row has not.
    if (value === undefined || value === null || ignored.has(name)) return [];
    return [
      JSON.stringify([name, typeof value, Buffer.isBuffer(value) ? value.toString('base64') : String(value)]),
    ];
  });
  return digest(cells.sort().join());
}

/** The name at the destination of a source column, or of an attribute that a transformation adds. */
function cellOf(plan: TablePlan, column: string): string {
  return plan.attributes.find((cell) => cell.column.name === column)?.name ?? column;
}

/** `name=value, …` in key order. */
function lineOf(key: Iterable<readonly [string, string | null]>): string {
  return [...key].map(([name, value]) => `${name}=${value ?? 'NULL'}`).join(', ');
}

function maskedKey(
  key: readonly CellPlan[],
  isMasked: (column: string) => boolean,
  dirty: DirtyRow,
  fromRow: ReadonlyMap<string, string>,
): string {
  return key
    .map(({ name, column }) => {
      const value = fromRow.get(name) ?? dirty.sourceRow?.get(column.name) ?? 'NULL';
      return `${name}=${isMasked(column.name) ? '***' : value}`;
    })
    .join(', ');
}

/** What an encoded row tells of the source's values: those of its own columns, with NULL where there is no cell. */
function asSource({ plan, row, computed }: DirtyRow, { key, cells }: ReadableRow): Values {
  if (!row) return new Map();
  const known = [...plan.key, ...plan.attributes].filter(({ column }) => !computed?.has(column.name));
  return new Map(known.map(({ name, column }) => [column.name, key.get(name) ?? cells.get(name) ?? null]));
}
