import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { customers, eventually, openSidebar, keepTidy, setStage, webview, type Stage } from './stage.js';

/** A task from the sidebar, through its form, beside its text, to a precheck that lets it start. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  // Loaded, but not safe when it stops in the middle: a warning. The image of a row that is not whole: a failure.
  await stage.mysql.query(`
    CREATE TABLE shop.visits (id INT PRIMARY KEY, page VARCHAR(40)) ENGINE=MyISAM;
    INSERT INTO shop.visits VALUES (1, '/'), (2, '/cart');`);
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    settings: { 'files.autoSave': 'off', 'rowferry.localTablestore.port': 0 },
  });
  await workbench.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
});

keepTidy(() => ({ stage, workbench }));

const fileOf = (name: string) => path.join(stage.workspace, `${name}.rowferry.json`);
const onDisk = (name: string) => readFileSync(fileOf(name), 'utf8');
const input = (name: string | RegExp): Locator =>
  webview(workbench.page).getByRole('textbox', { name, exact: true });
const button = (name: string | RegExp): Locator =>
  webview(workbench.page)
    .getByRole('button', { name, exact: typeof name === 'string' })
    .first();
/** In the title of the text editor. */
const formButton = () => workbench.page.getByRole('button', { name: 'Open Task Form' }).first();
/** The text editor beside the form. */
const shown = async () => (await lines().innerText()).replaceAll('\u00a0', ' ');
const lines = () => workbench.page.locator('.monaco-editor .view-lines').first();

