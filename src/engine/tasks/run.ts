import type { ChangePlan } from '../../shared/change-plan.js';
import type { RunOutcome } from '../../shared/engine-api.js';
import type { SourcePosition } from '../../shared/position.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { Tunable } from '../../shared/tuning.js';
import type { TablestoreWriter } from '../../tablestore/writer/writer.js';

/** How long a failure is tried again, ms. */
export interface RetryWindows {
  connectionMs: number;
  otherMs: number;
}

/** What replication tells of itself, whenever asked. */
export type RunView = Omit<TaskSnapshot, 'id' | 'name' | 'file' | 'engineRss' | 'atMs'>;

/** A run of a task, from its start to its end. */
export interface ReplicationRun {
  /** Settles when the work is over. Throws RowferryError when it failed. */
  run(): Promise<RunOutcome>;
  /** Drains, saves the checkpoint; run() settles. Safe to call again, and before run(). */
  stop(): Promise<void>;
  view(): RunView;
  /** Reads and writes nothing until resume(). Safe to call again, and before run(). */
  pause(): void;
  resume(): void;
  /** pause() was called, and resume() not since. */
  readonly paused: boolean;
  /** Takes the tuning keys of the task as they are now. */
  tune(task: Tunable): void;
  /** How long it tries again from now on: tasks that share a server wait no longer than the most impatient of them. */
  retryWithin(windows: RetryWindows): void;
  /** What the selection of a task would mean in place of the present one; nothing is changed. */
  planChanges(task: ResolvedTask): Promise<Omit<ChangePlan, 'atNextStart'>>;
  /** Takes the selection of a task in place of the present one. Throws ROW-T106. */
  change(task: Pick<ResolvedTask, 'objects'>): Promise<void>;
  /** Loads tables again while it runs. Throws ROW-E101 when it cannot now, ROW-E109 when it ends before. */
  reload(sources: readonly string[], remake: boolean): Promise<void>;
  /**
   * For whatever else writes rows of the task meanwhile: order per key is kept by this one writer (correctness rule 11).
   * null: it may not write, not yet or not any more.
   */
  readonly runningWriter: TablestoreWriter | null;
  /** What it has seen of its source; null: nothing yet, or there is no binlog. */
  readonly known: SourcePosition | null;
  /** Settles when a read of the source shows all that the run has been sent. Throws ROW-S107. */
  settled(): Promise<void>;
  /** It has ended. */
  readonly over: boolean;
}
