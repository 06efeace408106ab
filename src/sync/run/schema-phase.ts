import type { RowferryError } from '../../shared/errors.js';
import type { RetryState } from '../../tablestore/client/retry.js';
import { logStopped } from '../base/task-log.js';
import type { TablePlan } from '../mapping/plan.js';
import type { LoadThrottle } from '../source/load-throttle.js';
import type { RunServices } from '../stream/run-services.js';
import { foundAt, prepareTable } from '../tables/destination-table.js';
import { aboutTable } from '../tables/table-boundary.js';

/** Creates the destination tables, or finds them there. A table that is refused stops alone. */
export class SchemaPhase {
  constructor(
    private readonly services: RunServices,
    private readonly throttle: LoadThrottle,
    private readonly onRetry: (state: RetryState | null) => void,
  ) {}

  /** Throws the reason of the signal, what ends the run, and the first refusal where every table is refused. */
  async run(): Promise<void> {
    const { client, log, prepared, settings, signal, store } = this.services;
    const { task, windows } = settings;
    const options = {
      signal,
      onRetry: this.onRetry,
      windows,
    };
    const made = new Set<string>();
    const prepare = async (plan: TablePlan) => {
      const { records } = prepared;
      const record = records.get(plan.source);
      await this.throttle.opened();
      // What an earlier run had sent must not arrive in the new table.
      if (record.remake) await this.services.earlierOver();
      const isOurs = record.created || record.creating === true;
      const created = await prepareTable(client, plan, task, {
        mayExist: isOurs || record.sweep === true || (task.merge && made.has(plan.destination)),
        remake: record.remake === true,
        creating: () => void records.step(plan.source, { step: 'creating' }),
        options,
      });
      if (created) made.add(plan.destination);
      records.step(plan.source, {
        step: 'created',
        isOwn: created || isOurs,
        ...foundAt(client, record, created || isOurs),
        sweep: record.sweep === true && !created && task.synchronization.full,
        isLoaded: !task.synchronization.full,
      });
      log.info(`${plan.destination} ${created ? 'created' : 'is there'} for ${plan.source}`, {
        table: plan.source,
      });
    };
    const refused = new Map<string, RowferryError>();
    for (const plan of prepared.plans) {
      const { source } = plan;
      const { phase, from } = prepared.records.get(source);
      if (phase !== 'schema' || from) continue;
      await aboutTable(
        { source, signal },
        () => prepare(plan),
        (problem) => void refused.set(source, problem),
      );
    }
    const [first] = refused.values();
    // Nothing is left to be done: that is told, and tried again by the next run.
    if (first && refused.size === prepared.records.all.length) throw first;
    for (const [source, problem] of refused) stopTable(this.services, source, problem);
    store.saveProgress(prepared.progress);
  }
}

/** The table stops, with the reason; the others go on. */
export function stopTable(
  { prepared, log }: Pick<RunServices, 'prepared' | 'log'>,
  source: string,
  problem: RowferryError,
): void {
  prepared.records.step(source, { step: 'stopped', problem: problem.toPlain() });
  logStopped(log, source, problem);
}
