/** One word for a POSIX shell, or on Windows for PowerShell. */
export function shellWord(word: string, isWindows: boolean): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return isWindows ? `"${word.replaceAll('"', '\\"')}"` : `'${word.replaceAll("'", `'\\''`)}'`;
}
