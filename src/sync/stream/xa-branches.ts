import { deserialize, serialize } from 'node:v8';
import type { Operation } from '../../shared/task.js';
import type { RowChange } from '../../tablestore/client/model.js';
import type { RowLocator } from '../mapping/locator.js';
import type { XaPart, XaStore } from '../state/task-store.js';

/** A row of an XA branch, as it is written at COMMIT. */
export type SpooledRow = SpooledChange | SpooledFetch;

export type SpooledChange = Pick<
  RowChange,
  'table' | 'op' | 'key' | 'row' | 'dataBytes' | 'tag' | 'condition'
>;

/** One that its event does not hold whole: it is read from the source once the branch is committed there. */
export interface SpooledFetch {
  readonly locator: RowLocator;
  readonly operation: Operation;
  readonly identity: string;
  readonly isThere: boolean;
  /** Deletes the row that the event is about. */
  readonly deletion: Pick<RowChange, 'op' | 'key' | 'row' | 'dataBytes'> | null;
}

export const isFetch = (row: SpooledRow): row is SpooledFetch => 'locator' in row;

/** Rows of a branch in memory, and in one piece of the store. */
const pieceBytes = 1024 * 1024;
const rowOverhead = 200;

/** Whose rows a stream keeps. The branch itself counts as the table ''. */
export interface XaOwner {
  keeps(source: string): boolean;
  /** What is noted of each branch, be there rows or not: a branch without is unknown. */
  marks(): Iterable<string>;
  /** Tables whose rows pass by here: another stream keeps them, if it comes by this place at all. */
  absent?(): Iterable<string>;
}

/**
 * Rows of prepared XA branches between their PREPARE and what is decided (correctness rule 2), of any size: they go to
 * the store in pieces as they come, and come back in pieces. A branch is known by its XID and by the place in the
 * binlog where it begins, since an XID may be used again; read again, it replaces what was kept of it.
 */
export class XaBranches {
  /** The place of the branch that was prepared last under an XID. */
  private readonly places = new Map<string, string>();
  private spool: Spool | null = null;

  constructor(
    private readonly store: XaStore,
    private readonly owner: XaOwner,
  ) {
    const marks = new Set(owner.marks());
    for (const part of store.xaParts()) {
      // The checkpoint is not behind its PREPARE: it comes again.
      if (part.state === 'open' && owner.keeps(part.source)) store.removeXa(part);
      if (part.state === 'prepared' && marks.has(part.source)) this.places.set(part.xid, part.place);
    }
  }

  /** Rows of this branch follow. */
  begin(xid: string, place: string): void {
    const earlier = this.store.xaParts().filter((part) => part.xid === xid && part.place !== place);
    this.spool = { xid, place, earlier, rows: new Map(), bytes: 0, pieces: new Map() };
    for (const source of this.owner.marks()) this.open(this.spool, source);
  }

  get isOpen(): boolean {
    return this.spool !== null;
  }

  add(source: string, row: SpooledRow): void {
    const spool = this.spool!;
    let rows = spool.rows.get(source);
    if (!rows) spool.rows.set(source, (rows = []));
    rows.push(row);
    spool.bytes += bytesOf(row) + rowOverhead;
    if (spool.bytes >= pieceBytes) this.flush(spool);
  }

  /** The branch is prepared. Gives what is to run in the store transaction of the checkpoint that passes this. */
  prepare(): () => void {
    const spool = this.spool!;
    this.flush(spool);
    this.spool = null;
    const { xid, place } = spool;
    this.places.set(xid, place);
    this.missAbsent(xid, place);
    return () => {
      for (const part of this.store.xaParts()) {
        // A table may have begun anew since: what is lost stays so.
        if (
          part.xid === xid &&
          part.place === place &&
          part.state === 'open' &&
          spool.pieces.has(part.source)
        )
          this.store.saveXa({ ...part, state: 'prepared' });
      }
      // An earlier branch of this XID is decided, or it could not have been used again. The stream may be far ahead
      // of the checkpoint: later branches of it are kept by now, too.
      for (const part of spool.earlier) if (this.owner.keeps(part.source)) this.store.removeXa(part);
    };
  }

  /** It was committed in one phase: an ordinary transaction after all. */
  endInOnePhase(): DecidedBranch {
    const spool = this.spool!;
    this.spool = null;
    if (![...spool.pieces.values()].some((count) => count > 0)) {
      const parts = [...spool.rows].map(([source, rows]) => ({ source, pieces: () => [rows] }));
      return { place: spool.place, parts, unknown: [], forget: () => this.remove(spool) };
    }
    this.flush(spool);
    return {
      place: spool.place,
      parts: this.parts(spool),
      unknown: [],
      forget: () => this.remove(spool),
    };
  }

