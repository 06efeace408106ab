import { readFileSync } from 'node:fs';
import path from 'node:path';
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

/** What must not hurt: names and values that would be markup, a window that is reloaded, an engine that is killed. */

const markup = '<img src=x onerror=alert(1)>';
let stage: Stage;
let workbench: Workbench;
/** Anything that a script in a name or value would have opened. */
const dialogs: string[] = [];

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.\`${markup}\` (id VARCHAR(40) PRIMARY KEY, \`${markup}\` VARCHAR(80), body LONGTEXT);
    INSERT INTO shop.\`${markup}\` VALUES ('${markup}', '${markup}', NULL);`);
  stage.writeTask('markup', {
    name: markup,
    objects: [
      {
        database: 'shop',
        tables: [
          {
            name: markup,
            rename: 'marked',
            columns: { [markup]: { rename: 'shown' } },
          },
        ],
      },
    ],
    dirtyData: 'skip',
  });
  stage.writeTask('orders', {
    objects: [{ database: 'shop', tables: [{ name: 'orders' }] }],
    keepRunning: true,
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  workbench.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
});

keepTidy(() => ({ stage, workbench }));

/** The pages that are open, whichever is in front. */
async function nothingHappened() {
  for (const frame of workbench.page.frames()) {
    expect(
      await frame
        .locator('img[src="x"]')
        .count()
        .catch(() => 0),
    ).toBe(0);
  }
  expect(dialogs).toEqual([]);
  expect(workbench.violations).toEqual([]);
}

test('names and values that would be markup are text everywhere', async () => {
  const { page } = workbench;
  await openSidebar(page);
  const task = taskItem(page, markup);
  await task.waitFor();
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  expect(await stage.rows('marked')).toEqual([{ id: markup, shown: markup }]);
  // More than a cell may hold: the row is recorded as dirty.
  await stage.mysql.query(
    `INSERT INTO shop.\`${markup}\` VALUES ('dirty ${markup}', NULL, REPEAT('${markup}', 90000))`,
  );
  await eventually(async () => expect(await task.innerText()).toMatch(/1 dirty/));

  // The form, the monitor, the dirty rows, the precheck and the verification of it.
  await task.click();
  const form = webview(page);
  await form.getByText(markup).first().waitFor();
  await nothingHappened();
  await inlineAction(task, 'Open Monitor');
  await webview(page).getByText(`Monitor: ${markup}`).waitFor();
  await nothingHappened();
  await page.getByRole('treeitem', { name: /^Dirty data, 1 record/ }).click();
  await webview(page).locator('tbody tr', { hasText: 'dirty' }).first().waitFor();
  await webview(page).locator('td', { hasText: markup }).first().waitFor();
  await nothingHappened();
  await workbench.pick('Rowferry: Verify Task', markup);
  await webview(page).getByText(markup).first().waitFor();
  await nothingHappened();
  await task.hover();
  await page.locator('.workbench-hover-container', { hasText: markup }).first().waitFor();
  await nothingHappened();
  await inlineAction(task, 'Stop Task');
  await eventually(async () => expect(await task.innerText()).toContain('stopped'));
});

test('after a reload of the window its pages and its running task are back', async () => {
  const { page } = workbench;
  await workbench.command('View: Close All Editors');
  const task = taskItem(page, 'orders');
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 60_000);
  await inlineAction(task, 'Open Monitor');
  await webview(page).getByText('Monitor: orders').waitFor();
  for (const [title, shows] of [
    ['Precheck Task', /^100%$/],
    ['Verify Task', 'Source and destination are equal.'],
    ['Show Dirty Data', 'No dirty records.'],
  ] as const) {
    await workbench.command(`Rowferry: ${title}`);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'orders' }).click();
    await webview(page).getByText(shows).waitFor();
  }
  await task.click();
  const tab = page.getByRole('tab', { name: /^orders\.rowferry\.json/ });
  await tab.waitFor();
  await webview(page).getByText('Source and destination').first().waitFor();

  await workbench.reload();
  await tab.waitFor();
  await webview(page).getByText('Source and destination').first().waitFor();
  await openSidebar(page);
  await eventually(async () => expect(await taskItem(page, 'orders').innerText()).toMatch(/live/));
  await page.getByRole('tab', { name: /Monitor: orders/ }).click();
  await webview(page).getByText('Monitor: orders').waitFor();
  await eventually(async () => expect(await webview(page).locator('rf-chart canvas').count()).toBe(3));
  // What was found before is still there to be read: nothing is checked or compared again for it.
  for (const [title, shows] of [
    [/Precheck: orders/, /^100%$/],
    [/Verify: orders/, 'Source and destination are equal.'],
    [/Dirty data: orders/, 'No dirty records.'],
  ] as const) {
    await page.getByRole('tab', { name: title }).click();
    await webview(page).getByText(shows).waitFor();
  }
  // Of the five pages that are open, only the one in front exists: one that is hidden costs nothing.
  const pages = await Promise.all(
    page.frames().map((frame) =>
      frame
        .locator('rf-monitor, rf-precheck, rf-verify, rf-dirty, rf-task-editor')
        .count()
        .catch(() => 0),
    ),
  );
  expect(pages.reduce((sum, count) => sum + count, 0)).toBe(1);
  await stage.mysql.query("UPDATE shop.orders SET note = 'after the reload' WHERE id = 7");
  await eventually(async () => {
    expect(await stage.rows('orders')).toContainEqual(expect.objectContaining({ note: 'after the reload' }));
  });
  expect(workbench.violations).toEqual([]);
});

test('an engine that is killed is told of, and the task goes on from its checkpoint', async () => {
  const { page } = workbench;
  const address = path.join(
    path.dirname(workbench.log),
    'data/User/globalStorage/rowferry.rowferry/state/engine.json',
  );
  const { pid } = JSON.parse(readFileSync(address, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  const toast = page.locator('.notification-toast', { hasText: 'The engine exited unexpectedly.' });
  await toast.waitFor();
  expect(await toast.innerText()).toContain('orders continues from the last checkpoint.');
  expect(await toast.innerText()).toContain('Show Logs');
  await stage.mysql.query("UPDATE shop.orders SET note = 'after the kill' WHERE id = 8");
  await eventually(async () => {
    expect(await stage.rows('orders')).toContainEqual(expect.objectContaining({ note: 'after the kill' }));
  }, 60_000);
  await eventually(async () => expect(await taskItem(page, 'orders').innerText()).toMatch(/live/));
  const next = JSON.parse(readFileSync(address, 'utf8')) as { pid: number };
  expect(next.pid).not.toBe(pid);
  // Ended in good order, by the system say: the task that was to keep running waits for its secrets.
  process.kill(next.pid, 'SIGTERM');
  const waiting = page.locator('.notification-toast', {
    hasText: 'orders was running when its engine was stopped.',
  });
  await waiting.getByRole('button', { name: 'Start Again' }).click();
  await stage.mysql.query("UPDATE shop.orders SET note = 'started again' WHERE id = 9");
  await eventually(async () => {
    expect(await stage.rows('orders')).toContainEqual(expect.objectContaining({ note: 'started again' }));
  }, 60_000);
  // An engine that keeps a task running would outlive the test.
  await inlineAction(taskItem(page, 'orders'), 'Stop Task');
  await eventually(async () => expect(await taskItem(page, 'orders').innerText()).toContain('stopped'));
});
