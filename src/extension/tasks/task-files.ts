import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { FileIssue } from '../../shared/checked-jsonc.js';
import { isTaskFileName, taskFileSuffix } from '../../shared/file-names.js';
import type { Task } from '../../shared/task.js';

/** A task file as it lies on the disk. */
export interface TaskFile {
  readonly uri: vscode.Uri;
  readonly name: string;
  /** What the file says; absent when it is not valid, and then there are issues. */
  readonly task?: Task;
  readonly issues: readonly FileIssue[];
  /** Lies in the person's own folder, beside every workspace. */
  readonly own: boolean;
}

export function isTaskFile(path: string): boolean {
  return isTaskFileName(basename(path));
}

/** Name shown for a file that gives none. */
export function fallbackName(path: string): string {
  return basename(path).slice(0, -taskFileSuffix.length);
}

/**
 * Every `*.rowferry.json` of the workspace and of the person's own folder, kept true by file watchers. They are looked
 * for when somebody first asks; then files are read once and again when they change, and nothing else is watched.
 */
export class TaskFiles implements vscode.Disposable {
  private readonly byUri = new Map<string, TaskFile>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private searched: Promise<void> | undefined;

  /** `ownFolder` need not exist before the first task is put there. */
  constructor(readonly ownFolder: vscode.Uri) {}

  /** Settles when the workspace was searched for the first time, which the first to ask begins. */
  get ready(): Promise<void> {
    this.searched ??= this.begin();
    return this.searched;
  }

  private begin(): Promise<void> {
    this.disposables.push(vscode.workspace.onDidChangeWorkspaceFolders(() => this.search()));
    const everywhere = `**/*${taskFileSuffix}`;
    for (const pattern of [everywhere, new vscode.RelativePattern(this.ownFolder, `*${taskFileSuffix}`)]) {
      const watcher = vscode.workspace.createFileSystemWatcher(pattern);
      this.disposables.push(
        watcher,
        watcher.onDidCreate((uri) => this.read(uri)),
        watcher.onDidChange((uri) => this.read(uri)),
        watcher.onDidDelete((uri) => this.forget(uri)),
      );
    }
    return this.search();
  }

  /** By name, then by path. */
  get all(): TaskFile[] {
    return [...this.byUri.values()].sort(
      (a, b) => a.name.localeCompare(b.name) || a.uri.path.localeCompare(b.uri.path),
    );
  }

  get(uri: vscode.Uri): TaskFile | undefined {
    return this.byUri.get(uri.toString());
  }

  /** Searches again; what was found before the first search is the first search's. */
  async refresh(): Promise<void> {
    if (this.searched === undefined) await this.ready;
    else await this.search();
  }

  private async search(): Promise<void> {
    const [inWorkspace, own] = await Promise.all([
      vscode.workspace.findFiles(`**/*${taskFileSuffix}`, '**/{node_modules,.git}/**'),
      this.ownFiles(),
    ]);
    const found = [...inWorkspace, ...own].filter((uri) => isTaskFile(uri.path));
    const seen = new Set(found.map(String));
    for (const key of [...this.byUri.keys()]) if (!seen.has(key)) this.byUri.delete(key);
    await Promise.all(found.map((uri) => this.load(uri)));
    this.changed.fire();
  }

  private async ownFiles(): Promise<vscode.Uri[]> {
    try {
      const entries = await vscode.workspace.fs.readDirectory(this.ownFolder);
      return entries.map(([name]) => vscode.Uri.joinPath(this.ownFolder, name));
    } catch {
      return [];
    }
  }

  private async read(uri: vscode.Uri): Promise<void> {
    if (!isTaskFile(uri.path) || /\/(node_modules|\.git)\//.test(uri.path)) return;
    await this.load(uri);
    this.changed.fire();
  }

  private async load(uri: vscode.Uri): Promise<void> {
    try {
      const text = Buffer.from(await vscode.workspace.fs.readFile(uri)).toString('utf8');
      const { parseTask } = await import('../../shared/task-file.js');
      const { value, issues } = parseTask(text);
      const name = value?.name ?? fallbackName(uri.path);
      const own = uri.path.startsWith(`${this.ownFolder.path}/`);
      this.byUri.set(uri.toString(), { uri, name, issues, own, ...(value ? { task: value } : {}) });
    } catch {
      // Deleted between the notice and the reading: the notice of the deletion follows.
      this.byUri.delete(uri.toString());
    }
  }

  private forget(uri: vscode.Uri): void {
    if (this.byUri.delete(uri.toString())) this.changed.fire();
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
