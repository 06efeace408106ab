import type { StartOptions } from '../../shared/engine-api.js';
import type { VerifyChoice, VerifyProgress, VerifyReport } from '../../shared/verify-report.js';
import type { PlainError } from '../../shared/errors.js';
import type { SourcePosition } from '../../shared/position.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { PrecheckHistory } from '../../sync/precheck/index.js';
import type { DirtyFilter, DirtyPage, RetryProgress } from '../../shared/task-control-api.js';
import type { Log } from '../base/log.js';
import type { EngineStore } from '../store/engine-store.js';
import type { ReplicationRun } from './run.js';

/** What the supervisor needs done, by the floors below. */
export interface TaskOperations {
  /** The work of one run, from where the store says it is. */
  work(task: ResolvedTask, options: StartOptions): ReplicationRun;
  verify(
    task: ResolvedTask,
    options: VerifyChoice,
    progress: (progress: VerifyProgress) => void,
    /** The work of the task's run, when it runs. */
    running: ReplicationRun | undefined,
    /** Aborted with the error that the caller is to get. */
    signal: AbortSignal,
  ): Promise<VerifyReport>;
  /** The next run goes on from there. Throws ROW-E109 before the first one. */
  setPosition(id: string, position: SourcePosition): void;
  /** Where a task stands that does not run, by its store. */
  standing(id: string): Pick<TaskSnapshot, 'position' | 'rows' | 'dirty'>;
  dirtyPage(id: string, filter: DirtyFilter, page: { offset: number; limit: number }): DirtyPage;
  /** Reads the rows of records as they are now and writes them. How many are at the destination. */
  retryDirty(
    task: ResolvedTask,
    filter: DirtyFilter,
    running: ReplicationRun | undefined,
    progress: (progress: RetryProgress) => void,
    /** Aborted with the error that the caller is to get. */
    signal: AbortSignal,
  ): Promise<number>;
  /** Their rows stay unwritten; 'discard' forgets the records too. How many. */
  decideDirty(id: string, filter: DirtyFilter, how: 'skip' | 'discard'): number;
  /** Records that hold the task's checkpoint and wait for a decision. */
  undecidedDirty(id: string): number;
  /** What a blocked task waits for, as it is by now; null: for nothing any more. */
  blockedBy(id: string): PlainError | null;
  /** Source tables of a task, as its store knows them. */
  tables(id: string): string[];
  /** They are loaded anew, and swept: at once by the run, when there is one, else by the next. Throws RowferryError. */
  reload(
    id: string,
    sources: readonly string[],
    remake: boolean,
    running: ReplicationRun | undefined,
  ): Promise<void>;
  /** The next run begins as if there had been none, and sweeps. */
  reset(id: string): void;
  /** What the store knows of a task, for its precheck. */
  history(task: ResolvedTask): Omit<PrecheckHistory, 'running'>;
}

/** Makes what does the work of tasks on this engine's store. */
export type MakeTaskOperations = (store: EngineStore, log: Log) => TaskOperations;
