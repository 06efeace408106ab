import type { TaskEditorHost } from '../../src/shared/pages.js';
import type { CatalogTable } from '../../src/shared/workbench-api.js';
import { messageOf } from '../components/host.js';

/** What the form learnt of the source. Asks only when a person does; keeps what it got. */
export class Catalog {
  databases: string[] | undefined;
  problem: string | null = null;
  loading = false;
  private readonly tables = new Map<string, CatalogTable[]>();
  private readonly asked = new Set<string>();

  constructor(
    private readonly host: TaskEditorHost,
    private readonly changed: () => void,
  ) {}

  /** Counting needs the same connection that the tables came from. */
  get canCount(): boolean {
    return this.databases !== undefined;
  }

  async load(): Promise<void> {
    this.loading = true;
    this.problem = null;
    this.changed();
    try {
      this.databases = await this.host.databases();
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loading = false;
    this.changed();
  }

  tablesOf(database: string): CatalogTable[] | undefined {
    return this.tables.get(database);
  }

  table(database: string, name: string): CatalogTable | undefined {
    return this.tables.get(database)?.find((table) => table.name === name);
  }

  async loadTables(database: string): Promise<void> {
    if (this.asked.has(database)) return;
    this.asked.add(database);
    try {
      this.tables.set(database, await this.host.catalog(database));
    } catch (error) {
      this.asked.delete(database);
      this.problem = messageOf(error);
    }
    this.changed();
  }
}
