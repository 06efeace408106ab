import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, inlineAction, keepTidy, openSidebar, setStage, taskItem, type Stage } from './stage.js';

/** A task file of somebody else, whose destination is a server of theirs: the first start says what goes where, and asks. */

const elsewhere = Object.values(networkInterfaces())
  .flatMap((one) => one ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

let stage: Stage;
let workbench: Workbench;
let server: Server;
let endpoint: string;
let heard = '';

beforeAll(async () => {
  stage = await setStage();
  server = createServer((request, response) => {
    heard += JSON.stringify(request.rawHeaders);
    response.writeHead(403);
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, done));
  endpoint = `http://${elsewhere}:${(server.address() as AddressInfo).port}`;
  stage.writeTask('theirs', {
    destination: { endpoint, instance: 'local', accessKeyId: '${env:OTS_SECRET}', accessKeySecret: 'x' },
  });
  workbench = await startWorkbench({ workspace: stage.workspace, env: stage.env });
  await openSidebar(workbench.page);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

keepTidy(() => ({ stage, workbench }));

test.skipIf(elsewhere === undefined)('is asked about before anything is sent', async () => {
  const { page } = workbench;
  const dialog = page.locator('.monaco-dialog-box');
  const start = () => inlineAction(taskItem(page, 'theirs'), 'Start Task');
  await start();
  await dialog.waitFor();
  const text = await dialog.innerText();
  expect(text).toContain('theirs.rowferry.json sends secrets to servers for the first time.');
  expect(text).toContain(`OTS_SECRET to ${endpoint}`);
  // The source is on this machine.
  expect(text).not.toContain('MYSQL_PASSWORD');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(heard).toBe('');
  await start();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await eventually(() => {
    expect(heard).toContain(stage.tablestore.secret);
    return Promise.resolve();
  }, 30_000);
  expect(await dialog.count()).toBe(0);
});
