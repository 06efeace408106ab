import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cli, cliScript } from '../support/cli.js';
import { lengthOf, startHostileMysql, type HostileSession, type Misdeeds } from '../support/hostile-mysql.js';
import { writeTask } from '../support/pair.js';

/**
 * What answers at the address of a source need not be a MySQL, or not a friendly one. The engine, which other tasks run
 * in, goes on whatever comes, in bounded memory, and says in bounded time what is wrong.
 */
const mostMegabytes = 300;
const mostMillis = 25_000;
const folder = mkdtempSync(join(tmpdir(), 'rowferry-hostile-'));
const env = { KEY: 'k', SECRET: 's' };
/** Refuses connections, so that nothing but the source is looked at. */
const nobody = { url: 'http://127.0.0.1:9' };
let made = 0;

cliScript();
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

interface Outcome {
  /** What the check of the connection, or the whole command, says. */
  readonly said: string;
  readonly code: number | null;
  readonly megabytes: number;
  readonly millis: number;
}

/** `rowferry check` against such a server, by an engine process of its own. */
async function check(misdeeds: Misdeeds, source: Record<string, unknown> = {}): Promise<Outcome> {
  const server = await startHostileMysql(misdeeds);
  const name = `t${++made}`;
  const mysql = { port: server.port };
  const file = writeTask({ folder, mysql, store: nobody }, name, {
    source: { host: '127.0.0.1', port: server.port, user: 'root', password: 'secret', ...source },
    objects: [{ database: 'd' }],
  });
  const state = join(folder, `state-${name}`);
  const began = performance.now();
  const { code, stdout, stderr } = await cli(['check', file, '--state', state, '--json'], {
    cwd: folder,
    env,
  });
  const millis = performance.now() - began;
  const engine = JSON.parse(readFileSync(join(state, 'engine.json'), 'utf8')) as { pid: number };
  // The engine is still there.
  const status = readFileSync(`/proc/${engine.pid}/status`, 'utf8');
  const megabytes = Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024;
  const output = readFileSync(join(state, 'engine-output.log'), 'utf8');
  process.kill(engine.pid);
  await server.stop();
  // Nothing of this machine was sent.
  expect(Buffer.concat(server.heard).includes('root:')).toBe(false);
  expect(stdout + stderr + output).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(output.length).toBeLessThan(2000);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { said: JSON.stringify(said), code, megabytes, millis };
}

const full = Buffer.alloc(0xffffff);
const isFacts = (sql: string) => /AS micros|SHOW GLOBAL VARIABLES WHERE/i.test(sql);
const endless = (session: HostileSession, send: () => void) => void session.forEver(send);
/** The answer to the first statement that is not about the session or the server. */
const question = (answer: (session: HostileSession, sql: string) => unknown): Misdeeds => ({
  query: (session, sql) => (/^SET\b/i.test(sql) || isFacts(sql) ? undefined : (answer(session, sql), true)),
});
const silent = /did not respond in time/;
const lost = /The connection to MySQL.* was lost/;

