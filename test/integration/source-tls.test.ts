import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource } from '../../src/mysql/connection.js';
import { endPosition } from '../../src/mysql/position.js';
import { startLocalTablestore, type LocalTablestore } from '../../src/local-tablestore/index.js';
import { noHistory, precheck } from '../../src/sync/precheck/index.js';
import { RowferryError } from '../../src/shared/errors.js';
import { sourceSchema, type SourceSettings } from '../../src/shared/task.js';
import { Recorder } from '../support/binlog-recorder.js';
import { makeAuthority, type Certificate } from '../support/certificates.js';
import { elsewhere } from '../support/elsewhere.js';
import { startKeyThief } from '../support/key-thief.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { taskBetween } from '../support/precheck.js';

const password = 'pa55-wörd';
let mysql: MysqlServer;
let folder: string;
const authority = makeAuthority('authority of the test');

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** The server answers with this certificate from now on. */
async function present({ cert, key }: Certificate, ca: string): Promise<void> {
  const [caFile, certFile, keyFile] = [file('ca.pem', ca), file('cert.pem', cert), file('key.pem', key)];
  await mysql.query(
    `SET GLOBAL ssl_ca = '${caFile}', ssl_cert = '${certFile}', ssl_key = '${keyFile}'; ALTER INSTANCE RELOAD TLS`,
  );
}

const source = (more: Partial<SourceSettings> = {}): SourceSettings =>
  sourceSchema.parse({ host: elsewhere, port: mysql.port, user: 'remote', password, ...more });

/** Logs in and tells how the session is protected; the refusal's code otherwise. */
async function login(more: Partial<SourceSettings> = {}, at = source(more)): Promise<string> {
  try {
    const connection = await connectSource(at);
    const { isEncrypted } = connection.protection;
    await connection.close();
    return isEncrypted ? 'encrypted' : 'plain';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const strangeKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  }) as string;

