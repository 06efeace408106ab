import * as vscode from 'vscode';
import { formatShort } from '../../shared/format.js';
import type { CatalogTable, DestinationTable } from '../../shared/workbench-api.js';
import type { LocalTablestore } from '../connections/local-tablestore.js';
import { localTablestoreName } from '../connections/local-tablestore.js';
import type { ConnectionKind, SavedConnections } from '../connections/saved-connections.js';
import type { EngineSession } from '../engine/session.js';
import { logError, type Log } from '../log.js';
import { asRowferryError } from '../notifications.js';
import { RowferryError } from '../../shared/errors.js';

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
type Node =
  | ConnectionNode
  | SourceTableNode
  | { kind: 'local' }
  | { kind: 'database'; connection: string; name: string }
  | { kind: 'column'; parent: SourceTableNode; index: number }
  | { kind: 'destinationTable'; connection: string; name: string }
  | { kind: 'keyColumn'; id: string; name: string; type: string; order: number }
  | { kind: 'message'; text: string; detail: string; error: boolean };

/**
 * The tree of connections. Expanding a connection is what connects; nothing does by itself. What was read stays
 * until Refresh.
 */
export class ConnectionsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Node>;
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly saved: SavedConnections,
    private readonly local: LocalTablestore,
    private readonly session: EngineSession,
    private readonly log: Log,
    dragAndDropController?: vscode.TreeDragAndDropController<Node>,
  ) {
    this.view = vscode.window.createTreeView('rowferry.connections', {
      treeDataProvider: this,
      showCollapseAll: true,
      ...(dragAndDropController ? { dragAndDropController } : {}),
    });
    const refresh = () => this.refresh();
    this.disposables = [this.view, this.changed, saved.onDidChange(refresh), local.onDidChange(refresh)];
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
        known instanceof RowferryError ? [known.message, known.remedy] : [String(known), ''];
      return [{ kind: 'message', text, detail, error: true }];
    }
  }

  private async childrenOf(node?: Node): Promise<Node[]> {
    if (!node) {
      const { sources, destinations } = await this.saved.list();
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

  private async source(name: string) {
    const found = await this.saved.resolve('source', name);
    if (!found) throw new RowferryError('ROW-T105', vscode.l10n.t('There is no connection {0}.', name));
    return found;
  }

  private async destination(name: string) {
    const found = (await this.saved.resolve('destination', name)) ?? this.local.running;
    if (!found) throw new RowferryError('ROW-T105', vscode.l10n.t('There is no connection {0}.', name));
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
        item.tooltip = t('A Tablestore on this machine, to try things without an account.');
        item.accessibilityInformation = { label: `${localTablestoreName}, ${String(item.description)}` };
        return item;
      }
      case 'database': {
        const item = new vscode.TreeItem(node.name, Collapsed);
        item.id = `database:${node.connection}/${node.name}`;
        item.iconPath = new vscode.ThemeIcon('folder-library');
        return item;
      }
      case 'sourceTable': {
        const { table } = node;
        const item = new vscode.TreeItem(table.name, Collapsed);
        item.id = `table:${node.connection}/${table.database}/${table.name}`;
        item.description = t('~{0} rows', formatShort(table.estimatedRows, vscode.env.language));
        item.iconPath = new vscode.ThemeIcon('table');
        item.contextValue = 'sourceTable';
        item.tooltip = `${table.database}.${table.name}\n${table.engine}`;
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
        item.tooltip = `${column.name} ${column.type}\n→ ${column.cellType}${column.keyProblem === null ? '' : `\n${column.keyProblem}`}`;
        return item;
      }
      case 'destinationTable': {
        const item = new vscode.TreeItem(node.name, Collapsed);
        item.id = `destination:${node.connection}/${node.name}`;
        item.iconPath = new vscode.ThemeIcon('table');
        item.contextValue = 'destinationTable';
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
