// npm run package: makes rowferry-VERSION.vsix, and holds it to its promises: at most 3 MB, no native module. Beside it
// rowferry-VERSION.tgz, the command line for npm.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './cache.mjs';
import { repository, requireNode } from './node.mjs';
import { makeNpmPackage } from './npm-package.mjs';
import { environment, execute, fail, install } from './prepare.mjs';

const largest = 3_000_000;

try {
  await install();
  const node = requireNode();
  const { name, version } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
  const file = path.join(repository, `${name}-${version}.vsix`);
  // Everything is bundled: no node_modules go in. vsce builds first, through vscode:prepublish.
  const code = await execute(
    node,
    [
      path.join(repository, 'node_modules/@vscode/vsce/vsce'),
      'package',
      '--no-dependencies',
      '--allow-missing-repository',
      '--no-rewrite-relative-links',
      // Those who install it have no repository to run commands in.
      '--readme-path',
      'docs/extension.md',
      '--out',
      file,
    ],
    { env: environment(node) },
  );
  if (code !== 0) throw new SetupError('vsce could not make the package: see above.');
  const { size } = statSync(file);
  if (size > largest)
    throw new SetupError(`${file} has ${size} bytes, more than the ${largest} it may have.`);
  // Names of files stand in the archive as they are, whatever is compressed.
  const native = /extension\/[\w./@-]+\.node(?![\w./-])/.exec(readFileSync(file, 'latin1'));
  if (native) throw new SetupError(`${file} has a native module in it: ${native[0]}`);
  const command = await makeNpmPackage(repository);
  for (const made of [file, command]) console.log(`${made}: ${(statSync(made).size / 1e6).toFixed(2)} MB`);
} catch (error) {
  fail(error);
}
