import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { tools } from '../../src/assistant/tools/index.js';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { keepTidy, openSidebar, setStage, taskItem, type Stage } from './stage.js';
import { makeToolCaller, type ToolCaller } from './tool-caller.js';

/** The tools as the editor's language models have them, and the MCP server that it offers, in the real workbench. */

let stage: Stage;
let workbench: Workbench;
let caller: ToolCaller;

beforeAll(async () => {
  stage = await setStage();
  stage.writeTask('orders');
  caller = makeToolCaller(path.dirname(stage.workspace));
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    beside: [caller.folder],
    settings: { 'chat.disableAIFeatures': false, 'files.autoSave': 'off' },
  });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const dialog = () => workbench.page.locator('.monaco-dialog-box');
const call = async (name: string, input: object) =>
  JSON.parse(await caller.call(`rowferry_${name}`, input)) as Record<string, unknown>;

test('every tool is there, and what only looks answers without a question', async () => {
  const found = await caller.tools('rowferry_');
  expect(found.map(({ name }) => name).sort()).toEqual(tools.map(({ name }) => `rowferry_${name}`).sort());
  for (const { name, description } of tools)
    expect(found.find((one) => one.name === `rowferry_${name}`)).toMatchObject({ description });
  expect(await call('list_tasks', {})).toMatchObject({ tasks: [{ task: 'orders', state: 'not started' }] });
  expect(await call('precheck_task', { task: 'orders' })).toMatchObject({ successRate: 100 });
  const preview = JSON.stringify(await call('preview_rows', { task: 'orders', table: 'shop.customers' }));
  expect(preview).toContain('text, 10 characters');
  expect(preview).not.toContain('Customer 1');
  expect(await dialog().count()).toBe(0);
});

test('what changes something asks the person first', async () => {
  const { page } = workbench;
  const declined = call('start_task', { task: 'orders' });
  await dialog().waitFor();
  const text = await dialog().innerText();
  expect(text).toContain('Start a task');
  expect(text).toContain(`Start orders: from MySQL ${stage.mysql.host}:${stage.mysql.port} to Tablestore`);
  expect(text).toContain(new URL(stage.tablestore.endpoint).host);
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await expect(declined).rejects.toThrow();
  expect(await call('task_status', { task: 'orders' })).toMatchObject({ state: 'never started' });

  const started = call('start_task', { task: 'orders' });
  await dialog().waitFor();
  await dialog().getByRole('button', { name: 'Yes' }).click();
  expect(await started).toMatchObject({ started: true });
  await taskItem(page, 'orders').filter({ hasText: 'caught up' }).waitFor({ timeout: 60_000 });
  expect(await call('verify_rows', { task: 'orders' })).toMatchObject({ equal: true });
  // Nothing to do: nothing to ask.
  expect(await call('start_task', { task: 'orders' })).toMatchObject({
    summary: 'orders is running already (running).',
  });
  expect(await dialog().count()).toBe(0);
});

test('what only looks saves no edits, and a start of what is not saved is refused', async () => {
  const { page } = workbench;
  const file = stage.writeTask('drafts', {
    objects: [{ database: 'shop', tables: [{ name: 'customers', rename: 'drafts' }] }],
  });
  const saved = readFileSync(file, 'utf8');
  await workbench.command('Rowferry: Refresh Tasks');
  await workbench.pick('Rowferry: Open Task as JSON', 'drafts');
  await page.locator('.monaco-editor .view-lines').first().getByText('"drafts"').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type(' ');
  const tab = page.locator('.tab.dirty', { hasText: 'drafts.rowferry.json' });
  await tab.waitFor();
  expect(await call('precheck_task', { task: 'drafts' })).toHaveProperty('successRate');
  expect(await call('preview_rows', { task: 'drafts', table: 'shop.customers' })).toHaveProperty('summary');
  expect(readFileSync(file, 'utf8')).toBe(saved);
  const started = call('start_task', { task: 'drafts' });
  await dialog().getByRole('button', { name: 'Yes' }).click();
  expect(JSON.stringify(await started)).toContain('drafts.rowferry.json has edits that are not saved.');
  expect(readFileSync(file, 'utf8')).toBe(saved);
  await workbench.command('File: Revert File');
});

test('the editor offers the MCP server, which starts and has the same tools', async () => {
  const { page } = workbench;
  await workbench.pick('MCP: List Servers', 'Rowferry');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Start Server' }).first().click();
  const found = await caller.tools('mcp_rowferry_');
  expect(found.map(({ name }) => name).sort()).toEqual(
    tools.map(({ name }) => `mcp_rowferry_${name}`).sort(),
  );
  // It is on the engine of this window: it knows what was started here.
  const status = await caller.call('mcp_rowferry_task_status', { task: 'orders' });
  expect(JSON.parse(status)).toMatchObject({ state: 'running', caughtUp: true });
}, 100_000);
