import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { expect, test } from 'vitest';
import type { TaskEdit } from '../../../src/shared/pages.js';
import { applyTaskEdits, difference } from '../../../src/shared/task-edits.js';

const tables = (count: number, of: (index: number) => string) =>
  `{
  // The shop.
  "objects": [
    {
      "database": "shop", /* all of it */
      "tables": [
${Array.from({ length: count }, (_, index) => `        ${of(index)}`).join(',\n')}
      ]
    }
  ]
}
`;
const layouts: ((index: number) => string)[] = [
  (i) => `{ "name": "t${i}" }`,
  (i) => `{ "name": "t${i}", "rename": "old${i}" } // number ${i}`,
  (i) => `{\n          // number ${i}\n          "name": "t${i}"\n        }`,
  (i) => `{ "name": "t${i}", "columns": { "a": { "exclude": true } } }`,
];
const rename = (index: number, value?: string): TaskEdit => ({
  path: ['objects', 0, 'tables', index, 'rename'],
  ...(value === undefined ? {} : { value }),
});

test.each(layouts.map((layout, index) => [index, layout] as const))(
  'a batch gives what one edit after the other gives (layout %i)',
  (_, layout) => {
    const text = tables(12, layout);
    const edits = Array.from({ length: 12 }, (_, i) => rename(i, i % 3 === 0 ? undefined : `new"${i}`));
    const oneByOne = edits.reduce((result, edit) => applyTaskEdits(result, [edit]), text);
    expect(applyTaskEdits(text, edits)).toBe(oneByOne);
  },
);

test.each([
  ...layouts.map((layout) => tables(3, layout)),
  '{ "objects": [{ "database": "shop", "tables": [{ "name": "a" }] }] }',
  '{\r\n\t"objects": [\r\n\t\t{\r\n\t\t\t"tables": [\r\n\t\t\t\t{ "name": "a" }, // the first\r\n\t\t\t]\r\n\t\t}\r\n\t]\r\n}',
  '{ "objects": [{ "tables": [] }] }',
])('many tables are appended as one after the other would be (text %#)', (text) => {
  const there = (parse(text) as { objects: { tables: unknown[] }[] }).objects[0]!.tables.length;
  const path = (index: number) => ['objects', 0, 'tables', index];
  const edits = Array.from({ length: 5 }, (_, i): TaskEdit => ({
    path: path(there + i),
    value: i === 2 ? { name: 'with "more"', primaryKey: ['a', 'b'] } : { name: `n${i}` },
  }));
  const oneByOne = edits.reduce((result, edit) => applyTaskEdits(result, [edit]), text);
  expect(applyTaskEdits(text, edits)).toBe(oneByOne);
  // Elements that are there already are other ones than those behind them.
  const changed = [0, 1].map((index): TaskEdit => ({ path: path(index), value: { name: `c${index}` } }));
  expect(parse(applyTaskEdits(text, changed))).toEqual(
    parse(changed.reduce((result, edit) => applyTaskEdits(result, [edit]), text)),
  );
});

test('comments survive whatever is edited', () => {
  const paths = fc.constantFrom<TaskEdit['path'][]>(
    ['objects', 0, 'database'],
    ['objects', 0, 'tables', 1, 'rename'],
    ['objects', 0, 'tables', 2, 'columns', 'b'],
    ['objects', 0, 'tables', 0, 'name'],
    ['write', 'buckets'],
    ['name'],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 }),
      fc.array(
        fc.record({
          path: paths,
          value: fc.string({ unit: fc.constantFrom('a', 'B', '"', '\\', ' ', '{', ',', 'é') }),
        }),
        { maxLength: 8 },
      ),
      (layout, edits) => {
        const text = tables(4, layouts[layout]!);
        const result = applyTaskEdits(text, edits);
        expect(result.match(/\/\/.*|\/\*.*\*\//g)).toEqual(text.match(/\/\/.*|\/\*.*\*\//g));
        expect(parse(result, [])).toBeTypeOf('object');
        const change = difference(text, result);
        const again = change ? text.slice(0, change.start) + change.text + text.slice(change.end) : text;
        expect(again).toBe(result);
      },
    ),
  );
});

test.each([
  ['compact', '{"a":[{"b":1},{"b":2}]}', '{"a":[{"b":1}]}'],
  ['in one line', '{ "a": [{ "b": 1 }, { "b": 2 }] }', '{ "a": [{ "b": 1 }] }'],
  ['in lines', '{\n  "a": [\n    1,\n    2\n  ]\n}\n', '{\n  "a": [\n    1\n  ]\n}\n'],
])('the last of a list is taken out: %s', (_, text, left) => {
  expect(applyTaskEdits(text, [{ path: ['a', 1] }])).toBe(left);
});
