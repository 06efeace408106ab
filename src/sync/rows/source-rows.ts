import type { SourceConnection } from '../../mysql/connection.js';
import type { Column, RowImage } from '../../mysql/model.js';
import type { CharsetDecoders } from '../../mysql/types/index.js';
import { keyOnly } from '../../tablestore/writer/compose.js';
import { RowWriter } from '../../tablestore/wire/row-writer.js';
import { dirtyReason, TableEncoder } from '../mapping/encoder.js';
import type { EtlProgram } from '../etl/compile.js';
import type { RowLocator } from '../mapping/locator.js';
import { lookUp, readAll } from './lookup.js';
import type { TablePlan } from '../mapping/plan.js';
import { contentsOf, type RowContent } from './row-content.js';
import { RowTransform } from '../mapping/transform.js';

const none: ReadonlySet<string> = new Set();

/** Rows of the source as they would land: through the same mapping, filter and transformation as every other row. */
export class SourceRows {
  private readonly writer = new RowWriter();
  private readonly encoder: TableEncoder;
  private readonly transform: RowTransform;
  /** Keys that were read, of which the operation decides whether their row is at the destination. */
  readonly unsure = new Set<string>();

  /** `connection` is of purpose 'snapshot'. */
  constructor(
    private readonly connection: SourceConnection,
    private readonly plan: TablePlan,
    private readonly charsets: CharsetDecoders,
    etl: EtlProgram | null,
    private readonly ignored: ReadonlySet<string> = none,
  ) {
    this.encoder = new TableEncoder(plan, plan.definition.columns, 'text', charsets);
    this.transform = new RowTransform(plan, etl);
  }

  /** The row as PlainBuffer bytes, or why there is none. */
  encode(image: RowImage): Buffer | 'dropped' | 'unwritable' {
    const outcome = this.outcome(image);
    return outcome === 'dropped' || Buffer.isBuffer(outcome) ? outcome : 'unwritable';
  }

  /** The same, with the reason of a row that cannot be written, as its dirty record would have it. */
  outcome(image: RowImage): Buffer | 'dropped' | { code: string; message: string } {
    const { encoder, transform, writer } = this;
    try {
      const overrides = transform.active ? transform.load(encoder, image) : undefined;
      if (overrides === null) return 'dropped';
      writer.reset();
      encoder.encode(image, 'put', writer, overrides);
      return writer.copyRow();
    } catch (error) {
      const reason = dirtyReason(error);
      if (reason) return reason;
      throw error;
    }
  }

  /** The key of a row that cannot be written, under which an older version may lie; null when not even that. */
  keyOf(image: RowImage): string | null {
    // What lies under its raw key is another row's.
    if (this.transform.makesKey) return null;
    try {
      this.writer.reset();
      this.encoder.encode(image, 'delete', this.writer);
      return this.writer.rowKey();
    } catch (error) {
      if (dirtyReason(error)) return null;
      throw error;
    }
  }

  /** As TableEncoder.isAt(). */
  isAt(image: RowImage, locator: RowLocator): boolean {
    return this.encoder.isAt(image, locator);
  }

  /** What the source has of each of these keys; one that it has no row of is left out. */
  async byKeys(keys: readonly string[]): Promise<Map<string, KeyRows>> {
    const rows = new Map<string, KeyRows>();
    const columns = identifyingColumns(this.plan);
    await this.find(keys, (key, row, image) => {
      const known = rows.get(key);
      const names = known?.names ?? [];
      if (names.length < namedRows) names.push(this.encoder.describe(image, columns));
      rows.set(key, { row: known ? known.row : row, count: (known?.count ?? 0) + 1, names });
    });
    return rows;
  }

  /** Which of these keys the source has rows of. */
  async among(keys: readonly string[]): Promise<Set<string>> {
    const there = new Set<string>();
    await this.find(keys, (key) => there.add(key));
    return there;
  }

  private async find(
    keys: readonly string[],
    found: (key: string, row: FoundRow | null, image: RowImage) => void,
  ): Promise<void> {
    const wanted = new Set(keys);
    const missing = new Set(keys);
    const take = (image: RowImage) => {
      const row = this.encode(image);
      const isUnsure = this.transform.dependsOnOperation(this.encoder, image);
      if (row === 'dropped') {
        const key = isUnsure ? this.keyOf(image) : null;
        if (key !== null) this.unsure.add(key);
        return;
      }
      const content = row === 'unwritable' ? null : contentsOf(row, this.ignored)[0]!;
      const key = content ? content.key : this.keyOf(image);
      if (key === null || !wanted.has(key)) return;
      if (isUnsure) this.unsure.add(key);
      missing.delete(key);
      found(key, content && { row: row as Buffer, content }, image);
    };
    const { connection, plan, charsets } = this;
    // A key that a transformation makes does not tell where its row is.
    if (this.transform.makesKey) {
      await readAll(connection, plan, take);
      return;
    }
    const takeDirty = (image: RowImage) => {
      const key = this.keyOf(image);
      if (key === null || !wanted.has(key)) return;
      missing.delete(key);
      found(key, null, image);
    };
    await lookUp(connection, plan, keys.map(keyOnly), charsets, 'indexed', take, takeDirty);
    await lookUp(connection, plan, [...missing].map(keyOnly), charsets, 'converted', take, takeDirty);
  }
}

/** Rows of one destination key: more than one where keys of the source become the same at the destination. */
export interface KeyRows {
  /** The first that was found; null: it is there, and cannot be written. */
  readonly row: FoundRow | null;
  readonly count: number;
  /** The first of them by what identifies them at the source: column to value as people read it. */
  readonly names: ReadonlyMap<string, string | null>[];
}

/** Rows of one key that are named; more are counted. */
const namedRows = 10;

/** By what people know a row at the source: its primary key, or all of it. */
function identifyingColumns({ definition }: TablePlan): readonly Column[] {
  const primary = definition.keys.find((key) => key.primary);
  return primary
    ? definition.columns.filter((column) => primary.columns.includes(column.name))
    : definition.columns;
}

export interface FoundRow {
  /** PlainBuffer. */
  readonly row: Buffer;
  readonly content: RowContent;
}
