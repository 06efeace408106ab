import { applyEdits, modify, type FormattingOptions } from 'jsonc-parser';
import type { TaskEdit } from './pages.js';

/**
 * The text with the edits in it; comments and layout outside the changed values stay. Edits are applied in order,
 * each to what the one before left. A list index equal to its length appends.
 */
export function applyTaskEdits(text: string, edits: readonly TaskEdit[]): string {
  const formattingOptions = formattingOf(text);
  let result = text;
  for (const { path, value } of edits) {
    result = applyEdits(result, modify(result, path, value, { formattingOptions }));
  }
  return result;
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
