import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RowferryError } from '../../shared/errors.js';
import { hasReached } from '../../mysql/position.js';
import type { SourcePosition } from '../../shared/position.js';
import type { Operation, ResolvedTask } from '../../shared/task.js';
import type { RowChange } from '../../tablestore/client/model.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import type { Transaction } from '../state/checkpoint.js';
import { cutText, showValue, shownBytes, textOf } from '../mapping/encoder.js';
import { compileEtl } from '../etl/compile.js';
import { locatorOfRow, type RowLocator } from '../mapping/locator.js';
import type { CellPlan, TablePlan } from '../mapping/plan.js';
import type { DecidedDirty, NewDirtyRecord, OpenDirty, TaskStore } from '../state/task-store.js';
import type { TaskLog } from '../base/task-log.js';

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

/** Values of a row as text, those of its key whole, by column: in a map, since no name of a column is special to it. */
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
  /** Its key at the destination, where it has one, as RowChange.key. */
  key?: string | undefined;
  /** The row as it would have been written, if it could be encoded: PlainBuffer. */
  row?: Buffer;
  locator?: RowLocator | null;
  /** Source columns that a transformation sets: an encoded row does not tell their values. */
  computed?: ReadonlySet<string>;
}

/** Characters that are shown of a binary value: `0x…`. */
const shownText = 2 + 2 * shownBytes;
const expireEveryMs = 3600 * 1000;
/** Written rows that are looked up together. */
const mostOvertaking = 2000;
/** Records that are stored in one go, which takes about 10 ms: the other tasks of the engine wait for no more. */
const storedAtOnce = 200;
/** Whoever cannot be held up stores them there and then. */
const mostPending = 5 * storedAtOnce;

/** The transaction that a row comes from, as far as the order of changes goes. */
type Origin = Pick<Transaction, 'begins' | 'name' | 'branch'>;

/** Part of an identity: short, the same on every replay, and telling nothing of a masked key. */
export function digest(text: string | Buffer): string {
  return hash('sha256', text);
}

/**
 * Keeps dirty rows (correctness rule 22). With policy 'skip' a record is made and the row passed over; with 'block'
 * a record without a decision ends the run, and what was decided is applied when the replay meets the row again.
 */
export class DirtyData {
  /** Decisions are made while the checkpoint stands still, so the run knows them all when it begins. */
  private readonly decided: Map<string, DecidedDirty>;
  private readonly masked: ReadonlySet<string>;
  private isFull = false;
  private storing: Promise<void> | null = null;
  private expiredMs = 0;
  /** Records since the limits were last applied. */
  private sincePruned = 0;
  /** Source columns whose values are not the same each time that the row is read. */
  private readonly unstable: ReadonlySet<string>;
  /** A transformation makes keys: values of the source do not tell them. */
  private readonly written: ReadonlySet<string>;
  /** Tables with records that a later change of the row ends; null: not asked for yet. */
  private open: Set<string> | null = null;
  /** By table, the newest change of each key that was written since. */
  private readonly overtaking = new Map<string, Map<string, Origin>>();
  private overtakingKeys = 0;

  constructor(
    private readonly store: TaskStore,
    private readonly task: Pick<ResolvedTask, 'dirtyData' | 'etl'>,
    private readonly log: Pick<TaskLog, 'warn'>,
  ) {
    const etl = compileEtl(task.etl);
    this.unstable = etl?.notComparable ?? new Set();
    this.written = etl?.writes ?? new Set();
    this.masked = new Set(task.dirtyData.mask.map((name) => name.toLowerCase()));
    this.decided = store.dirtyDecisions();
    this.prune();
  }

  /**
   * Whoever reads rows goes on when that settles: the records of those before are being stored, a few at a time, with
   * everything else that the engine does in between. null: there are few, and nothing to wait for.
   */
  get room(): Promise<void> | null {
    if (!this.isFull && !this.storing) return null;
    return (this.storing ??= this.storeAll().finally(() => {
      this.storing = null;
      this.isFull = false;
    }));
  }

  /** Throws ROW-E105. */
  private async storeAll(): Promise<void> {
    do {
      await nextTurn();
    } while (this.storeSome() > 0);
  }

  private storeSome(): number {
    const left = this.store.storeDirty(storedAtOnce);
    this.prune();
    return left;
  }

  /** Is there any decision to apply? Asked for every row. */
  get hasDecisions(): boolean {
    return this.decided.size > 0;
  }

  decision(identity: string): DecidedDirty | undefined {
    return this.decided.get(identity);
  }

  /** The row was passed as decided; to be called in the store transaction of the checkpoint that passes it. */
  settle(decided: DecidedDirty, source: string): void {
    this.store.settleDirty(decided.id);
    this.opened.add(source);
  }

