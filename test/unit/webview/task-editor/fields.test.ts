import { expect, test } from 'vitest';
import { taskJsonSchema, type JsonSchema } from '../../../../src/shared/task-json-schema.js';
import { ruleAt } from '../../../../webview/task-editor/form/document.js';
import { advancedFields } from '../../../../webview/task-editor/settings/advanced-fields.js';
import {
  destinationFields,
  sourceFields,
  synchronizationFields,
  tableFields,
} from '../../../../webview/task-editor/connection/fields.js';
import { writingFields } from '../../../../webview/task-editor/settings/writing-fields.js';

const schema = taskJsonSchema();
const fields = [
  ...sourceFields(),
  ...destinationFields(),
  ...tableFields(),
  ...synchronizationFields(),
  ...writingFields(),
  ...advancedFields().flatMap((group) => group.fields),
];

/** Paths of everything that may be set, lists and what they hold as one. */
function leaves(node: JsonSchema, path: string[] = []): string[] {
  const branches = [node, ...(node.anyOf ?? [])];
  const inner = branches.flatMap((branch) =>
    Object.entries(branch.properties ?? {}).flatMap(([key, value]) => leaves(value, [...path, key])),
  );
  return inner.length > 0 ? [...new Set(inner)] : [path.join('.')];
}

/** Drawn by sections of their own. */
const elsewhere = [
  /^(\$schema|version|id|name|objects|etl)$/,
  /^(source|destination)\.connection$/,
  /^source\.(host|port|user|password|ssl)$/,
  /^destination\.(endpoint|instance|accessKeyId|accessKeySecret)$/,
  /^synchronization\.operations$/,
  /^startPosition(\.|$)/,
  // The choice of its policy stands for the whole of it.
  /^dirtyData\.policy$/,
];

test('every setting of the task file has its place in the form', () => {
  const drawn = new Set(fields.map(({ path }) => path.join('.')));
  const missing = leaves(schema).filter(
    (path) => !drawn.has(path) && !elsewhere.some((rule) => rule.test(path)),
  );
  expect(missing).toEqual([]);
});

test('every field is a setting of the task file, said once and with a line of help', () => {
  const known = new Set([...leaves(schema), 'dirtyData']);
  const paths = fields.map(({ path }) => path.join('.'));
  expect(paths.filter((path) => !known.has(path))).toEqual([]);
  expect(new Set(paths).size).toBe(paths.length);
  for (const { help, path } of fields) expect(help, path.join('.')).not.toBe('');
});

test('numbers have a default, choices are those of the schema', () => {
  for (const { kind, path, choices } of fields) {
    const name = path.join('.');
    const { standard } = ruleAt(schema, path);
    if (kind === 'number') expect(typeof standard, name).toBe('number');
    if (kind === 'choice' && typeof standard === 'string')
      expect(
        choices?.map(([value]) => value),
        name,
      ).toContain(standard);
  }
});

test('a dirty data policy that is a word becomes an object when more is said', () => {
  const keep = writingFields().find(({ path }) => path.join('.') === 'dirtyData.keepDays')!;
  expect(keep.write!({ dirtyData: 'skip' }, schema, 7)).toEqual([
    { path: ['dirtyData'], value: { policy: 'skip', keepDays: 7 } },
  ]);
  expect(keep.write!({ dirtyData: { policy: 'skip', keepDays: 7 } }, schema, 30)).toEqual([
    { path: ['dirtyData', 'keepDays'] },
  ]);
});