/** As after a restart: the next login is a full authentication. */
const forgetLogins = () => mysql.query('FLUSH PRIVILEGES');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-source-tls-'));
  mysql = await startMysql({ args: ['--bind-address=*'] });
  await mysql.query(
    `CREATE USER remote@'%' IDENTIFIED WITH caching_sha2_password BY '${password}'; GRANT ALL ON *.* TO remote@'%';
     CREATE USER older@'%' IDENTIFIED WITH sha256_password BY '${password}'; GRANT ALL ON *.* TO older@'%'`,
  );
});
afterAll(async () => {
  await mysql.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(elsewhere === undefined)('a server that is not the source', () => {
  const thieves = [
    { plugin: 'caching_sha2_password', tls: false },
    { plugin: 'caching_sha2_password', tls: true },
    { plugin: 'sha256_password', tls: false },
    { plugin: 'sha256_password', tls: true },
    { plugin: 'mysql_clear_password', tls: false },
    { plugin: 'mysql_clear_password', tls: true },
  ] as const;
  for (const { plugin, tls } of thieves) {
    it(`does not get the password by ${plugin} ${tls ? 'over TLS' : 'in plain'}`, async () => {
      const thief = await startKeyThief({
        plugin,
        ...(tls && { certificate: authority.issue([elsewhere!]) }),
      });
      try {
        for (const ssl of ['preferred', 'disabled', 'verify-ca', 'verify-identity'] as const) {
          const code = await login({ port: thief.port, ssl });
          expect([ssl, code]).toEqual([ssl, expect.stringMatching(/^ROW-S1(15|10|02)$/)]);
        }
        const recorder = new Recorder(source({ port: thief.port }), await startOfBinlog());
        await recorder.running;
        expect(recorder.ended?.error).toBeInstanceOf(RowferryError);
        expect(thief.passwords).toEqual([]);
      } finally {
        await thief.close();
      }
    });
  }

  it('rule 28: gets it only from a task that says so', async () => {
    const thief = await startKeyThief({ plugin: 'caching_sha2_password' });
    try {
      expect(await login({ port: thief.port })).toBe('ROW-S115');
      await login({ port: thief.port, allowPublicKeyRetrieval: true });
      expect(thief.passwords[0]).toBe(password);
    } finally {
      await thief.close();
    }
  });

  it('is judged by its address: names of this machine are no proof, and its loopback needs none', async () => {
    const thief = await startKeyThief({ plugin: 'caching_sha2_password' });
    try {
      await login({ host: '127.0.0.1', port: thief.port });
      expect(thief.passwords[0]).toBe(password);
    } finally {
      await thief.close();
    }
  });
});

async function startOfBinlog() {
  const connection = await connectSource(sourceSchema.parse({ port: mysql.port, user: 'root' }));
  try {
    return await endPosition(connection);
  } finally {
    await connection.close();
  }
}

describe.skipIf(elsewhere === undefined)('the source on another machine', () => {
  it('rule 28: is asked for TLS without being told to, and only proves itself by a certificate or a key', async () => {
    await forgetLogins();
    expect(await login()).toBe('ROW-S115');
    expect(await login({ ssl: 'disabled' })).toBe('ROW-S115');
    const [key] = await mysql.query<{ Value: string }>(
      "SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'",
    );
    const serverPublicKeyFile = file('public_key.pem', key!.Value);
    expect(await login({ ssl: 'disabled', serverPublicKeyFile })).toBe('plain');
    await forgetLogins();
    expect(await login({ serverPublicKeyFile })).toBe('plain');
    // The server knows the password now: nothing but a proof goes over the wire.
    expect(await login()).toBe('encrypted');
    expect(await login({ ssl: 'disabled' })).toBe('plain');
    await forgetLogins();
    expect(await login({ ssl: 'disabled', allowPublicKeyRetrieval: true })).toBe('plain');
    await forgetLogins();
    expect(await login({ ssl: 'required' })).toBe('encrypted');
    expect(await login({ user: 'older', ssl: 'disabled' })).toBe('ROW-S115');
    const old = file('wrong.pem', strangeKey());
    expect(await login({ user: 'older', ssl: 'disabled', serverPublicKeyFile: old })).toBe('ROW-S102');
  });

  it('is checked against its certificate: MySQL’s own, a wrong authority, a wrong name, an expired one', async () => {
    const [row] = await mysql.query<{ dir: string }>('SELECT @@datadir AS dir');
    const own = `${row!.dir}ca.pem`;
    const ca = file('authority.pem', authority.cert);
    const other = file('other.pem', makeAuthority('somebody else').cert);
    expect(await login({ ssl: 'verify-ca', caFile: own })).toBe('encrypted');
    expect(await login({ ssl: 'verify-ca', caFile: ca })).toBe('ROW-S110');
    expect(await login({ ssl: 'verify-ca' })).toBe('ROW-S110');
    // MySQL's own certificate names no host.
    expect(await login({ ssl: 'verify-identity', caFile: own })).toBe('ROW-S110');

    await present(authority.issue([elsewhere!, 'localhost']), authority.cert);
    await forgetLogins();
    expect(await login({ ssl: 'verify-identity', caFile: other })).toBe('ROW-S110');
    expect(await login({ ssl: 'verify-identity', caFile: ca })).toBe('encrypted');
    expect(await login({ ssl: 'verify-identity', caFile: ca, host: 'localhost' })).toBe('encrypted');
    await forgetLogins();
    expect(await login({ caFile: ca })).toBe('encrypted');

    // A certificate of the same authority, for another host: an address is no exception.
    await present(authority.issue(['localhost']), authority.cert);
    expect(await login({ ssl: 'verify-identity', caFile: ca })).toBe('ROW-S110');
    expect(await login({ ssl: 'verify-identity', caFile: ca, host: 'localhost' })).toBe('encrypted');
    expect(await login({ ssl: 'verify-ca', caFile: ca })).toBe('encrypted');
    await forgetLogins();
    expect(await login({ caFile: ca })).toBe('ROW-S115');

    // MySQL takes no certificate that has expired, but one that does so in a moment.
    await present(authority.issue([elsewhere!, 'localhost'], 3 / 86_400), authority.cert);
    expect(await login({ ssl: 'verify-identity', caFile: ca })).toBe('encrypted');
    for (const ssl of ['verify-ca', 'verify-identity'] as const)
      await expect.poll(() => login({ ssl, caFile: ca }), { timeout: 10_000 }).toBe('ROW-S110');
    await forgetLogins();
    expect(await login({ caFile: ca })).toBe('ROW-S115');
  });

  it('is followed with the protection that its first session has', async () => {
    await login({ ssl: 'required' });
    const recorder = new Recorder(source(), await startOfBinlog());
    await recorder.until(() => recorder.stream.isStreaming, 'the stream');
    const sessions = await mysql.query<{ type: string }>(
      "SELECT CONNECTION_TYPE AS type FROM performance_schema.threads WHERE PROCESSLIST_USER = 'remote'",
    );
    expect(sessions.map(({ type }) => type)).toEqual(['SSL/TLS', 'SSL/TLS']);
    await recorder.stream.stop();
    await recorder.running;
  });

  it('is followed, and left without delay, where its certificate proves it', async () => {
    await present(authority.issue([elsewhere!]), authority.cert);
    const proven = { ssl: 'verify-identity' as const, caFile: file('follow.pem', authority.cert) };
    const recorder = new Recorder(source(proven), await startOfBinlog());
    await recorder.until(() => recorder.stream.isStreaming, 'the stream');
    await recorder.stream.stop();
    await recorder.running;
    const connection = await connectSource(source(proven));
    const began = Date.now();
    await connection.close();
    // A goodbye that nobody hears is waited for a whole second.
    expect(Date.now() - began).toBeLessThan(900);
  });
});

describe.skipIf(elsewhere === undefined)('the precheck', () => {
  let store: LocalTablestore;
  beforeAll(async () => {
    store = await startLocalTablestore({ data: join(folder, 'store') });
  });
  afterAll(() => store.close());

  it('warns of a plain connection to another machine, and says how it is encrypted', async () => {
    await login({ ssl: 'required' });
    const item = async (more: Partial<SourceSettings>) => {
      const task = taskBetween(mysql, store, (one) => (one.source = source(more)));
      const { results } = await precheck(task, noHistory);
      const { status, actual, fix } = results.find(({ id }) => id === 'source-encryption')!;
      return [status, actual, fix ?? ''].join(' | ');
    };
    expect(await item({ ssl: 'disabled' })).toMatch(/^warning \| .*not encrypted.*verify-identity.*caFile/);
    expect(await item({})).toMatch(/^pass \| preferred: encrypted, but the identity .* is not verified/);
    expect(await item({ host: '127.0.0.1' })).toBe('pass | the source is on this machine | ');
  });
});
