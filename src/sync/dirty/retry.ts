import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { charsetsOf, loadCharsetDecoders, type CharsetDecoders } from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { parseSourceName } from '../../shared/source-name.js';
import type { Operation, ResolvedTask } from '../../shared/task.js';
import type { ChangeOwner } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import type { RowLocator } from '../mapping/locator.js';
import { planTable, selectionOf, type PlanProblem, type TablePlan } from '../mapping/plan.js';
import { SessionCache } from '../source/session-cache.js';
import type { Known } from '../source/row-sessions.js';
import { DirtyNow, readRows, type SoughtRow } from '../rows/current-row.js';
import { heldAtOnce, holdAndRead, type Settled } from '../rows/hold-keys.js';
import { RowTransform } from '../mapping/transform.js';
import type { TaskStore } from '../state/task-store.js';
import { OwnTable } from '../state/own-table.js';

/** A dirty record whose row is tried again. */
export interface RetriedRecord {
  readonly id: number;
  readonly source: string;
  readonly operation: Operation;
  readonly position: SourcePosition | null;
  readonly locator: RowLocator | null;
  /** The checkpoint waits for it, so that the replay meets the row again. */
  readonly holds: boolean;
}

/** What became of a record: its row is at the destination, or will be by the replay; or it is still dirty. */
export interface RetriedOutcome {
  readonly id: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface DirtyRetryOptions {
  readonly task: ResolvedTask;
  /** No older row is written. */
  readonly known: Known;
  readonly writer: Pick<TablestoreWriter, 'hold' | 'drain'>;
  /** null: the task does not run. */
  readonly settled: Settled | null;
  /** Aborted when no further record is to be begun. */
  readonly signal: AbortSignal;
  /** The task's tables, as they are at any time. */
  readonly store: Pick<TaskStore, 'table'>;
  /**
   * `problem` is null where the row is at the destination as it is now, or the source gives no such row any more, or the
   * replay that the record holds back will read it. Called for some records at a time, each once.
   */
  readonly told: (outcomes: readonly RetriedOutcome[]) => void;
}

/** Lots of records that are worked on side by side, and records of one lot. */
const lotsAtOnce = 4;
const lotRecords = 250;
/** What a session is asked for at a time, for rows of a size that the source says. */
const lotBytes = 4 * 1024 * 1024;

/**
 * Writes the rows of dirty records as they are at the source now, by the mapping that the task has now: lot by lot, the
 * keys of a lot being held (correctness rule 11). Throws RowferryError when the source or destination cannot be reached,
 * or the mapping does not fit, or the reason of the signal; records not yet told are untouched then.
 */
export class DirtyRetry {
  private readonly targets = new Map<string, Promise<Target | RowferryError>>();
  private readonly etl: EtlProgram | null;
  private readonly sessions: SessionCache;

  constructor(private readonly options: DirtyRetryOptions) {
    this.etl = compileEtl(options.task.etl);
    this.sessions = new SessionCache(options.task.source, lotsAtOnce, options.known);
  }

  /** The sessions that it has kept. */
  close(): Promise<void> {
    return this.sessions.close();
  }

  async run(records: readonly RetriedRecord[]): Promise<void> {
    const lots: RetriedRecord[][] = [];
    const bySource = new Map<string, RetriedRecord[]>();
    for (const record of records) {
      const some = bySource.get(record.source);
      if (some) some.push(record);
      else bySource.set(record.source, [record]);
    }
    for (const [source, some] of bySource) {
      const most = await this.recordsAtOnce(source);
      for (let from = 0; from < some.length; from += most) lots.push(some.slice(from, from + most));
    }
    const failing = new AbortController();
    const signal = AbortSignal.any([this.options.signal, failing.signal]);
    const work = async () => {
      try {
        for (let lot = lots.shift(); lot; lot = lots.shift()) {
          signal.throwIfAborted();
          await this.retry(lot, signal);
        }
      } catch (error) {
        failing.abort(error);
      }
    };
    await Promise.all(Array.from({ length: Math.min(lotsAtOnce, lots.length) }, work));
    signal.throwIfAborted();
  }

  private async recordsAtOnce(source: string): Promise<number> {
    const target = await this.target(source);
    if (target instanceof RowferryError) return lotRecords;
    const { averageRowBytes } = target.plan.definition;
    const most = heldAtOnce(lotRecords, this.options.settled, target.hasGtids);
    return Math.max(1, Math.min(most, Math.floor(lotBytes / Math.max(1, averageRowBytes))));
  }

  /** Records of one table. */
  private async retry(records: readonly RetriedRecord[], signal: AbortSignal): Promise<void> {
    const { source } = records[0]!;
    const lost = records.filter(({ locator }) => locator === null);
    if (lost.length > 0)
      this.options.told(lost.map(({ id, holds }) => ({ id, problem: holds ? null : unknownPlace })));
    for (let rows = rowsOf(records); rows.length > 0;) {
      const target = await this.target(source);
      if (target instanceof RowferryError) {
        this.options.told(rows.flatMap(({ ids }) => ids.map((id) => ({ id, problem: target.toPlain() }))));
        return;
      }
      rows = await this.writeOnce(target, rows, signal);
    }
  }

