// The lint rule against circles of imports. Type imports count: a reader follows them like any other.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { importVisitors } from './imports.mjs';

/** Imports of a file by its path, for as long as the file is the same: an editor lints all day. */
const known = new Map();

/** The files beside `file` that it imports, absolute; none of a file that is not there. */
function importsOf(file) {
  const mtimeMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (mtimeMs === undefined) return [];
  const cached = known.get(file);
  if (cached?.mtimeMs === mtimeMs) return cached.imports;
  const imports = ts
    .preProcessFile(readFileSync(file, 'utf8'))
    .importedFiles.flatMap(({ fileName }) => resolved(file, fileName) ?? []);
  known.set(file, { mtimeMs, imports });
  return imports;
}

function resolved(file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  return path.resolve(path.dirname(file), specifier).replace(/\.js$/, '.ts');
}

/**
 * The shortest circle that an import closes, from the imported file back to the importing one.
 * @param {string} file absolute path of the importing file
 * @param {string} specifier as written in the import
 * @returns {string[] | undefined} absolute paths; undefined when there is none
 */
export function circleOf(file, specifier) {
  const first = resolved(file, specifier);
  if (first === undefined) return undefined;
  const cameFrom = new Map([[first, null]]);
  for (const one of cameFrom.keys()) {
    if (one === file) {
      const circle = [];
      for (let at = one; at !== null; at = cameFrom.get(at)) circle.unshift(at);
      return circle;
    }
    for (const next of importsOf(one)) if (!cameFrom.has(next)) cameFrom.set(next, one);
  }
  return undefined;
}

/** @type {import('eslint').Rule.RuleModule} */
export const circles = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { circle: 'imports go round: {{files}}. Move what both need to a file of its own.' },
  },
  create(context) {
    return importVisitors((node) => {
      const circle = circleOf(context.filename, node.value);
      if (!circle) return;
      const files = [context.filename, ...circle].map((file) => path.relative(process.cwd(), file));
      context.report({ node, messageId: 'circle', data: { files: files.join(' → ') } });
    });
  },
};
