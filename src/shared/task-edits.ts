import {
  applyEdits,
  findNodeAtLocation,
  modify,
  parseTree,
  type FormattingOptions,
  type Node,
} from 'jsonc-parser';
import * as z from 'zod';

/** One change to the task file: the value at a path, or its removal when `value` is absent. */
export const taskEdit = z.strictObject({
  path: z
    .array(z.union([z.string(), z.int().min(0)]))
    .min(1)
    .max(10),
  value: z.json().optional(),
});
export type TaskEdit = z.infer<typeof taskEdit>;

/**
 * The text with the edits in it; comments and layout outside the changed values stay. Edits are applied in order,
 * each to what the one before left. A list index equal to its length appends.
 */
export function applyTaskEdits(text: string, edits: readonly TaskEdit[]): string {
  const formattingOptions = formattingOf(text);
  const apart = edits.length > 4 ? partedObjects(text, edits) : undefined;
  if (apart) return editApart(text, apart, formattingOptions);
  let result = text;
  for (let at = 0; at < edits.length;) {
    const { path, value } = edits[at]!;
    result =
      (value === undefined ? withoutLast(result, path) : undefined) ??
      applyEdits(result, modify(result, path, value, { formattingOptions }));
    const more = followersOf(edits, at);
    const appended = more.length > 0 ? appendBehind(result, path, more, formattingOptions) : undefined;
    if (appended !== undefined) result = appended;
    at += appended === undefined ? 1 : 1 + more.length;
  }
  return result;
}

/**
 * Without the last element of a list. The library counts on a line end in front of the bracket, and takes the bracket's
 * place where there is none. undefined: the path is of something else.
 */
function withoutLast(text: string, path: TaskEdit['path']): string | undefined {
  if (typeof path.at(-1) !== 'number') return undefined;
  const node = findNodeAtLocation(parseTree(text, [], { allowTrailingComma: true })!, [...path]);
  const siblings = node?.parent?.children ?? [];
  const before = siblings.at(-2);
  if (!node || !before || siblings.at(-1) !== node) return undefined;
  return text.slice(0, before.offset + before.length) + text.slice(node.offset + node.length);
}

/** Values of the edits behind `at` that go on along the list in which it is, one element after the other. */
function followersOf(edits: readonly TaskEdit[], at: number): unknown[] {
  const { path } = edits[at]!;
  const first = path.at(-1);
  if (typeof first !== 'number') return [];
  const parent = JSON.stringify(path.slice(0, -1));
  const values: unknown[] = [];
  for (const { path, value } of edits.slice(at + 1)) {
    const follows = path.at(-1) === first + values.length + 1 && JSON.stringify(path.slice(0, -1)) === parent;
    if (!follows || value === undefined) break;
    values.push(value);
  }
  return values;
}

/**
 * Elements behind the one at `path`, laid out as that one is. One look at the text serves them all: a thousand tables
 * one after the other took seconds. undefined: it is not the last of its list, so that they would be other elements.
 */
function appendBehind(
  text: string,
  path: TaskEdit['path'],
  values: readonly unknown[],
  { insertSpaces, tabSize = 2, eol = '\n' }: FormattingOptions,
): string | undefined {
  const node = findNodeAtLocation(parseTree(text, [], { allowTrailingComma: true })!, [...path]);
  if (!node || node.parent?.children?.at(-1) !== node) return undefined;
  const end = node.offset + node.length;
  const before = text.slice(0, node.offset);
  // On a line of its own, with its indentation; else behind a space.
  const [own, indent = ''] = /\n([ \t]*)$/.exec(before) ?? [];
  const unit = insertSpaces === false ? '\t' : ' '.repeat(tabSize);
  const pieces = values.map((value) => {
    if (own === undefined) return `, ${JSON.stringify(value)}`;
    const lines = JSON.stringify(value, null, unit).split('\n');
    return `,${eol}${lines.map((line) => indent + line).join(eol)}`;
  });
  return text.slice(0, end) + pieces.join('') + text.slice(end);
}

interface PartedEdit {
  object: Node;
  key: string;
  value: TaskEdit['value'];
}

/**
 * Many edits, each of a property of an object of its own: those of a batch. They do not touch each other, so that one
 * look at the text serves them all; a thousand one after the other took a second. undefined: they are something else.
 */
function partedObjects(text: string, edits: readonly TaskEdit[]): PartedEdit[] | undefined {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (!root) return undefined;
  const parted: PartedEdit[] = [];
  for (const { path, value } of edits) {
    const key = path.at(-1);
    const object = findNodeAtLocation(root, path.slice(0, -1));
    if (typeof key !== 'string' || object?.type !== 'object') return undefined;
    parted.push({ object, key, value });
  }
  parted.sort((a, b) => a.object.offset - b.object.offset);
  const meet = parted.some(({ object }, index) => {
    const before = parted[index - 1]?.object;
    return before !== undefined && object.offset < before.offset + before.length;
  });
  return meet ? undefined : parted;
}

function editApart(text: string, edits: readonly PartedEdit[], formattingOptions: FormattingOptions): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { object, key, value } of edits) {
    const lineStart = text.lastIndexOf('\n', object.offset) + 1;
    // The indentation of its line goes with the object: the layout of what is added follows from it.
    const indent = /^[ \t]*/.exec(text.slice(lineStart, object.offset))![0];
    const own = indent + text.slice(object.offset, object.offset + object.length);
    const changed = applyEdits(own, modify(own, [key], value, { formattingOptions }));
    pieces.push(text.slice(at, object.offset), changed.slice(indent.length));
    at = object.offset + object.length;
  }
  return pieces.join('') + text.slice(at);
}

/** How the file is written: its own indentation and line ends. */
export function formattingOf(text: string): FormattingOptions {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  const tabs = indent.includes('\t');
  return {
    insertSpaces: !tabs,
    tabSize: tabs ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}

/** The one stretch in which two texts differ: replace [start, end) of the old by `text`. Offsets in UTF-16 units. */
export function difference(
  before: string,
  after: string,
): { start: number; end: number; text: string } | null {
  if (before === after) return null;
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail])
    tail++;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}
