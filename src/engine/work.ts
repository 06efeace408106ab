import type { StartOptions, VerifyProgress, VerifyReport } from '../shared/protocol.js';
import type { TaskSnapshot } from '../shared/snapshot.js';
import type { ResolvedTask } from '../shared/task.js';
import type { PrecheckHistory } from '../sync/precheck/index.js';
import type { Work } from './managed-task.js';

/** What the supervisor needs done, by the floors below. */
export interface Workshop {
  /** The work of one run, from where the store says it is. */
  work(task: ResolvedTask, options: StartOptions): Work;
  verify(
    task: ResolvedTask,
    options: { repair?: boolean },
    progress: (progress: VerifyProgress) => void,
    /** The work of the task's run, when it runs. */
    running: Work | undefined,
    /** Aborted with the error that the caller is to get. */
    signal: AbortSignal,
  ): Promise<VerifyReport>;
  /** Where a task stands that does not run, by its store. */
  standing(id: string): Pick<TaskSnapshot, 'position' | 'rows' | 'dirty'>;
  /** What the store knows of a task, for its precheck. */
  history(id: string): Omit<PrecheckHistory, 'running'>;
}
