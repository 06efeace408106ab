// The browser in which a workbench is shown: no window, nothing that moves, nothing that phones home.
import { chromium } from 'playwright-core';
import { findBrowser } from './workbench-install.mjs';

/**
 * @param {{ width: number, height: number }} size of the page
 * @param {((text: string) => void)=} say
 * @param {string=} language of the editor and its extensions, where it is not English. The workbench has sentences of its
 *   own in English only: no language pack comes with it.
 */
export async function openBrowser(size, say, language) {
  const found = await findBrowser(say);
  const browser = await chromium.launch({
    executablePath: found.executable,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...found.args,
    ],
  });
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: size });
  if (language !== undefined)
    await context.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = ${JSON.stringify(language)};`);
  return { browser, page: await context.newPage() };
}
