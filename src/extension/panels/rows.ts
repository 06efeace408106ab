import * as vscode from 'vscode';
import { rowsCalls, type RowsHost, type RowsPage, type RowsState } from '../../shared/pages.js';
import type { DestinationSettings } from '../../shared/task.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../base/log.js';
import { Page } from './page.js';
import { panelViewType } from './view-types.js';

export interface RowsContext {
  extensionUri: vscode.Uri;
  session: EngineSession;
  /** Settings of a saved destination or of the running local one. Throws RowferryError. */
  destination: (name: string) => Promise<DestinationSettings>;
  log: Log;
}

interface TableOf {
  connection: string;
  table: string;
}

/** Panels that show the rows of a Tablestore table, a page of keys at a time; nothing is written. One a table. */
export class RowsPanels implements vscode.Disposable {
  private readonly open = new Map<string, vscode.WebviewPanel>();

  constructor(private readonly context: RowsContext) {}

  /** As TaskPanels.restore. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const { connection, table } = (state ?? {}) as Record<string, unknown>;
    if (typeof connection === 'string' && typeof table === 'string')
      this.fill(panel, { connection, table }, false);
    else panel.dispose();
  }

  reveal(of: TableOf): void {
    const there = this.open.get(keyOf(of));
    if (there) there.reveal();
    else
      this.fill(
        vscode.window.createWebviewPanel(panelViewType('rows'), '', vscode.ViewColumn.Active),
        of,
        true,
      );
  }

  private fill(panel: vscode.WebviewPanel, of: TableOf, read: boolean): void {
    const { context } = this;
    panel.title = of.table;
    panel.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'panel.svg');
    const page = new Page<RowsHost, RowsState>(panel, {
      extensionUri: context.extensionUri,
      name: 'rows',
      calls: rowsCalls,
      log: context.log,
      restore: of,
      host: {
        page: async ({ limit, from, startAt }: RowsPage) => {
          const engine = await context.session.engine();
          const settings = await context.destination(of.connection);
          if (primaryKey.length === 0) {
            primaryKey = (await engine.destinationTable(settings, of.table)).primaryKey;
            show();
          }
          return engine.destinationRows(settings, of.table, {
            limit,
            ...(from === undefined ? {} : { from }),
            ...(startAt === undefined ? {} : { startAt }),
          });
        },
        copy: (text) => Promise.resolve(vscode.env.clipboard.writeText(text)),
      },
    });
    let primaryKey: RowsState['primaryKey'] = [];
    const show = () => page.show({ ...of, primaryKey, read });
    show();
    this.open.set(keyOf(of), panel);
    panel.onDidDispose(() => {
      this.open.delete(keyOf(of));
      page.dispose();
    });
  }

  dispose(): void {
    for (const panel of this.open.values()) panel.dispose();
  }
}

function keyOf({ connection, table }: TableOf): string {
  return `${connection}\n${table}`;
}
