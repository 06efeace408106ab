import * as vscode from 'vscode';
import { parse as parseJsonc } from 'jsonc-parser';
import { RowferryError } from '../../shared/errors.js';
import type { CatalogApi, CatalogTable } from '../../shared/catalog-api.js';
import type { Engine, EngineSession } from '../engine/session.js';
import type { TaskService } from './task-service.js';

/** What one source was found to hold. */
interface Found {
  databases?: string[];
  tables: Map<string, CatalogTable[]>;
}

/**
 * What people asked of sources: databases, tables, columns. Asks only when a person does; forms, completions and
 * diagnostics then live on what it keeps, and forget it when the task names another source.
 */
export class SourceCatalog implements vscode.Disposable {
  private readonly bySource = new Map<string, Found>();
  private readonly changed = new vscode.EventEmitter<void>();
  /** Something was learnt. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly service: TaskService,
    private readonly session: EngineSession,
  ) {}

  /** Connects. Throws RowferryError, CancellationError when a secret is asked for and not given. */
  async databases(document: vscode.TextDocument): Promise<string[]> {
    const found = this.found(document);
    found.databases = await (await this.engine('databases')).databases(await this.service.source(document));
    this.changed.fire();
    return found.databases;
  }

  /** What is known is given without asking again, unless it is to be fresh. */
  async tables(document: vscode.TextDocument, database: string, fresh = false): Promise<CatalogTable[]> {
    const found = this.found(document);
    const known = found.tables.get(database.toLowerCase());
    if (known && !fresh) return known;
    const tables = await (
      await this.engine('catalog')
    ).catalog(await this.service.source(document), database);
    found.tables.set(database.toLowerCase(), tables);
    this.changed.fire();
    return tables;
  }

  async countRows(
    document: vscode.TextDocument,
    table: { database: string; name: string; filter: string },
  ): Promise<number> {
    const { database, name, filter } = table;
    const engine = await this.engine('countRows');
    const source = await this.service.source(document);
    return engine.countRows(source, { database, name, ...(filter === '' ? {} : { filter }) });
  }

  knownDatabases(document: vscode.TextDocument): string[] | undefined {
    return this.bySource.get(sourceKey(document))?.databases;
  }

  /** Databases whose tables are known, in lower case. */
  tablesOf(document: vscode.TextDocument): string[] {
    return [...(this.bySource.get(sourceKey(document))?.tables.keys() ?? [])];
  }

  knownTables(document: vscode.TextDocument, database: string): CatalogTable[] | undefined {
    return this.bySource.get(sourceKey(document))?.tables.get(database.toLowerCase());
  }

  async engine(method: keyof CatalogApi): Promise<Engine> {
    const engine = await this.session.engine();
    if (!this.session.answers(method))
      throw new RowferryError('ROW-E108', vscode.l10n.t('The running engine does not support this.'));
    return engine;
  }

  private found(document: vscode.TextDocument): Found {
    const key = sourceKey(document);
    const found: Found = this.bySource.get(key) ?? { tables: new Map() };
    this.bySource.set(key, found);
    return found;
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** The source as the file words it; a connection by name is another one in another folder. */
export function sourceKey(document: vscode.TextDocument): string {
  const value = parseJsonc(document.getText(), [], { allowTrailingComma: true }) as
    { source?: unknown } | undefined;
  return JSON.stringify([vscode.Uri.joinPath(document.uri, '..').toString(), value?.source ?? null]);
}
