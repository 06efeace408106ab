import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEngine, type EngineConnection } from '../../src/engine/ipc/client.js';
import {
  startLocalTablestore,
  type LocalTablestore,
  type LocalTablestoreOptions,
} from '../../src/local-tablestore/index.js';
import { cliScript } from './cli.js';
import { startMysql, type MysqlServer } from './mysql-server.js';

/** A MySQL, an embedded Tablestore and a folder for tasks and state: what the command line and the engine work on. */
export interface Pair {
  readonly mysql: MysqlServer;
  readonly store: LocalTablestore;
  readonly folder: string;
  /** The store's keys, as the task files name them. */
  readonly env: Record<string, string>;
  /** An engine of its own process on the state folder "state", started when there is none. */
  engine(): Promise<EngineConnection>;
  close(): Promise<void>;
}

/** The data of the store lies in the folder "data", unless `store` says otherwise. */
export async function startPair(
  options: {
    mysql?: Parameters<typeof startMysql>[0];
    store?: Partial<LocalTablestoreOptions>;
  } = {},
): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-pair-'));
  const script = cliScript();
  const [mysql, store] = await Promise.all([
    startMysql(options.mysql),
    startLocalTablestore({ data: join(folder, 'data'), ...options.store }),
  ]);
  return {
    mysql,
    store,
    folder,
    env: { KEY: store.accessKeyId, SECRET: store.accessKeySecret },
    engine: () =>
      ensureEngine({
        stateDir: join(folder, 'state'),
        engineScript: join(script, '../node/engine.mjs'),
        kind: 'cli',
      }),
    async close() {
      await store.close();
      await mysql.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** NAME.rowferry.json in `folder`, between these two, with the keys as variables. Resolves to its name. */
export function writeTask(
  { folder, mysql, store }: Pick<Pair, 'folder'> & { mysql: { port: number }; store: { url: string } },
  name: string,
  task: Record<string, unknown>,
): string {
  const file = `${name}.rowferry.json`;
  const whole = {
    source: { host: '127.0.0.1', port: mysql.port, user: 'root' },
    destination: {
      endpoint: store.url,
      instance: 'local',
      accessKeyId: '${env:KEY}',
      accessKeySecret: '${env:SECRET}',
    },
    ...task,
  };
  writeFileSync(join(folder, file), JSON.stringify(whole, null, 2));
  return file;
}
