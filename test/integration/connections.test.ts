import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { standardTiming } from '../../src/sync/base/timing.js';
import { precheck, noHistory } from '../../src/sync/precheck/index.js';
import { sessionCounts } from '../../src/sync/source/session-count.js';
import { startReplica, type Replica } from '../support/replica.js';

/** What a task takes of the connections of its source: counted beforehand, held to, and said where it finds no room (E4). */

let replica: Replica;

beforeAll(async () => {
  replica = await startReplica();
  await replica.mysql.query(`CREATE DATABASE c;
    CREATE TABLE c.big (id INT PRIMARY KEY, v INT, t VARCHAR(2000));
    INSERT INTO c.big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i, REPEAT('x', 1000) FROM n;
    CREATE TABLE c.small (id INT PRIMARY KEY, v INT); INSERT INTO c.small VALUES (1, 1); ANALYZE TABLE c.big`);
}, 60_000);
afterEach(() => void Object.assign(replica.timing, structuredClone(standardTiming)));
afterAll(() => replica?.close());

/** An account of its own for each test, since what is counted is the account's. */
async function account(user: string, options = ''): Promise<void> {
  await replica.mysql.query(`CREATE USER ${user} IDENTIFIED BY 'x' ${options}; GRANT SELECT ON c.* TO ${user};
    GRANT CREATE, INSERT, DELETE, UPDATE, SELECT ON rowferry.* TO ${user};
    GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${user}`);
}
const limitTo = (user: string, most: number) =>
  replica.mysql.query(`ALTER USER ${user} WITH MAX_USER_CONNECTIONS ${most}`);

function task(user: string, more: Record<string, unknown> = {}): ResolvedTask {
  return replica.task({
    source: { host: '127.0.0.1', port: replica.mysql.port, user, password: 'x' },
    objects: [{ database: 'c', renameTables: { prefix: `${user}_` } }],
    ...more,
  });
}

/** The most sessions that the server has counted for an account, looked at all the time. */
function counting(user: string) {
  let most = 0;
  let isOver = false;
  const over = (async () => {
    const root = await replica.mysql.connect();
    while (!isOver) {
      const [rows] = await root.query(
        `SELECT CURRENT_CONNECTIONS AS n FROM performance_schema.accounts WHERE USER = '${user}'`,
      );
      most = Math.max(most, ...(rows as { n: number }[]).map(({ n }) => Number(n)));
    }
    await root.end();
  })();
  return {
    get most() {
      return most;
    },
    async stop() {
      isOver = true;
      await over;
      return most;
    },
  };
}

const checkOf = async (one: ResolvedTask, id: string) =>
  (await precheck(one, noHistory)).results.find((result) => result.id === id)!;

