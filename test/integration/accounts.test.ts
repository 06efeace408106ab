import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, startCli, type RunningCommand } from '../support/cli.js';
import { startPair, writeTask, type Pair } from '../support/pair.js';

/** Accounts of the source as administrators make, lock, narrow and drop them: each refusal says why, and what to do. */

let pair: Pair;
const password = "it's secret";
const rights = 'GRANT SELECT ON shop.* TO # ; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO #';

beforeAll(async () => {
  pair = await startPair();
  await pair.mysql.query(`CREATE DATABASE shop;
    CREATE TABLE shop.items (id INT PRIMARY KEY, v INT); INSERT INTO shop.items VALUES (1, 1)`);
}, 120_000);
afterAll(() => pair.close());

const query = (sql: string) => pair.mysql.query(sql);
const run = (...args: string[]) => cli(args, { cwd: pair.folder, env: pair.env });

/** An account that may do all that a task needs, and a task that uses it. */
async function account(name: string, options = '', source: Record<string, unknown> = {}): Promise<string> {
  await query(`CREATE USER ${name}@'%' IDENTIFIED BY "${password}" ${options};
    ${rights.replaceAll('#', `${name}@'%'`)}`);
  return task(name, source);
}

function task(
  name: string,
  source: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): string {
  return writeTask(pair, name, {
    id: `t-${name}`,
    source: { host: '127.0.0.1', port: pair.mysql.port, user: name, password, ...source },
    objects: [{ database: 'shop', renameTables: { prefix: `${name}_` } }],
    ...more,
  });
}

/** Ends all sessions of the account, as an administrator does after he has locked it. */
async function endSessions(user: string): Promise<void> {
  const sessions = await pair.mysql.query<{ id: number }>(
    `SELECT ID AS id FROM performance_schema.processlist WHERE USER = '${user}'`,
  );
  for (const { id } of sessions) await query(`KILL ${id}`).catch(() => undefined);
}

async function refused(file: string, said: RegExp): Promise<void> {
  const check = await run('check', file, '--state', 'state-refused');
  expect(check.stdout.replaceAll(/\s+/g, ' ')).toMatch(said);
  expect(check.code).toBe(3);
  const ran = await run('run', file, '--state', 'state-refused', '--until', 'caught-up');
  expect(ran.stderr.replaceAll(/\s+/g, ' ')).toMatch(said);
  expect(ran.code).toBe(3);
}

describe('README', () => {
  it('has the statements that make an account: with it check has nothing to say, and load, stream, verify and audit work (E3)', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const blocks = [...readme.matchAll(/```sql\n([\s\S]*?)```/g)].map((block) => block[1]!);
    const statements = blocks.filter((block) => /CREATE USER|GRANT/.test(block)).join('\n');
    expect(statements).toMatch(/CREATE USER [\s\S]*GRANT [\s\S]*REPLICATION/);
    await query(statements);
    const [, user, secret] = /CREATE USER '(\w+)'@'[^']*' IDENTIFIED BY '([^']*)'/.exec(statements)!;
    const file = task(user!, { password: secret }, { audit: { rowsPerSecond: 1000 } });
    const state = ['--state', 'state-readme'];
    const check = await run('check', file, ...state, '--json');
    expect(check.code).toBe(0);
    const { results } = JSON.parse(check.stdout) as { results: { id: string; status: string }[] };
    expect(results.filter(({ status }) => ['fail', 'warning', 'skipped'].includes(status))).toEqual([]);
    const following = startCli(['run', file, ...state, '--json'], { cwd: pair.folder, env: pair.env });
    await following.until((line) => line['caughtUp'] === true, 'the end of the binlog');
    await query('INSERT INTO shop.items VALUES (2, 2)');
    await following.until((line) => line['inserted'] === 1 && line['caughtUp'] === true, 'the row');
    await following.until(
      (line) => ((line['audit'] as { lastPass?: { rows: number } } | undefined)?.lastPass?.rows ?? 0) >= 2,
      'a pass of the audit',
    );
    following.child.kill('SIGTERM');
    const ended = await following.ended;
    expect(ended.stdout + ended.stderr).not.toMatch(/retrying|denied|privilege/);
    expect(await run('verify', file, ...state)).toMatchObject({ code: 0 });
    await query('DELETE FROM shop.items WHERE id = 2');
  });
});

