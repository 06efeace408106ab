import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startMysql } from '../support/mysql-server.js';
import { startReplica } from '../support/replica.js';

/** Two real MySQLs, real replication: the source dies, its replica takes over, and the task goes on by GTID. */
it('a source that is switched over loses nothing, by its list of hosts and by a changed host', async () => {
  const [first, second] = await Promise.all([
    startReplica({ gtid: true, args: ['--server-id=1'] }),
    startMysql({ gtid: true, args: ['--server-id=2'] }),
  ]);
  try {
    const { mysql } = first;
    await mysql.query(`
      CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1);
      CREATE USER repl@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'`);
    await second.query(`
      CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${mysql.port}, SOURCE_USER='repl',
        SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1;
      START REPLICA`);
    const objects = [{ database: 'shop' }];
    const source = { host: '127.0.0.1', port: mysql.port, user: 'root' };
    const listed = first.task({
      objects,
      source: { ...source, hosts: [`127.0.0.1:${second.port}`] },
    });
    const moved = first.task({
      objects: [{ database: 'shop', tables: [{ name: 't', rename: 'moved' }] }],
      source,
    });
    for (const task of [listed, moved]) {
      await first.start(task, {});
      await first.until(task, (now) => now.phase === 'incremental' && now.caughtUp, 30_000);
    }
    await first.stop(moved);
    await mysql.query('INSERT INTO shop.t VALUES (2), (3)');
    const [{ executed }] = (await mysql.query('SELECT @@gtid_executed AS executed')) as unknown as [
      { executed: string },
    ];
    await second.query(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${executed}', 30)`);
    await mysql.kill();
    await second.query('STOP REPLICA');
    await second.query('INSERT INTO shop.t VALUES (4); DELETE FROM shop.t WHERE id = 1');
    const ids = (table: string) => first.rows(table).map((row) => row['id']);
    for (let i = 0; String(ids('t')) !== '2,3,4' && i < 300; i++) await delay(100);
    expect(ids('t')).toEqual([2, 3, 4]);
    const elsewhere = {
      ...moved,
      source: { ...moved.source, port: second.port },
    };
    expect(await first.run(elsewhere)).toEqual({ state: 'stopped' });
    expect(ids('moved')).toEqual([2, 3, 4]);
    const { position } = await first.snapshot(listed);
    expect(position!.gtidSet!.split(',')).toHaveLength(2);
  } finally {
    await first.close();
    await second.stop();
  }
}, 120_000);
