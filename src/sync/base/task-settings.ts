import type { ResolvedTask } from '../../shared/task.js';
import type { Tunable } from '../../shared/tuning.js';
import type { RetryWindows } from '../../tablestore/client/retry.js';
import { retryWindows } from './settings.js';
import type { Timing } from './timing.js';

/**
 * The one place where a run keeps its task. Tuning, retry windows and the selection change while it runs, each without
 * the others: so it is read when it is needed. Whoever keeps a copy goes on with what was said before.
 */
export class TaskSettings {
  constructor(
    private current: ResolvedTask,
    readonly timing: Timing,
  ) {}

  get task(): ResolvedTask {
    return this.current;
  }

  /** How long failures are tried again: what it gives is as long as it is when somebody asks. */
  readonly windows: RetryWindows = windowsOf(() => this.current);

  /** Takes these keys, and none besides. */
  tune({ throttle, write, class: tier, audit }: Tunable): void {
    this.current = { ...this.current, throttle, write, class: tier, audit };
  }

  retryWithin({ connectionMs, otherMs }: RetryWindows): void {
    const retry = { connectionMinutes: connectionMs / 60_000, otherMinutes: otherMs / 60_000 };
    this.current = { ...this.current, retry };
  }

  /** The task with another selection, as it would be. */
  selecting({ objects }: Pick<ResolvedTask, 'objects'>): ResolvedTask {
    return { ...this.current, objects };
  }

  select(selection: Pick<ResolvedTask, 'objects'>): void {
    this.current = this.selecting(selection);
  }
}

function windowsOf(task: () => ResolvedTask): RetryWindows {
  return {
    get connectionMs() {
      return retryWindows(task()).connectionMs;
    },
    get otherMs() {
      return retryWindows(task()).otherMs;
    },
  };
}