const attacks: Record<string, { misdeeds: Misdeeds; source?: Record<string, unknown>; says: RegExp }> = {
  'full packets for ever in place of a greeting': {
    misdeeds: { connect: (s) => endless(s, () => s.packet(full)) },
    says: /Cannot reach MySQL/,
  },
  'a greeting that drips': {
    misdeeds: { connect: (s) => s.drip(Buffer.from([80, 0, 0, 0, 10, 57, 46, 49])) },
    says: silent,
  },
  'a greeting that ends in its middle': {
    misdeeds: { connect: (s) => s.packet(Buffer.from('\x0a9.7.0\0ab')) },
    says: /Cannot reach MySQL/,
  },
  'a web server': {
    misdeeds: {
      connect: (s) => void s.socket.write('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<script>'),
    },
    says: silent,
  },
  'a login that asks for the password as it is': {
    misdeeds: { login: (s) => s.switchTo('mysql_clear_password') },
    says: /refused the login/,
  },
  'a login that asks for an unknown plugin with markup in its name': {
    misdeeds: { login: (s) => s.switchTo('<img src=x onerror=alert(1)>') },
    says: /refused the login/,
  },
  'switches of the plugin for ever': {
    misdeeds: { login: (s) => endless(s, () => s.switchTo('mysql_native_password')) },
    says: /Cannot reach MySQL/,
  },
  'a key that is none': {
    misdeeds: {
      login: (s) => (
        s.switchTo('caching_sha2_password'),
        s.packet(Buffer.from([1, 4])),
        s.packet(Buffer.from('\x01-----BEGIN'))
      ),
    },
    says: /Cannot reach MySQL|refused the login/,
  },
  'more after a login without a word of ours': {
    misdeeds: {
      login: (s) => (s.ok(), s.packet(Buffer.from([0xff])), endless(s, () => s.packet(Buffer.from('x')))),
    },
    says: /The connection to MySQL.* was lost/,
  },
  'packets that are out of order, for ever': {
    misdeeds: question((s) => endless(s, () => s.packet(Buffer.from([1]), 1, 77))),
    says: /The connection to MySQL.* was lost.*out of order/,
  },
  'a packet that never ends': {
    misdeeds: question((s) => endless(s, () => s.packet(full))),
    says: /The connection to MySQL.* was lost.*a packet of more than 48 MiB/,
  },
  'rows for ever': {
    misdeeds: question((s) => {
      s.packet(lengthOf(1));
      s.column('a');
      s.end();
      endless(s, () => s.row(['x'.repeat(1000)]));
    }),
    says: /The connection to MySQL.* was lost.*an answer of more than|did not respond in time/,
  },
  'small rows for ever': {
    misdeeds: question((s) => {
      s.packet(lengthOf(4));
      for (const name of 'abcd') s.column(name);
      s.end();
      endless(s, () => {
        for (let i = 0; i < 500; i++) s.row([null, '', 'a', null]);
      });
    }),
    says: /The connection to MySQL.* was lost.*an answer of more than|did not respond in time/,
  },
  'wide rows for ever': {
    misdeeds: question((s) => {
      s.packet(lengthOf(1000));
      for (let i = 0; i < 1000; i++) s.column(`c${i}`);
      s.end();
      const row = Array.from({ length: 1000 }, () => null);
      endless(s, () => s.row(row));
    }),
    says: /The connection to MySQL.* was lost.*an answer of more than|did not respond in time/,
  },
  'a million columns': {
    misdeeds: question((s) => {
      s.packet(lengthOf(1_000_000));
      endless(s, () => s.column('a'));
    }),
    says: /The connection to MySQL.* was lost.*too many columns/,
  },
  'more columns than there are numbers': {
    misdeeds: question((s) => s.packet(Buffer.from([0xfe, 255, 255, 255, 255, 255, 255, 255, 255]))),
    says: /The connection to MySQL.* was lost/,
  },
  'columns with the names of what objects have': {
    misdeeds: question((s) =>
      s.rows(['__proto__', 'constructor', '"];process.exit(3);//\n`${1}`'], [['a', 'b', 'c']]),
    ),
    says: lost,
  },
  'a value that is longer than its packet': {
    misdeeds: question((s) => {
      s.packet(lengthOf(1));
      s.column('a');
      s.end();
      s.packet(Buffer.from([0xfd, 255, 255, 255, 65]));
    }),
    says: silent,
  },
  'answers without end, one after the other': {
    misdeeds: question((s) => endless(s, () => s.packet(Buffer.from([0, 0, 0, 10, 0, 0, 0])))),
    says: /did not respond in time|was lost/,
  },
  'a wish for a file of this machine': {
    misdeeds: question((s) => s.packet(Buffer.from('\xfb/etc/passwd', 'latin1'))),
    says: silent,
  },
  'no rows where rows are due': { misdeeds: question((s) => s.ok()), says: /ROW-E107/ },
  'other columns than were asked for': {
    misdeeds: question((s) => s.rows(['x'], [['y'], [null]])),
    says: /ROW-E107/,
  },
  'an answer that drips': {
    misdeeds: question((s) => s.drip(Buffer.from([255, 255, 0, 1, 1, 1]))),
    says: silent,
  },
  'an error with markup and control characters': {
    misdeeds: question((s) => s.error(1146, 'no \x1b[2J<b>table</b>\n\u202e')),
    says: /An object does not exist in MySQL: no /,
  },
};

describe.runIf(process.platform === 'linux')('a hostile MySQL', () => {
  for (const [name, { misdeeds, source, says }] of Object.entries(attacks)) {
    it.concurrent(name, async () => {
      const outcome = await check(misdeeds, source);
      expect(outcome.said).toMatch(says);
      expect(outcome.code).toBe(3);
      expect(outcome.megabytes).toBeLessThan(mostMegabytes);
      expect(outcome.millis).toBeLessThan(mostMillis);
    });
  }
});
