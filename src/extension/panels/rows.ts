import * as vscode from 'vscode';
import type { OptionalApi } from '../../shared/engine-api.js';
import { RowferryError } from '../../shared/errors.js';
import {
  rowsCalls,
  type RowsHost,
  type RowsPage,
  type RowsSide,
  type RowsState,
  type ShownRows,
} from '../../shared/pages.js';
import { parseSourceName } from '../../shared/source-name.js';
import type { DestinationSettings, ResolvedTask, SourceSettings } from '../../shared/task.js';
import type { EngineSession } from '../engine/session.js';
import type { Log } from '../base/log.js';
import type { PairedTables, TableOfSide } from '../tasks/paired-tables.js';
import { exportRowsTo } from './export-rows.js';
import { Page } from './page.js';
import { panelViewType } from './view-types.js';

export interface RowsContext {
  extensionUri: vscode.Uri;
  session: EngineSession;
  /** Settings of a saved connection, secrets included. Throws RowferryError. */
  source: (name: string) => Promise<SourceSettings>;
  /** The same of a destination, or of the running local one. */
  destination: (name: string) => Promise<DestinationSettings>;
  pairs: (of: TableOfSide) => Promise<PairedTables[]>;
  /** The task of a file as its text says, secrets included. Throws RowferryError, CancellationError. */
  task: (uri: vscode.Uri) => Promise<ResolvedTask>;
  log: Log;
}

const exportPage = 1000;

/** Panels that show the rows of a table, a page of keys at a time; nothing is written. One a table. */
export class RowsPanels implements vscode.Disposable {
  private readonly open = new Map<string, vscode.WebviewPanel>();

  constructor(private readonly context: RowsContext) {}

  /** As TaskPanels.restore. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const { side, connection, table } = (state ?? {}) as Record<string, unknown>;
    if (typeof connection === 'string' && typeof table === 'string')
      // Pages of an older version are all of Tablestore.
      this.fill(panel, { side: side === 'source' ? side : 'destination', connection, table }, false);
    else panel.dispose();
  }

  reveal(of: TableOfSide): void {
    const there = this.open.get(keyOf(of));
    if (there) there.reveal();
    else
      this.fill(
        vscode.window.createWebviewPanel(panelViewType('rows'), '', vscode.ViewColumn.Active),
        of,
        true,
      );
  }

  private fill(panel: vscode.WebviewPanel, of: TableOfSide, read: boolean): void {
    const { context } = this;
    panel.title = of.table;
    panel.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'panel.svg');
    const pairs = new Pairs(context, of, () => show());
    const rows = new SideRows(context, of, pairs);
    const page = new Page<RowsHost, RowsState>(panel, {
      extensionUri: context.extensionUri,
      name: 'rows',
      calls: rowsCalls,
      log: context.log,
      restore: of,
      host: {
        page: (wanted) => rows.page(wanted),
        compare: async ({ pair, side, key }) => {
          const engine = await rows.engine('compareRow');
          const { uri, source, destination } = pairs.byId(pair);
          const table = side === 'source' ? source : destination;
          return engine.compareRow(await context.task(uri), { side, table, key });
        },
        exportAs: (format, wanted) =>
          exportRowsTo({
            table: rows.tableOf(wanted),
            format,
            isSparse: wanted.side === 'destination',
            folder: vscode.workspace.workspaceFolders?.[0]?.uri,
            // How many rows a condition or a key leaves is not known.
            expected: ({ estimatedRows }) => (wanted.filter || wanted.startAt ? null : estimatedRows),
            page: (from) => rows.page({ ...wanted, limit: exportPage, ...(from !== undefined && { from }) }),
          }),
        copy: (text) => Promise.resolve(vscode.env.clipboard.writeText(text)),
      },
    });
    const show = () =>
      page.show({
        ...of,
        read,
        pairs: pairs.all.map(({ id, task, source, destination }) => ({ id, task, source, destination })),
        methods: context.session.methods,
      });
    show();
    pairs.watch();
    this.open.set(keyOf(of), panel);
    panel.onDidDispose(() => {
      this.open.delete(keyOf(of));
      pairs.dispose();
      page.dispose();
    });
  }

  dispose(): void {
    for (const panel of this.open.values()) panel.dispose();
  }
}

/** The pairs of a page's table, for as long as the page is open. */
class Pairs implements vscode.Disposable {
  all: readonly PairedTables[] = [];
  private seen = '';
  private listening: vscode.Disposable | undefined;

