import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, setStage, webview, type Stage } from './stage.js';

/** A code is a link to its page wherever the editor shows it, and a setting has its page, too. Nothing of it needs a network. */

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  stage.writeTask('away', { source: { host: '127.0.0.1', port: 1, user: 'dts', password: '' } });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

/** What the preview of a page shows, once it is in front. */
async function previewSays(text: string): Promise<void> {
  const { page } = workbench;
  await eventually(async () => {
    const frames = page
      .frames()
      .filter((frame) => frame.name() === 'active-frame' || frame.url().includes('fake.html'));
    const texts = await Promise.all(
      frames.map((frame) =>
        frame
          .locator('body')
          .innerText()
          .catch(() => ''),
      ),
    );
    expect(texts.join('\n')).toContain(text);
  });
}
const closeEditors = () => workbench.command('View: Close All Editors');

test('in a notification', async () => {
  const { page } = workbench;
  await workbench.command('Rowferry: Verify Task');
  const toast = page.locator('.notification-toast', { hasText: 'ROW-S101' });
  await toast.waitFor({ timeout: 60_000 });
  await toast.getByRole('link', { name: 'ROW-S101' }).click();
  await previewSays('The MySQL server is unreachable.');
  await previewSays('Source (MySQL): other codes');
  await closeEditors();
});

test('in a page', async () => {
  const { page } = workbench;
  await workbench.command('Rowferry: Verify Task');
  await webview(page).getByRole('link', { name: 'ROW-S101' }).click({ timeout: 60_000 });
  await previewSays('Source (MySQL): other codes');
  await closeEditors();
});

test('in the text of a task: a problem, and the way from a setting to its page', async () => {
  const { page } = workbench;
  stage.writeTask('text', {
    objects: [{ database: 'shop' }, { database: 'shop' }],
    keepRunning: true,
  });
  await page.keyboard.press('ControlOrMeta+P');
  await page.locator('.quick-input-widget input[type=text]').fill('text.rowferry.json');
  await page
    .locator('.quick-input-list .monaco-list-row', { hasText: 'text.rowferry.json' })
    .first()
    .waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.monaco-editor .view-line', { hasText: '"keepRunning"' }).waitFor();
  await page.locator('.view-line span', { hasText: '"keepRunning"' }).last().hover();
  const hover = page.locator('.monaco-hover', { hasText: 'Default: false' });
  await hover.waitFor();
  expect(await hover.innerText()).toContain('Keep running when no window is attached.');
  await hover
    .getByRole('link', { name: 'All settings of keepRunning' })
    .or(hover.locator('a'))
    .first()
    .click();
  await previewSays('(boolean; default false)');

  await workbench.command('Problems: Focus on Problems View');
  const code = page.locator('.markers-panel').locator('a, .code', { hasText: 'ROW-T102' }).first();
  await code.click();
  await previewSays('The task file is not valid.');
});
