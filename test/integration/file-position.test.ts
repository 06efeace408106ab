import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskSnapshot } from '../../src/shared/snapshot.js';
import { startCli } from '../support/cli.js';
import { joinBinlogs } from '../support/huge-binlog.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { writeTask } from '../support/pair.js';

/** Without GTIDs a place in the binlog is a file and an offset. */
let replica: Replica;
let other: MysqlServer;
const options = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF', '--sync-binlog=0'];

beforeAll(async () => {
  [replica, other] = await Promise.all([startReplica({ args: options }), startMysql({ args: options })]);
  await replica.mysql.query('CREATE DATABASE f');
}, 120_000);
afterAll(async () => {
  await Promise.all([replica?.close(), other?.stop()]);
});

const following = (now: TaskSnapshot) => now.phase === 'incremental' && now.caughtUp;
const ids = (table: string) => replica.rows(table).map((row) => row['id']);

describe('a place by file and offset', () => {
  it('is gone on from after the engine was killed in the middle of changes', async () => {
    const { mysql, store } = replica;
    await mysql.query('CREATE TABLE f.killed (id INT PRIMARY KEY, n INT)');
    const home = join(replica.stateDir, '..');
    writeTask({ folder: home, mysql, store }, 'k', {
      objects: [{ database: 'f', tables: [{ name: 'killed' }] }],
    });
    const run = (...args: string[]) =>
      startCli(['run', 'k.rowferry.json', '--state', 'killed', '--json', ...args], {
        cwd: home,
        env: { KEY: store.accessKeyId, SECRET: store.accessKeySecret },
      });
    let n = 0;
    let on = true;
    const writing = (async () => {
      const connection = await mysql.connect();
      for (; on; n++) {
        await connection.query(
          n % 3 === 2
            ? `UPDATE f.killed SET n = n + 1 WHERE id > ${n - 50}; DELETE FROM f.killed WHERE id = ${n - 20}`
            : `INSERT INTO f.killed VALUES (${n}, 0)`,
        );
        if (n % 200 === 199) await connection.query('FLUSH BINARY LOGS');
        await delay(2);
      }
      await connection.end();
    })();
    for (let round = 0; round < 2; round++) {
      const running = run();
      await running.until(
        (line) => line['phase'] === 'incremental' && line['state'] === 'running',
        'changes',
      );
      await delay(300 + Math.random() * 700);
      process.kill(
        (JSON.parse(readFileSync(join(home, 'killed/engine.json'), 'utf8')) as { pid: number }).pid,
        'SIGKILL',
      );
      await running.ended;
    }
    on = false;
    await writing;
    const last = run('--until', 'caught-up');
    expect((await last.ended).code).toBe(0);
    const position = last.lines().findLast((line) => line['position'])!['position'];
    expect(position).toMatchObject({ file: expect.stringMatching(/^binlog\./) as string });
    expect(position).not.toHaveProperty('gtidSet');
    expect(replica.rows('killed')).toEqual(await mysql.query('SELECT id, n FROM f.killed ORDER BY id'));
    expect(n).toBeGreaterThan(50);
  }, 90_000);

  it('begins with the file: a branch that was prepared in an earlier one is in the load (rules 1 and 2)', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE f.straddled (id INT PRIMARY KEY)');
    const session = await mysql.connect();
    await session.query("XA START 'x'; INSERT INTO f.straddled VALUES (1); XA END 'x'; XA PREPARE 'x'");
    await session.end();
    await mysql.query("FLUSH BINARY LOGS; XA COMMIT 'x'; INSERT INTO f.straddled VALUES (2)");
    const task = replica.task({ objects: [{ database: 'f', tables: [{ name: 'straddled' }] }] });
    expect(await replica.run(task)).toEqual({ state: 'stopped', reached: true });
    expect(ids('straddled')).toEqual([1, 2]);
  });

  it.each(['FULL', 'MINIMAL'])(
    'begins with the file: what was altered in it before the load is loaded as it is (rule 13, %s)',
    async (metadata) => {
      const { mysql } = replica;
      const database = `before_${metadata.toLowerCase()}`;
      await mysql.query(`SET GLOBAL binlog_row_metadata = ${metadata}; CREATE DATABASE ${database}`);
      const session = await mysql.connect({ database });
      await session.query(`CREATE TABLE altered (id INT PRIMARY KEY, v INT); INSERT INTO altered VALUES (1, 1);
        ALTER TABLE altered ADD COLUMN x INT; INSERT INTO altered VALUES (2, 2, 2);
        CREATE TABLE again (id INT PRIMARY KEY, v INT); INSERT INTO again VALUES (1, 1);
        DROP TABLE again; CREATE TABLE again (id INT PRIMARY KEY, v INT); INSERT INTO again VALUES (2, 2);
        CREATE TABLE cut (id INT PRIMARY KEY, v INT); INSERT INTO cut VALUES (1, 1), (2, 2); TRUNCATE cut;
        INSERT INTO cut VALUES (3, 3);
        CREATE TABLE unseen (id INT PRIMARY KEY, v INT); INSERT INTO unseen VALUES (1, 1);
        SET sql_log_bin = 0; ALTER TABLE unseen ADD COLUMN x INT DEFAULT 5; SET sql_log_bin = 1;
        UPDATE unseen SET x = 6 WHERE id = 1; INSERT INTO unseen VALUES (2, 2, 2);
        CREATE TABLE calm (id INT PRIMARY KEY, v INT); INSERT INTO calm VALUES (1, 1)`);
      const names = ['altered', 'again', 'cut', 'unseen', 'calm'];
      const task = replica.task({
        objects: [{ database, tables: names.map((name) => ({ name, rename: `${name}_${metadata}` })) }],
      });
      await replica.start(task);
      await replica.until(task, following);
      await session.query(`UPDATE altered SET x = 3; ALTER TABLE altered ADD COLUMN y INT; INSERT INTO altered VALUES (3, 3, 3, 3);
        UPDATE unseen SET v = 7; DELETE FROM again; INSERT INTO cut VALUES (4, 4)`);
      await session.end();
      await replica.caughtUp(task);
      const { tables } = await replica.snapshot(task);
      expect(tables.filter(({ phase }) => phase !== 'incremental')).toEqual([]);
      expect(await replica.verify(task)).toMatchObject({ equal: true });
      expect(replica.rows(`unseen_${metadata}`)).toEqual([
        { id: 1, v: 7, x: 6 },
        { id: 2, v: 7, x: 2 },
      ]);
      await replica.stop(task);
    },
    60_000,
  );

  it('means nothing on another server, which a task says that runs or is started', async () => {
    await replica.mysql.query('CREATE TABLE f.moved (id INT PRIMARY KEY); INSERT INTO f.moved VALUES (1)');
    await other.query(
      'CREATE DATABASE f; CREATE TABLE f.moved (id INT PRIMARY KEY); INSERT INTO f.moved VALUES (9)',
    );
    const proxy = await TcpProxy.start(replica.mysql);
    const task = replica.task({
      source: { host: '127.0.0.1', port: proxy.port, user: 'root' },
      objects: [{ database: 'f', tables: [{ name: 'moved' }] }],
    });
    await replica.start(task);
    await replica.until(task, following);
    proxy.lead(other);
    const outcome = await replica.ended(task);
    expect(outcome).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
    expect(outcome.error!.message).toMatch(/belongs to another server/);
    expect(outcome.error!.remedy).toMatch(/anew|reset|full load/i);
    expect(await replica.run(task)).toMatchObject({ state: 'failed', error: { code: 'ROW-S104' } });
    expect(ids('moved')).toEqual([1]);
    // Back at the first server it goes on.
    proxy.lead(replica.mysql);
    await replica.mysql.query('INSERT INTO f.moved VALUES (2)');
    expect(await replica.run(task)).toEqual({ state: 'stopped', reached: true });
    expect(ids('moved')).toEqual([1, 2]);
    await proxy.stop();
  });
});

