import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import type { RowImage } from '../../mysql/model.js';
import { planChunks, type Chunk } from '../../mysql/snapshot.js';
import { charsetsOf, loadCharsetDecoders } from '../../mysql/types/index.js';
import type {
  VerifyDifference,
  VerifyProgress,
  VerifyReport,
  VerifyTable,
} from '../../shared/verify-report.js';
import { TablestoreClient } from '../../tablestore/client/client.js';
import { destinationKeys, type ReadOptions } from '../rows/destination-rows.js';
import { heldAtOnce } from '../rows/hold-keys.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import type { TablePlan } from '../mapping/plan.js';
import { contentsOf, type RowContent } from '../rows/row-content.js';
import { retryWindows } from '../base/settings.js';
import type { SourceRows } from '../rows/source-rows.js';
import { RowTransform } from '../mapping/transform.js';
import type { VerifyOptions } from './options.js';
import { inBatches } from './batches.js';
import { Comparison, type Look } from './comparison.js';
import { isRepaired } from '../tables/kept-rows.js';
import { mappedOtherwise, outdated, OwnTable } from '../state/own-table.js';
import { isMappedOtherwise } from '../tables/selection-diff.js';
import { repair, type WrongRow } from './repair.js';
import { differingIn, emptyTable, problemOf, reportOf } from './report.js';
import { reachDestination, withSource } from './session.js';
import { plannedAnew, selectedTables } from './tables.js';

const chunkRows = 5000;
const batchRows = 100;
const batchesAtOnce = 4;
/** Keys of the first pass that are remembered, so that the second need not ask the source for them again. */
const rememberedKeys = 500_000;
const shownDifferences = 100;
/** Rows in memory at once when what differs is looked at again. */
const rowsAgain = 500;
/** Keys that are repaired together; more where the whole table is read for each lot. */
const rowsRepaired = 400;
const rowsRepairedByReadingAll = 10_000;
const looksAtRest = [0];
/** Comparisons of a table that is altered under each of them. */
const attempts = 3;

/**
 * Compares every row of the source with the destination, through the same mapping, filter and transformation, and
 * every row of the destination with the source: two passes of look-ups by key, never parallel ranges, since the two
 * sort differently (correctness rule 23). A table that cannot be compared is told with its reason, and the others go on.
 * Throws RowferryError.
 */
export async function verifyTask(options: VerifyOptions): Promise<VerifyReport> {
  const { task } = options;
  const client = new TablestoreClient(task.destination);
  try {
    return await withSource(options, 'query', async (connection) => {
      await reachDestination(options, client);
      return verifyTables(options, client, connection);
    });
  } finally {
    client.close();
  }
}

async function verifyTables(
  options: VerifyOptions,
  client: TablestoreClient,
  connection: SourceConnection,
): Promise<VerifyReport> {
  const { task, store } = options;
  const noted = new Map(store?.tables().map(({ source }) => [source, new OwnTable(store, source)]));
  const { plans, unfit } = await selectedTables(connection, task, store);
  const etl = compileEtl(task.etl);
  const tables: VerifyTable[] = [];
  const counts = { source: 0, destination: 0 };
  for (const plan of plans) {
    const own = store && (noted.get(plan.source) ?? new OwnTable(store, plan.source));
    const { table, sourceRows, destinationRows } = await checked(
      { plan, own },
      options,
      client,
      etl,
      connection,
    );
    tables.push(table);
    counts.source += sourceRows;
    counts.destination += destinationRows;
  }
  return reportOf([...tables, ...unfit], counts);
}

/** A table as it is compared. `own`: as it was when it was planned; null: nothing is known of the task. */
interface Planned {
  readonly plan: TablePlan;
  readonly own: OwnTable | null;
}

/**
 * Compares one table, by a new plan where it is outdated: its turn may come hours after the first one was made, and it may
 * be altered under the comparison.
 */
async function checked(
  { plan, own }: Planned,
  options: VerifyOptions,
  client: TablestoreClient,
  etl: EtlProgram | null,
  connection: SourceConnection,
): Promise<{ table: VerifyTable; sourceRows: number; destinationRows: number }> {
  const { task, store } = options;
  let repaired = 0;
  for (let attempt = 1; ; attempt++) {
    if (own?.isOutdated) {
      own = new OwnTable(store!, plan.source);
      try {
        plan = await plannedAnew(connection, task, plan);
      } catch (error) {
        const { source, destination } = plan;
        const problem = problemOf(error, source, options.signal);
        const table = { ...emptyTable(source, destination), repaired, problem };
        return { table, sourceRows: 0, destinationRows: 0 };
      }
    }
    const check = new TableCheck(options, plan, own, client, etl);
    const table = await check.run(connection);
    repaired += table.repaired;
    const isWrong = table.problem !== undefined || differingIn(table) > 0;
    if (own?.isOutdated && isWrong && attempt < attempts) continue;
    const { sourceRows, destinationRows } = check;
    return { table: { ...table, repaired }, sourceRows, destinationRows };
  }
}

