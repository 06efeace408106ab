import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSource } from '../../src/mysql/connection.js';
import { assertAvailable, endPosition, hasReached, safeStartPosition } from '../../src/mysql/position.js';
import type { SourcePosition } from '../../src/shared/position.js';
import { Recorder, settingsOf } from '../support/binlog-recorder.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const gtidOff = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

async function ask<T>(
  server: MysqlServer,
  what: (source: Awaited<ReturnType<typeof connectSource>>) => Promise<T>,
): Promise<T> {
  const source = await connectSource(settingsOf(server));
  try {
    return await what(source);
  } finally {
    await source.close();
  }
}

describe.each([
  { name: 'with GTID', gtid: true },
  { name: 'without GTID', gtid: false },
])('a stream that breaks, $name', ({ gtid }) => {
  let server: MysqlServer;

  beforeAll(async () => {
    server = await startMysql({ gtid, args: gtid ? [] : gtidOff });
    await server.query('CREATE DATABASE test');
    await server.query('CREATE TABLE test.t (id INT PRIMARY KEY, v VARCHAR(1000))');
  }, 120_000);
  afterAll(() => server?.stop());

  const ids = (recorder: Recorder): number[] =>
    recorder.rows('t').map((row) => (row.after![0] as Buffer).readInt32LE(0));

  /** Only what was committed: the rows of a transaction that broke off come again, whole. */
  function committedIds(recorder: Recorder): number[] {
    const last = recorder.events.findLastIndex((event) => event.what === 'commit');
    return recorder.events
      .slice(0, last + 1)
      .flatMap((event) => (event.what === 'row' ? [(event.after![0] as Buffer).readInt32LE(0)] : []));
  }

  it('goes on where it was after the server was killed and started again', async () => {
    await server.query('DELETE FROM test.t');
    const start = await ask(server, endPosition);
    const first = new Recorder(settingsOf(server), start);
    for (let i = 1; i <= 50; i++) await server.query('INSERT INTO test.t VALUES (?, ?)', [i, 'x'.repeat(90)]);
    await first.until(() => first.rows().length >= 20);
    await server.kill();
    await first.running;
    expect(first.ended?.error).toMatchObject({ code: 'ROW-S107' });
    await server.restart();
    const second = new Recorder(settingsOf(server), first.stream.position);
    await server.query("INSERT INTO test.t VALUES (51, 'after')");
    await second.until(() => ids(second).includes(51));
    await second.stream.stop();
    expect([...committedIds(first), ...ids(second)]).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
  }, 40_000);

  it('delivers a transaction again, whole, when the dump was killed in its middle', async () => {
    await server.query('DELETE FROM test.t');
    const start = await ask(server, endPosition);
    const first = new Recorder(settingsOf(server), start);
    let rows = 0;
    first.onRow = () => {
      if (++rows === 2000) first.stream.pause();
    };
    await server.query('SET SESSION cte_max_recursion_depth = 100000');
    await server.query(
      "INSERT INTO test.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i, REPEAT('y', 1000) FROM n",
    );
    await first.until(() => rows >= 2000);
    const dumps = await server.query<{ id: number }>(
      "SELECT PROCESSLIST_ID AS id FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%'",
    );
    for (const { id } of dumps) await server.query(`KILL ${id}`);
    first.stream.resume();
    await first.running;
    expect(first.ended?.error).toMatchObject({ code: 'ROW-S107' });
    expect(committedIds(first)).toEqual([]);
    expect(first.stream.position.gtidSet ?? first.stream.position.offset).toEqual(
      start.gtidSet ?? start.offset,
    );
    const goal = await ask(server, endPosition);
    const second = new Recorder(settingsOf(server), first.stream.position);
    await second.until(() => hasReached(second.stream.position, goal));
    await second.stream.stop();
    expect(ids(second)).toEqual(Array.from({ length: 30000 }, (_, i) => i + 1));
  }, 40_000);

  it('sees a link that fell silent', async () => {
    const proxy = await TcpProxy.start(server);
    const start = await ask(server, endPosition);
    const recorder = new Recorder(settingsOf({ host: '127.0.0.1', port: proxy.port }), start, 'test', 1);
    await recorder.until(() => recorder.events.some((event) => event.what === 'heartbeat'));
    proxy.freeze();
    const frozenAt = Date.now();
    await recorder.running;
    expect(recorder.ended?.error).toMatchObject({ code: 'ROW-S107' });
    expect(Date.now() - frozenAt).toBeLessThan(8000);
    await proxy.stop();
  }, 30_000);

  it('leaves other readers with the same server_id alone', async () => {
    const start = await ask(server, endPosition);
    const settings = settingsOf(server, { serverId: 4711 });
    const one = new Recorder(settings, start, 'test', 1);
    const two = new Recorder(settings, start, 'test', 1);
    for (const recorder of [one, two]) {
      await recorder.until(() => recorder.events.filter((event) => event.what === 'heartbeat').length >= 2);
    }
    expect([one.ended, two.ended]).toEqual([null, null]);
    await one.stream.stop();
    await two.stream.stop();
  }, 30_000);

  it('says that a position was purged, in the check and in the stream', async () => {
    const start = await ask(server, safeStartPosition);
    const before =
      start.gtidSet === undefined ? start : { ...start, gtidSet: start.gtidSet.replace(/-\d+$/, '') };
    await server.query("INSERT INTO test.t VALUES (100000, 'x')");
    await server.query('FLUSH BINARY LOGS');
    const { file } = await ask(server, endPosition);
    await server.query(`PURGE BINARY LOGS TO '${file}'`);
    await expect(ask(server, (source) => assertAvailable(source, before))).rejects.toMatchObject({
      code: 'ROW-S104',
    });
    const recorder = new Recorder(settingsOf(server), before);
    await recorder.running;
    expect(recorder.ended?.error).toMatchObject({
      code: 'ROW-S104',
      message: expect.stringContaining('purged'),
    });
  });

  it('says that the numbering was reset, however far it has come since', async () => {
    await server.query('RESET BINARY LOGS AND GTIDS');
    await server.query("REPLACE INTO test.t VALUES (100001, 'x')");
    const start = await ask(server, endPosition);
    const recorder = new Recorder(settingsOf(server), start);
    await server.query("REPLACE INTO test.t VALUES (100002, 'x')");
    await recorder.until(() => recorder.rows().length === 1);
    await recorder.stream.stop();
    const seen = recorder.stream.position;
    // A second later, since a file's creation is known to the second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await server.query('RESET BINARY LOGS AND GTIDS');
    await server.query("REPLACE INTO test.t VALUES (100003, 'x')");
    const early = new Recorder(settingsOf(server), seen);
    await early.running;
    expect(early.ended?.error).toMatchObject({ code: 'ROW-S104' });
    if (gtid) return;
    for (let i = 0; i < 20; i++) await server.query("REPLACE INTO test.t VALUES (100004, REPEAT('x', 90))");
    const late = new Recorder(settingsOf(server), seen);
    await late.running;
    expect(late.ended?.error).toMatchObject({ code: 'ROW-S104', message: expect.stringContaining('reset') });
  }, 30_000);

  it('refuses another server’s file position', async () => {
    const start = await ask(server, endPosition);
    const other: SourcePosition = {
      file: start.file!,
      offset: start.offset!,
      serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562',
    };
    const recorder = new Recorder(settingsOf(server), other);
    await recorder.running;
    expect(recorder.ended?.error).toMatchObject({ code: 'ROW-S104' });
  });

  it('names what the account lacks', async () => {
    await server.query("CREATE USER reader@localhost IDENTIFIED BY 'secret'");
    await server.query('GRANT SELECT, REPLICATION CLIENT ON *.* TO reader@localhost');
    const start = await ask(server, endPosition);
    const recorder = new Recorder(settingsOf(server, { user: 'reader', password: 'secret' }), start);
    await recorder.running;
    expect(recorder.ended?.error).toMatchObject({ code: 'ROW-S103' });
  });
});