describe('the sessions of a task are as many as it declares', () => {
  it('in the load, with a strain limit and the look at the place where the stream begins', async () => {
    await account('loads');
    Object.assign(replica.timing, { startWatchMs: 5, chunk: { bytes: 1, leastRows: 30, mostRows: 30 } });
    const one = task('loads', {
      write: { threads: 3 },
      throttle: { full: { rowsPerSecond: 200, maxThreadsRunning: 1000 } },
    });
    const counted = counting('loads');
    await replica.start(one, { until: 'full' });
    await replica.ended(one);
    expect(await counted.stop()).toBe(sessionCounts(one).load);
    expect(sessionCounts(one)).toMatchObject({ load: 7 });
  });

  it('in the load, where MySQL cannot evaluate the filter on some rows', async () => {
    await account('asks');
    Object.assign(replica.timing, { startWatchMs: 5, chunk: { bytes: 1, leastRows: 100, mostRows: 100 } });
    const one = task('asks', {
      write: { threads: 2 },
      objects: [
        { database: 'c', tables: [{ name: 'big', rename: 'asked', filter: 'POW(v, 200) > 1 OR v > 0' }] },
      ],
      throttle: { full: { rowsPerSecond: 200 } },
      dirtyData: 'skip',
    });
    const counted = counting('asks');
    await replica.start(one, { until: 'full' });
    await replica.ended(one);
    expect(await counted.stop()).toBe(sessionCounts(one).load);
  });

  it('while it follows: changes, look-ups, filters, a heartbeat, the audit, and a statement about a table', async () => {
    await account('follows');
    await replica.mysql.query(
      'CREATE TABLE c.asked (id INT PRIMARY KEY, name VARCHAR(20), v INT); INSERT INTO c.asked VALUES (1, "anna", 1)',
    );
    replica.timing.audit = { ...replica.timing.audit, restMs: 0, lookMs: 10, knownMs: 100 };
    const one = task('follows', {
      objects: [
        {
          database: 'c',
          tables: [
            { name: 'big', rename: 'follows_big' },
            { name: 'asked', rename: 'follows_asked', filter: "name REGEXP '^a'" },
          ],
        },
      ],
      heartbeat: 'table',
      audit: { rowsPerSecond: 5000, repair: false },
      write: { threads: 1 },
    });
    const counted = counting('follows');
    await replica.start(one);
    await replica.until(one, (s) => s.phase === 'incremental' && s.caughtUp);
    const session = await replica.mysql.connect();
    await session.query("SET SESSION binlog_row_image = 'MINIMAL', binlog_row_value_options = ''");
    const { follow } = sessionCounts(one);
    const deadline = Date.now() + 25_000;
    // A charset that no column had before is looked up when a definition first needs it.
    const charsets = [
      'cp1250',
      'cp1251',
      'cp1257',
      'latin2',
      'latin5',
      'latin7',
      'greek',
      'hebrew',
      'koi8r',
      'cp850',
      'cp852',
      'cp866',
      'macroman',
      'macce',
      'sjis',
      'euckr',
      'gbk',
      'big5',
    ];
    for (let i = 1; counted.most < follow && Date.now() < deadline; i++) {
      await session.query(`UPDATE c.big SET v = v + 1 WHERE id = ${1 + (i % 900)}`);
      await replica.mysql.query(`UPDATE c.asked SET v = v + 1`);
      const charset = i % 10 === 0 ? charsets.shift() : undefined;
      if (charset)
        await replica.mysql.query(`ALTER TABLE c.asked ADD COLUMN c${i} VARCHAR(5) CHARACTER SET ${charset}`);
      await delay(20);
    }
    await session.end();
    await replica.caughtUp(one);
    await replica.stop(one);
    const most = await counted.stop();
    expect(most).toBe(follow);
  });

  it('and of a verification beside it', async () => {
    await account('verified');
    const one = task('verified', {
      objects: [{ database: 'c', tables: [{ name: 'big', rename: 'verified_big' }] }],
    });
    await replica.start(one);
    await replica.until(one, (s) => s.phase === 'incremental' && s.caughtUp);
    const counted = counting('verified');
    await expect.poll(() => counted.most).toBeGreaterThanOrEqual(4);
    const before = counted.most;
    // Rows that only a repair puts right.
    await replica.mysql.query('SET sql_log_bin = 0; UPDATE c.big SET v = -v; SET sql_log_bin = 1');
    expect(await replica.verify(one, { repair: true })).toMatchObject({ repaired: 900 });
    const { follow, verify } = sessionCounts(one);
    const most = await counted.stop();
    expect(most - before).toBeLessThanOrEqual(verify);
    expect(most).toBeLessThanOrEqual(follow + verify);
    await replica.stop(one);
  });

  it('and of tables that are loaded beside the stream, however many are', async () => {
    await account('joined');
    Object.assign(replica.timing, { chunk: { bytes: 1, leastRows: 20, mostRows: 20 } });
    const names = ['j1', 'j2', 'j3', 'j4', 'j5', 'j6'];
    for (const name of names) {
      await replica.mysql.query(`CREATE TABLE c.${name} (id INT PRIMARY KEY, v INT);
        INSERT INTO c.${name} SELECT id, v FROM c.big LIMIT 100`);
    }
    const one = task('joined', {
      objects: [{ database: 'c', tables: names.map((name) => ({ name })) }],
      ddl: { onChange: 'reload' },
    });
    await replica.start(one);
    await replica.until(one, (s) => s.phase === 'incremental' && s.caughtUp);
    const counted = counting('joined');
    for (const name of names)
      await replica.mysql.query(`ALTER TABLE c.${name} MODIFY v BIGINT, ADD COLUMN w INT DEFAULT 5`);
    await replica.caughtUp(one);
    await replica.until(one, (s) => s.tables.every(({ phase }) => phase === 'incremental'));
    for (const name of names) expect(replica.rows(name)[0]).toMatchObject({ w: 5 });
    const { follow, joining } = sessionCounts(one);
    expect(await counted.stop()).toBeLessThanOrEqual(follow + joining);
    await replica.stop(one);
  });
});

