import { randomUUID } from 'node:crypto';
import type { CheckReport } from '../../shared/check-report.js';
import { RowferryError } from '../../shared/errors.js';
import type { StatementAnswer } from '../../shared/task-control-api.js';
import type { ResolvedTask, SourceSettings } from '../../shared/task.js';
import { runStatement } from '../../sync/source/run-statement.js';
import { openItems, precheck } from '../../sync/precheck/index.js';
import type { Log } from '../base/log.js';
import type { EngineStore } from '../store/engine-store.js';
import { fingerprint } from './managed-task.js';
import type { TaskOperations } from './operations.js';

/** Lets those tasks begin that pass their precheck, and keeps the newest report of each. */
export class PrecheckGate {
  /** Of those tasks too that the store does not know yet. */
  readonly #reports = new Map<string, CheckReport>();
  /** By task: the server that its newest report is about, until a statement of that report was run. */
  readonly #checked = new Map<string, { report: CheckReport; source: SourceSettings }>();

  constructor(
    private readonly store: EngineStore,
    private readonly operations: TaskOperations,
    private readonly isRunning: (id: string) => boolean,
    private readonly log: Log,
  ) {}

  async check(task: ResolvedTask): Promise<CheckReport> {
    return (await this.#check(task)).report;
  }

  /**
   * The first statement that an item of the newest report proposes, run on the server that this report is about. Throws
   * ROW-E117 when that report is another one, has no such item, or had a statement run already.
   */
  async runProposal(id: string, wanted: { report: string; check: string }): Promise<StatementAnswer> {
    const checked = this.#checked.get(id);
    const item = checked?.report.results.find(({ id: check }) => check === wanted.check);
    const statement = item?.statements?.[0];
    const address = checked?.report.source?.address;
    if (!checked || checked.report.id !== wanted.report || statement === undefined || address === undefined)
      throw new RowferryError('ROW-E117', 'The newest precheck of the task does not propose this statement.');
    this.#checked.delete(id);
    this.log.info(`a person runs at ${address}: ${statement}`, { task: { id } });
    return runStatement(checked.source, address, statement);
  }

  last(id: string): CheckReport | null {
    return this.#reports.get(id) ?? this.store.known().find((t) => t.id === id)?.report ?? null;
  }

  forget(id: string): void {
    this.#reports.delete(id);
    this.#checked.delete(id);
  }

  /**
   * A task that passed and did not change since goes on without asking again: its source may be down just now. Throws
   * ROW-E102, or why the source or the destination cannot be asked.
   */
  async mustPass(task: ResolvedTask): Promise<void> {
    const mark = fingerprint(task);
    const known = this.store.known().find((t) => t.id === task.id);
    const hasBegun = this.operations.history(task).checkpoint !== null;
    if (known?.checkedAs === mark && hasBegun) return;
    const { connectionError, report } = await this.#check(task);
    const open = openItems(report.results, hasBegun);
    this.store.saveCheck(task.id, report, open.length === 0 ? mark : null);
    if (connectionError) throw connectionError;
    if (open.length === 0) return;
    const items = open.map((r) => `${r.id} (${r.actual})`).join('; ');
    throw new RowferryError(
      'ROW-E102',
      `The precheck of ${task.name} reached ${report.successRate} %: ${items}`,
    );
  }

  async #check(task: ResolvedTask) {
    const history = { ...this.operations.history(task), running: this.isRunning(task.id) };
    const { connectionError, ...found } = await precheck(task, history);
    const hasStatements = found.source && found.results.some(({ statements }) => statements);
    const report: CheckReport = { ...found, ...(hasStatements && { id: randomUUID() }) };
    this.#reports.set(task.id, report);
    if (hasStatements) this.#checked.set(task.id, { report, source: task.source });
    else this.#checked.delete(task.id);
    return { report, connectionError };
  }
}
