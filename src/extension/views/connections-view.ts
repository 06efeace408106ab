import * as vscode from 'vscode';
import { formatShort } from '../../shared/format.js';
import type { CatalogTable, DestinationTable } from '../../shared/catalog-api.js';
import type { LocalTablestore } from '../connections/local-tablestore.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import type { ConnectionKind, SavedConnections } from '../connections/saved-connections.js';
import type { TrialMysql } from '../connections/trial-mysql.js';
import type { EngineSession } from '../engine/session.js';
import { logError, type Log } from '../base/log.js';
import { asRowferryError } from '../base/notifications.js';
import { retell } from '../base/retell.js';
import { RowferryError } from '../../shared/errors.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';
import { tablesMimeType, type ChosenTable } from '../tasks/dragged-tables.js';
import { sourceName } from '../../shared/source-name.js';

export interface ConnectionNode {
  kind: 'connection';
  of: ConnectionKind;
  name: string;
  address: string;
}
export interface SourceTableNode {
  kind: 'sourceTable';
  connection: string;
  table: CatalogTable;
}
export interface DestinationTableNode {
  kind: 'destinationTable';
  connection: string;
  name: string;
}
interface DatabaseNode {
  kind: 'database';
  connection: string;
  name: string;
}
type Node =
  | ConnectionNode
  | SourceTableNode
  | { kind: 'local' }
  | DatabaseNode
  | { kind: 'column'; parent: SourceTableNode; index: number }
  | DestinationTableNode
  | { kind: 'keyColumn'; id: string; name: string; type: string; order: number }
  | { kind: 'message'; text: string; detail: string; error: boolean };

/**
 * The tree of connections. Expanding a connection is what connects; nothing does by itself. What was read stays
 * until Refresh.
 */
