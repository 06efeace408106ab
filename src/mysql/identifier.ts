/** `name` as MySQL wants an identifier quoted. A file of its own: who only writes SQL need not load a driver. */
export function identifier(name: string): string {
  return '`' + name.replaceAll('`', '``') + '`';
}

/** `'user'@'host'` from CURRENT_USER()'s user@host; a user name may hold an @, a host may not. */
export function quotedAccount(account: string): string {
  const at = account.lastIndexOf('@');
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  return `${quote(account.slice(0, at))}@${quote(account.slice(at + 1))}`;
}
