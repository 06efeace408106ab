import { setTimeout as delay } from 'node:timers/promises';
import { planChunks } from '../../mysql/snapshot.js';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import { lotRows } from '../../shared/audit-cost.js';
import type { AuditView, TableAudit } from '../../shared/snapshot.js';
import { RateLimiter } from '../../tablestore/writer/throttle.js';
import { destinationKeyPage } from '../rows/destination-rows.js';
import type { TablePlan } from '../mapping/plan.js';
import { contentsOf, type RowContent } from '../rows/row-content.js';
import type { Timing } from '../base/timing.js';
import { RowTransform } from '../mapping/transform.js';
import { standing } from './audit-check.js';
import type { AuditHost } from './audit-host.js';
import { AuditedTable } from './audit-table.js';
import { inBatches } from './batches.js';
import { Comparison } from './comparison.js';
import { isRepaired } from '../tables/kept-rows.js';
import { repair, type WrongRow } from './repair.js';

const batchRows = 100;
/** Keys that seem to differ and are not looked at again yet: beyond so many the walk waits. */
const mostSuspects = 2000;
const suspectsAtOnce = 500;
const lookMs = 100;
const saveMs = 5000;
/** A table that could not be audited is tried again after so long. */
const restAfterProblemMs = 30_000;

/**
 * Walks the tables of an incremental task again and again, at a rate: the source in the order of its chunks, each row
 * looked up in the destination, then the destination in key order, each key looked up in the source, as a verification
 * does (correctness rule 23). What differs counts when it stands after the key's changes have passed (audit-check.ts).
 * It reads short ranges, locks nothing, and gives way to loads, lag and pauses. Where it is outlives the run.
 */
export class Audit {
  private readonly stopping = new AbortController();
  private readonly limiter: RateLimiter;
  private readonly tables = new Map<string, AuditedTable>();
  private readonly comparisons = new WeakMap<TablePlan, Comparison>();
  private readonly suspects = new Map<AuditedTable, Set<string>>();
  private saidProblem = '';
  private rate: number;

  constructor(
    private readonly host: AuditHost,
    private readonly settings: { rowsPerSecond: number; repair: boolean },
  ) {
    this.rate = settings.rowsPerSecond;
    this.limiter = new RateLimiter({ rowsPerSecond: this.rate, megabytesPerSecond: null });
    for (const record of host.store.audits()) this.tables.set(record.source, new AuditedTable(record));
  }

  /** Until stop(). Never throws: what it meets is told, and tried again. */
  async run(): Promise<void> {
    const saver = setInterval(() => this.save(), saveMs);
    await Promise.all([this.again(() => this.step()), this.again(() => this.look())]);
    clearInterval(saver);
    this.save();
  }

  stop(): void {
    this.stopping.abort();
    this.limiter.close();
  }

  tune(rowsPerSecond: number): void {
    this.rate = rowsPerSecond;
    this.limiter.setRate({ rowsPerSecond, megabytesPerSecond: null });
  }

  view(): AuditView {
    const audited = this.present();
    const passes = audited.flatMap(({ record }) => record.pass ?? []);
    const sum = (figure: (table: AuditedTable) => number) =>
      audited.reduce((all, table) => all + figure(table), 0);
    const found = audited.flatMap(({ record }) => record.lastFoundMs ?? []);
    return {
      rowsPerSecond: this.rate,
      repair: this.settings.repair,
      waits: this.host.waits(),
      rows: sum(({ record }) => record.rows),
      differences: sum((table) => table.differences),
      repaired: sum(({ record }) => record.repaired),
      lastPass:
        audited.length > 0 && passes.length === audited.length
          ? {
              finishedMs: Math.min(...passes.map((pass) => pass.finishedMs)),
              tookMs: passes.reduce((all, { tookMs }) => all + tookMs, 0),
              rows: passes.reduce((all, { rows }) => all + rows, 0),
            }
          : null,
      lastFoundMs: found.length > 0 ? Math.max(...found) : null,
    };
  }

  viewOf(source: string): TableAudit | undefined {
    return this.tables.get(source)?.view();
  }

  private get timing(): Timing {
    return this.host.settings.timing;
  }

  private present(): AuditedTable[] {
    return this.host.plans().map((plan) => this.tableOf(plan));
  }

  private tableOf(plan: TablePlan): AuditedTable {
    let table = this.tables.get(plan.source);
    if (!table) this.tables.set(plan.source, (table = new AuditedTable(plan.source)));
    table.fit(plan);
    return table;
  }

  private save(): void {
    try {
      for (const { source } of this.host.plans()) {
        const text = this.tables.get(source)?.changed();
        if (text) this.host.store.saveAudit(text);
      }
    } catch (error) {
      this.say(error);
    }
  }