  private get opened(): Set<string> {
    return (this.open ??= new Set(this.store.dirtySources()));
  }

  /**
   * A change of the stream is at the destination: records of what its row was before are over, when endOvertaken() is
   * called next.
   */
  wrote(plan: TablePlan, change: RowChange, by: Origin): void {
    if (!this.opened.has(plan.source) || !isWhole(plan, change)) return;
    let keys = this.overtaking.get(plan.source);
    if (!keys) this.overtaking.set(plan.source, (keys = new Map()));
    if (!keys.has(change.key)) this.overtakingKeys++;
    keys.set(change.key, by);
    if (this.overtakingKeys >= mostOvertaking) this.endOvertaken();
  }

  /** Read again, a row that is dirty is recorded again: what the checkpoint has not passed needs no care here. */
  endOvertaken(): void {
    for (const [source, keys] of this.overtaking) {
      const byHash = new Map([...keys].map(([key, by]) => [keyDigestOf(key), { key, by }]));
      const ended = this.store.openDirty(source, [...byHash.keys()]).filter((record) => {
        const { key, by } = byHash.get(record.keyHash)!;
        // Changes of one key are answered in their order.
        if (record.identity === refusedIdentity(source, by, key)) return true;
        return isBefore(record.position, by) && !isOfBranch(record, source, by);
      });
      this.store.removeDirty(ended.map(({ id }) => id));
      if (!this.store.hasOpenDirty(source)) this.opened.delete(source);
    }
    this.overtaking.clear();
    this.overtakingKeys = 0;
  }

  /** The branch with this name never was, nor were its dirty rows. To be called in the store transaction that passes it. */
  rolledBack(branch: string): void {
    for (const source of this.opened) this.store.removeDirty(this.store.dirtyOfTransaction(source, branch));
  }

  /** The same for dirty rows that were read before, in the transaction that is being read. */
  overtakes(plan: TablePlan, change: Pick<RowChange, 'op' | 'key' | 'row'>, by: Origin): void {
    if (!this.opened.has(plan.source) || !isWhole(plan, change)) return;
    const own = `${plan.source} ${by.name} `;
    const records = this.store.openDirty(plan.source, [keyDigestOf(change.key)]);
    this.store.removeDirty(records.filter(({ identity }) => identity.startsWith(own)).map(({ id }) => id));
  }

  /** A row is gone whose key could never be written, so that no change of it is. */
  left(plan: TablePlan, sourceRow: () => Values, by: Origin): void {
    if (!this.opened.has(plan.source)) return;
    const own = `${plan.source} ${by.name} `;
    const row = sourceRow();
    const records = this.store.openDirty(plan.source, [this.keyHash(plan, row)]);
    const ended = [...records, ...this.knownByBeginning(plan, row)].filter(
      ({ position, identity }) => isBefore(position, by) || identity.startsWith(own),
    );
    this.store.removeDirty(ended.map(({ id }) => id));
  }

  /** Records of the row by earlier versions, which hashed what is shown of a key. */
  private knownByBeginning(plan: TablePlan, row: Values): OpenDirty[] {
    const long = [...row].filter(([, value]) => value !== null && value.length > shownText);
    if (long.length === 0) return [];
    const shown = new Map([
      ...row,
      ...long.map(([name, value]) => [name, value!.slice(0, shownText)] as const),
    ]);
    return this.store
      .openDirty(plan.source, [this.keyHash(plan, shown)])
      .filter(({ locator }) =>
        locator?.some(({ column, value }) =>
          long.some(([name, is]) => name === column && is === `0x${value}`),
        ),
      );
  }

  /** All rows of the table are gone. What the checkpoint has not passed is read again, and recorded again. */
  emptied({ source }: TablePlan): void {
    this.overtakingKeys -= this.overtaking.get(source)?.size ?? 0;
    this.overtaking.delete(source);
    this.store.removeOpenDirty(source);
    this.opened.delete(source);
  }

  private keyHash(plan: TablePlan, sourceRow: Values): string {
    const isMade = plan.key.some(({ column }) => this.written.has(column.name));
    return isMade ? digest(`source ${exactLine(keyOf(plan, sourceRow))}`) : keyDigest(plan, sourceRow);
  }

