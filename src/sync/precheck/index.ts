import { connectSource, type SourceConnection } from '../../mysql/connection.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { CheckReport, CheckResult } from '../../shared/check-report.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { ToolTable } from '../online-change/traces.js';
import type { Check, CheckContext, Outcome } from './check.js';
import { DestinationProbe } from './destination-probe.js';
import { checks } from './registry.js';
import { plannedTables, selectTables } from './selection.js';

/** What the store knows of the task. */
export interface PrecheckHistory {
  /** Destination tables that the task made itself: they never count as taken. */
  readonly created: ReadonlySet<string>;
  /** Those of them that are deleted and made anew when it starts. */
  readonly remade: ReadonlySet<string>;
  /** The instance that its rows are in; null before the first run, and where an earlier version stored none. */
  readonly instance: string | null;
  /** Where it would go on. */
  readonly checkpoint: SourcePosition | null;
  readonly running: boolean;
  /** What its stream has shown to belong to online schema changes. */
  readonly leftOut: readonly ToolTable[];
}

/** Nothing is known of a task that never ran. */
export const noHistory: PrecheckHistory = {
  created: new Set(),
  remade: new Set(),
  instance: null,
  checkpoint: null,
  running: false,
  leftOut: [],
};

/** The whole list stays under five seconds; a check that is not done by then is not proven. */
const budgetMs = 4500;

/**
 * Runs every check that applies to the task, side by side, and changes nothing on either side. Never throws for
 * what it finds. `connectionError` is why the source or the destination could not be asked at all.
 */
export async function precheck(
  task: ResolvedTask,
  history: PrecheckHistory = noHistory,
): Promise<CheckReport & { connectionError?: RowferryError }> {
  const shared = new SharedFacts(task, history);
  try {
    const applying = checks.filter((check) => check.applies?.(task) ?? true);
    const results = await Promise.all(applying.map((check) => runOne(check, shared, task)));
    const { connectionError, address } = shared;
    return {
      results,
      successRate: successRate(results),
      ...(address !== undefined && { source: { user: task.source.user, address } }),
      ...(connectionError && { connectionError }),
    };
  } finally {
    await shared.close();
  }
}

/** Percent of the items that pass, of those that count; rounded down, so that 100 means all. */
export function successRate(results: readonly CheckResult[]): number {
  const counted = results.filter((r) => r.status !== 'information' && r.status !== 'skipped');
  const passed = counted.filter((r) => r.status === 'pass' || r.ignored);
  return counted.length === 0 ? 0 : Math.floor((passed.length / counted.length) * 100);
}

/**
 * Items for which a task may not run. `hasBegun`: one that goes on is held up by nothing that stops single tables, each
 * of which says so.
 */
export function openItems(results: readonly CheckResult[], hasBegun: boolean): CheckResult[] {
  return results.filter(
    ({ id, status, ignored }) =>
      (status === 'fail' && !(hasBegun && stoppingTables.has(id))) || (status === 'warning' && !ignored),
  );
}

const stoppingTables = new Set(checks.filter(({ stopsTables }) => stopsTables).map(({ id }) => id));

async function runOne(check: Check, shared: SharedFacts, task: ResolvedTask): Promise<CheckResult> {
  const { id, title, expected, why } = check;
  const base = { id, title, expected, why };
  const own = id === 'source-connection' || id === 'destination-connection';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((settle, fail) => {
    timer = setTimeout(
      () => {
        if (own) fail(shared.silent(id === 'source-connection' ? 'source' : 'destination'));
        else settle({ good: 'unproven', actual: 'not verified: the server did not respond in time' });
      },
      Math.max(0, shared.deadline + 300 - Date.now()),
    );
  });
  try {
    const outcome = await Promise.race([check.run(shared), late]);
    if (outcome.good === true) return { ...base, status: 'pass', actual: outcome.actual, fix: '' };
    if (outcome.good === 'unproven')
      return { ...base, status: 'skipped', actual: outcome.actual, fix: outcome.fix ?? '' };
    const status = check.severity === 'failure' ? 'fail' : check.severity;
    const ignored = status === 'warning' && task.ignoredChecks.includes(id);
    return {
      ...base,
      status,
      ...(ignored && { ignored }),
      actual: outcome.actual,
      fix: outcome.fix ?? '',
      ...(outcome.sql && { sql: outcome.sql.join('\n'), statements: outcome.sql }),
      ...(outcome.fixes && { fixes: outcome.fixes }),
      ...(outcome.at !== undefined && { at: outcome.at }),
    };
  } catch (error) {
    if (!(error instanceof RowferryError)) throw error;
    // Of one cause one item fails; the others say that they could not look.
    if (!own) return { ...base, status: 'skipped', actual: `not verified: ${error.message}`, fix: '' };
    const at = id === 'source-connection' ? 'source' : 'destination';
    return { ...base, status: 'fail', actual: error.message, fix: error.remedy, code: error.code, at };
  } finally {
    clearTimeout(timer);
  }
}

