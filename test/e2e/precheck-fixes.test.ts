import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, setStage, webview, type Stage } from './stage.js';

/** What a precheck found is mended where it is shown: in the task by a click, at the source after a question. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.notes (note TEXT);
    CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL);
    INSERT INTO shop.cards VALUES (1, 18446744073709551615)`);
  // With two of them a command asks which.
  stage.writeTask('other');
  stage.writeTask('shop', {
    objects: [{ database: 'shop', tables: ['customers', 'cards', 'notes'].map((name) => ({ name })) }],
  });
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    settings: { 'files.autoSave': 'off' },
  });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const page = () => webview(workbench.page);
const dialog = (): Locator => workbench.page.locator('.monaco-dialog-box');
const item = (title: string): Locator => page().locator('article.item', { hasText: title });
const group = (title: string): Locator => page().locator('section', { hasText: title });
const tables = () => {
  const text = readFileSync(path.join(stage.workspace, 'shop.rowferry.json'), 'utf8');
  return (parse(text) as { objects: { tables: { name: string }[] }[] }).objects[0]!.tables;
};
const key = 'Every table has a key';
const integers = 'Integers fit into a Tablestore INTEGER';
const passes = (title: string) =>
  eventually(async () => expect(await group('Passed').innerText()).toContain(title));

test('a fix is one click: the file says it, the check runs again, and undo takes it back', async () => {
  await workbench.pick('Rowferry: Open Task Form', 'shop');
  await page().locator('rf-objects').waitFor();
  await workbench.command('Rowferry: Precheck Task');
  await item(integers).getByRole('button', { name: 'Set the Type of shop.cards.number to STRING' }).click();
  await passes(integers);
  expect(tables()).toContainEqual({ name: 'cards', columns: { number: { type: 'STRING' } } });
  await item(key).getByRole('button', { name: 'Exclude shop.notes' }).click();
  await page().getByText('Everything is ready.').waitFor();
  expect(tables().map(({ name }) => name)).toEqual(['customers', 'cards']);
  expect(readFileSync(path.join(stage.workspace, 'shop.rowferry.json'), 'utf8')).toContain(
    '// Kept in sync for the search of the shop.',
  );

  await workbench.page.getByRole('tab', { name: /^shop\.rowferry\.json/ }).click();
  await page().locator('rf-objects').waitFor();
  await workbench.command('Undo');
  await page().getByRole('textbox', { name: 'Name of notes in Tablestore' }).waitFor();
  await workbench.page.keyboard.press('Control+S');
  await eventually(async () => expect(tables().map(({ name }) => name)).toContain('notes'));
});

test('the form opens where it has what an item is about', async () => {
  await workbench.command('Rowferry: Precheck Task');
  await page().locator('rf-precheck').waitFor();
  await item(key).getByRole('link', { name: 'Open in the form' }).click();
  const details = page().getByRole('region', { name: 'Settings of notes' });
  await details.waitFor();
  await eventually(async () =>
    expect(
      await page()
        .locator('rf-table-details')
        .evaluate((e: { matches(s: string): boolean }) => e.matches(':focus-within')),
    ).toBe(true),
  );
});

test('SQL is run once a person has seen it, and the answer of the server is said', async () => {
  await workbench.command('Rowferry: Precheck Task');
  const run = item(key).getByRole('button', { name: 'Run SQL…' });
  await run.click();
  const question = await dialog().innerText();
  expect(question).toContain(`Run this statement at 127.0.0.1:${stage.mysql.port} as dts?`);
  expect(question).toMatch(/ALTER TABLE `shop`\.`notes` ADD COLUMN `id` BIGINT NOT NULL AUTO_INCREMENT/);
  await dialog().getByRole('button', { name: 'Do Not Run' }).click();
  await dialog().waitFor({ state: 'hidden' });
  const keys = () => stage.mysql.query("SHOW KEYS FROM shop.notes WHERE Key_name = 'PRIMARY'");
  expect(await keys()).toEqual([]);

  await run.click();
  await dialog().getByRole('button', { name: 'Run SQL', exact: true }).click();
  await page()
    .getByText(/ALTER command denied to user 'dts'/)
    .waitFor();
  expect(await keys()).toEqual([]);

  await stage.mysql.query("GRANT ALTER, INSERT, CREATE ON shop.* TO dts@'%'");
  await run.click();
  await dialog().getByRole('button', { name: 'Run SQL', exact: true }).click();
  await page().getByText(`MySQL at 127.0.0.1:${stage.mysql.port} ran the statement.`).waitFor();
  await passes(key);
  expect(await keys()).toHaveLength(1);
});

test('the review of the form has the same buttons', async () => {
  stage.writeTask('review', {
    objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'cards', rename: '2cards' }] }],
  });
  await workbench.command('Rowferry: Refresh Tasks');
  await eventually(async () => {
    await workbench.pick('Rowferry: Open Task Form', 'review');
    await workbench.page
      .locator('.tab.active', { hasText: 'review.rowferry.json' })
      .waitFor({ timeout: 3000 });
  });
  const fix = page().locator('rf-review').getByRole('button', { name: 'Rename shop.cards to _2cards' });
  await fix.waitFor();
  await fix.click();
  await fix.waitFor({ state: 'hidden' });
  const name = page().getByRole('textbox', { name: 'Name of cards in Tablestore' });
  await eventually(async () => expect(await name.inputValue()).toBe('_2cards'));
  await workbench.command('Undo');
  await fix.waitFor();
  expect(workbench.violations).toEqual([]);
});
