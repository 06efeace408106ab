import { lotsAtOnce } from '../source/session-count.js';
import { RowferryError } from '../../shared/errors.js';
import type { VerifyDifference } from '../../shared/verify-report.js';
import type { ChangeOwner, RowChange } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import type { TablePlan } from '../mapping/plan.js';
import type { KeyRows } from '../rows/source-rows.js';
import { orAborted } from '../base/or-aborted.js';
import { holdAndRead, type Settled } from '../rows/hold-keys.js';
import { keyDigestOf } from '../dirty/dirty.js';
import type { TaskStore } from '../state/task-store.js';
import { deletion } from '../load/sweep.js';
import { outdated } from '../state/own-table.js';

export type RepairWriter = Pick<TablestoreWriter, 'hold' | 'drain'>;

/** A row that differs, and how it did when it was looked at. */
export interface WrongRow {
  readonly key: string;
  readonly kind: VerifyDifference['kind'];
}

export interface RepairOptions {
  readonly writer: RepairWriter;
  /** null: the task does not run. */
  readonly settled: Settled | null;
  readonly plan: TablePlan;
  /** Dirty records of rows that are put right end here; null: none are kept. */
  readonly records: Pick<TaskStore, 'openDirty' | 'removeDirty'> | null;
  /** Each key once. */
  readonly wrong: readonly WrongRow[];
  /** Keys that are held, read and written together. */
  readonly keysAtOnce: number;
  readonly signal: AbortSignal;
  /** Runs work with a reader of source rows by key, which lasts as long. */
  readonly reading: (work: (read: RowReader) => Promise<void>) => Promise<void>;
  readonly progress: (done: number) => void;
  /** The plan is not that of the table any more: nothing more is written by it. */
  readonly isOutdated: () => boolean;
}

export type RowReader = (keys: readonly string[]) => Promise<Map<string, KeyRows>>;

/**
 * Puts rows right, lot by lot: the keys of a lot are held, the rows read from the source as they are then, and written
 * or deleted before anything else of those keys (correctness rule 11). A key that several rows of the source have is
 * left alone, and one whose row cannot be written; so is a row that went after it was looked at, for its DELETE decides
 * what becomes of it. Returns how many were put right. Throws ROW-V103 when the destination refused rows, the others being
 * through; ROW-T106 when the table is not any more what it was planned as.
 */
export async function repair(options: RepairOptions): Promise<number> {
  const { wrong, keysAtOnce, signal } = options;
  let next = 0;
  let done = 0;
  let repaired = 0;
  const refused: { code: string; message: string }[] = [];
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  const lane = () =>
    options.reading(async (read) => {
      while (next < wrong.length) {
        stopped.throwIfAborted();
        const lot = wrong.slice(next, (next += keysAtOnce));
        const outcome = await repairLot(options, lot, read, stopped);
        repaired += outcome.repaired;
        refused.push(...outcome.refused);
        options.progress((done += lot.length));
      }
    });
  const lanes = Array.from({ length: Math.min(lotsAtOnce, Math.ceil(wrong.length / keysAtOnce)) }, () =>
    lane().catch((error: unknown) => {
      stopping.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(lanes);
  stopped.throwIfAborted();
  const [first] = refused;
  if (first) {
    throw new RowferryError(
      'ROW-V103',
      `Tablestore rejected ${refused.length} ${refused.length === 1 ? 'row' : 'rows'} of ${options.plan.source}: ${first.code}: ${first.message}`,
      { remedy: 'Fix the mapping or the table as the error describes, then repair again.' },
    );
  }
  return repaired;
}

async function repairLot(
  options: Pick<RepairOptions, 'writer' | 'plan' | 'settled' | 'records' | 'isOutdated'>,
  lot: readonly WrongRow[],
  read: RowReader,
  signal: AbortSignal,
): Promise<{ repaired: number; refused: { code: string; message: string }[] }> {
  const { writer, plan, records } = options;
  const table = plan.destination;
  const keys = lot.map(({ key }) => key);
  // Not those that the stream makes from here on: they may be of a newer row than the one that is read.
  const dirty = records?.openDirty(plan.source, keys.map(keyDigestOf)) ?? [];
  const { holds, found: rows } = await holdAndRead({ ...options, signal }, table, keys, () => read(keys));
  if (options.isOutdated()) {
    for (const hold of holds) hold.release();
    throw outdated(plan.source);
  }
  let open = 0;
  const written: string[] = [];
  const refused: { code: string; message: string }[] = [];
  let tell = () => {};
  const owner: ChangeOwner = {
    acknowledged: ({ key }) => {
      written.push(key);
      if (--open === 0) tell();
    },
    rejected: (_change, error) => {
      refused.push(error);
      if (--open === 0) tell();
    },
  };
  const changes = lot.map(({ key, kind }): RowChange | undefined => {
    const found = rows.get(key);
    if (!found) return kind === 'extra' ? deletion(table, key, owner) : undefined;
    // One of several would be as wrong as another; an older version of what cannot be written is better than none.
    if (found.count > 1 || found.row === null) return undefined;
    const { row } = found.row;
    return { table, op: 'put', key, row, dataBytes: row.length, owner, tag: 0 };
  });
  open = changes.filter((change) => change !== undefined).length;
  const through = new Promise<void>((resolve, reject) => {
    tell = resolve;
    if (open === 0) resolve();
    // When the writer ends, no owner is told any more.
    writer.drain().catch(reject);
  });
  holds.forEach((hold, i) => hold.release(changes[i]));
  await orAborted(through, signal);
  if (dirty.length > 0) {
    const over = new Set(written.map(keyDigestOf));
    records!.removeDirty(dirty.filter(({ keyHash }) => over.has(keyHash)).map(({ id }) => id));
  }
  return { repaired: written.length, refused };
}
