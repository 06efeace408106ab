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

/** Whatever the editor shows of a task can be done, and leads out of where it is: blocked, or running with other settings. */

let stage: Stage;
let workbench: Workbench;

const tooWide = '18446744073709551615';

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(
    `CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED); INSERT INTO shop.cards VALUES (1, 10)`,
  );
  stage.writeTask('cards', { objects: [{ database: 'shop', tables: [{ name: 'cards' }] }] });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const task = () => taskItem(workbench.page, 'cards');
const file = () => path.join(stage.workspace, 'cards.rowferry.json');
const toast = (text: string): Locator =>
  workbench.page.locator('.notification-toast', { hasText: text }).first();
const says = (pattern: RegExp) =>
  eventually(async () => expect(await task().innerText()).toMatch(pattern), 60_000);

/** The entries of the task's menu. */
async function menu(): Promise<string[]> {
  const { page } = workbench;
  await task().click({ button: 'right' });
  const entries = page.locator('.monaco-menu .action-label[aria-label]');
  await entries.first().waitFor();
  const labels = await entries.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  await page.keyboard.press('Escape');
  return labels.filter((label) => label !== '');
}

test('a blocked task is stopped, and its menu has what can be done with it', async () => {
  const { page } = workbench;
  await inlineAction(task(), 'Start Task');
  await says(/live · caught up/);
  // Who starts a task sees how it does, and what its own log says.
  const log = webview(page).locator('rf-monitor pre.log');
  await eventually(async () => expect(await log.innerText()).toContain('cards: start'));
  for (const line of (await log.innerText()).trim().split('\n')) expect(line).toMatch(/^\S+ \w+ +cards: /);
  await stage.mysql.query(`INSERT INTO shop.cards VALUES (2, ${tooWide})`);
  await says(/blocked · 1 dirty/);
  await eventually(async () => {
    const entries = await menu();
    for (const entry of ['Start Task', 'Stop Task', 'Reset Task…', 'Delete Task'])
      expect(entries).toContain(entry);
    for (const entry of ['Pause Task', 'Resume Task']) expect(entries).not.toContain(entry);
  });
  await page.locator('[id="rowferry.rowferry.tasks"]').click();
  await webview(page).locator('rf-dirty').waitFor();
  await inlineAction(task(), 'Stop Task');
  await says(/stopped · 1 dirty/);
  expect(await menu()).not.toContain('Stop Task');
});

test('a retried row leaves the list and the counts at once, and saving says when it takes effect', async () => {
  const { page } = workbench;
  await stage.mysql.query(`INSERT INTO shop.cards VALUES (3, ${tooWide})`);
  await inlineAction(task(), 'Start Task');
  await says(/blocked · 2 dirty/);
  const told = toast('cards is blocked: 2 rows cannot be written.');
  await told.getByRole('button', { name: 'Show Dirty Data' }).click();
  const dirty = webview(page);
  const rows = dirty.locator('rf-grid tbody tr');
  await eventually(async () => expect(await rows.count()).toBe(2));
  await stage.mysql.query('UPDATE shop.cards SET number = 20 WHERE id = 2');
  await rows.filter({ hasText: 'id=2' }).click();
  await dirty.locator('rf-record').getByRole('button', { name: 'Retry', exact: true }).click();
  await eventually(async () => expect(await rows.count()).toBe(1));
  expect(await rows.innerText()).toContain('id=3');
  await says(/blocked · 1 dirty/);

  // The mapping is changed in the text, and saved.
  await workbench.command('Notifications: Clear All Notifications');
  writeFileSync(
    file(),
    readFileSync(file(), 'utf8').replace(
      '"name": "cards"\n',
      '"name": "cards", "columns": { "number": { "type": "STRING" } }\n',
    ),
  );
  await workbench.command('Rowferry: Open Task as JSON');
  await page.locator('.monaco-editor .view-lines', { hasText: 'STRING' }).first().waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+S');
  const saved = toast('The saved settings take effect when you retry its dirty rows, or start it.');
  await saved.waitFor();
  expect(await page.locator('.notification-toast', { hasText: 'not running' }).count()).toBe(0);
  await page.getByRole('tab', { name: /^Dirty data/ }).click();
  await dirty.getByRole('button', { name: 'Retry with the current settings and continue' }).waitFor();
  await saved.getByRole('button', { name: 'Retry and Continue' }).click();
  await says(/live · caught up$/);
  expect(await stage.rows('cards')).toEqual([
    { id: 1, number: '10' },
    { id: 2, number: '20' },
    { id: 3, number: tooWide },
  ]);
});

test('a task that runs with other settings than its file says so until they are applied', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  await workbench.command('Notifications: Clear All Notifications');
  const write = (change: Record<string, unknown>) =>
    stage.writeTask('cards', {
      objects: [{ database: 'shop', tables: [{ name: 'cards', columns: { number: { type: 'STRING' } } }] }],
      ...change,
    });
  const bar = () => webview(page).locator('rf-difference .bar');
  const tree = page.getByRole('treeitem', { name: /^Running with other settings than the file/ });

  await inlineAction(task(), 'Open Monitor');
  await webview(page).locator('rf-monitor .figures').waitFor();
  expect(await bar().count()).toBe(0);
  write({ dirtyData: 'skip' });
  await eventually(async () =>
    expect(await bar().innerText()).toMatch(/other settings than the file: dirtyData/),
  );
  await says(/live · caught up · file changed/);
  expect(await tree.innerText()).toContain('dirtyData');
  expect(await menu()).toEqual(
    expect.arrayContaining([
      'Show Changed Settings…',
      'Apply Changed Settings',
      'Restart Task with Its File',
    ]),
  );

  // It is there after a reload of the window, and in the form; what a running task cannot take needs a restart.
  await workbench.reload();
  await openSidebar(page);
  // Until the engine is found nothing is said of the task but that it is looked for.
  const seen = new Set<string>();
  await eventually(async () => {
    const text = await task().innerText();
    seen.add(text);
    expect(text).toMatch(/live/);
  });
  expect([...seen].join()).not.toMatch(/not started|stopped/);
  await eventually(async () => expect(await bar().innerText()).toContain('dirtyData'));
  await workbench.command('View: Close All Editors');
  await task().click();
  await webview(page).locator('rf-objects').waitFor();
  await bar().getByRole('button', { name: 'Show Changes' }).click();
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain('Takes effect at the next start: dirtyData.');
  expect(await dialog.getByRole('button', { name: 'Apply' }).count()).toBe(0);
  await dialog.getByRole('button', { name: 'Restart' }).click();
  await eventually(async () => expect(await bar().count()).toBe(0), 60_000);
  await says(/live · caught up$/);

  write({
    dirtyData: 'skip',
    objects: [
      {
        database: 'shop',
        tables: [{ name: 'cards', columns: { number: { type: 'STRING' } } }, { name: 'customers' }],
      },
    ],
  });
  await eventually(async () => expect(await bar().innerText()).toMatch(/: objects/));
  await bar().getByRole('button', { name: 'Apply' }).click();
  await eventually(async () => expect(await stage.rows('customers')).toHaveLength(customers), 60_000);
  await eventually(async () => expect(await bar().count()).toBe(0));
  await eventually(async () => expect(await tree.count()).toBe(0));

  // Enter in a question about what destroys something keeps it.
  await inlineAction(task(), 'Stop Task');
  await says(/stopped/);
  await task().click();
  await page.keyboard.press('Delete');
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain('Delete the task cards?');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  expect(existsSync(file())).toBe(true);
  await says(/stopped/);
  expect(workbench.violations).toEqual([]);
});
