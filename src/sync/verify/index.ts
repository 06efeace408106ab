import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SourceConnection } from '../../mysql/connection.js';
import { planChunks, readChunk } from '../../mysql/snapshot.js';
import {
  charsetsOf,
  loadCharsetDecoders,
  selectExpression,
  type CharsetDecoders,
} from '../../mysql/types/index.js';
import type { VerifyProgress, VerifyReport, VerifyTable } from '../../shared/protocol.js';
import type { ResolvedTask } from '../../shared/task.js';
import { TablestoreClient } from '../../tablestore/client.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { destinationKeys, destinationRows, type ReadOptions } from '../destination-rows.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import { pace } from '../pace.js';
import type { TablePlan } from '../plan.js';
import { retryWindows } from '../settings.js';
import { contentsOf, type RowContent } from '../row-content.js';
import { SourceRows, type FoundRow } from '../source-rows.js';
import type { TaskStore } from '../store.js';
import { cellsSideBySide, keyText, maskedCells, maskedKeyText } from './differences.js';
import { repair, type RepairWriter } from './repair.js';
import { reportOf } from './report.js';
import { withSource } from './session.js';
import { selectedPlans } from './tables.js';

export interface VerifyOptions {
  task: ResolvedTask;
  /** What is known of the task: dirty records, rows kept, tables that stopped. null: nothing. */
  store: TaskStore | null;
  signal: AbortSignal;
  progress: (progress: VerifyProgress) => void;
  /** The task runs: rows may be on their way, so what differs is looked at again. */
  running: boolean;
  /** Puts right what differs, by this writer. */
  repairBy?: RepairWriter;
}

const chunkRows = 5000;
const batchRows = 100;
const batchesAtOnce = 4;
/** Keys of the first pass that are remembered, so that the second need not ask the source for them again. */
const rememberedKeys = 500_000;
const shownDifferences = 100;
/** Rows in memory at once when what differs is looked at again. */
const rowsAgain = 500;
const looksAtRest = [0];

/**
 * Compares every row of the source with the destination, through the same mapping, filter and transformation, and
 * every row of the destination with the source: two passes of look-ups by key, never parallel ranges, since the two
 * sort differently (correctness rule 23). Throws RowferryError.
 */
