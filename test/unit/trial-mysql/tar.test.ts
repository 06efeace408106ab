import {
  existsSync,
  lstatSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArchiveError, unpackTar } from '../../../src/trial-mysql/tar.js';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rowferry-tar-'));
  folder = join(home, 'in/side');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

interface Entry {
  name: string;
  kind?: string;
  contents?: string;
  target?: string;
  mode?: number;
}

function header({ name, kind = '0', contents = '', target = '', mode = 0o644 }: Entry): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  block.write(`${Buffer.byteLength(contents).toString(8).padStart(11, '0')}\0`, 124);
  block.write(kind, 156);
  block.write(target, 157, 100);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function tar(...entries: Entry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const contents = Buffer.from(entry.contents ?? '');
    return [header(entry), contents, Buffer.alloc((512 - (contents.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const unpack = (
  bytes: Buffer,
  { size = 4096, wanted = () => true }: { size?: number; wanted?: (path: string) => boolean } = {},
) => unpackTar(pieces(bytes, size), folder, wanted);

/** Everything below the outer folder: nothing may appear beside the inner one. */
const all = () =>
  readdirSync(home, { recursive: true })
    .map(String)
    .filter((path) => !['in', 'in/side'].includes(path))
    .sort();

const long = `usr/share/${'x'.repeat(120)}/file`;

test('files, folders, links and long names arrive, from pieces of any size', async () => {
  const archive = tar(
    { name: './', kind: '5' },
    { name: './usr/sbin/', kind: '5' },
    { name: './usr/sbin/mysqld', contents: 'program'.repeat(200), mode: 0o4755 },
    { name: './usr/lib/a.so.1', contents: 'library', mode: 0o664 },
    { name: './usr/lib/a.so', kind: '2', target: 'a.so.1' },
    { name: './usr/lib/b.so', kind: '1', target: './usr/lib/a.so.1' },
    { name: '././@LongLink', kind: 'L', contents: `./${long}\0` },
    { name: `./${long.slice(0, 90)}`, contents: 'far' },
    { name: './etc/passwd', contents: 'not wanted' },
  );
  for (const size of [1, 511, 4096]) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await unpack(archive, { size, wanted: (path) => path.startsWith('usr/') });
    expect(readFileSync(join(folder, 'usr/sbin/mysqld'), 'utf8')).toBe('program'.repeat(200));
    expect(statSync(join(folder, 'usr/sbin/mysqld')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(folder, 'usr/lib/a.so.1')).mode & 0o7777).toBe(0o644);
    expect(readlinkSync(join(folder, 'usr/lib/a.so'))).toBe('a.so.1');
    expect(readFileSync(join(folder, 'usr/lib/b.so'), 'utf8')).toBe('library');
    expect(readFileSync(join(folder, long), 'utf8')).toBe('far');
    expect(existsSync(join(folder, 'etc'))).toBe(false);
  }
});

test.each<[string, Entry[]]>([
  ['goes up', [{ name: '../out', contents: 'x' }]],
  ['goes up inside', [{ name: 'usr/../../out', contents: 'x' }]],
  ['is absolute', [{ name: '/tmp/rowferry-out', contents: 'x' }]],
  ['is a folder outside', [{ name: '../out/', kind: '5' }]],
  [
    'is long and goes up',
    [
      { name: 'x', kind: 'L', contents: '../../out' },
      { name: 'y', contents: 'x' },
    ],
  ],
  ['is a link that leads out', [{ name: 'usr/out', kind: '2', target: '../../out' }]],
  ['is a link to an absolute path', [{ name: 'out', kind: '2', target: '/etc' }]],
  ['is a hard link to outside', [{ name: 'out', kind: '1', target: '../../out' }]],
  ['is a hard link to an absolute path', [{ name: 'out', kind: '1', target: '/etc/passwd' }]],
  [
    'goes through a link',
    [
      { name: 'usr/', kind: '5' },
      { name: 'lib', kind: '2', target: 'usr' },
      { name: 'lib/out', contents: 'x' },
    ],
  ],
  [
    'goes through a file',
    [
      { name: 'a', contents: 'x' },
      { name: 'a/out', contents: 'x' },
    ],
  ],
  ['is a device', [{ name: 'out', kind: '3' }]],
  ['is a pipe', [{ name: 'out', kind: '6' }]],
])('an entry that %s is refused, and nothing of it is written', async (_, entries) => {
  await expect(unpack(tar(...entries))).rejects.toThrow(ArchiveError);
  expect(all().filter((path) => path.includes('out'))).toEqual([]);
});

test('an archive that names a file twice does not write through the link that the first was', async () => {
  await unpack(
    tar({ name: 'a', contents: 'a' }, { name: 'b', kind: '2', target: 'a' }, { name: 'b', contents: 'b' }),
  );
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('a');
  expect(lstatSync(join(folder, 'b')).isFile()).toBe(true);
});

test('an archive that is cut off anywhere is refused', async () => {
  const whole = tar({ name: 'a', contents: 'x'.repeat(700) });
  // What fills up the end of it may be missing, its first empty block may not.
  for (let length = 0; length < whole.length - 512; length += 64)
    await expect(unpack(whole.subarray(0, length)), String(length)).rejects.toThrow('cut off');
  await unpack(whole.subarray(0, -512));
});

test('a header that was damaged is refused', async () => {
  const whole = tar({ name: 'a', contents: 'x' });
  whole.write('b', 0);
  await expect(unpack(whole)).rejects.toThrow('damaged');
});