describe('at the start, check and run say of an account (E5)', () => {
  it('that it is locked', async () => {
    const file = await account('locked', 'ACCOUNT LOCK');
    await refused(file, /Account is locked.*ALTER USER … ACCOUNT UNLOCK/);
  });

  it('that its password has expired', async () => {
    const file = await account('expired', 'PASSWORD EXPIRE');
    await refused(file, /password has expired.*ALTER USER … IDENTIFIED BY/);
  });

  it('that its password is wrong, and nothing of TLS', async () => {
    const file = await account('wrong', '', { password: 'another' });
    await refused(file, /refused the login: Access denied.*Check the user and the password/);
    expect((await run('check', file, '--state', 'state-refused')).stdout).not.toMatch(
      /the password is correct/,
    );
  });

  it('that too many wrong passwords have locked it', async () => {
    const file = await account('guessed', 'FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1');
    await expect(pair.mysql.connect({ user: 'guessed', password: 'no' })).rejects.toThrow();
    await refused(file, /too many wrong passwords.*ACCOUNT UNLOCK/);
  });

  it('that it requires TLS', async () => {
    const file = await account('crypt', 'REQUIRE SSL');
    await refused(file, /password is correct.*requires TLS\. Set source\.ssl to "required"/);
    const secure = task('crypt', { ssl: 'required' });
    expect(await run('check', secure, '--state', 'state-refused')).toMatchObject({ code: 0 });
  });

  it('that it requires a certificate, with TLS and without', async () => {
    const plain = await account('signed', 'REQUIRE X509');
    await refused(plain, /password is correct.*requires TLS.*REQUIRE X509.*source\.certFile/);
    const secure = task('signed', { ssl: 'required' });
    await refused(
      secure,
      /without a client certificate.*password is correct.*REQUIRE X509.*source\.certFile/,
    );
    // One of nobody that the server knows.
    const [certFile, keyFile] = ['client.pem', 'client.key'].map((name) => join(pair.folder, name));
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=nobody', '-days', '2'],
        ...['-keyout', keyFile!, '-out', certFile!],
      ],
      { stdio: 'ignore' },
    );
    const foreign = task('signed', { ssl: 'required', certFile, keyFile });
    const check = await run('check', foreign, '--state', 'state-refused');
    expect([check.code, check.stdout]).toEqual([3, expect.stringMatching(/ROW-S110|certificate|TLS/)]);
  });

  it('that it may not come from here', async () => {
    await query(`CREATE USER elsewhere@'10.9.8.7' IDENTIFIED BY "${password}"`);
    await refused(task('elsewhere'), /'elsewhere'@'[^']+'.*exists and may connect from this machine/);
  });

  it('that its rights come by a role which is not active', async () => {
    await query(`CREATE ROLE copying; ${rights.replaceAll('#', 'copying')};
      CREATE USER actor@'%' IDENTIFIED BY "${password}"; GRANT copying TO actor@'%'`);
    const file = task('actor');
    const state = ['--state', 'state-refused'];
    const check = await run('check', file, ...state);
    expect(check.code).toBe(1);
    expect(check.stdout.replaceAll(/\s+/g, ' ')).toMatch(/an inactive role grants them \(`copying`@`%`\)/);
    const [statement] = /SET DEFAULT ROLE .*;/.exec(check.stdout)!;
    await query(statement);
    expect(await run('check', file, ...state)).toMatchObject({ code: 0 });
    expect(await run('run', file, ...state, '--until', 'caught-up')).toMatchObject({ code: 0 });
  });
});

