import type { ResolvedTask } from '../../shared/task.js';
import type { ManagedTask } from './managed-task.js';
import type { RetryWindows } from './run.js';

/** One that gave up so long ago gave up on the same outage that others still wait out. */
const outageMs = 60_000;

/** How long a task retries: tasks that share a source or a destination wait no longer than the most impatient of them. */
export function sharedWindows(task: ResolvedTask, all: Iterable<ManagedTask>): RetryWindows {
  const sharing = [...all].flatMap((t) =>
    (t.active || Date.now() - t.gaveUpMs < outageMs) && t.task && shares(t.task, task) ? [t.task] : [],
  );
  const shortest = (of: (t: ResolvedTask) => number) => Math.min(of(task), ...sharing.map(of)) * 60_000;
  return {
    connectionMs: shortest((t) => t.retry.connectionMinutes),
    otherMs: shortest((t) => t.retry.otherMinutes),
  };
}

/** The task with these windows in place of its own. */
export function withWindows(task: ResolvedTask, windows: RetryWindows): ResolvedTask {
  const retry = { connectionMinutes: windows.connectionMs / 60_000, otherMinutes: windows.otherMs / 60_000 };
  return { ...task, retry };
}

function shares(a: ResolvedTask, b: ResolvedTask): boolean {
  const sameSource = a.source.host === b.source.host && a.source.port === b.source.port;
  const sameDestination =
    a.destination.endpoint === b.destination.endpoint && a.destination.instance === b.destination.instance;
  return sameSource || sameDestination;
}
