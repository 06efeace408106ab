import { Reader, unreadable } from './format.js';
import { parseJson, writeJson, type JsonNode } from './json-tree.js';

/** Operations of a JSON diff (MySQL source, sql/json_diff.h). */
const replace = 0;
const insert = 1;
const remove = 2;

type Leg = string | number;

/**
 * The JSON value after a partial update: `before` in binary form, and the diffs that PARTIAL_UPDATE_ROWS holds in
 * place of the value. Throws ROW-S109 when they do not fit each other.
 */
export function applyJsonDiffs(before: Buffer, diffs: Buffer): Buffer {
  let root = parseJson(before);
  const reader = new Reader(diffs, 0, diffs.length);
  while (reader.remaining > 0) {
    const operation = reader.uint(1);
    const legs = parsePath(reader.text(reader.packed()));
    const value = operation === remove ? null : parseJson(reader.slice(reader.packed()));
    root = applyOne(root, operation, legs, value);
  }
  return writeJson(root);
}

function applyOne(root: JsonNode, operation: number, legs: readonly Leg[], value: JsonNode | null): JsonNode {
  const last = legs.at(-1);
  if (last === undefined) {
    if (operation !== replace || value === null) throw misfit();
    return value;
  }
  let parent = root;
  for (const leg of legs.slice(0, -1)) parent = child(parent, leg);
  if (parent.kind === 'object' && typeof last === 'string') {
    const exists = parent.members.has(last);
    if (operation === remove ? !exists : exists !== (operation === replace)) throw misfit();
    if (value === null) parent.members.delete(last);
    else parent.members.set(last, value);
  } else if (parent.kind === 'array' && typeof last === 'number') {
    const exists = last < parent.items.length;
    if (operation !== insert && !exists) throw misfit();
    if (value === null) parent.items.splice(last, 1);
    else parent.items.splice(last, operation === replace ? 1 : 0, value);
  } else throw misfit();
  return root;
}

function child(node: JsonNode, leg: Leg): JsonNode {
  const found =
    node.kind === 'object' && typeof leg === 'string'
      ? node.members.get(leg)
      : node.kind === 'array' && typeof leg === 'number'
        ? node.items[leg]
        : undefined;
  if (found === undefined) throw misfit();
  return found;
}

function misfit(): Error {
  return unreadable('a JSON diff does not match the previous value');
}

/** `$.name."quoted name"[3]`, without wildcards: the only paths that diffs have. */
function parsePath(path: string): Leg[] {
  const legs: Leg[] = [];
  // A diff's path may come without the leading `$`.
  let at = path.startsWith('$') ? 1 : 0;
  while (at < path.length) {
    if (path[at] === '[') {
      const close = path.indexOf(']', at);
      const index = path.slice(at + 1, close);
      if (close < 0 || !/^\d+$/.test(index)) throw unreadable('a JSON diff has an unknown path');
      legs.push(Number(index));
      at = close + 1;
    } else if (path[at] === '.' && path[at + 1] === '"') {
      let end = at + 2;
      while (end < path.length && path[end] !== '"') end += path[end] === '\\' ? 2 : 1;
      legs.push(JSON.parse(path.slice(at + 1, end + 1)) as string);
      at = end + 1;
    } else if (path[at] === '.') {
      const name = /^[^.[]+/.exec(path.slice(at + 1))?.[0];
      if (name === undefined) throw unreadable('a JSON diff has an unknown path');
      legs.push(name);
      at += 1 + name.length;
    } else throw unreadable('a JSON diff has an unknown path');
  }
  return legs;
}
