import { RowferryError } from '../../shared/errors.js';
import type { VerifyChoice, VerifyProgress, VerifyReport } from '../../shared/verify-report.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { LastVerify } from '../../shared/task-control-api.js';
import type { TaskOperations } from './operations.js';
import type { ReplicationRun } from './run.js';

interface Verification {
  id: string;
  owner: object;
  abort: AbortController;
}

/** Comparisons that are under way, each with the client that asked for it, and the newest outcome of each task. */
export class Verifications {
  readonly #running = new Set<Verification>();
  /** In memory alone: a report holds values of rows. */
  readonly #last = new Map<string, LastVerify>();

  constructor(
    private readonly operations: Pick<TaskOperations, 'verify'>,
    private readonly progress: (id: string, progress: VerifyProgress) => void,
  ) {}

  /** Throws ROW-E111 when it was cancelled: by its task, or because its client or the engine goes. */
  async run(
    owner: object,
    task: ResolvedTask,
    options: VerifyChoice,
    work: ReplicationRun | undefined,
  ): Promise<VerifyReport> {
    const { id } = task;
    const verification = { id, owner, abort: new AbortController() };
    const { signal } = verification.abort;
    this.#running.add(verification);
    try {
      const tell = (progress: VerifyProgress) => this.progress(id, progress);
      const report = await this.operations.verify(task, options, tell, work, signal);
      // Counts alone are no comparison.
      if (!options.quick) this.#last.set(id, { report, atMs: Date.now(), repaired: options.repair ?? false });
      return report;
    } catch (error) {
      // What was under way when it was cancelled may have failed in its own words.
      throw signal.aborted ? signal.reason : error;
    } finally {
      this.#running.delete(verification);
    }
  }

  last(id: string): LastVerify | null {
    return this.#last.get(id) ?? null;
  }

  forget(id: string): void {
    this.#last.delete(id);
  }

  cancelOf(id: string): void {
    this.#cancel((verification) => verification.id === id);
  }

  cancelBy(owner: object): void {
    this.#cancel((verification) => verification.owner === owner);
  }

  cancelAll(): void {
    this.#cancel(() => true);
  }

  #cancel(which: (verification: Verification) => boolean): void {
    for (const verification of this.#running) {
      if (which(verification))
        verification.abort.abort(new RowferryError('ROW-E111', 'The verification was cancelled.'));
    }
  }
}
