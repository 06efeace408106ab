// Starts and stops a MySQL server of ours: its own data folder, loopback only, root without a password.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { cached, SetupError } from './cache.mjs';
import { findMysqld } from './mysql-install.mjs';

/** Options of a source that a replica can resume from by GTID. */
export const gtidOptions = ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'];

/**
 * Fills an empty data folder (from a template that is made once per version) and starts mysqld on it. Resolves
 * when the server answers; rejects with SetupError and the end of its log when it does not.
 * @param {{ dataFolder: string, port: number, options?: string[], detached?: boolean,
 *   say?: (text: string) => void }} settings `detached`: it outlives this process
 */
export async function launchMysql({ dataFolder, port, options = [], detached = false, say }) {
  const mysqld = await findMysqld(say);
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  mkdirSync(dataFolder, { recursive: true });
  await mustBeFree(dataFolder, port);
  if (readdirSync(dataFolder).length === 0) {
    // A data folder keeps to this one from its beginning.
    const fixed = options.filter((one) => one.startsWith('--lower-case-table-names='));
    const kind = fixed.map((one) => `-case-${one.at(-1)}`).join('');
    const template = await cached(`mysql-data-${mysqld.version}${kind}`, (folder) =>
      finished(
        spawn(
          mysqld.command,
          [...mysqld.args, ...asRoot, ...fixed, '--initialize-insecure', `--datadir=${folder}/data`],
          { stdio: ['ignore', 'ignore', 'pipe'] },
        ),
      ),
    );
    cpSync(path.join(template, 'data'), dataFolder, {
      recursive: true,
      filter: (file) => !file.endsWith('auto.cnf'),
    });
  }
  const log = path.join(dataFolder, 'mysqld.log');
  const socket = process.platform === 'win32' ? [] : ['--socket=mysql.sock'];
  const child = spawn(
    mysqld.command,
    [
      ...mysqld.args,
      ...asRoot,
      `--datadir=${dataFolder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--mysqlx=OFF',
      '--secure-file-priv=',
      ...socket,
      ...options,
    ],
    { stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')], detached },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  let gone = false;
  void exited.then(() => (gone = true));
  for (let waited = 0; !(await answers(port)); waited += 100) {
    if (gone || waited > 60_000) {
      child.kill('SIGKILL');
      const lines = existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => /\[ERROR\]/.test(line) && !/Aborting$/.test(line))
        : [];
      throw new SetupError(`MySQL did not start on port ${port}: ${lines.at(-1) ?? `see ${log}`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (detached) child.unref();
  return { child, exited, version: mysqld.version, log };
}

/** A port of the loopback interface that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Another server on the port would answer in the place of ours; one on the folder would keep it for minutes. */
async function mustBeFree(dataFolder, port) {
  await new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject).listen(port, '127.0.0.1', () => probe.close(resolve));
  }).catch((error) => {
    const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
    throw new SetupError(`Port ${port} ${reason}: choose another one.`);
  });
  const lock = path.join(dataFolder, 'mysql.sock.lock');
  const pid = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
  if (pid > 0 && isAlive(pid))
    throw new SetupError(`${dataFolder} is in use by another MySQL (process ${pid}): choose another folder.`);
}

/** A number that another program has got meanwhile does not count. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const command = `/proc/${pid}/cmdline`;
  return !existsSync(command) || readFileSync(command, 'utf8').includes('mysqld');
}

/** MySQL speaks first: a greeting means that it takes connections. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    const done = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    socket
      .once('data', () => done(true))
      .once('error', () => done(false))
      .once('close', () => done(false));
    socket.setTimeout(2000, () => done(false));
  });
}

function finished(child) {
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = text.split('\n').findLast((line) => line.includes('[ERROR]')) ?? complaint;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new SetupError(`mysqld could not make its data folder (${code ?? signal}): ${complaint}`));
    });
  });
}
