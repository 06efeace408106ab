import type { RowImage } from '../../mysql/model.js';
import { decodeRows } from '../../tablestore/wire/plainbuffer.js';
import type { CellValue } from './cell-value.js';
import { dirtyReason, type Overrides, type TableEncoder } from './encoder.js';
import type { EtlProgram, EtlRecord } from '../etl/compile.js';
import { DateTime, Decimal, EtlError, parseDateTime, Single, type EtlValue } from '../etl/values.js';
import type { TablePlan } from './plan.js';

/**
 * The transformation of one table's rows. It works on decoded values, and only on those that the script reads: a
 * column that it does not set is encoded from its bytes, like everywhere else.
 */
export class RowTransform {
  /** Attributes that the script makes, besides those of columns. */
  private readonly added: readonly string[];

  constructor(
    private readonly plan: TablePlan,
    private readonly program: EtlProgram | null,
  ) {
    const columns = new Set(plan.definition.columns.map(({ name }) => name.toLowerCase()));
    this.added = [...(program?.writes ?? [])].filter((name) => !columns.has(name.toLowerCase()));
  }

  /** Source columns whose values the script sets. */
  get computed(): ReadonlySet<string> | undefined {
    return this.program?.writes;
  }

  /** The script sets a key column: the key of a row does not tell where it is at the source. */
  get makesKey(): boolean {
    const set = new Set([...(this.program?.writes ?? [])].map((name) => name.toLowerCase()));
    return this.plan.key.some(({ column }) => set.has(column.name.toLowerCase()));
  }

  get active(): boolean {
    return this.program !== null;
  }

  /** Whether a row is dropped may depend on the operation or the time by which it came (correctness rule 19). */
  get dropsByOperation(): boolean {
    return this.program?.notComparable.has('*') ?? false;
  }

  /** Whether this row of the source is at the destination depends on how it came to be as it is. */
  dependsOnOperation(encoder: TableEncoder, image: RowImage): boolean {
    if (!this.dropsByOperation) return false;
    if (this.program!.timed) return true;
    try {
      const [inserted, updated] = (['INSERT', 'UPDATE'] as const).map((operation) =>
        this.run(encoder, image, operation, null),
      );
      return (inserted === null) !== (updated === null);
    } catch (error) {
      if (dirtyReason(error)) return true;
      throw error;
    }
  }

  /**
   * A row of the destination (PlainBuffer) that the source no longer gives may have been left there: the script drops,
   * or may drop, the event that would have taken it away.
   */
  mayStay(row: Buffer): boolean {
    const { program, plan } = this;
    if (!program || !this.dropsByOperation) return false;
    if (program.timed) return true;
    const decoded = decodeRows(row)[0]!;
    const values = new Map<string, unknown>([
      ...decoded.primaryKey,
      ...decoded.cells.map(({ name, value }) => [name, value] as const),
    ]);
    const drops = (operation: EtlRecord['operation']) => {
      const set = new Map<string, EtlValue>();
      return !program.run({
        database: plan.definition.database,
        table: plan.definition.name,
        operation,
        commitMicros: null,
        get: (name) => set.get(name) ?? asAtSource(plan, program, name, values),
        set: (name, value) => void set.set(name, value),
      });
    };
    try {
      return drops('UPDATE') || drops('DELETE');
    } catch (error) {
      if (dirtyReason(error)) return true;
      throw error;
    }
  }

  /** A row of the full load: an INSERT without a commit time (correctness rule 19). null: dropped. */
  load(encoder: TableEncoder, image: RowImage): Overrides | null {
    return this.run(encoder, image, 'INSERT', null);
  }

  /** Overrides of the row, or null when it is dropped. Throws EtlError. */
  run(
    encoder: TableEncoder,
    image: RowImage,
    operation: EtlRecord['operation'],
    commitMicros: number | null,
  ): Overrides | null {
    const { program, plan } = this;
    const overrides = new Map<string, CellValue>();
    if (!program) return overrides;
    const set = new Map<string, EtlValue>();
    const kept = program.run({
      database: plan.definition.database,
      table: plan.definition.name,
      operation,
      commitMicros: commitMicros === null ? null : BigInt(commitMicros),
      get: (name) => {
        if (set.has(name)) return set.get(name)!;
        const value = encoder.read(image, name);
        return value === undefined ? undefined : toEtl(plan, name, value);
      },
      set: (name, value) => void set.set(name, value),
    });
    if (!kept) return null;
    // An attribute that the script sets for some rows only goes from the others: an update would leave it.
    for (const name of this.added) if (!set.has(name)) overrides.set(name, null);
    for (const [name, value] of set) {
      const column = plan.definition.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
      overrides.set(column?.name ?? name, fromEtl(plan, column?.name, value));
    }
    return overrides;
  }
}

const integers = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const texts = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'decimal']);

/** What a column was at the source, by the cell that was made of it. Throws EtlError where the cell does not tell. */
function asAtSource(
  plan: TablePlan,
  program: EtlProgram,
  name: string,
  values: ReadonlyMap<string, unknown>,
): EtlValue {
  const isName = (other: string) => other.toLowerCase() === name.toLowerCase();
  const cell = [...plan.key, ...plan.attributes].find(({ column }) => isName(column.name));
  const value = cell && (values.get(cell.name) ?? null);
  const isTold =
    value === null ||
    (typeof value === 'bigint' && integers.has(cell!.column.dataType)) ||
    (typeof value === 'string' && texts.has(cell!.column.dataType));
  if (!isTold || [...program.writes].some(isName)) throw new EtlError(`${name} is not told by its cell`);
  return toEtl(plan, name, value);
}

function toEtl(plan: TablePlan, name: string, value: CellValue): EtlValue {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const column = plan.definition.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (typeof value === 'number') return column?.dataType === 'float' ? new Single(value) : value;
  if (column?.dataType !== 'decimal') return value;
  const [whole, fraction = ''] = value.split('.');
  return new Decimal(BigInt(`${whole}${fraction}`), fraction.length);
}

/** Into what the cell of a column takes; a date for an INTEGER cell becomes its epoch. */
function fromEtl(plan: TablePlan, column: string | undefined, value: EtlValue): CellValue {
  const cell = [...plan.key, ...plan.attributes].find((one) => one.column.name === column);
  if (cell?.type === 'INTEGER' && ['date', 'datetime', 'timestamp'].includes(cell.column.dataType)) {
    const moment = typeof value === 'string' ? parseDateTime(value) : value;
    if (moment instanceof DateTime) return cell.unit === 'us' ? moment.micros : moment.micros / 1000n;
  }
  if (value instanceof DateTime)
    return new DateTime(value.micros, cell?.column.decimals ?? value.digits).toString();
  if (value instanceof Decimal) return value.toString();
  if (value instanceof Single) return cell?.type === 'DOUBLE' ? value.value : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value);
  return value;
}
