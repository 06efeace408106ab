import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

test('and those of MySQL beside them: filtered, copied, exported, and compared with what Tablestore has', async () => {
  const { page } = workbench;
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Control+W');
  const connections = page.locator('.pane', { hasText: 'Connections' }).last();
  const item = (name: RegExp) => connections.getByRole('treeitem', { name });
  // Closed, so that its tables do not stand for those of MySQL.
  await item(/^Local Tablestore/).click();
  await item(/, MySQL/)
    .first()
    .click();
  await item(/^rowferry_sample/).click();
  const table = item(/^orders, table/);
  await table.waitFor();
  await table.hover();
  await table.getByRole('button', { name: 'View Rows' }).click();
  const rows = webview(page);
  const grid = rows.getByRole('grid', { name: 'Rows' });
  const lines = grid.locator('tbody tr');
  await rows.getByText('Rows 1 to 100').waitFor();
  await rows.getByRole('button', { name: 'Next' }).click();
  await rows.getByText('Rows 101 to 200').waitFor();

  const filter = rows.getByRole('textbox', { name: 'Filter' });
  await filter.fill('total > > 5');
  await page.keyboard.press('Enter');
  await rows.getByRole('alert').getByText('SQL syntax').waitFor();
  await filter.fill("region = 'eu' AND total < 20 AND note IS NULL");
  await rows.getByRole('textbox', { name: 'From key: region' }).fill('cn');
  await page.keyboard.press('Enter');
  await eventually(async () => {
    const totals = await lines.locator('td:nth-child(5)').allInnerTexts();
    expect(totals.length).toBeGreaterThan(0);
    expect(totals.filter((total) => !(Number(total) < 20))).toEqual([]);
  });
  const wanted = await stage.mysql.query(
    "SELECT id FROM rowferry_sample.orders WHERE region = 'eu' AND total < 20 AND note IS NULL ORDER BY id",
  );
  expect(await lines.count()).toBe(wanted.length);

  // By the keyboard: to a cell, and what stands in it.
  await lines.first().locator('td').first().focus();
  for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
  const { id } = wanted[1] as { id: number };
  await rows
    .getByRole('region', { name: 'Whole value' })
    .locator('pre', { hasText: String(id) })
    .waitFor();
  expect(await lines.nth(1).getAttribute('aria-selected')).toBe('true');

  await rows.getByRole('button', { name: 'Export JSON Lines…' }).click();
  const file = path.join(stage.workspace, 'found.jsonl');
  const input = page.locator('.quick-input-widget input');
  // It puts a name there when it has looked at the folder.
  await eventually(async () => expect(await input.inputValue()).toMatch(/rowferry_sample\.orders\.jsonl$/));
  await input.fill(file);
  await page.keyboard.press('Enter');
  await page.getByText(`${wanted.length} rows exported to found.jsonl`).first().waitFor();
  const exported = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(exported).toHaveLength(wanted.length);
  expect(exported[1]).toMatchObject({ region: 'eu', id: String(id), note: null });
  expect(readdirSync(stage.workspace).filter((name) => name.endsWith('.part'))).toEqual([]);

  const compare = rows.getByRole('button', { name: 'Compare This Row' });
  const both = rows.getByRole('region', { name: 'Both sides' });
  await compare.click();
  await both.getByText('Both sides are equal.').waitFor();
  // No binlog tells of it.
  await stage.mysql.query(
    `SET SESSION sql_log_bin = 0; UPDATE rowferry_sample.orders SET note = 'unseen' WHERE region = 'eu' AND id = ${id}`,
  );
  await compare.click();
  await both.getByText('1 column differs.').waitFor();
  const [differing] = await both.locator('tr:has(.present-side)').allInnerTexts();
  expect(differing?.replaceAll(/\s+/g, ' ')).toMatch(/^note unseen NULL/);
  await page.screenshot({ path: path.join(tmpdir(), 'rowferry-source-rows.png') });

  // The other side of the table, and the same row from there.
  await rows.getByRole('group', { name: 'Side' }).getByRole('button', { name: 'Tablestore' }).click();
  await rows.getByText('by the task sample').waitFor();
  await rows.getByRole('textbox', { name: 'From key: region' }).fill('eu');
  await rows.getByRole('textbox', { name: 'From key: id' }).fill(String(id));
  await page.keyboard.press('Enter');
  await eventually(async () => {
    const [first] = await lines.allInnerTexts();
    expect(first).toMatch(new RegExp(`^eu\\s+${id}\\b`));
  });
  await lines.first().locator('td').first().click();
  await compare.click();
  await both.getByText('1 column differs.').waitFor();
  expect(workbench.violations).toEqual([]);
});
