import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import TableStore from 'tablestore';
import { afterAll, beforeEach, type TestContext } from 'vitest';
import { startCli, type RunningCommand } from '../support/cli.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import type { Workbench } from '../support/workbench.js';

/** What a workbench test plays on: a MySQL with a small shop, an embedded Tablestore, a folder for tasks. */
export interface Stage {
  readonly mysql: MysqlServer;
  readonly password: string;
  readonly tablestore: { endpoint: string; instance: string; keyId: string; secret: string };
  readonly workspace: string;
  /** Environment of the editor: the Tablestore's keys; the MySQL password only when asked for. */
  readonly env: Record<string, string>;
  writeTask(name: string, change?: Record<string, unknown>): string;
  /** Rows of a destination table, read by the official SDK. */
  rows(table: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export const customers = 300;
export const orders = 5000;

export async function setStage(options: { passwordInEnvironment?: boolean } = {}): Promise<Stage> {
  const home = mkdtempSync(path.join(tmpdir(), 'rowferry-stage-'));
  const workspace = path.join(home, 'shop');
  mkdirSync(workspace);
  const mysql = await startMysql({ gtid: true });
  const password = 'let-me-in 42';
  await mysql.query(`
    CREATE USER dts@'%' IDENTIFIED BY '${password}';
    GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.* TO dts@'%';
    CREATE DATABASE shop;
    CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120), status VARCHAR(10) NOT NULL);
    CREATE TABLE shop.orders (region CHAR(2) NOT NULL, id BIGINT NOT NULL, customer INT NOT NULL, total DECIMAL(10,2) NOT NULL,
      placed DATETIME(3) NOT NULL, note TEXT, PRIMARY KEY (region, id));
    SET SESSION cte_max_recursion_depth = 1000000;
    INSERT INTO shop.customers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${customers})
      SELECT i, CONCAT('Customer ', i), CONCAT('c', i, '@example.com'), IF(i % 50 = 0, 'test', 'active') FROM n;
    INSERT INTO shop.orders WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${orders})
      SELECT IF(i % 2, 'eu', 'us'), i, 1 + i % ${customers}, i * 1.25, '2026-01-02 03:04:05.678' + INTERVAL i SECOND, IF(i % 7, NULL, '🚢 by sea') FROM n;
    ANALYZE TABLE shop.customers, shop.orders;`);
  const server = startCli(['tablestore', '--port', '0', '--data', path.join(home, 'tablestore')], {
    cwd: home,
  });
  const tablestore = await announced(server);
  const client = new TableStore.Client({
    accessKeyId: tablestore.keyId,
    secretAccessKey: tablestore.secret,
    endpoint: tablestore.endpoint,
    instancename: tablestore.instance,
  });
  return {
    mysql,
    password,
    tablestore,
    workspace,
    env: {
      OTS_KEY: tablestore.keyId,
      OTS_SECRET: tablestore.secret,
      ...(options.passwordInEnvironment === false ? {} : { MYSQL_PASSWORD: password }),
    },
    writeTask(name, change = {}) {
      const file = path.join(workspace, `${name}.rowferry.json`);
      const task = {
        version: 1,
        id: `t-${name}`,
        name,
        source: { host: mysql.host, port: mysql.port, user: 'dts', password: '${env:MYSQL_PASSWORD}' },
        destination: {
          endpoint: tablestore.endpoint,
          instance: tablestore.instance,
          accessKeyId: '${env:OTS_KEY}',
          accessKeySecret: '${env:OTS_SECRET}',
        },
        objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'orders' }] }],
        ...change,
      };
      const [first, ...rest] = JSON.stringify(task, null, 2).split('\n');
      writeFileSync(file, [first, '  // Kept in sync for the search of the shop.', ...rest, ''].join('\n'));
      return file;
    },
    rows: (table) => readAll(client, table),
    async stop() {
      server.child.kill('SIGTERM');
      await server.ended;
      await mysql.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

async function announced(server: RunningCommand): Promise<Stage['tablestore']> {
  let text = '';
  server.child.stdout?.on('data', (chunk: string) => (text += chunk));
  const line = (label: string) => new RegExp(`^${label}\\s+(.+)$`, 'm').exec(text)?.[1]?.trim();
  const deadline = Date.now() + 20_000;
  for (;;) {
    const [endpoint, instance, keyId, secret] = [
      line('listening on'),
      line('instance:'),
      line('access key id:'),
      line('access key secret:'),
    ];
    if (endpoint && instance && keyId && secret) return { endpoint, instance, keyId, secret };
    if (Date.now() > deadline) throw new Error(`the embedded Tablestore did not start: ${text}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

async function readAll(client: InstanceType<typeof TableStore.Client>, table: string) {
  const described = await client.describeTable({ tableName: table });
  const keys = described.tableMeta.primaryKey.map((key: { name: string }) => key.name);
  const rows: Record<string, unknown>[] = [];
  let from: unknown = keys.map((name: string) => ({ [name]: TableStore.INF_MIN }));
  while (from) {
    const page = await client.getRange({
      tableName: table,
      direction: TableStore.Direction.FORWARD,
      inclusiveStartPrimaryKey: from,
      exclusiveEndPrimaryKey: keys.map((name: string) => ({ [name]: TableStore.INF_MAX })),
      maxVersions: 1,
      limit: 1000,
    });
    for (const row of page.rows) {
      const cells = [...(row.primaryKey ?? []), ...(row.attributes ?? [])];
      rows.push(
        Object.fromEntries(
          cells.map(
            (cell: { name?: string; columnName?: string; value?: unknown; columnValue?: unknown }) => [
              cell.name ?? cell.columnName,
              plain(cell.value ?? cell.columnValue),
            ],
          ),
        ) as Record<string, unknown>,
      );
    }
    from = page.nextStartPrimaryKey
      ? page.nextStartPrimaryKey.map((cell: { name: string; value: unknown }) => ({
          [cell.name]: cell.value,
        }))
      : null;
  }
  return rows;
}

/** The SDK's 64-bit integers as numbers: the stage uses small ones only. */
function plain(value: unknown): unknown {
  const long = value as { toNumber?: () => number } | null | undefined;
  return typeof long?.toNumber === 'function' ? long.toNumber() : value;
}

/** Opens our sidebar, unless it is open. */
export async function openSidebar(page: Page): Promise<void> {
  const icon = page.locator('.activitybar a.action-label[aria-label*="Rowferry"]');
  await icon.waitFor({ timeout: 20_000 });
  // A click on the icon of an open one closes it: also of one that a window which is still loading opens just then.
  const pane = page.locator('.pane', { hasText: 'Tasks' }).first();
  for (let left = 3; ; left--) {
    if ((await icon.getAttribute('aria-expanded')) !== 'true') await icon.click();
    try {
      await pane.waitFor({ timeout: left > 0 ? 5000 : 20_000 });
      return;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** The item of a task in the tree. */
export const taskItem = (page: Page, name: string): Locator =>
  page
    .locator('.pane', { hasText: 'Tasks' })
    .getByRole('treeitem', { name: new RegExp(`^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`) })
    .first();

/** Clicks an inline action of a tree item, which shows on hovering. */
export async function inlineAction(item: Locator, title: string): Promise<void> {
  await item.hover();
  await item.getByRole('button', { name: title }).click();
}

/** The page in the editor's webview. */
export const webview = (page: Page): FrameLocator =>
  page
    .locator('iframe.webview[src*="extensionId=rowferry.rowferry"]')
    .last()
    .contentFrame()
    .frameLocator('#active-frame');

/** Tries until it does not throw; the last error is thrown. */
export async function eventually(check: () => Promise<void>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((r) => setTimeout(r, 250));
    }
  }
}

/** What the screen showed when a test failed, in the system's temporary folder. */
function pictureOfFailure(context: TestContext, page: () => Page): void {
  context.onTestFailed(async () => {
    const file = path.join(
      tmpdir(),
      `rowferry-${context.task.name.replaceAll(/\W+/g, '-').slice(0, 60)}.png`,
    );
    await page().screenshot({ path: file });
    console.error(`the screen: ${file}`);
  });
}

/** Ends the two of a file after its tests, and keeps a picture of the screen where one fails. */
export function keepTidy(now: () => { stage?: Stage; workbench: Workbench }): void {
  afterAll(async () => {
    // What did not come about when the file began is not there.
    const { stage, workbench } = now() as { stage?: Stage; workbench?: Workbench };
    await workbench?.stop();
    await stage?.stop();
  });
  beforeEach((context) => pictureOfFailure(context, () => now().workbench.page));
}
