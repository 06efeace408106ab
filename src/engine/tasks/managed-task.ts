import { createHash } from 'node:crypto';
import { RowferryError, type PlainError } from '../../shared/errors.js';
import type { RunOutcome, StartOptions } from '../../shared/engine-api.js';
import type { SourcePosition } from '../../shared/position.js';
import type { TaskSnapshot, TaskState } from '../../shared/snapshot.js';
import type { ResolvedTask } from '../../shared/task.js';
import { isRunning } from '../../shared/task-actions.js';
import type { Session } from '../ipc/server.js';
import type { ReplicationRun, RunView } from './run.js';

const quiet: RunView = {
  state: 'stopped',
  phase: 'none',
  tables: [],
  rows: { full: 0, inserted: 0, updated: 0, deleted: 0 },
  rowsPerSecond: 0,
  bytesPerSecond: 0,
  latencyMs: null,
  position: null,
  caughtUp: false,
  dirty: 0,
};

/** A task of this engine: its last words while it rests, its work while it runs. */
export class ManagedTask {
  /** Secrets included; undefined until a client starts the task in this process. */
  task: ResolvedTask | undefined;
  options: StartOptions = {};
  /** Who asked for the run; undefined when nobody does any more, or nobody in particular. */
  owner: Session | undefined;
  startedMs = 0;
  /** When it gave up on a server that cannot be reached; 0: it did not. */
  gaveUpMs = 0;
  /** Number of the run: begin() makes it one more. */
  run = 0;
  /** What asked for the run: one of the command line ends for good when it is blocked. */
  startedBy: Session['kind'] | undefined;
  #work: ReplicationRun | undefined;
  #running: Promise<void> | undefined;
  #stopAsked = false;
  /** Ends what begins at once: a check of a server that does not answer may take its time. */
  #giveUp: () => void = () => {};
  #suspended = false;
  #last: TaskSnapshot;

