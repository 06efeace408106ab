import * as vscode from 'vscode';
import { formatCount } from '../../shared/format.js';
import type { TableProgress, TaskSnapshot } from '../../shared/snapshot.js';
import type { EngineSession } from '../engine/session.js';
import type { TaskFile, TaskFiles } from '../tasks/task-files.js';
import type { TaskService } from '../tasks/task-service.js';
import { phaseWords, rowsWords, tableLook, taskLook, isRunning } from '../../shared/snapshot-words.js';

type Node =
  | { kind: 'task'; uri: vscode.Uri }
  | {
      kind: 'line';
      task: vscode.Uri;
      id: string;
      label: string;
      icon: vscode.ThemeIcon;
      description: string;
      opens?: string;
    }
  | { kind: 'tables'; task: vscode.Uri; count: number }
  | { kind: 'table'; task: vscode.Uri; progress: TableProgress }
  | { kind: 'issue'; task: vscode.Uri; line: number; message: string };

/** The tree of tasks: one item a file, below it what the engine says of it. */
export class TasksView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly files: TaskFiles,
    private readonly session: EngineSession,
    private readonly service: TaskService,
  ) {
    this.view = vscode.window.createTreeView('rowferry.tasks', { treeDataProvider: this });
    const refresh = () => this.refresh();
    this.disposables = [this.view, this.changed, files.onDidChange(refresh), session.onDidChange(refresh)];
  }

  private refresh(): void {
    this.changed.fire(undefined);
    const waiting = [...this.session.snapshots.values()].filter(
      (s) => s.state === 'failed' || s.state === 'blocked' || s.state === 'waiting-for-credentials',
    ).length;
    this.view.badge =
      waiting > 0 ? { value: waiting, tooltip: vscode.l10n.t('{0} tasks need you', waiting) } : undefined;
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      await this.files.ready;
      return this.files.all.map(({ uri }) => ({ kind: 'task', uri }));
    }
    const file = 'uri' in node ? this.files.get(node.uri) : this.files.get(node.task);
    if (!file) return [];
    const snapshot = this.service.snapshotOf(file);
    if (node.kind === 'task') return this.details(file, snapshot);
    if (node.kind === 'tables' && snapshot) {
      return snapshot.tables.map((progress) => ({ kind: 'table', task: node.task, progress }));
    }
    return [];
  }

  private details(file: TaskFile, snapshot: TaskSnapshot | undefined): Node[] {
    const task = file.uri;
    if (!file.task) {
      return file.issues.map(({ line, key, message }) => ({
        kind: 'issue',
        task,
        line,
        message: key === '' ? message : `${key}: ${message}`,
      }));
    }
    if (!snapshot) return [];
    const { t } = vscode.l10n;
    const locale = vscode.env.language;
    const line = (
      id: string,
      label: string,
      icon: string,
      description: string,
      color?: string,
      opens?: string,
    ): Node => ({
      kind: 'line',
      task,
      id,
      label,
      description,
      ...(opens === undefined ? {} : { opens }),
      icon: new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color)),
    });
    const nodes: Node[] = [];
    const problem = snapshot.error ?? snapshot.retry?.error;
    if (problem) {
      nodes.push(line('problem', problem.message, 'info', problem.remedy, 'list.warningForeground'));
    }
    if (isRunning(snapshot.state)) {
      nodes.push(
        line(
          'phase',
          t('Phase'),
          'milestone',
          phaseWords(snapshot, t, locale) || snapshot.state,
          undefined,
          'rowferry.task.monitor',
        ),
      );
    }
    nodes.push(line('rows', t('Written'), 'database', rowsWords(snapshot, t, locale)));
    if (snapshot.dirty > 0) {
      nodes.push(
        line(
          'dirty',
          t('Dirty data'),
          'warning',
          t('{0} records', formatCount(snapshot.dirty, locale)),
          'list.warningForeground',
          'rowferry.task.dirty',
        ),
      );
    }
    if (snapshot.tables.length > 0) nodes.push({ kind: 'tables', task, count: snapshot.tables.length });
    return nodes;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { t } = vscode.l10n;
    const locale = vscode.env.language;
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'task': {
        const file = this.files.get(node.uri);
        const snapshot = file && this.service.snapshotOf(file);
        const valid = file?.task !== undefined;
        const look = taskLook(snapshot, valid, t, locale);
        const item = new vscode.TreeItem(file?.name ?? '', snapshot || !valid ? Expanded : None);
        // Another id once it is known to the engine: only a new item opens by itself.
        item.id = `${node.uri.toString()}${snapshot ? '#known' : ''}`;
        item.description = look.description;
        item.iconPath = themeIcon(look);
        item.tooltip = tooltip(file, snapshot, look.description);
        item.contextValue = ['task', look.canStart && 'can-start', look.canStop && 'can-stop']
          .filter(Boolean)
          .join(';');
        item.resourceUri = node.uri.with({ scheme: 'rowferry-task' });
        item.accessibilityInformation = { label: `${file?.name ?? ''}, ${look.description}` };
        item.command = { command: 'rowferry.task.openForm', title: '', arguments: [node] };
        return item;
      }
      case 'line': {
        const item = new vscode.TreeItem(node.label, None);
        item.id = `${node.task.toString()}#${node.id}`;
        item.description = node.description;
        item.iconPath = node.icon;
        item.tooltip = `${node.label}\n${node.description}`;
        if (node.opens !== undefined) {
          item.command = { command: node.opens, title: '', arguments: [{ uri: node.task }] };
        }
        return item;
      }
      case 'tables': {
        const item = new vscode.TreeItem(t('Tables'), Collapsed);
        item.id = `${node.task.toString()}#tables`;
        item.description = formatCount(node.count, locale);
        item.iconPath = new vscode.ThemeIcon('list-tree');
        return item;
      }
      case 'table': {
        const { source, destination } = node.progress;
        const look = tableLook(node.progress, t, locale);
        const item = new vscode.TreeItem(source, None);
        item.id = `${node.task.toString()}#table:${source}`;
        item.description = look.description;
        item.iconPath = themeIcon(look);
        item.tooltip = `${source} → ${destination}\n${look.description}`;
        return item;
      }
      case 'issue': {
        const item = new vscode.TreeItem(node.message, None);
        item.description = t('line {0}', node.line);
        item.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
        item.command = {
          command: 'vscode.open',
          title: '',
          arguments: [node.task, { selection: new vscode.Range(node.line - 1, 0, node.line - 1, 0) }],
        };
        return item;
      }
    }
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

function themeIcon(look: { icon: string; color?: string }): vscode.ThemeIcon {
  return new vscode.ThemeIcon(
    look.icon,
    look.color === undefined ? undefined : new vscode.ThemeColor(look.color),
  );
}

/** Names come from files and servers: shown as text, never as Markdown. */
function tooltip(file: TaskFile | undefined, snapshot: TaskSnapshot | undefined, state: string): string {
  const { t } = vscode.l10n;
  const lines = [file?.name ?? '', state];
  if (file) lines.push(vscode.workspace.asRelativePath(file.uri));
  const position = snapshot?.position;
  if (position?.gtidSet !== undefined) lines.push(t('GTID set: {0}', position.gtidSet));
  else if (position?.file !== undefined)
    lines.push(t('Position: {0}', `${position.file}:${position.offset ?? 0}`));
  return lines.join('\n');
}
