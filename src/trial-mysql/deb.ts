import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { ArchiveError, unpackTar } from './tar.js';

/**
 * A Debian package is an `ar` archive; one of its members is the tar of its files, compressed by xz. Node has no xz, so a
 * program of the system takes that off: Debian's own where it is, else `xz`, which other systems have.
 */

/** No program is there that could unpack a package. */
export class NoUnpackerError extends Error {}

/**
 * Unpacks the files whose path passes into `folder`. Scripts of a package are never run. Throws ArchiveError for a package
 * that is not whole or would write elsewhere, NoUnpackerError, and what aborts `signal`.
 */
export async function unpackDeb(
  file: string,
  folder: string,
  wanted: (path: string) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const child = (await withProgram(['dpkg-deb', '--fsys-tarfile', file])) ?? (await xzOf(file));
  if (!child) throw new NoUnpackerError('Neither dpkg-deb nor xz is installed');
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  try {
    signal?.throwIfAborted();
    await unpackTar(child.stdout, folder, wanted);
    if ((await ended) !== 0) throw new ArchiveError(`The package is damaged: ${file}`);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
    // A pipe that nobody reads would keep its end from being seen.
    child.stdout.destroy();
    await ended;
  }
}

async function xzOf(file: string) {
  const { start, end } = await dataMember(file);
  const child = await withProgram(['xz', '-dc']);
  if (!child) return undefined;
  // A program that ended early has closed its side; its exit code says so.
  child.stdin.on('error', () => {});
  createReadStream(file, { start, end }).pipe(child.stdin);
  return child;
}

/** The running program; undefined when it is not installed. */
async function withProgram([program = '', ...args]: string[]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  return new Promise<typeof child | undefined>((settle, fail) => {
    child.once('spawn', () => settle(child));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') settle(undefined);
      else fail(error);
    });
  });
}

/** Where the compressed tar lies in the file: first and last byte. */
async function dataMember(file: string): Promise<{ start: number; end: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(60);
    for (let at = 8; at + 60 <= size;) {
      await handle.read(head, 0, 60, at);
      const name = head.toString('latin1', 0, 16).trim().replace(/\/$/, '');
      const length = Number(head.toString('latin1', 48, 58).trim());
      if (head.toString('latin1', 58, 60) !== '`\n' || !Number.isSafeInteger(length) || length < 0) break;
      if (at + 60 + length > size) break;
      if (name === 'data.tar.xz') return { start: at + 60, end: at + 60 + length - 1 };
      at += 60 + length + (length % 2);
    }
    throw new ArchiveError(`The package is damaged: ${file}`);
  } finally {
    await handle.close();
  }
}
