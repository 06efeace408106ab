import { setTimeout as delay } from 'node:timers/promises';
import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import { connectSource, type SourceConnection } from '../../mysql/connection.js';
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
import { keyOnly } from '../../tablestore/compose.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { destinationKeys, destinationRows, type ReadOptions } from '../destination-rows.js';
import { showValue } from '../encoder.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import { planTables, type TablePlan } from '../plan.js';
import { planError } from '../prepare.js';
import { contentsOf, type RowContent } from '../row-content.js';
import { SourceRows } from '../source-rows.js';
import type { TaskStore } from '../store.js';
import { repair, type RepairWriter } from './repair.js';

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
const shownExamples = 10;
/** How often a row that differs is looked at again, ms apart, before it counts. */
const looksWhileRunning = [300, 700, 1500, 3000, 5000];
const looksAtRest = [0];

/**
 * Compares every row of the source with the destination, through the same mapping, filter and transformation, and
 * every row of the destination with the source: two passes of look-ups by key, never parallel ranges, since the two
 * sort differently (correctness rule 23). Throws RowferryError.
 */
export async function verifyTask(options: VerifyOptions): Promise<VerifyReport> {
  const { task, store } = options;
  const client = new TablestoreClient(task.destination);
  const connection = await connectSource(task.source);
  try {
    const selectors = task.objects.flatMap((object) =>
      object.tables
        ? object.tables.map((table) => ({ database: object.database, table: table.name }))
        : [{ database: object.database }],
    );
    const { plans, problems } = planTables(task, await loadDefinitions(connection, selectors));
    if (problems.length > 0) throw planError(problems);
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
        task.conflict === 'ignore' && (record?.kept ?? 0) > 0,
      );
      tables.push(await check.run());
      counts.source += check.sourceRows;
      counts.destination += check.destinationRows;
    }
    const differing = tables.reduce((sum, table) => sum + table.missing + table.extra + table.different, 0);
    return {
      tables,
      compared: tables.reduce((sum, table) => sum + table.compared, 0),
      differing,
      equal: differing === 0,
      sourceRows: counts.source,
      destinationRows: counts.destination,
    };
  } finally {
    await connection.close();
    client.close();
  }
}

class TableCheck {
  sourceRows = 0;
  destinationRows = 0;
  private readonly report: VerifyTable;
  private readonly suspects = new Set<string>();
  private readonly seen = new Set<string>();
  private seenAll = true;
  private readonly ignored: Set<string>;
  private readonly read: ReadOptions;

  constructor(
    private readonly options: VerifyOptions,
    private readonly plan: TablePlan,
    private readonly client: TablestoreClient,
    private readonly charsets: CharsetDecoders,
    private readonly etl: EtlProgram | null,
    private readonly keepsRows: boolean,
  ) {
    const { task } = options;
    this.read = {
      windows: {
        connectionMs: task.retry.connectionMinutes * 60_000,
        otherMs: task.retry.otherMinutes * 60_000,
      },
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
      examples: [],
    };
    this.ignored = new Set(
      [...(etl?.notComparable ?? [])].map(
        (name) => plan.attributes.find((cell) => cell.column.name === name)?.name ?? name,
      ),
    );
  }

  async run(): Promise<VerifyTable> {
    await this.compareSource();
    await this.compareDestination();
    await this.lookAgain();
    return this.report;
  }

