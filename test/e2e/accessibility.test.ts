import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { beforeAll, expect, test } from 'vitest';
import { contrast, type Colour } from '../../webview/components/contrast.js';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, setStage, taskItem, webview, type Stage } from './stage.js';

/**
 * Every page in every kind of theme: axe-core finds nothing serious in it, and what is dragged can be seen. The pages
 * show trouble too (dirty rows, failed checks, a script that is wrong), for that is what has the colours.
 */

/** As settings have them. */
const themes = ['Dark Modern', 'Light Modern', 'Default High Contrast', 'Default High Contrast Light'];

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, holder VARCHAR(80) NOT NULL);
    INSERT INTO shop.cards VALUES (1, 100, 'Ada'), (2, 18446744073709551615, 'Bob'), (3, 300, 'Grace');
    CREATE TABLE shop.keyless (at DATETIME, page VARCHAR(40)) ENGINE=MyISAM`);
  stage.writeTask('cards', {
    objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'cards' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
  });
  stage.writeTask('broken', {
    objects: [{ database: 'shop', tables: [{ name: 'customers', filter: 'stat = 1' }, { name: 'keyless' }] }],
    etl: "e_if(op_gt(`id`, 10), e_set(`name`, 'x'), e_dorp())",
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  const { page } = workbench;
  await openSidebar(page);
  await workbench.pick('Rowferry: Start Task', 'cards');
  await eventually(
    async () => expect(await taskItem(page, 'cards').innerText()).toMatch(/live.*1 dirty/s),
    60_000,
  );
  await saveDestination();
});

keepTidy(() => ({ stage, workbench }));

/** By the steps of the wizard: only tables of a saved connection can be looked at. */
async function saveDestination(): Promise<void> {
  const { page } = workbench;
  await workbench.command('Rowferry: Add Tablestore Connection');
  const quick = page.locator('.quick-input-widget');
  await quick.locator('.monaco-list-row', { hasText: 'Endpoint' }).click();
  const { endpoint, instance, keyId, secret } = stage.tablestore;
  for (const [step, text] of [endpoint, instance, keyId, secret, 'ferry'].entries()) {
    await quick.getByText(`(${step + 2}/`).waitFor();
    await quick.locator('input').last().fill(text);
    await page.keyboard.press('Enter');
  }
  // It is tried out before it is saved.
  await page.getByRole('treeitem', { name: /^ferry/ }).waitFor();
}

/** The workbench reads its settings when it is opened. */
async function wear(theme: string): Promise<void> {
  const file = path.join(path.dirname(workbench.log), 'data/User/settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...settings, 'workbench.colorTheme': theme }, null, 2));
  const { page } = workbench;
  await page.reload();
  await openSidebar(page);
  await taskItem(page, 'cards').waitFor();
}

async function open(title: string, choice: string): Promise<void> {
  const { page } = workbench;
  await page.locator('.pane-header', { hasText: 'Tasks' }).first().click({ clickCount: 2 });
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Control+W');
  await workbench.pick(`Rowferry: ${title}`, choice);
}

/** Each page: what a person does to see it, until there is something to see. */
const pages: Record<string, () => Promise<void>> = {
  async 'task-editor'() {
    await open('Open Task Form', 'broken');
    const form = webview(workbench.page);
    await form.locator('rf-objects').waitFor();
    const names = form.getByRole('button', { name: 'Show the tables of the source' });
    const tree = form.getByRole('treeitem', { name: /customers/ });
    await names.or(tree).first().waitFor();
    if (await names.isVisible()) await names.click();
    await tree.waitFor();
    await form.getByRole('button', { name: 'Rows and columns of customers' }).click();
    await form.getByRole('button', { name: 'Batch Edit' }).click();
    await form.getByRole('textbox', { name: 'Prefix' }).fill('9_');
    await form.locator('rf-batch').getByText('not allowed').first().waitFor();
  },
  async monitor() {
    await open('Open Monitor', 'cards');
    await webview(workbench.page).locator('rf-monitor rf-chart .value', { hasText: /\d/ }).first().waitFor();
  },
  async dirty() {
    await open('Show Dirty Data', 'cards');
    const dirty = webview(workbench.page);
    await dirty.locator('rf-grid tbody tr').first().click();
    await dirty.locator('rf-record .card').waitFor();
  },
  async precheck() {
    await open('Precheck Task', 'broken');
    await webview(workbench.page)
      .getByRole('heading', { name: /^Failed/ })
      .waitFor();
  },
  async 'precheck passed'() {
    await open('Precheck Task', 'cards');
    await webview(workbench.page).locator('rf-precheck .figure.good', { hasText: '100%' }).waitFor();
  },
  async verify() {
    await stage.mysql.query(
      `SET SESSION sql_log_bin = 0; UPDATE shop.customers SET name = UUID() WHERE id = 7`,
    );
    await open('Verify Task', 'cards');
    await webview(workbench.page).getByText('Source and destination differ.').waitFor({ timeout: 60_000 });
  },
  async rows() {
    await open('View Rows', 'customers');
    const rows = webview(workbench.page);
    await rows.locator('tbody td.key').first().click();
    await rows.locator('.whole').waitFor();
  },
  async connection() {
    const { page } = workbench;
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Control+W');
    await workbench.command('Rowferry: Add Connection (Form)');
    const form = webview(page);
    await form.getByRole('textbox', { name: 'Port' }).fill(String(stage.mysql.port));
    await form.getByLabel('Password', { exact: true }).fill('wrong');
    await form.getByText('Without TLS, more addresses, server_id').click();
    await form.getByRole('button', { name: 'Test', exact: true }).click();
    await form.locator('[data-key="source.password"] .error').waitFor();
  },
  async 'rows of both sides'() {
    await open('View Rows', 'customers');
    const rows = webview(workbench.page);
    await rows.getByRole('button', { name: 'MySQL' }).click();
    await rows.getByRole('textbox', { name: 'Filter' }).fill('id = 7');
    await workbench.page.keyboard.press('Enter');
    await rows.getByText('Rows 1 to 1', { exact: true }).waitFor();
    await rows.locator('tbody td.key').first().click();
    await rows.getByRole('button', { name: 'Compare This Row' }).click();
    await rows.locator('.comparison').getByText('1 column differs.').waitFor();
  },
};

/** What axe-core calls serious or critical, each as one line. */
async function findings(): Promise<string[]> {
  const handle = await webview(workbench.page).locator('html').elementHandle();
  const frame = (await handle!.ownerFrame())!;
  await frame.evaluate(axe.source);
  const { violations } = await frame.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary, html }) =>
          `${id}: ${JSON.stringify(target)} ${html.slice(0, 120)} ${failureSummary?.replaceAll('\n', ' ')}`,
      ),
    );
}

test.each(themes)(
  'no page has a serious finding, and sliders are seen, in the theme %s',
  async (theme) => {
    await wear(theme);
    const found: Record<string, string[]> = {};
    for (const [name, show] of Object.entries(pages)) {
      await show();
      await webview(workbench.page).locator(`body[data-vscode-theme-id="${theme}"]`).waitFor();
      found[name] = await findings();
      // One thing is the next to do.
      const accented = webview(workbench.page).locator('vscode-button[appearance=primary]:visible');
      expect(await accented.allInnerTexts(), name).toSatisfy((texts: string[]) => texts.length <= 1);
      if (name === 'monitor') await sliderIsSeen();
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(pages).map((name) => [name, []])));
    expect(workbench.violations).toEqual([]);
  },
  180_000,
);

/** It has a name, and its handle and track stand out from what is around them: axe-core looks at texts only. */
async function sliderIsSeen(): Promise<void> {
  const { page } = workbench;
  const slider = webview(page).getByRole('slider', { name: 'Incremental, rows', exact: true });
  await slider.scrollIntoViewIfNeeded();
  // No limit is at the right end, where the handle then is; to the left of it is track.
  expect(await slider.getAttribute('aria-valuetext')).toBe('no limit');
  const { x, y, width, height } = (await slider.boundingBox())!;
  const pixels = await pixelsOf(await page.screenshot({ clip: { x, y, width, height } }));
  const middle = pixels.height / 2;
  const [track, handle] = [40, pixels.width - 7];
  const below = pixels.at(track, middle - 7);
  expect(contrast(pixels.at(track, middle), below)).toBeGreaterThanOrEqual(3);
  expect(contrast(pixels.at(handle, middle), below)).toBeGreaterThanOrEqual(3);
  expect(contrast(pixels.at(handle, middle - 5), below)).toBeGreaterThanOrEqual(3);
}

/** The browser reads its own picture. */
async function pixelsOf(
  png: Buffer,
): Promise<{ width: number; height: number; at(x: number, y: number): Colour }> {
  const blank = await workbench.page.context().newPage();
  // As text: the names of a page are unknown to the types of these tests.
  const { width, height, data } = await blank.evaluate<{ width: number; height: number; data: number[] }>(`
    (async () => {
      const picture = new Image();
      picture.src = 'data:image/png;base64,${png.toString('base64')}';
      await picture.decode();
      const { width, height } = picture;
      const canvas = new OffscreenCanvas(width, height).getContext('2d');
      canvas.drawImage(picture, 0, 0);
      return { width, height, data: [...canvas.getImageData(0, 0, width, height).data] };
    })()`);
  await blank.close();
  return {
    width,
    height,
    at: (x, y) => {
      const first = (Math.round(y) * width + Math.round(x)) * 4;
      return [data[first]!, data[first + 1]!, data[first + 2]!, 1];
    },
  };
}