describe('a binlog file past 4 GiB', () => {
  it('is gone on in behind them, though events and the protocol have 32 bits for a place', async () => {
    const { mysql } = replica;
    await mysql.query('CREATE TABLE f.far (id INT PRIMARY KEY)');
    const files: string[] = [];
    for (const id of [1, 2, 3]) {
      await mysql.query('FLUSH BINARY LOGS');
      const [status] = await mysql.query<{ File: string }>('SHOW BINARY LOG STATUS');
      files.push(status!.File);
      await mysql.query(`INSERT INTO f.far VALUES (${id})`);
    }
    await mysql.query('FLUSH BINARY LOGS');
    const [{ folder, pidFile }] = (await mysql.query(
      'SELECT @@datadir AS folder, @@pid_file AS pidFile',
    )) as unknown as [{ folder: string; pidFile: string }];
    await mysql.query('SHUTDOWN').catch(() => undefined);
    await vi.waitFor(() => expect(existsSync(pidFile)).toBe(false), 30_000);
    const { ends } = joinBinlogs(folder, files, 2 ** 32);
    const second = ends[1]!;
    expect(second).toBeGreaterThan(2 ** 32);
    await mysql.restart();
    // The stream begins at the first event of the file, as the protocol goes no further, and passes the first two by.
    const task = replica.task({
      objects: [{ database: 'f', tables: [{ name: 'far' }] }],
      synchronization: {
        schema: true,
        full: false,
        incremental: true,
        operations: ['INSERT', 'UPDATE', 'DELETE'],
      },
      startPosition: { file: files[0], position: second },
    });
    await replica.start(task);
    await replica.until(task, following, 80_000);
    await replica.stop(task);
    expect(ids('far')).toEqual([3]);
  }, 120_000);
});
