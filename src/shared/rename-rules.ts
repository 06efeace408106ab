/** Rules that give many names at once, tables or columns that come later included. */
export interface RenameRules {
  prefix?: string | undefined;
  suffix?: string | undefined;
  replace?: readonly { from: string; to: string }[] | undefined;
}

/**
 * The name at the destination: replacements in their order, every occurrence letter by letter in the name of the
 * source; then the case; then what stands around, as it is written.
 */
export function ruledName(
  name: string,
  rules: RenameRules | undefined,
  fold: (name: string) => string,
): string {
  let middle = name;
  for (const { from, to } of rules?.replace ?? []) middle = middle.replaceAll(from, () => to);
  return (rules?.prefix ?? '') + fold(middle) + (rules?.suffix ?? '');
}
