import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, setStage, webview, type Stage } from './stage.js';

/**
 * Every page where the editor is Chinese: no English sentence of ours is in it, whatever the engine said, and no label
 * is cut. The pages show trouble, for that is what has the longest texts. Their pictures are in the system's temporary
 * folder, to be looked at.
 */

const root = path.resolve(import.meta.dirname, '../..');
const pictures = path.join(tmpdir(), 'rowferry-pages-zh-cn');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.nls.zh-cn.json'), 'utf8')) as Record<
  string,
  string
>;
const bundle = JSON.parse(readFileSync(path.join(root, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Record<
  string,
  string
>;
const title = (command: string) => `Rowferry: ${manifest[`command.${command}`]!}`;
const t = (english: string) => bundle[english]!;

let stage: Stage;
let workbench: Workbench;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  stage = await setStage();
  await stage.mysql.query(`
    CREATE TABLE shop.cards (id INT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL, holder VARCHAR(80) NOT NULL);
    INSERT INTO shop.cards VALUES (1, 100, 'Ada'), (2, 18446744073709551615, 'Bob'), (3, 300, 'Grace');
    CREATE TABLE shop.keyless (at DATETIME, page VARCHAR(40)) ENGINE=MyISAM`);
  stage.writeTask('cards', {
    objects: [{ database: 'shop', tables: [{ name: 'customers' }, { name: 'orders' }, { name: 'cards' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
    audit: { rowsPerSecond: 500 },
  });
  stage.writeTask('broken', {
    objects: [{ database: 'shop', tables: [{ name: 'customers', filter: 'stat = 1' }, { name: 'keyless' }] }],
    etl: "e_if(op_gt(`id`, 10), e_set(`name`, 'x'), e_dorp())",
    source: {
      host: '127.0.0.1',
      port: stage.mysql.port,
      user: 'dts',
      password: '${env:MYSQL_PASSWORD}',
      serverId: 1,
    },
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env, language: 'zh-cn' });
  const { page } = workbench;
  await page.locator('.activitybar a.action-label[aria-label*="Rowferry"]').click();
  await workbench.pick(title('task.start'), 'cards');
  await treeItem('cards', /增量同步|实时/);
  await stage.mysql.query('ALTER TABLE shop.orders DROP PRIMARY KEY, ADD PRIMARY KEY (id)');
  await treeItem('cards', /1 个表已停止/);
  await saveDestination();
});

keepTidy(() => ({ stage, workbench }));

/** By the steps of the wizard: only tables of a saved connection can be looked at. */
async function saveDestination(): Promise<void> {
  const { page } = workbench;
  await workbench.command(title('connection.addTablestore'));
  const quick = page.locator('.quick-input-widget');
  await quick.locator('.monaco-list-row', { hasText: t('Endpoint') }).click();
  const { endpoint, instance, keyId, secret } = stage.tablestore;
  for (const [step, text] of [endpoint, instance, keyId, secret, 'ferry'].entries()) {
    await quick.getByText(`(${step + 2}/`).waitFor();
    await quick.locator('input').last().fill(text);
    await page.keyboard.press('Enter');
  }
  await page.getByRole('treeitem', { name: /^ferry/ }).waitFor();
}

async function treeItem(name: string, text: RegExp): Promise<void> {
  await eventually(async () => {
    const item = workbench.page.getByRole('treeitem', { name: new RegExp(`^${name}`) }).first();
    expect(await item.innerText()).toMatch(text);
  }, 60_000);
}

async function open(command: string, choice: string): Promise<void> {
  const { page } = workbench;
  await page.locator('.pane-header', { hasText: '任务' }).first().click({ clickCount: 2 });
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Control+W');
  await workbench.pick(title(command), choice);
}

/** Each page: what a person does to see it, until there is something to see. */
const pages: Record<string, () => Promise<void>> = {
  async 'task-editor'() {
    await open('task.openForm', 'broken');
    const form = webview(workbench.page);
    await form.locator('rf-objects').waitFor();
    const names = form.getByRole('button', { name: t('Show the tables of the source') });
    const tree = form.getByRole('treeitem', { name: /customers/ });
    await names.or(tree).first().waitFor();
    if (await names.isVisible()) await names.click();
    await tree.waitFor();
    await form
      .getByRole('button', { name: t('Rows and columns of {0}').replace('{0}', 'customers') })
      .click();
    await form.getByRole('button', { name: t('Batch Edit') }).click();
    await form.getByRole('textbox', { name: t('Prefix') }).fill('9_');
    await form.locator('rf-batch').getByText(t('not allowed in Tablestore')).first().waitFor();
  },
  async monitor() {
    await open('task.monitor', 'cards');
    await webview(workbench.page).locator('rf-monitor rf-chart .value', { hasText: /\d/ }).first().waitFor();
    await webview(workbench.page).getByText('删除其目标表').waitFor();
  },
  async dirty() {
    await open('task.dirty', 'cards');
    const dirty = webview(workbench.page);
    await dirty.locator('rf-grid tbody tr').first().click();
    await dirty.locator('rf-record .card').waitFor();
  },
  async precheck() {
    await open('task.check', 'broken');
    const precheck = webview(workbench.page);
    await precheck.getByRole('heading', { name: new RegExp(`^${t('Failed')}`) }).waitFor();
    await precheck.getByText('没有主键：shop.keyless').first().waitFor();
  },
  async verify() {
    await stage.mysql.query(
      `SET SESSION sql_log_bin = 0; UPDATE shop.customers SET name = UUID() WHERE id = 7`,
    );
    await open('task.verify', 'cards');
    await webview(workbench.page).getByText(t('Source and destination differ.')).waitFor({ timeout: 60_000 });
  },
  async rows() {
    await open('table.rows', 'customers');
    const rows = webview(workbench.page);
    await rows.locator('tbody td.key').first().click();
    await rows.locator('.whole').waitFor();
  },
  // Where nobody listens: what MySQL itself says is English.
  async connection() {
    const { page } = workbench;
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Control+W');
    await workbench.command(title('connection.addForm'));
    const form = webview(page);
    await form.getByRole('textbox', { name: t('Port') }).fill('1');
    await form.getByText(t('Without TLS, more addresses, server_id')).click();
    await form.getByRole('button', { name: t('Test'), exact: true }).click();
    await form.getByText(t('MySQL does not answer at this address.')).waitFor();
  },
  async 'rows of both sides'() {
    await stage.mysql.query(
      `SET SESSION sql_log_bin = 0; UPDATE shop.customers SET name = UUID() WHERE id = 7`,
    );
    await open('table.rows', 'customers');
    const rows = webview(workbench.page);
    await rows.getByRole('button', { name: 'MySQL' }).click();
    await rows.getByRole('textbox', { name: t('Filter') }).fill('id = 7');
    await workbench.page.keyboard.press('Enter');
    const range = t('Rows {0} to {1}').replace('{0}', '1').replace('{1}', '1');
    await rows.getByText(range, { exact: true }).waitFor();
    await rows.locator('tbody td.key').first().click();
    await rows.getByRole('button', { name: t('Compare This Row') }).click();
    await rows.locator('.comparison').getByText(t('1 column differs.')).waitFor();
  },
};

/** Texts of the page, and elements with a label that is wider than the room it has. */
interface Seen {
  texts: string[];
  cut: string[];
  overflows: number;
}

async function look(): Promise<Seen> {
  const handle = await webview(workbench.page).locator('html').elementHandle();
  const frame = (await handle!.ownerFrame())!;
  // As text: the names of a page are unknown to the types of these tests.
  return frame.evaluate<Seen>(`(() => {
    const texts = [], cut = [];
    const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const walk = (node) => {
      for (const element of node.querySelectorAll('*')) {
        if (element.shadowRoot) walk(element.shadowRoot);
        if (/^(STYLE|SCRIPT|SVG|CODE|PRE)$/i.test(element.tagName) || !isShown(element)) continue;
        const own = [...element.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join(' ').trim();
        if (own !== '') texts.push(own);
        for (const name of ['title', 'aria-label', 'placeholder']) if (element.getAttribute(name)) texts.push(element.getAttribute(name));
        // What is cut on purpose has the whole text as its title.
        const labels = 'button, label, legend, th, h1, h2, h3, dt, vscode-button, vscode-checkbox, vscode-radio, vscode-option, vscode-panel-tab, vscode-badge, [role=tab]';
        if (element.matches(labels) && !element.title && getComputedStyle(element).overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1)
          cut.push(element.tagName + ': ' + element.textContent.trim().slice(0, 60));
        if (element.matches('button, vscode-button, th, vscode-panel-tab') && element.textContent.trim() !== '' && element.scrollWidth > element.clientWidth + 1)
          cut.push(element.tagName + ' is too narrow: ' + element.textContent.trim().slice(0, 60));
      }
    };
    walk(document);
    const { scrollWidth, clientWidth } = document.documentElement;
    return { texts, cut, overflows: scrollWidth - clientWidth };
  })()`);
}

/** Two words of English: names of MySQL, Tablestore and settings stand alone. */
const english = /\b[a-z]{2,}\b[:;]? \b[a-z]{2,}\b/;
/** What is quoted, and commands. */
const kept =
  /"[^"]*"|`[^`]*`|'[^']*'|rowferry [a-z]+( [A-Z.]+| --[a-z]+| [a-z.]+)*|\w+[._][\w.]+|[a-z]+(-[a-z]+)+|\w+ (int|bigint|(var)?char\(\d+\))/g;

test.each(Object.entries(pages))(
  '%s has no English sentence, and no label is cut',
  async (name, show) => {
    await show();
    await workbench.page.waitForTimeout(500);
    await workbench.page.screenshot({ path: path.join(pictures, `${name}.png`) });
    const { texts, cut, overflows } = await look();
    expect(texts.filter((text) => /[\u4e00-\u9fff]/.test(text)).length).toBeGreaterThan(5);
    expect(texts.filter((text) => english.test(text.replace(kept, '')))).toEqual([]);
    expect(cut).toEqual([]);
    expect(overflows).toBeLessThanOrEqual(0);
    expect(workbench.violations).toEqual([]);
  },
  120_000,
);
