import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  customers,
  pictureOfFailure,
  eventually,
  inlineAction,
  openSidebar,
  orders,
  setStage,
  taskItem,
  webview,
  type Stage,
} from './stage.js';

/** The whole line in a real workbench: a task started from the tree, rows that arrive, words that say so. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage({ passwordInEnvironment: false });
  stage.writeTask('orders');
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
});

afterAll(async () => {
  await workbench?.stop();
  await stage?.stop();
});

beforeEach((context) => pictureOfFailure(context, () => workbench.page));

const statusBar = () => workbench.page.locator('[id="rowferry.rowferry.tasks"]');

test('a task is found, asked for its secret once, started, followed and stopped', async () => {
  const { page } = workbench;
  await openSidebar(page);
  const task = taskItem(page, 'orders');
  await task.waitFor();
  expect(await task.innerText()).toContain('not started');

  await inlineAction(task, 'Start Task');
  const secret = page.locator('.quick-input-widget input[type=password]');
  await secret.waitFor();
  expect(await page.locator('.quick-input-widget').innerText()).toContain('MYSQL_PASSWORD');
  await secret.fill(stage.password);
  await page.keyboard.press('Enter');

  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  await eventually(async () => expect(await stage.rows('orders')).toHaveLength(orders));
  expect(await stage.rows('customers')).toHaveLength(customers);

  await stage.mysql.query("UPDATE shop.customers SET name = 'Ada' WHERE id = 7");
  await stage.mysql.query('DELETE FROM shop.customers WHERE id = 8');
  await eventually(async () => {
    const rows = await stage.rows('customers');
    expect(rows).toHaveLength(customers - 1);
    expect(rows.find((row) => row['id'] === 7)).toMatchObject({ name: 'Ada' });
  });
  await eventually(async () => expect(await task.innerText()).toMatch(/live · caught up/));
  expect(await statusBar().innerText()).toMatch(/orders: live/);

  await page.getByRole('treeitem', { name: /^Tables/ }).click();
  await page.getByRole('treeitem', { name: /^shop\.customers/ }).waitFor();
  await inlineAction(task, 'Open Monitor');
  const monitor = webview(page);
  await eventually(async () => {
    expect(await monitor.locator('rf-monitor h1').innerText()).toBe('Monitor: orders');
    expect(await monitor.locator('rf-chart canvas').count()).toBe(3);
  });

  await inlineAction(task, 'Stop Task');
  await eventually(async () => expect(await task.innerText()).toContain('stopped'));
  await eventually(async () => expect(await statusBar().isVisible()).toBe(false));
});

test('it goes on where it was, without asking for the secret again', async () => {
  const { page } = workbench;
  await stage.mysql.query("INSERT INTO shop.customers VALUES (100001, 'Grace', NULL, 'active')");
  const task = taskItem(page, 'orders');
  await inlineAction(task, 'Start Task');
  await eventually(async () => {
    expect(await stage.rows('customers')).toContainEqual(
      expect.objectContaining({ id: 100001, name: 'Grace' }),
    );
  });
  await inlineAction(task, 'Stop Task');
  await eventually(async () => expect(await task.innerText()).toContain('stopped'));
});
