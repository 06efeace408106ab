import { loadTables as loadDefinitions } from '../../mysql/catalog.js';
import type { SourceConnection } from '../../mysql/connection.js';
import { charsetsOf, loadCharsetDecoders, type CharsetDecoders } from '../../mysql/types/index.js';
import { RowferryError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import { parseSourceName } from '../../shared/source-name.js';
import type { Operation, ResolvedTask } from '../../shared/task.js';
import type { ChangeOwner } from '../../tablestore/client/model.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';
import { compileEtl, type EtlProgram } from '../etl/compile.js';
import type { RowLocator } from '../mapping/locator.js';
import { planTable, selectionOf, type PlanProblem, type TablePlan } from '../mapping/plan.js';
import { SessionCache } from '../source/session-cache.js';
import type { Known } from '../source/row-sessions.js';
import { DirtyNow, takeRow } from '../rows/current-row.js';
import { RowTransform } from '../mapping/transform.js';

/** A dirty record whose row is tried again. */
export interface RetriedRecord {
  readonly id: number;
  readonly source: string;
  readonly operation: Operation;
  readonly position: SourcePosition | null;
  readonly locator: RowLocator | null;
  /** The checkpoint waits for it, so that the replay meets the row again. */
  readonly holds: boolean;
}

export interface DirtyRetryOptions {
  readonly task: ResolvedTask;
  /** No older row is written. */
  readonly known: Known;
  readonly writer: Pick<TablestoreWriter, 'hold' | 'drain'>;
  /** Aborted when no further record is to be begun. */
  readonly signal: AbortSignal;
  /** `database.table` to both names, as far as the task knows its tables. */
  readonly tables: ReadonlyMap<string, { database: string; name: string }>;
  /**
   * The row is at the destination as it is now, or the source gives no such row any more, or the replay that the record
   * holds back will read it.
   */
  readonly written: (id: number) => void;
  /** It cannot be written as it is now either. */
  readonly failed: (id: number, code: string, message: string) => void;
}

/** Records that are worked on side by side. */
const atOnce = 4;

/**
 * Writes the rows of dirty records as they are at the source now, by the mapping that the task has now, each while
 * its key is held (correctness rule 11). Throws RowferryError when the source or destination cannot be reached, or the
 * mapping does not fit; records not yet told are untouched then.
 */
export class DirtyRetry {
  private readonly targets = new Map<string, Promise<Target | string>>();
  private readonly etl: EtlProgram | null;
  private readonly sessions: SessionCache;

  constructor(private readonly options: DirtyRetryOptions) {
    this.etl = compileEtl(options.task.etl);
    this.sessions = new SessionCache(options.task.source, atOnce, options.known);
  }

  async run(records: readonly RetriedRecord[]): Promise<void> {
    const waiting = [...records];
    const work = async () => {
      for (let record = waiting.shift(); record; record = waiting.shift()) {
        this.options.signal.throwIfAborted();
        await this.retry(record);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: atOnce }, work));
    await this.sessions.close();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private async retry(record: RetriedRecord): Promise<void> {
    const { options } = this;
    const target = await this.target(record.source);
    if (typeof target === 'string') return options.failed(record.id, 'ROW-S108', target);
    if (record.locator === null) {
      if (record.holds) return options.written(record.id);
      return options.failed(
        record.id,
        'ROW-V104',
        'The record does not contain the key of its row (masked or unreadable), so the row cannot be found. Reload its table.',
      );
    }
    const { plan, charsets } = target;
    const context = {
      ...options,
      charsets,
      ask: <T>(read: (connection: SourceConnection) => Promise<T>) => this.sessions.ask('snapshot', read),
    };
    try {
      const found = await takeRow(context, {
        plan,
        transform: new RowTransform(plan, this.etl),
        locator: record.locator,
        operation: record.operation,
        isThere: record.operation === 'UPDATE',
        commitMicros: record.position?.commitMicros ?? null,
      });
      if (!found) return options.written(record.id);
      const refused = await new Promise<{ code: string; message: string } | null>((resolve, reject) => {
        const owner: ChangeOwner = {
          acknowledged: () => resolve(null),
          rejected: (_change, error) => resolve(error),
        };
        found.hold.release({ ...found.change, owner, tag: 0 });
        // When the writer ends, no owner is told any more.
        options.writer.drain().catch(reject);
      });
      if (refused) options.failed(record.id, refused.code, refused.message);
      else options.written(record.id);
    } catch (error) {
      if (!(error instanceof DirtyNow)) throw error;
      options.failed(record.id, error.code, error.message);
    }
  }

  private target(source: string): Promise<Target | string> {
    let target = this.targets.get(source);
    if (!target) this.targets.set(source, (target = this.findTarget(source)));
    return target;
  }

  /** Where rows of the table go now, or why they go nowhere. */
  private async findTarget(source: string): Promise<Target | string> {
    const { task, tables } = this.options;
    const pair = tables.get(source) ?? parseSourceName(source);
    if (!pair) return `The task no longer selects ${source}.`;
    const { database, name } = pair;
    return this.sessions.ask('query', async (connection) => {
      const caseSensitive = (await connection.facts()).lowerCaseTableNames === 0;
      const selection = selectionOf(task, { database, name, caseSensitive });
      if (!selection) return `The task no longer selects ${source}.`;
      const [definition] = await loadDefinitions(connection, [{ database, table: name }]);
      if (!definition) return `The table ${source} no longer exists.`;
      const problems: PlanProblem[] = [];
      const plan = planTable(task, definition, selection.mapping, problems);
      if (!plan) throw new RowferryError('ROW-T102', problems[0]!.message);
      const charsets = await loadCharsetDecoders(
        (sql) => connection.query(sql),
        charsetsOf(definition.columns),
      );
      return { plan, charsets };
    });
  }
}

interface Target {
  plan: TablePlan;
  charsets: CharsetDecoders;
}
