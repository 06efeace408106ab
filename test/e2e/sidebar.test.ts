import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { parseTask } from '../../src/shared/task-file.js';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  customers,
  eventually,
  inlineAction,
  keepTidy,
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

keepTidy(() => ({ stage, workbench }));

/** With the mouse as a person has it: the editor shows where it would drop only after some movement. */
async function drag(page: Page, what: Locator, onto: Locator): Promise<void> {
  await what.hover();
  await page.mouse.down();
  const target = (await onto.boundingBox())!;
  await page.mouse.move(target.x + 60, target.y + 30, { steps: 5 });
  await page.mouse.move(target.x + 40, target.y + target.height / 2, { steps: 5 });
  await onto.locator('xpath=self::*[contains(@class, "drop-target")]').waitFor();
  await page.mouse.up();
}

async function chooseFromMenu(item: Locator, title: string): Promise<void> {
  await item.click({ button: 'right' });
  await workbench.page.getByRole('menuitem', { name: title }).hover();
  await workbench.page.keyboard.press('Enter');
}

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

test('a task that is reset loads everything again, a table by its menu, and both delete what the source has not', async () => {
  const { page } = workbench;
  const task = taskItem(page, 'orders');
  const dialog = page.locator('.monaco-dialog-box');
  const behindItsBack = (statement: string) => stage.mysql.query(`SET sql_log_bin = 0; ${statement}`);
  await behindItsBack('DELETE FROM shop.customers WHERE id = 9');
  await chooseFromMenu(task, 'Reset Task');
  await dialog.getByRole('button', { name: 'Reset' }).click();
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  await eventually(async () => expect(await stage.rows('customers')).toHaveLength(customers - 1));
  expect(await stage.rows('orders')).toHaveLength(orders);

  // What was known of its tables went with the reset: they come anew, folded.
  await page.getByRole('treeitem', { name: /^Tables/ }).click();
  await behindItsBack('DELETE FROM shop.customers WHERE id = 10');
  await chooseFromMenu(page.getByRole('treeitem', { name: /^shop\.customers/ }), 'Reload Table');
  await dialog.getByRole('button', { name: 'Reload', exact: true }).click();
  await eventually(async () => expect(await stage.rows('customers')).toHaveLength(customers - 2));
  await inlineAction(task, 'Stop Task');
  await eventually(async () => expect(await task.innerText()).toContain('stopped'));
});

test('a connection from a URL is tried out, and what fails comes with what to try', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  await workbench.command('Rowferry: Add MySQL Connection from URL');
  const quick = page.locator('.quick-input-widget');
  await quick.locator('input').fill(`mysql://dts:wrong@127.0.0.1:${stage.mysql.port}/shop`);
  await page.keyboard.press('Enter');
  await quick.getByText('Check the user and the password.').waitFor();
  await quick.locator('.monaco-list-row', { hasText: 'Change the Settings' }).click();
  // Its settings once more: host, port, user, password, encryption.
  for (const [step, value] of [
    ['(1/', '127.0.0.1'],
    ['(2/', String(stage.mysql.port)],
    ['(3/', 'dts'],
    ['(4/', stage.password],
  ] as const) {
    await quick.getByText(step).waitFor();
    await quick.locator('input').last().fill(value);
    await page.keyboard.press('Enter');
  }
  await quick.locator('.monaco-list-row', { hasText: 'No TLS' }).first().click();
  await quick.waitFor({ state: 'hidden' });

  const connections = page.locator('.pane', { hasText: 'Connections' }).last();
  const mysql = connections.getByRole('treeitem', { name: /^127\.0\.0\.1:\d+, MySQL/ });
  await mysql.click();
  await connections.getByRole('treeitem', { name: /^shop/ }).click();
  await connections.getByRole('treeitem', { name: /^customers, table, ~(29\d|300) rows/ }).click();
  await connections.getByRole('treeitem', { name: /^id, primary key, int NOT NULL/ }).waitFor();
  await connections.getByRole('treeitem', { name: /^email, column, varchar\(120\)/ }).waitFor();
  const saved = readFileSync(
    path.join(
      path.dirname(workbench.log),
      'data/User/globalStorage/rowferry.rowferry/connections.rowferry.json',
    ),
    'utf8',
  );
  expect(saved).toContain('dts');
  expect(saved).not.toContain(stage.password);
});

test('a table becomes a task by its menu, another joins it by dragging, and a filter finds it', async () => {
  const { page } = workbench;
  const connections = page.locator('.pane', { hasText: 'Connections' }).last();
  const customersItem = connections.getByRole('treeitem', { name: /^customers, table/ });
  await inlineAction(customersItem, 'Sync to Tablestore…');
  const quick = page.locator('.quick-input-widget');
  await quick.locator('.quick-input-title', { hasText: 'New Task' }).waitFor();
  expect(await quick.locator('input').inputValue()).toBe('customers');
  await page.keyboard.press('Enter');
  const task = taskItem(page, 'customers');
  await task.waitFor();
  const file = path.join(stage.workspace, 'customers.rowferry.json');
  const objects = () => parseTask(readFileSync(file, 'utf8')).value?.objects;
  expect(objects()).toEqual([{ database: 'shop', tables: [{ name: 'customers' }] }]);
  expect(readFileSync(file, 'utf8')).toContain('"connection": "127.0.0.1:');

  await drag(page, connections.getByRole('treeitem', { name: /^orders, table/ }), task);
  await page.locator('.tab.dirty', { hasText: 'customers.rowferry.json' }).waitFor();
  await workbench.command('File: Save All');
  await eventually(async () =>
    expect(objects()).toEqual([{ database: 'shop', tables: [{ name: 'customers' }, { name: 'orders' }] }]),
  );

  await workbench.command('Rowferry: Filter Tasks');
  await quick.locator('input').fill('order');
  await page.getByText('“order”: 1 of 2 tasks').waitFor();
  await taskItem(page, 'customers').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await taskItem(page, 'customers').waitFor();
});

test('a task of the person’s own folder stands beside those of the workspace, and goes when it is deleted', async () => {
  const { page } = workbench;
  await workbench.command('Rowferry: New Task in My Folder');
  const quick = page.locator('.quick-input-widget');
  await quick.locator('.quick-input-title', { hasText: 'New Task' }).waitFor();
  await quick.locator('input').fill('mine');
  await page.keyboard.press('Enter');
  const task = taskItem(page, 'mine');
  await task.waitFor();
  expect(await task.getAttribute('aria-label')).toContain('in your own folder');
  await chooseFromMenu(task, 'Delete Task');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain('Source and destination keep their rows.');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await task.waitFor({ state: 'detached' });
});
