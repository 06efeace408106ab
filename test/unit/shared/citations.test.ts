import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Pages cite sources as `src/file.ts` or `src/file.ts: name`: the file must exist and declare the name. */
const root = join(import.meta.dirname, '../../..');
const citation = /`((?:src|webview|test)\/[\w./-]*\w\.(?:ts|mjs))(?:: ([\w.]+))?`/g;

function declares(source: string, name: string): boolean {
  return [
    `\\b(?:function\\*?|class|const|let|interface|type|enum) ${name}\\b`,
    // A method or property of a class, interface or object.
    `^ +(?:(?:export|private|static|async|readonly|override|get|set) |\\* ?)*#?${name}[?!]?(?:<[^>]*>)?[(:=]`,
  ].some((pattern) => new RegExp(pattern, 'm').test(source));
}

function problems(text: string): string[] {
  return [...text.matchAll(citation)].flatMap(([cited, file, name]) => {
    if (!existsSync(join(root, file!))) return [`${cited}: no such file`];
    return name === undefined || declares(readFileSync(join(root, file!), 'utf8'), name)
      ? []
      : [`${cited}: declares no ${name}`];
  });
}

const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));

it.each([...pages.map((name) => `docs/${name}`), 'CONTRIBUTING.md', 'README.md', 'README.zh-cn.md'])(
  '%s cites what exists',
  (page) => {
    expect(problems(readFileSync(join(root, page), 'utf8'))).toEqual([]);
  },
);

it('a wrong file or name is found', () => {
  expect(problems('`src/shared/no.ts`')).toHaveLength(1);
  expect(problems('`src/shared/tuning.ts: tuningOf`')).toEqual([]);
  expect(problems('`src/shared/tuning.ts: tuningOff`')).toHaveLength(1);
  expect(problems('`src/sync/base/pause-gate.ts: hold` `src/sync/base/pause-gate.ts: isHeld`')).toEqual([]);
});
