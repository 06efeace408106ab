import type { SourceConnection } from '../mysql/connection.js';
import type { RowImage } from '../mysql/model.js';
import type { CharsetDecoders } from '../mysql/types/index.js';
import { keyOnly } from '../tablestore/compose.js';
import { RowWriter } from '../tablestore/wire/row-writer.js';
import { TableEncoder, UnwritableRow } from './encoder.js';
import type { EtlProgram } from './etl/compile.js';
import { EtlError } from './etl/values.js';
import { lookUp } from './lookup.js';
import type { TablePlan } from './plan.js';
import { contentsOf, type RowContent } from './row-content.js';
import { RowTransform } from './transform.js';

const none: ReadonlySet<string> = new Set();

/** Rows of the source as they would land: through the same mapping, filter and transformation as every other row. */
export class SourceRows {
  private readonly writer = new RowWriter();
  private readonly encoder: TableEncoder;
  private readonly transform: RowTransform;

  /** `connection` is of purpose 'snapshot'. */
  constructor(
    private readonly connection: SourceConnection,
    private readonly plan: TablePlan,
    charsets: CharsetDecoders,
    etl: EtlProgram | null,
    private readonly ignored: ReadonlySet<string> = none,
  ) {
    this.encoder = new TableEncoder(plan, plan.definition.columns, 'text', charsets);
    this.transform = new RowTransform(plan, etl);
  }

  /** The row as PlainBuffer bytes; null when it is dropped or cannot be written. */
  encode(image: RowImage): Buffer | null {
    const { encoder, transform, writer } = this;
    try {
      const overrides = transform.active ? transform.load(encoder, image) : undefined;
      if (overrides === null) return null;
      writer.reset();
      encoder.encode(image, 'put', writer, overrides);
      return writer.copyRow();
    } catch (error) {
      if (error instanceof UnwritableRow || error instanceof EtlError) return null;
      throw error;
    }
  }

  /** Rows of these keys that the source has, as PlainBuffer bytes, by key. */
  async byKeys(keys: readonly string[]): Promise<Map<string, { row: Buffer; content: RowContent }>> {
    const wanted = new Set(keys);
    const rows = new Map<string, { row: Buffer; content: RowContent }>();
    await lookUp(this.connection, this.plan, keys.map(keyOnly), (image) => {
      const row = this.encode(image);
      if (row === null) return;
      const [content] = contentsOf(row, this.ignored);
      if (wanted.has(content!.key)) rows.set(content!.key, { row, content: content! });
    });
    return rows;
  }
}
