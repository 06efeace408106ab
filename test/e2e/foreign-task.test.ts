import { afterAll, beforeAll, expect, test } from 'vitest';
import { elsewhere, startListener, type Listener } from '../support/elsewhere.js';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, inlineAction, keepTidy, openSidebar, setStage, taskItem, type Stage } from './stage.js';

/** A task file of somebody else, whose destination is a server of theirs: the first start says what goes where, and asks. */

let stage: Stage;
let workbench: Workbench;
let theirs: Listener;

beforeAll(async () => {
  stage = await setStage();
  theirs = await startListener();
  stage.writeTask('theirs', {
    destination: {
      endpoint: theirs.endpoint,
      instance: 'local',
      accessKeyId: '${env:OTS_SECRET}',
      accessKeySecret: 'x',
    },
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});
afterAll(() => theirs?.close());

keepTidy(() => ({ stage, workbench }));

test.skipIf(elsewhere === undefined)('is asked about before anything is sent', async () => {
  const { page } = workbench;
  const dialog = page.locator('.monaco-dialog-box');
  const start = () => inlineAction(taskItem(page, 'theirs'), 'Start Task');
  await start();
  await dialog.waitFor();
  const text = await dialog.innerText();
  expect(text).toContain('theirs.rowferry.json sends secrets to servers for the first time.');
  expect(text).toContain(`OTS_SECRET to ${theirs.endpoint}`);
  // The source is on this machine.
  expect(text).not.toContain('MYSQL_PASSWORD');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(theirs.heard).toBe('');
  await start();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await eventually(() => {
    expect(theirs.heard).toContain(stage.tablestore.secret);
    return Promise.resolve();
  }, 30_000);
  expect(await dialog.count()).toBe(0);
});
