import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { openSidebar, eventually } from './stage.js';

let home: string;
let workbench: Workbench;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'rowferry-manners-'));
  writeFileSync(path.join(home, 'a.rowferry.json'), '{}');
  workbench = await startWorkbench({
    workspace: home,
    ...(process.env.VSIX ? { vsix: process.env.VSIX } : {}),
  });
});
afterAll(async () => {
  await workbench?.stop();
  rmSync(home, { recursive: true, force: true });
});
test('activation', async () => {
  const { page } = workbench;
  await openSidebar(page);
  for (let i = 0; i < 4; i++) {
    await workbench.command('Developer: Show Running Extensions');
    const row = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'Rowferry' }).first();
    await row.waitFor();
    console.log(
      (await page.locator('.runtime-extensions-editor .monaco-list-row').allInnerTexts())
        .map((t) => t.replace(/\s+/g, ' '))
        .join('\n'),
    );
    await workbench.reload();
    await page.waitForTimeout(3000);
  }
});