  /** Gives the rows that have to be looked at once more. */
  private async writeOnce(
    { plan, charsets, own }: Target,
    rows: readonly RetriedRow[],
    signal: AbortSignal,
  ): Promise<RetriedRow[]> {
    const { task, writer, settled, told } = this.options;
    const target = { plan, transform: new RowTransform(plan, this.etl) };
    const read = (some: readonly RetriedRow[]) =>
      this.sessions.ask('snapshot', (connection) => readRows({ task, charsets }, connection, target, some));
    const tell = (row: RetriedRow, problem: RetriedOutcome['problem']) =>
      row.ids.map((id): RetriedOutcome => ({
        id,
        problem: problem && { code: problem.code, message: problem.message },
      }));
    const again: RetriedRow[] = [];
    /** By the key that they had at the first look, each key once. */
    const wanted = new Map<string, RetriedRow>();
    let before = await read(rows);
    // A row that is not there may not be there yet.
    if (settled && before.includes(null)) {
      await settled();
      before = await read(rows);
    }
    const known: RetriedOutcome[] = [];
    rows.forEach((row, i) => {
      const found = before[i]!;
      if (found === null) known.push(...tell(row, null));
      else if (found instanceof DirtyNow) known.push(...tell(row, found));
      else if (found === 'later' || wanted.has(found.key)) again.push(row);
      else wanted.set(found.key, row);
    });
    if (known.length > 0) told(known);
    if (wanted.size === 0) return again;
    const { holds: held, found: now } = await holdAndRead(
      { writer, settled, signal },
      plan.destination,
      [...wanted.keys()],
      () => read([...wanted.values()]),
    );
    if (own.isOutdated) {
      for (const hold of held) hold.release();
      return [...again, ...wanted.values()];
    }
    const outcomes: RetriedOutcome[] = [];
    await new Promise<void>((resolve, reject) => {
      let open = held.length;
      const through = () => {
        if (--open === 0) resolve();
      };
      [...wanted].forEach(([key, row], i) => {
        const found = now[i]!;
        if (found !== null && found !== 'later' && !(found instanceof DirtyNow) && found.key === key) {
          const owner: ChangeOwner = {
            acknowledged: () => {
              outcomes.push(...tell(row, null));
              through();
            },
            rejected: (_change, error) => {
              outcomes.push(...tell(row, error));
              through();
            },
          };
          held[i]!.release({ ...found, owner, tag: 0 });
          return;
        }
        held[i]!.release();
        if (found === null) outcomes.push(...tell(row, null));
        else if (found instanceof DirtyNow) outcomes.push(...tell(row, found));
        // Its key changed between the two looks, and the other one is not held.
        else again.push(row);
        through();
      });
      // When the writer ends, no owner is told any more.
      writer.drain().catch(reject);
    });
    told(outcomes);
    return again;
  }

  private async target(source: string): Promise<Target | RowferryError> {
    const known = await this.targets.get(source);
    if (known && (known instanceof RowferryError || !known.own.isOutdated)) return known;
    const target = this.findTarget(source);
    this.targets.set(source, target);
    return target;
  }

  /** Where rows of the table go now, or why they go nowhere. */
  private async findTarget(source: string): Promise<Target | RowferryError> {
    const { task, store } = this.options;
    const notSelected = new RowferryError('ROW-S108', `The task no longer selects ${source}.`);
    const own = new OwnTable(store, source);
    const pair = store.table(source)?.definition ?? parseSourceName(source);
    if (!pair) return notSelected;
    const { database, name } = pair;
    return this.sessions.ask('query', async (connection) => {
      const { lowerCaseTableNames, gtidMode } = await connection.facts();
      const caseSensitive = lowerCaseTableNames === 0;
      const selection = selectionOf(task, { database, name, caseSensitive });
      if (!selection) return notSelected;
      const [definition] = await loadDefinitions(connection, [{ database, table: name }]);
      if (!definition) return new RowferryError('ROW-S108', `The table ${source} no longer exists.`);
      const problems: PlanProblem[] = [];
      const plan = planTable(task, definition, selection.mapping, problems);
      if (!plan) throw new RowferryError('ROW-T102', problems[0]!.message);
      const refusal = own.refusal(plan);
      if (refusal) return refusal;
      const charsets = await loadCharsetDecoders(
        (sql) => connection.query(sql),
        charsetsOf(definition.columns),
      );
      return { plan, own, charsets, hasGtids: gtidMode === 'ON' };
    });
  }
}

const unknownPlace = {
  code: 'ROW-V104',
  message:
    'The record does not contain the key of its row (masked or unreadable), so the row cannot be found. Reload its table.',
};

/** A row, and the records that are about it: it is written once for all of them. */
interface RetriedRow extends SoughtRow {
  readonly ids: readonly number[];
}

function rowsOf(records: readonly RetriedRecord[]): RetriedRow[] {
  const rows = new Map<string, RetriedRow>();
  for (const { id, locator, operation, position } of records) {
    if (locator === null) continue;
    const name = JSON.stringify([operation, locator]);
    rows.set(name, {
      ids: [...(rows.get(name)?.ids ?? []), id],
      locator,
      operation,
      isThere: operation === 'UPDATE',
      commitMicros: position?.commitMicros ?? null,
    });
  }
  return [...rows.values()];
}

interface Target {
  plan: TablePlan;
  own: OwnTable;
  charsets: CharsetDecoders;
  hasGtids: boolean;
}
