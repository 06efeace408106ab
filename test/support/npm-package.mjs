// The command line as an npm package: what `npm install --global rowferry` puts on a machine.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SetupError } from './cache.mjs';
import { repository } from './node.mjs';
import { execute } from './prepare.mjs';

/** Of dist/: everything is bundled, so that the package has no dependencies. */
const bundles = ['cli.js', 'package.json', 'licenses.txt', 'node', 'schemas'];
const pages = ['LICENSE', 'CHANGELOG.md', 'docs', 'l10n'];
const readmes = ['README.md', 'README.zh-cn.md'];

/**
 * Packs dist/, which must be built, into `folder`. Resolves to the path of the .tgz. The repository's own
 * package.json is the extension's and stays private: this one has the command and nothing else.
 */
export async function makeNpmPackage(folder) {
  const own = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
  const stage = mkdtempSync(path.join(tmpdir(), 'rowferry-package-'));
  try {
    const keep = (file) => !file.endsWith('.map');
    for (const name of bundles)
      cpSync(path.join(repository, 'dist', name), path.join(stage, 'dist', name), {
        recursive: true,
        filter: keep,
      });
    for (const name of pages)
      cpSync(path.join(repository, name), path.join(stage, name), { recursive: true });
    // Pictures are not in the package, and show nothing of the command.
    for (const name of readmes) {
      const readme = readFileSync(path.join(repository, name), 'utf8');
      writeFileSync(path.join(stage, name), readme.replace(/^!\[.*\n\n?/gm, ''));
    }
    const { name, version, description, license, keywords, bin, engines } = own;
    const manifest = { name, version, description, license, keywords, bin, engines: { node: engines.node } };
    writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const windows = process.platform === 'win32';
    const code = await execute(
      windows ? 'npm.cmd' : 'npm',
      ['pack', '--silent', '--pack-destination', folder],
      { cwd: stage, shell: windows, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (code !== 0) throw new SetupError('npm pack failed: see above.');
    return path.join(folder, `${name}-${version}.tgz`);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
