import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { RowferryError } from '../shared/errors.js';
import { NoUnpackerError, unpackDeb } from './deb.js';
import { packageList, PackageReader, withLibraries, type IndexedFile } from './package-index.js';
import { signedText } from './signed-text.js';

/**
 * Fetches a MySQL server from Debian's packages into a folder of its own: nothing of the system is changed, no right of an
 * administrator is needed, and no script of a package runs. The libraries come along, the C library included, so any Linux
 * does. Debian's development suite is the one that has MySQL.
 */

const suite = 'sid';
const server = 'mysql-server-core';
/** The mirror that Debian runs for everybody. */
const everybodysMirror = 'https://deb.debian.org/debian';

/** What a download takes, in megabytes: for the question before it. A test holds them to what it took. */
export const trialMysqlSize = { download: 65, disk: 300 };

export interface InstallProgress {
  doing: 'downloading' | 'unpacking';
  /** Bytes, of all that is downloaded or unpacked. */
  done: number;
  total: number;
}

export interface InstallOptions {
  /** Empty or missing: the one that this machine's apt uses, else the one for everybody. */
  mirror?: string | undefined;
  signal?: AbortSignal | undefined;
  progress?: ((progress: InstallProgress) => void) | undefined;
}

/** Debian's name of this machine's architecture; undefined where its packages do not run. */
export function debianArchitecture({ platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'> = process):
  'amd64' | 'arm64' | undefined {
  if (platform !== 'linux') return undefined;
  return arch === 'x64' ? 'amd64' : arch === 'arm64' ? 'arm64' : undefined;
}

/**
 * Fills `folder`, which exists and is empty, with the server (mysqldIn starts it). When this throws or is aborted, what is
 * in the folder is of no use: the caller makes it under another name. Throws ROW-E118 with what to do, and what `signal`
 * was aborted with.
 */
export async function installMysql(folder: string, options: InstallOptions = {}): Promise<void> {
  const { signal, progress = () => {} } = options;
  const architecture = debianArchitecture();
  if (!architecture)
    throw failed(
      'A trial MySQL can be downloaded on Linux only (x64 or arm64).',
      'Use a MySQL that you have: enter its address, or start one in a container.',
    );
  const mirror = (options.mirror || debianMirror()).replace(/\/+$/, '');
  const downloads = join(folder, 'downloads');
  const root = join(folder, 'root');
  await mkdir(downloads);
  await mkdir(root);
  try {
    const from = { mirror, signal };
    const list = await readRelease(from, architecture);
    const packages = await readPackages(from, list, downloads, (done) =>
      progress({ doing: 'downloading', done, total: trialMysqlSize.download * 1e6 }),
    );
    const total = list.size + sum(packages);
    let done = list.size;
    for (const one of packages) {
      const began = done;
      await download(from, one, join(downloads, `${one.name}.deb`), (bytes) =>
        progress({ doing: 'downloading', done: began + bytes, total }),
      );
      done += one.size;
    }
    let unpacked = 0;
    for (const one of packages) {
      progress({ doing: 'unpacking', done: unpacked, total: sum(packages) });
      await unpackDeb(join(downloads, `${one.name}.deb`), root, isNeeded, signal);
      unpacked += one.size;
    }
    await rm(downloads, { recursive: true });
    mysqldIn(folder);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RowferryError) throw error;
    if (error instanceof NoUnpackerError)
      throw failed(
        'The packages cannot be unpacked: this system has neither dpkg-deb nor xz.',
        'Install xz-utils with the package manager of your system, and try again.',
      );
    throw failed(
      `The trial MySQL could not be unpacked: ${reasonOf(error)}.`,
      'Check that the disk has room, and try again.',
      error,
    );
  }
}

/** How to start the server in `folder`: a program, and the first of its arguments. Throws ROW-E118 when it is not whole. */
export function mysqldIn(folder: string): { command: string; args: string[] } {
  const root = join(folder, 'root');
  const libraries = join(root, 'usr/lib');
  const triplet = existsSync(libraries)
    ? readdirSync(libraries).find((name) => name.endsWith('-linux-gnu'))
    : undefined;
  // The packages bring their own C library, which only its own loader can use.
  const loader = ['usr/lib64', `usr/lib/${triplet}`, 'usr/lib']
    .map((place) => join(root, place))
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).map((name) => join(place, name)))
    .find((file) => /\/ld-linux[^/]*\.so\.\d$/.test(file));
  const mysqld = join(root, 'usr/sbin/mysqld');
  if (!loader || !existsSync(mysqld))
    throw failed(`The MySQL in ${folder} is not complete.`, 'Remove that folder and try again.');
  const share = join(root, 'usr/share/mysql');
  return {
    command: loader,
    args: [
      '--library-path',
      [`${root}/usr/lib/${triplet}`, `${root}/usr/lib/mysql/private`].join(':'),
      mysqld,
      '--no-defaults',
      `--basedir=${root}/usr`,
      `--lc-messages-dir=${share}`,
      `--character-sets-dir=${share}/charsets`,
    ],
  };
}

