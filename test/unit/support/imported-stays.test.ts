import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { importedStays } from '../../support/imported-stays.mjs';

function problems(code: string): string[] {
  const config = {
    plugins: { house: { rules: { 'imported-stays': importedStays } } },
    rules: { 'house/imported-stays': 'error' },
  };
  return new Linter().verify(code, config as Linter.Config).map(({ message }) => message);
}

it.each([
  "import { timing } from './timing.js'; timing.chunk = 1;",
  "import { timing } from './timing.js'; timing.audit.restMs = 1;",
  "import { timing } from './timing.js'; timing.looks[0] += 1;",
  "import { timing } from './timing.js'; function f() { timing.tries++; }",
  "import { timing } from './timing.js'; delete timing.audit;",
  "import { timing } from './timing.js'; Object.assign(timing, { chunk: 1 });",
  "import { timing } from './timing.js'; Object.assign(timing.audit, { restMs: 1 });",
  "import * as all from './timing.js'; all.timing.chunk = 1;",
])('%s is refused', (code) => {
  expect(problems(code)).toEqual([expect.stringContaining('is imported: it is not changed here')]);
});

it.each([
  "import { timing } from './timing.js'; const own = { ...timing }; own.chunk = 1;",
  "import { timing } from './timing.js'; function f(timing) { timing.chunk = 1; }",
  "import { timing } from './timing.js'; Object.assign({}, timing);",
  'const timing = {}; timing.chunk = 1;',
])('%s may be said', (code) => {
  expect(problems(code)).toEqual([]);
});
