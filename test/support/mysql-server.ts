import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import mysql from 'mysql2/promise';
import { freePort, gtidOptions, launchMysql } from './mysql-process.mjs';

/** A real MySQL for one test file, on a data folder of its own. */
export interface MysqlServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** mysql://user@host:port */
  readonly url: string;
  /** Runs a statement as root with sql_mode='' in UTC; rows or the result header. */
  query<T = Record<string, unknown>>(sql: string, params?: unknown[]): Promise<T[]>;
  /** A further connection as root. */
  connect(options?: mysql.ConnectionOptions): Promise<mysql.Connection>;
  /** Ends the server at once and deletes its data. */
  stop(): Promise<void>;
  /** SIGKILL; restart() brings it back on the same data and port. */
  kill(): Promise<void>;
  restart(options?: string[]): Promise<void>;
  /** Ends the server in order; what is done to its data folder then is there at restart(). */
  shutDown(): Promise<void>;
  readonly dataFolder: string;
  /** Of the process that runs now. */
  readonly pid: number;
}

/**
 * Without options a plain MySQL 9 with its defaults; `gtid` turns GTIDs on; `args` are further options of mysqld. `data`:
 * the data folder of a server that is shut down, to begin with a copy of it.
 */
export async function startMysql(
  options: { gtid?: boolean; args?: string[]; port?: number; data?: string } = {},
): Promise<MysqlServer> {
  const home = mkdtempSync(path.join(tmpdir(), 'rowferry-mysql-'));
  const dataFolder = path.join(home, 'data');
  if (options.data !== undefined) copyData(options.data, dataFolder);
  const port = options.port ?? (await freePort());
  const standing = [...(options.gtid ? gtidOptions : []), ...(options.args ?? [])];
  let server = await launchMysql({ dataFolder, port, options: standing });
  let root: mysql.Connection | undefined;
  const killAtExit = () => server.child.kill('SIGKILL');
  process.once('exit', killAtExit);

  const connect = (more: mysql.ConnectionOptions = {}) =>
    mysql.createConnection({
      host: '127.0.0.1',
      port,
      user: 'root',
      multipleStatements: true,
      dateStrings: true,
      supportBigNumbers: true,
      ...more,
    });
  const end = async (signal: NodeJS.Signals) => {
    root?.destroy();
    root = undefined;
    server.child.kill(signal);
    await server.exited;
  };
  return {
    host: '127.0.0.1',
    port,
    user: 'root',
    url: `mysql://root@127.0.0.1:${port}`,
    connect,
    async query(sql, params) {
      if (!root) {
        root = await connect();
        root.on('error', () => (root = undefined));
        await root.query("SET SESSION sql_mode = '', time_zone = '+00:00'");
      }
      const [rows] = await root.query(sql, params);
      return rows as never;
    },
    async stop() {
      process.removeListener('exit', killAtExit);
      await end('SIGKILL');
      rmSync(home, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    shutDown: () => end('SIGTERM'),
    dataFolder,
    get pid() {
      return server.child.pid!;
    },
    async restart(more = []) {
      if (server.child.exitCode === null && server.child.signalCode === null) await end('SIGTERM');
      server = await launchMysql({ dataFolder, port, options: [...standing, ...more] });
    },
  };
}

/** A copy of the data folder of a server that is shut down, binlogs and server_uuid included. */
export function copyData(from: string, to: string): void {
  const isOwn = (file: string) => /\.(sock|lock|pid|log)$/.test(file);
  cpSync(from, to, { recursive: true, filter: (file) => !isOwn(file) });
}
