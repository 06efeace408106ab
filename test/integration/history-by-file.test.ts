import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { copyData, startMysql } from '../support/mysql-server.js';
import { startReplica, type Replica } from '../support/replica.js';
import { creationOf, setCreation } from '../support/same-creation.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Whose binlog is this, where transactions have no numbers? The same file and offset may be another's. */
const options = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];
const another = { state: 'failed', error: { code: 'ROW-S104' } };
const goesOn = { state: 'stopped', reached: true };

let replica: Replica;
beforeAll(async () => {
  replica = await startReplica({ args: options });
  await replica.mysql.query('CREATE DATABASE o');
}, 120_000);
afterAll(() => replica?.close());

type Server = Pick<Replica['mysql'], 'query' | 'dataFolder'>;
/** Each is a transaction of its own, and as long as the others. */
const insert = async (server: Server, table: string, from: number, count: number, value = 'x') => {
  for (let id = from; id < from + count; id++)
    await server.query(`INSERT INTO o.${table} VALUES (${id}, '${value}')`);
};
const make = (table: string) =>
  replica.mysql.query(`CREATE TABLE o.${table} (id INT PRIMARY KEY, v VARCHAR(9))`);
const taskOf = (table: string, more: Record<string, unknown> = {}): ResolvedTask =>
  replica.task({ objects: [{ database: 'o', tables: [{ name: table }] }], ...more });
const currentFile = async (server: Server) => {
  const [status] = await server.query<{ File: string }>('SHOW BINARY LOG STATUS');
  return status!.File;
};
const fileOf = async (server: Server) => path.join(server.dataFolder, await currentFile(server));

