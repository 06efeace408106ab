import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from '../support/workbench.js';
import { eventually, keepTidy, openSidebar, setStage, webview, type Stage } from './stage.js';

/** A connection on one page: tried out, saved, edited and imported; a secret goes into the page and never out of it. */

let stage: Stage;
let workbench: Workbench;
/** Every message between pages and the editor, as it is sent. */
const messages: string[] = [];
const mark = 'message of a page: ';

beforeAll(async () => {
  stage = await setStage();
  const { port } = stage.mysql;
  workbench = await startWorkbench({
    workspace: stage.workspace,
    env: stage.env,
    settings: {
      'sqltools.connections': [
        { name: 'Postgres', driver: 'PostgreSQL', server: 'pg' },
        {
          name: 'the shop',
          driver: 'MySQL',
          server: '127.0.0.1',
          port,
          username: 'dts',
          password: 'of SQLTools',
        },
      ],
    },
  });
  workbench.page.on('console', (said) => {
    if (said.text().startsWith(mark)) messages.push(said.text());
  });
  // As text: it runs in the browser, in every frame.
  await workbench.page.addInitScript(`for (const posts of [window, MessagePort.prototype]) {
    const { postMessage } = posts;
    posts.postMessage = function (data, ...rest) {
      try {
        console.debug(${JSON.stringify(mark)} + JSON.stringify(data));
      } catch {
        // What is no JSON is no message of ours.
      }
      return postMessage.call(this, data, ...rest);
    };
  }`);
  await openSidebar(workbench.page);
});

keepTidy(() => ({ stage, workbench }));

const form = () => webview(workbench.page);
const field = (label: string) => form().getByRole('textbox', { name: label, exact: true });
const password = () => form().getByLabel('Password', { exact: true });
const press = (name: string) => form().getByRole('button', { name, exact: true }).click();
const connection = (name: string) =>
  workbench.page.getByRole('treeitem', { name: new RegExp(`^${name}, `) }).first();
const quick = () => workbench.page.locator('.quick-input-widget');

async function openForm(): Promise<void> {
  await workbench.command('Rowferry: Add Connection (Form)');
  await form().getByRole('heading', { name: 'Add Connection' }).waitFor();
}

async function editForm(name: string): Promise<void> {
  await connection(name).click({ button: 'right' });
  await workbench.page.getByRole('menuitem', { name: 'Edit Connection (Form)' }).hover();
  await workbench.page.keyboard.press('Enter');
  await form()
    .getByRole('heading', { name: `Edit ${name}` })
    .waitFor();
}

async function connects(): Promise<void> {
  await press('Test');
  await form()
    .getByRole('status')
    .filter({ hasText: /Connected to MySQL \d+\.\d+\.\S+ in [\d,]+ ms\./ })
    .waitFor();
}

async function save(name: string): Promise<void> {
  await press('Save');
  await connection(name).waitFor();
  await eventually(async () =>
    expect(await workbench.page.locator('iframe.webview[src*="rowferry"]').count()).toBe(0),
  );
}

/** The file that the quick pick writes as well. */
function file(): { sources: Record<string, object>; destinations: Record<string, object> } {
  const folder = path.join(path.dirname(workbench.log), 'data/User/globalStorage/rowferry.rowferry');
  return JSON.parse(readFileSync(path.join(folder, 'connections.rowferry.json'), 'utf8')) as ReturnType<
    typeof file
  >;
}

test('a wrong password is told beside its field, and the right one is tried out and saved', async () => {
  await openForm();
  // It needs no more than what is missing here: nothing is said before it is tried.
  expect(await form().locator('.help.error').count()).toBe(0);
  await field('Port').fill('seventy');
  await press('Test');
  await form().locator('[data-key="source.port"] .error', { hasText: 'from 1 to 65535' }).waitFor();
  await field('Port').fill(String(stage.mysql.port));
  await field('User').fill('dts');
  await field('Name, by which tasks use it').fill('shop');
  await password().fill('wrong');
  await press('Test');
  const refused = form().locator('[data-key="source.password"] .error');
  await refused.getByText('MySQL refused this user with this password.').waitFor();
  const outcome = form().getByRole('alert').filter({ hasText: 'refused the login' });
  expect(await outcome.innerText()).toContain('Check the user and the password.');
  expect(await outcome.getByRole('link', { name: 'ROW-S102' }).getAttribute('href')).toMatch(
    /^command:rowferry\.docs/,
  );
  await eventually(async () =>
    expect(await password().evaluate((element) => element.matches(':focus'))).toBe(true),
  );
  // A slip is put right where the cursor already is.
  await workbench.page.keyboard.press('Control+A');
  await workbench.page.keyboard.type(stage.password);
  await connects();
  expect(await refused.count()).toBe(0);
  await save('shop');
  expect(file().sources['shop']).toEqual({
    host: '127.0.0.1',
    port: stage.mysql.port,
    user: 'dts',
    password: '${secret}',
    hosts: [],
    ssl: 'preferred',
    allowPublicKeyRetrieval: false,
    serverId: null,
  });
});

test('a saved connection is edited; its password stays where it is', async () => {
  await editForm('shop');
  expect(await password().inputValue()).toBe('');
  expect(await password().getAttribute('placeholder')).toBe('stored; type to replace');
  await form().getByRole('combobox', { name: 'Encryption' }).click();
  await form().getByRole('option', { name: 'TLS', exact: true }).click();
  await form().getByText('Always encrypted, but nobody checks who answers.').waitFor();
  await connects();
  // What was entered is there when the page comes back.
  await workbench.command('Rowferry: New Task');
  await workbench.page.keyboard.press('Escape');
  await save('shop');
  expect(file().sources['shop']).toMatchObject({ ssl: 'required', password: '${secret}' });
  // The stored password is the one that the tree connects with.
  await connection('shop').click();
  await workbench.page.getByRole('treeitem', { name: /^shop/, level: 2 }).first().waitFor();
});

