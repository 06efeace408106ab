import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { changedSettings } from '../../shared/changed-settings.js';
import { RowferryError } from '../../shared/errors.js';
import type { CheckReport } from '../../shared/check-report.js';
import type { VerifyChoice, VerifyReport } from '../../shared/verify-report.js';
import { snapshotOf, type TaskSnapshot } from '../../shared/snapshot.js';
import type { Side } from '../../shared/refusal.js';
import { connectionsDigest } from '../../shared/settings-digest.js';
import { loadingLook, taskLook, type TaskLook } from '../../shared/snapshot-words.js';
import type { ResolvedTask, SourceSettings } from '../../shared/task.js';
import type { DirtyFilter, TaskControlApi } from '../../shared/task-control-api.js';
import type { Engine, EngineSession } from '../engine/session.js';
import type { Resolver } from './resolve.js';
import type { TaskFile, TaskFiles } from './task-files.js';

/** What people do with a task file. The engine is connected on the first thing that needs it, never before. */
export class TaskService {
  /** Tasks that this window is starting: their failure is told by the command, and not once more. */
  private readonly starting = new Set<string>();

  constructor(
    private readonly files: TaskFiles,
    private readonly session: EngineSession,
    private readonly resolver: Resolver,
  ) {}

  /** The engine's word about a file: by the task's id, else by the path it was started from. */
  snapshotOf(file: Pick<TaskFile, 'uri' | 'task'>): TaskSnapshot | undefined {
    return snapshotOf(this.session.snapshots.values(), file.task?.id, file.uri.fsPath);
  }

  /** How a file looks by what the engine says of it. */
  lookOf(file: Pick<TaskFile, 'uri' | 'task'>, isValid: boolean): TaskLook {
    const snapshot = this.snapshotOf(file);
    if (!snapshot && isValid && this.session.isLooking) return loadingLook(vscode.l10n.t);
    return taskLook(snapshot, isValid, vscode.l10n.t, vscode.env.language);
  }

  snapshotAt(uri: vscode.Uri): TaskSnapshot | undefined {
    const file = this.files.get(uri);
    return file && this.snapshotOf(file);
  }

  /** Keys of a saved file that its running task does not go by; none while that is not known. */
  differences(uri: vscode.Uri, snapshot = this.snapshotAt(uri)): string[] {
    const remembered = snapshot && this.resolver.memory.get<Record<string, string>>(startedWith(snapshot.id));
    return changedSettings(this.files.get(uri)?.task, snapshot, remembered);
  }

  /** What the engine is not told of: how the file names the servers. Other ones may be behind the same settings. */
  private remember(uri: vscode.Uri, id: string): void {
    const { task } = this.files.get(uri) ?? {};
    if (task) void this.resolver.memory.update(startedWith(id), connectionsDigest(task));
  }

  fileOf(snapshot: TaskSnapshot): TaskFile | undefined {
    return this.files.all.find((f) => f.task?.id === snapshot.id || f.uri.fsPath === snapshot.file);
  }

  /** The task of a file, saved, checked and resolved. Throws as the functions of task-reader.ts. */
  async resolve(uri: vscode.Uri): Promise<ResolvedTask> {
    this.assertTrusted();
    const { loadTask, resolveForEngine } = await reading();
    return resolveForEngine(this.resolver, uri, await loadTask(uri));
  }

  /** The task as its file says, without what is not saved yet; saves nothing. Throws as resolve. */
  async resolveSaved(uri: vscode.Uri): Promise<ResolvedTask> {
    this.assertTrusted();
    const { readSavedTask, resolveForEngine } = await reading();
    return resolveForEngine(this.resolver, uri, await readSavedTask(uri));
  }

  /** The task as its text now says, saved or not: to look at what it would do. Throws as resolve. */
  async resolveText(document: vscode.TextDocument): Promise<ResolvedTask> {
    this.assertTrusted();
    const { readTask, resolveForEngine } = await reading();
    return resolveForEngine(this.resolver, document.uri, readTask(document));
  }

  /** The source of a task as its text now says, saved or not; the rest of the file may still be unfinished. */
  async source(document: vscode.TextDocument): Promise<SourceSettings> {
    this.assertTrusted();
    const { readSource, resolveSource } = await reading();
    return resolveSource(this.resolver, document.uri, readSource(document));
  }

