import type { ResolvedTask } from '../../shared/task.js';
import type { RetryWindows } from '../../tablestore/client/retry.js';
import { standardWriterSettings, type WriterSettings } from '../../tablestore/writer/writer.js';

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
export function writerSettings(task: ResolvedTask): WriterSettings {
  const { write, throttle } = task;
  const standard = classRows[task.class];
  const rows = (own: number | null) =>
    own === null ? standard : standard === null ? own : Math.min(own, standard);
  return {
    ...standardWriterSettings,
    batch: write.batch,
    queueSize: write.queueSize,
    concurrency: write.concurrency,
    buckets: write.buckets,
    fullRate: {
      rowsPerSecond: rows(throttle.full.rowsPerSecond),
      megabytesPerSecond: throttle.full.megabytesPerSecond,
    },
    incrementalRate: {
      rowsPerSecond: rows(throttle.incremental.rowsPerSecond),
      megabytesPerSecond: throttle.incremental.megabytesPerSecond,
    },
    windows: retryWindows(task),
  };
}

/** Is the incremental slowed down by a setting? */
export function isThrottled(task: ResolvedTask): boolean {
  const { rowsPerSecond, megabytesPerSecond } = writerSettings(task).incrementalRate;
  return rowsPerSecond !== null || megabytesPerSecond !== null;
}
