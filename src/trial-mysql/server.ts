import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RowferryError } from '../shared/errors.js';
import { dataFolder, serverFolder } from './folder.js';
import { mysqldIn } from './install.js';

/**
 * The trial MySQL at work. Its folder holds `server/`, which installMysql filled, and `data/`. It listens on 127.0.0.1
 * only, and one account may log in from there.
 */

export const trialMysqlUser = 'root';

const logFile = (folder: string): string => join(folder, 'mysqld.log');

/** MySQL asks for this word before it runs as the administrator, which some containers are. */
const asRoot = () => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** A trial writes little: the log that changes are first written to need not take 100 MB. */
const small = ['--innodb-redo-log-capacity=16M'];

/**
 * Makes the data folder, with `password` for the one account. The password goes in by a pipe and is in no file and no
 * command line. Throws ROW-E118.
 */
export async function makeData(folder: string, password: string): Promise<void> {
  const { command, args } = mysqldIn(serverFolder(folder));
  await mkdir(dataFolder(folder), { mode: 0o700 });
  const log = openSync(logFile(folder), 'a', 0o600);
  const child = spawn(
    'sh',
    [
      '-c',
      // What Node calls a pipe is a socket, which cannot be opened by a name.
      'cat | "$0" "$@" --init-file=/dev/stdin',
      command,
      ...args,
      ...asRoot(),
      ...small,
      `--datadir=${dataFolder(folder)}`,
      '--initialize-insecure',
    ],
    { stdio: ['pipe', log, log] },
  );
  closeSync(log);
  child.stdin!.on('error', () => {});
  child.stdin!.end(
    [
      // Without look-ups of names 127.0.0.1 is not "localhost".
      `CREATE USER ${trialMysqlUser}@'127.0.0.1' IDENTIFIED BY '${password}';`,
      `GRANT ALL ON *.* TO ${trialMysqlUser}@'127.0.0.1' WITH GRANT OPTION;`,
      'DROP USER root@localhost;',
      '',
    ].join('\n'),
  );
  const code = await new Promise<number | null>((settle) =>
    child.once('error', () => settle(-1)).once('exit', settle),
  );
  if (code !== 0) throw didNotStart(folder);
}

/** The options that Rowferry asks of a source: row images whole in the binlog, and transactions with a GTID. */
const sourceOptions = [
  '--server-id=1',
  '--log-bin=binlog',
  '--binlog-format=ROW',
  '--binlog-row-image=FULL',
  '--binlog-row-metadata=FULL',
  '--gtid-mode=ON',
  '--enforce-gtid-consistency=ON',
];

/** Starts the server on a port, and returns when it answers there. Throws ROW-E118 with what its log says. */
export async function startServer(folder: string, port: number): Promise<ChildProcess> {
  const { command, args } = mysqldIn(serverFolder(folder));
  const log = openSync(logFile(folder), 'w', 0o600);
  const child = spawn(
    command,
    [
      ...args,
      ...asRoot(),
      ...small,
      `--datadir=${dataFolder(folder)}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--mysqlx=OFF',
      '--secure-file-priv=NULL',
      // Beside the data: the path of a socket may not be long.
      '--socket=mysql.sock',
      ...sourceOptions,
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  let ended = false;
  child.once('exit', () => (ended = true)).once('error', () => (ended = true));
  for (let waited = 0; !(await isMysqlAt(port)); waited += 100) {
    if (ended || waited > 60_000) {
      child.kill('SIGKILL');
      throw didNotStart(folder);
    }
    await delay(100);
  }
  return child;
}

function didNotStart(folder: string): RowferryError {
  let said: string | undefined;
  try {
    const lines = readFileSync(logFile(folder), 'utf8').split('\n');
    said = lines.filter((line) => line.includes('[ERROR]') && !line.endsWith('Aborting')).at(-1);
  } catch {
    // What it could not write is not there to be read.
  }
  return new RowferryError('ROW-E118', `The trial MySQL did not start: ${said ?? `see ${logFile(folder)}`}`, {
    remedy: 'Run “Rowferry: Remove Trial MySQL”, and try again.',
  });
}

/** Does a MySQL answer on this port of 127.0.0.1? It speaks first: a greeting says that it takes connections. */
export function isMysqlAt(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answers: boolean) => {
      socket.destroy();
      settle(answers);
    };
    socket.once('data', () => end(true));
    for (const event of ['error', 'close'] as const) socket.once(event, () => end(false));
    socket.setTimeout(2000, () => end(false));
  });
}

/** `preferred` when it is free on 127.0.0.1, else any port that is. */
export function freePort(preferred = 0): Promise<number> {
  return new Promise((settle, fail) => {
    const probe = createServer();
    probe.once('error', (error) => (preferred === 0 ? fail(error) : settle(freePort())));
    probe.listen(preferred, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => settle(port));
    });
  });
}
