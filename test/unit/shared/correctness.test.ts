import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** docs/correctness.md names for each rule the code that keeps it and tests that show it: all of that must exist. */
const root = join(import.meta.dirname, '../../..');
const rules = readFileSync(join(root, 'docs/correctness.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('the rules of correctness', () => {
  it('are all there', () => {
    expect(rules.length).toBeGreaterThanOrEqual(24);
    expect(rules.map((cells) => Number(cells[1]))).toEqual(rules.map((_, i) => i + 1));
  });

  it.each(rules.map((cells) => [cells[1]!, cells[3]!, cells[4]!]))(
    'rule %s has its code and its tests',
    (number, code, tests) => {
      const file = /^`(.+)`$/.exec(code)![1]!;
      expect(existsSync(join(root, file)), file).toBe(true);
      for (const test of tests.split('<br>')) {
        const [, name, title] = /^`(.+)`: (.+)$/.exec(test)!;
        expect(title).toMatch(new RegExp(`^rule ${number}: `));
        const source = readFileSync(join(root, `test/integration/${name}.test.ts`), 'utf8');
        expect(source.includes(`'${title}`), `${name}: ${title}`).toBe(true);
      }
    },
  );
});