test('a task of a table chosen by its menu is edited in the form, seen in the text, undone and saved', async () => {
  const { page } = workbench;
  await openSidebar(page);
  await workbench.command('Rowferry: Add MySQL Connection from URL');
  const box = page.locator('.quick-input-widget input');
  await box.fill(`mysql://dts:${encodeURIComponent(stage.password)}@127.0.0.1:${stage.mysql.port}`);
  await page.keyboard.press('Enter');
  await page.getByRole('treeitem', { name: /^127\.0\.0\.1/ }).click();
  await page.getByRole('treeitem', { name: /^shop/ }).click();
  await page.getByRole('treeitem', { name: /^customers/ }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Sync to Tablestore…' }).hover();
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-widget', { hasText: 'New Task' }).waitFor();
  await page.keyboard.press('Enter');

  // Typed in the form, it is in the document; undo takes it back in both.
  const rename = input('Name of customers in Tablestore');
  await rename.fill('people');
  await page.locator('.tab.dirty').waitFor();
  await button('Open as JSON').click();
  await eventually(async () => expect(await shown()).toContain('"rename": "people"'));
  expect(await shown()).toContain('// Where the rows come from.');
  await formButton().click();
  await eventually(async () => expect(await rename.inputValue()).toBe('people'));
  await input('Name of the task').click();
  await page.keyboard.press('Control+Z');
  await eventually(async () => expect(await rename.inputValue()).toBe(''));

  // Typed and saved at once: the save waits for what was typed.
  await rename.fill('clients');
  await page.keyboard.press('Control+S');
  await eventually(async () => expect(onDisk('customers')).toContain('"rename": "clients"'));
  expect(onDisk('customers')).toContain('// Where the rows come from.');

  // Typed in the text, it shows in the form.
  await button('Open as JSON').click();
  await lines().getByText('"clients"').dblclick();
  await page.keyboard.type('buyers');
  await formButton().click();
  await eventually(async () => expect(await rename.inputValue()).toBe('buyers'));
  await page.keyboard.press('Control+S');
  await eventually(async () => expect(onDisk('customers')).toContain('"rename": "buyers"'));
  await workbench.command('View: Close All Editors');
  expect(workbench.violations).toEqual([]);
});

test('the text knows what is wrong, and completes names once the source was looked at', async () => {
  const { page } = workbench;
  stage.writeTask('words', {
    objects: [{ database: 'shop', tables: [{ name: 'order', filter: 'totl > 1' }] }],
    etl: 'e_dorp()',
  });
  await openText('words');
  const lens = page.locator('.codelens-decoration').first();
  await eventually(async () =>
    expect(await lens.innerText()).toMatch(/Precheck[^]*Start[^]*Verify[^]*Monitor/),
  );
  // Nothing connected: the script is wrong, but of the source nothing is known.
  await eventually(async () => expect(await page.locator('.squiggly-error').count()).toBe(1));
  await workbench.command('Rowferry: Load Names from the Source');
  await eventually(async () => expect(await page.locator('.squiggly-error').count()).toBe(2));

  await lines().getByText('"order"').dblclick();
  await page.keyboard.press('Control+Space');
  const offers = page.locator('.suggest-widget .monaco-list-row');
  await eventually(async () =>
    expect(await offers.allInnerTexts()).toContainEqual(expect.stringContaining('orders')),
  );
  await page.keyboard.press('Escape');
  await workbench.command('File: Revert File');
  await workbench.command('View: Close All Editors');
});

test('renamed, filtered, with a composite key: a warning is ignored, a failure is fixed by the copied SQL', async () => {
  const { page } = workbench;
  await stage.mysql.query('SET GLOBAL binlog_row_image = MINIMAL');
  stage.writeTask('shop', {
    objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'visits' }] }],
  });
  await openTaskForm('shop');
  const form = webview(page);
  // The source was looked at for another task of this folder: nothing has to be asked again.
  await form.getByRole('treeitem', { name: /customers/ }).waitFor();

  await input('Name of customers in Tablestore').fill('people');
  await button('Rows and columns of customers').click();
  const filter = form.getByRole('textbox', { name: /^Filter/ });
  await filter.fill('stat = 1');
  await form.getByText('customers has no column stat.').first().waitFor();
  await filter.fill("status <> 'test'");
  await button('Count matching rows').click();
  await form
    .getByText(`${customers - customers / 50} rows`, { exact: false })
    .first()
    .waitFor();
  await input('Name of email in Tablestore').fill('mail');

  await form.getByRole('combobox', { name: 'Definition status of customers' }).selectOption('all');
  await form.getByRole('combobox', { name: 'Key column 1 of customers' }).selectOption('status');
  const cell = form
    .locator('rf-keys')
    .getByText('No unique key of the source covers these columns', { exact: false });
  await cell.first().waitFor();
  await form.getByRole('combobox', { name: 'Add a key column to customers' }).selectOption('id');
  await cell.first().waitFor({ state: 'detached' });

  await button('Save and Precheck').click();
  await eventually(async () =>
    expect((parse(onDisk('shop')) as { objects: { tables: unknown[] }[] }).objects[0]!.tables[0]).toEqual({
      name: 'customers',
      rename: 'people',
      filter: "status <> 'test'",
      columns: { email: { rename: 'mail' } },
      primaryKey: ['status', 'id'],
    }),
  );
  expect(onDisk('shop')).toContain('// Kept in sync for the search of the shop.');

  const precheck = webview(page);
  await precheck
    .locator('rf-precheck')
    .getByRole('heading', { name: /^Failed/ })
    .waitFor();
  expect(await precheck.locator('rf-precheck main').innerText()).toMatch(
    /binlog_row_image = MINIMAL[^]*MyISAM/,
  );
  const failure = precheck.getByRole('article').filter({ hasText: 'binlog_row_image' });
  await failure.getByRole('button', { name: 'Copy SQL' }).click();
  let sql = '';
  await eventually(async () => {
    sql = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(sql).toMatch(/^SET GLOBAL/);
  });
  await stage.mysql.query(sql);
  const warning = precheck.getByRole('article').filter({ hasText: 'MyISAM' });
  await warning.getByRole('button', { name: 'Ignore…' }).click();
  await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Accept the Risk' }).click();
  await eventually(async () => expect(onDisk('shop')).toMatch(/"ignoredChecks": \[\s*"engines"/));
  const again = precheck.getByRole('button', { name: 'Precheck Again' });
  await eventually(async () => expect(await again.isEnabled()).toBe(true));
  await again.click();
  await eventually(async () => expect(await precheck.locator('.rate').innerText()).toContain('100%'));
  await precheck.getByRole('button', { name: 'Start', exact: true }).click();
  await eventually(async () => {
    const rows = await stage.rows('people');
    expect(rows).toHaveLength(customers - customers / 50);
    expect(Object.keys(rows[0]!).slice(0, 2)).toEqual(['status', 'id']);
    expect(rows[0]).toHaveProperty('mail');
  }, 30_000);
  expect(workbench.violations).toEqual([]);
});

test('the tables of a whole database are named by a rule, tried on those that are known', async () => {
  const { page } = workbench;
  stage.writeTask('ruled', { objects: [{ database: 'shop' }] });
  await openTaskForm('ruled');
  const form = webview(page);
  await button('Batch Edit').click();
  await input('Prefix').fill('9_');
  await form.getByText('9_customers').waitFor();
  expect(await button(/^Rename all tables of shop/).isDisabled()).toBe(true);
  await input('Prefix').fill('ods_');
  await form.getByText('ods_customers').waitFor();
  await button(/^Rename all tables of shop/).click();
  await form.getByText('ods_…').waitFor();
  await page.keyboard.press('Control+S');
  await eventually(async () =>
    expect((parse(onDisk('ruled')) as { objects: unknown[] }).objects).toEqual([
      { database: 'shop', renameTables: { prefix: 'ods_' } },
    ]),
  );
  await workbench.command('View: Close All Editors');
  expect(workbench.violations).toEqual([]);
});

