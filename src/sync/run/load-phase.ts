import { charsetsOf } from '../../mysql/types/index.js';
import type { RowferryError } from '../../shared/errors.js';
import { sourceName } from '../../shared/source-name.js';
import { loadTables, type LoadTable } from '../load/full-load.js';
import { sweepTable } from '../load/sweep.js';
import { planOf, planToLoad } from '../mapping/plan.js';
import { watchRetention } from '../source/retention-watch.js';
import type { RunServices } from '../stream/run-services.js';
import { enterTables, hasSameColumns, noteTables, whyUnseen } from '../tables/snapshot-point.js';
import { aboutTable } from '../tables/table-boundary.js';
import { stopTable, type SchemaPhase } from './schema-phase.js';

/** Loads the tables that the stream does not apply yet, and sweeps them. A table that cannot be loaded stops alone. */
export class LoadPhase {
  constructor(
    private readonly services: RunServices,
    /** For tables that were altered during the load of a task without a stream. */
    private readonly schema: SchemaPhase,
  ) {}

  /** Throws BlockedByDirtyData, what ends the run, or the reason of the signal. */
  async run(): Promise<void> {
    const { prepared, settings, signal } = this.services;
    const { start } = prepared.progress;
    if (prepared.records.all.some(({ phase, sweep }) => phase === 'full' || sweep))
      await this.services.earlierOver();
    const over = new AbortController();
    if (start !== null) {
      const until = AbortSignal.any([over.signal, signal]);
      const { startWatchMs } = settings.timing;
      void watchRetention(
        settings.task.source,
        start,
        (error) => this.services.fail(error),
        until,
        startWatchMs,
      );
    }
    try {
      await this.loadAll();
    } finally {
      over.abort();
    }
  }

  private async loadAll(): Promise<void> {
    const { services } = this;
    const { prepared, signal, store } = services;
    for (let tables = this.toLoad(); tables.length > 0; tables = this.toLoad()) {
      let failure: { error: unknown } | null = null;
      let failed: ReadonlyMap<string, RowferryError> = new Map();
      try {
        failed = await loadTables(services.loadContext(), tables);
      } catch (error) {
        signal.throwIfAborted();
        failure = { error };
      }
      // What was altered cannot be read as it was; the others go on where they are.
      const altered = await this.restartAltered(tables);
      if (failure && altered.size === 0) throw failure.error;
      for (const [source, problem] of failed) if (!altered.has(source)) stopTable(services, source, problem);
    }
    for (const record of prepared.records.all) {
      const { source } = record;
      if (!record.sweep || record.from || record.phase !== 'loaded') continue;
      const sweep = async () => {
        await sweepTable(services, prepared.planOf(source));
        prepared.records.step(source, { step: 'swept' });
      };
      await aboutTable({ source, signal }, sweep, (problem) => stopTable(services, source, problem));
    }
    if (prepared.progress.loadedAt === null && prepared.progress.start !== null) {
      prepared.progress.loadedAt = await prepared.endPosition();
      store.saveProgress(prepared.progress);
    }
  }

  private toLoad(): LoadTable[] {
    const { prepared } = this.services;
    return prepared.plans
      .filter(({ source }) => {
        const { phase, from } = prepared.records.get(source);
        return phase === 'full' && !from;
      })
      .map((plan) => this.services.loadTable(plan));
  }

  /**
   * A table that was altered between the start and the end of its load is loaded anew: from a place of its own, beside
   * the stream, or here when there is none (correctness rule 13). Gives those.
   */
  private async restartAltered(tables: readonly LoadTable[]): Promise<ReadonlySet<string>> {
    const { services } = this;
    const { log, prepared, retry, settings, signal, store } = services;
    const { task } = settings;
    const selectors = tables.map(({ plan: { definition } }) => ({
      database: definition.database,
      table: definition.name,
    }));
    const noted = await noteTables(retry, selectors, prepared.progress.start !== null);
    const now = new Map(noted.definitions.map((definition) => [sourceName(definition), definition]));
    const altered = new Set<string>();
    for (const { plan } of tables) {
      const { source } = plan;
      if (prepared.records.get(source).phase === 'stopped') continue;
      const definition = now.get(source);
      if (definition && hasSameColumns(definition, plan.definition)) continue;
      altered.add(source);
      const enter = async () => {
        if (!definition) throw await whyUnseen(retry, plan.definition);
        log.warn(`${source} was altered before its load finished: reloading it`, { table: source });
        const fresh = planOf(task, definition, planToLoad);
        await retry.onSource((connection) =>
          prepared.charsets.load((sql) => connection.query(sql), charsetsOf(definition.columns)),
        );
        enterTables(task, prepared.records, store, [fresh], noted);
        prepared.enter([fresh]);
      };
      await aboutTable({ source, signal }, enter, (problem) => stopTable(services, source, problem));
    }
    if (altered.size > 0 && prepared.progress.start === null) await this.schema.run();
    return altered;
  }
}
