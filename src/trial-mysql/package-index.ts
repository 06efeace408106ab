/**
 * Debian's index, read for one program: Release names the file of packages with its checksum, that file names each package
 * with its own. Deb822: paragraphs of `Key: value`, a line that begins with a space goes on.
 */

/** A file of the mirror, as the index above it says it is. */
export interface IndexedFile {
  /** Below the mirror's address. */
  path: string;
  size: number;
  sha256: string;
}

export interface DebianPackage extends IndexedFile {
  name: string;
  /** Names by which others ask for it; the first of several that will do. */
  provides: string[];
  depends: string[];
}

const checksum = /^[0-9a-f]{64}$/;

/** The list of all packages of an architecture, from the text of Release; undefined when it is not named there. */
export function packageList(release: string, suite: string, architecture: string): IndexedFile | undefined {
  const name = `main/binary-${architecture}/Packages.gz`;
  const lines = /^SHA256:\n((?: .*(?:\n|$))*)/m.exec(release)?.[1]?.split('\n') ?? [];
  for (const line of lines) {
    const [sha256 = '', size = '', path] = line.trim().split(/\s+/);
    if (path === name && checksum.test(sha256) && /^\d+$/.test(size))
      return { path: `dists/${suite}/${path}`, size: Number(size), sha256 };
  }
  return undefined;
}

/** Collects, from a list that comes in pieces, the packages that pass by their name and section. */
export class PackageReader {
  readonly packages: DebianPackage[] = [];
  #rest = '';

  constructor(private readonly wanted: (name: string, section: string) => boolean) {}

  take(text: string): void {
    const paragraphs = (this.#rest + text).split('\n\n');
    this.#rest = paragraphs.pop() ?? '';
    for (const paragraph of paragraphs) this.#read(paragraph);
  }

  end(): void {
    this.#read(this.#rest);
    this.#rest = '';
  }

  #read(paragraph: string): void {
    const name = /^Package: (\S+)/m.exec(paragraph)?.[1];
    const field = (key: string) => new RegExp(`^${key}: (.*)`, 'm').exec(paragraph)?.[1] ?? '';
    if (name === undefined || !this.wanted(name, field('Section'))) return;
    const [path, size, sha256] = [field('Filename'), field('Size'), field('SHA256')];
    if (!checksum.test(sha256) || !/^\d+$/.test(size) || !isPlainPath(path)) return;
    this.packages.push({
      name,
      path,
      size: Number(size),
      sha256,
      provides: names(field('Provides')),
      depends: [...names(field('Pre-Depends')), ...names(field('Depends'))],
    });
  }
}

/** Only the first of alternatives: Debian puts the usual one there. */
function names(list: string): string[] {
  return list
    .split(',')
    .map((one) => /^[a-z0-9][a-z0-9+.-]*/.exec(one.trim())?.[0] ?? '')
    .filter((name) => name !== '');
}

const isPlainPath = (path: string) => /^pool\/[\w+.~:/-]+\.deb$/.test(path) && !path.includes('..');

/**
 * `root` with everything it depends on among `packages`. What is not among them is left out: a server that is only started
 * needs libraries, and none of what installs, configures or administers a system. Undefined without `root` itself.
 */
export function withLibraries(packages: readonly DebianPackage[], root: string): DebianPackage[] | undefined {
  const byName = new Map<string, DebianPackage>();
  for (const one of packages) for (const name of one.provides) byName.set(name, one);
  for (const one of packages) byName.set(one.name, one);
  if (!byName.has(root)) return undefined;
  const needed = new Set<DebianPackage>();
  const add = (name: string) => {
    const found = byName.get(name);
    if (!found || needed.has(found)) return;
    needed.add(found);
    found.depends.forEach(add);
  };
  add(root);
  return [...needed];
}