describe('the precheck', () => {
  it.each([1, 2, 3, 4, 5])(
    'with MAX_USER_CONNECTIONS %i says how many are needed, and what to do',
    async (limit) => {
      await account(`short${limit}`, `WITH MAX_USER_CONNECTIONS ${limit}`);
      const one = task(`short${limit}`);
      const { needed, follow, verify } = sessionCounts(one);
      const check = await checkOf(one, 'source-connections');
      expect(check).toMatchObject({
        status: 'fail',
        actual: `The task needs ${needed} connections; the account allows ${limit} (MAX_USER_CONNECTIONS).`,
        sql: `ALTER USER 'short${limit}'@'%' WITH MAX_USER_CONNECTIONS ${needed + verify};`,
      });
      expect(limit < follow).toBe(!check.fix.includes('threads'));
      await replica.mysql.query(check.sql!);
      expect(await checkOf(one, 'source-connections')).toMatchObject({ status: 'pass' });
    },
  );

  it('names the settings that would do, and with them the task runs in the room that there is', async () => {
    await account('tight');
    const wide = task('tight', { write: { threads: 8 } });
    const { follow } = sessionCounts(wide);
    await limitTo('tight', follow);
    const check = await checkOf(wide, 'source-connections');
    const threads = Number(/"threads": (\d+)/.exec(check.fix)?.[1]);
    expect(threads).toBeGreaterThanOrEqual(1);
    replica.timing.chunk = { bytes: 1, leastRows: 50, mostRows: 50 };
    const one = task('tight', { write: { threads } });
    expect(await checkOf(one, 'source-connections')).toMatchObject({ status: 'pass' });
    const refusals: unknown[] = [];
    await replica.start(one, { until: 'caught-up' });
    const watching = replica.until(one, (s) => {
      if (s.retry) refusals.push(s.retry.error);
      return !['starting', 'running', 'retrying', 'stopping'].includes(s.state);
    });
    expect(await replica.ended(one)).toMatchObject({ state: 'stopped', reached: true });
    await watching;
    expect(refusals).toEqual([]);
  });

  it('knows the limits of the server, what is open now, and limits by the hour', async () => {
    const { mysql } = replica;
    await account('everyone');
    const one = task('everyone');
    const { needed } = sessionCounts(one);
    await mysql.query('SET GLOBAL max_user_connections = 3');
    try {
      expect(await checkOf(one, 'source-connections')).toMatchObject({
        status: 'fail',
        actual: `The task needs ${needed} connections; the account allows 3 (max_user_connections).`,
      });
    } finally {
      await mysql.query('SET GLOBAL max_user_connections = 0');
    }
    expect(await checkOf(one, 'source-connections')).toMatchObject({
      status: 'pass',
      actual: `the task needs ${needed} connections; the server allows 151 (max_connections)`,
    });
    await limitTo('everyone', needed);
    const others = await Promise.all([1, 2].map(() => mysql.connect({ user: 'everyone', password: 'x' })));
    expect(await checkOf(one, 'source-room')).toMatchObject({
      status: 'warning',
      actual: `The task needs ${needed} connections; the account has 2 of ${needed} (MAX_USER_CONNECTIONS) open.`,
    });
    for (const other of others) await other.end();
    await mysql.query('SET GLOBAL max_connections = 9');
    try {
      expect(await checkOf(one, 'source-room')).toMatchObject({
        status: 'warning',
        actual: expect.stringMatching(/of 9 \(max_connections\) are open/) as string,
      });
    } finally {
      await mysql.query('SET GLOBAL max_connections = 151');
    }
    expect(await checkOf(one, 'source-room')).toMatchObject({ status: 'pass' });
    await mysql.query('ALTER USER everyone WITH MAX_QUERIES_PER_HOUR 5000');
    expect(await checkOf(one, 'source-room')).toMatchObject({
      status: 'warning',
      actual: 'The account has an hourly limit: MAX_QUERIES_PER_HOUR 5000.',
      sql: "ALTER USER 'everyone'@'%' WITH MAX_QUERIES_PER_HOUR 0;",
    });
  });
});

