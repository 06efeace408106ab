/** In a pattern: any letters, and any one letter. */
export const anyLetters = Symbol('any letters');
export const anyLetter = Symbol('any letter');
export type Pattern = readonly (string | typeof anyLetters | typeof anyLetter)[];

/**
 * Is the text as the pattern says, whose other members are single letters? The time grows with the product of both
 * lengths; a regular expression with as many `.*` would try every way to divide the text among them.
 */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  let at = 0;
  let next = 0;
  /** Where the last `anyLetters` stands, and up to where it reaches. */
  let open = -1;
  let reaches = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === anyLetters) {
      open = next++;
      reaches = at;
    } else if (wanted !== undefined && (wanted === anyLetter || wanted === text[at])) {
      next++;
      at++;
    } else if (open >= 0) {
      next = open + 1;
      at = ++reaches;
    } else return false;
  }
  while (pattern[next] === anyLetters) next++;
  return next === pattern.length;
}

/** `*` stands for any letters. */
export function matchesGlob(glob: string, name: string, caseSensitive = true): boolean {
  const fold = (text: string) => (caseSensitive ? text : Array.from(text, upper).join(''));
  return matchesPattern(
    Array.from(fold(glob).split(''), (letter) => (letter === '*' ? anyLetters : letter)),
    fold(name),
  );
}

/** Where that is one letter too. */
function upper(letter: string): string {
  const folded = letter.toUpperCase();
  return folded.length === letter.length ? folded : letter;
}