  /** `keptRunning`: what an earlier engine ran of it was to go on when nobody is attached. */
  constructor(snapshot: TaskSnapshot | { id: string; name: string; file: string }, keptRunning = false) {
    this.#last = { ...quiet, engineRss: 0, atMs: Date.now(), ...snapshot };
    // The process that was doing something has gone with it.
    if (isRunning(this.#last.state)) {
      this.#last = { ...atRest(this.#last), state: keptRunning ? 'waiting-for-credentials' : 'stopped' };
    }
  }

  get id(): string {
    return this.#last.id;
  }

  get name(): string {
    return this.#last.name;
  }

  get active(): boolean {
    return this.#running !== undefined;
  }

  /** For a client that brings the secrets of a task that is to keep running. */
  get waits(): boolean {
    return !this.active && this.#last.state === 'waiting-for-credentials';
  }

  get stopAsked(): boolean {
    return this.#stopAsked;
  }

  get work(): ReplicationRun | undefined {
    return this.#work;
  }

  snapshot(): TaskSnapshot {
    const view = this.#work?.view();
    if (view) {
      // An attempt that only begins has not read its tables yet: they stay in sight.
      const tables = view.tables.length > 0 ? view.tables : this.#last.tables;
      const { audit, ...last } = lasting(this.#last);
      // What the last run's audit came to stays in sight until this one's begins, or it has none.
      const audited = view.phase === 'incremental' ? undefined : audit;
      this.#last = { ...last, ...(audited && { audit: audited }), ...view, tables };
      if (this.#stopAsked && view.state !== 'failed' && view.state !== 'completed')
        this.#last.state = 'stopping';
    }
    return { ...this.#last, engineRss: process.memoryUsage.rss(), atMs: Date.now() };
  }

  /**
   * Begins a run. `prepare` checks and gives the work; a failure of it is the caller's to report, one of the work
   * is reported by `ended`.
   */
  async begin(
    task: ResolvedTask,
    file: string,
    prepare: () => Promise<ReplicationRun>,
    ended: (outcome: RunOutcome) => void,
  ): Promise<void> {
    this.task = task;
    this.#stopAsked = false;
    this.startedMs = Date.now();
    this.run++;
    this.#last = { ...lasting(this.#last), name: task.name, file, state: 'starting', phase: 'precheck' };
    let finish: () => void = () => {};
    this.#running = new Promise((settle) => (finish = settle));
    const over = (outcome: RunOutcome) => {
      this.#rest(outcome.state, outcome.error);
      finish();
    };
    const givenUp = new Promise<null>((settle) => (this.#giveUp = () => settle(null)));
    let work: ReplicationRun | null;
    try {
      work = await Promise.race([prepare(), givenUp]);
    } catch (error) {
      over({ state: 'failed', error: plain(error) });
      throw error;
    }
    if (work === null || this.#stopAsked) {
      over({ state: 'stopped' });
      ended({ state: 'stopped' });
      return;
    }
    this.#work = work;
    void work.run().then(
      (outcome) => {
        over(outcome);
        ended(outcome);
      },
      (error: unknown) => {
        const outcome: RunOutcome = { state: 'failed', error: plain(error) };
        over(outcome);
        ended(outcome);
      },
    );
  }

  /** The stop that follows is not a person's: the task waits to be started again. */
  suspend(): void {
    this.#suspended = true;
  }

  /** While it rests: what was kept of it is gone. */
  renewed(): void {
    const { id, name, file } = this.#last;
    this.#last = { ...quiet, engineRss: 0, atMs: Date.now(), id, name, file };
  }

  /** While it rests: its next run goes on from there. */
  moved(position: SourcePosition): void {
    this.#last = { ...this.#last, position, caughtUp: false };
  }

  /** Settles when the run is over, and nothing begins another by itself; at once when there is none. */
  async stop(): Promise<void> {
    this.#stopAsked = true;
    this.#giveUp();
    await this.#work?.stop();
    await this.#running;
    if (!this.#suspended && waiting.has(this.#last.state))
      this.#last = { ...lasting(this.#last), state: 'stopped' };
  }

  /** A run that is about to be over is: settles at once when there is none, or when it goes on. */
  async ended(): Promise<void> {
    if (this.#stopAsked) await this.stop();
    else if (!isRunning(this.snapshot().state)) await this.#running;
  }

  #rest(state: TaskState, error: PlainError | undefined): void {
    this.snapshot();
    this.gaveUpMs = error && unreachable.has(error.code) ? Date.now() : 0;
    this.#work = undefined;
    this.#running = undefined;
    this.owner = undefined;
    const rests = this.#suspended && state === 'stopped' ? 'waiting-for-credentials' : state;
    this.#last = { ...atRest(this.#last), state: rests, ...(error && { error }) };
  }
}

/** What holds on when a run begins, goes on or ends: an error, a retry or a limit that is over must not stay behind. */
function lasting(snapshot: TaskSnapshot): TaskSnapshot {
  const {
    retry: _retry,
    error: _error,
    throttle: _throttle,
    tuning: _tuning,
    strain: _strain,
    ...rest
  } = snapshot;
  return rest;
}

/** A task that does not run writes nothing, and how far it is behind nobody knows. */
function atRest(snapshot: TaskSnapshot): TaskSnapshot {
  return {
    ...lasting(snapshot),
    rowsPerSecond: 0,
    bytesPerSecond: 0,
    latencyMs: null,
    lagTransactions: null,
  };
}

/** For a person, or a client with the secrets: then they go on. */
const waiting = new Set<TaskState>(['blocked', 'waiting-for-credentials']);
const unreachable = new Set<string>(['ROW-S101', 'ROW-S107', 'ROW-S112', 'ROW-S114', 'ROW-D101', 'ROW-D109']);

export function plain(error: unknown): PlainError {
  if (error instanceof RowferryError) return error.toPlain();
  return new RowferryError(
    'ROW-E107',
    `Internal error: ${error instanceof Error ? error.message : String(error)}`,
  ).toPlain();
}

/** Same text, same task: what was checked once need not be checked again. Secrets are left out of it. */
export function fingerprint(task: ResolvedTask): string {
  const { alerts, ...rest } = task;
  const open = {
    ...rest,
    alerts: { ...alerts, webhookSecret: null },
    source: { ...task.source, password: null },
    destination: { ...task.destination, accessKeySecret: null, securityToken: null },
  };
  return createHash('sha256').update(JSON.stringify(open)).digest('hex');
}
