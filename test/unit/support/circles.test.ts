import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const source = path.resolve(import.meta.dirname, '../../../src');

/** What a file imports at run time: types alone are gone by then. */
function importsOf(file: string): string[] {
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\s+(?!type\b)[^;]*?from '(\.[^']+)'/gm,
  );
  return [...statements]
    .map((statement) => path.join(path.dirname(file), statement[1]!.replace(/\.js$/, '.ts')))
    .filter((imported) => existsSync(imported));
}

it('no file imports itself by way of others', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(source, name));
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]) => {
    const from = trail.indexOf(file);
    if (from >= 0)
      circles.push([...trail.slice(from), file].map((one) => path.relative(source, one)).join(' → '));
    if (from >= 0 || done.has(file)) return;
    for (const imported of importsOf(file)) visit(imported, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(files.length).toBeGreaterThan(200);
  expect(circles).toEqual([]);
});
