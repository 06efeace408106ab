// Builds dist/: `node esbuild.js [--watch] [--production]`. Runs on Node 20 or later.
'use strict';
const {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const esbuild = require('esbuild');

const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production');
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Bundled CommonJS packages call require() for built-ins: ESM must bring its own. */
const requireForEsm = [
  "import { createRequire as $createRequire } from 'node:module';",
  "import { fileURLToPath as $fileURLToPath } from 'node:url';",
  'const require = $createRequire(import.meta.url);',
  "const __filename = $fileURLToPath(import.meta.url), __dirname = $fileURLToPath(new URL('.', import.meta.url));",
].join('\n');

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  write: false,
  metafile: true,
  // Those of a production build lie beside it and go into no package: a reported stack is read with them.
  sourcemap: production ? 'external' : 'linked',
  minify: production,
  keepNames: production,
  legalComments: 'none',
  logLevel: 'warning',
  define: { ROWFERRY_VERSION: JSON.stringify(version) },
  outdir: 'dist',
};

/** @type {import('esbuild').BuildOptions} */
// jsonc-parser's `main` requires its parts by computed names, which no bundler can follow; its `module` does not.
const node = { ...common, platform: 'node', target: 'node22.15', mainFields: ['module', 'main'] };

/**
 * `import * as vscode` of an external CommonJS module makes a copy of all its members in each file that says it: 400 in
 * 40 files, a quarter of what loading the extension took. One module gives out those that our sources name.
 */
const vscodeApi = {
  name: 'vscode-api',
  setup(build) {
    build.onResolve({ filter: /^vscode$/ }, ({ namespace }) =>
      namespace === 'vscode-api'
        ? { path: 'vscode', external: true }
        : { path: 'vscode', namespace: 'vscode-api' },
    );
    build.onLoad({ filter: /.*/, namespace: 'vscode-api' }, () => {
      const folder = 'src/extension';
      const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.ts'));
      const text = files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
      const names = [...new Set([...text.matchAll(/\bvscode\.(\w+)/g)].map(([, name]) => name))].sort();
      const contents = `import api from 'vscode';\nexport const { ${names.join(', ')} } = api;`;
      return { contents, resolveDir: folder, watchDirs: [folder] };
    });
  },
};

