import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faultRules } from '../../../src/local-tablestore/base/faults.js';
import { operationNames } from '../../../src/local-tablestore/operations/index.js';

const page = readFileSync(new URL('../../../docs/local-tablestore.md', import.meta.url), 'utf8');

it('every operation is in the table of the documentation, and says how complete it is', () => {
  const rows = page.split('\n').filter((line) => /\| (complete|partial|unsupported) \|/.test(line));
  const missing = operationNames.filter(
    (name) => !rows.some((row) => row.split('|')[1]!.match(/\w+/g)!.includes(name)),
  );
  expect(missing).toEqual([]);
});

it('the fields of a fault that the documentation names are those there are', () => {
  const section = page.slice(page.indexOf('## Faults on demand'), page.indexOf('## Data'));
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((line) =>
    [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );
  expect(named.toSorted()).toEqual(Object.keys(faultRules.element.shape).toSorted());
});