export class ConnectionsView
  implements vscode.TreeDataProvider<Node>, vscode.TreeDragAndDropController<Node>, vscode.Disposable
{
  readonly dropMimeTypes: readonly string[] = [];
  readonly dragMimeTypes: readonly string[] = [tablesMimeType];
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly saved: SavedConnections,
    private readonly local: LocalTablestore,
    private readonly trial: TrialMysql,
    private readonly session: EngineSession,
    private readonly log: Log,
  ) {
    this.view = vscode.window.createTreeView<Node>('rowferry.connections', {
      treeDataProvider: this,
      dragAndDropController: this,
      canSelectMany: true,
      showCollapseAll: true,
    });
    const refresh = () => this.refresh();
    this.disposables = [this.view, this.changed, saved.onDidChange(refresh), local.onDidChange(refresh)];
  }

  /** Tables and databases can be dragged to the tasks. */
  handleDrag(nodes: readonly Node[], data: vscode.DataTransfer): void {
    const tables = nodes.flatMap(chosen);
    if (tables.length > 0) data.set(tablesMimeType, new vscode.DataTransferItem(JSON.stringify(tables)));
  }

  /** The tables that a command of the menu was called on; undefined when it was not called on any. */
  chosenTables(argument: unknown, selected: unknown): ChosenTable[] | undefined {
    const nodes = (Array.isArray(selected) ? selected : [argument]) as (Node | undefined)[];
    const tables = nodes.flatMap((node) => (node ? chosen(node) : []));
    return tables.length > 0 ? tables : undefined;
  }

  refresh(): void {
    this.changed.fire(undefined);
  }

  async getChildren(node?: Node): Promise<Node[]> {
    try {
      return await this.childrenOf(node);
    } catch (error) {
      const known = asRowferryError(error);
      logError(this.log, 'connections', known);
      const [text, detail] =
        known instanceof RowferryError ? [retell(known.message), retell(known.remedy)] : [String(known), ''];
      return [{ kind: 'message', text, detail, error: true }];
    }
  }

  private async childrenOf(node?: Node): Promise<Node[]> {
    if (!node) {
      const { sources, destinations } = await this.saved.list();
      // With nothing in it the view says how to begin (viewsWelcome).
      if (!this.local.running && Object.keys({ ...sources, ...destinations }).length === 0) return [];
      return [
        ...Object.entries(sources).map(([name, s]): Node => {
          return { kind: 'connection', of: 'source', name, address: `${s.user}@${s.host}:${s.port}` };
        }),
        ...Object.entries(destinations).map(([name, d]): Node => {
          return { kind: 'connection', of: 'destination', name, address: `${d.instance} · ${d.endpoint}` };
        }),
        { kind: 'local' },
      ];
    }
    if (!vscode.workspace.isTrusted) {
      throw new RowferryError('ROW-T101', vscode.l10n.t('This folder is not trusted.'), {
        remedy: vscode.l10n.t('Trust the workspace to connect from it.'),
      });
    }
    switch (node.kind) {
      case 'connection': {
        const engine = await this.session.engine();
        if (node.of === 'source') {
          const names = await engine.databases(await this.source(node.name));
          return or(
            names.map((name) => ({ kind: 'database', connection: node.name, name })),
            vscode.l10n.t('No databases'),
          );
        }
        return this.destinationTables(node.name);
      }
      case 'local':
        return this.local.running ? this.destinationTables(localTablestoreName) : [];
      case 'database': {
        const engine = await this.session.engine();
        const tables = await engine.catalog(await this.source(node.connection), node.name);
        return or(
          tables.map((table) => ({ kind: 'sourceTable', connection: node.connection, table })),
          vscode.l10n.t('No tables'),
        );
      }
      case 'sourceTable':
        return node.table.columns.map((_, index) => ({ kind: 'column', parent: node, index }));
      case 'destinationTable': {
        const engine = await this.session.engine();
        const settings = await this.destination(node.connection);
        const table: DestinationTable = await engine.destinationTable(settings, node.name);
        return table.primaryKey.map(({ name, type }, order) => ({
          kind: 'keyColumn',
          id: `${node.connection}/${node.name}`,
          name,
          type,
          order: order + 1,
        }));
      }
      default:
        return [];
    }
  }

  private async destinationTables(connection: string): Promise<Node[]> {
    const engine = await this.session.engine();
    const names = await engine.destinationTables(await this.destination(connection));
    return or(
      names.map((name) => ({ kind: 'destinationTable', connection, name })),
      vscode.l10n.t('No tables'),
    );
  }

  /** Settings of a source of this tree, secrets included. Throws ROW-T105. */
  async source(name: string): Promise<SourceSettings> {
    const found = await this.trial.source(name);
    if (!found)
      throw new RowferryError('ROW-T105', vscode.l10n.t('The connection {0} does not exist.', name));
    return found;
  }

  /** Settings of a destination of this tree, secrets included. Throws ROW-T105. */
  async destination(name: string): Promise<DestinationSettings> {
    const found =
      (await this.saved.resolve('destination', name)) ??
      (name === localTablestoreName ? this.local.running : undefined);
    if (!found)
      throw new RowferryError('ROW-T105', vscode.l10n.t('The connection {0} does not exist.', name));
    return found;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { t } = vscode.l10n;
    const { None, Collapsed } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'connection': {
        const item = new vscode.TreeItem(node.name, Collapsed);
        item.id = `${node.of}:${node.name}`;
        item.description = node.of === 'source' ? `MySQL · ${node.address}` : `Tablestore · ${node.address}`;
        item.iconPath = new vscode.ThemeIcon(node.of === 'source' ? 'database' : 'cloud');
        item.contextValue = `connection;${node.of};own`;
        item.tooltip = `${node.name}\n${node.address}`;
        item.accessibilityInformation = { label: `${node.name}, ${item.description}` };
        return item;
      }
      case 'local': {
        const running = this.local.running;
        const item = new vscode.TreeItem(localTablestoreName, running ? Collapsed : None);
        item.id = `local:${running ? 'running' : 'stopped'}`;
        item.description = running ? running.endpoint : t('not running');
        item.iconPath = new vscode.ThemeIcon(
          running ? 'vm-running' : 'vm-outline',
          running ? new vscode.ThemeColor('charts.green') : undefined,
        );
        item.contextValue = `localTablestore;${running ? 'running' : 'stopped'}`;
        item.tooltip = t('A Tablestore on this machine, for trying things out without an account.');
        item.accessibilityInformation = { label: `${localTablestoreName}, ${String(item.description)}` };
        return item;
      }
      case 'database': {
        const item = new vscode.TreeItem(node.name, Collapsed);
        item.id = `database:${node.connection}/${node.name}`;
        item.iconPath = new vscode.ThemeIcon('folder-library');
        item.contextValue = 'database';
        return item;
      }
      case 'sourceTable': {
        const { table } = node;
        const item = new vscode.TreeItem(table.name, Collapsed);
        item.id = `table:${node.connection}/${table.database}/${table.name}`;
        item.description = t('~{0} rows', formatShort(table.estimatedRows, vscode.env.language));
        item.iconPath = new vscode.ThemeIcon('table');
        item.contextValue = 'sourceTable';
        item.tooltip = `${sourceName(table)}\n${table.engine}`;
        item.accessibilityInformation = { label: `${table.name}, ${t('table')}, ${item.description}` };
        return item;
      }
      case 'column': {
        const { table } = node.parent;
        const column = table.columns[node.index]!;
        const keys = table.keys.filter((key) => key.columns.includes(column.name));
        const primary = keys.some((key) => key.primary);
        const unique = keys.some((key) => key.unique);
        const item = new vscode.TreeItem(column.name, None);
        item.id = `column:${node.parent.connection}/${table.database}/${table.name}/${column.name}`;
        item.description = `${column.type}${column.nullable ? '' : ' NOT NULL'}`;
        item.iconPath = primary
          ? new vscode.ThemeIcon('key', new vscode.ThemeColor('charts.yellow'))
          : new vscode.ThemeIcon(unique ? 'key' : 'symbol-field');
        const role = primary ? t('primary key') : unique ? t('unique') : t('column');
        item.accessibilityInformation = { label: `${column.name}, ${role}, ${item.description}` };
        item.tooltip = `${column.name} ${column.type}, ${role}\n→ ${column.cellType}${column.keyProblem === null ? '' : `\n${column.keyProblem}`}`;
        return item;
      }
      case 'destinationTable': {
        const item = new vscode.TreeItem(node.name, Collapsed);
        item.id = `destination:${node.connection}/${node.name}`;
        item.iconPath = new vscode.ThemeIcon('table');
        item.contextValue = 'destinationTable';
        item.accessibilityInformation = { label: `${node.name}, ${t('table')}` };
        return item;
      }
      case 'keyColumn': {
        const item = new vscode.TreeItem(node.name, None);
        item.id = `key:${node.id}/${node.name}`;
        item.description = t('{0}, key column {1}', node.type, node.order);
        item.iconPath = new vscode.ThemeIcon('key', new vscode.ThemeColor('charts.yellow'));
        return item;
      }
      case 'message': {
        const item = new vscode.TreeItem(node.text, None);
        item.description = node.detail;
        item.tooltip = `${node.text}\n${node.detail}`;
        if (node.error) {
          item.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
          item.accessibilityInformation = { label: `${node.text} ${node.detail}` };
          item.command = { command: 'rowferry.connections.refresh', title: t('Try Again') };
        }
        return item;
      }
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

function or(nodes: Node[], whenEmpty: string): Node[] {
  return nodes.length > 0 ? nodes : [{ kind: 'message', text: whenEmpty, detail: '', error: false }];
}

/** What a node gives to a task; nothing when it is no table and no database of MySQL. */
function chosen(node: Node): ChosenTable[] {
  if (node.kind === 'sourceTable') {
    return [{ connection: node.connection, database: node.table.database, table: node.table.name }];
  }
  return node.kind === 'database' ? [{ connection: node.connection, database: node.name }] : [];
}
