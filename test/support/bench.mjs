// npm run bench -- NAME [arguments]: one of test/bench, bundled and run on the product's Node.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import esbuild from 'esbuild';
import { repository, requireNode } from './node.mjs';

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(path.join(repository, 'test/bench')).map((file) => path.parse(file).name);
if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [arguments]\nNames: ${names.join(', ')}`);
  process.exit(2);
}
// Beside the packages: the official SDK is not written for the strict mode that a bundle would put it in.
const folder = mkdtempSync(path.join(repository, 'node_modules/.bench-'));
const script = path.join(folder, `${name}.mjs`);
try {
  await esbuild.build({
    entryPoints: [path.join(repository, 'test/bench', `${name}.ts`)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.15',
    mainFields: ['module', 'main'],
    external: ['tablestore'],
    logLevel: 'warning',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const child = spawn(requireNode(), [script, ...args], { stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