  /** It was not given to its end; it comes again. */
  abandon(): void {
    this.spool = null;
  }

  /** What is kept of a branch that is decided now. */
  decided(xid: string): DecidedBranch {
    const place = this.places.get(xid);
    const kept =
      place === undefined
        ? []
        : this.store.xaParts().filter((part) => part.xid === xid && part.place === place);
    const lost = kept.filter((part) => part.state === 'lost').map((part) => part.source);
    const missing = [...this.owner.marks()].filter((mark) => !kept.some((part) => part.source === mark));
    return {
      place: place ?? null,
      parts: kept.filter((part) => part.state !== 'lost').map((part) => this.part(part)),
      unknown: [...lost, ...missing],
      forget: () => {
        for (const part of this.store.xaParts()) {
          if (part.xid !== xid || part.place !== place) continue;
          if (part.state === 'lost' || this.owner.keeps(part.source)) this.store.removeXa(part);
        }
        if (this.places.get(xid) === place) this.places.delete(xid);
      },
    };
  }

  /** A table whose own stream begins behind this place has the rows of this branch from nowhere. */
  private missAbsent(xid: string, place: string): void {
    const absent = [...(this.owner.absent?.() ?? [])];
    if (absent.length === 0) return;
    const parts = this.store.xaParts().filter((part) => part.xid === xid && part.place === place);
    for (const source of absent)
      if (!parts.some((part) => part.source === source))
        this.store.saveXa({ xid, place, source, state: 'lost' });
  }

  private parts({ xid, place, pieces }: Spool): DecidedBranch['parts'] {
    return [...pieces.keys()].map((source) => this.part({ xid, place, source }));
  }

  private part(part: Pick<XaPart, 'xid' | 'place' | 'source'>): DecidedBranch['parts'][number] {
    return { source: part.source, pieces: () => this.pieces(part) };
  }

  private *pieces(part: Pick<XaPart, 'xid' | 'place' | 'source'>): Generator<SpooledRow[]> {
    for (let number = 0; ; number++) {
      const piece = this.store.xaPiece(part, number);
      if (!piece) return;
      yield (deserialize(piece) as SpooledRow[]).map(ownBytes);
    }
  }

  private open({ xid, place, pieces }: Spool, source: string): void {
    const part = { xid, place, source };
    this.store.transaction(() => {
      this.store.removeXa(part);
      this.store.saveXa({ ...part, state: 'open' });
    });
    pieces.set(source, 0);
  }

  private flush(spool: Spool): void {
    const { xid, place, rows, pieces } = spool;
    this.store.transaction(() => {
      for (const [source, some] of rows) {
        if (!pieces.has(source)) this.open(spool, source);
        const number = pieces.get(source)!;
        this.store.appendXa({ xid, place, source }, number, serialize(some));
        pieces.set(source, number + 1);
      }
    });
    rows.clear();
    spool.bytes = 0;
  }

  private remove({ xid, place, pieces }: Spool): void {
    for (const source of pieces.keys()) this.store.removeXa({ xid, place, source });
  }
}

export interface DecidedBranch {
  /** Where it was prepared, as Transaction.name; null: unknown. */
  readonly place: string | null;
  readonly parts: readonly { readonly source: string; pieces(): Iterable<SpooledRow[]> }[];
  /** Tables that may have had rows in it that are not kept; '' is the branch itself. */
  readonly unknown: readonly string[];
  /** For the store transaction of the checkpoint that passes the decision. */
  forget(): void;
}

interface Spool {
  readonly xid: string;
  readonly place: string;
  /** What was kept of other branches of the XID when this one began. */
  readonly earlier: readonly XaPart[];
  /** By table, in order: what is not in the store yet. */
  readonly rows: Map<string, SpooledRow[]>;
  bytes: number;
  /** How many pieces of each table are in the store. */
  readonly pieces: Map<string, number>;
}

function bytesOf(row: SpooledRow): number {
  if (!isFetch(row)) return row.row.length + row.key.length;
  return row.identity.length + (row.deletion?.row.length ?? 0) * 2;
}

/** A row that waits in a queue must not keep the whole piece. */
function ownBytes(row: SpooledRow): SpooledRow {
  if (!isFetch(row)) return { ...row, row: Buffer.from(row.row) };
  return { ...row, deletion: row.deletion && { ...row.deletion, row: Buffer.from(row.deletion.row) } };
}
