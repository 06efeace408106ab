import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterAll, expect, it } from 'vitest';
import { circles } from '../../support/circles.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'rowferry-circles-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the rule says about a file, after the others beside it are written. */
function problems(name: string, files: Record<string, string>): string[] {
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  return new Linter({ cwd: folder })
    .verify(
      files[name]!,
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser as Linter.Parser },
        plugins: { rowferry: { rules: { circles } } },
        rules: { 'rowferry/circles': 'error' },
      },
      path.join(folder, name),
    )
    .map(({ message }) => message.replaceAll(`${path.relative(process.cwd(), folder)}${path.sep}`, ''));
}

it('refuses a circle that type imports close, and names its files', () => {
  const files = {
    'a.ts': `import { b } from './b.js'; export const a = b;`,
    'b.ts': `export * from './c.js'; export const b = 1;`,
    'c.ts': `import type { a } from './a.js'; export type C = typeof a;`,
  };
  expect(problems('a.ts', files)).toEqual([expect.stringContaining('a.ts → b.ts → c.ts → a.ts')]);
  expect(problems('c.ts', files)).toEqual([expect.stringContaining('c.ts → a.ts → b.ts → c.ts')]);
});

it.each(["import('./e.js')", "export type { e } from './e.js'", "type E = import('./e.js').e"])(
  'sees %s',
  (text) => {
    const files = { 'd.ts': text, 'e.ts': `import './d.js'; export type e = 1;` };
    expect(problems('d.ts', files)).toHaveLength(1);
    expect(problems('e.ts', files)).toHaveLength(1);
  },
);

it('lets imports meet again further down, and does not blame a file that only leads to a circle', () => {
  const files = {
    'f.ts': `import './g.js'; import './h.js';`,
    'g.ts': `import './i.js';`,
    'h.ts': `import './i.js';`,
    'i.ts': `import 'node:path';`,
    'j.ts': `import './k.js';`,
    'k.ts': `import './l.js';`,
    'l.ts': `import './k.js';`,
  };
  expect(problems('f.ts', files)).toEqual([]);
  expect(problems('j.ts', files)).toEqual([]);
});
