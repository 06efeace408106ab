import type { SourceConnection } from '../../mysql/connection.js';
import type { ServerFacts } from '../../mysql/server-facts.js';
import type { TableDefinition } from '../../mysql/model.js';
import type { SourcePosition } from '../../shared/position.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { TaskFix } from '../../shared/task-fix.js';
import type { ToolTable } from '../online-change/traces.js';
import type { DestinationProbe } from './destination-probe.js';
import type { PlannedTable } from './selection.js';

/**
 * failure: the task cannot start. warning: data is at risk, a person must accept it once by id.
 * information: worth knowing, never lowers the rate.
 */
export type Severity = 'failure' | 'warning' | 'information';

/** One item of the precheck. A new one is a file in checks/ and a line in the registry. */
export interface Check {
  /** Stable: people write it in ignoredChecks. */
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  readonly expected: string;
  /** What goes wrong otherwise. */
  readonly why: string;
  /** It is about single tables: once the task has begun, those that fail it stop alone, and hold nothing up. */
  readonly stopsTables?: true;
  /** False: this task does not need it, and the item is not shown. */
  applies?(task: ResolvedTask): boolean;
  /** May throw RowferryError: a source or destination out of reach makes it skipped, anything else not proven. */
  run(context: CheckContext): Promise<Outcome>;
}

export interface Outcome {
  /** true: as expected. 'unproven': it could not be found out in the time there is; does not lower the rate. */
  readonly good: boolean | 'unproven';
  readonly actual: string;
  /** What to do, in a sentence. */
  readonly fix?: string;
  /** Statements that mend it at the source, each to be run by itself. */
  readonly sql?: readonly string[];
  /** Changes of the task that mend it, each by itself. */
  readonly fixes?: readonly TaskFix[];
  /** The setting that it is about, by its key in the file: `objects[0].tables[1].filter`. */
  readonly at?: string;
}

/** Ways out besides the sentence that says what to do. */
export type Remedies = Pick<Outcome, 'fixes' | 'at'> & { sql?: string | readonly string[] };

export const good = (actual: string): Outcome => ({ good: true, actual });
export const bad = (actual: string, fix: string, { sql, fixes = [], at }: Remedies = {}): Outcome => ({
  good: false,
  actual,
  fix,
  ...(sql !== undefined && { sql: typeof sql === 'string' ? [sql] : sql }),
  ...(fixes.length > 0 && { fixes }),
  ...(at !== undefined && { at }),
});
export const unproven = (actual: string): Outcome => ({ good: 'unproven', actual });

/** What checks share: each fact is fetched once, when the first check asks. */
export interface CheckContext {
  readonly task: ResolvedTask;
  source(): Promise<SourceConnection>;
  /** Sessions that this precheck has at the source: they are gone when the task starts. */
  readonly sessions: ReadonlySet<number>;
  /** A second connection for questions to tables, so that they do not hold up the others. */
  sampling(): Promise<SourceConnection>;
  facts(): Promise<ServerFacts>;
  /** SHOW GLOBAL VARIABLES, names in lower case; undefined where the server has no such variable. */
  variable(name: string): Promise<string | undefined>;
  /** The selected tables as the source describes them. */
  tables(): Promise<readonly TableDefinition[]>;
  /** Each selected table with the name and key that it gets. Tables without a possible key are left out. */
  planned(): Promise<readonly PlannedTable[]>;
  destination(): Promise<DestinationProbe>;
  /** Destination tables that this task made in an earlier run. */
  readonly created: ReadonlySet<string>;
  /** Those of them that are deleted and made anew when the task starts. */
  readonly remade: ReadonlySet<string>;
  /** The instance that the task has written to; null when that is not known, or it has not. */
  readonly instance: string | null;
  /** Where the task would go on, if it ran before. */
  readonly checkpoint: SourcePosition | null;
  /** The task is running while it is checked: what looks like somebody else may be itself. */
  readonly running: boolean;
  /** What its stream has shown to belong to online schema changes. */
  readonly leftOut: readonly ToolTable[];
  /** Epoch ms after which a check that samples should stop and say what is not proven. */
  readonly deadline: number;
}

/** The binlog matters to a task that follows it, or replays it after the load. */
export function usesBinlog(task: ResolvedTask): boolean {
  return task.synchronization.incremental;
}

/** `a, b, c and 7 more`. */
export function some(items: readonly string[], most = 5): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(', ')} and ${rest} more` : items.join(', ');
}
