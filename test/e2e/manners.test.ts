import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { makeYardstick } from './yardstick.js';
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

/**
 * What the extension does not do: slow the editor down, connect by itself, or run what nobody trusts. Installed from
 * the VSIX, as people do.
 */

const root = path.join(import.meta.dirname, '../..');

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  stage = await setStage();
  // It fails when the package is over 3 MB or has a native module in it.
  execFileSync(process.execPath, [path.join(root, 'test/support/package.mjs')], { stdio: 'pipe' });
  stage.writeTask('orders');
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    vsix: path.join(root, `${name}-${version}.vsix`),
    beside: [makeYardstick(path.dirname(stage.workspace))],
    settings: {
      'security.workspace.trust.enabled': true,
      'security.workspace.trust.startupPrompt': 'never',
    },
  });
});

keepTidy(() => ({ stage, workbench }));

/** Is there an engine, or was there one? */
const engineStarted = () =>
  existsSync(
    path.join(path.dirname(workbench.log), 'data/User/globalStorage/rowferry.rowferry/state/engine.json'),
  );

test('in a folder that is not trusted tasks are read and edited, and nothing starts or connects', async () => {
  const { page } = workbench;
  await openSidebar(page);
  const task = taskItem(page, 'orders');
  await task.waitFor();
  await page.getByText('This folder is not trusted. You can view').waitFor();
  await task.hover();
  await task.locator('.action-item.disabled', { hasText: '' }).first().waitFor();

  await page.keyboard.press('F1');
  const quick = page.locator('.quick-input-widget');
  await quick.locator('input[type=text]').fill('>Rowferry: ');
  await quick.locator('.monaco-list-row', { hasText: 'Rowferry: Refresh Tasks' }).waitFor();
  expect(await quick.locator('.monaco-list-row', { hasText: 'Rowferry: Start Task' }).count()).toBe(0);
  await page.keyboard.press('Escape');

  await task.click();
  const form = webview(page);
  await form.getByRole('button', { name: 'Start', exact: true }).first().click();
  await page
    .locator('.notification-toast', { hasText: 'This folder is not trusted. Trust the workspace' })
    .waitFor();
  expect(engineStarted()).toBe(false);
});

test('activation takes less than 50 ms of a quiet machine, and nothing is started by it', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  const taken: { ours: number; yardstick: number }[] = [];
  const activationOf = async (extension: string) => {
    const row = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: extension }).first();
    await row.waitFor();
    return Number(/Activation:\s*(\d+)ms/.exec(await row.innerText())![1]);
  };
  // Half of the work that takes 100 ms on a quiet machine; a fast one is held to the 50 ms themselves.
  const least = () => Math.min(...taken.map(({ ours, yardstick }) => ours / (Math.max(100, yardstick) / 2)));
  for (let i = 0; i === 0 || (i < 8 && least() >= 1); i++) {
    await page.reload();
    await openSidebar(page);
    await taskItem(page, 'orders').waitFor();
    await workbench.command('Developer: Show Running Extensions');
    taken.push({ ours: await activationOf('Rowferry'), yardstick: await activationOf('Yardstick') });
    await workbench.command('View: Close All Editors');
  }
  const said = taken.map(({ ours, yardstick }) => `${ours} ms (100 ms of work: ${yardstick})`).join(', ');
  console.log(`activation: ${said}`);
  expect(least(), said).toBeLessThan(1);
  expect(engineStarted()).toBe(false);
});

test('once it is trusted, its tasks start', async () => {
  const { page } = workbench;
  await workbench.command('Workspaces: Manage Workspace Trust');
  await page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
  await page.locator('.monaco-modal-editor-block .codicon-close').last().click();
  const task = taskItem(page, 'orders');
  await eventually(async () => {
    expect(await page.getByText('This folder is not trusted. You can view').count()).toBe(0);
  });
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  expect(await stage.rows('customers')).toHaveLength(customers);
  expect(engineStarted()).toBe(true);

  await workbench.command('Rowferry: Create Support Bundle');
  const bundle = page.locator('.monaco-editor .view-lines').last();
  // What is in it is held elsewhere; here it is on the screen.
  await eventually(async () => expect(await bundle.innerText()).toContain('rowferry.bundle'));
});