class TableCheck {
  sourceRows = 0;
  destinationRows = 0;
  private readonly report: VerifyTable;
  private readonly suspects = new Set<string>();
  private readonly seen = new Set<string>();
  private seenAll = true;
  private readonly read: ReadOptions;
  private comparison!: Comparison;

  constructor(
    private readonly options: VerifyOptions,
    private readonly plan: TablePlan,
    private readonly own: Planned['own'],
    private readonly client: TablestoreClient,
    private readonly etl: EtlProgram | null,
  ) {
    this.read = { windows: retryWindows(options.task), signal: options.signal };
    this.report = emptyTable(plan.source, plan.destination);
  }

  async run(connection: SourceConnection): Promise<VerifyTable> {
    const { options, plan, report } = this;
    try {
      const charsets = await loadCharsetDecoders(
        (sql) => connection.query(sql),
        charsetsOf(plan.definition.columns),
      );
      const { client, etl, read } = this;
      this.comparison = new Comparison({ ...options, plan, client, charsets, etl, read });
      await this.compareSource(connection);
      await this.compareDestination();
      const wrong = await this.lookAgain();
      // What differs then differs from what it was.
      if (this.own?.isOutdated && differingIn(report) > 0) throw outdated(plan.source);
      await this.repair(wrong);
    } catch (error) {
      report.problem = problemOf(error, plan.source, options.signal);
    }
    // Why it stopped explains whatever else is wrong with it.
    const record = options.store?.table(plan.source);
    if (record?.phase === 'stopped' && record.problem) report.problem = record.problem;
    return report;
  }

  private compareSource(planner: SourceConnection): Promise<void> {
    const { plan, options } = this;
    return withSource(options, 'snapshot', async (reader) => {
      const rows = this.comparison.sourceRows(reader);
      for await (const chunk of planChunks(planner, plan.definition, { rows: chunkRows })) {
        await this.compareChunk(reader, rows, chunk);
        this.tell('source');
      }
    });
  }

  private compareChunk(reader: SourceConnection, rows: SourceRows, chunk: Chunk): Promise<void> {
    const { plan, options, comparison, report } = this;
    const { sourceRows } = this;
    const { compared, dirty } = report;
    // Not written by the task either: among the dirty records, with an older version of it perhaps still there.
    const unwritable = (image: RowImage) => {
      report.dirty++;
      const key = rows.keyOf(image);
      if (key !== null) this.remember(key);
    };
    return inBatches(reader, plan, chunk, {
      signal: options.signal,
      charsets: comparison.charsets,
      asking: (work) => withSource(options, 'query', work),
      unanswered: (image) => {
        this.sourceRows++;
        unwritable(image);
      },
      again: () => {
        this.sourceRows = sourceRows;
        Object.assign(report, { compared, dirty });
      },
      batchRows,
      batchesAtOnce,
      row: (image) => {
        this.sourceRows++;
        const row = rows.encode(image);
        if (row === 'dropped') return null;
        if (row !== 'unwritable') return contentsOf(row, comparison.ignoredCells)[0]!;
        unwritable(image);
        return null;
      },
      batch: (some) => this.compareBatch(some),
    });
  }

  private async compareBatch(rows: readonly RowContent[]): Promise<void> {
    const differing = await this.comparison.differing(rows);
    this.report.compared += rows.length;
    for (const { key } of rows) this.remember(key);
    for (const key of differing) this.suspects.add(key);
  }

  /** A key that another row had before may be that of two rows: it is looked at again. */
  private remember(key: string): void {
    if (this.seen.has(key)) this.suspects.add(key);
    else if (this.seen.size < rememberedKeys) this.seen.add(key);
    else this.seenAll = false;
  }

  /** Keys that are not remembered are asked for, which also shows those that several rows have. */
  private async compareDestination(): Promise<void> {
    const { plan, client, options } = this;
    await withSource(options, 'snapshot', async (connection) => {
      for await (const keys of destinationKeys(client, plan, this.read)) {
        this.destinationRows += keys.length;
        const unknown = keys.filter((key) => !this.seen.has(key));
        if (unknown.length === 0) continue;
        if (this.seenAll) for (const key of unknown) this.suspects.add(key);
        else {
          const there = await this.comparison.sourceRows(connection).byKeys(unknown);
          for (const key of unknown) if (there.get(key)?.count !== 1) this.suspects.add(key);
        }
        this.tell('destination');
      }
    });
  }

