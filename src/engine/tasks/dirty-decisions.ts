import type { DirtyFilter, RetryProgress } from '../../shared/task-control-api.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { Session } from '../ipc/server.js';
import { Cancellations } from './cancellations.js';
import type { ManagedTask } from './managed-task.js';
import type { TaskOperations } from './operations.js';

/** Whoever runs the tasks, as decisions on dirty records need it. */
export interface DecisionsHost {
  task(id: string): ManagedTask | undefined;
  save(managed: ManagedTask): void;
  changed(): void;
  retryProgress(id: string, progress: RetryProgress): void;
  /** Begins a run of the task with these settings; what comes of it is in its snapshot. */
  goOn(managed: ManagedTask, task: ResolvedTask, file: string): void;
  stop(id: string): void;
}

/** What people decide on dirty records, and what becomes of a task that waits for it. */
export class DirtyDecisions {
  readonly retries = new Cancellations('The retry was cancelled. Rows already written stay.');

  constructor(
    private readonly operations: TaskOperations,
    private readonly host: DecisionsHost,
  ) {}

  /**
   * Writes the rows again; how many were written. Throws ROW-E111 when it was cancelled, by its task or because its
   * client or the engine goes, and what reading and writing throw.
   */
  async retry(session: Session, task: ResolvedTask, filter: DirtyFilter): Promise<number> {
    const { id } = task;
    const tell = (progress: RetryProgress) => this.host.retryProgress(id, progress);
    try {
      return await this.retries.run(session, id, (signal) =>
        this.operations.retryDirty(task, filter, this.host.task(id)?.work, tell, signal),
      );
    } finally {
      // A task that is told of its secrets by the editor may go on in an engine that never ran it; a command ends.
      this.decided(task.id, task, session.kind === 'extension');
    }
  }

  /** How many records it was. */
  decide(id: string, filter: DirtyFilter, how: 'skip' | 'discard'): number {
    const count = this.operations.decideDirty(id, filter, how);
    this.decided(id);
    return count;
  }

  /**
   * Something was decided on dirty records: a task that waited for the last decision goes on, by the settings that came
   * with it, and is stopped when nothing here can make it go on. With the policy to skip there is nothing to wait for.
   */
  decided(id: string, task?: ResolvedTask, isTaken = false): void {
    const managed = this.host.task(id);
    if (!managed) return;
    if (task && (managed.task ?? isTaken) && !managed.active) managed.task = task;
    this.host.save(managed);
    this.host.changed();
    if (task?.dirtyData.policy === 'skip') this.#goOn(managed);
    else this.goOnWhenDecided(managed);
  }

  /** When no record of it waits for a decision. */
  goOnWhenDecided(managed: ManagedTask): void {
    if (this.operations.undecidedDirty(managed.id) === 0) this.#goOn(managed);
  }

  #goOn(managed: ManagedTask): void {
    const { task, active, startedBy } = managed;
    const { state, file } = managed.snapshot();
    if (active || managed.stopAsked || state !== 'blocked') return;
    if (!task || startedBy === 'cli') {
      if (this.operations.undecidedDirty(managed.id) === 0) this.host.stop(managed.id);
      return;
    }
    this.host.goOn(managed, task, file);
  }
}
