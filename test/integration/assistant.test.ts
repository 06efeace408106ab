import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tools } from '../../src/assistant/tools/index.js';
import { openTablestoreData } from '../../src/local-tablestore/index.js';
import { cliScript, startCli } from '../support/cli.js';
import { elsewhere } from '../support/elsewhere.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** `rowferry mcp` as an agent uses it: the SDK's client over stdio, a real MySQL, the embedded Tablestore. */

/** What nobody may read in any answer: secrets, and values of rows. */
const planted = {
  secret: 'planted-secret-77c0de19ab',
  password: 'planted-password-8f3a51',
  name: 'Planted Person',
  email: 'planted@private.example',
  number: '18446744073709551601',
  key: 7654321098,
  filter: 'planted-not-a-date',
};
const everything: string[] = [];
let pair: Pair;
let agent: Client;

interface Answer {
  isError: boolean;
  summary: string;
  nextSteps?: string[];
  [name: string]: unknown;
}

beforeAll(async () => {
  pair = await startPair({ store: { accessKeySecret: planted.secret } });
  await pair.mysql.query(`CREATE DATABASE shop;
    CREATE TABLE shop.items (id BIGINT PRIMARY KEY, note VARCHAR(40)); INSERT INTO shop.items VALUES (1, 'a'), (2, 'b');
    CREATE TABLE shop.people (id BIGINT PRIMARY KEY, name VARCHAR(40), email VARCHAR(40), n BIGINT UNSIGNED);
    INSERT INTO shop.people VALUES (1, 'Somebody', NULL, 1),
      (${planted.key}, '${planted.name}', '${planted.email}', ${planted.number});
    CREATE USER planted IDENTIFIED BY '${planted.password}'; GRANT ALL ON *.* TO planted`);
  writeShop({});
  writeTask(pair, 'broken', { id: 't-broken', objects: 'none' });
  writeTask(pair, 'away', { id: 't-away', objects: [{ database: 'nowhere' }] });
  agent = await connect();
}, 120_000);
afterAll(async () => {
  await agent?.close();
  await pair?.close();
});

function writeShop(more: Record<string, unknown>): void {
  writeTask(pair, 'shop', {
    id: 't-shop',
    name: 'shop',
    source: { host: '127.0.0.1', port: pair.mysql.port, user: 'planted', password: '${env:PW}' },
    objects: [{ database: 'shop', tables: [{ name: 'items' }, { name: 'people' }] }],
    dirtyData: 'skip',
    ignoredChecks: ['bigint-unsigned'],
    ...more,
  });
}

function transport(): StdioClientTransport {
  const made = new StdioClientTransport({
    command: process.execPath,
    args: [cliScript(), 'mcp', '--state', 'state'],
    cwd: pair.folder,
    env: { PATH: process.env['PATH']!, HOME: pair.folder, PW: planted.password, ...pair.env },
    stderr: 'pipe',
  });
  made.stderr?.on('data', (chunk: Buffer) => everything.push(String(chunk)));
  return made;
}

async function connect(capabilities: ConstructorParameters<typeof Client>[1] = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, capabilities);
  await client.connect(transport());
  return client;
}

async function call(name: string, given: Record<string, unknown> = {}, client = agent): Promise<Answer> {
  const answer = await client.callTool({ name, arguments: given });
  everything.push(JSON.stringify(answer));
  return { isError: answer.isError === true, ...(answer.structuredContent as { summary: string }) };
}

/** As a model does that asks the person in between. */
async function confirmed(name: string, given: Record<string, unknown>): Promise<Answer> {
  const told = await call(name, given);
  expect(told).toMatchObject({ isError: false, needsConfirmation: true });
  return call(name, { ...given, confirm: true });
}

