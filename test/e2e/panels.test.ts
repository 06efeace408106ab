import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import {
  customers,
  eventually,
  inlineAction,
  keepTidy,
  openSidebar,
  orders,
  setStage,
  taskItem,
  webview,
  type Stage,
} from './stage.js';

/** Monitor, dirty data and verification in a real workbench, on a task that really runs. */

let stage: Stage;
let workbench: Workbench;
let cards: string;
const tooLarge = '18446744073709551615';
const nasty = '<img src=x onerror="document.title=1">';

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, holder VARCHAR(80) NOT NULL);
    INSERT INTO shop.cards VALUES (1, 100, 'Ada'), (2, ${tooLarge}, '${nasty}'), (3, 300, 'Grace'), (4, 9223372036854775808, 'Alan')`);
  // Slow enough for its progress to be seen.
  stage.writeTask('orders', { throttle: { full: { rowsPerSecond: 200 } } });
  cards = stage.writeTask('cards', {
    objects: [{ database: 'shop', tables: [{ name: 'cards' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

/** A command from the palette, for one of the tasks. */
async function run(title: string, task: string): Promise<void> {
  const { page } = workbench;
  await page.locator('.pane-header', { hasText: 'Tasks' }).first().click({ clickCount: 2 });
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Control+W');
  await workbench.command(`Rowferry: ${title}`);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: task }).first().click();
}

test('the monitor shows progress and charts; a slider lets the load go; pause holds rows back', async () => {
  const { page } = workbench;
  const task = taskItem(page, 'orders');
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/full load/), 60_000);
  await inlineAction(task, 'Open Monitor');
  const monitor = webview(page);
  await monitor.locator('rf-monitor li[aria-current=step]', { hasText: 'Full load' }).waitFor();
  await monitor.locator('rf-monitor progress').waitFor();
  await monitor.getByText('Limited to 200 rows/s').waitFor();
  await monitor
    .getByRole('row', { name: /shop\.orders → orders/ })
    .getByText(/^[1-9]\d?%$/)
    .waitFor();
  expect(await monitor.locator('rf-chart canvas').count()).toBe(3);
  await eventually(async () => {
    const chart = monitor.locator('rf-chart .plot').first();
    expect(await chart.getAttribute('aria-label')).toMatch(
      /^Rows per second: [1-9]\d* now, [1-9]\d* maximum$/,
    );
  });

  // At 200 rows a second the rest would take most of half a minute.
  const limit = monitor.locator('rf-tuning input[name=full-rows]');
  expect(await limit.getAttribute('aria-valuetext')).toBe('200 rows/s');
  await limit.focus();
  await limit.press('End');
  const began = Date.now();
  await monitor.locator('rf-monitor li[aria-current=step]', { hasText: 'Incremental' }).waitFor();
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(await monitor.locator('rf-monitor main').innerText()).not.toContain('Limited to');
  expect(await stage.rows('orders')).toHaveLength(orders);
  expect(await stage.rows('customers')).toHaveLength(customers);

  await monitor.getByText('As a table').click();
  await eventually(async () => {
    expect(await monitor.locator('rf-charts tbody tr').first().innerText()).toMatch(/^\d.*\t[\d,]+\t/);
  });

  // The last day comes from what the engine keeps: this minute is the newest of its half hours.
  await monitor.locator('rf-charts vscode-dropdown').click();
  await monitor.locator('rf-charts vscode-option[value=day]').click();
  await eventually(async () => {
    expect(await monitor.locator('rf-charts tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(/^\d.*\t[\d,]+\t[\d.]+\t/),
    ]);
  });
  await monitor.getByText('As a table').click();
  await eventually(async () => expect(await monitor.locator('rf-chart canvas').count()).toBe(3));

  await monitor.getByRole('button', { name: 'Pause' }).click();
  await monitor.getByRole('button', { name: 'Resume' }).waitFor();
  await stage.mysql.query("INSERT INTO shop.customers VALUES (90001, 'Paused', NULL, 'active')");
  await page.waitForTimeout(1500);
  expect(await stage.rows('customers')).toHaveLength(customers);
  await monitor.getByRole('button', { name: 'Resume' }).click();
  await eventually(async () => expect(await stage.rows('customers')).toHaveLength(customers + 1));
});

test('dirty rows are inspected, the mapping is changed, they are retried and gone', async () => {
  const { page } = workbench;
  const task = taskItem(page, 'cards');
  await inlineAction(task, 'Start Task');
  await eventually(async () => expect(await task.innerText()).toMatch(/live.*2 dirty/s), 60_000);
  expect((await stage.rows('cards')).map((row) => row['id'])).toEqual([1, 3]);

  await run('Show Dirty Data', 'cards');
  const dirty = webview(page);
  const rows = dirty.locator('rf-grid tbody tr');
  await eventually(async () => expect(await rows.count()).toBe(2));
  await rows.first().focus();
  await page.keyboard.press('ArrowDown');
  await eventually(async () => expect(await rows.nth(1).getAttribute('aria-selected')).toBe('true'));
  await dirty.locator('rf-record').getByText('9223372036854775808').first().waitFor();
  await page.keyboard.press('Home');
  const record = dirty.locator('rf-record');
  await record.getByText(tooLarge).first().waitFor();
  const text = await record.locator('.card').innerText();
  for (const part of ['ROW-V101', 'Cause', 'Change the type of the column', 'shop.cards → cards', nasty])
    expect(text).toContain(part);
  expect(await dirty.locator('img').count()).toBe(0);

  await dirty.locator('rf-filters vscode-dropdown[aria-label=Error]').click();
  await dirty.locator('rf-filters vscode-option[value=ROW-V101]').click();
  await eventually(async () => expect(await rows.count()).toBe(2));

  const mapped = readFileSync(cards, 'utf8').replace(
    '"name": "cards"\n',
    '"name": "cards", "columns": { "number": { "type": "STRING" } }\n',
  );
  expect(mapped).toContain('STRING');
  writeFileSync(cards, mapped);
  // An open document learns of the file a moment later; until then the retry goes by the mapping that it has.
  await eventually(async () => {
    if ((await rows.count()) > 0)
      await record.getByRole('button', { name: 'Retry all with this error' }).click();
    await dirty.getByText('2 rows written.').waitFor({ timeout: 2000 });
  });
  await dirty.getByText('No records match.').waitFor();
  expect(await stage.rows('cards')).toContainEqual(
    expect.objectContaining({ id: 2, number: tooLarge, holder: nasty }),
  );
  await eventually(async () => expect(await task.innerText()).not.toContain('dirty'));
});

test('a verification shows both sides of what differs', async () => {
  const { page } = workbench;
  await stage.mysql.query(`
    SET SESSION sql_log_bin = 0;
    UPDATE shop.customers SET name = '${nasty}' WHERE id = 7;
    DELETE FROM shop.customers WHERE id = 8;
    SET SESSION sql_log_bin = 1`);
  await run('Verify Task', 'orders');
  const verify = webview(page);
  await verify.getByText('Source and destination differ.').waitFor({ timeout: 60_000 });
  const item = verify.locator('.item', { hasText: 'id=7' });
  if ((await item.getByRole('button').first().getAttribute('aria-expanded')) === 'false')
    await item.getByRole('button').first().click();
  const sides = await item.locator('tbody tr').first().locator('td').allInnerTexts();
  expect(sides.map((side) => side.trim())).toEqual(['name', nasty, 'Customer 7']);
  expect(await verify.locator('.item', { hasText: 'id=8' }).innerText()).toContain('extra');
  expect(await verify.locator('img').count()).toBe(0);

  // Of a task that rests, rows that differ need not be looked at again and again.
  await inlineAction(taskItem(page, 'orders'), 'Stop Task');
  await eventually(async () => expect(await taskItem(page, 'orders').innerText()).toContain('stopped'));

  // A comparison that waits for a lock of somebody else ends at once when it is cancelled.
  const holder = await stage.mysql.connect();
  await holder.query('LOCK TABLES shop.orders WRITE');
  await verify.getByRole('button', { name: 'Verify Again' }).click();
  await eventually(async () => {
    const waiting = "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    expect(await stage.mysql.query(waiting)).not.toEqual([]);
  });
  await verify.getByRole('button', { name: 'Cancel' }).click();
  await verify.getByText('Cancelled.').waitFor({ timeout: 10_000 });
  await holder.query('UNLOCK TABLES');
  await holder.end();

  await verify.getByRole('button', { name: 'Verify', exact: true }).click();
  await verify.getByRole('button', { name: 'Repair…' }).click();
  const dialog = page.locator('.monaco-dialog-box');
  expect(await dialog.innerText()).toContain('Repair 2 rows in Tablestore?');
  await dialog.getByRole('button', { name: 'Repair' }).click();
  await verify.getByText('All differences were repaired.').waitFor({ timeout: 30_000 });
  const rows = await stage.rows('customers');
  expect(rows.find((row) => row['id'] === 7)).toMatchObject({ name: nasty });
  expect(rows.filter((row) => row['id'] === 8)).toEqual([]);
  await verify.getByRole('button', { name: 'Verify Again' }).click();
  await verify.getByText('Source and destination are equal.').waitFor({ timeout: 30_000 });
});

test('a page that stops answering is loaded again', async () => {
  const { page } = workbench;
  await inlineAction(taskItem(page, 'cards'), 'Open Monitor');
  const monitor = webview(page);
  await monitor.locator('rf-monitor .figures').waitFor();
  // As if its script were broken: it takes no state any more.
  await monitor.locator('rf-monitor').evaluate((element) => {
    element.setAttribute('stuck', '');
    Object.defineProperty(element, 'state', {
      set() {
        throw new Error('stuck');
      },
    });
  });
  await eventually(async () => {
    expect(await monitor.locator('rf-monitor[stuck]').count()).toBe(0);
    expect(await monitor.locator('rf-monitor .figures').count()).toBe(1);
  }, 60_000);
  expect(workbench.violations).toEqual([]);
});
