import { expect, test } from 'vitest';
import {
  noRule,
  previewRename,
  previewRules,
  renameEdits,
  ruleOf,
  rulesEdits,
  rulesFrom,
} from '../../../../../webview/task-editor/objects/batch-rename.js';
import { allTables, selection } from '../../../../../webview/task-editor/form/document.js';

const document = {
  objects: [
    { database: 'shop', renameTables: { prefix: 'ods_', replace: [{ from: 'tmp', to: '' }] } },
    {
      database: 'crm',
      renameTables: { suffix: '_v1' },
      tables: [{ name: 'people' }, { name: 'calls', rename: 'talks' }],
    },
  ],
};
const [shop] = selection(document);

test('the rule of a whole database is shown, tried on the tables that are known, and written as a rule', () => {
  const rule = ruleOf(shop!.renames);
  expect(rule).toEqual({ ...noRule, prefix: 'ods_', find: 'tmp', replace: '' });
  expect(rulesEdits(shop!, rulesFrom(rule, shop!.renames))).toEqual([]);
  const rules = rulesFrom({ ...rule, prefix: '', suffix: '_x' }, shop!.renames);
  expect(rules).toEqual({ suffix: '_x', replace: [{ from: 'tmp', to: '' }] });
  const names = (of: { name: string; problem: string | null }[]) =>
    of.map(({ name, problem }) => [name, problem]);
  expect(names(previewRules(shop!, ['a', 'atmp', 'b', '1tmp'], rules))).toEqual([
    ['a_x', 'taken'],
    ['a_x', 'taken'],
    ['b_x', null],
    ['1_x', 'illegal'],
  ]);
  expect(rulesEdits(shop!, rules)).toEqual([{ path: ['objects', 0, 'renameTables'], value: rules }]);
  expect(rulesEdits(shop!, rulesFrom(noRule, shop!.renames))).toEqual([
    { path: ['objects', 0, 'renameTables'] },
  ]);
});

test('further replacements of a rule stay when the form changes the first', () => {
  const before = { replace: ['a', 'b'].map((from) => ({ from, to: '' })) };
  expect(rulesFrom({ ...noRule, find: 'x', replace: 'y' }, before)).toEqual({
    replace: [
      { from: 'x', to: 'y' },
      { from: 'b', to: '' },
    ],
  });
});

test('tables by name: what the rules give already needs no name of its own', () => {
  const tables = allTables(document);
  expect(tables.map(({ ruled }) => ruled)).toEqual(['people_v1', 'calls_v1']);
  const edits = renameEdits(previewRename(tables, { ...noRule, suffix: '_v1' }));
  expect(edits).toEqual([{ path: ['objects', 1, 'tables', 1, 'rename'] }]);
  expect(renameEdits(previewRename(tables, noRule))).toEqual([
    { path: ['objects', 1, 'tables', 0, 'rename'], value: 'people' },
    { path: ['objects', 1, 'tables', 1, 'rename'], value: 'calls' },
  ]);
});

test('nonsense in the file gives no rule', () => {
  for (const renameTables of [null, 1, 'x', [], { prefix: 1, replace: 'x' }, { replace: [{}, { from: '' }] }])
    expect(selection({ objects: [{ database: 'x', renameTables }] })[0]!.renames).toEqual({});
});
