import TableStore, { type Client, type SdkAnswer } from 'tablestore';
import type { LocalTablestore } from '../../src/local-tablestore/index.js';
import { contentsOf } from '../../src/sync/rows/row-content.js';
import { TablestoreClient } from '../../src/tablestore/client/client.js';
import { getRange, keyBounds } from '../../src/tablestore/client/operations.js';
import { cellOfDouble } from './values.js';

/** Both ways to read a table: its bytes on the wire, and the official SDK. */
export class Destination {
  private readonly client: TablestoreClient;
  private readonly sdk: Client;

  constructor(store: LocalTablestore) {
    const { url, instance, accessKeyId, accessKeySecret } = store;
    this.client = new TablestoreClient({ endpoint: url, instance, accessKeyId, accessKeySecret });
    this.sdk = new TableStore.Client({
      accessKeyId,
      secretAccessKey: accessKeySecret,
      endpoint: url,
      instancename: instance,
      maxRetries: 0,
    });
  }

  /** Cells of every row as they are on the wire, by key; versions do not count, nor cells of `ignored` names. */
  async raw(
    table: string,
    key: readonly string[],
    ignored: ReadonlySet<string> = new Set(),
  ): Promise<Map<string, string>> {
    const rows = new Map<string, string>();
    const { start, end } = keyBounds(key);
    for (let from: Buffer | null = start; from !== null;) {
      const page = await getRange(this.client, { table, start: from, end });
      for (const row of contentsOf(page.rows, ignored)) rows.set(row.key, row.cells);
      from = page.next;
    }
    return rows;
  }

  /** Cells by name as `TYPE value`, by the last key column. */
  async bySdk(table: string, key: readonly string[]): Promise<Map<string, Map<string, string>>> {
    const rows = new Map<string, Map<string, string>>();
    let from: unknown = key.map((name) => ({ [name]: TableStore['INF_MIN'] as unknown }));
    while (from) {
      const page = await this.sdk.getRange({
        tableName: table,
        direction: (TableStore['Direction'] as { FORWARD: string }).FORWARD,
        inclusiveStartPrimaryKey: from,
        exclusiveEndPrimaryKey: key.map((name) => ({ [name]: TableStore['INF_MAX'] as unknown })),
      });
      for (const row of page.rows as SdkAnswer[]) {
        const cells = new Map<string, string>();
        for (const { name, value } of row.primaryKey as { name: string; value: unknown }[])
          cells.set(name, cellOf(value));
        for (const { columnName, columnValue } of row.attributes as {
          columnName: string;
          columnValue: unknown;
        }[])
          cells.set(columnName, cellOf(columnValue));
        rows.set(cells.get(key.at(-1)!)!.replace('INTEGER ', ''), cells);
      }
      from = (page.nextStartPrimaryKey as { name: string; value: unknown }[] | null)?.map(
        ({ name, value }) => ({ [name]: value }),
      );
    }
    return rows;
  }

  async drop(tableName: string): Promise<void> {
    await this.sdk.deleteTable({ tableName });
  }

  close(): void {
    this.client.close();
  }
}

function cellOf(value: unknown): string {
  if (typeof value === 'number') return cellOfDouble(value);
  if (typeof value === 'boolean') return `BOOLEAN ${value}`;
  if (typeof value === 'string') return `STRING ${Buffer.from(value, 'utf8').toString('hex')}`;
  if (Buffer.isBuffer(value)) return `BINARY ${value.toString('hex')}`;
  return `INTEGER ${String(value)}`;
}
