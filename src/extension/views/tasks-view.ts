import * as vscode from 'vscode';
import { retold } from '../../shared/retelling.js';
import { retell } from '../base/retell.js';
import { formatCount } from '../../shared/format.js';
import type { TableProgress, TaskSnapshot } from '../../shared/snapshot.js';
import {
  auditLook,
  needsPerson,
  phaseSteps,
  positionWords,
  stoppedLines,
  tableLook,
  taskLook,
  type TableLook,
} from '../../shared/snapshot-words.js';
import { isStopped, stoppedFirst, stoppedTables } from '../../shared/stopped-tables.js';
import { refusedSide } from '../../shared/refusal.js';
import { leftOutWords } from '../../shared/left-out-words.js';
import { taskContext, type TaskAction } from '../../shared/task-actions.js';
import type { EngineSession } from '../engine/session.js';
import { draggedTables, tablesMimeType } from '../tasks/dragged-tables.js';
import type { TaskFile, TaskFiles } from '../tasks/task-files.js';
import type { TaskService } from '../tasks/task-service.js';

export interface TaskNode {
  kind: 'task';
  uri: vscode.Uri;
}
export interface TaskTableNode {
  kind: 'table';
  task: vscode.Uri;
  progress: TableProgress;
  /** It stands at the top of its task, because it has stopped. */
  leads?: true;
}
/** Stopped tables that lead their task; "Tables" has the others, in front as well. */
const mostLeading = 10;
type Node =
  | TaskNode
  | {
      kind: 'line';
      task: vscode.Uri;
      id: string;
      label: string;
      icon: vscode.ThemeIcon;
      description: string;
      /** Where the description says too little. */
      tooltip?: string;
      opens?: string;
      context?: string;
    }
  | { kind: 'tables'; task: vscode.Uri; count: number }
  | TaskTableNode
  | { kind: 'issue'; task: vscode.Uri; line: number; message: string };

