import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { openBrowser } from './browser.mjs';
import { startWorkbenchServer } from './workbench-server.mjs';

/** A real VS Code with the extension in it, and a browser page that shows it. */
export interface Workbench {
  readonly page: Page;
  /** Every violation of a content security policy that the console showed, in the page and in its webviews. */
  readonly violations: string[];
  /** What the server writes: for when a test fails. */
  readonly log: string;
  /** Loads the page again, as closing and opening the window does. */
  reload(): Promise<void>;
  /** Runs a command by its title from the palette. Tried again until the palette knows it. */
  command(title: string): Promise<void>;
  /** As command(), and answers what it asks by the entry that holds `choice`; again, when the list was gone before. */
  pick(title: string, choice: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Opens `workspace` (a folder). `vsix` is the extension to install; without it the built repository is used. `env`
 * is what the extension host and its engine see beside the test's own environment; `beside` are folders of other
 * extensions to have as well.
 */
export async function startWorkbench(options: {
  workspace: string;
  vsix?: string;
  beside?: string[];
  settings?: Record<string, unknown>;
  env?: Record<string, string>;
  size?: { width: number; height: number };
  /** As vscode.env.language has it; English without. */
  language?: string;
}): Promise<Workbench> {
  const { size, language, ...rest } = options;
  const home = mkdtempSync(path.join(tmpdir(), 'rowferry-workbench-'));
  const server = await startWorkbenchServer({ home, ...rest });
  const { browser, page } = await openBrowser(size ?? { width: 1400, height: 900 }, undefined, language);
  const violations: string[] = [];
  page.on('console', (message) => {
    if (/Content[ -]Security[ -]Policy/i.test(message.text())) violations.push(message.text());
  });
  const open = async () => {
    await page.goto(`${server.url}?folder=${encodeURIComponent(options.workspace)}`);
    await page.locator('.monaco-workbench .activitybar').waitFor({ timeout: 60_000 });
  };
  const stop = async () => {
    await browser.close().catch(() => undefined);
    await server.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  try {
    await open();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    page,
    violations,
    log: server.log,
    async reload() {
      // In a browser the workbench cannot save at the end: it writes what is open every five seconds.
      await page.waitForTimeout(7000);
      await open();
    },
    stop,
    async command(title) {
      const deadline = Date.now() + 30_000;
      for (;;) {
        await page.keyboard.press('F1');
        const input = page.locator('.quick-input-widget input[type=text]');
        const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
        try {
          await input.waitFor({ timeout: 5000 });
          await input.fill(`>${title}`, { timeout: 3000 });
          await row.waitFor({ timeout: 3000 });
          await page.keyboard.press('Enter');
          return;
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await page.keyboard.press('Escape');
        }
      }
    },
    async pick(this: Workbench, title, choice) {
      for (let left = 3; ; left--) {
        await this.command(title);
        try {
          const row = page.locator('.quick-input-list .monaco-list-row', { hasText: choice }).first();
          await row.click({ timeout: 8000 });
          return;
        } catch (error) {
          if (left === 0) throw error;
          await page.keyboard.press('Escape');
        }
      }
    },
  };
}
