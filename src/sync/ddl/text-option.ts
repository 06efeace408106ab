import type { Cursor } from './cursor.js';
import {
  canonicalCharset,
  canonicalCollation,
  charsetOfCollation,
  collationOf,
  type TextDefaults,
} from './text-defaults.js';

/** `[DEFAULT] CHARACTER SET x [COLLATE y]` in any order, or undefined. */
export function readTextDefaults(c: Cursor): TextDefaults | undefined {
  const start = c.at;
  let charset: string | null = null;
  let collation: string | null = null;
  for (;;) {
    const before = c.at;
    c.take('DEFAULT');
    if (c.takeCharset()) charset = c.optionValue().toLowerCase();
    else if (c.take('COLLATE')) collation = c.optionValue();
    else {
      c.at = before;
      break;
    }
  }
  if (c.at === start) return undefined;
  const given = collation === null ? null : canonicalCollation(collation);
  const named = charset === null ? charsetOfCollation(given!) : canonicalCharset(charset);
  return { charset: named, collation: given ?? collationOf(named, c.context) };
}
