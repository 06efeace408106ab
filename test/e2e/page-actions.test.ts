import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  customers,
  eventually,
  inlineAction,
  keepTidy,
  openSidebar,
  setStage,
  taskItem,
  webview,
  type Stage,
} from './stage.js';

/** What people do with the pages of a task beyond looking: export, discard, apply, be told. */

let stage: Stage;
let workbench: Workbench;
const formula = '=HYPERLINK("http://example.com")';

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, holder VARCHAR(80) NOT NULL);
    INSERT INTO shop.cards VALUES (1, 100, 'Ada'), (2, 18446744073709551615, '${formula}'), (3, 300, 'Grace'), (4, 9223372036854775808, 'Alan, "A."')`);
  stage.writeTask('shop', {
    objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'cards' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
    alerts: { latencySeconds: 2, latencyForSeconds: 1 },
  });
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    settings: { 'files.autoSave': 'off' },
  });
  await workbench.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const file = () => path.join(stage.workspace, 'shop.rowferry.json');
const clipboard = () => workbench.page.evaluate<string>('navigator.clipboard.readText()');
const dialog = (): Locator => workbench.page.locator('.monaco-dialog-box');
const toast = (text: string): Locator => workbench.page.locator('.notification-toast', { hasText: text });
/** By the local clock, as an input of date and time has it. */
const local = (at: number) =>
  new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

test('dirty records are filtered by time, copied, exported and discarded', async () => {
  const { page } = workbench;
  const task = taskItem(page, 'shop');
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live.*2 dirty/s), 60_000);
  await workbench.command('Rowferry: Show Dirty Data');
  const dirty = webview(page);
  const rows = dirty.locator('rf-grid tbody tr');
  await eventually(async () => expect(await rows.count()).toBe(2));

  await dirty.locator('rf-filters vscode-dropdown[aria-label=Time]').click();
  await dirty.locator('rf-filters vscode-option[value=between]').click();
  const day = 24 * 3_600_000;
  await dirty.locator('rf-filters input[aria-label=From]').fill(local(Date.now() + day));
  await dirty.locator('rf-filters input[aria-label=From]').blur();
  await dirty.getByText('No records match.').waitFor();
  await dirty.locator('rf-filters input[aria-label=From]').fill(local(Date.now() - day));
  await dirty.locator('rf-filters input[aria-label=To]').fill(local(Date.now() + day));
  await dirty.locator('rf-filters input[aria-label=To]').blur();
  await eventually(async () => expect(await rows.count()).toBe(2));

  await rows.filter({ hasText: 'id=2' }).click();
  await dirty.locator('rf-record').getByRole('button', { name: 'Copy' }).click();
  await eventually(async () =>
    expect(JSON.parse(await clipboard())).toMatchObject({
      source: 'shop.cards',
      key: 'id=2',
      error: { code: 'ROW-V101' },
      sourceRow: { id: '2', number: '18446744073709551615', holder: formula },
    }),
  );

  const exported = async (format: 'CSV' | 'JSON') => {
    const target = path.join(stage.workspace, `out.${format.toLowerCase()}`);
    await dirty.getByRole('button', { name: `Export ${format}` }).click();
    const box = page.locator('.quick-input-widget input[type=text]');
    // The dialog has looked at the folder once it offers a name.
    await eventually(async () => expect(await box.inputValue()).toContain('shop-dirty.'));
    await box.fill(target);
    await page.keyboard.press('Enter');
    await eventually(async () => expect(existsSync(target)).toBe(true));
    await eventually(async () => expect(readFileSync(target, 'utf8')).not.toBe(''));
    return readFileSync(target, 'utf8');
  };
  const csv = await exported('CSV');
  expect(csv.split('\r\n')[0]).toBe('\ufeffid,time,source,destination,operation,key,code,message,row,cells');
  expect(csv.split('\r\n')).toHaveLength(4);
  const json = JSON.parse(await exported('JSON')) as { key: string }[];
  expect(json.map(({ key }) => key).sort()).toEqual(['id=2', 'id=4']);

  await rows.filter({ hasText: 'id=4' }).click();
  await dirty.locator('rf-record').getByRole('button', { name: 'Discard…' }).click();
  expect(await dialog().innerText()).toContain('A verification reports them as missing or different.');
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  expect(await rows.count()).toBe(2);
  await dirty.locator('rf-record').getByRole('button', { name: 'Discard…' }).click();
  await dialog().getByRole('button', { name: 'Discard' }).click();
  await eventually(async () => expect(await rows.count()).toBe(1));
  await eventually(async () => expect(await task.innerText()).toMatch(/1 dirty/));

  // The file is changed outside of the editor, and the retry goes by it at once.
  const text = readFileSync(file(), 'utf8');
  writeFileSync(
    file(),
    text.replace('"name": "cards"\n', '"name": "cards", "columns": { "number": { "type": "STRING" } }\n'),
  );
  await dirty.locator('rf-record').getByRole('button', { name: 'Retry', exact: true }).click();
  await dirty.getByText('1 row written.').waitFor({ timeout: 10_000 });
  writeFileSync(file(), text);
});

test('a running task whose file gets another table asks once, and loads it', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  await workbench.command('Notifications: Clear All Notifications');
  await taskItem(page, 'shop').click();
  const form = webview(page);
  await form.getByRole('textbox', { name: 'Search, or type database.table' }).fill('shop.orders');
  await page.keyboard.press('Enter');
  await form.getByRole('textbox', { name: 'Name of orders in Tablestore' }).waitFor();
  await page.keyboard.press('Control+S');
  await toast('running with other settings than its file')
    .getByRole('button', { name: 'Show Changes' })
    .click();
  await dialog().waitFor();
  expect(await dialog().innerText()).toContain('Add shop.orders → orders: load about 5K rows');
  await dialog().getByRole('button', { name: 'Apply' }).click();
  await eventually(async () => expect(await stage.rows('orders')).toHaveLength(5000));
});

test('the text view: lenses, hovers, completion, reopened as a form and back', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  await workbench.command('Notifications: Clear All Notifications');
  // From the form to the text and back, as every editor of VS Code can be opened.
  await taskItem(page, 'shop').click();
  await webview(page).locator('rf-objects').waitFor();
  await workbench.command('View: Reopen Editor With...');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Text Editor' }).first().click();
  const lines = page.locator('.monaco-editor .view-lines').first();
  await lines.waitFor();
  await workbench.command('View: Reopen Editor With...');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Task Form' }).first().click();
  await webview(page).locator('rf-objects').waitFor();
  await webview(page).getByRole('button', { name: 'Open as JSON' }).first().click();
  const lens = page.locator('.codelens-decoration').first();
  await eventually(async () =>
    expect(await lens.innerText()).toMatch(/Precheck[^]*Stop[^]*Verify[^]*Monitor/),
  );
  await workbench.command('Rowferry: Load Names from the Source');
  await page.waitForTimeout(500);
  await lines.getByText('"customers"').hover();
  const hover = page.locator('.monaco-hover', { hasText: 'email' }).first();
  await hover.waitFor();
  expect(await hover.innerText()).toMatch(/About\s300\srows/);
  await page.keyboard.press('Escape');

  const text = page.getByRole('tab', { name: /^shop\.rowferry\.json/ }).last();
  for (const [title, shows] of [
    ['Monitor', 'rf-monitor .figures'],
    ['Precheck', 'rf-precheck .figure'],
    ['Verify', 'rf-verify'],
  ] as const) {
    await text.click();
    // A lens that was just drawn again has no command yet.
    await eventually(async () => {
      if (await lens.isVisible()) await lens.getByText(title).click({ timeout: 2000 });
      await webview(page).locator(shows).waitFor({ timeout: 2000 });
    });
  }
  await text.click();
  for (const [title, next] of [
    ['Stop', 'Start'],
    ['Start', 'Stop'],
  ] as const) {
    await eventually(async () => {
      // A start opens the monitor.
      await text.click();
      if ((await lens.innerText()).includes(title)) await lens.getByText(title).click({ timeout: 2000 });
      await lens.getByText(next).waitFor({ timeout: 2500 });
    });
  }
  await eventually(async () => expect(await taskItem(page, 'shop').innerText()).toMatch(/live/), 60_000);
});

test('a task that falls behind is told of, and told of when it has caught up', async () => {
  const { page } = workbench;
  await workbench.command('Notifications: Clear All Notifications');
  await inlineAction(taskItem(page, 'shop'), 'Open Monitor');
  const monitor = webview(page);
  const limit = monitor.locator('rf-tuning input[name=incremental-rows]');
  await limit.focus();
  await limit.press('Home');
  await monitor.getByText('Limited to 50 rows/s').waitFor();
  await stage.mysql.query('UPDATE shop.orders SET total = total + 1 WHERE id <= 1500');
  await stage.mysql.query("INSERT INTO shop.customers VALUES (90001, 'Late', NULL, 'active')");
  await toast('behind').waitFor({ timeout: 30_000 });
  expect(await toast('behind').innerText()).toMatch(/^shop is [\d.]+ s behind\./m);
  await limit.focus();
  await limit.press('End');
  await toast('has caught up').waitFor({ timeout: 60_000 });
  expect(await stage.rows('customers')).toHaveLength(customers + 1);

  expect(workbench.violations).toEqual([]);
});
