import type { VerifyChoice, VerifyProgress, VerifyReport } from '../../shared/verify-report.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { LastVerify } from '../../shared/task-control-api.js';
import { Cancellations } from './cancellations.js';
import type { TaskOperations } from './operations.js';
import type { ReplicationRun } from './run.js';

/** Comparisons that are under way, and the newest outcome of each task. */
export class Verifications extends Cancellations {
  /** In memory alone: a report holds values of rows. */
  readonly #last = new Map<string, LastVerify>();

  constructor(
    private readonly operations: Pick<TaskOperations, 'verify'>,
    private readonly progress: (id: string, progress: VerifyProgress) => void,
  ) {
    super('The verification was cancelled.');
  }

  /** Throws ROW-E111 when it was cancelled: by its task, or because its client or the engine goes. */
  verify(
    owner: object,
    task: ResolvedTask,
    options: VerifyChoice,
    work: ReplicationRun | undefined,
  ): Promise<VerifyReport> {
    const { id } = task;
    const compare = async (signal: AbortSignal) => {
      const tell = (progress: VerifyProgress) => this.progress(id, progress);
      const report = await this.operations.verify(task, options, tell, work, signal);
      // Counts alone are no comparison.
      if (!options.quick) this.#last.set(id, { report, atMs: Date.now(), repaired: options.repair ?? false });
      return report;
    };
    return this.run(owner, id, compare, options.call);
  }

  last(id: string): LastVerify | null {
    return this.#last.get(id) ?? null;
  }

  forget(id: string): void {
    this.#last.delete(id);
  }
}
