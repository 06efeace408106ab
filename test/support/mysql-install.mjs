// Finds or fetches a MySQL server. Built-ins of Node 20 only: this runs before anything is installed.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cached, SetupError } from './cache.mjs';

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
  if (process.platform === 'linux' && existsSync('/usr/bin/apt-get')) {
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

/** Debian 12 has MariaDB only; sid's mysql-server-core is unpacked beside the system and run by its own loader. */
async function fromDebian(say) {
  const home = await cached('mysql-sid', async (folder) => {
    say('Downloading MySQL from Debian (60 MB, once) …');
    for (const part of ['lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(path.join(folder, part), { recursive: true });
    writeFileSync(path.join(folder, 'status'), '');
    writeFileSync(path.join(folder, 'sources.list'), `deb ${keyring()}${debianMirror()} sid main\n`);
    const options = [
      `Dir::Etc::sourcelist=${folder}/sources.list`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::Lists=${folder}/lists`,
      `Dir::Cache=${folder}/cache`,
      `Dir::State::status=${folder}/status`,
      'APT::Sandbox::User=',
      'Debug::NoLocking=1',
    ].flatMap((option) => ['-o', option]);
    const quiet = {
      maxBuffer: 2 ** 26,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    };
    await run('apt-get', [...options, '-qq', 'update'], quiet);
    await run(
      'apt-get',
      [...options, '-qq', '-y', '--no-install-recommends', '--download-only', 'install', 'mysql-server-core'],
      quiet,
    );
    const archives = path.join(folder, 'cache/archives');
    for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', path.join(archives, file), path.join(folder, 'root')]);
    }
    rmSync(path.join(folder, 'cache'), { recursive: true, force: true });
    rmSync(path.join(folder, 'lists'), { recursive: true, force: true });
  });
  const root = path.join(home, 'root');
  const triplet = readdirSync(path.join(root, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'));
  const loaders = ['usr/lib64', `usr/lib/${triplet}`, 'usr/lib'].map((place) => path.join(root, place));
  const loader = loaders
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).map((name) => path.join(place, name)))
    .find((file) => /\/ld-linux[^/]*\.so\.\d$/.test(file));
  if (!triplet || !loader)
    throw new SetupError(`The MySQL in ${home} is not complete: delete that folder and try again`);
  const share = path.join(root, 'usr/share/mysql');
  const args = [
    '--library-path',
    [`${root}/usr/lib/${triplet}`, `${root}/usr/lib/mysql/private`].join(':'),
    `${root}/usr/sbin/mysqld`,
    '--no-defaults',
    `--basedir=${root}/usr`,
    `--lc-messages-dir=${share}`,
    `--character-sets-dir=${share}/charsets`,
  ];
  const version = /Ver (\S+?)[\s-]/.exec(
    spawnSync(loader, [...args, '--version'], { encoding: 'utf8' }).stdout,
  )?.[1];
  if (!version) throw new SetupError(`The MySQL in ${home} does not start: delete that folder and try again`);
  return { command: loader, args, version };
}

/** The mirror that this machine's own apt uses. */
function debianMirror() {
  for (const text of aptSources()) {
    const mirror = /https?:\/\/[^\s#]+\/debian\/?(?=\s|$)/m.exec(text.replace(/^#.*$/gm, ''));
    if (mirror) return mirror[0];
  }
  throw new SetupError('apt on this machine names no Debian mirror');
}

function keyring() {
  const file = '/usr/share/keyrings/debian-archive-keyring.gpg';
  return existsSync(file) ? `[signed-by=${file}] ` : '';
}

function aptSources() {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  return ['/etc/apt/sources.list', ...files]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
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