describe('the history of a source without GTIDs', () => {
  it('rule 1: a reset whose transactions come to the same places is seen, with rows applied and without', async () => {
    for (const [applied, value] of [
      [0, 'x'],
      [3, 'x'],
      // No event begins where the last transaction stood.
      [3, 'another'],
    ] as const) {
      const table = `reset_${applied}_${value}`;
      const { mysql } = replica;
      await make(table);
      await mysql.query('RESET BINARY LOGS AND GTIDS');
      await insert(mysql, table, 100, 5);
      const task = taskOf(table);
      expect(await replica.run(task)).toEqual(goesOn);
      await insert(mysql, table, 200, applied);
      if (applied) expect(await replica.run(task)).toEqual(goesOn);
      const file = await fileOf(mysql);
      const created = creationOf(file);
      await mysql.query('RESET BINARY LOGS AND GTIDS');
      await insert(mysql, table, 500, 40, value);
      // A reset within a second of the file's creation.
      await mysql.shutDown();
      setCreation(file, created);
      await mysql.restart();
      const outcome = await replica.run(task);
      expect(outcome).toMatchObject(another);
      expect(outcome.error!.message).toMatch(/reset, or the data was restored or cloned/);
      expect(outcome.error!.remedy).toMatch(/rowferry reset/);
    }
  });

  it('rule 1: a reset during the load, before the stream has ever begun, is seen', async () => {
    const { mysql } = replica;
    await mysql.query('FLUSH BINARY LOGS');
    await make('early');
    await insert(mysql, 'early', 100, 5);
    const task = taskOf('early');
    expect(await replica.run(task, { until: 'full' })).toMatchObject({ state: 'stopped' });
    const file = await currentFile(mysql);
    const created = creationOf(await fileOf(mysql));
    await vi.waitUntil(() => Date.now() / 1000 > created + 1);
    await mysql.query('RESET BINARY LOGS AND GTIDS');
    while ((await currentFile(mysql)) !== file) await mysql.query('FLUSH BINARY LOGS');
    await insert(mysql, 'early', 500, 40);
    expect(await replica.run(task)).toMatchObject(another);
  });

  it('rule 1: a clone and a restored backup are seen, at the same place of a file made at the same moment', async () => {
    const { mysql } = replica;
    await make('cloned');
    await insert(mysql, 'cloned', 100, 5);
    const backup = `${mysql.dataFolder}-backup`;
    const proxy = await TcpProxy.start(mysql);
    const task = taskOf('cloned', { source: { host: '127.0.0.1', port: proxy.port, user: 'root' } });
    expect(await replica.run(task)).toEqual(goesOn);
    await mysql.shutDown();
    copyData(mysql.dataFolder, backup);
    await mysql.restart();
    const clone = await startMysql({ args: options, data: backup });
    try {
      await insert(mysql, 'cloned', 200, 5);
      expect(await replica.run(task)).toEqual(goesOn);
      await insert(mysql, 'cloned', 300, 1);
      const file = await currentFile(mysql);
      const created = creationOf(await fileOf(mysql));

      await insert(clone, 'cloned', 500, 40);
      expect(await currentFile(clone)).toBe(file);
      await clone.shutDown();
      setCreation(path.join(clone.dataFolder, file), created);
      await clone.restart();
      proxy.lead(clone);
      expect(await replica.run(task)).toMatchObject(another);

      // Back at its own server it goes on, until the backup takes that one's place.
      proxy.lead(mysql);
      expect(await replica.run(task)).toEqual(goesOn);
      expect(replica.rows('cloned')).toHaveLength(11);
      await mysql.shutDown();
      rmSync(mysql.dataFolder, { recursive: true });
      copyData(backup, mysql.dataFolder);
      await mysql.restart();
      await insert(mysql, 'cloned', 500, 40);
      await mysql.shutDown();
      setCreation(path.join(mysql.dataFolder, file), created);
      await mysql.restart();
      expect(await replica.run(task)).toMatchObject(another);
      expect(replica.rows('cloned')).toHaveLength(11);
    } finally {
      await Promise.all([clone.stop(), proxy.stop()]);
      rmSync(backup, { recursive: true });
    }
  });

  it('goes on whatever the last transaction was, after rotations, a purge, a restart and a crash', async () => {
    const { mysql } = replica;
    await make('lives');
    const task = taskOf('lives');
    const rows = async () => {
      expect(await replica.run(task)).toEqual(goesOn);
      // Once more with nothing new: at the place of the last transaction, and behind a rotation.
      expect(await replica.run(task)).toEqual(goesOn);
      expect(replica.rows('lives').map(({ id }) => id)).toEqual(
        (await mysql.query<{ id: number }>('SELECT id FROM o.lives ORDER BY id')).map(({ id }) => id),
      );
    };
    let id = 0;
    const one = () => mysql.query(`INSERT INTO o.lives VALUES (${++id}, 'x')`);
    const steps: (() => Promise<unknown>)[] = [
      one,
      () => mysql.query('CREATE TABLE o.other (id INT)'),
      async () => {
        const session = await mysql.connect();
        await session.query(
          `XA START 'x'; INSERT INTO o.lives VALUES (${++id}, 'x'); XA END 'x'; XA PREPARE 'x'`,
        );
        await session.end();
      },
      () => mysql.query("XA COMMIT 'x'"),
      () =>
        mysql.query(`SET SESSION binlog_transaction_compression = ON; INSERT INTO o.lives VALUES (${++id}, 'x');
          SET SESSION binlog_transaction_compression = OFF`),
      () =>
        mysql.query(
          `BEGIN; INSERT INTO o.lives VALUES (${++id}, 'x'); SAVEPOINT s; DELETE FROM o.lives; ROLLBACK TO s; COMMIT`,
        ),
      () => mysql.query('FLUSH BINARY LOGS'),
      one,
      () => mysql.query('FLUSH BINARY LOGS'),
      async () => mysql.query(`PURGE BINARY LOGS TO '${await currentFile(mysql)}'`),
      one,
      () => mysql.restart(),
      one,
      () => mysql.query('SET GLOBAL binlog_checksum = NONE'),
      one,
      one,
      async () => {
        await mysql.kill();
        await mysql.restart();
      },
      one,
    ];
    for (const step of steps) {
      await step();
      await rows();
    }
    // The file of the place itself is purged: that is said as before.
    const place = (await replica.snapshot(task)).position!.file!;
    await mysql.query('FLUSH BINARY LOGS');
    await mysql.query(`PURGE BINARY LOGS TO '${await currentFile(mysql)}'`);
    const outcome = await replica.run(task);
    expect(outcome).toMatchObject(another);
    expect(outcome.error!.message).toContain(`${place} was purged`);
  }, 60_000);

  it('goes on while gtid_mode is switched on and off, and still sees a reset', async () => {
    const { mysql } = replica;
    await make('switched');
    const task = taskOf('switched');
    let id = 100;
    const step = async (mode: string, run = true) => {
      await mysql.query(`SET GLOBAL gtid_mode = ${mode}`);
      await insert(mysql, 'switched', id, 2);
      id += 2;
      if (!run) return;
      expect(await replica.run(task)).toEqual(goesOn);
      expect(replica.rows('switched')).toHaveLength(id - 100);
    };
    expect(await replica.run(task)).toEqual(goesOn);
    await mysql.query('SET GLOBAL enforce_gtid_consistency = ON');
    for (const mode of ['OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON', 'ON_PERMISSIVE', 'OFF_PERMISSIVE', 'OFF'])
      await step(mode);
    // One that began by GTID, with steps while it rests.
    await step('OFF_PERMISSIVE');
    await step('ON_PERMISSIVE');
    await step('ON');
    const begun = taskOf('switched', { capitalization: 'upper' });
    expect(await replica.run(begun)).toEqual(goesOn);
    expect((await replica.snapshot(begun)).position).toHaveProperty('gtidSet');
    await insert(mysql, 'switched', id, 2);
    id += 2;
    expect(await replica.run(begun)).toEqual(goesOn);
    for (const mode of ['ON_PERMISSIVE', 'OFF_PERMISSIVE']) await step(mode, false);
    await mysql.query('SET GLOBAL gtid_mode = OFF');
    // MySQL itself sends no transaction with a GTID any more.
    for (const one of [task, begun]) {
      const outcome = await replica.run(one);
      expect(outcome).toMatchObject({ state: 'failed', error: { code: 'ROW-S109' } });
      expect(outcome.error!.message).toContain('GTID_MODE = OFF');
    }
    await mysql.query('SET GLOBAL gtid_mode = OFF_PERMISSIVE');
    for (const one of [task, begun]) expect(await replica.run(one)).toEqual(goesOn);
    expect(replica.rows('switched')).toHaveLength(id - 100);
    expect(replica.rows('SWITCHED')).toHaveLength(id - 100);
    for (const mode of ['OFF', 'OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON', 'ON_PERMISSIVE']) {
      await mysql.query(`SET GLOBAL gtid_mode = ${mode}`);
      expect(await replica.run(task)).toEqual(goesOn);
    }
    await mysql.query('RESET BINARY LOGS AND GTIDS');
    await insert(mysql, 'switched', 500, 99);
    for (const one of [task, begun]) expect(await replica.run(one)).toMatchObject(another);
  }, 60_000);
});
