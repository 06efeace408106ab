import type { Chunk } from '../../mysql/snapshot.js';
import { chunkColumns } from '../../mysql/snapshot.js';
import type { PlainError } from '../../shared/errors.js';
import type { VerifyDifference } from '../../shared/verify-report.js';
import type { TableAudit } from '../../shared/snapshot.js';
import { destinationKey, type TablePlan } from '../mapping/plan.js';
import type { AuditRecord } from '../state/task-store.js';

/** Differences of a table that are kept by name; more are counted. */
const mostKept = 1000;
const shown = 10;

/** The audit of one table: its place, its figures and what was found. */
export class AuditedTable {
  readonly record: AuditRecord;
  /** The walk through the source is at its end, that through the destination has not begun. */
  sourceDone = false;
  problem: PlainError | undefined;
  notBeforeMs = 0;
  /** When known differences are looked at again. */
  knownMs = 0;
  /** Found in this pass and not kept by name. */
  private more = 0;
  private moreBefore = 0;
  private place: Pick<AuditRecord, 'after' | 'from'>;
  private saved = '';
  private plan: TablePlan | undefined;

  constructor(known: AuditRecord | string) {
    this.record =
      typeof known === 'string'
        ? {
            source: known,
            shape: '',
            after: null,
            from: null,
            begunMs: null,
            passRows: 0,
            pass: null,
            rows: 0,
            repaired: 0,
            lastFoundMs: null,
            found: [],
          }
        : known;
    const { after, from } = this.record;
    this.place = { after, from };
    this.sourceDone = after?.upper === null;
  }

  get source(): string {
    return this.record.source;
  }

  get differences(): number {
    return this.record.found.length + Math.max(this.more, this.moreBefore);
  }

  /** Places hold for one definition and mapping; a table that was made or mapped otherwise begins anew. */
  fit(plan: TablePlan): void {
    const { record } = this;
    if (this.plan === plan) return;
    this.plan = plan;
    const shape = JSON.stringify([
      plan.destination,
      destinationKey(plan),
      chunkColumns(plan.definition)?.map(({ name, columnType }) => [name, columnType]) ?? null,
      plan.filter,
    ]);
    if (record.shape === shape) return;
    record.shape = shape;
    record.found = [];
    this.more = this.moreBefore = 0;
    this.restart();
    record.begunMs = null;
    this.safe();
  }

  begin(): void {
    this.record.begunMs ??= Date.now();
  }

  walked(rows: number): void {
    this.record.passRows += rows;
    this.record.rows += rows;
  }

  /** The walk through the source has passed a chunk. */
  behind(chunk: Chunk): void {
    this.record.after = chunk;
    this.sourceDone = chunk.upper === null;
  }

  sourceThrough(): void {
    this.sourceDone = true;
  }

  /** Both ways are through. */
  end(): void {
    const { record } = this;
    const finishedMs = Date.now();
    record.pass = { finishedMs, tookMs: finishedMs - (record.begunMs ?? finishedMs), rows: record.passRows };
    record.begunMs = null;
    this.moreBefore = this.more;
    this.more = 0;
    this.restart();
  }

  private restart(): void {
    this.record.after = null;
    this.record.from = null;
    this.record.passRows = 0;
    this.sourceDone = false;
  }

  /** The next run may go on from here. */
  safe(): void {
    const { after, from } = this.record;
    this.place = { after, from };
  }

  /** True when it was not known. */
  found(key: string, difference: VerifyDifference): boolean {
    const { record } = this;
    const { kind, key: text, rows } = difference;
    const known = record.found.find((one) => one.key === key);
    if (known) {
      Object.assign(known, { kind });
      return false;
    }
    record.lastFoundMs = Date.now();
    if (record.found.length >= mostKept) {
      this.more++;
      return false;
    }
    record.found.push({ key, kind, text, ...(rows && { rows }), sinceMs: record.lastFoundMs });
    return true;
  }

  knows(key: string): boolean {
    return this.record.found.some((one) => one.key === key);
  }

  settled(key: string): void {
    this.record.found = this.record.found.filter((one) => one.key !== key);
  }

  /** What is to be stored, when it is not what was stored last. Keys that hold what is masked are not kept. */
  changed(): AuditRecord | null {
    const record = {
      ...this.record,
      ...this.place,
      found: this.record.found.filter(({ text }) => !text.includes('***')),
    };
    const text = JSON.stringify(record);
    if (text === this.saved) return null;
    this.saved = text;
    return record;
  }

  view(): TableAudit {
    const { record, problem } = this;
    return {
      rows: record.rows,
      passRows: record.passRows,
      pass: record.pass,
      differences: this.differences,
      repaired: record.repaired,
      first: record.found.slice(0, shown).map(({ kind, text, rows, sinceMs }) => ({
        kind,
        key: text,
        ...(rows && { rows }),
        sinceMs,
      })),
      ...(problem && { problem }),
    };
  }
}