  /** Returns when the row is passed over. Throws BlockedByDirtyData when a person has to decide. */
  record(dirty: DirtyRow): void {
    const { plan, code, message } = dirty;
    // What was written of the row before it was refused does not end this record.
    if (dirty.key !== undefined && this.overtaking.get(plan.source)?.has(dirty.key)) this.endOvertaken();
    const isMasked = (column: string) => this.masked.size > 0 && this.masked.has(column.toLowerCase());
    const masked = (values: Values, columnOf: (name: string) => string) =>
      new Map(
        [...values].map(([name, value]) => [
          name,
          value === null ? null : isMasked(columnOf(name)) ? '***' : cutText(value),
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
    const record: NewDirtyRecord = {
      identity: dirty.identity,
      source: plan.source,
      destination: plan.destination,
      operation: dirty.operation,
      key: hidesKey ? maskedKey(plan.key, isMasked, dirty, row.key) : lineOf(cutKey(key)),
      keyHash: dirty.row
        ? digest(exactLine(key))
        : dirty.key === undefined
          ? this.keyHash(plan, dirty.sourceRow ?? new Map())
          : keyDigestOf(dirty.key),
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
    };
    if (this.task.dirtyData.policy === 'skip') {
      this.opened.add(plan.source);
      const pending = this.store.addDirty(record);
      this.sincePruned++;
      this.isFull ||= pending >= storedAtOnce;
      if (pending >= mostPending) this.storeSome();
      // Those that come slowly are stored by the clock; of many, whoever stores them looks at the limits.
      else if (this.sincePruned >= storedAtOnce && !this.isFull) this.prune();
      return;
    }
    const { decision } = this.store.recordDirty(record);
    if (decision !== 'skip') throw new BlockedByDirtyData(plan.source, message);
  }

  private prune(): void {
    this.sincePruned = 0;
    const { dirtyData } = this.task;
    const nowMs = Date.now();
    const isDue = nowMs - this.expiredMs >= expireEveryMs;
    if (isDue) this.expiredMs = nowMs;
    const limits = { ...dirtyData, keepDays: isDue ? dirtyData.keepDays : null };
    const { expired, tooMany } = this.store.pruneDirty(limits, nowMs);
    if (expired > 0)
      this.log.warn(`${expired} dirty records were older than ${dirtyData.keepDays} days and are deleted`);
    if (tooMany > 0)
      this.log.warn(
        `${tooMany} dirty records are deleted, the oldest first, because all of them take more than ${dirtyData.maxMegabytes} MB (dirtyData.maxMegabytes); verify finds their rows`,
      );
  }
}

/** A row that the destination refused is known by its key within the transaction. */
export function refusedIdentity(source: string, { name }: Pick<Origin, 'name'>, key: string): string {
  return `${source} ${name} ${digest(Buffer.from(key, 'latin1'))}`;
}

/** What was read in the load comes before whatever the stream does not bring again. */
function isBefore(position: SourcePosition | null, { begins }: Origin): boolean {
  if (position === null) return true;
  return begins !== null && hasReached(begins, position) && !hasReached(position, begins);
}

/**
 * A branch locks its rows until its COMMIT, so what others changed before that comes before it. Of its own dirty rows only
 * those are left by then that nothing in it overtook: overtakes() was told of its changes in their order.
 */
function isOfBranch({ identity }: OpenDirty, source: string, { branch }: Origin): boolean {
  return branch !== null && identity.startsWith(`${source} ${branch} `);
}

/** An update may name some cells alone: the row still lacks the others. */
function isWhole(plan: TablePlan, { op, row }: Pick<RowChange, 'op' | 'row'>): boolean {
  return op !== 'update' || (decodeRows(row)[0]?.cells.length ?? 0) >= plan.attributes.length;
}

interface ReadableRow {
  key: ReadonlyMap<string, string>;
  cells: Values;
}

function readable(row: Buffer): ReadableRow {
  const [decoded] = decodeRows(row);
  const key = (decoded?.primaryKey ?? []).map(([name, value]) => [name, textOf(value as never)] as const);
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

/** As people read it. */
function cutKey(key: Iterable<readonly [string, string | null]>): Key {
  return [...key].map(([name, value]) => [name, value === null ? null : cutText(value)]);
}

/** The same for the same key only, from the row's values at the source. */
export function keyDigest(plan: TablePlan, sourceRow: Values): string {
  return digest(exactLine(keyOf(plan, sourceRow)));
}

/** What keyDigest() gives for a row that is known by its key cells, as RowChange.key has them. */
export function keyDigestOf(key: string): string {
  const cells = decodeRows(keyOnly(key))[0]!.primaryKey;
  return digest(exactLine(cells.map(([name, value]) => [name, textOf(value as never)])));
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
      return `${name}=${isMasked(column.name) ? '***' : cutText(value)}`;
    })
    .join(', ');
}

/** What an encoded row tells of the source's values: those of its own columns, with NULL where there is no cell. */
function asSource({ plan, row, computed }: DirtyRow, { key, cells }: ReadableRow): Values {
  if (!row) return new Map();
  const known = [...plan.key, ...plan.attributes].filter(({ column }) => !computed?.has(column.name));
  return new Map(known.map(({ name, column }) => [column.name, key.get(name) ?? cells.get(name) ?? null]));
}
