import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, openSidebar, keepTidy, setStage, taskItem, webview, type Stage } from './stage.js';

/** From an empty folder to rows that arrive, with no account and nothing prepared but a MySQL. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  workbench = await startWorkbench({
    workspace: stage.workspace,
    settings: { 'rowferry.localTablestore.port': 0 },
  });
});

keepTidy(() => ({ stage, workbench }));

test('the first step of the walkthrough makes a sample, and its rows and changes arrive', async () => {
  const { page } = workbench;
  await openSidebar(page);
  await workbench.command('Rowferry: Get Started');
  await page.getByRole('button', { name: 'Try a Sample' }).last().click();

  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Another MySQL' }).click();
  const input = page.locator('.quick-input-widget input');
  await input.fill('mysql://nobody@');
  await page.keyboard.press('Enter');
  const message = page.locator('.quick-input-message');
  await eventually(async () => expect(await message.innerText()).toContain('Enter a mysql:// URL'));
  await input.fill(`mysql://root:@127.0.0.1:${stage.mysql.port}`);
  await page.keyboard.press('Enter');
  // The URL names no password: it is asked for.
  await page.locator('.quick-input-widget input[type=password]').waitFor();
  await page.keyboard.press('Enter');

  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain('rowferry_sample');
  expect(await stage.mysql.query("SHOW DATABASES LIKE 'rowferry%'")).toHaveLength(0);
  await dialog.getByRole('button', { name: 'Create' }).click();

  const task = taskItem(page, 'sample');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  await page.getByRole('treeitem', { name: /^Full load, 5,500 rows/ }).waitFor();

  await workbench.command('Rowferry: Change Sample Rows');
  await page
    .getByRole('treeitem', { name: /60 inserted, 30 updated, 10 deleted/ })
    .waitFor({ timeout: 30_000 });
  expect(workbench.violations).toEqual([]);
});

test('the rows are there to be looked at', async () => {
  const { page } = workbench;
  const connections = page.locator('.pane', { hasText: 'Connections' }).last();
  await connections.getByRole('treeitem', { name: /^Local Tablestore/ }).click();
  const table = connections.getByRole('treeitem', { name: /^orders/ });
  await table.waitFor();
  await table.hover();
  await table.getByRole('button', { name: 'View Rows' }).click();
  const rows = webview(page);
  await eventually(async () => {
    const names = await rows.locator('thead th').allInnerTexts();
    expect(names.map((name) => name.trim())).toEqual(
      expect.arrayContaining(['region', 'id', 'total', 'placed']),
    );
  });
  expect(await rows.locator('tbody tr').count()).toBe(100);
  await rows.getByRole('button', { name: 'Next' }).click();
  await rows.getByText('Rows 101 to 200').waitFor();
  await rows.getByRole('button', { name: 'Previous' }).click();
  await rows.getByText('Rows 1 to 100').waitFor();

  await rows.getByRole('textbox', { name: 'From key: region' }).fill('us');
  await rows.getByRole('textbox', { name: 'From key: id' }).fill('no number');
  await page.keyboard.press('Enter');
  await rows.getByText('no number is not a valid value for the key column id').waitFor();
  await rows.getByRole('textbox', { name: 'From key: id' }).fill('4000');
  await page.keyboard.press('Enter');
  await eventually(async () => {
    const [first] = await rows.locator('tbody tr').allInnerTexts();
    expect(first).toMatch(/^us\s+4001\b/);
  });
  expect(workbench.violations).toEqual([]);
});