async function until(wanted: (status: Answer) => boolean): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const status = await call('task_status', { task: 'shop' });
    if (wanted(status)) return status;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(status)}`);
    await delay(200);
  }
}

function keys(table: string): number[] {
  const data = openTablestoreData(join(pair.folder, 'data'));
  try {
    return [...data.scan(table)].map((row) => Number(row.primaryKey['id']));
  } finally {
    data.close();
  }
}

it('lists every tool with its effect, and the parameter that confirms where something changes', async () => {
  const listed = (await agent.listTools()).tools;
  expect(listed.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
  for (const { name, annotations, inputSchema } of listed) {
    const { effect } = tools.find((tool) => tool.name === name)!;
    expect(annotations, name).toMatchObject({
      readOnlyHint: effect === 'reads',
      destructiveHint: effect === 'destroys',
    });
    expect(Object.hasOwn(inputSchema.properties ?? {}, 'confirm'), name).toBe(effect !== 'reads');
  }
  expect(agent.getInstructions()).toContain('list_tasks');
});

it('what only looks: tasks, status, precheck, preview, codes', async () => {
  const list = await call('list_tasks');
  expect(list['tasks']).toMatchObject([
    { task: 'away', state: 'not started' },
    {
      task: 'broken',
      state: 'not valid',
      needsAttention: true,
      problem: expect.stringContaining('objects') as unknown,
    },
    { task: 'shop', file: 'shop.rowferry.json', state: 'not started' },
  ]);
  expect(await call('task_status', { task: 'shop' })).toMatchObject({ state: 'never started' });
  expect(await call('task_status', { task: 'shpo' })).toMatchObject({
    isError: true,
    error: { code: 'ROW-T101', remedy: expect.stringContaining('Did you mean "shop"') as unknown },
  });
  expect(await call('precheck_task', { task: 'shop' })).toMatchObject({
    successRate: 100,
    problems: [],
    acceptedWarnings: ['bigint-unsigned'],
  });
  const bad = await call('precheck_task', { task: 'away.rowferry.json' });
  expect(bad['successRate']).toBeLessThan(100);
  expect(bad['problems']).toMatchObject([{ check: 'objects', severity: 'failure' }]);
  const preview = await call('preview_rows', { task: 'shop', table: 'shop.people' });
  expect(preview).toMatchObject({
    isError: false,
    tables: [
      {
        destination: 'people',
        rows: [
          { values: { id: 'integer, 1 digit', name: 'text, 8 characters', email: 'NULL' } },
          { problem: { code: 'ROW-V101' } },
        ],
      },
    ],
  });
  expect(await call('explain_code', { code: 'v101' })).toMatchObject({
    code: 'ROW-V101',
    about: 'Values and dirty data',
  });
  expect(await call('explain_code', { code: 'ROW-X1' })).toMatchObject({ isError: true });
});

it('starts only what was told before; then dirty rows, verify, apply, repair, reload, retry, stop', async () => {
  // A model that confirms at once confirms nothing.
  expect(await call('start_task', { task: 'shop', confirm: true })).toMatchObject({
    needsConfirmation: true,
  });
  expect(await call('task_status', { task: 'shop' })).toMatchObject({ state: 'never started' });
  const started = await call('start_task', { confirm: true, task: 'shop' });
  expect(started).toMatchObject({ isError: false, started: true });
  await until(({ caughtUp, phase }) => caughtUp === true && phase === 'incremental');
  expect(await call('start_task', { task: 'shop' })).toMatchObject({
    summary: expect.stringContaining('running already') as unknown,
  });

  expect(keys('people')).toEqual([1]);
  const dirty = await call('list_dirty_rows', { task: 'shop', table: 'people' });
  expect(dirty).toMatchObject({ total: 0 });
  const rows = await call('list_dirty_rows', { task: 'shop', table: 'shop.people', code: 'row-v101' });
  expect(rows).toMatchObject({
    total: 1,
    rows: [
      {
        table: 'shop.people',
        code: 'ROW-V101',
        values: {
          id: 'integer, 10 digits',
          name: 'text, 14 characters',
          email: 'text, 23 characters',
          n: 'integer, 20 digits',
        },
      },
    ],
  });
  expect(await call('verify_rows', { task: 'shop' })).toMatchObject({ equal: true });

  // No binlog tells of this: only a comparison finds it.
  await pair.mysql.query(
    `SET sql_log_bin = 0; UPDATE shop.items SET note = '${planted.name}' WHERE id = 1; DELETE FROM shop.items WHERE id = 2; SET sql_log_bin = 1`,
  );
  const unequal = await call('verify_rows', { task: 'shop' });
  expect(unequal).toMatchObject({
    equal: false,
    differing: 2,
    unequalTables: [{ table: 'shop.items', extra: 1, different: 1, columnsThatDiffer: { note: 1 } }],
  });
  expect(keys('items')).toEqual([1, 2]);
  expect(await confirmed('repair_rows', { task: 'shop' })).toMatchObject({ repaired: 2 });
  expect(keys('items')).toEqual([1]);

  await pair.mysql.query('SET sql_log_bin = 0; INSERT INTO shop.items VALUES (3, NULL); SET sql_log_bin = 1');
  expect((await call('reload_table', { task: 'shop', table: 'shop.nothing' })).isError).toBe(true);
  expect(await confirmed('reload_table', { task: 'shop', table: 'shop.items' })).toMatchObject({
    isError: false,
  });
  await expect.poll(() => keys('items'), { timeout: 20_000 }).toEqual([1, 3]);
  await until(({ loading, phase }) => loading === undefined && phase === 'incremental');

  expect(await call('apply_changes', { task: 'shop' })).toMatchObject({
    summary: 'shop already runs with the settings of its file.',
  });
  const retyped = { name: 'people', columns: { n: { type: 'STRING' } } };
  writeShop({ objects: [{ database: 'shop', tables: [{ name: 'items' }, retyped] }] });
  expect(await call('task_status', { task: 'shop' })).toMatchObject({ settingsNotInForce: ['objects'] });
  const plan = await call('apply_changes', { task: 'shop' });
  expect(plan['wouldDo']).toContain('Reload shop.people → people');
  // What was agreed to is not what would be done now.
  writeShop({
    objects: [
      { database: 'shop', tables: [{ name: 'items', columns: { note: { rename: 'remark' } } }, retyped] },
    ],
  });
  const again = await call('apply_changes', { task: 'shop', confirm: true });
  expect(again).toMatchObject({ needsConfirmation: true });
  expect(again['wouldDo']).toContain('Reload shop.items → items');
  writeShop({
    objects: [{ database: 'shop', tables: [{ name: 'items' }, { name: 'people' }] }],
    throttle: { full: { rowsPerSecond: 4321 } },
  });
  expect(await confirmed('apply_changes', { task: 'shop' })).toMatchObject({ inForce: ['throttle'] });

  expect(await confirmed('stop_task', { task: 'shop' })).toMatchObject({ isError: false });
  expect(await call('task_status', { task: 'shop' })).toMatchObject({ state: 'stopped', dirtyRows: 1 });
  // Once told is once done.
  expect(await call('stop_task', { task: 'shop', confirm: true })).toMatchObject({
    summary: 'shop does not run (stopped).',
  });

  await pair.mysql.query(`UPDATE shop.people SET n = 5 WHERE id = ${planted.key}`);
  expect(await confirmed('retry_dirty_rows', { task: 'shop', code: 'ROW-V101' })).toMatchObject({
    written: 1,
    left: 0,
  });
  expect(keys('people')).toEqual([1, planted.key]);
}, 120_000);

it('asks the person itself where the client can', async () => {
  const answers = ['decline', 'accept'] as const;
  const asked: string[] = [];
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    const action = answers[asked.length - 1]!;
    return { action, ...(action === 'accept' && { content: { confirm: true } }) };
  });
  await client.connect(transport());
  try {
    // What the model says counts for nothing then.
    expect(await call('start_task', { task: 'shop', confirm: true }, client)).toMatchObject({
      summary: 'The person did not agree, or did not answer. Nothing has been done.',
    });
    expect(await call('start_task', { task: 'shop' }, client)).toMatchObject({ started: true });
    expect(asked[1]).toContain('Start shop: from MySQL 127.0.0.1:');
    expect(asked[1]).toContain('It continues from its checkpoint.');
  } finally {
    await client.close();
  }
  await until(({ state, caughtUp }) => state === 'running' && caughtUp === true);
});

it('does nothing when a client that can ask gives no answer', async () => {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, () => Promise.reject(new Error('the dialog is gone')));
  await client.connect(transport());
  try {
    for (const confirm of [false, true])
      expect(await call('stop_task', { task: 'shop', confirm }, client)).toMatchObject({
        summary: 'The person did not agree, or did not answer. Nothing has been done.',
      });
  } finally {
    await client.close();
  }
});

it('a filter that fails on a row, and the words of the server about it, name no value', async () => {
  await pair.mysql.query(`CREATE TABLE shop.dates (id INT PRIMARY KEY, d VARCHAR(40));
    INSERT INTO shop.dates VALUES (1, '${planted.filter}')`);
  writeTask(pair, 'dates', {
    id: 't-dates',
    objects: [
      {
        database: 'shop',
        tables: [{ name: 'dates', filter: 'UUID_TO_BIN(d) IS NOT NULL' }],
      },
    ],
  });
  expect((await confirmed('start_task', { task: 'dates' })).isError).toBe(false);
  let status: Answer;
  do {
    await delay(200);
    status = await call('task_status', { task: 'dates' });
  } while (!['blocked', 'failed'].includes(status['state'] as string));
  expect(status).toMatchObject({ state: 'blocked', error: { code: 'ROW-V105' } });
  const { rows } = await call('list_dirty_rows', { task: 'dates' });
  expect(rows).toMatchObject([{ code: 'ROW-V107', values: { d: 'text, 18 characters' } }]);
  await confirmed('stop_task', { task: 'dates' });
}, 60_000);

it.skipIf(elsewhere === undefined)(
  'sends no variable to a server that a person did not confirm, and says who can',
  async () => {
    writeTask(pair, 'theirs', {
      id: 't-theirs',
      source: { host: elsewhere!, port: 1, user: 'x', password: '${env:PW}' },
      objects: [{ database: 'shop' }],
    });
    expect(await call('precheck_task', { task: 'theirs' })).toMatchObject({
      isError: true,
      error: {
        code: 'ROW-T107',
        remedy: expect.stringMatching(
          /A person .+: rowferry check \S*theirs\.rowferry\.json --state \S*state$/,
        ) as unknown,
      },
    });
  },
);

it('no secret and no value of a row was in any answer, or on stderr', () => {
  const text = everything.join('\n');
  expect(text).toContain('text, 23 characters');
  const found = Object.values(planted).filter((needle) => text.includes(String(needle)));
  expect(found).toEqual([]);
});

describe('the process', () => {
  const hello = `${JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  })}\n`;
  const list = `${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'list_tasks', arguments: {} } })}\n`;

  it.each(['stdin', 'SIGTERM'] as const)(
    'ends with %s within two seconds, and has written nothing but the protocol',
    async (how) => {
      const server = startCli(['mcp', '--state', 'state'], {
        cwd: pair.folder,
        env: pair.env,
        stdin: 'pipe',
      });
      server.child.stdin!.write(hello + list);
      await server.until((line) => line['id'] === 2, 'the answer');
      const began = Date.now();
      if (how === 'stdin') server.child.stdin!.end();
      else server.child.kill(how);
      const { code, stdout, stderr } = await server.ended;
      expect(Date.now() - began).toBeLessThan(2000);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const line of stdout.trimEnd().split('\n'))
        expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    },
  );

  it('says what is wrong with its arguments', async () => {
    const { code, stderr } = await startCli(['mcp', 'nowhere'], { cwd: pair.folder }).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('nowhere is not a folder.') as unknown]);
  });
});

it('only this command loads the SDK', () => {
  const seen = new Set<string>();
  const load = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, named] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\b[^;'"]*?['"](\.[^'"]+)['"]/gm,
    ))
      load(join(dirname(file), named!));
  };
  const dist = join(dirname(cliScript()), 'node');
  for (const entry of ['cli', 'engine', 'local-tablestore']) load(join(dist, `${entry}.mjs`));
  expect(seen.size).toBeGreaterThan(4);
  // Bundles that are not minified name the files that they were made of.
  const holding = [...seen].filter((file) =>
    /\/\/ (node_modules\/(@modelcontextprotocol|ajv)|src\/assistant)\//.test(readFileSync(file, 'utf8')),
  );
  expect(holding).toEqual([]);
});
