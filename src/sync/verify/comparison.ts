import { createHash } from 'node:crypto';
import type { SourceConnection } from '../../mysql/connection.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import type { VerifyDifference } from '../../shared/verify-report.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { TablestoreClient } from '../../tablestore/client/client.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import { destinationRows, type DestinationRow, type ReadOptions } from '../rows/destination-rows.js';
import { keyDigestOf, rowDigest } from '../dirty/dirty.js';
import type { EtlProgram } from '../etl/compile.js';
import type { TablePlan } from '../mapping/plan.js';
import { contentsOf, type RowContent } from '../rows/row-content.js';
import { SourceRows, type KeyRows } from '../rows/source-rows.js';
import type { TableRecord, TaskStore } from '../state/task-store.js';
import { RowTransform } from '../mapping/transform.js';
import { cellsSideBySide, maskedCells, maskedKeyText, rowText } from './differences.js';

export interface ComparisonOptions {
  readonly task: Pick<ResolvedTask, 'conflict' | 'dirtyData' | 'write'>;
  /** What is known of the task: dirty records, rows kept, columns dropped. null: nothing. */
  readonly store: Pick<TaskStore, 'table' | 'isDirty'> | null;
  readonly plan: TablePlan;
  readonly client: TablestoreClient;
  readonly charsets: CharsetDecoders;
  readonly etl: EtlProgram | null;
  readonly read: ReadOptions;
}

/** Both sides of one key at a moment. */
export interface Look {
  readonly key: string;
  /** undefined: the source, filter and transformation give no row of it. */
  readonly source: KeyRows | undefined;
  readonly found: DestinationRow | null;
  /** By the transformation it depends on the operation whether this row of the source is at the destination. */
  readonly isUnsure: boolean;
}

/** What a look comes to: 'dirty', 'kept' and 'notComparable' do not count against the replica. */
export type Verdict = 'equal' | 'dirty' | 'kept' | 'notComparable' | VerifyDifference['kind'];

/**
 * Compares rows of one table, by key and by bytes (correctness rule 23): for whoever looks at all of it at once, and for
 * whoever does so again and again.
 */
export class Comparison {
  private ignored: ReadonlySet<string> = new Set();
  private readonly masked: ReadonlySet<string>;
  private readonly record: TableRecord | undefined;
  private readonly transform: RowTransform;

  constructor(private readonly options: ComparisonOptions) {
    const { plan, task } = options;
    this.masked = maskedCells(plan, task.dirtyData.mask);
    this.transform = new RowTransform(plan, options.etl);
    this.record = options.store?.table(plan.source);
    this.renew();
  }

  get charsets(): CharsetDecoders {
    return this.options.charsets;
  }

  /**
   * What is not compared: values that cannot be, and what rows still have of columns that were dropped (correctness rule
   * 14), which a running task may have noted just now.
   */
  renew(): void {
    const { plan, etl, store } = this.options;
    const mapped = new Set(plan.attributes.map((cell) => cell.name));
    const dropped = store?.table(plan.source)?.dropped ?? [];
    this.ignored = new Set([
      ...[...(etl?.notComparable ?? [])].map(
        (name) => plan.attributes.find((cell) => cell.column.name === name)?.name ?? name,
      ),
      ...dropped.filter((name) => !mapped.has(name)),
    ]);
  }

  get ignoredCells(): ReadonlySet<string> {
    return this.ignored;
  }

  /** `connection` is of purpose 'snapshot'. */
  sourceRows(connection: SourceConnection): SourceRows {
    const { plan, charsets, etl } = this.options;
    return new SourceRows(connection, plan, charsets, etl, this.ignored);
  }

  /** How many rows are held at once, so that big ones fit in memory too. */
  rowsAtOnce(most: number): number {
    const { averageRowBytes } = this.options.plan.definition;
    return Math.max(10, Math.min(most, Math.floor(bytesAtOnce / Math.max(1, averageRowBytes))));
  }

