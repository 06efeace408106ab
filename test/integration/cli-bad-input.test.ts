import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { cli, cliScript } from '../support/cli.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

let mysql: MysqlServer;
let store: LocalTablestore;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-cli-'));
  cliScript();
  [mysql, store] = await Promise.all([startMysql(), startLocalTablestore({ data: join(folder, 'data') })]);
  await mysql.query(`
    CREATE DATABASE shop;
    CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(20));
    CREATE TABLE shop.keyless (a INT);
    CREATE USER 'dts'@'%' IDENTIFIED BY 'right';
    GRANT ALL ON *.* TO 'dts'@'%'`);
});

afterAll(async () => {
  await store.close();
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
});

const good = () => `{
  // the comment stays
  "version": 1,
  "source": { "host": "127.0.0.1", "port": ${mysql.port}, "user": "dts", "password": "\${env:PW}" },
  "destination": { "endpoint": "${store.url}", "instance": "local", "accessKeyId": "\${env:KEY}", "accessKeySecret": "\${env:SECRET}" },
  "objects": [{ "database": "shop", "tables": [{ "name": "customers" }] }]
}
`;

async function run(text: string, env: Record<string, string> = {}, command = 'run') {
  writeFileSync(join(folder, 'task.rowferry.json'), text);
  const result = await cli([command, 'task.rowferry.json', '--state', 'state'], {
    cwd: folder,
    env: { PW: 'right', KEY: store.accessKeyId, SECRET: store.accessKeySecret, ...env },
  });
  return { ...result, errors: result.stderr.trim().split('\n') };
}

/** One line of what happened, one of what to do, and nothing else: no stack, no secret. */
function expectTwoLines(
  result: Awaited<ReturnType<typeof run>>,
  code: number,
  error: string,
  what: RegExp,
  remedy: RegExp,
) {
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code });
  expect(result.errors).toHaveLength(2);
  expect(result.errors[0]).toMatch(new RegExp(`^${error} `));
  expect(result.errors[0]).toMatch(what);
  expect(result.errors[1]).toMatch(remedy);
  expect(result.stderr + result.stdout).not.toContain(store.accessKeySecret);
}