  constructor(
    private readonly context: RowsContext,
    private readonly of: TableOfSide,
    private readonly changed: () => void,
  ) {}

  watch(): void {
    this.listening = this.context.session.onDidChange(() => this.look());
    this.look();
  }

  /** Once a second something changes, and hardly ever what tables there are. */
  private look(): void {
    const { snapshots, methods } = this.context.session;
    const now = JSON.stringify([
      methods,
      [...snapshots.values()].map(({ id, tables }) => [
        id,
        tables.filter((table) => table[this.of.side] === this.of.table).map((t) => [t.source, t.destination]),
      ]),
    ]);
    if (now === this.seen) return;
    this.seen = now;
    void this.context.pairs(this.of).then(
      (all) => {
        if (this.seen !== now) return;
        this.all = all;
        this.changed();
      },
      // A file that cannot be read has no pair; it says so where it is opened.
      () => undefined,
    );
  }

  /** Throws ROW-T104 when its task or table has gone. */
  byId(id: string | null): PairedTables {
    const found = this.all.find((pair) => pair.id === id);
    if (found) return found;
    throw new RowferryError('ROW-T104', vscode.l10n.t('No task maps this table any more.'), {
      remedy: vscode.l10n.t('Open the rows again from the connections.'),
    });
  }

  dispose(): void {
    this.listening?.dispose();
  }
}

/** Reads pages of either side. */
class SideRows {
  /** Keys of Tablestore tables never change. */
  private readonly keys = new Map<string, ShownRows['key']>();

  constructor(
    private readonly context: RowsContext,
    private readonly of: TableOfSide,
    private readonly pairs: Pairs,
  ) {}

  async engine(method: keyof OptionalApi) {
    const engine = await this.context.session.engine();
    if (this.context.session.answers(method)) return engine;
    throw new RowferryError('ROW-E108', vscode.l10n.t('The running engine does not support this.'));
  }

  tableOf({ side, pair }: { side: RowsSide; pair: string | null }): string {
    return side === this.of.side ? this.of.table : this.pairs.byId(pair)[side];
  }

  page(wanted: RowsPage): Promise<ShownRows> {
    return wanted.side === 'source' ? this.ofSource(wanted) : this.ofDestination(wanted);
  }

  private async ofSource({ pair, limit, from, startAt, filter }: RowsPage): Promise<ShownRows> {
    const engine = await this.engine('sourceRows');
    const { context, of } = this;
    const source =
      of.side === 'source'
        ? await context.source(of.connection)
        : (await context.task(this.pairs.byId(pair).uri)).source;
    const table = parseSourceName(this.tableOf({ side: 'source', pair }));
    if (!table)
      throw new RowferryError('ROW-T104', vscode.l10n.t('{0} is not the name of a table.', of.table));
    const page = await engine.sourceRows(source, table, {
      limit,
      ...(from !== undefined && { from }),
      ...(startAt !== undefined && { startAt }),
      ...(filter !== undefined && { filter }),
    });
    const { columns, key } = page;
    const typeOf = (name: string) => columns.find((column) => column.name === name)?.type ?? '';
    return {
      ...page,
      columns: columns.map((column) => ({ ...column, key: key.includes(column.name) })),
      key: key.map((name) => ({ name, type: typeOf(name) })),
    };
  }

  private async ofDestination({ pair, limit, from, startAt }: RowsPage): Promise<ShownRows> {
    const engine = await this.engine('destinationRows');
    const { context, of } = this;
    const destination =
      of.side === 'destination'
        ? await context.destination(of.connection)
        : (await context.task(this.pairs.byId(pair).uri)).destination;
    const table = this.tableOf({ side: 'destination', pair });
    const id = `${pair}\n${table}`;
    let key = this.keys.get(id);
    if (!key) this.keys.set(id, (key = (await engine.destinationTable(destination, table)).primaryKey));
    const page = await engine.destinationRows(destination, table, {
      limit,
      ...(from !== undefined && { from }),
      ...(startAt !== undefined && { startAt }),
    });
    const { columns, rows, next, keyColumns } = page;
    return {
      columns: columns.map((name, i) => ({ name, type: key[i]?.type ?? '', key: i < keyColumns })),
      key,
      rows,
      keys: page.keys ?? rows.map(() => null),
      next,
      isCut: false,
      estimatedRows: null,
    };
  }
}

function keyOf({ side, connection, table }: TableOfSide): string {
  return JSON.stringify([side, connection, table]);
}