  private async compareSource(): Promise<void> {
    const { plan, options } = this;
    const planner = await connectSource(options.task.source);
    const reader = await connectSource(options.task.source, 'snapshot');
    try {
      const rows = new SourceRows(reader, plan, this.charsets, this.etl, this.ignored);
      for await (const chunk of planChunks(planner, plan.definition, { rows: chunkRows })) {
        await this.compareChunk(reader, rows, chunk);
        options.progress({
          table: plan.source,
          compared: this.report.compared,
          estimatedRows: plan.definition.estimatedRows,
        });
      }
    } finally {
      await planner.close();
      await reader.close();
    }
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
          // Not written by the task either: it is among the dirty records, or dropped on purpose.
          if (row === null) {
            if (this.etl === null) this.report.dirty++;
          } else batch.push(contentsOf(row, this.ignored)[0]!);
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
      if (this.seen.size < rememberedKeys) this.seen.add(row.key);
      else this.seenAll = false;
      if (there[i]?.cells !== row.cells) this.suspects.add(row.key);
    });
  }

  private async compareDestination(): Promise<void> {
    const { plan, options } = this;
    for await (const keys of destinationKeys(this.client, plan, this.read)) {
      this.destinationRows += keys.length;
      const unknown = keys.filter((key) => !this.seen.has(key));
      if (unknown.length === 0) continue;
      if (this.seenAll) for (const key of unknown) this.suspects.add(key);
      else {
        const there = await this.fromSource(unknown);
        for (const key of unknown) if (!there.has(key)) this.suspects.add(key);
      }
      options.progress({
        table: plan.source,
        compared: this.report.compared,
        estimatedRows: plan.definition.estimatedRows,
      });
    }
  }

  private async fromSource(
    keys: readonly string[],
  ): Promise<Map<string, { row: Buffer; content: RowContent }>> {
    const connection = await connectSource(this.options.task.source, 'snapshot');
    try {
      return await new SourceRows(connection, this.plan, this.charsets, this.etl, this.ignored).byKeys(keys);
    } finally {
      await connection.close();
    }
  }

  /** A row in flight is not different: what differs is looked at again until it agrees, stands still, or keeps changing. */
  private async lookAgain(): Promise<void> {
    const { options, plan } = this;
    let open = [...this.suspects];
    const before = new Map<string, string>();
    const changing = new Set<string>();
    let source = new Map<string, { row: Buffer; content: RowContent }>();
    let there: (RowContent | null)[] = [];
    for (const pause of options.running ? looksWhileRunning : looksAtRest) {
      if (open.length === 0) return;
      await delay(pause, undefined, { signal: options.signal });
      source = await this.fromSource(open);
      there = await destinationRows(this.client, plan.destination, open, this.ignored, this.read);
      const still: string[] = [];
      open.forEach((key, i) => {
        const wanted = source.get(key)?.content.cells;
        const found = there[i]?.cells;
        if (wanted === found) {
          changing.delete(key);
          return;
        }
        const state = `${wanted}\0${found}`;
        const last = before.get(key);
        if (last !== undefined && last !== state) changing.add(key);
        before.set(key, state);
        still.push(key);
      });
      there = there.filter((_, i) => still.includes(open[i]!));
      open = still;
    }
    const wrong: string[] = [];
    open.forEach((key, i) => {
      if (changing.has(key)) this.report.suspended++;
      else if (this.classify(key, source.has(key), there[i] ?? null)) wrong.push(key);
    });
    if (wrong.length > 0 && options.repairBy)
      await repair(options.repairBy, plan, wrong, (keys) => this.fromSource(keys));
  }

  /** Counts a row that differs; true when it counts against the replica. */
  private classify(key: string, isAtSource: boolean, there: RowContent | null): boolean {
    const { report, plan } = this;
    const text = keyText(key);
    if (this.etl?.notComparable.has('*')) {
      report.notComparable++;
      return false;
    }
    if (isAtSource && this.options.store?.isDirty(plan.source, text)) {
      report.dirty++;
      return false;
    }
    if (isAtSource && there && this.keepsRows) {
      report.kept++;
      return false;
    }
    const kind = !isAtSource ? 'extra' : there ? 'different' : 'missing';
    report[kind]++;
    if (report.examples.length < shownExamples) report.examples.push(`${kind}: ${text}`);
    return true;
  }
}

/** `name=value, …` as dirty records have it. */
function keyText(key: string): string {
  return decodeRows(keyOnly(key))[0]!
    .primaryKey.map(([name, value]) => `${name}=${showValue(value as never)}`)
    .join(', ');
}
