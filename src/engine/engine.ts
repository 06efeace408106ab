import { previewTables } from '../sync/run/preview.js';
import type { ClientApi } from '../shared/engine-api.js';
import { supportBundle } from './bundle.js';
import { FileLog, type Log } from './base/log.js';
import { acquireLock } from './base/lock.js';
import { LocalTablestoreProcess } from './local-tablestore/process.js';
import { TrialMysqlProcess } from './trial-mysql/process.js';
import type { StatePaths } from './base/paths.js';
import { EngineServer, type Session, type SessionApi } from './ipc/server.js';
import { EngineStore } from './store/engine-store.js';
import { SqliteTaskStore } from './store/task-store.js';
import { catalogApi } from './browse/catalog-api.js';
import { compareRow } from './browse/row-comparison.js';
import { Supervisor } from './tasks/supervisor.js';
import type { MakeTaskOperations } from './tasks/operations.js';

/** Time for a window to reload, or a second command to follow the first, before an unused engine ends. */
const idleMs = { cli: 700, extension: 30_000 };

/**
 * The background process of one state folder: it holds the lock, keeps the store, runs the tasks and serves the
 * clients. It ends by itself when nobody is attached and no task is set to keep running.
 */
export class Engine {
  readonly ended: Promise<void>;
  #settleEnded: () => void = () => {};
  #server: EngineServer;
  #supervisor: Supervisor;
  #local: LocalTablestoreProcess;
  #trial: TrialMysqlProcess;
  #draining: Promise<void> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastKind: Session['kind'] = 'cli';
  #ticker: NodeJS.Timeout;

  /** 'locked' when another process is the engine of this folder. Throws ROW-E105 when the store cannot be opened. */
  static async open(
    paths: StatePaths,
    makeOperations: MakeTaskOperations,
    localTablestore: string,
  ): Promise<Engine | 'locked'> {
    const lock = acquireLock(paths.lock);
    if (!lock) return 'locked';
    const store = EngineStore.open(paths.store);
    const engine = new Engine(paths, store, lock, makeOperations, localTablestore);
    await engine.#server.listen();
    engine.#considerEnding();
    return engine;
  }

  readonly #log: Log;