/** The facts that checks share, each fetched once. */
class SharedFacts implements CheckContext {
  readonly deadline = Date.now() + budgetMs;
  readonly created: ReadonlySet<string>;
  readonly remade: ReadonlySet<string>;
  readonly instance: string | null;
  readonly checkpoint: SourcePosition | null;
  readonly running: boolean;
  readonly leftOut: readonly ToolTable[];
  connectionError: RowferryError | undefined;
  /** Of the server that answered, as host:port. */
  address: string | undefined;
  readonly sessions = new Set<number>();
  readonly #open: SourceConnection[] = [];
  readonly #probes: DestinationProbe[] = [];

  constructor(
    readonly task: ResolvedTask,
    history: PrecheckHistory,
  ) {
    this.created = history.created;
    this.remade = history.remade;
    this.instance = history.instance;
    this.checkpoint = history.checkpoint;
    this.running = history.running;
    this.leftOut = history.leftOut;
  }

  readonly source = once(async () => {
    try {
      return await this.#connect();
    } catch (error) {
      throw this.#noted(error);
    }
  });
  readonly sampling = once(async () => {
    const only = await this.source();
    try {
      return await this.#connect();
    } catch (error) {
      if (error instanceof RowferryError && error.code === 'ROW-S114') return only;
      throw this.#noted(error);
    }
  });
  readonly facts = once(async () => (await this.source()).facts());
  readonly #variables = once(async () => {
    const connection = await this.source();
    const rows = await connection.query<{ Variable_name: string; Value: string }>('SHOW GLOBAL VARIABLES');
    return new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  });
  variable = async (name: string) => (await this.#variables()).get(name);
  readonly tables = once(async () => selectTables(await this.source(), this.task, this.leftOut));
  readonly planned = once(async () => plannedTables(await this.tables(), this.task));
  readonly destination = once(async () => {
    const probe = new DestinationProbe(this.task.destination);
    this.#probes.push(probe);
    try {
      await probe.tables();
      return probe;
    } catch (error) {
      throw this.#noted(error);
    }
  });

  async #connect(): Promise<SourceConnection> {
    const connection = await connectSource(this.task.source);
    this.#open.push(connection);
    this.sessions.add(connection.threadId);
    this.address ??= connection.address;
    return connection;
  }

  #noted(error: unknown): unknown {
    if (error instanceof RowferryError) this.connectionError ??= error;
    return error;
  }

  /** That a side has said nothing for as long as a check may take. */
  silent(side: 'source' | 'destination'): RowferryError {
    const { source, destination } = this.task;
    const error =
      side === 'source'
        ? new RowferryError('ROW-S101', `MySQL at ${source.host}:${source.port} did not respond in time.`)
        : new RowferryError('ROW-D101', `Tablestore at ${destination.endpoint} did not respond in time.`);
    this.connectionError ??= error;
    return error;
  }

  /** A query that is still running must not hold up the report. */
  async close(): Promise<void> {
    for (const connection of this.#open) {
      if (Date.now() > this.deadline) connection.destroy();
      else await connection.close();
    }
    for (const probe of this.#probes) probe.close();
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    // Whoever asks sees the failure; nobody asking is no defect.
    made.catch(() => {});
    return made;
  };
}
