import type { TaskEditorHost, TaskEditorState } from '../../../src/shared/pages.js';
import type { CatalogTable } from '../../../src/shared/catalog-api.js';
import { messageOf } from '../../components/host.js';

/** What the form learnt of the source. Asks only when a person does; forgets it when the task names another source. */
export class Catalog {
  databases: string[] | undefined;
  problem: string | null = null;
  loading = false;
  private source = '';
  private readonly tables = new Map<string, CatalogTable[]>();
  private readonly asked = new Set<string>();

  constructor(
    private readonly host: TaskEditorHost,
    private readonly changed: () => void,
  ) {}

  /** The newest state: another source is another catalog, and what the extension knows already costs nothing to get. */
  follow({ catalog }: TaskEditorState): void {
    if (catalog.source !== this.source) {
      this.source = catalog.source;
      this.databases = undefined;
      this.problem = null;
      this.tables.clear();
      this.asked.clear();
    }
    if (catalog.databases && !this.databases) this.databases = catalog.databases;
    for (const database of catalog.tables) if (!this.asked.has(database)) void this.loadTables(database);
  }

  async load(): Promise<void> {
    const { source } = this;
    this.loading = true;
    this.problem = null;
    this.changed();
    try {
      const databases = await this.host.databases();
      if (source === this.source) this.databases = databases;
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loading = false;
    this.changed();
  }

  /** Its tables are here, or on their way. */
  knows(database: string): boolean {
    return this.asked.has(database.toLowerCase());
  }

  tablesOf(database: string): CatalogTable[] | undefined {
    return this.tables.get(database.toLowerCase());
  }

  table(database: string, name: string): CatalogTable | undefined {
    const wanted = name.toLowerCase();
    return this.tablesOf(database)?.find((table) => table.name.toLowerCase() === wanted);
  }

  async loadTables(database: string): Promise<void> {
    const key = database.toLowerCase();
    if (this.asked.has(key)) return;
    this.asked.add(key);
    const { source } = this;
    try {
      const tables = await this.host.catalog(database);
      if (source === this.source) this.tables.set(key, tables);
    } catch (error) {
      this.asked.delete(key);
      this.problem = messageOf(error);
    }
    this.changed();
  }
}