  /**
   * A row in flight is not different: what differs is looked at again until it agrees, stands still, or keeps
   * changing. Only keys and digests are kept from one look to the next, so that a table that differs in every row
   * fits in memory too. Gives the rows to be put right.
   */
  private async lookAgain(): Promise<WrongRow[]> {
    const { options, comparison } = this;
    const pauses = options.running ? options.timing.verifyLooksMs : looksAtRest;
    let open = [...this.suspects];
    const before = new Map<string, string>();
    const changing = new Set<string>();
    const wrong: WrongRow[] = [];
    if (open.length === 0) return wrong;
    const atOnce = comparison.rowsAtOnce(rowsAgain);
    await withSource(options, 'snapshot', async (connection) => {
      for (const [nth, pause] of pauses.entries()) {
        if (open.length === 0) break;
        await delay(pause, undefined, { signal: options.signal });
        comparison.renew();
        const isLast = nth === pauses.length - 1;
        const still: string[] = [];
        for (let from = 0; from < open.length; from += atOnce) {
          options.signal.throwIfAborted();
          const some = open.slice(from, from + atOnce);
          for (const look of await comparison.look(connection, some)) {
            const { key } = look;
            const verdict = comparison.verdict(look);
            if (verdict === 'equal' || verdict === 'dirty') {
              if (verdict === 'dirty') this.report.dirty++;
              changing.delete(key);
              continue;
            }
            const state = comparison.digest(look);
            const last = before.get(key);
            if (last !== undefined && last !== state) changing.add(key);
            before.set(key, state);
            if (!isLast) still.push(key);
            else if (changing.has(key)) this.report.suspended++;
            else {
              const kind = this.count(look);
              if (kind && isRepaired(this.options.task, kind)) wrong.push({ key, kind });
            }
          }
          this.tell('again', open.length - from - some.length + still.length);
        }
        open = still;
      }
    });
    return wrong;
  }

  /** Counts a row that is not as at the source; gives how it differs, null where that does not count against the replica. */
  private count(look: Look): VerifyDifference['kind'] | null {
    const { report, comparison } = this;
    const verdict = comparison.verdict(look);
    if (verdict === 'equal') return null;
    report[verdict]++;
    if (verdict === 'dirty' || verdict === 'kept' || verdict === 'notComparable') return null;
    if (report.differences.length < shownDifferences)
      report.differences.push(comparison.describe(look, verdict));
    return verdict;
  }

  private async repair(wrong: readonly WrongRow[]): Promise<void> {
    const { options, plan, comparison } = this;
    const { repairBy: writer, signal } = options;
    if (!writer || wrong.length === 0) return;
    const refusal = this.own?.refusal(plan);
    if (refusal) throw refusal;
    if (options.store && isMappedOtherwise(options.task, options.store, plan))
      throw mappedOtherwise(plan.source);
    const readsAll = new RowTransform(plan, this.etl).makesKey;
    const progress = (done: number) => {
      this.report.repaired = done;
      this.tell('repair', wrong.length - done, { done, all: wrong.length });
    };
    progress(0);
    this.report.repaired = await repair({
      writer,
      settled: options.settled ?? null,
      plan,
      records: options.store,
      wrong,
      keysAtOnce: readsAll ? rowsRepairedByReadingAll : comparison.rowsAtOnce(await this.lotRows()),
      signal,
      reading: (work) =>
        withSource(options, 'snapshot', (connection) =>
          work((some) => comparison.sourceRows(connection).byKeys(some)),
        ),
      progress,
      isOutdated: () => this.own?.isOutdated ?? false,
    });
  }

  private async lotRows(): Promise<number> {
    const { settled = null } = this.options;
    const { gtidMode } = await withSource(this.options, 'query', (connection) => connection.facts());
    return heldAtOnce(rowsRepaired, settled, gtidMode === 'ON');
  }

  private tell(
    stage: VerifyProgress['stage'],
    suspects = this.suspects.size,
    repaired?: VerifyProgress['repair'],
  ): void {
    const { options, plan, report } = this;
    options.progress({
      table: plan.source,
      compared: report.compared,
      estimatedRows: plan.definition.estimatedRows,
      stage,
      suspects,
      ...(repaired && { repair: repaired }),
    });
  }
}
