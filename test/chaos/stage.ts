import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chance } from '../support/chance.js';
import { startMysql, type MysqlServer } from '../support/mysql-server.js';
import { writeTask } from '../support/pair.js';
import { mapped, schema } from './shop.js';
import { Task } from './task.js';
import { TablestoreProcess } from './tablestore-process.js';

/** What the chaos happens to: a shop, a Tablestore in a process of its own, and three tasks. */
export interface Stage {
  readonly mysql: MysqlServer;
  readonly store: TablestoreProcess;
  readonly folder: string;
  readonly first: Task;
  /** Writes the same tables as the first, from a state of its own: whoever has the lock. */
  readonly rival: Task;
  /** Follows the same source into tables of its own. */
  readonly second: Task;
  /** The state folder of the second task is a disk of its own, which can be filled. */
  readonly hasOwnDisk: boolean;
  readonly description: string;
  endSessions(user: string): Promise<void>;
  close(): Promise<void>;
}

/** Before the names of the second task's tables in Tablestore. */
export const second = 'second_';
export const diskMegabytes = 128;

/**
 * `tables`: so many small ones besides the shop, in the database "many", for the second task; `mapped`: the first task has
 * filters, other keys, types and names.
 */
export async function setStage(options: {
  seed: number;
  chance: Chance;
  mapped: boolean;
  tables: number;
}): Promise<Stage> {
  const { seed, chance } = options;
  const gtid = chance.of([true, true, false]);
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-chaos-'));
  const mysql = await startMysql({
    gtid,
    args: [
      ...(gtid ? [] : ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF']),
      `--binlog-row-metadata=${chance.of(['MINIMAL', 'FULL'])}`,
      '--innodb-flush-log-at-trx-commit=1',
      '--sync-binlog=1',
    ],
  });
  const store = await TablestoreProcess.start(folder);
  await mysql.query(schema);
  await makeTables(mysql, options.tables);
  const shop = { database: 'shop', exclude: ['_logs*', 'logs_old'] };
  const settings = {
    dirtyData: 'skip',
    conflict: 'ignore',
    ddl: { truncate: 'delete', onChange: 'reload' },
    write: {
      mode: chance.of(['put-row', 'update-row']),
      batch: chance.of(['bulk-import', 'batch-write']),
      buckets: chance.of([1, 3, 10]),
    },
  };
  // An account for each task: so its sessions are told apart.
  const task = async (name: string, objects: unknown[]) => {
    await mysql.query(`CREATE USER ${name} IDENTIFIED BY 'chaos'; GRANT ALL ON *.* TO ${name}`);
    const file = writeTask({ folder, mysql, store }, name, {
      ...settings,
      id: `t-${name}-${seed}`,
      name,
      objects,
      source: { host: '127.0.0.1', port: mysql.port, user: name, password: 'chaos' },
      destination: {
        endpoint: store.url,
        instance: 'local',
        accessKeyId: '${env:KEY}',
        accessKeySecret: '${env:SECRET}',
        tableLimit: 10_000,
      },
    });
    return new Task(name, file, folder, { KEY: store.accessKeyId, SECRET: store.accessKeySecret });
  };
  const whole = options.mapped ? mapped : [shop];
  const renameTables = { prefix: second };
  const first = await task('first', whole);
  const rival = await task('rival', whole);
  const beside = await task('second', [
    { ...shop, renameTables },
    ...(options.tables > 0 ? [{ database: 'many', renameTables }] : []),
  ]);
  const disk = mountDisk(beside.state);
  return {
    mysql,
    store,
    folder,
    first,
    rival,
    second: beside,
    hasOwnDisk: disk !== undefined,
    description: `GTID ${gtid ? 'on' : 'off'} · ${settings.write.mode}, ${settings.write.batch}, ${settings.write.buckets} buckets`,
    async endSessions(user) {
      const sessions = await mysql.query<{ id: number }>(
        `SELECT id FROM information_schema.processlist WHERE user = '${user}'`,
      );
      for (const { id } of sessions) await mysql.query(`KILL ${id}`).catch(() => undefined);
    },
    async close() {
      for (const one of [first, rival, beside]) await one.killEngine();
      await store.end();
      await mysql.stop();
      disk?.();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function makeTables(mysql: MysqlServer, count: number): Promise<void> {
  if (count === 0) return;
  await mysql.query('CREATE DATABASE many');
  for (const name of manyTables(count))
    await mysql.query(
      `CREATE TABLE many.${name} (id INT PRIMARY KEY, v INT); INSERT INTO many.${name} VALUES (1, 1), (2, 2), (3, 3)`,
    );
}

export const manyTables = (count: number): string[] => Array.from({ length: count }, (_, n) => `small_${n}`);

/** Makes the folder a small disk where this account may mount one; gives what takes it away. */
function mountDisk(folder: string): (() => void) | undefined {
  mkdirSync(folder, { mode: 0o700 });
  if (process.platform !== 'linux') return undefined;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=0700`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  const unmount = () => execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
  process.once('exit', unmount);
  return () => {
    process.removeListener('exit', unmount);
    unmount();
  };
}