  /** Keys of those rows of the source that the destination does not hold as they are. */
  async differing(rows: readonly RowContent[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const there = await this.destination(rows.map((row) => row.key));
    return rows.flatMap((row, i) => (there[i]?.content.cells === row.cells ? [] : [row.key]));
  }

  /** Both sides of these keys, in their order. `connection` is of purpose 'snapshot'. */
  async look(connection: SourceConnection, keys: readonly string[]): Promise<Look[]> {
    const rows = this.sourceRows(connection);
    const source = await rows.byKeys(keys);
    const there = await this.destination(keys);
    return keys.map((key, i) => ({
      key,
      source: source.get(key),
      found: there[i] ?? null,
      isUnsure: rows.unsure.has(key),
    }));
  }

  /** Equal looks have equal digests. */
  digest({ source, found }: Look): string {
    // Which of several rows was found first means nothing.
    const wanted = (source?.count ?? 0) > 1 ? String(source!.count) : source?.row?.content.cells;
    return createHash('md5').update(`${wanted}\0${found?.content.cells}`, 'latin1').digest('base64');
  }

  /** A row that is there and cannot be written is 'dirty' even before its record says so. */
  verdict({ key, source, found, isUnsure }: Look): Verdict {
    const { plan, store } = this.options;
    if ((source?.count ?? 0) > 1) return 'duplicate';
    if (source?.row === null) return 'dirty';
    const wanted = source?.row;
    if (wanted?.content.cells === found?.content.cells) return 'equal';
    if (wanted && found && this.cellsOfTask(found.row) === wanted.content.cells) return 'equal';
    if (isUnsure || (!wanted && found && this.transform.mayStay(found.row))) return 'notComparable';
    // A row that can be written counts, unless the destination refused it just as it is now.
    if (wanted && store?.isDirty(plan.source, keyDigestOf(key), rowDigest(wanted.row, this.ignored)))
      return 'dirty';
    if (wanted && found && this.isKept(found.row)) return 'kept';
    return !wanted ? 'extra' : found ? 'different' : 'missing';
  }

  /** A difference as people see it, without what is masked. */
  describe({ key, source, found }: Look, kind: VerifyDifference['kind']): VerifyDifference {
    const { task } = this.options;
    return {
      kind,
      key: maskedKeyText(key, this.masked),
      cells: cellsSideBySide(source?.row?.row ?? null, found?.row ?? null, this.ignored, this.masked),
      ...(kind === 'duplicate' && {
        rows: source!.names.map((name) => rowText(name, task.dirtyData.mask)),
      }),
    };
  }

  private destination(keys: readonly string[]): Promise<(DestinationRow | null)[]> {
    const { client, plan, read } = this.options;
    return destinationRows(client, plan.destination, keys, this.ignored, read);
  }

  /**
   * With write mode "update-row" a row that was there before the task keeps the cells that the task does not know: they
   * are nobody's difference. null: every cell counts.
   */
  private cellsOfTask(found: Buffer): string | null {
    const { task, plan, etl } = this.options;
    if (task.write.mode !== 'update-row' || task.conflict !== 'ignore' || this.record?.created !== false)
      return null;
    const known = new Set([...plan.attributes.map((cell) => cell.name), ...(etl?.writes ?? [])]);
    const others = decodeRows(found)[0]!.cells.flatMap(({ name }) => (known.has(name) ? [] : [name]));
    return contentsOf(found, new Set([...this.ignored, ...others]))[0]!.cells;
  }

  /** A row that was there before the task and that nobody has written since, or may have been: it stays. */
  isOfOthers({ found }: Look): boolean {
    return found !== null && this.isKept(found.row, true);
  }

  /**
   * Rows that were last written before the task found the table were not written by it, and it keeps them. A row that has
   * only its key does not tell when it was written: `keyOnly`.
   */
  private isKept(found: Buffer, keyOnly = false): boolean {
    const { record } = this;
    const isKeeping = this.options.task.conflict === 'ignore' && record && !record.created;
    const beforeMs = isKeeping ? record.foundAtMs : undefined;
    if (beforeMs === undefined) return false;
    const written = (decodeRows(found)[0]?.cells ?? []).map(({ timestamp }) => Number(timestamp ?? 0));
    return written.length === 0 ? keyOnly : Math.max(...written) < beforeMs;
  }
}

const bytesAtOnce = 16 * 1024 * 1024;