describe('a task that is refused for want of room says so while it waits, and goes on by itself', () => {
  async function following(user: string, more: Record<string, unknown> = {}): Promise<ResolvedTask> {
    await account(user);
    const one = task(user, {
      objects: [{ database: 'c', tables: [{ name: 'small', rename: user }] }],
      ...more,
    });
    await replica.start(one);
    await replica.until(one, (s) => s.phase === 'incremental' && s.caughtUp);
    return one;
  }
  let next = 10;
  async function endSessions(user: string): Promise<void> {
    const rows = await replica.mysql.query<{ id: number }>(
      `SELECT ID AS id FROM performance_schema.processlist WHERE USER = '${user}'`,
    );
    for (const { id } of rows) await replica.mysql.query(`KILL ${id}`).catch(() => undefined);
  }
  const said = (one: ResolvedTask, reason: RegExp) =>
    replica.until(
      one,
      (s) =>
        s.state === 'retrying' && s.retry?.error.code === 'ROW-S114' && reason.test(s.retry.error.message),
    );
  /** It stays said: parts that go on do not hide it. */
  async function staysSaid(one: ResolvedTask): Promise<void> {
    for (let i = 0; i < 30; i++) {
      expect((await replica.snapshot(one)).retry?.error.code).toBe('ROW-S114');
      await delay(100);
    }
  }
  async function goesOn(one: ResolvedTask, user: string): Promise<void> {
    const id = next++;
    await replica.mysql.query(`INSERT INTO c.small VALUES (${id}, ${id})`);
    await replica.until(one, (s) => s.state === 'running' && s.caughtUp && !s.retry, 40_000);
    await replica.caughtUp(one);
    expect(replica.rows(user).map((row) => row['id'])).toContain(id);
    await replica.stop(one);
  }

  it.each([1, 2, 3])('MAX_USER_CONNECTIONS %i, while following', async (limit) => {
    const user = `cut${limit}`;
    const one = await following(user);
    await limitTo(user, limit);
    await endSessions(user);
    await said(one, /max_user_connections/);
    await staysSaid(one);
    await limitTo(user, 0);
    await goesOn(one, user);
  });

  it.each([2, 3])('MAX_USER_CONNECTIONS %i, when it is started again', async (limit) => {
    const user = `again${limit}`;
    const one = await following(user);
    await replica.stop(one);
    await limitTo(user, limit);
    await replica.start(one);
    await said(one, /max_user_connections/);
    await staysSaid(one);
    await limitTo(user, 0);
    await goesOn(one, user);
  });

  it('max_user_connections of the server, in the load', async () => {
    await account('loading');
    replica.timing.chunk = { bytes: 1, leastRows: 20, mostRows: 20 };
    const one = task('loading', {
      objects: [{ database: 'c', tables: [{ name: 'big', rename: 'loading' }] }],
      throttle: { full: { rowsPerSecond: 100 } },
    });
    await replica.start(one);
    await replica.until(one, (s) => s.rows.full > 0);
    await replica.mysql.query('SET GLOBAL max_user_connections = 2');
    try {
      await said(one, /max_user_connections/);
    } finally {
      await replica.mysql.query('SET GLOBAL max_user_connections = 0');
    }
    await replica.until(one, (s) => s.phase === 'incremental' && s.caughtUp, 60_000);
    expect(replica.rows('loading')).toHaveLength(900);
    await replica.stop(one);
  }, 90_000);

  it('max_connections of the server', async () => {
    const { mysql } = replica;
    const one = await following('crowded');
    await account('crowd');
    await mysql.query('SET GLOBAL max_connections = 10');
    await endSessions('crowded');
    const crowd = [];
    try {
      for (;;) crowd.push(await mysql.connect({ user: 'crowd', password: 'x' }));
    } catch {
      // It is full.
    }
    try {
      await endSessions('crowded');
      for (;;) crowd.push(await mysql.connect({ user: 'crowd', password: 'x' }));
    } catch {
      // And has taken what the task had.
    }
    await said(one, /Too many connections/);
    await mysql.query('SET GLOBAL max_connections = 151');
    for (const other of crowd) await other.end();
    await goesOn(one, 'crowded');
  });

  it('a limit by the hour', async () => {
    const one = await following('hourly');
    await replica.mysql.query('ALTER USER hourly WITH MAX_QUERIES_PER_HOUR 1');
    await endSessions('hourly');
    await said(one, /max_questions/);
    await replica.mysql.query('ALTER USER hourly WITH MAX_QUERIES_PER_HOUR 0');
    await goesOn(one, 'hourly');
  });

  it('and a verification beside it is refused with the reason', async () => {
    const one = await following('beside');
    await limitTo('beside', 4);
    await endSessions('beside');
    await replica.until(one, (s) => s.state === 'running' && s.caughtUp && !s.retry, 40_000);
    await expect(replica.verify(one)).rejects.toMatchObject({ code: 'ROW-S114' });
    await limitTo('beside', 0);
    expect(await replica.verify(one)).toMatchObject({ equal: true });
    await replica.stop(one);
  });
});
