import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, inlineAction, keepTidy, openSidebar, setStage, taskItem, type Stage } from './stage.js';

/** A task that waits for a decision on dirty rows: whatever the editor shows of it can be done, and leads out of it. */

let stage: Stage;
let workbench: Workbench;

const tooWide = '18446744073709551615';

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(
    `CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED); INSERT INTO shop.cards VALUES (1, 10)`,
  );
  stage.writeTask('cards', { objects: [{ database: 'shop', tables: [{ name: 'cards' }] }] });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const task = () => taskItem(workbench.page, 'cards');
const says = (pattern: RegExp) =>
  eventually(async () => expect(await task().innerText()).toMatch(pattern), 60_000);

/** The entries of the task's menu. */
async function menu(): Promise<string[]> {
  const { page } = workbench;
  await task().click({ button: 'right' });
  const entries = page.locator('.monaco-menu .action-label[aria-label]');
  await entries.first().waitFor();
  const labels = await entries.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? ''));
  await page.keyboard.press('Escape');
  return labels.filter((label) => label !== '');
}

test('a blocked task is stopped, and its menu has what can be done with it', async () => {
  await inlineAction(task(), 'Start Task');
  await says(/live · caught up/);
  await stage.mysql.query(`INSERT INTO shop.cards VALUES (2, ${tooWide})`);
  await says(/blocked · 1 dirty/);
  await eventually(async () => {
    const entries = await menu();
    for (const entry of ['Start Task', 'Stop Task', 'Reset Task…', 'Delete Task'])
      expect(entries).toContain(entry);
    for (const entry of ['Pause Task', 'Resume Task']) expect(entries).not.toContain(entry);
  });
  await inlineAction(task(), 'Stop Task');
  await says(/stopped · 1 dirty/);
  expect(await menu()).not.toContain('Stop Task');
});
