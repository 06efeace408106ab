import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { debianMirror } from '../../src/trial-mysql/install.js';
import { isMysqlAt } from '../../src/trial-mysql/server.js';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, taskItem } from './stage.js';

/** From an empty folder, with no MySQL and no container, to rows that arrive; and back to nothing. */

let workbench: Workbench;
let home: string;
/** Of the mirror in between: not there, passing on the index but no package, or passing on everything. */
let mirrorIs: 'gone' | 'slow' | 'there' = 'gone';
/** Where the trial MySQL lies, by what the question before the download says. */
let folder: string;

const mirror = createServer((request, response) => {
  if (mirrorIs === 'gone') return void request.socket.destroy();
  if (mirrorIs === 'slow' && request.url!.endsWith('.deb')) return void response.write('!<arch>\n');
  void fetch(`${debianMirror().replace(/\/$/, '')}${request.url}`).then((answer) => {
    response.writeHead(answer.status);
    Readable.fromWeb(answer.body as never)
      .on('error', () => response.destroy())
      .pipe(response);
  });
});

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'rowferry-trial-'));
  const workspace = path.join(home, 'shop');
  mkdirSync(workspace);
  await new Promise<void>((done) => mirror.listen(0, '127.0.0.1', done));
  workbench = await startWorkbench({
    workspace,
    settings: {
      'rowferry.localTablestore.port': 0,
      'rowferry.trialMysql.mirror': `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`,
    },
  });
  await openSidebar(workbench.page);
});

keepTidy(() => ({ workbench }));
afterAll(() => {
  mirror.closeAllConnections();
  mirror.close();
  rmSync(home, { recursive: true, force: true });
});

/** Goes to the question, keeps what it says about the folder, and answers it. */
async function download(): Promise<void> {
  const { page } = workbench;
  await workbench.pick('Rowferry: Try a Sample', 'I have no MySQL server');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  const said = await dialog.innerText();
  expect(said).toContain('65 MB');
  expect(said).toContain('300 MB');
  folder = /unpacks them into (\/.+?), where/s.exec(said)![1]!;
  expect(path.basename(folder)).toBe('trial-mysql');
  await dialog.getByRole('button', { name: 'Download' }).click();
}

/** The trial MySQL, whole or in the making, among what the extension keeps. */
const kept = () =>
  existsSync(path.dirname(folder))
    ? readdirSync(path.dirname(folder)).filter((name) => name.startsWith('trial-mysql'))
    : [];

const notification = (text: string) =>
  workbench.page.locator('.notification-toast', { hasText: text }).first();

test('without a network it says so, with what to do instead, and nothing stays', async () => {
  await download();
  const toast = notification('could not be reached');
  await toast.waitFor();
  expect(await toast.innerText()).toContain('use a MySQL that you have');
  expect(kept()).toEqual([]);
  await toast.getByRole('button', { name: 'Enter Address' }).click();
  await workbench.page.locator('.quick-input-title', { hasText: 'Add MySQL from URL' }).waitFor();
  await workbench.page.keyboard.press('Escape');
});

test('Cancel in the middle of the download ends it and leaves nothing', async () => {
  mirrorIs = 'slow';
  await download();
  const toast = notification('Trial MySQL');
  await toast.filter({ hasText: /downloading, \d+ of 65 MB/ }).waitFor();
  await eventually(async () => expect(kept()).toHaveLength(1));
  await toast.getByRole('button', { name: 'Cancel' }).click();
  await eventually(async () => expect(kept()).toEqual([]));
  expect(await workbench.page.locator('.notification-toast', { hasText: 'ROW-' }).count()).toBe(0);
});

const port = () => {
  const { sources } = JSON.parse(
    readFileSync(path.join(path.dirname(folder), 'connections.rowferry.json'), 'utf8'),
  ) as { sources: Record<string, { port: number; password: string }> };
  return sources['Trial MySQL']!.port;
};

test('one that is downloaded carries the sample, and its rows and changes arrive', async () => {
  const { page } = workbench;
  mirrorIs = 'there';
  await download();
  const task = taskItem(page, 'sample');
  await eventually(async () => expect(await task.innerText()).toMatch(/live/), 100_000);
  await page.getByRole('treeitem', { name: /^Full load, 5,500 rows/ }).waitFor();
  await workbench.command('Rowferry: Change Sample Rows');
  await page
    .getByRole('treeitem', { name: /60 inserted, 30 updated, 10 deleted/ })
    .waitFor({ timeout: 30_000 });
  expect(kept()).toEqual(['trial-mysql']);
  expect(await isMysqlAt(port())).toBe(true);
  expect(workbench.violations).toEqual([]);
});

test('it stops on a command, and starts again with what uses it', async () => {
  await workbench.command('Rowferry: Stop Trial MySQL');
  await notification('The trial MySQL has stopped').waitFor();
  expect(await isMysqlAt(port())).toBe(false);
  await workbench.command('Rowferry: Change Sample Rows');
  // The task, which waited for its source, goes on by itself.
  await workbench.page
    .getByRole('treeitem', { name: /120 inserted, 60 updated, 20 deleted/ })
    .waitFor({ timeout: 60_000 });
});

test('one command removes all of it', async () => {
  const { page } = workbench;
  const was = port();
  await workbench.command('Rowferry: Remove Trial MySQL');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain(folder);
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await notification('The trial MySQL and its data are removed').waitFor();
  expect(kept()).toEqual([]);
  expect(await isMysqlAt(was)).toBe(false);
  await eventually(async () => expect(await taskItem(page, 'sample').innerText()).toMatch(/stopped/));
  const connections = page.locator('.pane', { hasText: 'Connections' }).last();
  await eventually(async () =>
    expect(await connections.getByRole('treeitem', { name: /^Trial MySQL/ }).count()).toBe(0),
  );
  await workbench.command('Rowferry: Remove Trial MySQL');
  await notification('There is no trial MySQL').waitFor();
});