  private constructor(
    private readonly paths: StatePaths,
    private readonly store: EngineStore,
    private readonly lock: { release(): void },
    makeOperations: MakeTaskOperations,
    localTablestore: string,
  ) {
    this.ended = new Promise((settle) => (this.#settleEnded = settle));
    this.#log = new FileLog(paths.log, (level, text, task) => this.#tell('log', level, text, task));
    this.#supervisor = new Supervisor(store, makeOperations(store, this.#log), this.#log, {
      ended: (id, outcome, run) => {
        this.#tell('ended', id, outcome, run);
        this.#considerEnding();
      },
      alert: (alert) => this.#tell('alert', alert),
      verifyProgress: (id, progress) => this.#tell('verifyProgress', id, progress),
      retryProgress: (id, progress) => this.#tell('retryProgress', id, progress),
      changed: () => this.#tell('snapshot', this.#supervisor.snapshots()),
    });
    this.#local = new LocalTablestoreProcess(localTablestore, this.#log, () =>
      this.#tell('localTablestore', this.#local.running !== null),
    );
    this.#trial = new TrialMysqlProcess(this.#log);
    this.#server = new EngineServer(paths, this.#log, {
      api: (session) => this.#api(session),
      attached: (session) => {
        this.#lastKind = session.kind;
        clearTimeout(this.#idleTimer);
      },
      detached: (session) => {
        this.#supervisor.detached(session);
        this.#considerEnding();
      },
      draining: () => this.#draining !== undefined,
    });
    // One message a second carries everything there is to see.
    this.#ticker = setInterval(() => this.#tell('snapshot', this.#supervisor.tick()), 1000);
    this.#log.info(`engine ${process.pid} opened ${paths.dir}`);
  }

  #tell<M extends keyof ClientApi>(method: M, ...args: Parameters<ClientApi[M]>): void {
    this.#server?.broadcast(method, ...args);
  }

  #api(session: Session): SessionApi {
    const supervisor = this.#supervisor;
    return {
      handOver: async () => {
        const tasks = supervisor.handOver();
        // The answer has to be out before the socket closes.
        setImmediate(() => void this.drain('handed over'));
        await supervisor.stopAll();
        return tasks;
      },
      start: (task, file, options) => supervisor.start(session, task, file, options),
      stop: (id) => supervisor.stop(id),
      pause: async (id) => supervisor.pause(id),
      resume: async (id) => supervisor.resume(id),
      planChanges: (task) => supervisor.planChanges(task),
      applyChanges: (task) => supervisor.applyChanges(task),
      planPosition: (task, chosen) => supervisor.planPosition(task, chosen),
      setPosition: async (id, position) => supervisor.setPosition(id, position),
      exportState: async (id, file) => supervisor.exportState(id, file),
      importState: (file, options) => supervisor.importState(file, options),
      forget: (id) => supervisor.forget(id),
      tune: async (id, tuning) => supervisor.tune(id, tuning),
      check: (task) => supervisor.prechecks.check(task),
      lastCheck: async (id) => supervisor.prechecks.last(id),
      runProposal: (id, proposal) => supervisor.prechecks.runProposal(id, proposal),
      verify: (task, options) => supervisor.verify(session, task, options),
      lastVerify: async (id) => supervisor.verifications.last(id),
      cancelVerify: async (id, call) => supervisor.verifications.cancelOwn(session, id, call ?? undefined),
      snapshots: async () => supervisor.snapshots(),
      history: async (id, sinceMs) => this.store.history(id, sinceMs),
      reload: (id, table, remake) => supervisor.reload(id, table ?? undefined, remake === true),
      reset: (id, table) => supervisor.reset(id, table ?? undefined),
      dirtyRecords: async (id, filter, page) => supervisor.dirtyRecords(id, filter, page),
      retryDirty: (task, filter) => supervisor.dirty.retry(session, task, filter),
      skipDirty: async (id, filter) => supervisor.dirty.decide(id, filter, 'skip'),
      discardDirty: async (id, filter) => supervisor.dirty.decide(id, filter, 'discard'),
      cancelRetry: async (id) => supervisor.dirty.retries.cancelOf(id),
      localTablestore: async () => this.#local.running,
      startLocalTablestore: (options) => this.#local.start(options),
      stopLocalTablestore: () => this.#local.stop(),
      startTrialMysql: (options) => this.#trial.start(options),
      stopTrialMysql: () => this.#trial.stop(),
      preview: (task, options) => previewTables(task, options),
      compareRow: (task, row) => compareRow(task, row, new SqliteTaskStore(this.store.database, task.id)),
      ...catalogApi,
      bundle: async (task) => {
        const state = supervisor.snapshots().find((snapshot) => snapshot.id === task.id);
        return supportBundle(task, this.store, this.paths, state);
      },
      shutdown: async () => {
        await supervisor.stopAll();
        setImmediate(() => void this.drain('shut down by a client'));
      },
    };
  }

  /** Stops every task at a checkpoint, says goodbye and frees the folder. Safe to call again. */
  drain(why: string): Promise<void> {
    return (this.#draining ??= this.#drain(why, false));
  }

  /** The system ends us: what was to keep running is remembered for the next client. */
  terminate(why: string): Promise<void> {
    return (this.#draining ??= this.#drain(why, this.#supervisor.suspend()));
  }

  async #drain(why: string, comeBack: boolean): Promise<void> {
    this.#log.info(`engine exiting: ${why}`);
    clearTimeout(this.#idleTimer);
    clearInterval(this.#ticker);
    await this.#supervisor.stopAll();
    await this.#supervisor.settle();
    await Promise.all([this.#local.stop(), this.#trial.stop()]);
    await this.#server.close({ comeBack });
    this.#supervisor.close();
    this.store.close();
    this.lock.release();
    this.#settleEnded();
  }

  /** A defect of ours: say it where it will be found, and end. The store goes on from its last transaction. */
  crash(error: unknown): void {
    this.#log.error(
      `the engine crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    console.error(error);
    process.exit(70);
  }

  /** Nobody is attached: after a while everything ends that is not set to keep running, and then the engine. */
  #considerEnding(): void {
    clearTimeout(this.#idleTimer);
    if (this.#draining || this.#server.sessions.size > 0) return;
    this.#idleTimer = setTimeout(() => void this.#endUnused(), idleMs[this.#lastKind]);
  }

  async #endUnused(): Promise<void> {
    await this.#supervisor.stopUnkept();
    if (this.#server.sessions.size > 0 || this.#supervisor.keepsRunning()) return;
    await this.drain('no client is attached');
  }
}