test('the destination by its region, a certificate that is chosen, all tables that a search finds', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  writeFileSync(path.join(stage.workspace, 'ca.pem'), '');
  stage.writeTask('places', { objects: [{ database: 'shop', tables: [{ name: 'visits' }] }] });
  await openTaskForm('places');
  const form = webview(page);
  const document = async () => {
    await page.keyboard.press('Control+S');
    return parse(onDisk('places')) as Record<'source' | 'destination' | 'objects', Record<string, unknown>>;
  };
  const region = form.getByRole('combobox', { name: 'Region' });
  await region.fill('nowhere');
  await region.press('Enter');
  await form.getByText('Enter a region such as cn-hangzhou.').waitFor();
  // By the name of the place; the list has what was typed.
  await region.fill('shangh');
  expect(await form.getByRole('listbox', { name: 'Region' }).getByRole('option').allInnerTexts()).toEqual([
    expect.stringMatching(/^cn-shanghai\s+Shanghai$/),
  ]);
  await region.press('ArrowDown');
  await region.press('Enter');
  await eventually(async () => expect(await input('Endpoint').inputValue()).toContain('cn-shanghai'));
  await input('Instance').fill('shop-prod');
  await form.locator('rf-endpoint vscode-dropdown').click();
  await form.locator('rf-endpoint vscode-option[value=vpc]').click();
  await eventually(async () =>
    expect((await document()).destination).toMatchObject({
      endpoint: 'https://shop-prod.cn-shanghai.vpc.tablestore.aliyuncs.com',
      instance: 'shop-prod',
    }),
  );
  await input('Endpoint').fill('https://other.cn-beijing.ots.aliyuncs.com');
  await eventually(async () => expect(await input('Instance').inputValue()).toBe('other'));
  expect(await region.inputValue()).toBe('cn-beijing');
  // What is saved is what was typed, although the field was not left.
  await region.fill('cn-shenzhen');
  await page.keyboard.press('Control+S');
  await eventually(async () =>
    expect((parse(onDisk('places')) as { destination: object }).destination).toMatchObject({
      endpoint: 'https://other.cn-shenzhen.ots.aliyuncs.com',
    }),
  );

  await form.locator('vscode-dropdown[aria-label=Encryption]').click();
  await form.locator('vscode-option[value=verify-ca]').click();
  await button('Choose a file: Certificate authority').click();
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'ca.pem' }).click();
  await eventually(async () =>
    expect((await document()).source).toMatchObject({ ssl: 'verify-ca', caFile: 'ca.pem' }),
  );

  // It is meant from the folder of the task, wherever the engine runs.
  const certificate = path.join(stage.workspace, 'ca.pem');
  rmSync(certificate);
  await button('Show the tables of the source').click();
  await form
    .getByText(`The certificate file ${certificate} cannot be read.`, { exact: false })
    .first()
    .waitFor();

  // Another encryption is another source of names: they are asked for once more.
  await form.locator('vscode-dropdown[aria-label=Encryption]').click();
  await form.locator('vscode-option[value=disabled]').click();
  await button('Show the tables of the source').click();
  await form.getByRole('treeitem', { name: /visits/ }).waitFor();
  await input('Search, or type database.table').fill('shop.');
  await form.getByText('3 tables found').waitFor();
  await button('Select all').click();
  await button('Deselect all').waitFor();
  await eventually(async () =>
    expect((await document()).objects).toEqual([
      { database: 'shop', tables: [{ name: 'visits' }, { name: 'customers' }, { name: 'orders' }] },
    ]),
  );
  await button('Deselect all').click();
  await form.getByText('Nothing is selected yet.', { exact: false }).waitFor();
  expect(workbench.violations).toEqual([]);
});

async function openTaskForm(name: string): Promise<void> {
  await openText(name);
  await formButton().click();
  await webview(workbench.page).locator('rf-objects').waitFor();
}

/** By quick open, tried again until the new file is known. */
async function openText(name: string): Promise<void> {
  const { page } = workbench;
  await eventually(async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+P');
    await page.locator('.quick-input-widget input').fill(`${name}.rowferry.json`, { timeout: 3000 });
    await page
      .locator('.quick-input-list .monaco-list-row', { hasText: `${name}.rowferry.json` })
      .first()
      .click({ timeout: 3000 });
    await lines().waitFor({ timeout: 5000 });
  });
}