export async function verifyTask(options: VerifyOptions): Promise<VerifyReport> {
  const { task } = options;
  const client = new TablestoreClient(task.destination);
  try {
    return await withSource(options, 'query', (connection) => verifyTables(options, client, connection));
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
  const plans = await selectedPlans(connection, task);
  const records = new Map(store?.tables().map((record) => [record.source, record]));
  const charsets = await loadCharsetDecoders(
    (sql) => connection.query(sql),
    charsetsOf(plans.flatMap((plan) => plan.definition.columns)),
  );
  const etl = compileEtl(task.etl);
  const tables: VerifyTable[] = [];
  const counts = { source: 0, destination: 0 };
  for (const plan of plans) {
    const record = records.get(plan.source);
    const check = new TableCheck(
      options,
      plan,
      client,
      charsets,
      etl,
      task.conflict === 'ignore' && record && !record.created ? (record.foundAtMs ?? null) : null,
    );
    tables.push(await check.run());
    counts.source += check.sourceRows;
    counts.destination += check.destinationRows;
  }
  return reportOf(tables, counts);
}

class TableCheck {
  sourceRows = 0;
  destinationRows = 0;
  private readonly report: VerifyTable;
  private readonly suspects = new Set<string>();
  private readonly seen = new Set<string>();
  private seenAll = true;
  private ignored: ReadonlySet<string> = new Set();
  private readonly read: ReadOptions;

  constructor(
    private readonly options: VerifyOptions,
    private readonly plan: TablePlan,
    private readonly client: TablestoreClient,
    private readonly charsets: CharsetDecoders,
    private readonly etl: EtlProgram | null,
    /** Rows that were last written before this were not written by the task, which keeps them; null: all are its own. */
    private readonly keptBeforeMs: number | null,
  ) {
    const { task } = options;
    this.read = {
      windows: retryWindows(task),
      signal: options.signal,
    };
    this.report = {
      source: plan.source,
      destination: plan.destination,
      compared: 0,
      missing: 0,
      extra: 0,
      different: 0,
      suspended: 0,
      kept: 0,
      dirty: 0,
      notComparable: 0,
      differences: [],
    };
    this.ignore();
  }

  /**
   * What is not compared: values that cannot be, and what rows still have of columns that were dropped (correctness rule
   * 14), which a running task may have noted just now.
   */
  private ignore(): void {
    const { plan, etl, options } = this;
    const { source } = plan;
    const mapped = new Set(plan.attributes.map((cell) => cell.name));
    const dropped = options.store?.tables().find((record) => record.source === source)?.dropped ?? [];
    this.ignored = new Set([
      ...[...(etl?.notComparable ?? [])].map(
        (name) => plan.attributes.find((cell) => cell.column.name === name)?.name ?? name,
      ),
      ...dropped.filter((name) => !mapped.has(name)),
    ]);
  }

  async run(): Promise<VerifyTable> {
    await this.compareSource();
    await this.compareDestination();
    await this.lookAgain();
    return this.report;
  }

  private compareSource(): Promise<void> {
    const { plan, options } = this;
    return withSource(options, 'query', (planner) =>
      withSource(options, 'snapshot', async (reader) => {
        const rows = new SourceRows(reader, plan, this.charsets, this.etl, this.ignored);
        for await (const chunk of planChunks(planner, plan.definition, { rows: chunkRows })) {
          await this.compareChunk(reader, rows, chunk);
          this.tell('source');
        }
      }),
    );
  }

  private async compareChunk(
    reader: SourceConnection,
    rows: SourceRows,
    chunk: Parameters<typeof readChunk>[1]['chunk'],
  ): Promise<void> {
    const batches = new Set<Promise<void>>();
    let batch: RowContent[] = [];
    let failure: { error: unknown } | null = null;
    const send = () => {
      const some = batch;
      batch = [];
      const sent = this.compareBatch(some).then(
        () => {
          batches.delete(sent);
          if (batches.size < batchesAtOnce) reader.resume();
        },
        (error: unknown) => {
          failure ??= { error };
          reader.destroy();
        },
      );
      batches.add(sent);
    };
    try {
      await readChunk(reader, {
        table: this.plan.definition,
        columns: this.plan.definition.columns,
        select: selectExpression,
        filter: this.plan.filter,
        chunk,
        onRow: (image) => {
          this.sourceRows++;
          const row = rows.encode(image);
          // Not written by the task either: among the dirty records, with an older version of it perhaps still there.
          if (row === 'unwritable') {
            this.report.dirty++;
            const key = rows.keyOf(image);
            if (key !== null) this.remember(key);
          } else if (row !== 'dropped') batch.push(contentsOf(row, this.ignored)[0]!);
          if (batch.length >= batchRows) send();
          return batches.size < batchesAtOnce;
        },
        signal: this.options.signal,
      });
    } catch (error) {
      throw (failure as { error: unknown } | null)?.error ?? error;
    }
    if (batch.length > 0) send();
    await Promise.all(batches);
    if (failure) throw (failure as { error: unknown }).error;
  }

  private async compareBatch(rows: readonly RowContent[]): Promise<void> {
    if (rows.length === 0) return;
    const keys = rows.map((row) => row.key);
    const there = await destinationRows(this.client, this.plan.destination, keys, this.ignored, this.read);
    rows.forEach((row, i) => {
      this.report.compared++;
      this.remember(row.key);
      if (there[i]?.content.cells !== row.cells) this.suspects.add(row.key);
    });
  }

  private remember(key: string): void {
    if (this.seen.size < rememberedKeys) this.seen.add(key);
    else this.seenAll = false;
  }

  private async compareDestination(): Promise<void> {
    const { plan } = this;
    for await (const keys of destinationKeys(this.client, plan, this.read)) {
      this.destinationRows += keys.length;
      const unknown = keys.filter((key) => !this.seen.has(key));
      if (unknown.length === 0) continue;
      if (this.seenAll) for (const key of unknown) this.suspects.add(key);
      else {
        const there = await this.fromSource(unknown);
        for (const key of unknown) if (!there.has(key)) this.suspects.add(key);
      }
      this.tell('destination');
    }
  }

  private fromSource(keys: readonly string[]): Promise<Map<string, FoundRow | null>> {
    return withSource(this.options, 'snapshot', (connection) =>
      new SourceRows(connection, this.plan, this.charsets, this.etl, this.ignored).byKeys(keys),
    );
  }

  /**
   * A row in flight is not different: what differs is looked at again until it agrees, stands still, or keeps
   * changing. Only keys and digests are kept from one look to the next, so that a table that differs in every row
   * fits in memory too.
   */
  private async lookAgain(): Promise<void> {
    const { options, plan } = this;
    const pauses = options.running ? pace.verifyLooksMs : looksAtRest;
    let open = [...this.suspects];
    const before = new Map<string, string>();
    const changing = new Set<string>();
    const wrong: string[] = [];
    for (const [look, pause] of pauses.entries()) {
      if (open.length === 0) break;
      await delay(pause, undefined, { signal: options.signal });
      this.ignore();
      const isLast = look === pauses.length - 1;
      const still: string[] = [];
      for (let from = 0; from < open.length; from += rowsAgain) {
        options.signal.throwIfAborted();
        const some = open.slice(from, from + rowsAgain);
        const source = await this.fromSource(some);
        const there = await destinationRows(this.client, plan.destination, some, this.ignored, this.read);
        some.forEach((key, i) => {
          const wanted = source.get(key);
          if (wanted === null) {
            this.report.dirty++;
            changing.delete(key);
            return;
          }
          const found = there[i] ?? null;
          if (wanted?.content.cells === found?.content.cells) {
            changing.delete(key);
            return;
          }
          const state = digest(`${wanted?.content.cells}\0${found?.content.cells}`);
          const last = before.get(key);
          if (last !== undefined && last !== state) changing.add(key);
          before.set(key, state);
          if (!isLast) still.push(key);
          else if (changing.has(key)) this.report.suspended++;
          else if (this.classify(key, wanted?.row ?? null, found?.row ?? null)) wrong.push(key);
        });
        this.tell('again', open.length - from - some.length + still.length);
      }
      open = still;
    }
    if (wrong.length > 0 && options.repairBy)
      await repair(options.repairBy, plan, wrong, (keys) => this.fromSource(keys));
  }

  /** Counts a row that differs; true when it counts against the replica. */
  private classify(key: string, wanted: Buffer | null, found: Buffer | null): boolean {
    const { report, plan } = this;
    const text = keyText(key);
    if (this.etl?.notComparable.has('*')) {
      report.notComparable++;
      return false;
    }
    if (wanted && this.options.store?.isDirty(plan.source, text)) {
      report.dirty++;
      return false;
    }
    if (wanted && found && this.isKept(found)) {
      report.kept++;
      return false;
    }
    const kind = !wanted ? 'extra' : found ? 'different' : 'missing';
    report[kind]++;
    if (report.differences.length < shownDifferences) {
      const masked = maskedCells(plan, this.options.task.dirtyData.mask);
      report.differences.push({
        kind,
        key: maskedKeyText(key, masked),
        cells: cellsSideBySide(wanted, found, this.ignored, masked),
      });
    }
    return true;
  }

  private isKept(found: Buffer): boolean {
    if (this.keptBeforeMs === null) return false;
    const written = (decodeRows(found)[0]?.cells ?? []).map(({ timestamp }) => Number(timestamp ?? 0));
    return Math.max(0, ...written) < this.keptBeforeMs;
  }

  private tell(stage: VerifyProgress['stage'], suspects = this.suspects.size): void {
    const { options, plan, report } = this;
    options.progress({
      table: plan.source,
      compared: report.compared,
      estimatedRows: plan.definition.estimatedRows,
      stage,
      suspects,
    });
  }
}

function digest(text: string): string {
  return createHash('md5').update(text, 'latin1').digest('base64');
}
