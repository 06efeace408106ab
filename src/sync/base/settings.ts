import type { ResolvedTask } from '../../shared/task.js';
import type { RetryWindows } from '../../tablestore/client/retry.js';
import type { Rate } from '../../tablestore/writer/throttle.js';
import { standardWriterSettings, type WriterSettings } from '../../tablestore/writer/writer.js';
import type { Timing } from './timing.js';

/** Rows a second of the instance classes (`class` in the task file, as in DTS). */
const classRows: Record<ResolvedTask['class'], number | null> = {
  micro: 200,
  small: 2000,
  medium: 5000,
  large: 10_000,
  unlimited: null,
};

/** How long the task tries again, in the words of whatever retries. */
export function retryWindows({ retry }: Pick<ResolvedTask, 'retry'>): RetryWindows {
  return { connectionMs: retry.connectionMinutes * 60_000, otherMs: retry.otherMinutes * 60_000 };
}

/** What the task says of writing, in the words of the writer. */
export function writerSettings(
  task: ResolvedTask,
  { lateWriteMs }: Pick<Timing, 'lateWriteMs'>,
): WriterSettings {
  const { write } = task;
  return {
    ...standardWriterSettings,
    batch: write.batch,
    queueSize: write.queueSize,
    concurrency: write.concurrency,
    buckets: write.buckets,
    fullRate: rateOf(task, 'full'),
    incrementalRate: rateOf(task, 'incremental'),
    windows: retryWindows(task),
    lateWriteMs,
  };
}

/** The lower of what the class of the task and its throttle allow. */
function rateOf({ class: tier, throttle }: ResolvedTask, phase: 'full' | 'incremental'): Rate {
  const { rowsPerSecond: own, megabytesPerSecond } = throttle[phase];
  const standard = classRows[tier];
  const rowsPerSecond = own === null ? standard : standard === null ? own : Math.min(own, standard);
  return { rowsPerSecond, megabytesPerSecond };
}

/** Is the incremental slowed down by a setting? */
export function isThrottled(task: ResolvedTask): boolean {
  const { rowsPerSecond, megabytesPerSecond } = rateOf(task, 'incremental');
  return rowsPerSecond !== null || megabytesPerSecond !== null;
}
