import { ambiguousTable, tablesMeant } from '../../shared/source-name.js';
import { RowferryError } from '../../shared/errors.js';
import type { Alert } from '../../shared/alert.js';
import type { ChangePlan } from '../../shared/change-plan.js';
import type { HandedOverTask, RunOutcome, StartOptions } from '../../shared/engine-api.js';
import type { VerifyChoice, VerifyProgress, VerifyReport } from '../../shared/verify-report.js';
import type { SourcePosition } from '../../shared/position.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { ResolvedTask } from '../../shared/task.js';
import { accepts, isDone } from '../../shared/task-actions.js';
import { tuned } from '../../shared/tuned.js';
import type {
  DirtyFilter,
  DirtyPage,
  NamedPosition,
  PositionChange,
  RetryProgress,
} from '../../shared/task-control-api.js';
import type { Tuning } from '../../shared/tuning.js';
import { planStart } from '../../sync/source/start-position.js';
import { RetryingRun } from './retrying-run.js';
import { AlertDispatcher } from '../alerts/dispatcher.js';
import type { Log } from '../base/log.js';
import { DirtyDecisions } from './dirty-decisions.js';
import { ManagedTask, plain } from './managed-task.js';
import { PrecheckGate } from './precheck-gate.js';
import { heldError, refusal, unknownTask, type Refusable } from './refusals.js';
import { keysAtNextStart, marksOf } from './running-settings.js';
import { sharedWindows, withWindows } from './shared-windows.js';
import type { Session } from '../ipc/server.js';
import type { EngineStore } from '../store/engine-store.js';
import { readState, writeState, type ImportedState } from '../store/state-file.js';
import { Verifications } from './verifications.js';
import type { TaskOperations } from './operations.js';
import type { ReplicationRun } from './run.js';

export interface SupervisorEvents {
  ended(id: string, outcome: RunOutcome, run: number): void;
  verifyProgress(id: string, progress: VerifyProgress): void;
  retryProgress(id: string, progress: RetryProgress): void;
  alert(alert: Alert): void;
  /** Something that people should see before the next second. */
  changed(): void;
}

const historyEveryMs = 10_000;

/** Runs the tasks of a state folder: who may start what, what is remembered, and what ends with whom. */
export class Supervisor {
  readonly #tasks = new Map<string, ManagedTask>();
  readonly #alerts: AlertDispatcher;
  readonly verifications: Verifications;
  readonly prechecks: PrecheckGate;
  readonly dirty: DirtyDecisions;
  #rememberedMs = Date.now();

  constructor(
    private readonly store: EngineStore,
    private readonly operations: TaskOperations,
    private readonly log: Log,
    private readonly events: SupervisorEvents,
  ) {
    const isRunning = (id: string) => {
      const managed = this.#tasks.get(id);
      return managed?.active === true && managed.work !== undefined;
    };
    this.prechecks = new PrecheckGate(store, operations, isRunning, log);
    this.dirty = new DirtyDecisions(operations, {
      task: (id) => this.#tasks.get(id),
      save: (managed) => void this.#save(managed),
      retryProgress: (id, progress) => events.retryProgress(id, progress),
      changed: () => events.changed(),
      goOn: (managed, task, file) => this.#goOn(managed, task, file),
      stop: (id) => void this.stop(id),
    });
    this.verifications = new Verifications(operations, (id, progress) => events.verifyProgress(id, progress));
    this.#alerts = new AlertDispatcher(store, log, (alert) => events.alert(alert));
    for (const { id, snapshot, keepRunning } of store.known())
      this.#tasks.set(id, new ManagedTask(snapshot, keepRunning));
  }

  /** Throws ROW-E101 (somebody else runs it), ROW-E102 (precheck), or why source or destination cannot be asked. */
  async start(session: Session, task: ResolvedTask, file: string, options: StartOptions): Promise<number> {
    await this.#tasks.get(task.id)?.ended();
    const managed = this.#managed(task, file);
    if (managed.active) {
      const adopted = managed.owner === undefined && session.kind === 'cli' && !managed.stopAsked;
      if (!adopted) throw heldError(managed, session);
      managed.owner = session;
      return managed.run;
    }
    managed.owner = session.kind === 'cli' ? session : undefined;
    managed.startedBy = session.kind;
    managed.options = options;
    await this.#begin(managed, task, file);
    return managed.run;
  }