describe('bad input', () => {
  it('wrong password', async () => {
    const result = await run(good(), { PW: 'wr0ng-word' });
    expectTwoLines(result, 3, 'ROW-S102', /refused the login/, /password/);
    expect(result.stderr).not.toContain('wr0ng-word');
  });

  it('nobody listens at the source', async () => {
    expectTwoLines(
      await run(good().replace(String(mysql.port), '9')),
      3,
      'ROW-S101',
      /127\.0\.0\.1:9/,
      /host and port/,
    );
  });

  it('unknown host', async () => {
    // A variable would be asked about before it goes to another machine.
    const text = good().replace('${env:PW}', 'right');
    const result = await run(text.replace('"host": "127.0.0.1"', '"host": "no-such-host.invalid"'));
    expectTwoLines(result, 3, 'ROW-S101', /no-such-host\.invalid/, /host and port/);
  });

  it('table without a key', async () => {
    const result = await run(good().replace('customers', 'keyless'));
    expectTwoLines(result, 1, 'ROW-E102', /table-keys \(without a key: shop\.keyless\)/, /Fix/);
    expect(result.stdout).toContain('ALTER TABLE `shop`.`keyless` ADD COLUMN');
  });

  it('unknown key in the task file', async () => {
    expectTwoLines(
      await run(good().replace('"objects"', '"objetcs"')),
      2,
      'ROW-T102',
      /task\.rowferry\.json:1:1: objects|task\.rowferry\.json:6:3: objetcs: unknown key; did you mean "objects"\?/,
      /line \d/,
    );
    expectTwoLines(
      await run(good().replace('"version": 1', '"version": 1, "tagg": "x"')),
      2,
      'ROW-T102',
      /task\.rowferry\.json:3:17: tagg: unknown key; did you mean "tag"\?/,
      /line 3/,
    );
  });

  it('wrong type in the task file', async () => {
    expectTwoLines(
      await run(good().replace(`"port": ${mysql.port}`, '"port": "x"')),
      2,
      'ROW-T102',
      /task\.rowferry\.json:4:\d+: source\.port: must be a number/,
      /line 4/,
    );
  });

  it('missing environment variable', async () => {
    expectTwoLines(
      await run(good().replace('${env:PW}', '${env:NOT_THERE}')),
      2,
      'ROW-T103',
      /source\.password: .* NOT_THERE /,
      /NOT_THERE/,
    );
  });

  it('destination refuses the key pair', async () => {
    expectTwoLines(await run(good(), { SECRET: 'nonsense' }), 3, 'ROW-D102', /OTSAuthFailed/, /AccessKey/);
  });

  it('nobody listens at the destination', async () => {
    expectTwoLines(
      await run(good().replace(store.url, 'http://127.0.0.1:7')),
      3,
      'ROW-D101',
      /127\.0\.0\.1:7/,
      /endpoint/,
    );
  });

  it('port in use', async () => {
    const result = await cli(['tablestore', '--port', String(store.port), '--data', 'other'], {
      cwd: folder,
    });
    expect(result).toMatchObject({ code: 3 });
    expect(result.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^ROW-E103 .*${store.port}`)),
      expect.stringMatching(/--port/),
    ]);
  });

  it.each([
    [['run'], /No task given/],
    [['rnu', 'x'], /Did you mean "run"/],
    [['run', '--untl', 'full', 'x'], /Did you mean --until/],
    [['run', 'x', '--until', 'never'], /full or caught-up/],
    [['run', 'absent.rowferry.json'], /The file absent.* does not exist/],
    [['check', 'a', 'b'], /Unexpected argument "b"/],
    [['tablestore', '--port', '99999'], /--port must be/],
  ])('usage: %j', async (args, message) => {
    const result = await cli(args, { cwd: folder });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    const lines = result.stderr.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(message);
  });

  it.runIf(process.platform === 'linux')('a folder where the system takes none', async () => {
    writeFileSync(join(folder, 'task.rowferry.json'), good());
    const env = { PW: 'right', KEY: store.accessKeyId, SECRET: store.accessKeySecret };
    for (const state of ['/proc/rowferry', '/proc/self', '/dev/null/state']) {
      const result = await cli(['status', 'task.rowferry.json', '--state', state], { cwd: folder, env });
      expectTwoLines(
        { ...result, errors: result.stderr.trim().split('\n') },
        3,
        'ROW-E105',
        /The state folder \/\S+ cannot be used/,
        /choose another with --state/,
      );
    }
    const data = await cli(['tablestore', '--port', '0', '--data', '/proc/rowferry'], { cwd: folder });
    expect(data.stderr).toMatch(/^ROW-E110 The data file \/proc\/rowferry\S* cannot be used/);
  });

  it('an internal stack only with --debug', async () => {
    const plain = await cli(['run', 'absent.rowferry.json'], { cwd: folder });
    const debug = await cli(['run', 'absent.rowferry.json', '--debug'], { cwd: folder });
    expect(plain.stderr).not.toMatch(/^ {4}at /m);
    expect(debug.stderr).toMatch(/^ {4}at /m);
  });
});

describe('check', () => {
  it('prints a table with exit 0, and JSON with --json; the file stays as it is', async () => {
    const result = await run(good(), {}, 'check');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/Success rate 100 %/);
    const text = readFileSync(join(folder, 'task.rowferry.json'), 'utf8');
    expect(text).toBe(good());
    const json = await cli(['check', 'task.rowferry.json', '--state', 'state', '--json'], {
      cwd: folder,
      env: { PW: 'right', KEY: store.accessKeyId, SECRET: store.accessKeySecret },
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ type: 'check', successRate: 100 });
    expect(readFileSync(join(folder, 'task.rowferry.json'), 'utf8')).toBe(text);
  });

  it('exit 1 below 100 %', async () => {
    const result = await run(good().replace('customers', 'keyless'), {}, 'check');
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/FAIL Every table has a key/);
  });
});