/** The tree of tasks: one item a file, below it what the engine says of it. Tables of a source can be dropped on it. */
export class TasksView
  implements vscode.TreeDataProvider<Node>, vscode.TreeDragAndDropController<Node>, vscode.Disposable
{
  readonly dragMimeTypes: readonly string[] = [];
  readonly dropMimeTypes: readonly string[] = [tablesMimeType];
  private readonly changed = new vscode.EventEmitter<Node[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;
  private readonly disposables: vscode.Disposable[];
  private wanted = '';
  /** One node a task, for as long as it is shown: only what is known to the editor can be refreshed by itself. */
  private nodes = new Map<string, TaskNode>();
  private roots = '';
  private readonly drawn = new Map<string, string>();

  constructor(
    private readonly files: TaskFiles,
    private readonly session: EngineSession,
    private readonly service: TaskService,
  ) {
    this.view = vscode.window.createTreeView<Node>('rowferry.tasks', {
      treeDataProvider: this,
      dragAndDropController: this,
      showCollapseAll: true,
    });
    const refresh = () => this.refresh();
    this.disposables = [
      this.view,
      this.changed,
      files.onDidChange(refresh),
      session.onDidChange(refresh),
      this.view.onDidChangeVisibility(refresh),
      vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    ];
  }

  /** The task that is selected, or of which something is. */
  get selected(): vscode.Uri | undefined {
    const [node] = this.view.selection;
    return node && ('uri' in node ? node.uri : node.task);
  }

  /** What tasks and tables are filtered by; '' shows everything. */
  get filter(): string {
    return this.wanted;
  }

  set filter(text: string) {
    this.wanted = text.trim().toLocaleLowerCase();
    void vscode.commands.executeCommand('setContext', 'rowferry.tasks.filtered', this.wanted !== '');
    this.refresh();
  }

  private refresh(): void {
    const waiting = [...this.session.snapshots.values()].filter(needsPerson).length;
    this.view.badge =
      waiting > 0
        ? { value: waiting, tooltip: vscode.l10n.t('{0} tasks need attention', waiting) }
        : undefined;
    // A view that nobody sees costs nothing; it is asked anew when it is shown.
    if (!this.view.visible) return;
    // The whole tree only when tasks come or go: while it is drawn anew, a click on an item reaches nobody.
    const files = this.shown();
    this.view.message = this.message(files.length);
    const roots = files.map((file) => itemId(file, this.service.snapshotOf(file))).join('\n');
    const stale = files.filter((file) => this.isStale(file));
    if (roots !== this.roots) {
      this.roots = roots;
      this.changed.fire(undefined);
    } else if (stale.length > 0) {
      this.changed.fire(stale.flatMap(({ uri }) => this.nodes.get(uri.toString()) ?? []));
    }
  }

  private message(shown: number): string {
    const { t } = vscode.l10n;
    const all = this.files.all.length;
    if (this.wanted !== '') return t('“{0}”: {1} of {2} tasks', this.wanted, shown, all);
    // With no task in it the view itself says so, with the way to trust the folder.
    return all > 0 && !vscode.workspace.isTrusted
      ? t('This folder is not trusted. You can view and edit its tasks, but not start them.')
      : '';
  }

  /** Is there anything of this task that was not drawn yet? */
  private isStale(file: TaskFile): boolean {
    const snapshot = this.service.snapshotOf(file);
    // What is seen, not what is known: figures that change a hidden digit each second draw nothing.
    const items = [this.taskItem({ kind: 'task', uri: file.uri }), ...this.details(file, snapshot)];
    const tables = this.tablesOf(file).map((table) => [table.source, this.lookOf(table)]);
    const now = JSON.stringify([items, tables]);
    const key = file.uri.toString();
    if (this.drawn.get(key) === now) return false;
    this.drawn.set(key, now);
    return true;
  }

  private shown(): TaskFile[] {
    return this.files.all.filter((file) => this.named(file) || this.tablesOf(file).length > 0);
  }

  private named(file: TaskFile): boolean {
    return this.wanted === '' || file.name.toLocaleLowerCase().includes(this.wanted);
  }

  /** Tables that the filter lets through, all of a task that it names; those that have stopped first. */
  private tablesOf(file: TaskFile): TableProgress[] {
    const all = this.service.snapshotOf(file)?.tables ?? [];
    const tables = stoppedFirst({ tables: all });
    if (this.named(file)) return tables;
    return tables.filter(({ source, destination }) =>
      `${source}\n${destination}`.toLocaleLowerCase().includes(this.wanted),
    );
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      await this.files.ready;
      const nodes = new Map<string, TaskNode>();
      for (const { uri } of this.shown()) {
        const key = uri.toString();
        nodes.set(key, this.nodes.get(key) ?? { kind: 'task', uri });
      }
      this.nodes = nodes;
      return [...nodes.values()];
    }
    const file = 'uri' in node ? this.files.get(node.uri) : this.files.get(node.task);
    if (!file) return [];
    if (node.kind === 'task') return this.details(file, this.service.snapshotOf(file));
    if (node.kind === 'tables') {
      return this.tablesOf(file).map((progress) => ({ kind: 'table', task: node.task, progress }));
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
        message: key === '' ? retell(message) : `${key}: ${retell(message)}`,
      }));
    }
    if (!snapshot) return [];
    const { t } = vscode.l10n;
    const locale = vscode.env.language;
    const nodes: Node[] = [];
    const problem = snapshot.error ?? snapshot.retry?.error;
    if (problem) {
      const icon = themeIcon({ icon: 'info', color: 'list.warningForeground' });
      nodes.push({
        kind: 'line',
        task,
        id: 'problem',
        label: retell(problem.message),
        icon,
        description: retell(problem.remedy),
        ...(refusedSide(problem.code) === undefined
          ? { opens: 'rowferry.task.monitor' }
          : { opens: 'rowferry.task.enterSecrets', context: 'refused' }),
      });
    }
    const differing = this.service.differences(task);
    if (differing.length > 0)
      nodes.push({
        kind: 'line',
        task,
        id: 'differs',
        label: t('Running with other settings than the file'),
        icon: themeIcon({ icon: 'diff-modified', color: 'charts.yellow' }),
        description: differing.join(', '),
        opens: 'rowferry.task.showChanges',
      });
    nodes.push(...this.leading(file));
    for (const step of phaseSteps(snapshot, file.task.synchronization, t, locale)) {
      const { id, label, description } = step;
      const icon = themeIcon(step);
      nodes.push({
        kind: 'line',
        task,
        id: `phase:${id}`,
        label,
        description,
        icon,
        opens: 'rowferry.task.monitor',
      });
    }
    if (snapshot.tables.length > 0) {
      nodes.push({ kind: 'tables', task, count: this.tablesOf(file).length });
    }
    if (snapshot.dirty > 0) {
      nodes.push({
        kind: 'line',
        task,
        id: 'dirty',
        label: t('Dirty data'),
        icon: themeIcon({ icon: 'warning', color: 'list.warningForeground' }),
        description:
          snapshot.dirty === 1 ? t('1 record') : t('{0} records', formatCount(snapshot.dirty, locale)),
        opens: 'rowferry.task.dirty',
      });
    }
    const leftOut = leftOutWords(snapshot.leftOut, t);
    if (leftOut) {
      const { label, description, lines } = leftOut;
      const icon = themeIcon({ icon: 'circle-slash' });
      nodes.push({ kind: 'line', task, id: 'left-out', label, icon, description, tooltip: lines.join('\n') });
    }
    const { audit } = snapshot;
    if (audit) {
      const { label, description, icon, color } = auditLook(audit, t, locale);
      nodes.push({
        kind: 'line',
        task,
        id: 'audit',
        label,
        icon: themeIcon({ icon, ...(color && { color }) }),
        description,
        opens: 'rowferry.task.monitor',
      });
    }
    return nodes;
  }

  private leading(file: TaskFile): Node[] {
    const task = file.uri;
    const stopped = stoppedTables({ tables: this.tablesOf(file) });
    const more = stopped.length - mostLeading;
    const nodes: Node[] = stopped
      .slice(0, mostLeading)
      .map((progress) => ({ kind: 'table', task, progress, leads: true }));
    if (more <= 0) return nodes;
    const { t } = vscode.l10n;
    const label = t('and {0} more', formatCount(more, vscode.env.language));
    const icon = new vscode.ThemeIcon('blank');
    const opens = 'rowferry.task.monitor';
    return [...nodes, { kind: 'line', task, id: 'stopped:more', label, icon, description: '', opens }];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { t } = vscode.l10n;
    const locale = vscode.env.language;
    const { None, Collapsed } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'task':
        return this.taskItem(node);
      case 'line': {
        const item = new vscode.TreeItem(node.label, None);
        item.id = `${node.task.toString()}#${node.id}`;
        item.description = node.description;
        item.iconPath = node.icon;
        const said = [node.label, node.tooltip ?? node.description].filter((text) => text !== '');
        item.tooltip = said.join('\n');
        item.accessibilityInformation = { label: said.join(', ') };
        if (node.context !== undefined) item.contextValue = node.context;
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
        const { source, destination, problem } = node.progress;
        const look = this.lookOf(node.progress);
        const item = new vscode.TreeItem(source, None);
        item.id = `${node.task.toString()}#${node.leads ? 'stopped' : 'table'}:${source}`;
        item.description = look.description;
        item.iconPath = themeIcon(look);
        const reason = problem ? [retell(problem.message), retell(problem.remedy)] : [look.description];
        item.tooltip = [`${source} → ${destination}`, ...reason].join('\n');
        item.contextValue = [
          'taskTable',
          this.session.answers('reload') && 'can-reload',
          isStopped(node.progress) && 'problem',
        ]
          .filter(Boolean)
          .join(';');
        item.accessibilityInformation = {
          label: [source, ...(isStopped(node.progress) ? [t('stopped')] : []), look.description].join(', '),
        };
        if (node.leads)
          item.command = { command: 'rowferry.task.monitor', title: '', arguments: [{ uri: node.task }] };
        return item;
      }
      case 'issue': {
        const item = new vscode.TreeItem(node.message, None);
        item.id = `${node.task.toString()}#issue:${node.line}:${node.message}`;
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

  private lookOf(table: TableProgress): TableLook {
    return tableLook(retold(table, retell), vscode.l10n.t, vscode.env.language);
  }

  private taskItem(node: TaskNode): vscode.TreeItem {
    const { t } = vscode.l10n;
    const { None, Expanded } = vscode.TreeItemCollapsibleState;
    const file = this.files.get(node.uri);
    const snapshot = file && this.service.snapshotOf(file);
    const valid = file?.task !== undefined;
    const look = file ? this.service.lookOf(file, valid) : taskLook(undefined, valid, t);
    const item = new vscode.TreeItem(file?.name ?? '', snapshot || !valid ? Expanded : None);
    if (file) item.id = itemId(file, snapshot);
    item.description = look.description;
    item.iconPath = themeIcon(look);
    item.tooltip = tooltip(file, snapshot, look.description);
    const isPossible = (action: TaskAction) => {
      switch (action) {
        case 'start':
          return look.canStart;
        case 'stop':
        case 'delete':
          return true;
        case 'pause':
        case 'resume':
        case 'reset':
          return this.session.answers(action);
      }
    };
    const differs = this.service.differences(node.uri).length > 0;
    item.contextValue = taskContext(snapshot?.state ?? 'new', isPossible) + (differs ? ';differs' : '');
    if (differs) item.description = `${look.description} · ${t('file changed')}`;
    const place = file?.own ? `, ${t('in your own folder')}` : '';
    item.accessibilityInformation = { label: `${file?.name ?? ''}, ${item.description}${place}` };
    // Without arguments: those of an item die with every refresh, and the click with them.
    item.command = { command: 'rowferry.task.openSelected', title: '' };
    return item;
  }

  /** Dropped on a task, tables are added to it; anywhere else they become a new one. */
  async handleDrop(target: Node | undefined, data: vscode.DataTransfer): Promise<void> {
    // The browser's own, empty entry of this type may stand before the one that the other tree has given.
    const given = [...data].filter(([mimeType]) => mimeType === tablesMimeType);
    const texts = await Promise.all(given.map(([, item]) => item.asString()));
    const tables = texts.map(draggedTables).find(({ length }) => length > 0);
    if (!tables) return;
    const task = target && ('uri' in target ? target.uri : target.task);
    await vscode.commands.executeCommand('rowferry.task.fromTables', { tables, task });
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

/** Another id once it is known to the engine: only a new item opens by itself. */
function itemId(file: TaskFile, snapshot: TaskSnapshot | undefined): string {
  return `${file.uri.toString()}${snapshot ? '#known' : ''}`;
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
  if (snapshot) lines.push(...stoppedLines(snapshot, t, vscode.env.language));
  if (file?.own) lines.push(t('in your own folder'));
  if (file) lines.push(vscode.workspace.asRelativePath(file.uri));
  lines.push(...positionWords(snapshot?.position, t, vscode.env.language));
  return lines.join('\n');
}
