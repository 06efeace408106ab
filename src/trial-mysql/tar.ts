import { constants } from 'node:fs';
import { chmod, link, lstat, mkdir, open, rm, symlink } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** Unpacks the tar of a Debian package: what GNU tar writes. Nothing of it lands outside of the folder. */

const block = 512;

/** An archive that is not whole, or would write where it may not. */
export class ArchiveError extends Error {}

/** Reads so many bytes and no more from chunks of any size. */
class Bytes {
  #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Up to `limit` bytes, as they come; throws when there are none. */
  async some(limit: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new ArchiveError('The archive is cut off');
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Reads on to the end: who writes it can only end then. */
  async drain(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.some(left)).length;
  }
}

/**
 * Unpacks into `folder` the entries whose path (`usr/sbin/mysqld`) passes. The owner becomes whoever unpacks, no right is
 * given to others but to read. Throws ArchiveError when an entry would leave the folder, by its name, by a link or through
 * one; is of a kind that no program needs; or when the archive is not whole.
 */
export async function unpackTar(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  wanted: (path: string) => boolean,
): Promise<void> {
  const bytes = new Bytes(source);
  let longName: string | undefined;
  let longTarget: string | undefined;
  for (;;) {
    const header = await bytes.exactly(block);
    if (header.every((byte) => byte === 0)) return bytes.drain();
    const size = number(header, 124, 12);
    if (sumOf(header) !== number(header, 148, 8)) throw new ArchiveError('The archive is damaged');
    const kind = String.fromCharCode(header[156]!);
    const padding = (block - (size % block)) % block;
    if (kind === 'L' || kind === 'K') {
      // A name over 100 bytes comes as the contents of an entry before its own.
      if (size > 4096) throw new ArchiveError('The archive is damaged');
      const name = text(await bytes.exactly(size), 0, size);
      if (kind === 'L') longName = name;
      else longTarget = name;
      await bytes.skip(padding);
      continue;
    }
    const path = inside(longName ?? text(header, 0, 100));
    const target = longTarget ?? text(header, 157, 100);
    longName = longTarget = undefined;
    if (path === '.' || !wanted(path)) {
      await bytes.skip(size + padding);
      continue;
    }
    const place = join(folder, path);
    await makeFolder(folder, kind === '5' ? path : posix.dirname(path));
    if (kind === '5') continue;
    await rm(place, { force: true });
    switch (kind) {
      case '0':
      case '\0':
        await writeEntry(bytes, place, size, (number(header, 100, 8) & 0o755) | 0o600);
        await bytes.skip(padding);
        break;
      case '1':
        await makeFolder(folder, posix.dirname(inside(target)));
        if (!(await lstat(join(folder, inside(target)))).isFile())
          throw new ArchiveError(`The archive links ${path} to what is no file`);
        await link(join(folder, inside(target)), place);
        break;
      case '2':
        inside(posix.isAbsolute(target) ? target : posix.join(posix.dirname(path), target));
        await symlink(target, place);
        break;
      default:
        throw new ArchiveError(`The archive has an entry that is no file: ${path}`);
    }
  }
}

async function writeEntry(bytes: Bytes, place: string, size: number, mode: number): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const file = await open(place, O_CREAT | O_EXCL | O_WRONLY, 0o600);
  try {
    for (let left = size; left > 0;) {
      const part = await bytes.some(left);
      await file.writeFile(part);
      left -= part.length;
    }
  } finally {
    await file.close();
  }
  await chmod(place, mode);
}

/** The path without `.` and doubled slashes. Throws ArchiveError when it leads out of the folder. */
function inside(name: string): string {
  const path = posix.normalize(name).replace(/\/$/, '') || '.';
  if (posix.isAbsolute(path) || path === '..' || path.startsWith('../') || name.includes('\0'))
    throw new ArchiveError(`The archive names a file outside of its folder: ${name}`);
  return path;
}

/** Makes the folders on the way. Throws ArchiveError when one of them is a link: it could lead anywhere. */
async function makeFolder(folder: string, path: string): Promise<void> {
  let place = folder;
  for (const step of path === '.' ? [] : path.split('/')) {
    place = join(place, step);
    const found = await lstat(place).catch(() => undefined);
    if (!found) await mkdir(place, { mode: 0o755 });
    else if (!found.isDirectory())
      throw new ArchiveError(`The archive goes through ${path}, which is no folder`);
  }
}

const text = (bytes: Buffer, at: number, length: number) => {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString('utf8');
};

function number(header: Buffer, at: number, length: number): number {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw new ArchiveError('The archive is damaged');
  return parseInt(digits, 8);
}

/** The checksum of a header counts its own field as spaces. */
function sumOf(header: Buffer): number {
  let sum = 8 * 32;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at]!;
  return sum;
}