describe('a source that is switched over', () => {
  it('goes on by GTID on the next of its hosts', async () => {
    const source = await startMysql({ gtid: true, args: ['--server-id=1'] });
    const replica = await startMysql({ gtid: true, args: ['--server-id=2'] });
    try {
      await source.query('CREATE DATABASE test');
      await source.query('CREATE TABLE test.t (id INT PRIMARY KEY)');
      await source.query("CREATE USER repl@'%' IDENTIFIED BY 'r'");
      await source.query("GRANT REPLICATION SLAVE ON *.* TO repl@'%'");
      await replica.query(
        `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${source.port}, SOURCE_USER='repl',
         SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1`,
      );
      await replica.query('START REPLICA');
      const settings = settingsOf(source, { hosts: [`127.0.0.1:${replica.port}`] });
      const first = new Recorder(settings, await ask(source, safeStartPosition));
      await source.query('INSERT INTO test.t VALUES (1), (2)');
      await first.until(() => first.rows().length === 2);
      const goal = await ask(source, endPosition);
      for (let i = 0; !hasReached(await ask(replica, endPosition), goal); i++) {
        if (i > 100) throw new Error('the replica does not follow');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await source.kill();
      await first.running;
      await replica.query('STOP REPLICA');
      await replica.query('INSERT INTO test.t VALUES (3)');
      const second = new Recorder(settings, first.stream.position);
      await second.until(() => second.rows().length === 1);
      await second.stream.stop();
      const id = second.rows()[0]!.after![0] as Buffer;
      expect(id.readInt32LE(0)).toBe(3);
      expect(second.stream.position.gtidSet!.split(',')).toHaveLength(2);
    } finally {
      await source.stop();
      await replica.stop();
    }
  }, 60_000);
});
