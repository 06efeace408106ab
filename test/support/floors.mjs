// The lint rule that keeps the house standing: an import never goes up or sideways across a floor.
import path from 'node:path';
import { importVisitors } from './imports.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** What each part may import beside itself. A part that is not named here may import nothing. */
export const allowed = {
  shared: [],
  mysql: ['shared'],
  tablestore: ['shared'],
  'local-tablestore': ['shared', 'tablestore'],
  'trial-mysql': ['shared'],
  sync: ['shared', 'mysql', 'tablestore'],
  assistant: ['shared'],
  engine: ['shared', 'mysql', 'tablestore', 'local-tablestore', 'trial-mysql', 'sync'],
  cli: ['shared', 'mysql', 'tablestore', 'local-tablestore', 'sync', 'engine', 'assistant'],
  extension: [
    'shared',
    'mysql',
    'tablestore',
    'local-tablestore',
    'trial-mysql',
    'sync',
    'engine',
    'assistant',
  ],
  webview: ['shared'],
};

/**
 * The rooms of parts that have some, the lowest first: an import between two of them goes to the left. Files beside the
 * rooms stand above all of them.
 */
export const rooms = {
  'src/tablestore': ['wire', 'client', 'writer'],
  'src/local-tablestore': ['base', 'storage', 'operations', 'http'],
  'src/sync': [
    ...[
      'base',
      'etl',
      'sql',
      'ddl',
      'filter',
      'mapping',
      'online-change',
      'state',
      'source',
      'rows',
      'dirty',
    ],
    ...['tables', 'load', 'stream', 'precheck', 'verify', 'incremental', 'run'],
  ],
  'src/assistant': ['base', 'tools'],
  'src/engine': ['base', 'browse', 'alerts', 'ipc', 'local-tablestore', 'trial-mysql', 'store', 'tasks'],
  'src/extension': [
    'base',
    'engine',
    'connections',
    'tasks',
    'assistant',
    'text',
    'views',
    'panels',
    'commands',
  ],
  'webview/task-editor': ['form', 'connection', 'objects', 'etl', 'settings'],
};

/** Why an import from one file to another breaks the order of rooms; undefined: it does not. */
function roomProblem(from, to) {
  for (const [part, order] of Object.entries(rooms)) {
    const base = path.join(root, part);
    const [a, b] = [from, to].map((file) => path.relative(base, file).split(path.sep));
    if (a[0] === '..' || b[0] === '..') continue;
    const [level, below] = [a, b].map((steps) => (steps.length > 1 ? order.indexOf(steps[0]) : order.length));
    if (level < 0) return `${part}/${a[0]} is not named among the rooms of ${part}`;
    if (below < 0) return `${part}/${b[0]} is not named among the rooms of ${part}`;
    if (below > level) return `in ${part}, ${a[0]} must not import from ${b[0]}: rooms import downwards only`;
  }
  return undefined;
}

/** The part a file belongs to: the folder under src/, or webview. */
function partOf(file) {
  const [top, folder] = path.relative(root, file).split(path.sep);
  if (top === 'webview') return 'webview';
  return top === 'src' ? folder : undefined;
}

/**
 * Why `file` may not import `specifier`, or undefined when it may.
 * @param {string} file absolute path of the importing file
 * @param {string} specifier as written in the import
 */
export function problemOf(file, specifier) {
  const from = partOf(file);
  if (from === undefined) return undefined;
  if (specifier === 'vscode') {
    return from === 'extension' ? undefined : `only src/extension imports vscode, not ${from}`;
  }
  if (specifier.startsWith('node:')) {
    return from === 'shared' || from === 'webview'
      ? `${from} runs in a webview too: it must not import ${specifier}`
      : undefined;
  }
  if (!specifier.startsWith('.')) return undefined;
  const to = partOf(path.resolve(path.dirname(file), specifier));
  if (to === undefined) return `${from} must not import ${specifier}, which is outside of src/`;
  if (from === to) return roomProblem(file, path.resolve(path.dirname(file), specifier));
  if (allowed[from]?.includes(to)) return undefined;
  return `${from} must not import from ${to}: imports go down only`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const floors = {
  meta: { type: 'problem', schema: [], messages: { floor: '{{problem}}' } },
  create(context) {
    return importVisitors((node) => {
      const problem = problemOf(context.filename, node.value);
      if (problem) context.report({ node, messageId: 'floor', data: { problem } });
    });
  },
};
