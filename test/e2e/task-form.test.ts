import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, setStage, webview, type Stage } from './stage.js';

/** The form says what is so, in its own words, and leads to it. */

let stage: Stage;
let workbench: Workbench;
const database = 'merchandising_reports';

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE DATABASE ${database};
    CREATE TABLE ${database}.sales (id INT PRIMARY KEY, amount INT);
    CREATE TABLE ${database}.tmp_sales (id INT PRIMARY KEY);
    CREATE TABLE ${database}.wide (id INT PRIMARY KEY, ${Array.from({ length: 60 }, (_, i) => `c${i} INT`).join(', ')})`);
  // With two of them a command asks which.
  for (const name of ['one', 'two']) stage.writeTask(name);
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    settings: { 'files.autoSave': 'off' },
    size: { width: 1200, height: 800 },
  });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const form = () => webview(workbench.page);
const button = (name: string): Locator => form().getByRole('button', { name, exact: true }).first();
const section = (title: string): Locator => form().getByRole('link', { name: new RegExp(`^${title}`) });
const objects = async (name: string) => {
  await workbench.page.keyboard.press('Control+S');
  const text = readFileSync(path.join(stage.workspace, `${name}.rowferry.json`), 'utf8');
  return (parse(text) as { objects: unknown }).objects;
};

/** The form of a new task, with what the source has. */
async function open(name: string, change: Record<string, unknown>): Promise<void> {
  await workbench.command('View: Close All Editors');
  stage.writeTask(name, change);
  await workbench.command('Rowferry: Refresh Tasks');
  await eventually(async () => {
    await workbench.pick('Rowferry: Open Task Form', name);
    await workbench.page
      .locator('.tab.active', { hasText: `${name}.rowferry.json` })
      .waitFor({ timeout: 3000 });
  });
  await form().locator('rf-objects').waitFor();
  const show = form().getByRole('button', { name: 'Show the tables of the source' });
  const tree = form().getByRole('treeitem', { name: database });
  await show.or(tree).first().waitFor();
  if (await show.isVisible()) await show.click();
  await tree.waitFor();
}

test('tables of a whole database are taken out and in again by their ticks; its name is there in full', async () => {
  await open('whole', { objects: [{ database, exclude: ['tmp_*'] }] });
  const tree = form().locator('rf-source-tree');
  const item = (name: string) => tree.getByRole('treeitem', { name: new RegExp(`^${name}\\b`) });
  await item('sales').waitFor();
  expect(await item(database).getAttribute('aria-checked')).toBe('mixed');
  expect(await item('tmp_sales').getAttribute('aria-checked')).toBe('false');
  expect(await item('tmp_sales').innerText()).toContain('excluded by tmp_*');
  expect(await item('sales').getAttribute('aria-checked')).toBe('true');
  await item('sales').locator('.tick').click();
  await eventually(async () => {
    expect(await item('sales').getAttribute('aria-checked')).toBe('false');
    expect(await objects('whole')).toEqual([{ database, exclude: ['tmp_*', 'sales'] }]);
  });
  await item('sales').locator('.tick').click();
  await eventually(async () => expect(await objects('whole')).toEqual([{ database, exclude: ['tmp_*'] }]));

  const name = form().locator('rf-objects .whole-name');
  const isWhole = () =>
    name.evaluate((e: { scrollWidth: number; clientWidth: number }) => e.scrollWidth <= e.clientWidth);
  expect(await name.innerText()).toBe(database);
  expect(await isWhole()).toBe(true);
  const [inRow, remove] = [await name.boundingBox(), await button(`Remove ${database}`).boundingBox()];
  expect(inRow!.x + inRow!.width).toBeLessThan(remove!.x);
  expect(workbench.violations).toEqual([]);
});

test('the settings of a table open in view, take the focus, and their columns are searched', async () => {
  await open('wide', { objects: [{ database, tables: [{ name: 'sales' }, { name: 'wide' }] }] });
  await button('Rows and columns of wide').click();
  const details = form().getByRole('region', { name: 'Settings of wide' });
  await eventually(async () =>
    expect(await details.evaluate((e: { matches(s: string): boolean }) => e.matches(':focus'))).toBe(true),
  );
  const box = (await details.boundingBox())!;
  expect(box.y).toBeGreaterThan(0);
  expect(box.y).toBeLessThan(400);
  await form().getByRole('textbox', { name: 'Search columns' }).fill('c59');
  await form().getByText('1 of 61 columns').waitFor();
  await form().getByRole('textbox', { name: 'Name of c59 in Tablestore' }).waitFor();
  await details.getByRole('button', { name: 'Close' }).click();
  const opener = button('Rows and columns of wide');
  await eventually(async () =>
    expect(await opener.evaluate((e: { matches(s: string): boolean }) => e.matches(':focus'))).toBe(true),
  );
});

test('problems are called as the form calls them, lead to their place, and mark its section', async () => {
  await open('wrong', {
    objects: [{ database, tables: [{ name: 'sales', filter: 'amont > 1' }, { name: 'wide' }] }],
    write: { mode: 'put-row', queueSize: 0 },
  });
  // A file that its schema refuses is looked into no further.
  await section('Writing').getByText('has problems').waitFor({ state: 'attached' });
  await section('Keys').getByText('done').waitFor({ state: 'attached' });
  const review = form().locator('rf-review');
  await review.getByRole('link', { name: 'Queue Size' }).click();
  const field = form().getByRole('textbox', { name: 'Queue Size' });
  await eventually(async () => {
    expect(await section('Writing').getAttribute('aria-current')).toBe('true');
    expect(await field.evaluate((e: { matches(s: string): boolean }) => e.matches(':focus'))).toBe(true);
  });
  await field.fill('64');
  await section('Writing').getByText('done').waitFor({ state: 'attached' });
  await workbench.page.keyboard.press('Control+S');
  await section('Objects').getByText('has problems').waitFor({ state: 'attached' });
  expect(await review.locator('.banner').innerText()).toMatch(/sales: Filter\s+sales has no column amont/);
  const isFocused = (at: Locator) =>
    at.evaluate((e: { matches(s: string): boolean }) => e.matches(':focus-within'));
  const details = form().getByRole('region', { name: 'Settings of sales' });
  // The second time it is open already.
  for (let time = 1; time <= 2; time++) {
    await review.getByRole('link', { name: 'sales: Filter' }).click();
    await details.waitFor();
    await eventually(async () => expect(await isFocused(form().locator('rf-table-details'))).toBe(true));
  }
  const endpoint = form().getByRole('textbox', { name: 'Endpoint' });
  await endpoint.fill('nowhere');
  await workbench.page.keyboard.press('Control+S');
  await review.getByRole('link', { name: 'Endpoint' }).click();
  await eventually(async () => expect(await isFocused(endpoint)).toBe(true));
});

test('a script that reads what one of the tables does not have is underlined, and listed in the review', async () => {
  await open('script', {
    objects: [{ database, tables: [{ name: 'sales' }, { name: 'wide' }] }],
    etl: 'e_if(op_gt(`amount`, 10), e_drop())',
  });
  const message = `${database}.wide has no column amount, which the script reads.`;
  await form().locator('rf-etl').getByText(message).waitFor();
  expect(await form().locator('rf-script .mark').allInnerTexts()).toEqual(['`amount`']);
  expect(await form().locator('rf-review .banner').innerText()).toContain(message);
  await section('ETL').getByText('has problems').waitFor({ state: 'attached' });
});

test('a text that cannot be read leaves the form as it was, greyed, with the line', async () => {
  const { page } = workbench;
  await open('torn', { objects: [{ database, tables: [{ name: 'sales' }] }] });
  await button('Open as JSON').click();
  const lines = page.locator('.monaco-editor .view-lines').first();
  await lines.getByText('"sales"').click();
  await page.keyboard.press('Home');
  await page.keyboard.type('{{');
  await page.getByRole('button', { name: 'Open Task Form' }).first().click();
  await form()
    .getByText(/^Line \d+: /)
    .waitFor();
  await form().getByText('The form shows the last text that it could read.').waitFor();
  await form().locator('section[inert] rf-objects').getByText('sales', { exact: true }).first().waitFor();
  await workbench.command('File: Revert File');
  await form().locator('section:not([inert]) rf-objects').waitFor();
});

test('Batch Edit names what it would overwrite; commands of the palette are about the form in front', async () => {
  await open('batch', {
    objects: [{ database, tables: [{ name: 'sales', rename: 'turnover' }, { name: 'wide' }] }],
  });
  await button('Batch Edit').click();
  await form().getByRole('textbox', { name: 'Prefix' }).fill('ods_');
  await form().getByText('Overwrites 1 names given by hand: turnover → ods_sales').waitFor();
  await form().getByText('instead of turnover').waitFor();
  await button('Cancel').click();
  await form().locator('vscode-dropdown[aria-label="Data Write Mode"]').click();
  expect(
    await form().locator('vscode-dropdown[aria-label="Data Write Mode"] vscode-option').allInnerTexts(),
  ).toEqual([
    expect.stringContaining('Replace the whole row'),
    expect.stringContaining('Update the given columns'),
  ]);
  await workbench.page.keyboard.press('Escape');

  await workbench.command('Rowferry: Precheck Task');
  await form().getByRole('heading', { name: 'Precheck: batch' }).waitFor();
  expect(workbench.violations).toEqual([]);
});