describe('while a task follows and its sessions are ended, it says of its account (E5)', () => {
  let following: RunningCommand;
  let next = 100;

  /** What status, the run's output and the log say of `user`, whose sessions end after `change`; then it goes on. */
  async function waits(user: string, change: string, said: RegExp, mend: string): Promise<void> {
    const file = await account(user);
    const state = ['--state', `state-${user}`];
    following = startCli(['run', file, ...state, '--json'], { cwd: pair.folder, env: pair.env });
    await following.until((line) => line['caughtUp'] === true, 'the end of the binlog');
    const before = following.lines().length;
    await query(change);
    await endSessions(user);
    const reason = (line: Record<string, unknown>) => {
      const { error } = (line['retry'] ?? {}) as { error?: { message: string; remedy: string } };
      return error ? `${error.message} ${error.remedy}` : '';
    };
    await following.until((line) => said.test(reason(line)), `the reason ${said}`);
    // Nothing else was said to be the reason on the way, but for the broken link.
    const reasons = new Set(following.lines().slice(before).map(reason));
    for (const one of reasons) expect(one).not.toMatch(/lock on the source/);
    // Not between two tries either.
    const since = following.lines().length;
    await following.until(() => following.lines().length >= since + 4, 'four more seconds');
    for (const line of following.lines().slice(since)) expect(line).toMatchObject({ state: 'retrying' });
    const status = await run('status', file, ...state);
    expect(status.stdout.replaceAll(/\s+/g, ' ')).toMatch(said);
    const log = readFileSync(join(pair.folder, `state-${user}`, 'engine.log'), 'utf8');
    expect(log).toMatch(new RegExp(said.source.split('.*')[0]!));
    const id = next++;
    await query(`INSERT INTO shop.items VALUES (${id}, 1); ${mend}`);
    await following.until((line) => line['inserted'] === 1 && line['caughtUp'] === true, 'the row', 60_000);
    following.child.kill('SIGTERM');
    await following.ended;
  }

  it.each<[what: string, user: string, change: string, said: RegExp, mend: string]>([
    [
      'locked',
      'later_locked',
      "ALTER USER later_locked@'%' ACCOUNT LOCK",
      /Account is locked.*ACCOUNT UNLOCK/,
      "ALTER USER later_locked@'%' ACCOUNT UNLOCK",
    ],
    [
      'expired',
      'later_expired',
      "ALTER USER later_expired@'%' PASSWORD EXPIRE",
      /password has expired.*IDENTIFIED BY/,
      `ALTER USER later_expired@'%' IDENTIFIED BY "${password}"`,
    ],
    [
      'with another password',
      'later_other',
      "ALTER USER later_other@'%' IDENTIFIED BY 'other'",
      /Access denied.*Check the user and the password/,
      `ALTER USER later_other@'%' IDENTIFIED BY "${password}"`,
    ],
    [
      'bound to TLS',
      'later_crypt',
      "ALTER USER later_crypt@'%' REQUIRE SSL",
      /password is correct.*requires TLS/,
      "ALTER USER later_crypt@'%' REQUIRE NONE",
    ],
    [
      'dropped',
      'later_dropped',
      "DROP USER later_dropped@'%'",
      /Access denied.*account exists/,
      `CREATE USER later_dropped@'%' IDENTIFIED BY "${password}"; ${rights.replaceAll('#', "later_dropped@'%'")}`,
    ],
    [
      'without a right',
      'later_poor',
      "REVOKE REPLICATION SLAVE ON *.* FROM later_poor@'%'",
      /REPLICATION SLAVE.*Grant the privilege/,
      "GRANT REPLICATION SLAVE ON *.* TO later_poor@'%'",
    ],
  ])('%s', (_what, user, change, said, mend) => waits(user, change, said, mend));
  it('without its role', async () => {
    await query(`CREATE ROLE following; ${rights.replaceAll('#', 'following')}`);
    await waits(
      'later_actor',
      "REVOKE ALL PRIVILEGES, GRANT OPTION FROM later_actor@'%'; GRANT following TO later_actor@'%'",
      /(denied|REPLICATION).*SET DEFAULT ROLE ALL/,
      "SET DEFAULT ROLE ALL TO later_actor@'%'",
    );
  });
});