  /** Runs `work` again and again; it gives how long to rest, ms. */
  private async again(work: () => Promise<number>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let rest: number;
      try {
        rest = await work();
      } catch (error) {
        if (signal.aborted) return;
        this.say(error);
        rest = 1000;
      }
      await delay(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  private say(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (text !== this.saidProblem) this.host.log.warn(`audit waiting: ${text}`);
    this.saidProblem = text;
  }

  /** The next lot of the table whose turn it is. */
  private async step(): Promise<number> {
    const { host } = this;
    if (host.waits() !== null || this.waiting >= mostSuspects) return lookMs;
    const table = this.next();
    if (!table) return lookMs;
    const plan = host.planOf(table.source);
    if (!plan) return lookMs;
    try {
      if (new RowTransform(plan, host.etl).makesKey) throw unfit(plan);
      table.begin();
      if (table.record.from === null && !table.sourceDone) await this.stepSource(table, plan);
      else await this.stepDestination(table, plan);
      table.problem = undefined;
    } catch (error) {
      this.stopping.signal.throwIfAborted();
      // Of a table that changed meanwhile an error says nothing.
      if (host.planOf(table.source) !== plan) return 0;
      table.problem = plainOf(error);
      table.notBeforeMs = Date.now() + restAfterProblemMs;
    }
    return 0;
  }

  /** A pass that has begun goes on; else the table whose last pass is the oldest. */
  private next(): AuditedTable | undefined {
    const nowMs = Date.now();
    const due = this.present().filter(
      ({ notBeforeMs, record }) =>
        notBeforeMs <= nowMs &&
        (record.begunMs !== null ||
          !record.pass ||
          record.pass.finishedMs + this.timing.audit.restMs <= nowMs),
    );
    return (
      due.find(({ record }) => record.begunMs !== null) ??
      due.sort((a, b) => (a.record.pass?.finishedMs ?? 0) - (b.record.pass?.finishedMs ?? 0))[0]
    );
  }

  private async stepSource(table: AuditedTable, plan: TablePlan): Promise<void> {
    const { host } = this;
    const { signal } = this.stopping;
    const rows = lotRows(this.rate);
    const after = table.record.after;
    const planned = await host.ask('query', (connection) =>
      planChunks(connection, plan.definition, { rows, ...(after && { after }) }).next(),
    );
    const chunk = planned.value;
    if (!chunk) return table.sourceThrough();
    const comparison = this.comparison(plan);
    const seen = new Set<string>();
    let read = 0;
    await host.ask('snapshot', (connection) => {
      const reader = comparison.sourceRows(connection);
      return inBatches<RowContent>(connection, plan, chunk, {
        signal,
        batchRows: Math.min(batchRows, rows),
        batchesAtOnce: 1,
        charsets: comparison.charsets,
        asking: (work) => host.ask('query', work),
        unanswered: () => void read++,
        again: () => {
          read = 0;
          seen.clear();
        },
        row: (image) => {
          read++;
          const row = reader.encode(image);
          return Buffer.isBuffer(row) ? contentsOf(row, comparison.ignoredCells)[0]! : null;
        },
        batch: async (some) => {
          await this.pay(some.length);
          for (const { key } of some) {
            if (seen.has(key)) this.suspect(table, key);
            // A chunk of a table that cannot be cut may be all of it.
            if (seen.size < 10 * mostSuspects) seen.add(key);
          }
          for (const key of await comparison.differing(some)) this.suspect(table, key);
          table.walked(some.length);
        },
      });
    });
    // What the filter left out was read all the same; and an empty table costs a question too.
    const unpaid = chunk.upper === null ? 1 : Math.max(0, rows - read);
    if (unpaid > 0) await this.pay(unpaid);
    table.behind(chunk);
    this.noteSafe(table);
  }

  private async stepDestination(table: AuditedTable, plan: TablePlan): Promise<void> {
    const { host } = this;
    const from = table.record.from === null ? null : Buffer.from(table.record.from, 'base64');
    const page = await destinationKeyPage(host.client, plan, from, lotRows(this.rate), this.reading);
    await this.pay(Math.max(1, page.rows));
    if (page.keys.length > 0) {
      const comparison = this.comparison(plan);
      const there = await host.ask('snapshot', (connection) =>
        comparison.sourceRows(connection).byKeys(page.keys),
      );
      for (const key of page.keys) if (there.get(key)?.count !== 1) this.suspect(table, key);
    }
    if (page.next) table.record.from = page.next.toString('base64');
    else table.end();
    this.noteSafe(table);
  }

  private get reading() {
    return { windows: this.host.settings.windows, signal: this.stopping.signal };
  }

  private async pay(rows: number): Promise<void> {
    await this.limiter.take(() => ({ rows, bytes: 0 }));
    this.stopping.signal.throwIfAborted();
  }

  private comparison(plan: TablePlan): Comparison {
    let comparison = this.comparisons.get(plan);
    if (!comparison) {
      const { settings, store, client, charsets, etl } = this.host;
      const { task } = settings;
      comparison = new Comparison({ task, store, client, charsets, etl, plan, read: this.reading });
      this.comparisons.set(plan, comparison);
    }
    return comparison;
  }

  private get waiting(): number {
    return [...this.suspects.values()].reduce((all, keys) => all + keys.size, 0);
  }

  private suspect(table: AuditedTable, key: string): void {
    // What is known is looked at in its own time.
    if (!this.settings.repair && table.knows(key)) return;
    const keys = this.suspects.get(table) ?? new Set();
    keys.add(key);
    this.suspects.set(table, keys);
  }

  /** A restart goes on at a place before which nothing is undecided. */
  private noteSafe(table: AuditedTable): void {
    if (!this.suspects.has(table)) table.safe();
  }

  /** What seemed to differ, and what is known to. */
  private async look(): Promise<number> {
    if (this.host.waits() !== null) return lookMs;
    // As they are now: the walk goes on adding to them.
    for (const [table, keys] of [...this.suspects]) {
      const some = [...keys].slice(0, suspectsAtOnce);
      await this.decide(table, some);
      for (const key of some) keys.delete(key);
      if (keys.size === 0) this.suspects.delete(table);
      this.noteSafe(table);
    }
    for (const table of this.present()) await this.lookAtKnown(table);
    return lookMs;
  }

  private async decide(table: AuditedTable, keys: readonly string[]): Promise<void> {
    const { host } = this;
    const plan = host.planOf(table.source);
    if (!plan) return;
    const comparison = this.comparison(plan);
    // Two looks, at least: what they read the walk does not.
    await this.pay(2 * keys.length);
    let stands: Awaited<ReturnType<typeof standing>>;
    try {
      stands = await standing(host, comparison, plan, keys, this.stopping.signal);
    } catch (error) {
      this.stopping.signal.throwIfAborted();
      // Altered, or loaded anew, under the look: the walk meets it again.
      if (host.planOf(table.source) !== plan) return;
      throw error;
    }
    if (stands.length === 0) return;
    for (const { look, verdict } of stands) {
      const difference = comparison.describe(look, verdict);
      if (table.found(look.key, difference))
        host.log.warn(`the audit found a row of ${table.source} that is ${difference.kind}`, {
          table: table.source,
        });
    }
    this.save();
    if (!this.settings.repair) return;
    await this.repair(
      table,
      plan,
      comparison,
      stands
        .filter(({ verdict }) => isRepaired(host.settings.task, verdict))
        .map(({ look, verdict }) => ({ key: look.key, kind: verdict })),
    );
  }

  private async repair(
    table: AuditedTable,
    plan: TablePlan,
    comparison: Comparison,
    wrong: readonly WrongRow[],
  ): Promise<void> {
    const { host } = this;
    if (wrong.length === 0) return;
    const { signal } = this.stopping;
    const repaired = await repair({
      writer: host.writer,
      settled: host.settled,
      plan,
      records: host.store,
      wrong,
      keysAtOnce: comparison.rowsAtOnce(suspectsAtOnce),
      signal,
      reading: (work) =>
        host.ask('snapshot', (connection) => work((some) => comparison.sourceRows(connection).byKeys(some))),
      progress: () => undefined,
      isOutdated: () => host.planOf(table.source) !== plan,
    });
    table.record.repaired += repaired;
    host.log.info(`the audit repaired ${repaired} ${repaired === 1 ? 'row' : 'rows'} of ${table.source}`, {
      table: table.source,
    });
    await this.dropEqual(
      table,
      plan,
      wrong.map(({ key }) => key),
    );
    this.save();
  }

  private async lookAtKnown(table: AuditedTable): Promise<void> {
    const { found } = table.record;
    if (found.length === 0 || Date.now() < table.knownMs) return;
    const plan = this.host.planOf(table.source);
    if (!plan) return;
    // Looking again and again at what is known must not take what the walk is to read.
    table.knownMs = Date.now() + Math.max(this.timing.audit.knownMs, (10_000 * found.length) / this.rate);
    await this.pay(found.length);
    await this.dropEqual(
      table,
      plan,
      found.map(({ key }) => key),
    );
  }

  private async dropEqual(table: AuditedTable, plan: TablePlan, keys: readonly string[]): Promise<void> {
    const comparison = this.comparison(plan);
    const atOnce = comparison.rowsAtOnce(suspectsAtOnce);
    for (let from = 0; from < keys.length; from += atOnce) {
      const some = keys.slice(from, from + atOnce);
      const looks = await this.host.ask('snapshot', (connection) => comparison.look(connection, some));
      for (const look of looks) {
        const verdict = comparison.verdict(look);
        if (verdict === 'equal' || verdict === 'dirty' || verdict === 'kept') table.settled(look.key);
      }
    }
  }
}

function unfit({ source }: TablePlan): RowferryError {
  return new RowferryError(
    'ROW-T102',
    `The transformation sets the key of ${source}, so its rows cannot be looked up individually. The table is not audited.`,
    { remedy: 'Use rowferry verify to compare it.' },
  );
}

function plainOf(error: unknown): PlainError {
  if (error instanceof RowferryError) return error.toPlain();
  return new RowferryError(
    'ROW-E107',
    `Internal error: ${error instanceof Error ? error.message : String(error)}`,
  ).toPlain();
}