  async #begin(managed: ManagedTask, task: ResolvedTask, file: string): Promise<void> {
    const { options } = managed;
    this.log.info('start', { task });
    this.events.changed();
    try {
      await managed.begin(
        task,
        file,
        async () => {
          await this.prechecks.mustPass(task);
          const windows = () => sharedWindows(task, this.#tasks.values());
          const make = () => this.operations.work(withWindows(managed.task ?? task, windows()), options);
          return new RetryingRun(make, windows, this.log, task);
        },
        (outcome) => this.#ended(managed, outcome),
      );
      this.#shareWindows();
      // An engine that is killed now must be found to have run it.
      this.#save(managed);
    } catch (error) {
      const snapshot = this.#save(managed);
      if (snapshot) this.#watch(snapshot);
      this.events.changed();
      await new Promise<void>((told) => this.#alerts.whenTold(told));
      throw error;
    }
  }

  /** Nobody waits for it: what comes of it is in the snapshot. */
  #goOn(managed: ManagedTask, task: ResolvedTask, file: string): void {
    this.log.info('continuing; all dirty records are decided', { task: managed });
    void this.#begin(managed, task, file).catch((error: unknown) =>
      this.#warn('cannot continue', managed, error),
    );
  }

  /** Throws ROW-E109: there is no such task. */
  async stop(id: string): Promise<void> {
    const managed = this.#tasks.get(id);
    if (!managed) throw unknownTask(id);
    // Every other state takes a stop.
    if (isDone(managed.snapshot().state, 'stop')) return;
    const stopping = managed.stop();
    this.events.changed();
    await stopping;
    // Not one that was deleted meanwhile.
    if (this.#tasks.get(id) === managed) this.#save(managed);
    this.events.changed();
  }

  /**
   * The engine is told to end from outside: what was to keep running waits for a client that brings its secrets
   * again. True when there is such a task.
   */
  suspend(): boolean {
    const kept = [...this.#tasks.values()].filter((t) => t.active && this.#keeps(t));
    for (const managed of kept) managed.suspend();
    return kept.length > 0;
  }

  /** One that is paused already stays so. Throws ROW-E109: there is no such task, or it does not run. */
  pause(id: string): void {
    this.#undone('pause', id)?.work?.pause();
    this.events.changed();
  }

  /** One that runs goes on. Throws ROW-E109: there is no such task, or it is in no state that can be resumed. */
  resume(id: string): void {
    this.#undone('resume', id)?.work?.resume();
    this.events.changed();
  }

  /** As #for(); undefined: nothing is left to do. */
  #undone(action: 'pause' | 'resume', id: string): ManagedTask | undefined {
    const known = this.#tasks.get(id);
    return known && isDone(known.snapshot().state, action) ? undefined : this.#for(action, id);
  }

  /** A task in a state that takes the action. Throws ROW-E109, ROW-E112. */
  #for(action: Refusable, id: string): ManagedTask {
    const managed = this.#tasks.get(id);
    if (!managed) throw unknownTask(id);
    const snapshot = managed.snapshot();
    if (!accepts(snapshot.state, action)) throw refusal(action, snapshot);
    return managed;
  }

  /** As #for(), once a run that comes to its end is over. Somebody may have started or deleted the task by then. */
  async #atRest(action: 'reset' | 'delete', id: string): Promise<ManagedTask> {
    await this.#for(action, id).ended();
    return this.#for(action, id);
  }

  /** In force at once, and in each further attempt of this run. Throws ROW-E109, ROW-T104. */
  tune(id: string, tuning: Tuning): void {
    const { managed, work, task } = this.#running(id);
    managed.task = tuned(task, tuning);
    work.tune(managed.task);
    this.log.info(`tuned ${JSON.stringify(tuning)}`, { task: managed });
    this.events.changed();
  }

  /** Throws ROW-E109, or why the source or the destination cannot be asked. */
  async planChanges(task: ResolvedTask): Promise<ChangePlan> {
    const { work, task: now } = this.#running(task.id);
    return { ...(await work.planChanges(task)), atNextStart: keysAtNextStart(now, task) };
  }

  /** Throws ROW-E109, ROW-E102 (precheck of the task as it is now), ROW-T106. */
  async applyChanges(task: ResolvedTask): Promise<ChangePlan> {
    const plan = await this.planChanges(task);
    const [problem] = plan.problems;
    if (problem !== undefined) throw new RowferryError('ROW-T106', problem);
    const { managed, work, task: now } = this.#running(task.id);
    const changed = { ...now, objects: task.objects };
    await this.prechecks.mustPass({ ...changed, ignoredChecks: task.ignoredChecks });
    await work.change(changed);
    managed.task = { ...(managed.task ?? now), objects: task.objects };
    const { added, changed: anew, removed } = plan;
    this.log.info(
      `objects changed: ${added.length} added, ${anew.length} reloading, ${removed.length} removed`,
      { task: managed },
    );
    this.events.changed();
    return plan;
  }

  planPosition(task: ResolvedTask, chosen: NamedPosition): Promise<PositionChange> {
    const { checkpoint, leftOut } = this.operations.history(task);
    return planStart(task, checkpoint, chosen, leftOut);
  }

  setPosition(id: string, position: SourcePosition): void {
    const managed = this.#resting(id);
    this.operations.setPosition(id, position);
    managed.moved(position);
    this.log.warn(`position set manually to ${JSON.stringify(position)}`, { task: { id } });
    this.#save(managed);
    this.events.changed();
  }

  exportState(id: string, file: string): void {
    const managed = this.#tasks.get(id);
    if (!managed) throw unknownTask(id);
    this.#save(managed);
    writeState(this.store.database, id, file, Date.now());
    this.log.info(`exported the state to ${file}`, { task: { id } });
  }

  async importState(file: string, options: { replace: boolean }): Promise<ImportedState> {
    const { id, reloaded } = await readState(this.store.database, file, options.replace, (task) => {
      if (this.#tasks.has(task)) this.#resting(task);
    });
    const known = this.store.known().find((one) => one.id === id);
    if (known) this.#tasks.set(id, new ManagedTask(known.snapshot));
    this.log.info(`imported the state from ${file}`, { task: { id } });
    this.events.changed();
    return { id, reloaded };
  }

  async forget(id: string): Promise<void> {
    await this.#atRest('delete', id);
    this.#tasks.delete(id);
    this.verifications.forget(id);
    this.prechecks.forget(id);
    this.store.forget(id);
    this.log.info('forgotten', { task: { id } });
    this.events.changed();
  }

  #resting(id: string): ManagedTask {
    const managed = this.#tasks.get(id);
    if (!managed) throw unknownTask(id);
    if (!managed.active) return managed;
    throw new RowferryError('ROW-E112', `${managed.snapshot().name} is running.`);
  }

  async stopAll(): Promise<void> {
    this.verifications.cancelAll();
    this.dirty.retries.cancelAll();
    await Promise.all([...this.#tasks.values()].filter((t) => t.active).map((t) => t.stop()));
  }

  /** Tasks that run now, to be started again by whoever takes over. */
  handOver(): HandedOverTask[] {
    return [...this.#tasks.values()].flatMap((t) =>
      t.active && t.task ? [{ task: t.task, file: t.snapshot().file, options: t.options }] : [],
    );
  }

  /** A client is gone: what it ran for itself is drained. */
  detached(session: Session): void {
    this.verifications.cancelBy(session);
    this.dirty.retries.cancelBy(session);
    for (const managed of this.#tasks.values()) {
      if (managed.owner !== session) continue;
      managed.owner = undefined;
      if (this.#keeps(managed)) continue;
      this.log.info(`the client that started it (process ${session.pid}) has disconnected`, {
        task: managed,
      });
      void managed.stop().catch((error: unknown) => this.log.error(String(error), { task: managed }));
    }
  }

  /** Is there a task that is to go on when nobody is attached? */
  keepsRunning(): boolean {
    return [...this.#tasks.values()].some((t) => t.active && this.#keeps(t));
  }

  /** Nobody is attached any more: everything else ends. */
  async stopUnkept(): Promise<void> {
    await Promise.all(
      [...this.#tasks.values()].filter((t) => t.active && !this.#keeps(t)).map((t) => t.stop()),
    );
  }

  /** Once a second: what there is to see, after alerts and history had their look. */
  tick(): TaskSnapshot[] {
    const snapshots = this.snapshots();
    for (const snapshot of snapshots) this.#watch(snapshot);
    if (Date.now() - this.#rememberedMs >= historyEveryMs) this.#remember();
    return snapshots;
  }

  snapshots(): TaskSnapshot[] {
    return [...this.#tasks.values()].map((t) => this.#seen(t));
  }

  /** A task that rests is as the store says: its dirty records may be decided, its position set, meanwhile. */
  #seen(managed: ManagedTask): TaskSnapshot {
    const snapshot = managed.snapshot();
    if (managed.active) return managed.task ? { ...snapshot, settings: marksOf(managed.task) } : snapshot;
    try {
      const now = { ...snapshot, ...this.operations.standing(managed.id) };
      // What was decided meanwhile is not waited for.
      const error = now.state === 'blocked' ? this.operations.blockedBy(managed.id) : null;
      return { ...now, ...(error && { error }) };
    } catch (error) {
      this.#warn('cannot read the current state', managed, error);
      return snapshot;
    }
  }

  /** Throws ROW-E111 when it was cancelled: by cancelVerify, or because its client or the engine goes. */
  verify(session: Session, task: ResolvedTask, options: VerifyChoice): Promise<VerifyReport> {
    return this.verifications.verify(session, task, options, this.#tasks.get(task.id)?.work);
  }

  /** The last words to webhooks; then close(). */
  settle(): Promise<void> {
    return this.#alerts.settle();
  }

  dirtyRecords(id: string, filter: DirtyFilter, page: { offset: number; limit: number }): DirtyPage {
    return this.operations.dirtyPage(id, filter, page);
  }

  /**
   * One table (`database.table`), or all, anew: by the run, when there is one, else by the next. Which ones. Throws
   * ROW-E109 (never started here), ROW-S108 (no such table), ROW-E101 (the full load is not through), ROW-T106 (the
   * destination table is not to be made anew).
   */
  async reload(id: string, table: string | undefined, remake: boolean): Promise<string[]> {
    const managed = this.#tasks.get(id);
    const known = this.operations.tables(id);
    if (!managed || known.length === 0) throw unknownTask(id);
    const wanted = table === undefined ? known : tablesMeant(table, known);
    if (table !== undefined && wanted.length > 1) throw ambiguousTable(table, wanted);
    if (wanted.length === 0) {
      throw new RowferryError('ROW-S108', `${managed.snapshot().name} has no table ${table}.`, {
        remedy: `Its tables are ${known.slice(0, 10).join(', ')}${known.length > 10 ? ' …' : ''}.`,
      });
    }
    await this.operations.reload(id, wanted, remake, managed.work);
    this.log.info(`reload requested: ${wanted.join(', ')}`, { task: { id } });
    // Records of rows that are read again anyway hold nothing any more.
    this.dirty.decided(id);
    return wanted;
  }

  /** Throws ROW-E109 (never started here), ROW-E112 (it runs), ROW-S108 (no such table). */
  async reset(id: string, table: string | undefined): Promise<void> {
    const managed = await this.#atRest('reset', id);
    if (table !== undefined) {
      await this.reload(id, table, false);
      return;
    }
    this.operations.reset(id);
    managed.renewed();
    this.log.info('reset', { task: managed });
    this.#save(managed);
    this.events.changed();
  }

  close(): void {
    for (const managed of this.#tasks.values()) this.#save(managed);
  }

  #running(id: string): { managed: ManagedTask; work: ReplicationRun; task: ResolvedTask } {
    const managed = this.#tasks.get(id);
    if (!managed) throw unknownTask(id);
    const { work, task } = managed;
    if (work && task && !managed.stopAsked) return { managed, work, task };
    throw new RowferryError('ROW-E109', `${managed.snapshot().name} is not running.`, {
      remedy: 'Start the task first. It uses the settings in its file.',
    });
  }

  #keeps(managed: ManagedTask): boolean {
    return managed.options.keepRunning ?? managed.task?.keepRunning ?? false;
  }

  /** A task began or ended: those that share a server with it wait shorter, or longer, from now on. */
  #shareWindows(): void {
    for (const { work, task } of this.#tasks.values())
      if (work && task) work.retryWithin(sharedWindows(task, this.#tasks.values()));
  }

  #managed(task: ResolvedTask, file: string): ManagedTask {
    let managed = this.#tasks.get(task.id);
    if (!managed) {
      managed = new ManagedTask({ id: task.id, name: task.name, file });
      this.#tasks.set(task.id, managed);
      this.#save(managed);
    }
    return managed;
  }

  #ended(managed: ManagedTask, outcome: RunOutcome): void {
    const { state, error } = outcome;
    this.#shareWindows();
    this.log[error ? 'error' : 'info'](`${state}${error ? `: ${error.code} ${error.message}` : ''}`, {
      task: managed,
      ...(error && { code: error.code }),
    });
    const snapshot = this.#save(managed);
    // The engine may end before its next second.
    if (snapshot) this.#watch(snapshot);
    this.events.changed();
    const { run } = managed;
    this.#alerts.whenTold(() => this.events.ended(managed.id, outcome, run));
    // A decision may have come while the run was still ending.
    if (outcome.state === 'blocked') this.dirty.goOnWhenDecided(managed);
  }

  #watch(snapshot: TaskSnapshot): void {
    const task = this.#tasks.get(snapshot.id)?.task;
    if (task) this.#alerts.see(snapshot, task.alerts);
  }

  #remember(): void {
    this.#rememberedMs = Date.now();
    this.#shareWindows();
    for (const managed of this.#tasks.values()) {
      if (!managed.active) continue;
      const snapshot = this.#save(managed);
      if (snapshot) this.store.addHistory(managed.id, snapshot);
    }
  }

  #warn(what: string, task: ManagedTask, error: unknown): void {
    const { code, message } = plain(error);
    this.log.warn(`${what}: ${message}`, { task, code });
  }

  #save(managed: ManagedTask): TaskSnapshot | undefined {
    try {
      const snapshot = managed.snapshot();
      this.store.saveSnapshot(snapshot, managed.waits || (managed.active && this.#keeps(managed)));
      return snapshot;
    } catch (error) {
      // What people see of a task is not worth ending its replication.
      this.#warn('cannot save the state', managed, error);
      return undefined;
    }
  }
}