/** The server, its messages and charsets, the libraries; and the licenses of all that. */
const isNeeded = (path: string) =>
  /^usr\/(?:lib|lib64|share\/mysql)(?:\/|$)/.test(path) ||
  path === 'usr/sbin/mysqld' ||
  /^usr\/share\/doc\/[^/]+\/copyright$/.test(path);

/** Where files come from. */
export interface Origin {
  mirror: string;
  signal?: AbortSignal | undefined;
}

async function readRelease(from: Origin, architecture: string): Promise<IndexedFile> {
  const { mirror } = from;
  const { body } = await get(from, `dists/${suite}/InRelease`);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  const release = signedText(Buffer.concat(parts).toString('utf8'));
  if (release === undefined)
    throw failed(
      `The package index of ${mirror} is not signed by Debian.`,
      'Choose another mirror in the setting rowferry.trialMysql.mirror, or update Rowferry, which may not know the newest key yet.',
    );
  const list = packageList(release, suite, architecture);
  if (!list) throw hasNoMysql(from);
  return list;
}

async function readPackages(
  from: Origin,
  list: IndexedFile,
  downloads: string,
  progress: (bytes: number) => void,
) {
  const file = join(downloads, 'Packages.gz');
  await download(from, list, file, progress);
  const reader = new PackageReader((name, section) => name === server || section === 'libs');
  const text = createReadStream(file).pipe(createGunzip()).setEncoding('utf8') as AsyncIterable<string>;
  for await (const piece of text) {
    from.signal?.throwIfAborted();
    reader.take(piece);
  }
  reader.end();
  const packages = withLibraries(reader.packages, server);
  if (!packages) throw hasNoMysql(from);
  return packages;
}

/**
 * Fetches a file and keeps it only when it is, byte by byte, what the index says. Throws ROW-E118, and what the signal of
 * `from` was aborted with.
 */
export async function download(
  from: Origin,
  file: IndexedFile,
  to: string,
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  const { body } = await get(from, file.path);
  const hash = createHash('sha256');
  let received = 0;
  let isGood = false;
  const output = await open(to, 'wx');
  try {
    for await (const part of body) {
      received += part.length;
      if (received > file.size) break;
      hash.update(part);
      await output.writeFile(part);
      progress(received);
    }
    isGood = received === file.size && hash.digest('hex') === file.sha256;
  } finally {
    await output.close();
    if (!isGood) await rm(to);
  }
  if (isGood) return;
  throw failed(
    received < file.size
      ? `${file.path} is cut off.`
      : `${file.path} is not what Debian’s index says it is: its checksum differs.`,
    'Try again in a few minutes: the mirror may be in the middle of an update. If it stays so, choose another one in the setting rowferry.trialMysql.mirror.',
  );
}

/** The bytes of a file of the mirror. Throws ROW-E118 when the mirror does not give them, also in the middle. */
async function get({ mirror, signal }: Origin, path: string): Promise<{ body: AsyncIterable<Uint8Array> }> {
  const orUnreachable = (error: unknown): never => {
    signal?.throwIfAborted();
    throw failed(
      `${mirror} could not be reached: ${reasonOf(error)}.`,
      'Connect this machine to the internet and try again, or use a MySQL that you have: enter its address, or start one in a container.',
      error,
    );
  };
  let response: Response;
  try {
    response = await fetch(`${mirror}/${path}`, { signal: signal ?? null });
  } catch (error) {
    return orUnreachable(error);
  }
  if (!response.ok) return orUnreachable(new Error(`HTTP ${response.status}`));
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of response.body ?? []) yield part as Uint8Array;
    } catch (error) {
      orUnreachable(error);
    }
  }
  return { body: body() };
}

/** The mirror that apt of this machine uses, as its administrator chose it; else the one for everybody. */
export function debianMirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  for (const file of ['/etc/apt/sources.list', ...files].filter((one) => existsSync(one))) {
    const text = readFileSync(file, 'utf8').replace(/^\s*#.*$/gm, '');
    const mirror = /https?:\/\/[^\s#]+\/debian\/?(?=\s|$)/.exec(text);
    if (mirror) return mirror[0];
  }
  return everybodysMirror;
}

const sum = (files: readonly IndexedFile[]) => files.reduce((total, { size }) => total + size, 0);

function failed(message: string, remedy: string, cause?: unknown): RowferryError {
  return new RowferryError('ROW-E118', message, { remedy, cause });
}

const hasNoMysql = ({ mirror }: Origin) =>
  failed(
    `${mirror} has no MySQL for this system.`,
    'Choose another mirror in the setting rowferry.trialMysql.mirror.',
  );

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (cause instanceof Error ? cause.message || cause.name : String(cause)).replace(/\.$/, '');
}
