import path from 'node:path';
import { expect, it } from 'vitest';
import { problemOf } from '../../support/floors.mjs';

const file = (name: string) => path.resolve(import.meta.dirname, '../../..', name);

it.each([
  ['src/sync/a.ts', '../mysql/b.js'],
  ['src/sync/load/a.ts', '../mapping/b.js'],
  ['src/sync/index.ts', './run/b.js'],
  ['webview/task-editor/objects/a.ts', '../form/b.js'],
  ['src/cli/a.ts', '../engine/b.js'],
  ['src/extension/views/a.ts', 'vscode'],
  ['src/mysql/a.ts', 'node:zlib'],
  ['webview/monitor/main.ts', '../../src/shared/task.js'],
  ['webview/monitor/main.ts', '../components/icon.js'],
  ['test/unit/a.test.ts', '../../src/cli/b.js'],
])('%s may import %s', (name, specifier) => {
  expect(problemOf(file(name), specifier)).toBeUndefined();
});

it.each([
  ['src/mysql/a.ts', '../tablestore/b.js', 'mysql must not import from tablestore'],
  ['src/tablestore/wire/a.ts', '../../mysql/b.js', 'tablestore must not import from mysql'],
  ['src/sync/a.ts', '../engine/b.js', 'sync must not import from engine'],
  ['src/local-tablestore/a.ts', '../sync/b.js', 'local-tablestore must not import from sync'],
  ['src/extension/a.ts', '../cli/b.js', 'extension must not import from cli'],
  ['src/engine/a.ts', 'vscode', 'only src/extension imports vscode'],
  ['webview/monitor/main.ts', 'vscode', 'only src/extension imports vscode'],
  ['src/shared/a.ts', 'node:fs', 'shared runs in a webview too'],
  ['webview/monitor/main.ts', '../../src/engine/b.js', 'webview must not import from engine'],
  ['src/engine/a.ts', '../../test/support/b.js', 'outside of src/'],
  ['src/sync/mapping/a.ts', '../load/b.js', 'in src/sync, mapping must not import from load'],
  ['src/engine/store/a.ts', '../main.js', 'in src/engine, store must not import from main.js'],
  ['src/sync/newcomer/a.ts', '../base/b.js', 'src/sync/newcomer is not named among the rooms'],
  ['webview/task-editor/form/a.ts', '../etl/b.js', 'form must not import from etl'],
  ['src/newcomer/a.ts', '../shared/b.js', 'newcomer must not import from shared'],
])('%s must not import %s', (name, specifier, problem) => {
  expect(problemOf(file(name), specifier)).toContain(problem);
});
