import { expect, test } from 'vitest';
import { packageList, PackageReader, withLibraries } from '../../../src/trial-mysql/package-index.js';

const sum = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

test('the list of packages is taken from the SHA256 part of Release, for one architecture', () => {
  const release = [
    'Origin: Debian',
    'MD5Sum:',
    ' 0123 5 main/binary-amd64/Packages.gz',
    'SHA256:',
    ` ${other} 7 main/binary-arm64/Packages.gz`,
    ` ${sum} 15001303 main/binary-amd64/Packages.gz`,
    `Comment: ${sum} 1 main/binary-riscv64/Packages.gz`,
  ].join('\n');
  expect(packageList(release, 'sid', 'amd64')).toEqual({
    path: 'dists/sid/main/binary-amd64/Packages.gz',
    size: 15001303,
    sha256: sum,
  });
  expect(packageList(release, 'sid', 'riscv64')).toBeUndefined();
  expect(packageList(release.replace(sum, 'abc'), 'sid', 'amd64')).toBeUndefined();
  expect(packageList('', 'sid', 'amd64')).toBeUndefined();
});

const paragraph = (name: string, more: Record<string, string> = {}) =>
  Object.entries({
    Package: name,
    Section: 'libs',
    Filename: `pool/main/x/${name}_1.0-1_amd64.deb`,
    Size: '12',
    SHA256: sum,
    ...more,
  })
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n');

function read(text: string, pieces = 1) {
  const reader = new PackageReader((name, section) => name === 'server' || section === 'libs');
  const length = Math.ceil(text.length / pieces);
  for (let at = 0; at < text.length; at += length) reader.take(text.slice(at, at + length));
  reader.end();
  return reader.packages;
}

test('packages are read from pieces of any size, by name and section', () => {
  const text = [
    paragraph('server', {
      Section: 'database',
      'Pre-Depends': 'liba (>= 1)',
      Depends: 'libb | libc, perl:any',
    }),
    paragraph('liba'),
    paragraph('tool', { Section: 'utils' }),
    paragraph('libb', { Provides: 'libb-virtual (= 1)' }),
  ].join('\n\n');
  const whole = read(text);
  expect(whole.map(({ name }) => name)).toEqual(['server', 'liba', 'libb']);
  expect(whole[0]).toEqual({
    name: 'server',
    path: 'pool/main/x/server_1.0-1_amd64.deb',
    size: 12,
    sha256: sum,
    provides: [],
    depends: ['liba', 'libb', 'perl'],
  });
  for (const pieces of [2, 7, text.length]) expect(read(text, pieces)).toEqual(whole);
});

test('a package without a checksum, a size or a plain path is not there', () => {
  for (const wrong of [
    { SHA256: '' },
    { SHA256: sum.slice(1) },
    { Size: '-1' },
    { Filename: '../../etc/passwd' },
    { Filename: 'pool/../../x.deb' },
    { Filename: 'https://elsewhere.example/x.deb' },
    { Filename: 'pool/x.deb?y=.deb' },
  ])
    expect(read(paragraph('liba', wrong)), JSON.stringify(wrong)).toEqual([]);
});

test('a server comes with its libraries and theirs, each once, also in a circle and by another name', () => {
  const packages = read(
    [
      paragraph('server', { Section: 'database', Depends: 'liba, libvirtual, adduser' }),
      paragraph('liba', { Depends: 'libb' }),
      paragraph('libb', { Depends: 'liba' }),
      paragraph('libc', { Provides: 'libvirtual' }),
      paragraph('libunused'),
    ].join('\n\n'),
  );
  const names = withLibraries(packages, 'server')!.map(({ name }) => name);
  expect(names.sort()).toEqual(['liba', 'libb', 'libc', 'server']);
  expect(withLibraries(packages, 'elsewhere')).toBeUndefined();
});
