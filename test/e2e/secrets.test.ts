import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  eventually,
  inlineAction,
  keepTidy,
  openSidebar,
  setStage,
  taskItem,
  webview,
  type Stage,
} from './stage.js';

/** A password that was mistyped is entered again where it fails: beside the failure, wherever that is shown. */

let stage: Stage;
let workbench: Workbench;
/** Every message between pages and the editor, as it is sent. */
const messages: string[] = [];
const mark = 'message of a page: ';

beforeAll(async () => {
  stage = await setStage({ passwordInEnvironment: false });
  stage.writeTask('shop', { objects: [{ database: 'shop', tables: [{ name: 'customers' }] }] });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  workbench.page.on('console', (said) => {
    if (said.text().startsWith(mark)) messages.push(said.text());
  });
  // As text: it runs in the browser, in every frame. The editor opens a page's document anew, which takes listeners from its
  // window: so what is posted is looked at.
  await workbench.page.addInitScript(`for (const posts of [window, MessagePort.prototype]) {
    const { postMessage } = posts;
    posts.postMessage = function (data, ...rest) {
      try {
        console.debug(${JSON.stringify(mark)} + JSON.stringify(data));
      } catch {
        // What is no JSON is no message of ours.
      }
      return postMessage.call(this, data, ...rest);
    };
  }`);
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const task = () => taskItem(workbench.page, 'shop');
const toast = (text: string): Locator =>
  workbench.page.locator('.notification-toast', { hasText: text }).first();
const says = (pattern: RegExp) =>
  eventually(async () => expect(await task().innerText()).toMatch(pattern), 60_000);

async function enter(password: string): Promise<void> {
  const { page } = workbench;
  const box = page.locator('.quick-input-widget input[type=password]');
  await box.waitFor();
  expect(await page.locator('.quick-input-widget').innerText()).toContain('MYSQL_PASSWORD');
  await box.fill(password);
  await page.keyboard.press('Enter');
  await box.waitFor({ state: 'hidden' });
}

test('in the notification, the form and the precheck', async () => {
  const { page } = workbench;
  await inlineAction(task(), 'Start Task');
  await enter('wrong');
  await toast('dts').getByRole('button', { name: 'Enter Again…' }).click();
  await enter('wrong again');
  await says(/failed/);
  await workbench.command('Notifications: Clear All Notifications');

  await task().click();
  const form = webview(page);
  const bar = form.locator('rf-refusal .bar');
  await bar.waitFor();
  // Beside the field as well, where the person looks who came to correct it.
  const card = form.locator('#connections .card', { hasText: 'Source: MySQL' });
  await card.getByText(/refused the login/).waitFor();
  await card.getByRole('button', { name: 'Enter the Password Again…' }).click();
  await enter('wrong for the third time');
  await toast('dts').waitFor();
  await bar.waitFor();

  await workbench.command('Notifications: Clear All Notifications');
  await workbench.command('Rowferry: Precheck Task');
  const again = webview(page)
    .locator('rf-precheck')
    .getByRole('button', { name: 'Enter the Password Again…' });
  await again.waitFor();
  await again.click();
  await enter(stage.password);
  await webview(page).locator('rf-precheck').getByText('Everything is ready.').waitFor();
  await inlineAction(task(), 'Start Task');
  await says(/live · caught up/);
});

test('in the tree, while the task runs and its password is changed at the source', async () => {
  const { page } = workbench;
  await stage.mysql.query("ALTER USER dts@'%' IDENTIFIED BY 'a new one'");
  const sessions = await stage.mysql.query<{ id: number }>(
    "SELECT id FROM information_schema.processlist WHERE user = 'dts'",
  );
  for (const { id } of sessions) await stage.mysql.query(`KILL ${id}`).catch(() => undefined);
  await says(/retrying/);
  const problem = page.getByRole('treeitem', { name: /Access denied|refused|rejected/i }).first();
  await problem.waitFor();
  await inlineAction(problem, 'Enter Secrets Again…');
  await enter('a new one');
  await says(/live · caught up/);
});

test('no message between the pages and the editor holds a secret', async () => {
  const { page } = workbench;
  await inlineAction(task(), 'Open Monitor');
  await webview(page).locator('rf-monitor li[aria-current=step]', { hasText: 'Incremental' }).waitFor();
  // What was entered above reached the engine; form, precheck and monitor were told of the task.
  for (const part of ['shop.customers', '${env:MYSQL_PASSWORD}', 'enterSecrets', '"caughtUp"'])
    await eventually(async () =>
      expect(
        messages.some((one) => one.includes(part)),
        part,
      ).toBe(true),
    );
  const secrets = [stage.password, 'wrong for the third time', 'a new one', stage.tablestore.secret];
  expect(messages.filter((one) => secrets.some((secret) => one.includes(secret)))).toEqual([]);
});

test('the form goes on asking for what was not entered after all', async () => {
  const { page } = workbench;
  await inlineAction(task(), 'Stop Task');
  await says(/stopped/);
  await stage.mysql.query("ALTER USER dts@'%' IDENTIFIED BY 'the newest'");
  await task().click();
  const form = webview(page);
  await form.getByRole('button', { name: 'Show the tables of the source' }).click();
  const bar = form.locator('rf-refusal .bar');
  const again = bar.getByRole('button', { name: 'Enter the Password Again…' });
  await again.click();
  const box = page.locator('.quick-input-widget input[type=password]');
  await box.waitFor();
  await page.keyboard.press('Escape');
  await box.waitFor({ state: 'hidden' });
  await sleep(500);
  expect(await bar.isVisible()).toBe(true);
  await again.click();
  await enter('the newest');
  await bar.waitFor({ state: 'hidden' });
  await form.locator('#connections .refused').waitFor({ state: 'hidden' });
  expect(workbench.violations).toEqual([]);
});