  /** Throws ROW-T101 in a folder that is not trusted: nothing of it is run. */
  assertTrusted(): void {
    if (vscode.workspace.isTrusted) return;
    throw new RowferryError('ROW-T101', vscode.l10n.t('This folder is not trusted.'), {
      remedy: vscode.l10n.t('Trust the workspace to run tasks from it.'),
    });
  }

  async start(uri: vscode.Uri): Promise<ResolvedTask> {
    const task = await this.resolve(uri);
    const engine = await this.session.engine();
    this.starting.add(task.id);
    try {
      await engine.start(task, uri.fsPath, {});
      this.remember(uri, task.id);
    } finally {
      // The snapshot that says "failed" comes a moment after the answer.
      setTimeout(() => this.starting.delete(task.id), 3000);
    }
    return task;
  }

  isStarting(id: string): boolean {
    return this.starting.has(id);
  }

  async stop(id: string): Promise<void> {
    await (await this.session.engine()).stop(id);
  }

  async pause(id: string): Promise<void> {
    await (await this.answering('pause')).pause(id);
  }

  async resume(id: string): Promise<void> {
    await (await this.answering('resume')).resume(id);
  }

  /** The next start loads everything again, and sweeps. */
  async reset(id: string): Promise<void> {
    await (await this.answering('reset')).reset(id);
  }

  /**
   * Loads a table (`database.table`) again, and sweeps: at once when the task runs. `remake`: into a destination table
   * that is deleted and made anew.
   */
  async reload(id: string, table: string, remake: boolean): Promise<void> {
    await (await this.answering('reload')).reload(id, table, remake);
  }

  /** Ends a retry of dirty rows, whoever asked for it. */
  async cancelRetry(id: string): Promise<void> {
    await (await this.answering('cancelRetry')).cancelRetry(id);
  }

  /** Writes dirty rows by the settings of the file as it is now; a blocked task goes on by them. Number of rows written. */
  async retryDirty(uri: vscode.Uri, filter: DirtyFilter): Promise<number> {
    const task = await this.resolve(uri);
    const isBlocked = this.snapshotAt(uri)?.state === 'blocked';
    const written = await (await this.answering('retryDirty')).retryDirty(task, filter);
    if (isBlocked) this.remember(uri, task.id);
    return written;
  }

  /** The newest state, asked for: the one that is known may be a second old. */
  async stateOf(id: string): Promise<TaskSnapshot['state'] | undefined> {
    const snapshots = await (await this.session.engine()).snapshots();
    return snapshots.find((snapshot) => snapshot.id === id)?.state;
  }

  async forget(id: string): Promise<void> {
    await (await this.answering('forget')).forget(id);
    await this.resolver.memory.update(startedWith(id), undefined);
  }

  private async answering(method: keyof TaskControlApi): Promise<Engine> {
    const engine = await this.session.engine();
    if (this.session.answers(method)) return engine;
    throw new RowferryError('ROW-E108', vscode.l10n.t('The running engine does not support this.'));
  }

  /** Versions, settings, checks, states and the last of the log, without secrets and row values. */
  async bundle(uri: vscode.Uri): Promise<Record<string, unknown>> {
    const task = await this.resolve(uri);
    return (await this.session.engine()).bundle(task);
  }

  async check(uri: vscode.Uri): Promise<CheckReport> {
    const task = await this.resolve(uri);
    return (await this.session.engine()).check(task);
  }

  async verify(
    uri: vscode.Uri,
    choice: VerifyChoice,
    cancelled: vscode.CancellationToken,
  ): Promise<VerifyReport> {
    const task = await this.resolve(uri);
    const engine = await this.session.engine();
    if (cancelled.isCancellationRequested) throw new vscode.CancellationError();
    const call = randomUUID();
    const listening = cancelled.onCancellationRequested(() => {
      if (this.session.answers('cancelVerify')) void engine.cancelVerify(task.id, call);
    });
    try {
      return await engine.verify(task, { ...choice, call });
    } finally {
      listening.dispose();
    }
  }

  /** Asks once more for the secrets of a side. Throws CancellationError, RowferryError. */
  async enterSecrets(uri: vscode.Uri, side: Side): Promise<void> {
    const { enterSecrets } = await import('./enter-secrets.js');
    await enterSecrets(this.resolver, uri, side);
  }
}

const startedWith = (id: string) => `rowferry.startedWith.${id}`;

/** Schemas and the parser: loaded when the first task is read. */
const reading = () => import('./task-reader.js');