/** Only ES modules are split, and the editor loads CommonJS: each part is rewritten when it has been made. */
const toCommonJs = {
  name: 'to-commonjs',
  setup(build) {
    build.onEnd(async (result) => {
      const files = (result.outputFiles ?? []).filter((file) => file.path.endsWith('.js'));
      for (const file of files) {
        const { code, map } = await esbuild.transform(file.text, {
          format: 'cjs',
          platform: 'node',
          target: 'node22.15',
          // A chunk is required when it is first asked for, like everything else of a CommonJS extension.
          supported: { 'dynamic-import': false },
          minify: production,
          sourcemap: 'external',
          sourcefile: path.basename(file.path),
        });
        const link = `//# sourceMappingURL=${path.basename(file.path)}.map\n`;
        file.contents = Buffer.from(production ? code : code + link);
        result.outputFiles.push({ path: `${file.path}.map`, contents: Buffer.from(map) });
      }
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const extension = {
  ...node,
  entryPoints: { extension: 'src/extension/main.ts' },
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  // What is loaded later: `await import(…)`.
  chunkNames: 'chunks/[hash]',
  keepNames: false,
  sourcemap: 'inline',
  plugins: [vscodeApi, toCommonJs],
};

const launcher = (name) => ({
  ...node,
  target: 'node20',
  entryPoints: { [name]: 'src/cli/launcher.ts' },
  format: 'cjs',
  define: { ROWFERRY_BUNDLE: JSON.stringify(`${name}.mjs`) },
  // npm links the command to this file.
  banner: { js: '#!/usr/bin/env node' },
});

/** One page per folder of webview/ that has an index.ts; components/ has none. */
const webviewPages = readdirSync('webview').filter((name) => existsSync(`webview/${name}/index.ts`));

const builds = [
  extension,
  launcher('cli'),
  launcher('engine'),
  {
    ...node,
    // Shared chunks: the command line and the engine are mostly the same code.
    entryPoints: {
      cli: 'src/cli/main.ts',
      engine: 'src/engine/main.ts',
      'local-tablestore': 'src/engine/local-tablestore/main.ts',
    },
    outdir: 'dist/node',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[hash]',
    outExtension: { '.js': '.mjs' },
    banner: { js: requireForEsm },
  },
  {
    ...common,
    entryPoints: Object.fromEntries(webviewPages.map((name) => [name, `webview/${name}/index.ts`])),
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'iife',
    target: 'chrome134',
    loader: { '.css': 'text', '.svg': 'text' },
  },
].filter((build) => Object.keys(build.entryPoints).length > 0);

/** Files are replaced whole, and only when they differ: a process that starts meanwhile never reads half a bundle. */
function put(file, contents) {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, contents);
  renameSync(`${file}.${process.pid}`, file);
}

const writeFiles = {
  name: 'write-files',
  setup(build) {
    build.onEnd((result) => {
      if (result.errors.length > 0) return;
      for (const file of result.outputFiles ?? []) put(file.path, Buffer.from(file.contents));
      const chunks = path.resolve(build.initialOptions.outdir ?? '', 'chunks');
      if (!build.initialOptions.splitting || !existsSync(chunks)) return;
      const made = new Set((result.outputFiles ?? []).map((file) => file.path));
      for (const name of readdirSync(chunks)) {
        if (!made.has(path.join(chunks, name))) rmSync(path.join(chunks, name), { force: true });
      }
    });
  },
};

/** The JSON Schemas that the editor checks files against come from the zod schemas: one definition. */
const schemas = {
  ...node,
  sourcemap: false,
  minify: false,
  keepNames: false,
  entryPoints: ['src/shared/task-json-schema.ts'],
  format: 'cjs',
  plugins: [
    {
      name: 'write-schemas',
      setup(build) {
        build.onEnd((result) => {
          const [bundle] = result.outputFiles ?? [];
          if (result.errors.length > 0 || !bundle) return;
          const made = new Module('task-json-schema');
          made._compile(bundle.text, path.resolve('dist/task-json-schema.js'));
          const { taskJsonSchema, connectionsJsonSchema } = made.exports;
          const text = (schema) => Buffer.from(`${JSON.stringify(schema, null, 2)}\n`);
          put('dist/schemas/task.schema.json', text(taskJsonSchema()));
          put('dist/schemas/connections.schema.json', text(connectionsJsonSchema()));
        });
      },
    },
  ],
};

/** The licenses of everything that was bundled, which ask to go where the code goes. */
function licenses(results) {
  const homes = new Set();
  for (const file of results.flatMap((result) => Object.keys(result.metafile.inputs))) {
    const home = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (home) homes.add(home);
  }
  const entries = [...homes].sort().map((home) => {
    const { name, version, license } = JSON.parse(readFileSync(`${home}/package.json`, 'utf8'));
    const file = readdirSync(home).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(`${home}/${file}`, 'utf8').trim() : ''}\n`;
  });
  return `${entries.join(`\n${'-'.repeat(80)}\n`)}`;
}

async function main() {
  // The launchers and the extension are CommonJS wherever dist/ is put.
  put('dist/package.json', Buffer.from('{ "type": "commonjs" }\n'));
  const all = [
    ...builds.map((build) => ({ ...build, plugins: [...(build.plugins ?? []), writeFiles] })),
    schemas,
  ];
  if (watch) {
    const contexts = await Promise.all(all.map((build) => esbuild.context(build)));
    await Promise.all(contexts.map((context) => context.watch()));
    console.log('watching');
    return;
  }
  const results = await Promise.all(all.map((build) => esbuild.build(build)));
  put('dist/licenses.txt', Buffer.from(licenses(results)));
  if (process.argv.includes('--sizes')) {
    for (const result of results)
      console.log(await esbuild.analyzeMetafile(result.metafile, { verbose: false }));
  }
}

main().catch((error) => {
  // esbuild has printed its own errors.
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
});
