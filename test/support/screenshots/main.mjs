// Opens every page in a real workbench on believable data, and takes its picture in every theme.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { openBrowser } from '../browser.mjs';
import { shopLive } from '../demo/shop.mjs';
import { repository } from '../node.mjs';
import { startWorkbenchServer } from '../workbench-server.mjs';
import { makeDifferences, setStage } from './stage.mjs';

const size = { width: 1360, height: 850 };
/** As settings have them, and by what the workbench is known to wear one. */
const themes = {
  light: { id: 'Light Modern', mark: '.vs' },
  dark: { id: 'Dark Modern', mark: '.vs-dark' },
  contrast: { id: 'Default High Contrast', mark: '.hc-black' },
};
/** How long rows arrive before the pictures: the charts shall have a line. */
const recordedMs = 75_000;

export async function screenshots(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      page: { type: 'string', multiple: true },
      theme: { type: 'string', multiple: true, default: Object.keys(themes) },
      language: { type: 'string', default: 'en' },
      out: { type: 'string', default: path.join(repository, 'media/screenshots') },
      // A quarter of the bytes; png for programs that cannot show it.
      format: { type: 'string', default: 'webp' },
      recorded: { type: 'string', default: String(recordedMs) },
    },
  });
  speak(values.language);
  const folder = mkdtempSync(path.join(tmpdir(), 'rowferry-pictures-'));
  const say = (text) => console.log(text);
  let shown;
  const stops = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })];
  try {
    const stage = await setStage(folder, say);
    stops.push(stage.stop);
    const home = path.join(folder, 'home');
    const server = await startWorkbenchServer({
      home,
      workspace: path.dirname(stage.taskFile),
      env: stage.environment,
      // The pictures are of our pages, not of the editor around them.
      settings: { 'workbench.layoutControl.enabled': false, 'window.commandCenter': false },
      say,
    });
    stops.push(server.stop);
    const { browser, page } = await openBrowser(
      size,
      say,
      values.language === 'en' ? undefined : values.language,
    );
    stops.push(() => browser.close());
    shown = page;
    const open = async (mark) => {
      await page.goto(`${server.url}?folder=${encodeURIComponent(path.dirname(stage.taskFile))}`);
      await page.locator(`.monaco-workbench${mark}`).first().waitFor({ timeout: 60_000 });
    };
    await open('');
    const shop = new Shop(page);
    await shop.openSidebar();

    const pages = pagesOf(shop);
    const wanted = Object.entries(pages).filter(([name]) => values.page?.includes(name) ?? true);
    await shop.command('Start Task', 'shop');
    await shop.task('shop', live());
    const closing = new AbortController();
    const shopper = await mysql.createConnection({ uri: stage.source.url, database: stage.source.database });
    const shopping = shopLive(shopper, closing.signal, {
      inserted: 0,
      updated: 0,
      deleted: 0,
      keyChanges: 0,
      rolledBack: 0,
    });
    shopping.catch(() => {});
    stops.push(async () => {
      closing.abort();
      await shopping.catch(() => {});
      shopper.destroy();
    });
    await sales(stage.connection, Number(values.recorded));
    await makeDifferences(stage.connection);

    mkdirSync(values.out, { recursive: true });
    for (const theme of values.theme) {
      await wear(home, themes[theme], open);
      await shop.openSidebar();
      await shop.task('shop', live());
      for (const [name, show] of wanted) {
        await show();
        await page.mouse.move(size.width - 5, size.height - 5);
        // What was just drawn settles, and a hover goes.
        await new Promise((resolve) => setTimeout(resolve, 1200));
        const language = values.language === 'en' ? '' : `-${values.language}`;
        const file = `${name}-${theme}${language}.${values.format}`;
        writeFileSync(path.join(values.out, file), await picture(page, values.format));
        say(file);
      }
    }
  } catch (error) {
    const file = path.join(tmpdir(), 'rowferry-screenshots.png');
    await shown?.screenshot({ path: file });
    say(`The screen when it failed: ${file}`);
    throw error;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** What the extension says for a sentence or title in English. */
let words = new Map();
const t = (english) => words.get(english) ?? english;
const live = () => new RegExp(words.size === 0 ? 'live' : `${t('Incremental')}|${t('live')}`);

function speak(language) {
  if (language === 'en') return;
  const read = (name) => JSON.parse(readFileSync(path.join(repository, name), 'utf8'));
  const [english, own] = [read('package.nls.json'), read(`package.nls.${language}.json`)];
  const titles = Object.entries(english).map(([key, title]) => [title, own[key]]);
  words = new Map([...Object.entries(read(`l10n/bundle.l10n.${language}.json`)), ...titles]);
}

/** Each page: what a person does to see it, until there is something to see. */
function pagesOf(shop) {
  return {
    sidebar: async () => {
      await shop.closeEditors();
      await shop.expand(/^shop/);
      await shop.expand(new RegExp(`^${t('Tables')}`));
    },
    'task-editor': async () => {
      await shop.command('Open Task Form', 'shop');
      await shop.shows('rf-task-editor', new RegExp(t('Objects')));
      await shop
        .frame()
        .getByRole('button', { name: t('Show the tables of the source') })
        .first()
        .click();
      await shop
        .frame()
        .getByRole('treeitem', { name: /order_items/ })
        .waitFor();
      await shop.frame().getByText(t('Objects'), { exact: true }).first().click();
    },
    monitor: async () => {
      await shop.command('Open Monitor', 'shop');
      await shop.shows('rf-monitor rf-chart .value', /\d/);
    },
    dirty: async () => {
      await shop.command('Show Dirty Data', 'shop');
      await shop.shows('rf-dirty rf-record', /ROW-V/);
    },
    precheck: async () => {
      await shop.command('Precheck Task', 'warehouse');
      await shop.shows('rf-precheck .figure', /%/);
    },
    walkthrough: async () => {
      await shop.closeEditors();
      await shop.palette(`Rowferry: ${t('Get Started')}`);
      await shop.page.getByText(t('Try a sample')).first().waitFor();
    },
    verify: async () => {
      await shop.command('Verify Task', 'shop');
      await shop.shows('rf-verify h2', new RegExp(t('Source and destination differ.')));
    },
  };
}

/** What a person does in the workbench. */
class Shop {
  constructor(page) {
    this.page = page;
  }

  async openSidebar() {
    const icon = this.page.locator('.activitybar a.action-label[aria-label*="Rowferry"]');
    await icon.waitFor({ timeout: 60_000 });
    const tasks = this.page.locator('.pane-header', { hasText: t('Tasks') }).first();
    // After a reload it is open: a click would close it.
    await tasks.waitFor({ timeout: 3000 }).catch(() => icon.click());
    await tasks.waitFor();
  }

  /** By its title from the palette, for a task. Tried again until the palette knows it. */
  async command(title, task) {
    await this.closeEditors();
    await this.palette(`Rowferry: ${t(title)}`);
    await this.rows(task)
      .click({ timeout: 5000 })
      .catch(() => undefined);
  }

  rows(text) {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  }

  async palette(title) {
    const { page } = this;
    const input = page.locator('.quick-input-widget input[type=text]');
    for (let tries = 0; ; tries++) {
      try {
        await page.keyboard.press('F1');
        await input.fill(`>${title}`, { timeout: 5000 });
        await this.rows(title).waitFor({ timeout: 3000 });
        await page.keyboard.press('Enter');
        break;
      } catch (error) {
        if (tries === 10) throw error;
        await page.keyboard.press('Escape');
      }
    }
  }

  async closeEditors() {
    // A page that has the keyboard keeps it: the sidebar takes it back.
    await this.page
      .locator('.pane-header', { hasText: t('Tasks') })
      .first()
      .click({ clickCount: 2 });
    await this.page.keyboard.press('Control+K');
    await this.page.keyboard.press('Control+W');
  }

  async task(name, state) {
    const item = this.page.getByRole('treeitem', { name: new RegExp(`^${name}`) }).filter({ hasText: state });
    await item.first().waitFor({ timeout: 60_000 });
  }

  async expand(name) {
    const item = this.page.getByRole('treeitem', { name }).last();
    if ((await item.getAttribute('aria-expanded')) === 'false') await item.click();
  }

  /** Waits until the page in the editor shows a text in what the selector finds. */
  async shows(selector, text) {
    await this.frame().locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 90_000 });
  }

  /** The page in the editor. */
  frame() {
    return this.page
      .locator('iframe.webview[src*="extensionId=rowferry.rowferry"]')
      .last()
      .contentFrame()
      .frameLocator('#active-frame');
  }
}

/** Prices change, thousands at a time: the charts have something to show. */
async function sales(connection, forMs) {
  const until = Date.now() + forMs;
  for (let turn = 1; Date.now() < until; turn++) {
    await connection.query('UPDATE shop.order_items SET price = price + 1 WHERE order_id BETWEEN ? AND ?', [
      turn * 3000,
      turn * 3000 + ((turn * 1400) % 4000),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 9000));
  }
}

async function picture(page, format) {
  if (format === 'png') return page.screenshot();
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 88 });
  await devtools.detach();
  return Buffer.from(data, 'base64');
}

/** The workbench reads its settings when it is opened. */
async function wear(home, { id, mark }, open) {
  const file = path.join(home, 'data/User/settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...settings, 'workbench.colorTheme': id }, null, 2));
  await open(mark);
}