test('a file that is not there is told beside its field', async () => {
  await editForm('shop');
  await form().getByRole('combobox', { name: 'Encryption' }).click();
  await form().getByRole('option', { name: 'TLS, check the authority', exact: true }).click();
  await field('Certificate authority').fill('/nowhere/ca.pem');
  await press('Test');
  await form().locator('[data-key="source.caFile"] .error', { hasText: 'cannot be read' }).waitFor();
  expect(await form().getByRole('link', { name: 'ROW-S110' }).count()).toBe(1);
  await workbench.command('View: Close All Editors');
});

test('a URL is imported with its password, which the page never gets', async () => {
  await openForm();
  await press('URL…');
  await quick().getByText('Import from URL').waitFor();
  const url = `mysql://dts:${encodeURIComponent(stage.password)}@127.0.0.1:${stage.mysql.port}/shop?ssl-mode=REQUIRED`;
  await quick().locator('input').last().fill(url);
  await workbench.page.keyboard.press('Enter');
  await form().getByText('Imported. Test the connection before you save it.').waitFor();
  await eventually(async () => expect(await field('User').inputValue()).toBe('dts'));
  expect(await field('Port').inputValue()).toBe(String(stage.mysql.port));
  await form().getByText('Always encrypted, but nobody checks who answers.').waitFor();
  expect(await password().getAttribute('placeholder')).toBe('entered; type to replace');
  const name = `127.0.0.1:${stage.mysql.port}`;
  expect(await field('Name, by which tasks use it').inputValue()).toBe(name);
  await connects();
  await save(name);
  expect(file().sources[name]).toMatchObject({ user: 'dts', ssl: 'required', password: '${secret}' });
});

test('an option file and a connection of SQLTools are imported when they are chosen', async () => {
  const cnf = path.join(stage.workspace, 'my.cnf');
  writeFileSync(
    cnf,
    `[client]\nhost=localhost\nport=${stage.mysql.port}\nuser=dts\npassword="${stage.password}"\n`,
  );
  await openForm();
  await press('Option File (my.cnf)…');
  const chosen = quick().locator('.monaco-list-row', { hasText: 'my.cnf' });
  // The dialog begins by looking into another folder, and writes its path when it has.
  await eventually(async () => {
    await quick().locator('input').last().fill(`${stage.workspace}/`);
    await chosen.waitFor({ timeout: 2000 });
    expect(await quick().locator('input').last().inputValue()).toBe(`${stage.workspace}/`);
  });
  await chosen.click();
  await form().getByText('Imported.').waitFor();
  await eventually(async () => expect(await field('Host').inputValue()).toBe('localhost'));
  await connects();

  await press('SQLTools…');
  await quick().locator('.monaco-list-row').first().waitFor();
  expect(await quick().locator('.monaco-list-row').count()).toBe(1);
  await quick().locator('.monaco-list-row', { hasText: 'the shop' }).click();
  await eventually(async () => expect(await field('Host').inputValue()).toBe('127.0.0.1'));
  // The password that was there is of another connection, and that of SQLTools is not ours.
  expect(await password().getAttribute('placeholder')).toBe('');
  await press('Test');
  await form().locator('[data-key="source.password"] .error').waitFor();
  await workbench.command('View: Close All Editors');
});

test('a Tablestore: the region makes the endpoint, and a wrong key is told beside its field', async () => {
  const { endpoint, instance, keyId, secret } = stage.tablestore;
  await openForm();
  await form().getByRole('combobox', { name: 'Connect to' }).click();
  await form()
    .getByRole('option', { name: /^Tablestore/ })
    .click();
  await press('Save');
  await form().locator('[data-key="destination.endpoint"] .error').waitFor();
  await field('Instance').fill('shop');
  await form().getByRole('combobox', { name: 'Region' }).fill('singap');
  await form()
    .getByRole('option', { name: /ap-southeast-1/ })
    .click();
  await eventually(async () =>
    expect(await field('Endpoint').inputValue()).toBe('https://shop.ap-southeast-1.ots.aliyuncs.com'),
  );
  await field('Endpoint').fill(endpoint);
  await field('Instance').fill(instance);
  await field('AccessKey ID').fill(keyId);
  await form().getByLabel('AccessKey secret').fill('wrong');
  await press('Test');
  await form().locator('[data-key="destination.accessKeySecret"] .error', { hasText: 'refused' }).waitFor();
  await form().getByLabel('AccessKey secret').fill(secret);
  await press('Test');
  await form()
    .getByRole('status')
    .filter({ hasText: /Connected in [\d,]+ ms, \d+ tables\./ })
    .waitFor();
  await save(instance);
  expect(file().destinations[instance]).toMatchObject({
    endpoint,
    accessKeySecret: '${secret}',
    securityToken: null,
  });
});

test('a secret goes into the page by being typed there, and in no other way; the file has none', async () => {
  for (const part of ['importFrom', 'ap-southeast-1', '"stored"'])
    expect(
      messages.some((one) => one.includes(part)),
      part,
    ).toBe(true);
  const secrets = [
    stage.password,
    encodeURIComponent(stage.password),
    stage.tablestore.secret,
    'of SQLTools',
  ];
  const holding = messages.filter((one) => secrets.some((secret) => one.includes(secret)));
  expect(holding.filter((one) => !/"m":"secret"/.test(one))).toEqual([]);
  expect(holding.length).toBeGreaterThan(0);
  expect(secrets.filter((secret) => JSON.stringify(file()).includes(secret))).toEqual([]);
  expect(workbench.violations).toEqual([]);
});
