import type { CheckReport } from '../../shared/check-report.js';
import { RowferryError } from '../../shared/errors.js';
import type { ResolvedTask } from '../../shared/task.js';
import { openItems, precheck } from '../../sync/precheck/index.js';
import type { EngineStore } from '../store/engine-store.js';
import { fingerprint } from './managed-task.js';
import type { TaskOperations } from './operations.js';

/** Lets those tasks begin that pass their precheck, and keeps the newest report of each. */
export class PrecheckGate {
  /** Of those tasks too that the store does not know yet. */
  readonly #reports = new Map<string, CheckReport>();

  constructor(
    private readonly store: EngineStore,
    private readonly operations: TaskOperations,
    private readonly isRunning: (id: string) => boolean,
  ) {}

  async check(task: ResolvedTask): Promise<CheckReport> {
    const { connectionError: _, ...report } = await this.#check(task);
    this.#reports.set(task.id, report);
    return report;
  }

  last(id: string): CheckReport | null {
    return this.#reports.get(id) ?? this.store.known().find((t) => t.id === id)?.report ?? null;
  }

  forget(id: string): void {
    this.#reports.delete(id);
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
    const { connectionError, ...report } = await this.#check(task);
    const open = openItems(report.results, hasBegun);
    this.store.saveCheck(task.id, report, open.length === 0 ? mark : null);
    this.#reports.set(task.id, report);
    if (connectionError) throw connectionError;
    if (open.length === 0) return;
    const items = open.map((r) => `${r.id} (${r.actual})`).join('; ');
    throw new RowferryError(
      'ROW-E102',
      `The precheck of ${task.name} reached ${report.successRate} %: ${items}`,
    );
  }

  #check(task: ResolvedTask) {
    return precheck(task, { ...this.operations.history(task), running: this.isRunning(task.id) });
  }
}
