import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

/** What package.json promises and what the code does are two texts: these tests keep them one. */

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  contributes: {
    commands: { command: string; title: string; category: string }[];
    menus: Record<string, { command: string; when?: string }[]>;
    views: Record<string, { id: string }[]>;
    viewsContainers: { activitybar: { icon: string }[] };
    walkthroughs: { steps: { media: { svg: string }; completionEvents: string[] }[] }[];
    keybindings: { command: string }[];
    configuration: { properties: Record<string, unknown> };
  };
  activationEvents: string[];
};
const english = JSON.parse(read('package.nls.json')) as Record<string, string>;
const chinese = JSON.parse(read('package.nls.zh-cn.json')) as Record<string, string>;
const sources = ['src/extension', 'webview', 'src/shared', 'src/assistant']
  .flatMap((folder) => globSync('**/*.ts', { cwd: join(root, folder) }).map((path) => join(folder, path)))
  .map((path) => ({ path, text: read(path) }));
const extensionText = sources
  .filter(({ path }) => path.startsWith('src/extension'))
  .map(({ text }) => text)
  .join('\n');

test('every command is registered, and every registered command is contributed', () => {
  const contributed = manifest.contributes.commands.map(({ command }) => command.replace('rowferry.', ''));
  const registered = [...extensionText.matchAll(/^ {4}'([a-zA-Z]+\.[a-zA-Z]+)'(?=:)/gm)].map(([, id]) => id);
  expect([...new Set(registered)].sort()).toEqual([...contributed].sort());
});

test('menus name commands that exist', () => {
  const known = new Set(manifest.contributes.commands.map(({ command }) => command));
  for (const item of Object.values(manifest.contributes.menus).flat()) expect(known).toContain(item.command);
});

test('welcome texts, walkthrough and keys name commands that exist', () => {
  const known = new Set(manifest.contributes.commands.map(({ command }) => command));
  const steps = manifest.contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
  expect(steps).toHaveLength(5);
  const named = [
    ...[...Object.values(english), ...Object.values(chinese)].flatMap((text) =>
      [...text.matchAll(/\(command:([\w.]+)\)/g)].map(([, command]) => command!),
    ),
    ...steps.flatMap((step) => step.completionEvents.map((event) => event.replace('onCommand:', ''))),
    ...manifest.contributes.keybindings.map(({ command }) => command),
  ];
  for (const command of named.filter((name) => name.startsWith('rowferry.')))
    expect(known).toContain(command);
});

test('pictures of the walkthrough take their colours from the theme', () => {
  for (const { media } of manifest.contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps)) {
    const picture = read(media.svg);
    for (const [, colour] of picture.matchAll(/(?:fill|stroke)="([^"]+)"/g))
      expect(colour).toMatch(/^(none|var\(--vscode-.*\))$/);
    expect(picture).not.toContain('<script');
  }
});

test('commands stand in the palette under one name', () => {
  for (const { category } of manifest.contributes.commands) expect(category).toBe('Rowferry');
});

test('the extension does not wake up on everything', () => {
  expect(manifest.activationEvents).not.toContain('*');
  expect(manifest.activationEvents).not.toContain('onStartupFinished');
});

test('what makes the extension slow to wake up is not in it: drivers, parsers and charsets are the engine’s', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/extension/main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
    mainFields: ['module', 'main'],
    outdir: 'nowhere',
    logLevel: 'error',
  });
  const packages = Object.keys(metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  expect([...new Set(packages)].sort()).toEqual(['birpc', 'jsonc-parser', 'zod']);
});

test('activation loads no package, no schema and no page: they come with what first needs them', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/extension/main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    splitting: true,
    external: ['vscode'],
    mainFields: ['module', 'main'],
    outdir: 'nowhere',
    logLevel: 'error',
  });
  const loaded = new Set<string>();
  const load = (output: string) => {
    if (loaded.has(output)) return;
    loaded.add(output);
    for (const { path, kind, external } of metafile.outputs[output]!.imports)
      if (kind === 'import-statement' && !external) load(path);
  };
  load(
    Object.keys(metafile.outputs).find(
      (name) => metafile.outputs[name]!.entryPoint !== undefined && name.endsWith('main.js'),
    )!,
  );
  const sizes = [...loaded].flatMap((output) => Object.entries(metafile.outputs[output]!.inputs));
  const waits =
    /node_modules|src\/sync|src\/shared\/(task|pages|connections)\.ts|src\/extension\/(panels\/page|features|commands\/\w+-commands|text)/;
  expect(sizes.map(([path]) => path).filter((path) => waits.test(path))).toEqual([]);
  // Source text before it is minified: 113 KB when this was written, where everything was 700 KB.
  const bytes = sizes.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  expect(bytes).toBeLessThan(160_000);
});

test('the settings that are declared are those that are read, all in one place', () => {
  const declared = Object.keys(manifest.contributes.configuration.properties);
  const keys = [...read('src/extension/base/settings.ts').matchAll(/settings\(\)\.get\('([\w.]+)'/g)];
  expect(keys.map(([, key]) => `rowferry.${key}`)).toEqual(declared);
  expect(extensionText.match(/getConfiguration\(/g)).toHaveLength(1);
});

test('settings that are declared are explained where people install the extension', () => {
  const explained = [...read('docs/extension.md').matchAll(/^\| `(rowferry\.[\w.]+)` \|/gm)].map(
    ([, key]) => key,
  );
  expect(explained).toEqual(Object.keys(manifest.contributes.configuration.properties));
});

test('icons are there', () => {
  for (const { icon } of manifest.contributes.viewsContainers.activitybar) {
    expect(existsSync(join(root, icon)), icon).toBe(true);
  }
});

describe('two languages', () => {
  test('every %key% of package.json is in both, and nothing else is', () => {
    const used = [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key).sort();
    expect(Object.keys(english).sort()).toEqual([...new Set(used)]);
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  test('every sentence of the code has a Chinese one with the same places to fill in', () => {
    const bundle = JSON.parse(read('l10n/bundle.l10n.zh-cn.json')) as Record<string, string>;
    const said = new Set<string>();
    for (const { text } of sources) {
      for (const [, , single, double] of text.matchAll(
        /\b(l10n\.)?t\(\s*(?:'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)")/g,
      )) {
        said.add(
          JSON.parse(`"${(single ?? double ?? '').replaceAll("\\'", "'").replaceAll('"', '\\"')}"`) as string,
        );
      }
    }
    const places = (sentence: string) => [...sentence.matchAll(/\{\d\}/g)].map(String).sort();
    const missing = [...said].filter((sentence) => !Object.hasOwn(bundle, sentence)).sort();
    expect(missing, 'add their Chinese to l10n/bundle.l10n.zh-cn.json').toEqual([]);
    const unsaid = Object.keys(bundle).filter((sentence) => !said.has(sentence));
    expect(unsaid, 'no code says them with t(): remove them from l10n/bundle.l10n.zh-cn.json').toEqual([]);
    for (const [sentence, translated] of Object.entries(bundle))
      expect(places(translated)).toEqual(places(sentence));
  });
});
