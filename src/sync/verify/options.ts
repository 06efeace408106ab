import type { ResolvedTask } from '../../shared/task.js';
import type { VerifyProgress } from '../../shared/verify-report.js';
import type { Timing } from '../base/timing.js';
import type { Known } from '../source/row-sessions.js';
import type { TaskStore } from '../state/task-store.js';
import type { Settled } from '../rows/hold-keys.js';
import type { RepairWriter } from './repair.js';

export interface VerifyOptions {
  task: ResolvedTask;
  timing: Pick<Timing, 'verifyLooksMs'>;
  /** No older row is compared. */
  known: Known;
  /** What is known of the task: dirty records, rows kept, tables that stopped. null: nothing. */
  store: TaskStore | null;
  signal: AbortSignal;
  progress: (progress: VerifyProgress) => void;
  /** The task runs: rows may be on their way, so what differs is looked at again. */
  running: boolean;
  /** Puts right what differs, by this writer. */
  repairBy?: RepairWriter;
  /** Of the stream by which that writer writes, when the task runs. */
  settled?: Settled;
}
