// Finds or fetches a MySQL server. Runs on Node 20.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cached, SetupError } from './cache.mjs';
import { repository } from './node.mjs';

const run = promisify(execFile);

/**
 * How to start a mysqld: `command` and the first `args`, to which a data folder and options are added. Order: one
 * on PATH, the one in the cache, Debian's packages, npm's mysql-memory-server. Throws SetupError when none is had.
 * @returns {Promise<{ command: string, args: string[], version: string }>}
 */
export async function findMysqld(say = (text) => console.error(text)) {
  const onPath = await mysqldOnPath();
  if (onPath) return onPath;
  const problems = [];
  if (process.platform === 'linux') {
    try {
      return await fromDebian(say);
    } catch (error) {
      problems.push(firstLine(error));
    }
  }
  try {
    return await fromMemoryServer(say);
  } catch (error) {
    problems.push(firstLine(error));
  }
  throw new SetupError(
    `No MySQL could be had (${problems.join('; ')}). Install MySQL 8 or later so that mysqld is on the PATH, or check that Debian's packages can be downloaded.`,
  );
}

const firstLine = (error) =>
  String(error.stderr || error.message || error)
    .trim()
    .split('\n')[0];

async function mysqldOnPath() {
  try {
    const { stdout } = await run('mysqld', ['--version']);
    const version = /Ver (\d+)\.(\d+\.\d+)/.exec(stdout);
    if (!version || Number(version[1]) < 8 || /MariaDB/i.test(stdout)) return undefined;
    return { command: 'mysqld', args: ['--no-defaults'], version: `${version[1]}.${version[2]}` };
  } catch {
    return undefined;
  }
}

/** Debian 12 has MariaDB only; that of its development suite is unpacked beside the system, as the product does it. */
async function fromDebian(say) {
  const { installMysql, mysqldIn } = await trialMysql();
  const home = await cached('mysql-sid', async (folder) => {
    say('Downloading MySQL from Debian (65 MB, once) …');
    await installMysql(folder);
  });
  const { command, args } = mysqldIn(home);
  const version = /Ver (\S+?)[\s-]/.exec(
    spawnSync(command, [...args, '--version'], { encoding: 'utf8' }).stdout,
  )?.[1];
  if (!version) throw new SetupError(`The MySQL in ${home} does not start: delete that folder and try again`);
  return { command, args, version };
}

let module;

/** The product's own code, which is not built yet when this is needed. */
function trialMysql() {
  module ??= import('esbuild').then(async ({ build }) => {
    const { outputFiles } = await build({
      entryPoints: [path.join(repository, 'src/trial-mysql/install.ts')],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  });
  return module;
}

/** Downloads a server for macOS, Windows and other Linux systems, and tells where its binary is. */
async function fromMemoryServer(say) {
  const { createDB } = await import('mysql-memory-server');
  say('Looking for a MySQL by mysql-memory-server (it may download one, once) …');
  const database = await createDB({ version: '>=8.4.0', logLevel: 'ERROR' });
  const { default: mysql } = await import('mysql2/promise');
  const connection = await mysql.createConnection({ port: database.port, user: database.username });
  const [[{ basedir }]] = await connection.query('SELECT @@basedir AS basedir');
  await connection.end();
  await database.stop();
  const command = path.join(basedir, 'bin', process.platform === 'win32' ? 'mysqld.exe' : 'mysqld');
  if (!existsSync(command)) throw new SetupError('mysql-memory-server has no mysqld to start');
  return { command, args: ['--no-defaults', `--basedir=${basedir}`], version: database.mysql.version };
}
