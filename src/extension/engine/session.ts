import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { EngineConnection } from '../../engine/ipc/client.js';
import type { PlainError, RowferryError } from '../../shared/errors.js';
import type { Alert } from '../../shared/alert.js';
import type { EngineApi, LogLevel } from '../../shared/engine-api.js';
import type { VerifyProgress } from '../../shared/verify-report.js';
import type { TaskSnapshot } from '../../shared/snapshot.js';
import type { OptionalApi } from '../../shared/engine-api.js';
import type { RetryProgress } from '../../shared/task-control-api.js';
import type { Log } from '../base/log.js';
import { probeRuntime } from './probe.js';

export type Engine = EngineApi & OptionalApi;

export interface TaskEnded {
  id: string;
  state: TaskSnapshot['state'];
  error?: PlainError;
}

/**
 * This window's link to the engine of one state folder. Made on the first call that needs it; `snapshots` is the
 * newest word of every task. When the link breaks, the snapshots go, `onDidLose` says what ran, and the next call
 * makes a new one.
 */
export class EngineSession implements vscode.Disposable {
  private connection: EngineConnection | undefined;
  private connecting: Promise<EngineConnection> | undefined;
  private disposed = false;
  private answered: readonly (keyof OptionalApi)[] = [];
  private known = new Map<string, TaskSnapshot>();

  private readonly changed = new vscode.EventEmitter<void>();
  private readonly lost = new vscode.EventEmitter<{ error: RowferryError; snapshots: TaskSnapshot[] }>();
  private readonly taskEnded = new vscode.EventEmitter<TaskEnded>();
  private readonly logged = new vscode.EventEmitter<{
    level: LogLevel;
    text: string;
    task?: string | undefined;
  }>();
  private readonly alerted = new vscode.EventEmitter<Alert>();
  private readonly localChanged = new vscode.EventEmitter<void>();
  private readonly verified = new vscode.EventEmitter<{ id: string; progress: VerifyProgress }>();
  private readonly retried = new vscode.EventEmitter<{ id: string; progress: RetryProgress }>();
  readonly onDidChange = this.changed.event;
  readonly onDidLose = this.lost.event;
  readonly onDidEndTask = this.taskEnded.event;
  readonly onAlert = this.alerted.event;
  readonly onLog = this.logged.event;
  readonly onVerifyProgress = this.verified.event;
  readonly onRetryProgress = this.retried.event;
  /** The Local Tablestore of the engine may run now or run no more; also when an engine comes or goes. */
  readonly onDidChangeLocalTablestore = this.localChanged.event;

  constructor(
    private readonly stateDir: string,
    private readonly engineScript: string,
    private readonly log: Log,
    /** The task files: what an engine says of a task is put beside its file. */
    private readonly files: { readonly ready: Promise<void> },
  ) {}

  get snapshots(): ReadonlyMap<string, TaskSnapshot> {
    return this.known;
  }

  get connected(): boolean {
    return this.connection !== undefined;
  }

  /** Does the engine answer this call? Only known once connected; false before. */
  answers(method: keyof OptionalApi): boolean {
    return this.answered.includes(method);
  }

  get methods(): (keyof OptionalApi)[] {
    return [...this.answered];
  }

  /** Connects to an engine that another window or an earlier one left running; starts none. */
  async attach(): Promise<void> {
    try {
      if (existsSync(join(this.stateDir, 'engine.json'))) await this.engine();
    } finally {
      this.looking = false;
      if (!this.disposed) this.changed.fire();
    }
  }
  private looking = true;

  /** Whether an engine of before still runs is not known yet: that a task has no snapshot says nothing. */
  get isLooking(): boolean {
    return this.looking && !this.connected;
  }

  /** The engine, started when there is none. Throws RowferryError. */
  async engine(): Promise<Engine> {
    this.connecting ??= this.connect().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return (await this.connecting).api as Engine;
  }

  private async connect(): Promise<EngineConnection> {
    probeRuntime();
    const levels = { debug: 'debug', info: 'info', warn: 'warn', error: 'error' } as const;
    const [{ ensureEngine }] = await Promise.all([import('../../engine/ipc/client.js'), this.files.ready]);
    const connection = await ensureEngine({
      stateDir: this.stateDir,
      engineScript: this.engineScript,
      kind: 'extension',
      events: {
        snapshot: (tasks) => this.take(tasks),
        verifyProgress: (id, progress) => this.verified.fire({ id, progress }),
        retryProgress: (id, progress) => this.retried.fire({ id, progress }),
        log: (level, text, task) => {
          this.log[levels[level]](text);
          this.logged.fire({ level, text, task });
        },
        alert: (alert) => this.alerted.fire(alert),
        localTablestore: () => this.localChanged.fire(),
        ended: (id, outcome) => this.taskEnded.fire({ id, ...outcome }),
      },
    });
    if (this.disposed) {
      connection.close();
      throw new vscode.CancellationError();
    }
    this.connection = connection;
    this.answered = connection.methods;
    this.log.info(`engine ${connection.pid}: connected, state in ${this.stateDir}`);
    void connection.closed.then((error) => this.drop(connection, error));
    this.take(await connection.api.snapshots());
    this.localChanged.fire();
    return connection;
  }

  private take(tasks: TaskSnapshot[]): void {
    this.known = new Map(tasks.map((task) => [task.id, task]));
    this.changed.fire();
  }

  private drop(connection: EngineConnection, error: RowferryError | undefined): void {
    if (this.connection !== connection) return;
    const snapshots = [...this.known.values()];
    this.connection = undefined;
    this.connecting = undefined;
    this.answered = [];
    this.known = new Map();
    if (this.disposed) return;
    this.log.info(`engine ${connection.pid}: ${error ? 'gone' : 'ended'}`);
    this.changed.fire();
    this.localChanged.fire();
    if (error) this.lost.fire({ error, snapshots });
  }

  /** Leaves the engine, which ends by itself when nobody is attached and no task is to go on. */
  dispose(): void {
    this.disposed = true;
    this.connection?.close();
    const { changed, lost, taskEnded, alerted, verified, retried, logged, localChanged } = this;
    for (const emitter of [changed, lost, taskEnded, alerted, verified, retried, logged, localChanged])
      emitter.dispose();
  }
}
