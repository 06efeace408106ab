import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource, type SourceConnection } from '../../src/mysql/connection.js';
import { acquireLock } from '../../src/mysql/lock.js';
import { assertAvailable, endPosition, safeStartPosition } from '../../src/mysql/position.js';
import { watchRetention } from '../../src/sync/source/retention-watch.js';
import { Recorder, settingsOf } from '../support/binlog-recorder.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';

const gtidOff = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

describe.each([
  { name: 'with GTID', gtid: true },
  { name: 'without GTID', gtid: false },
])('positions $name', ({ gtid }) => {
  let server: MysqlServer;
  let source: SourceConnection;

  beforeAll(async () => {
    server = await startMysql({ gtid, args: gtid ? [] : gtidOff });
    source = await connectSource(settingsOf(server));
    await server.query('CREATE DATABASE test');
    await server.query('CREATE TABLE test.t (id INT PRIMARY KEY)');
  }, 120_000);
  afterAll(async () => {
    await source?.close();
    await server?.stop();
  });

  it('a safe start loses no commit that a snapshot does not show yet', async () => {
    await server.query('SET GLOBAL binlog_group_commit_sync_delay = 1000000');
    const before = await endPosition(source);
    const client = await server.connect();
    const committing = client.query('INSERT INTO test.t VALUES (1)');
    // The server counts the commit, and no read sees it: the reported end would lose the row.
    let end = before;
    while (end.offset === before.offset) end = await endPosition(source);
    const start = await safeStartPosition(source);
    expect(await source.query('SELECT * FROM test.t')).toEqual([]);
    await committing;
    client.destroy();
    await server.query('SET GLOBAL binlog_group_commit_sync_delay = 0');
    const recorder = new Recorder(settingsOf(server), start);
    await recorder.until(() => recorder.rows().length === 1);
    await recorder.stream.stop();
    expect(start).toEqual(
      gtid
        ? { gtidSet: before.gtidSet, serverUuid: before.serverUuid }
        : { file: before.file, offset: 4, serverUuid: before.serverUuid },
    );
  });

  it('are available until they are not', async () => {
    const start = await safeStartPosition(source);
    await assertAvailable(source, start);
    await assertAvailable(source, await endPosition(source));
    const beyond = gtid
      ? { gtidSet: start.gtidSet!.replace(/-\d+$/, '-999999') }
      : { ...start, offset: 1_000_000_000 };
    await expect(assertAvailable(source, beyond)).rejects.toMatchObject({
      code: 'ROW-S104',
    });
    const unknown = gtid
      ? { gtidSet: `${start.gtidSet},3e11fa47-71ca-11e1-9e33-c80aa9429562:1` }
      : { ...start, file: 'binlog.999999' };
    await expect(assertAvailable(source, unknown)).rejects.toMatchObject({
      code: gtid ? 'ROW-S107' : 'ROW-S104',
    });
  });

  it('rule 6: one that is purged during the load is seen, and only then', async () => {
    const start = await safeStartPosition(source);
    const stop = new AbortController();
    const told: string[] = [];
    const watching = watchRetention(
      settingsOf(server),
      start,
      ({ code }) => told.push(code),
      stop.signal,
      50,
    );
    // Several looks, and none tells.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(told).toEqual([]);
    await server.query('INSERT INTO test.t VALUES (60); FLUSH BINARY LOGS; FLUSH BINARY LOGS');
    const { file } = await endPosition(source);
    await server.query(`PURGE BINARY LOGS TO '${file}'`);
    await watching;
    expect(told).toEqual(['ROW-S104']);
    stop.abort();
  });
});

describe('the lock', () => {
  let server: MysqlServer;
  beforeAll(async () => {
    server = await startMysql();
  }, 120_000);
  afterAll(() => server?.stop());

  it('lets one task write a table of a destination, whatever else it writes', async () => {
    const settings = settingsOf(server);
    const never = (): void => {
      throw new Error('the lock was not lost');
    };
    const first = await acquireLock(settings, 'https://one', ['a', 'b'], never);
    await expect(acquireLock(settings, 'https://one', ['c', 'b'], never)).rejects.toMatchObject({
      code: 'ROW-E101',
    });
    const other = await acquireLock(settings, 'https://two', ['a', 'b'], never);
    const beside = await acquireLock(settings, 'https://one', ['c'], never);
    await expect(beside.extend(['d', 'a'])).rejects.toMatchObject({ code: 'ROW-E101' });
    await beside.release();
    await first.release();
    const again = await acquireLock(settings, 'https://one', ['a', 'b'], never);
    expect([first.held, other.held, again.held]).toEqual([false, true, true]);
    await other.release();
    await again.release();
  });

  it('is fresh only while this process runs', async () => {
    const lock = await acquireLock(settingsOf(server), 'https://four', ['a'], () => undefined);
    expect(lock.isFresh()).toBe(true);
    await lock.confirmed();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    expect(lock.isFresh()).toBe(false);
    await lock.confirmed();
    expect(lock.isFresh()).toBe(true);
    await lock.release();
    expect(lock.isFresh()).toBe(false);
  });

  it('says so when its session ends', async () => {
    let lost = 0;
    let resolve: () => void;
    const told = new Promise<void>((done) => (resolve = done));
    const lock = await acquireLock(settingsOf(server), 'https://three', ['a'], () => {
      lost++;
      resolve();
    });
    const rows = await server.query<{ id: number }>(
      "SELECT PROCESSLIST_ID AS id FROM performance_schema.metadata_locks JOIN performance_schema.threads ON OWNER_THREAD_ID = THREAD_ID WHERE OBJECT_TYPE = 'USER LEVEL LOCK'",
    );
    await server.query(`KILL ${rows[0]!.id}`);
    await told;
    expect([lock.held, lost, lock.isFresh()]).toEqual([false, 1, false]);
    await expect(lock.confirmed()).rejects.toMatchObject({ code: 'ROW-S107' });
  });
});
