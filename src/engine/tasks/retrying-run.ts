import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../shared/backoff.js';
import { RowferryError, type ErrorCode, type PlainError } from '../../shared/errors.js';
import type { ChangePlan } from '../../shared/change-plan.js';
import type { RunOutcome } from '../../shared/engine-api.js';
import type { ResolvedTask } from '../../shared/task.js';
import type { Tunable } from '../../shared/tuning.js';
import type { Log } from '../base/log.js';
import { plain } from './managed-task.js';
import type { ReplicationRun, RetryWindows, RunView } from './run.js';

/** What another attempt with fresh connections may mend, by the window that holds for it (`retry` in the task file). */
const windowOf: Partial<Record<ErrorCode, 'connection' | 'other'>> = {
  'ROW-S101': 'connection',
  'ROW-S107': 'connection',
  'ROW-D101': 'connection',
  'ROW-S114': 'connection',
  'ROW-S111': 'other',
};

/**
 * Refusals of an account that was let in before: locked, expired, dropped, or its password or TLS changed. Who did it
 * can undo it, and the task goes on by itself. So it is with the rights of one that has followed the source.
 */
const refusals = new Set<ErrorCode>(['ROW-S102', 'ROW-S110', 'ROW-S115']);
/** The same of the destination, which a run meets when it makes its tables. */
const destinationRefusal: ErrorCode = 'ROW-D102';

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** An attempt that worked for so long was a success: the next failure begins a window of its own. */
const healthyMs = 20_000;

/**
 * A run that is begun again from its checkpoint when it fails for a reason that passes. What happens inside one
 * attempt, connections lost and found again, is the attempt's own business; this is for what ends it.
 */
export class RetryingRun implements ReplicationRun {
  readonly #stopping = new AbortController();
  #current: ReplicationRun;
  #retry: RunView['retry'];
  #failingSinceMs: number | undefined;
  readonly #backoff = new Backoff(firstPauseMs, longestPauseMs, 'half');
  /** How far an attempt came. */
  #wasLetIn = false;
  #wasLetInThere = false;
  #hasFollowed = false;
  #paused = false;

  constructor(
    /** Asked anew for each attempt: the task may have been tuned since the last one. */
    private readonly make: () => ReplicationRun,
    /** Asked at each failure: tasks that share a source or destination share the shortest window. */
    private readonly windows: () => RetryWindows,
    private readonly log: Log,
    private readonly task: { readonly id: string; readonly name: string },
  ) {
    this.#current = make();
  }

  /** The last attempt has ended. */
  over = false;

  async run(): Promise<RunOutcome> {
    try {
      return await this.#attempts();
    } finally {
      this.over = true;
    }
  }

  async #attempts(): Promise<RunOutcome> {
    for (;;) {
      const began = Date.now();
      const outcome = await this.#runOnce();
      const { phase } = this.#current.view();
      this.#wasLetIn ||= phase !== 'none' && phase !== 'precheck';
      this.#wasLetInThere ||= phase === 'full' || phase === 'incremental';
      this.#hasFollowed ||= phase === 'incremental';
      const kind =
        outcome.state === 'failed' && outcome.error ? this.#windowOf(outcome.error.code) : undefined;
      if (!kind || !outcome.error || this.#stopping.signal.aborted) return outcome;
      const now = Date.now();
      if (this.#failingSinceMs === undefined || now - began > healthyMs) {
        this.#failingSinceMs = now;
        this.#backoff.reset();
      }
      const windows = this.windows();
      const untilMs = this.#failingSinceMs + (kind === 'connection' ? windows.connectionMs : windows.otherMs);
      if (now >= untilMs) return { state: 'failed', error: gaveUp(outcome.error, this.#backoff.failures) };
      const pause = this.#backoff.next();
      this.#retry = { error: outcome.error, attempt: this.#backoff.failures, untilMs };
      const { code, message } = outcome.error;
      this.log.warn(`restarting: ${message}`, { task: this.task, code });
      try {
        await delay(pause, undefined, { signal: this.#stopping.signal });
      } catch {
        return { state: 'stopped' };
      }
      this.#current = this.make();
      if (this.#paused) this.#current.pause();
    }
  }

  #windowOf(code: ErrorCode): 'connection' | 'other' | undefined {
    const mayPass =
      (code === 'ROW-S103' && this.#hasFollowed) ||
      (code === destinationRefusal && this.#wasLetInThere) ||
      (refusals.has(code) && this.#wasLetIn);
    return mayPass ? 'connection' : windowOf[code];
  }

  async #runOnce(): Promise<RunOutcome> {
    try {
      return await this.#current.run();
    } catch (error) {
      if (!(error instanceof RowferryError))
        this.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error), {
          task: this.task,
        });
      return { state: 'failed', error: plain(error) };
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current.stop();
  }

  pause(): void {
    this.#paused = true;
    this.#current.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#current.resume();
  }

  get paused(): boolean {
    return this.#paused;
  }

  tune(task: Tunable): void {
    this.#current.tune(task);
  }

  retryWithin(windows: RetryWindows): void {
    this.#current.retryWithin(windows);
  }

  planChanges(task: ResolvedTask): Promise<Omit<ChangePlan, 'atNextStart'>> {
    return this.#current.planChanges(task);
  }

  change(task: Pick<ResolvedTask, 'objects'>): Promise<void> {
    return this.#current.change(task);
  }

  reload(sources: readonly string[], remake: boolean): Promise<void> {
    return this.#current.reload(sources, remake);
  }

  get runningWriter(): ReplicationRun['runningWriter'] {
    return this.#current.runningWriter;
  }

  get known(): ReplicationRun['known'] {
    return this.#current.known;
  }

  settled(): Promise<void> {
    return this.#current.settled();
  }

  view(): RunView {
    const view = this.#current.view();
    if (!this.#retry || this.#stopping.signal.aborted) return view;
    if (view.state === 'running' || (view.state === 'paused' && view.phase !== 'none')) {
      this.#retry = undefined;
      return view;
    }
    const { error: _error, ...rest } = view;
    const state = this.#paused ? 'paused' : 'retrying';
    return { ...rest, state, retry: view.retry ?? this.#retry };
  }
}

function gaveUp(error: PlainError, attempts: number): PlainError {
  return { ...error, message: `Gave up after ${attempts} attempts: ${error.message}` };
}
